//! Random operations with `@defer` and `@stream` over random federated worlds, run by graphql-js too (`npm ci` in `graphql-js`): it executes each over the
//! monolith's answer, and the parts of both must come to the same, be announced alike, and be empty or left out alike.
//!
//! With `GRAPHQL_JS=required`, the test fails when it is not installed. `WORLDS`, `OPS` and `SEED` make it longer or another.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    unreachable_pub,
    reason = "a panic in a test is its report, and a test is no API"
)]

#[path = "../node.rs"]
mod node;

use std::collections::BTreeSet;
use std::path::PathBuf;

use braid_executor::PartsFormat;
use braid_graphql::compiler::name;
use braid_tests::compare::setting;
use braid_tests::parts::Merged;
use braid_tests::put_off::{put_off, whole, with_type_names};
use braid_tests::trial::Trial;
use braid_tests::world::{Operation, Random, World};
use serde_json::{Value, json};

struct Case {
    title: String,
    operation: Operation,
    ours: [Vec<String>; 2],
}

fn merged(format: PartsFormat, messages: &[String]) -> Result<Merged, String> {
    let mut merged = Merged::default();
    for message in messages {
        match format {
            PartsFormat::Pending => merged.pending(message)?,
            PartsFormat::Path => merged.path(message)?,
        }
    }
    Ok(merged)
}

#[test]
fn parts_are_as_graphql_js_has_them() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("graphql-js");
    if !node::is_installed(&folder, "GRAPHQL_JS") {
        println!("skipped: `npm ci` in {} was not run", folder.display());
        return;
    }
    let (mut worlds, mut cases) = (Vec::new(), Vec::new());
    let first = setting("SEED", 1);
    for seed in first..first + setting("WORLDS", 40) {
        let Ok(trial) = Trial::new(&World::random(seed)) else { continue };
        let mut operations = Vec::new();
        for number in 0..setting("OPS", 10) {
            let seed = seed * 1000 + number;
            let Some(operation) = put_off(trial.api_schema(), &trial.operation(seed), &mut Random::new(seed)) else {
                continue;
            };
            let typed = with_type_names(&whole(&operation.text), &name!("braid__typename"));
            let typed = Operation { text: typed, variables: operation.variables.clone() };
            let Ok(data) = trial.expected(&typed) else { continue };
            let [Ok(Ok(pending)), Ok(Ok(path))] =
                [PartsFormat::Pending, PartsFormat::Path].map(|format| trial.in_parts(&operation, format))
            else {
                continue;
            };
            let data: Value = serde_json::from_str(&data).unwrap();
            operations.push(json!({ "query": operation.text, "variables": operation.variables, "data": data }));
            let title = format!("seed {} operation {number}", seed / 1000);
            cases.push(Case { title, operation, ours: [pending.messages, path.messages] });
        }
        worlds.push(json!({ "schema": trial.monolith(), "operations": operations }));
    }
    let answers: Vec<Vec<Value>> = node::ask(&folder, "GRAPHQL_JS", "incremental.mjs", &Value::Array(worlds)).unwrap();
    assert_eq!(answers.len(), cases.len());
    let mut differences = 0;
    for (case, answer) in cases.iter().zip(&answers) {
        if let Err(difference) = case.compare(answer) {
            differences += 1;
            if differences <= setting("SHOW", 10) {
                println!(
                    "{}: {difference}\n{}\n{}",
                    case.title,
                    case.operation.text,
                    Value::Object(case.operation.variables.clone())
                );
            }
        }
    }
    println!("{} operations, {differences} differences", cases.len());
    assert_eq!(differences, 0);
    assert!(cases.len() >= 300 || setting("WORLDS", 40) < 40, "{} operations", cases.len());
}

impl Case {
    fn compare(&self, reference: &[Value]) -> Result<(), String> {
        let theirs: Vec<String> = reference.iter().map(Value::to_string).collect();
        let their = merged(PartsFormat::Pending, &theirs)
            .map_err(|error| format!("graphql-js: {error}\n{}", theirs.join("\n")))?;
        for (format, ours) in [PartsFormat::Pending, PartsFormat::Path].into_iter().zip(&self.ours) {
            let said = || format!("\n{}\ngraphql-js\n{}", ours.join("\n"), theirs.join("\n"));
            let our = merged(format, ours).map_err(|error| format!("ours: {error}{}", said()))?;
            if our.data != their.data || our.errors != their.errors {
                return Err(format!("another end{}", said()));
            }
            let announced = |merged: &Merged| -> BTreeSet<String> {
                merged.announced.iter().map(|(path, label)| format!("{path} {label:?}")).collect()
            };
            if matches!(format, PartsFormat::Pending) && announced(&our) != announced(&their) {
                let (our, their) = (announced(&our), announced(&their));
                let more: Vec<_> = our.difference(&their).collect();
                let less: Vec<_> = their.difference(&our).collect();
                return Err(format!("more parts {more:?}, fewer {less:?}{}", said()));
            }
        }
        Ok(())
    }
}
