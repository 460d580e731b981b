//! The text of an operation, and after a zero byte its variables.
#![no_main]

use braid_fuzz::{COMPILER, run};
use libfuzzer_sys::fuzz_target;
use serde_json::value::RawValue;

fuzz_target!(|bytes: &[u8]| {
    let mut parts = bytes.splitn(2, |byte| *byte == 0);
    let Some(Ok(text)) = parts.next().map(std::str::from_utf8) else { return };
    let variables: Option<&RawValue> = match parts.next().map(serde_json::from_slice) {
        None => None,
        Some(Ok(variables)) => Some(variables),
        Some(Err(_)) => return,
    };
    if let Ok(operation) = COMPILER.compile(text, None) {
        run(&operation, variables, 200, &[b"{\"data\":{}}"]);
    }
});
