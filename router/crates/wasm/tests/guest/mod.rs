//! Components for tests and benches, made of a few lines of WebAssembly text for each function that they export. Included by path. Knows no hook.
#![allow(dead_code, reason = "each test file uses its part")]

use std::fmt::Write;

/// The interfaces of stages.
pub const REQUEST: &str = "on-request";
pub const OPERATION: &str = "on-operation";
pub const EXECUTION: &str = "on-execution";
pub const SUBGRAPH_REQUEST: &str = "on-subgraph-request";
pub const SUBGRAPH_RESPONSE: &str = "on-subgraph-response";
pub const EXECUTED: &str = "on-executed";
pub const RESPONSE: &str = "on-response";

pub const ALL: [&str; 7] = [REQUEST, OPERATION, EXECUTION, SUBGRAPH_REQUEST, SUBGRAPH_RESPONSE, EXECUTED, RESPONSE];

/// What bodies can call: the name that they use, the interface and the function, parameters and result as component types, the parameters as
/// core types. All results are written to a place in memory (1024: whether there is one, 1028: where, 1032: how long).
const FUNCTIONS: [(&str, &str, &str, &str, &str, &str); 11] = [
    ("get", "headers", "get", STRING, OPTION, "i32 i32"),
    ("set", "headers", "set", STRINGS, RESULT, "i32 i32 i32 i32"),
    ("header", "request", "header", STRING, OPTION, "i32 i32"),
    ("claim", "request", "claim", STRING, OPTION, "i32 i32"),
    ("set-claims", "request", "set-claims", "(param \"claims\" (option string))", RESULT, "i32 i32 i32"),
    ("entry", "request", "entry", STRING, OPTION, "i32 i32"),
    ("set-entry", "request", "set-entry", ENTRY, RESULT, "i32 i32 i32 i32 i32"),
    ("set-name", "operation", "set-name", "(param \"name\" (option string))", RESULT, "i32 i32 i32"),
    ("set-extension", "subgraph-request", "set-extension", STRINGS, RESULT, "i32 i32 i32 i32"),
    ("set-answer-status", "graphql-response", "set-status", "(param \"status\" u16)", RESULT, "i32"),
    ("set-status", "http-response", "set-status", "(param \"status\" u16)", RESULT, "i32"),
];
const ENTRY: &str = "(param \"name\" string) (param \"value\" (option string))";
const STRING: &str = "(param \"name\" string)";
const STRINGS: &str = "(param \"name\" string) (param \"value\" string)";
const OPTION: &str = "(result (option string))";
const RESULT: &str = "(result (result (error string)))";

/// Memory, and an allocator that begins anew with each call.
const LIBC: &str = r#"
  (core module $libc-module
    (memory (export "memory") 2)
    (global $next (mut i32) (i32.const 65536))
    (func (export "realloc") (param i32 i32 i32 i32) (result i32)
      (local $at i32)
      (local.set $at (i32.and (i32.add (global.get $next) (i32.const 7)) (i32.const -8)))
      (global.set $next (i32.add (local.get $at) (local.get 3)))
      (local.get $at))
    (func (export "reset") (global.set $next (i32.const 65536))))
  (core instance $libc (instantiate $libc-module))
  (alias core export $libc "memory" (core memory $memory))
  (alias core export $libc "realloc" (core func $realloc))
"#;

/// Functions for bodies. A refusal has the status 403, and the message "No.".
const HELPERS: &str = r#"
    (func $refuse (param $code i32) (param $length i32)
      (i32.store8 (i32.const 1088) (i32.const 1))
      (i32.store16 (i32.const 1092) (i32.const 403))
      (i32.store (i32.const 1096) (local.get $code)) (i32.store (i32.const 1100) (local.get $length))
      (i32.store (i32.const 1104) (i32.const 2000)) (i32.store (i32.const 1108) (i32.const 3))
      (i32.store (i32.const 1112) (i32.const 0)) (i32.store (i32.const 1116) (i32.const 0))
      (i32.store8 (i32.const 1120) (i32.const 0)))
    (func $has (param $name i32) (param $length i32) (result i32)
      (call $get (local.get $name) (local.get $length) (i32.const 1024))
      (i32.load8_u (i32.const 1024)))
    (func $put (param $name i32) (param $length i32) (param $value i32) (param $long i32)
      (call $set (local.get $name) (local.get $length) (local.get $value) (local.get $long) (i32.const 1024)))
    (func (export "after") (param i32) (call $reset))
    (func (export "start") (param $config i32) (param $length i32) (result i32)
      ;; A JSON string is an error.
      (i32.store8 (i32.const 1088) (i32.eq (i32.load8_u (local.get $config)) (i32.const 34)))
      (i32.store (i32.const 1092) (local.get $config)) (i32.store (i32.const 1096) (local.get $length))
      (i32.const 1088))
    (func (export "decide") (param $known i32) (param i32 i32) (param $policies i32) (param $number i32) (result i32)
      ;; Whoever is known satisfies all policies.
      (i32.store (i32.const 1088) (local.get $policies))
      (i32.store (i32.const 1092) (i32.mul (local.get $number) (local.get $known)))
      (i32.const 1088))
    (data (i32.const 2000) "No.")
"#;

/// A component that starts, and handles stages with these bodies. `(str "…")` in a body is the place and the length of a text.
pub fn hook(handlers: &[(&str, &str)]) -> Vec<u8> {
    component(handlers, &["start"])
}

/// A component that decides policies, and does nothing else.
pub fn policies() -> Vec<u8> {
    component(&[], &["policies"])
}

fn component(handlers: &[(&str, &str)], others: &[&str]) -> Vec<u8> {
    let text = text(handlers, others);
    wat::parse_str(&text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

fn text(handlers: &[(&str, &str)], others: &[&str]) -> String {
    let (mut outer, mut imports, mut with, mut functions, mut exports) =
        (String::new(), String::new(), String::new(), String::new(), String::new());
    for interface in ["request", "headers", "operation", "subgraph-request", "graphql-response", "http-response"] {
        let of = FUNCTIONS.iter().filter(|function| function.1 == interface);
        let items: String =
            of.map(|(_, _, name, params, result, _)| format!("(export \"{name}\" (func {params} {result}))")).collect();
        line(&mut outer, &format!("(import \"braid:hooks/{interface}@0.1.0\" (instance ${interface} {items}))"));
    }
    outer.push_str(LIBC);
    for (name, interface, function, _, _, core) in FUNCTIONS {
        line(&mut outer, &format!("(alias export ${interface} \"{function}\" (func $of-{name}))"));
        line(
            &mut outer,
            &format!("(core func ${name} (canon lower (func $of-{name}) (memory $memory) (realloc $realloc)))"),
        );
        line(&mut imports, &format!("(import \"\" \"{name}\" (func ${name} (param {core} i32)))"));
        line(&mut with, &format!("(export \"{name}\" (func ${name}))"));
    }
    let lifted = "(memory $memory) (realloc $realloc) (post-return $after)";
    let (mut texts, mut at) = (String::new(), 3000);
    for (interface, body) in handlers {
        let body = placed(body, &mut texts, &mut at);
        let begin = "(result i32) (i32.store8 (i32.const 1088) (i32.const 0))";
        line(&mut functions, &format!("(func (export \"{interface}\") {begin} {body} (i32.const 1088))"));
        line(&mut exports, &format!("(alias core export $main \"{interface}\" (core func $core-{interface}))"));
        let lift = format!("(canon lift (core func $core-{interface}) {lifted})");
        line(&mut exports, &format!("(func ${interface} (result (result (error $refusal))) {lift})"));
        line(&mut exports, &format!("(instance $i-{interface} (export \"handle\" (func ${interface})))"));
        line(&mut exports, &format!("(export \"braid:hooks/{interface}@0.1.0\" (instance $i-{interface}))"));
    }
    for other in others {
        let (function, signature) = match *other {
            "start" => ("start", "(param \"config\" string) (result (result (error string)))"),
            _ => (
                "decide",
                "(param \"claims\" (option string)) (param \"policies\" (list string)) (result (list string))",
            ),
        };
        line(&mut exports, &format!("(alias core export $main \"{function}\" (core func $core-{function}))"));
        line(
            &mut exports,
            &format!("(func ${function} {signature} (canon lift (core func $core-{function}) {lifted}))"),
        );
        line(&mut exports, &format!("(instance $i-{function} (export \"{function}\" (func ${function})))"));
        line(&mut exports, &format!("(export \"braid:hooks/{other}@0.1.0\" (instance $i-{function}))"));
    }
    let refusal = "(record (field \"status\" u16) (field \"code\" string) (field \"message\" string) (field \"headers\" (list (tuple string string))) (field \"body\" (option string)))";
    format!(
        r#"(component
  (import "braid:hooks/types@0.1.0" (instance $types
    (type $refusal-record {refusal})
    (export "refusal" (type (eq $refusal-record)))))
  (alias export $types "refusal" (type $refusal))
  {outer}
  (core module $main-module
    (import "libc" "memory" (memory 2))
    (import "libc" "reset" (func $reset))
    {imports}
    {HELPERS}
    {texts}
    {functions})
  (core instance $main (instantiate $main-module
    (with "libc" (instance $libc))
    (with "" (instance {with}))))
  (alias core export $main "after" (core func $after))
  {exports})"#
    )
}

fn line(text: &mut String, line: &str) {
    text.push_str(line);
    text.push_str("\n    ");
}

/// The body with the places of its texts.
fn placed(body: &str, texts: &mut String, at: &mut usize) -> String {
    let mut out = String::new();
    let mut rest = body;
    while let Some((before, after)) = rest.split_once("(str \"") {
        let (text, after) = after.split_once("\")").unwrap();
        let length = text.replace("\\22", "\"").len();
        let _ = write!(out, "{before}(i32.const {at}) (i32.const {length})");
        line(texts, &format!("(data (i32.const {at}) \"{text}\")"));
        *at += length;
        rest = after;
    }
    out + rest
}
