//! Reports of `check`, `diff` and `lint`: in several formats at once, each to standard output or a file.

use std::io::{IsTerminal, Write};

use braid_schema_checks::config::{AllowEntry, FailOn};
use braid_schema_checks::output::{Format, markdown, render};
use braid_schema_checks::report::Report;
use clap::{Args, ValueEnum};

use super::terminal::{Failure, print, read_file};

/// Options for reports.
#[derive(Debug, Args)]
pub(super) struct Reporting {
    /// table, json, markdown, github, gitlab, sarif or junit; =FILE writes it to a file. Can be repeated
    #[arg(long = "format", value_name = "FORMAT[=FILE]", value_parser = target)]
    formats: Vec<Target>,
    /// Whether the table has colours
    #[arg(long, value_enum, default_value_t = Color::Auto)]
    color: Color,
    /// Exit with 0 whatever is found; input that can't be read still fails
    #[arg(long)]
    exit_zero: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Color {
    /// Only at a terminal
    Auto,
    Always,
    Never,
}

#[derive(Debug, Clone)]
struct Target {
    format: Format,
    file: Option<String>,
}

fn target(text: &str) -> Result<Target, String> {
    let (name, file) = text.split_once('=').map_or((text, None), |(name, file)| (name, Some(file.to_owned())));
    let format = Format::named(name).ok_or_else(|| {
        let names: Vec<&str> = Format::ALL.iter().map(|(_, name)| *name).collect();
        format!("there is no format \"{name}\"; there are {}", names.join(", "))
    })?;
    if file.as_deref() == Some("") {
        return Err(format!("give a file after \"{name}=\""));
    }
    Ok(Target { format, file })
}

impl Reporting {
    /// Writes the report in all formats that were asked for. An error has the exit code.
    pub(super) fn finish(self, report: &Report) -> Result<(), Failure> {
        let default = [Target { format: Format::Table, file: None }];
        let targets = if self.formats.is_empty() { &default[..] } else { &self.formats };
        for target in targets {
            match &target.file {
                Some(file) => write_file(file, &render(report, target.format, false))?,
                None => print(&render(report, target.format, self.colors()))?,
            }
        }
        if targets.iter().any(|target| target.format == Format::GitHub) {
            write_step_summary(report)?;
        }
        match report.exit_code() {
            0 => Ok(()),
            1 if self.exit_zero => Ok(()),
            code => Err(Failure::Checked(code)),
        }
    }

    fn colors(&self) -> bool {
        match self.color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => {
                let unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
                !unwanted && std::io::stdout().is_terminal()
            }
        }
    }
}

fn write_file(file: &str, text: &str) -> Result<(), Failure> {
    std::fs::write(file, text).map_err(|error| Failure::Usage(format!("{file} can't be written: {error}")))
}

/// GitHub shows the content of this file on the page of the workflow run.
fn write_step_summary(report: &Report) -> Result<(), Failure> {
    let Some(file) = std::env::var_os("GITHUB_STEP_SUMMARY").filter(|file| !file.is_empty()) else { return Ok(()) };
    let opened = std::fs::OpenOptions::new().create(true).append(true).open(&file);
    let written = opened.and_then(|mut file| file.write_all(markdown(report).as_bytes()));
    written.map_err(|error| Failure::Usage(format!("GITHUB_STEP_SUMMARY can't be written: {error}")))
}

/// Options for which changes fail a check.
#[derive(Debug, Args)]
pub(super) struct Strictness {
    /// The lowest severity that fails the check
    #[arg(long, value_enum, value_name = "SEVERITY")]
    fail_on: Option<FailOnArgument>,
    /// Allow the change with this id; its reason must be in the allow file. Can be repeated
    #[arg(long, value_name = "ID", alias = "allow-breaking")]
    allow: Vec<String>,
    /// Intended changes: a YAML list of {id, reason, until}
    #[arg(long, value_name = "FILE")]
    allow_file: Option<std::path::PathBuf>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum FailOnArgument {
    Dangerous,
    Breaking,
    None,
}

impl Strictness {
    pub(super) fn fail_on(&self) -> Option<FailOn> {
        Some(match self.fail_on? {
            FailOnArgument::Dangerous => FailOn::Dangerous,
            FailOnArgument::Breaking => FailOn::Breaking,
            FailOnArgument::None => FailOn::None,
        })
    }

    /// The entries of the allow file. Every id on the command line must be among them or among `known`.
    pub(super) fn allowances(&self, known: &[AllowEntry]) -> Result<Vec<AllowEntry>, Failure> {
        let mut entries = Vec::new();
        if let Some(path) = &self.allow_file {
            let text = read_file(path)?;
            entries = braid_settings::from_yaml::<Vec<AllowEntry>>(&text)
                .map_err(|error| Failure::Usage(format!("{}: {error}", path.display())))?;
        }
        if let Some(entry) = entries.iter().chain(known).find(|entry| entry.reason.trim().is_empty()) {
            return Err(Failure::Usage(format!("the entry of the allow list for {} has no reason", entry.id)));
        }
        for id in &self.allow {
            if !entries.iter().chain(known).any(|entry| entry.id == *id) {
                return Err(Failure::Usage(format!(
                    "--allow {id} has no reason: add {{ id: \"{id}\", reason: \"…\" }} to a file and give it by --allow-file"
                )));
            }
        }
        Ok(entries)
    }
}
