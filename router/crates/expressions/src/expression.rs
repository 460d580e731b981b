//! An expression, from its text to its value for a request. Knows no option that takes one.

use std::borrow::Cow;
use std::net::IpAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, LazyLock};

use cel::{Context, Env, Program, extensions};
use http::HeaderMap;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

use crate::check;
use crate::value;

/// What an expression can use of a request.
#[derive(Debug, Clone, Copy, Default)]
pub struct Inputs<'a> {
    /// `headers`: by name in lower case; several values are joined by `, `.
    pub headers: Option<&'a HeaderMap>,
    /// `claims`: those of whoever asks, and none of anonymous clients.
    pub claims: Option<&'a Map<String, Value>>,
    /// `client_ip`: the address of the client, or an empty text.
    pub client_ip: Option<IpAddr>,
}

/// An expression, compiled. Two are equal if their texts are.
#[derive(Clone)]
pub struct Expression {
    text: Arc<str>,
    program: Arc<Program>,
    uses: check::Uses,
}

/// Why a text is no expression.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{text}\", column {column}: {problem}")]
pub struct ExpressionError {
    /// The text, or its line.
    pub text: String,
    /// The column, from 1.
    pub column: usize,
    /// What is wrong.
    pub problem: String,
}

/// The standard library, and what can be done with texts.
static ENV: LazyLock<Arc<Env>> = LazyLock::new(|| {
    let mut env = Env::stdlib();
    // It declares its own functions, which nobody else has.
    let _ = env.add_extension(extensions::strings);
    Arc::new(env)
});

/// The most bytes of an expression.
const MAX_BYTES: usize = 1000;

impl Expression {
    /// Compiles an expression, and checks that it uses only what there is.
    pub fn new(text: &str) -> Result<Self, ExpressionError> {
        if text.len() > MAX_BYTES {
            let problem = format!("it is longer than {MAX_BYTES} bytes; use a plugin");
            return Err(ExpressionError { text: text.chars().take(40).collect(), column: 1, problem });
        }
        let own = text.to_owned();
        // The parser goes as deep as the text is nested, which is looked at only when it is parsed.
        let compiling = std::thread::Builder::new().stack_size(256 << 20).spawn(move || Self::compile(&own));
        let compiled = compiling.ok().and_then(|compiling| compiling.join().ok());
        compiled.unwrap_or_else(|| Err(ExpressionError::at(text, 0, "it can't be compiled".to_owned())))
    }

    fn compile(text: &str) -> Result<Self, ExpressionError> {
        let program = ENV.compile(text).map_err(|errors| match errors.errors.into_iter().next() {
            Some(error) => {
                let (line, column) = error.pos;
                let line = usize::try_from(line - 1).ok().and_then(|line| text.lines().nth(line)).unwrap_or(text);
                ExpressionError {
                    text: line.to_owned(),
                    column: usize::try_from(column).unwrap_or(1),
                    problem: error.msg,
                }
            }
            None => ExpressionError::at(text, 0, "it is no expression".to_owned()),
        })?;
        let uses =
            check::uses(&program).map_err(|unknown| ExpressionError::at(text, unknown.offset, unknown.problem))?;
        let expression = Self { text: text.into(), program: Arc::new(program), uses };
        let nobody = Inputs { client_ip: Some(IpAddr::from([192, 0, 2, 1])), ..Inputs::default() };
        match expression.evaluate(&nobody) {
            Err(error) if check::is_of_types(&error) => Err(ExpressionError::at(text, 0, error.to_string())),
            _ => Ok(expression),
        }
    }

    /// Its text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Its value for a request. `None` if it has none: the value is null, something that it needs is missing, or types don't fit.
    pub fn value(&self, inputs: &Inputs<'_>) -> Option<Value> {
        match self.evaluate(inputs) {
            Ok(value) => value::to_json(&value).filter(|value| !value.is_null()),
            Err(error) => {
                tracing::debug!(expression = &*self.text, %error, "An expression has no value");
                None
            }
        }
    }

    /// Whether its value is true.
    pub fn is_true(&self, inputs: &Inputs<'_>) -> bool {
        self.value(inputs) == Some(Value::Bool(true))
    }

    fn evaluate(&self, inputs: &Inputs<'_>) -> Result<cel::Value, cel::ExecutionError> {
        let mut context = Context::with_env(ENV.clone());
        if self.uses.headers {
            context.add_variable_from_value("headers", value::headers(inputs.headers));
        }
        if self.uses.claims {
            context.add_variable_from_value("claims", value::claims(inputs.claims));
        }
        if self.uses.client_ip {
            let address = inputs.client_ip.map(|address| address.to_string()).unwrap_or_default();
            context.add_variable_from_value("client_ip", address);
        }
        // What clients send must not end a connection by a defect of the interpreter.
        catch_unwind(AssertUnwindSafe(|| self.program.execute(&context)))
            .unwrap_or_else(|_| Err(cel::ExecutionError::InternalError("the interpreter panicked".to_owned())))
    }
}

impl ExpressionError {
    /// A problem so many bytes after the beginning.
    fn at(text: &str, offset: usize, problem: String) -> Self {
        let mut rest = offset;
        for line in text.split_inclusive('\n') {
            if rest < line.len() {
                let before = line.get(..rest).unwrap_or_default().chars().count();
                return Self { text: line.trim_end().to_owned(), column: before + 1, problem };
            }
            rest -= line.len();
        }
        Self { text: text.to_owned(), column: 1, problem }
    }
}

impl PartialEq for Expression {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Expression {}

impl std::fmt::Debug for Expression {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Expression").field(&self.text).finish()
    }
}

impl Serialize for Expression {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for Expression {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<str>::deserialize(deserializer)?;
        Self::new(&text).map_err(D::Error::custom)
    }
}

impl JsonSchema for Expression {
    fn schema_name() -> Cow<'static, str> {
        "Expression".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string" })
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use serde_json::json;

    use super::*;

    fn check(text: &str, expected: Value) {
        let mut headers = HeaderMap::new();
        headers.insert("x-tenant", HeaderValue::from_static("ACME"));
        headers.append("x-many", HeaderValue::from_static("a"));
        headers.append("x-many", HeaderValue::from_static("b"));
        let claims = json!({ "sub": "ada", "roles": ["admin", "buyer"], "n": 5, "deep": { "a.b": 1.5 } });
        let inputs = Inputs {
            headers: Some(&headers),
            claims: claims.as_object(),
            client_ip: Some(IpAddr::from([10, 0, 0, 1])),
        };
        let expression = Expression::new(text).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(expression.value(&inputs), Some(expected).filter(|value| !value.is_null()), "{text}");
    }

    #[test]
    fn values_are_made_of_requests() {
        check("headers['x-tenant'].lowerAscii()", json!("acme"));
        check("headers['x-many']", json!("a, b"));
        check("claims.roles.exists(r, r == 'admin') ? 'high' : 'low'", json!("high"));
        check("claims.n + 1", json!(6));
        check("claims.deep['a.b'] * 2.0", json!(3.0));
        check("claims.roles.map(r, r + '!')", json!(["admin!", "buyer!"]));
        check("claims.roles.filter(r, r.startsWith('b')).size() == 1", json!(true));
        check("client_ip.startsWith('10.')", json!(true));
        check("has(claims.org) ? claims.org : 'none'", json!("none"));
        check("'x-beta' in headers", json!(false));
        check("{'a': claims.sub}", json!({ "a": "ada" }));
        check("claims.roles.join(',')", json!("admin,buyer"));
    }

    #[test]
    fn what_is_missing_has_no_value() {
        for text in ["claims.org", "claims.roles[7]", "claims.sub + 1", "null", "headers['x-no']", "int(claims.sub)"] {
            check(text, Value::Null);
        }
        let expression = Expression::new("claims.sub == 'ada' || client_ip == ''").unwrap();
        assert!(expression.is_true(&Inputs::default()));
    }

    #[test]
    fn faults_are_found_when_it_is_compiled() {
        for (text, column, problem) in [
            ("1 +", 4, "Syntax error"),
            ("claim.sub", 1, "\"claim\" is unknown; there are headers, claims and client_ip"),
            ("claims.sub == user", 15, "\"user\" is unknown"),
            ("claims.roles.exists(r, q == 'a')", 24, "\"q\" is unknown"),
            ("lower(claims.sub)", 1, "the function \"lower\" is unknown"),
            ("claims.sub.matches('a')", 12, "the function \"matches\" is unknown"),
            ("'é' + claims.a\n  + user", 5, "\"user\" is unknown"),
            ("'é' + user", 7, "\"user\" is unknown"),
            ("'a' + 1", 1, ""),
            ("client_ip > 1", 1, ""),
            ("", 1, ""),
        ] {
            let error = Expression::new(text).unwrap_err();
            assert!(error.problem.contains(problem), "{error}");
            assert_eq!(error.column, column, "{error}");
        }
    }

    #[test]
    fn what_the_parser_has_no_stack_for_is_refused() {
        let nested = |depth: usize| format!("{}1{}", "(".repeat(depth), ")".repeat(depth));
        Expression::new(&nested(16)).unwrap();
        Expression::new(&nested(10_000)).unwrap_err();
        // As long as may be.
        for (text, last) in
            [("(", "1"), ("[", "1"), ("true?1:", "1"), ("!", "true"), ("-", "1"), ("1+", "1"), ("claims.a.", "b")]
        {
            let text = format!("{}{last}", text.repeat((MAX_BYTES - last.len()) / text.len()));
            if let Ok(expression) = Expression::new(&text) {
                expression.value(&Inputs::default());
            }
        }
    }

    #[test]
    fn a_file_says_where_the_fault_is() {
        #[derive(Debug, Deserialize)]
        struct Rule {
            expression: Expression,
        }
        let rule: Rule = serde_saphyr::from_str("expression: claims.sub").unwrap();
        assert_eq!(serde_json::to_string(&rule.expression).unwrap(), "\"claims.sub\"");
        let error = serde_saphyr::from_str::<Rule>("# rules\nexpression: claims.\n").unwrap_err().to_string();
        assert!(error.contains("line 2") && error.contains("column 8"), "{error}");
    }
}
