//! Settings from files: `NAME_FILE` says where the value of `NAME` is, as containers get their secrets.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::Command;

/// Why a setting can't be read from a file.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Problem {
    #[error("{name} and {name}_FILE are both set; only one of them can be meant")]
    Twice { name: String },
    #[error("the file {} that {name}_FILE names can't be read: {reason}", .path.display())]
    Unreadable { name: String, path: PathBuf, reason: std::io::Error },
    #[error("the file {} that {name}_FILE names is empty", .path.display())]
    Empty { name: String, path: PathBuf },
}

/// The command with the values of files as defaults, so that a flag still goes first. `variable` gives what the environment has.
pub(crate) fn read(command: Command, variable: impl Fn(&str) -> Option<OsString>) -> Result<Command, Problem> {
    let mut found = Vec::new();
    for arg in command.get_arguments() {
        let Some(name) = arg.get_env().and_then(|name| name.to_str()) else { continue };
        let Some(path) = variable(&format!("{name}_FILE")) else { continue };
        if variable(name).is_some() {
            return Err(Problem::Twice { name: name.to_owned() });
        }
        found.push((arg.get_id().clone(), value(name, PathBuf::from(path))?));
    }
    Ok(found.into_iter().fold(command, |command, (id, value)| {
        // Help prints defaults, and this one may be a secret.
        command.mut_arg(id, |arg| arg.default_value(value).hide_default_value(true))
    }))
}

/// Without the line breaks at the end, which editors and `echo` write.
fn value(name: &str, path: PathBuf) -> Result<String, Problem> {
    let name = name.to_owned();
    match std::fs::read_to_string(&path) {
        Err(reason) => Err(Problem::Unreadable { name, path, reason }),
        Ok(text) => match text.trim_end_matches(['\n', '\r']) {
            "" => Err(Problem::Empty { name, path }),
            value => Ok(value.to_owned()),
        },
    }
}

#[cfg(test)]
mod tests {
    use clap::Arg;

    use super::*;

    fn command() -> Command {
        Command::new("service").arg(Arg::new("token").long("token").env("SECRET_FILES_TEST_TOKEN"))
    }

    fn environment<'a>(set: &'a [(&'a str, &'a str)]) -> impl Fn(&str) -> Option<OsString> + 'a {
        move |asked| set.iter().find(|(name, _)| *name == asked).map(|(_, value)| OsString::from(value))
    }

    fn token(set: &[(&str, &str)], line: &[&str]) -> Option<String> {
        let matches = read(command(), environment(set)).unwrap().get_matches_from(line);
        matches.get_one::<String>("token").cloned()
    }

    #[test]
    fn a_value_comes_from_the_file_unless_a_flag_says_otherwise() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        std::fs::write(&path, "two words\n").unwrap();
        let set = [("SECRET_FILES_TEST_TOKEN_FILE", path.to_str().unwrap())];
        assert_eq!(token(&set, &["service"]).as_deref(), Some("two words"));
        assert_eq!(token(&set, &["service", "--token", "flag"]).as_deref(), Some("flag"));
        assert_eq!(token(&[], &["service"]), None);
        let help = read(command(), environment(&set)).unwrap().render_help().to_string();
        assert!(help.contains("--token") && !help.contains("two words"), "{help}");
    }

    #[test]
    fn a_file_that_gives_no_value_is_an_error_that_names_it() {
        let folder = tempfile::tempdir().unwrap();
        let empty = folder.path().join("empty");
        std::fs::write(&empty, "\n").unwrap();
        let problem = |set: &[(&str, &str)]| read(command(), environment(set)).unwrap_err().to_string();
        let named = |path: &str| problem(&[("SECRET_FILES_TEST_TOKEN_FILE", path)]);
        assert!(named("/no/such/file").contains("/no/such/file that SECRET_FILES_TEST_TOKEN_FILE names can't be read"));
        assert!(named(empty.to_str().unwrap()).ends_with("is empty"));
        let both = problem(&[("SECRET_FILES_TEST_TOKEN", "a"), ("SECRET_FILES_TEST_TOKEN_FILE", "b")]);
        assert!(both.contains("both set"), "{both}");
    }
}
