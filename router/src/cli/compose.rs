//! `braid compose`: subgraphs in, supergraph or diagnostics out.

use std::fmt::Write as _;
use std::io::IsTerminal;
use std::path::PathBuf;

use annotate_snippets::Renderer;
use braid_composition::{Code, Composer, Diagnostic, Explanation, Level, SubgraphSdl, explain};
use braid_net::chain;
use braid_transport::config::TrafficConfig;
use clap::{Args, ValueEnum};
use serde_json::json;

use super::terminal::{Failure, block_on, complain, print};
use super::variant::Variant;
use crate::assemble;
use crate::excerpt::with_excerpts;
use crate::source::{Source, SourceError};

/// Compose subgraphs into a supergraph.
#[derive(Debug, Args)]
pub(super) struct Compose {
    /// A supergraph.yaml that lists the subgraphs
    #[arg(value_name = "supergraph.yaml", required_unless_present = "explain")]
    subgraphs: Option<PathBuf>,
    /// Write the supergraph to a file
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// The format of diagnostics
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Explain an error or hint code, and how to fix it
    #[arg(long, value_name = "CODE", conflicts_with = "subgraphs")]
    explain: Option<String>,
    #[command(flatten)]
    variant: Variant,
}

/// The format of diagnostics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people, on standard error
    Text,
    /// For programs, on standard output
    Json,
    /// Annotations for GitHub Actions, on standard output
    Github,
}

impl Compose {
    pub(super) fn run(self) -> Result<(), Failure> {
        match (self.explain, self.subgraphs) {
            (Some(code), _) => print_explanation(&code),
            (None, Some(subgraphs)) => block_on(compose(subgraphs, self.output, self.format, self.variant)),
            (None, None) => Err(Failure::Usage("give a supergraph.yaml".to_owned())),
        }
    }
}

async fn compose(subgraphs: PathBuf, output: Option<PathBuf>, format: Format, variant: Variant) -> Result<(), Failure> {
    match Source::Subgraphs(subgraphs.clone()).load(&mut Composer::default(), &TrafficConfig::default()).await {
        Ok(loaded) => {
            let sdl = &variant.of(loaded.supergraph_sdl, &subgraphs)?;
            if let Some(path) = &output {
                std::fs::write(path, sdl)
                    .map_err(|error| Failure::Unreadable(format!("{} can't be written: {error}", path.display())))?;
            }
            // Composition succeeds all the same: other routers may serve it.
            let refusal = assemble::read(sdl, None).err().map(|error| chain(&error));
            let refused = |before: &str| {
                refusal
                    .iter()
                    .map(|why| format!("{before}`braid serve` refuses this supergraph: {why}\n"))
                    .collect::<String>()
            };
            match format {
                Format::Json => print(&in_json(Some(sdl), &[], &loaded.hints, refusal.as_deref())),
                Format::Github => {
                    let hints = show(format, &[], &loaded.hints, &loaded.subgraphs);
                    print(&format!("{hints}{}", refused("::warning::")))
                }
                Format::Text => {
                    complain(&show(format, &[], &loaded.hints, &loaded.subgraphs));
                    complain(&refused("warning: "));
                    if output.is_none() { print(sdl) } else { Ok(()) }
                }
            }
        }
        Err(SourceError::DoesNotCompose { errors, hints, subgraphs }) => {
            match format {
                Format::Json => print(&in_json(None, &errors, &hints, None))?,
                Format::Github => print(&show(format, &errors, &hints, &subgraphs))?,
                Format::Text => complain(&show(format, &errors, &hints, &subgraphs)),
            }
            Err(Failure::Negative)
        }
        Err(error @ SourceError::Invalid { .. }) => Err(Failure::Usage(chain(&error))),
        Err(error @ SourceError::Panicked(_)) => Err(Failure::Other(chain(&error))),
        Err(error) => Err(Failure::Unreadable(chain(&error))),
    }
}

fn print_explanation(code: &str) -> Result<(), Failure> {
    match Code::find(code) {
        Some(code) => {
            let Explanation { summary, text, example, .. } = explain(code);
            let example = example.replace('\n', "\n    ");
            print(&format!("{code}\n\n{summary} {text}\n\n    {example}\n"))
        }
        None => Err(Failure::Usage(format!(
            "\"{code}\" is not a composition code; docs/composition-codes.md lists all of them"
        ))),
    }
}

/// Diagnostics as text or annotations.
pub(crate) fn show(format: Format, errors: &[Diagnostic], hints: &[Diagnostic], subgraphs: &[SubgraphSdl]) -> String {
    let mut out = String::new();
    let colored = std::env::var_os("NO_COLOR").is_none() && std::io::stderr().is_terminal();
    let renderer = if colored { Renderer::styled() } else { Renderer::plain() };
    let hints = hints.iter().filter(|hint| hint.level > Level::Debug);
    for diagnostic in errors.iter().chain(hints) {
        let _ = match format {
            Format::Github => writeln!(out, "{}", annotation(diagnostic)),
            _ => write!(out, "{}", with_excerpts(diagnostic, subgraphs, &renderer)),
        };
    }
    if format == Format::Text && !errors.is_empty() {
        let plural = if errors.len() == 1 { "" } else { "s" };
        let _ = writeln!(out, "{} error{plural}. `braid compose --explain CODE` explains a code.", errors.len());
    }
    out
}

fn in_json(supergraph: Option<&str>, errors: &[Diagnostic], hints: &[Diagnostic], refusal: Option<&str>) -> String {
    let report = json!({ "success": supergraph.is_some(), "supergraph": supergraph, "errors": errors, "hints": hints, "refusal": refusal });
    format!("{report:#}\n")
}

/// <https://docs.github.com/actions/reference/workflow-commands-for-github-actions>
fn annotation(diagnostic: &Diagnostic) -> String {
    let command = match diagnostic.level {
        Level::Error => "error",
        Level::Warn => "warning",
        Level::Info | Level::Debug => "notice",
    };
    let mut properties = vec![format!("title={}", property(&diagnostic.code.to_string()))];
    if let Some(at) = diagnostic.locations.first() {
        properties.push(format!("file={},line={},col={}", property(&at.file), at.line, at.column));
        properties.push(format!("endLine={},endColumn={}", at.end_line, at.end_column));
    }
    let mut text = diagnostic.message.clone();
    if let Some(help) = &diagnostic.help {
        let _ = write!(text, "\n{help}");
    }
    format!("::{command} {}::{}", properties.join(","), escaped(&text))
}

fn escaped(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    escaped(text).replace(':', "%3A").replace(',', "%2C")
}
