//! What AWS Lambda says about a function by environment variables. Knows no event.

use std::ffi::OsString;
use std::path::PathBuf;

use http::Uri;

/// Where the runtime API is.
const RUNTIME_API: &str = "AWS_LAMBDA_RUNTIME_API";

/// The arguments of this process. AWS Lambda, and what emulates it, start a program without any: they then are the command `lambda`.
pub fn arguments() -> Vec<OsString> {
    let mut arguments: Vec<_> = std::env::args_os().collect();
    if arguments.len() == 1 && std::env::var_os(RUNTIME_API).is_some() {
        arguments.push("lambda".into());
    }
    arguments
}

/// The folder with what was deployed. Emulators don't say where it is, but start functions in it as AWS does.
pub fn task_root() -> PathBuf {
    std::env::var_os("LAMBDA_TASK_ROOT").map_or_else(|| PathBuf::from("."), PathBuf::from)
}

/// What is wrong with the variables, if anything is.
pub(crate) fn problem() -> Option<String> {
    problem_of(|name| std::env::var_os(name))
}

fn problem_of(variable: impl Fn(&str) -> Option<OsString>) -> Option<String> {
    let text = |name: &str| variable(name).and_then(|value| value.into_string().ok());
    let needed =
        [RUNTIME_API, "AWS_LAMBDA_FUNCTION_NAME", "AWS_LAMBDA_FUNCTION_VERSION", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE"];
    if let Some(missing) = needed.into_iter().find(|name| text(name).is_none()) {
        return Some(format!(
            "{missing} is not set: AWS Lambda sets it, and `cargo lambda watch` does on your machine; without them, use the command that serves"
        ));
    }
    let api = text(RUNTIME_API)?;
    // AWS gives a host and a port, `cargo lambda` a URL with a path.
    if api.parse::<Uri>().ok().as_ref().and_then(Uri::authority).is_none() {
        return Some(format!("{RUNTIME_API} is no address: \"{api}\""));
    }
    let memory = text("AWS_LAMBDA_FUNCTION_MEMORY_SIZE")?;
    memory.parse::<i32>().is_err().then(|| format!("AWS_LAMBDA_FUNCTION_MEMORY_SIZE is no number: \"{memory}\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_or_wrong_is_named() {
        let with = |changed: &str, value: Option<&str>| {
            problem_of(|name| match name {
                name if name == changed => value.map(OsString::from),
                RUNTIME_API => Some("127.0.0.1:9001".into()),
                "AWS_LAMBDA_FUNCTION_MEMORY_SIZE" => Some("512".into()),
                _ => Some("braid".into()),
            })
        };
        assert_eq!(with("nothing", None), None);
        assert_eq!(with(RUNTIME_API, Some("http://127.0.0.1:9000/braid")), None);
        for (name, value, expected) in [
            (RUNTIME_API, None, "AWS_LAMBDA_RUNTIME_API is not set"),
            (RUNTIME_API, Some("http://a b/"), "is no address"),
            (RUNTIME_API, Some("/path"), "is no address"),
            ("AWS_LAMBDA_FUNCTION_NAME", None, "AWS_LAMBDA_FUNCTION_NAME is not set"),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", Some("much"), "is no number"),
        ] {
            let problem = with(name, value).unwrap_or_default();
            assert!(problem.contains(expected), "{problem}");
        }
    }
}
