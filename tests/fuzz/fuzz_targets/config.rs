//! The text of a configuration, and of a list of subgraphs. A configuration that can be read can be printed and read again.
#![no_main]

use std::path::Path;

use braid::config::Config;
use braid::source::supergraph_yaml::SupergraphYaml;
use braid_settings::expand;
use libfuzzer_sys::fuzz_target;

/// An environment where every variable is set and no file exists.
struct Given;

impl expand::Values for Given {
    fn env(&self, name: &str) -> Option<String> {
        Some(name.to_owned())
    }

    fn file(&self, _: &str) -> std::io::Result<String> {
        Err(std::io::ErrorKind::NotFound.into())
    }
}

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    // Otherwise it would use this process's environment and this machine's files.
    if !text.contains("${") {
        let _ = SupergraphYaml::parse(text, Path::new("/nowhere"));
    }
    let Ok(config) = Config::parse(text, &Given) else { return };
    let shown = serde_json::to_string(&config).expect("a configuration can be shown").replace('$', "$$");
    assert_eq!(Config::parse(&shown, &Given).unwrap(), config, "{shown}");
});
