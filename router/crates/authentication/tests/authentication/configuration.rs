//! What is half configured is refused at the start, with what to do.

use braid_authentication::Authenticator;
use braid_settings::from_yaml;
use serde_json::json;

use crate::support::Issuer;

#[tokio::test]
async fn half_a_configuration_is_refused() {
    let key = Issuer::es256("one").jwk;
    let inline = json!({ "inline": [key] });
    let (issuers, audiences) = ("issuers: [a]", "audiences: [a]");
    let mut private = key.clone();
    private["use"] = json!("enc");
    for (provider, problem) in [
        (format!("{{ name: a, {audiences}, keys: {inline} }}"), "give its issuers, or any_issuer"),
        (format!("{{ name: a, {issuers}, keys: {inline} }}"), "give audiences, or any_audience"),
        (format!("{{ name: a, {issuers}, any_issuer: true, {audiences}, keys: {inline} }}"), "not both"),
        (format!("{{ name: \"\", {issuers}, {audiences}, keys: {inline} }}"), "give it a name"),
        (format!("{{ name: a, {issuers}, {audiences}, algorithms: [], keys: {inline} }}"), "at least one"),
        (format!("{{ name: a, {issuers}, {audiences}, algorithms: [HS256], keys: {inline} }}"), "could sign with them"),
        (
            format!("{{ name: a, {issuers}, {audiences}, algorithms: [RS256], keys: {inline} }}"),
            "none of its algorithms",
        ),
        (format!("{{ name: a, {issuers}, {audiences}, keys: {{ inline: [{private}] }} }}"), "not for signatures"),
        (format!("{{ name: a, {issuers}, {audiences}, keys: {{ inline: [] }} }}"), "has no keys"),
        (format!("{{ name: a, {issuers}, {audiences}, keys: {{ secret: abc }} }}"), "list HS256"),
        (format!("{{ name: a, {issuers}, {audiences}, algorithms: [HS256], keys: {{ secret: abc }} }}"), "3 bytes"),
        (format!("{{ name: a, {issuers}, {audiences}, keys: {{ file: /none.json }} }}"), "/none.json"),
        (format!("{{ name: a, {issuers}, {audiences}, keys: {{ url: {{ url: \"ftp://a\" }} }} }}"), "http://"),
        (
            format!(
                "{{ name: a, {issuers}, {audiences}, keys: {{ url: {{ url: \"http://a\", poll_interval: 0s }} }} }}"
            ),
            "at least 1s",
        ),
        (
            format!(
                "{{ name: a, {issuers}, {audiences}, keys: {inline} }}, {{ name: a, {issuers}, {audiences}, keys: {inline} }}"
            ),
            "two with the name",
        ),
    ] {
        check(&format!("jwt: {{ providers: [{provider}] }}"), problem);
    }
    let good = format!("providers: [{{ name: a, {issuers}, {audiences}, keys: {inline} }}]");
    check(&format!("jwt: {{ {good}, sources: [] }}"), "at least one place");
    check(&format!("jwt: {{ {good}, sources: [{{ header: {{ name: \"a b\" }} }}] }}"), "not the name of a header");
    check(&format!("jwt: {{ {good}, sources: [{{ cookie: {{ name: \"a;b\" }} }}] }}"), "not the name of a cookie");
    check("required: true", "nobody could send a request");
    check("api_keys: { file: /none.yaml }", "/none.yaml");
}

fn check(yaml: &str, problem: &str) {
    let error = Authenticator::new(&from_yaml(yaml).unwrap(), None).unwrap_err();
    assert!(error.contains(problem), "{yaml}\n{error}");
}
