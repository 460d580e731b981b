//! What all commands share: how they print, read files and fail.

use std::io::Write;

/// Why a command did not succeed.
#[derive(Debug)]
pub(super) enum Failure {
    /// The input is not valid: subgraphs that do not compose, an invalid operation. The reasons have been printed.
    Negative,
    /// The command line or the configuration is invalid.
    Usage(String),
    /// Some input can't be read.
    Unreadable(String),
    /// A check ran and did not pass. Its report has been printed; this is its exit code.
    Checked(u8),
    /// Anything else.
    Other(String),
}

impl Failure {
    pub(super) fn exit_code(&self) -> u8 {
        match self {
            Self::Checked(code) => *code,
            Self::Other(_) => 1,
            Self::Negative => 2,
            Self::Usage(_) => 3,
            Self::Unreadable(_) => 4,
        }
    }
}

/// Prints a command's output.
pub(super) fn print(text: &str) -> Result<(), Failure> {
    let mut stdout = std::io::stdout().lock();
    let written = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
    match written {
        // The reader has closed the pipe, as `head` does.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        Err(error) => Err(Failure::Other(format!("the output can't be written: {error}"))),
        Ok(()) => Ok(()),
    }
}

/// Prints messages that are not a command's output.
pub(super) fn complain(text: &str) {
    // If standard error is closed, there is nowhere to report it.
    let _ = std::io::stderr().write_all(text.as_bytes());
}

/// Runs a future of a command that reads files and asks subgraphs.
pub(super) fn block_on<T>(future: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(|error| Failure::Other(format!("the runtime can't be started: {error}")))?.block_on(future)
}

/// The content of a file; `-` is standard input.
pub(super) fn read_file(path: &std::path::Path) -> Result<String, Failure> {
    let text = match path.to_str() {
        Some("-") => std::io::read_to_string(std::io::stdin()),
        _ => std::fs::read_to_string(path),
    };
    text.map_err(|error| Failure::Unreadable(format!("{} can't be read: {error}", path.display())))
}
