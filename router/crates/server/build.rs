//! Builds the page for browsers into an optimized router, if this machine has Node.js and the page is missing or older than its sources.
//! Whatever goes wrong, the router is built: it has its small page then. `BRAID_SKIP_PLAYGROUND=1` leaves Node.js alone.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant, SystemTime};

/// What the page is built from.
const SOURCES: [&str; 7] =
    ["index.html", "package.json", "package-lock.json", "vite.config.js", "src", "public", "fallback/tokens.js"];
/// How long each of the two steps may take.
const TIME: Duration = Duration::from_secs(300);

fn main() {
    println!("cargo::rerun-if-env-changed=BRAID_SKIP_PLAYGROUND");
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../playground");
    // The page itself is none of these: the compiler takes note of the files that it includes, and one just built would be newer than this build.
    for source in SOURCES {
        println!("cargo::rerun-if-changed={}", folder.join(source).display());
    }
    // Other builds read the page from its folder while they run.
    let is_optimized = std::env::var("PROFILE").is_ok_and(|profile| profile == "release");
    let is_skipped = std::env::var("BRAID_SKIP_PLAYGROUND").is_ok_and(|value| !value.is_empty() && value != "0");
    if is_optimized && !is_skipped && !is_current(&folder) && has_node() {
        let steps: [&[&str]; 2] =
            [&["ci", "--no-audit", "--no-fund", "--loglevel=error"], &["run", "--silent", "build"]];
        if let Some(failure) = steps.iter().find_map(|step| run(&folder, step).err()) {
            println!(
                "cargo::warning=GraphiQL can't be built, so the router has its small page ({failure}). BRAID_SKIP_PLAYGROUND=1 does not try."
            );
        }
    }
}

/// Whether the page is there, and not older than what it is built from.
fn is_current(folder: &Path) -> bool {
    let Some(built) = changed(&folder.join("dist/index.html.br")) else { return false };
    SOURCES.iter().filter_map(|source| newest(&folder.join(source))).all(|source| source <= built)
}

fn changed(path: &Path) -> Option<SystemTime> {
    fs::metadata(path).ok()?.modified().ok()
}

/// When the newest file at a path was changed.
fn newest(path: &Path) -> Option<SystemTime> {
    if !path.is_dir() {
        return changed(path);
    }
    fs::read_dir(path).ok()?.flatten().filter_map(|entry| newest(&entry.path())).max()
}

/// The name of npm's program.
const NPM: &str = if cfg!(windows) { "npm.cmd" } else { "npm" };

fn has_node() -> bool {
    [("node", "--version"), (NPM, "--version")].iter().all(|(program, argument)| {
        let mut command = Command::new(program);
        command.arg(argument).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    })
}

/// Runs a step of npm. Its output is no part of a build that works.
fn run(folder: &Path, arguments: &[&str]) -> Result<(), String> {
    let name = format!("npm {}", arguments.first().copied().unwrap_or_default());
    let mut command = Command::new(NPM);
    command.args(arguments).current_dir(folder);
    // Without a network it shall fail at once.
    command.env("npm_config_fetch_retries", "0").env("npm_config_prefer_offline", "true");
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = command.spawn().map_err(|error| format!("{name}: {error}"))?;
    let began = Instant::now();
    loop {
        match child.try_wait() {
            Ok(Some(status)) if status.success() => return Ok(()),
            Ok(Some(status)) => return Err(format!("{name}: {status}")),
            Ok(None) if began.elapsed() < TIME => std::thread::sleep(Duration::from_millis(50)),
            Ok(None) => {
                // It may have ended meanwhile.
                let _ = child.kill();
                let _ = child.wait();
                return Err(format!("{name} takes longer than {} s", TIME.as_secs()));
            }
            Err(error) => return Err(format!("{name}: {error}")),
        }
    }
}
