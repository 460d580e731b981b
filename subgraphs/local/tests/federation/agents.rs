//! Agents in the shop: what they find out with few calls, and what they are refused whatever they try.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use braid_graphql::compiler::schema::ExtendedType;
use braid_supergraph::Supergraph;
use serde::Deserialize;
use serde_json::{Value, json};

use super::running::Running;

/// What came of a request to the endpoint for agents.
struct Told {
    status: u16,
    body: String,
    answer: Value,
}

impl Told {
    fn result(&self) -> &Value {
        assert!(self.status == 200 && self.answer["result"].is_object(), "{} {}", self.status, self.body);
        &self.answer["result"]
    }

    fn text(&self) -> &str {
        self.result()["content"][0]["text"].as_str().unwrap_or_else(|| panic!("{}", self.body))
    }

    fn structured(&self) -> &Value {
        &self.result()["structuredContent"]
    }
}

impl Running {
    /// What comes of a request. One that comes too early for the shop's rate limits is sent again.
    async fn tell_agent(&self, headers: &[(&str, &str)], body: String) -> Told {
        const TRIES: usize = 100;
        for _ in 0..TRIES {
            let told = self.tell_once(headers, body.clone()).await;
            if told.status != 429 {
                return told;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        panic!("the shop's rate limits refuse everything");
    }

    async fn tell_once(&self, headers: &[(&str, &str)], body: String) -> Told {
        let defaults = [
            ("content-type", "application/json"),
            ("accept", "application/json, text/event-stream"),
            ("mcp-protocol-version", "2025-11-25"),
        ];
        let given = |name: &str| headers.iter().any(|(other, _)| *other == name);
        let request = self.http.post(format!("http://{}/mcp", self.federation.ports.router)).body(body);
        let all = headers.iter().chain(defaults.iter().filter(|(name, _)| !given(name)));
        let request = all.fold(request, |request, (name, value)| request.header(*name, *value));
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        let body = response.text().await.unwrap();
        let answer = serde_json::from_str(&body).unwrap_or_default();
        Told { status, body, answer }
    }

    async fn call(&self, token: Option<&str>, tool: &str, arguments: &Value) -> Told {
        let bearer = token.map(|token| format!("Bearer {token}"));
        let headers: Vec<_> = bearer.iter().map(|bearer| ("authorization", bearer.as_str())).collect();
        self.tell_agent(&headers, message(tool, arguments)).await
    }

    async fn execute(&self, token: Option<&str>, query: &str) -> Told {
        self.call(token, "execute", &json!({ "query": query })).await
    }
}

fn message(tool: &str, arguments: &Value) -> String {
    let params = json!({ "name": tool, "arguments": arguments });
    json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params }).to_string()
}

/// A question about the shop, the calls that lead to its answer, and the answer.
#[derive(Debug, Deserialize)]
struct Question {
    question: String,
    #[serde(rename = "as")]
    who: String,
    calls: Vec<Call>,
    /// By pointers into the result of the last call.
    answer: BTreeMap<String, Value>,
}

#[derive(Debug, Deserialize)]
struct Call {
    tool: String,
    arguments: Value,
    /// What the next call needs to know must be in the result.
    #[serde(default)]
    finds: Vec<String>,
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_questions_are_answered_with_few_calls() {
    let questions: Vec<Question> = serde_json::from_str(include_str!("questions.json")).unwrap();
    assert_eq!(questions.len(), 100);
    let running = Running::start().await;
    let tokens = BTreeMap::from([
        ("anonymous", None),
        ("grace", Some(running.sign_in("grace").await)),
        ("ada", Some(running.sign_in("ada").await)),
    ]);
    let mut wrong = Vec::new();
    let mut bytes = 0;
    for Question { question, who, calls, answer } in &questions {
        assert!(!answer.is_empty() && calls.len() <= 3, "{question}");
        let mut last = None;
        for Call { tool, arguments, finds } in calls {
            let told = running.call(tokens[who.as_str()].as_deref(), tool, arguments).await;
            assert_eq!(told.result()["isError"], false, "{question}: {}", told.body);
            let missing: Vec<_> = finds.iter().filter(|part| !told.text().contains(part.as_str())).collect();
            if !missing.is_empty() {
                wrong.push(format!("{question}: {tool} {arguments} does not find {missing:?}"));
            }
            bytes += told.text().len();
            last = Some(told);
        }
        let last = last.unwrap();
        for (pointer, expected) in answer {
            let found = last.structured().pointer(pointer);
            if found != Some(expected) {
                wrong.push(format!("{question}: {pointer} is {found:?} and not {expected}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), questions.len(), wrong.join("\n"));
    // What an agent has to read for a question fits beside others.
    assert!(bytes / questions.len() < 8_000, "{}", bytes / questions.len());
}

/// What an attempt must come to.
enum Refused {
    /// The call fails with this code, and there is no data.
    Code(&'static str),
    /// The value at a pointer is null, and if there is an error, it has this code.
    Null(&'static str, Option<&'static str>),
    /// There is no such tool.
    NoTool,
    /// The tool says so.
    Says(&'static str),
    /// The request as a whole is refused.
    Status(u16),
}

/// Counts attempts, and collects those that came to something else.
#[derive(Default)]
struct Attempts {
    count: usize,
    succeeded: Vec<String>,
}

impl Attempts {
    fn check(&mut self, attempt: &str, told: &Told, expected: Refused) {
        self.count += 1;
        let result = &told.answer["result"];
        let structured = &result["structuredContent"];
        let codes: Vec<&str> = { structured["errors"].as_array().into_iter().flatten() }
            .map(|error| error["extensions"]["code"].as_str().unwrap_or("none"))
            .collect();
        let is_refused = match expected {
            Refused::Code(code) => result["isError"] == true && codes == [code] && structured["data"].is_null(),
            Refused::Null(pointer, code) => {
                let is_null = structured.pointer(pointer).is_some_and(Value::is_null);
                told.status == 200 && is_null && code.is_none_or(|code| codes.contains(&code))
            }
            Refused::NoTool => told.answer["error"]["code"] == -32602,
            Refused::Says(text) => {
                result["isError"] == true && result["content"][0]["text"].as_str().unwrap_or_default().contains(text)
            }
            Refused::Status(status) => told.status == status && told.answer["result"].is_null(),
        };
        if !is_refused {
            self.succeeded.push(format!("{attempt}: {} {:.300}", told.status, told.body));
        }
    }
}

/// The names in the schema that clients must not see: types, and fields as `Type.field`.
fn inaccessible(supergraph: &Supergraph) -> (Vec<String>, Vec<String>) {
    let schema = &supergraph.schema;
    let seen = |name: &str| supergraph.api_schema.types.get(name);
    // GraphQL has Float, whether a schema uses it or not.
    let is_ours = |name: &str| name != "Float" && !name.contains("__");
    let types = schema.types().map(|(_, ty)| ty.name.to_string());
    let types = types.filter(|name| is_ours(name) && seen(name).is_none()).collect();
    let fields = schema.fields().filter_map(|(_, field)| {
        let parent = &schema.ty(field.parent).name;
        let has_it = match seen(parent)? {
            ExtendedType::Object(object) => object.fields.contains_key(&field.name),
            ExtendedType::Interface(interface) => interface.fields.contains_key(&field.name),
            _ => true,
        };
        (!has_it && is_ours(&field.name)).then(|| format!("{parent}.{}", field.name))
    });
    (types, fields.collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_attempts_at_more_than_is_allowed_are_refused() {
    let running = Running::start().await;
    let (grace, ada) = (running.sign_in("grace").await, running.sign_in("ada").await);
    let roles = [("anonymous", None), ("grace", Some(grace.as_str())), ("ada", Some(ada.as_str()))];
    let strangers = &roles[..2];
    let mut attempts = Attempts::default();

    // Other people's orders, by each way to an order.
    let theirs = "{ user(by: { username: \"alan\" }) { orders(first: 8) { nodes { id number } } } }";
    let theirs = running.execute(Some(&ada), theirs).await;
    let theirs = theirs.structured()["data"]["user"]["orders"]["nodes"].as_array().unwrap().clone();
    assert_eq!(theirs.len(), 8);
    for (who, token) in strangers {
        for order in &theirs {
            let (id, number) = (order["id"].as_str().unwrap(), order["number"].as_str().unwrap());
            let told = running.call(*token, "OrderHistory", &json!({ "id": id })).await;
            attempts.check(&format!("{who}: OrderHistory {number}"), &told, Refused::Null("/data/order", None));
            let told = running
                .execute(*token, &format!("{{ order(by: {{ number: \"{number}\" }}) {{ total {{ amount }} }} }}"))
                .await;
            attempts.check(&format!("{who}: order {number}"), &told, Refused::Null("/data/order", None));
            let node =
                format!("{{ node(id: \"{id}\") {{ ... on Order {{ total {{ amount }} buyer {{ email }} }} }} }}");
            let told = running.execute(*token, &node).await;
            attempts.check(&format!("{who}: node {number}"), &told, Refused::Null("/data/node", None));
        }
    }

    // What needs a scope or a role, also under another name and in a fragment.
    const UNAUTHORIZED: Option<&str> = Some("UNAUTHORIZED_FIELD_OR_TYPE");
    let admin = [
        ("{ users(first: 5) { nodes { email } } }", "/data/users", UNAUTHORIZED, UNAUTHORIZED),
        ("{ x: users(first: 5) { totalCount } }", "/data/x", UNAUTHORIZED, UNAUTHORIZED),
        ("{ ... on Query { users { nodes { username roles } } } }", "/data/users", UNAUTHORIZED, UNAUTHORIZED),
        ("{ stuckOrders(first: 1) { totalCount } }", "/data/stuckOrders", UNAUTHORIZED, Some("FORBIDDEN")),
        ("{ returns(first: 1) { totalCount } }", "/data/returns", UNAUTHORIZED, Some("FORBIDDEN")),
        ("{ user(by: { username: \"alan\" }) { email } }", "/data/user", None, None),
        ("{ user(by: { email: \"alan@example.com\" }) { username } }", "/data/user", None, None),
        ("{ userByUsername(username: \"ada\") { email } }", "/data/userByUsername", None, None),
        (
            "{ product(by: { sku: \"KIT-0101\" }) { stockMovements(first: 1) { totalCount } } }",
            "/data/product/stockMovements",
            None,
            None,
        ),
    ];
    for (query, pointer, anonymous, customer) in admin {
        for ((who, token), code) in strangers.iter().zip([anonymous, customer]) {
            let told = running.execute(*token, query).await;
            attempts.check(&format!("{who}: {query}"), &told, Refused::Null(pointer, code));
        }
    }

    // Headers that only the router may write.
    let users = message("execute", &json!({ "query": "{ users(first: 1) { nodes { email } } }" }));
    for header in ["x-user-id", "x-user-roles", "x-router-token", "x-forwarded-for", "x-api-key"] {
        let told = running.tell_agent(&[(header, "ADMIN")], users.clone()).await;
        attempts.check(header, &told, Refused::Null("/data/users", UNAUTHORIZED));
    }

    // Tokens that nobody issued.
    let [head, claims, signature] = ada.split('.').collect::<Vec<_>>()[..] else { panic!("{ada}") };
    for (what, token) in [
        ("no token", "x".to_owned()),
        ("no signature", format!("{head}.{claims}.")),
        ("another signature", format!("{head}.{claims}.{}", signature.chars().rev().collect::<String>())),
        ("no algorithm", format!("eyJhbGciOiJub25lIn0.{claims}.")),
        ("other claims", format!("{head}.eyJpc3MiOiJicmFpZC11c2VycyIsInN1YiI6IjEifQ.{signature}")),
    ] {
        let told = running.call(Some(&token), "execute", &json!({ "query": "{ me { email } }" })).await;
        attempts.check(what, &told, Refused::Status(401));
    }

    // Mutations, all that there are, for everybody.
    let schema = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../schema/supergraph.graphql");
    let supergraph = Supergraph::read(&std::fs::read_to_string(schema).unwrap()).unwrap();
    let mutations = supergraph.api_schema.get_object("Mutation").unwrap();
    for (name, field) in &mutations.fields {
        let text = match field.arguments.first() {
            Some(input) => format!("mutation A($input: {}) {{ {name}(input: $input) {{ __typename }} }}", input.ty),
            None => format!("mutation {{ {name} {{ __typename }} }}"),
        };
        for (who, token) in roles {
            let told = running.call(token, "execute", &json!({ "query": text, "variables": { "input": {} } })).await;
            attempts.check(&format!("{who}: {name}"), &told, Refused::Code("MUTATION_NOT_ALLOWED_FOR_AGENTS"));
        }
    }
    let grant = "mutation { grantRole(input: { userId: \"x\", role: ADMIN }) { __typename } }";
    for (who, token) in roles {
        for tool in ["SignIn", "PlaceOrder", "QuoteOrder", "WatchMyOrders", "grantRole"] {
            let told = running.call(token, tool, &json!({ "input": {} })).await;
            attempts.check(&format!("{who}: {tool}"), &told, Refused::NoTool);
        }
        let told = running.call(token, "execute", &json!({ "query": grant, "dry_run": true })).await;
        attempts.check(&format!("{who}: dry run"), &told, Refused::Code("MUTATION_NOT_ALLOWED_FOR_AGENTS"));
        let told = running.execute(token, "subscription { stockChanged(skus: [\"KIT-0101\"]) { stock } }").await;
        attempts.check(&format!("{who}: subscription"), &told, Refused::Code("SUBSCRIPTION_NOT_ACCEPTABLE"));
    }

    // What costs too much, or is too much to read.
    let nested = |levels: usize| {
        let category = "nodes { category { products(first: 100) { ";
        format!("{{ products(first: 100) {{ {}nodes {{ id }}{} }} }}", category.repeat(levels), " } } }".repeat(levels))
    };
    let one = "products(first: 100) { nodes { category { products(first: 100) { nodes { id } } } } }";
    let wide: String = (0..60).map(|at| format!("p{at}: {one} ")).collect();
    let long = format!("{{ {} }}", "__typename ".repeat(16_000));
    let recursive = format!("{}x{}", "{ a".repeat(400), "}".repeat(400));
    for (who, token) in roles {
        for (query, code) in [
            (nested(3), "COST_ESTIMATED_TOO_EXPENSIVE"),
            (nested(8), "COST_ESTIMATED_TOO_EXPENSIVE"),
            (format!("{{ {wide} }}"), "COST_ESTIMATED_TOO_EXPENSIVE"),
            (long.clone(), "MAX_TOKENS_LIMIT"),
            (recursive.clone(), "MAX_RECURSION_LIMIT"),
            ("{ ...F } fragment F on Query { ...F }".to_owned(), "GRAPHQL_VALIDATION_FAILED"),
        ] {
            for dry_run in [false, true] {
                let told = running.call(token, "execute", &json!({ "query": query, "dry_run": dry_run })).await;
                attempts.check(&format!("{who}: {query:.60}"), &told, Refused::Code(code));
            }
        }
    }

    // What clients must not see.
    let (types, fields) = inaccessible(&supergraph);
    assert!(types.len() >= 8 && fields.len() >= 4, "{types:?} {fields:?}");
    for name in &types {
        let told = running.call(Some(&ada), "introspect", &json!({ "name": name })).await;
        attempts.check(&format!("introspect {name}"), &told, Refused::Says("There is no type"));
        let told = running.execute(Some(&ada), &format!("{{ __type(name: \"{name}\") {{ name }} }}")).await;
        attempts.check(&format!("__type {name}"), &told, Refused::Null("/data/__type", None));
    }
    for name in &fields {
        let told = running.call(Some(&ada), "introspect", &json!({ "name": name })).await;
        let says = if name.starts_with("Mutation.") { "There is no type" } else { "has no field" };
        attempts.check(&format!("introspect {name}"), &told, Refused::Says(says));
    }
    let told = running.execute(Some(&ada), "{ product(by: { sku: \"KIT-0101\" }) { cost { amount } } }").await;
    attempts.check("cost", &told, Refused::Code("GRAPHQL_VALIDATION_FAILED"));

    // What is no message, comes from another page, or is too large.
    let good = message("search", &json!({ "query": "stock" }));
    for (what, headers, body, status) in [
        ("no JSON", vec![], "{".to_owned(), 400),
        ("a batch", vec![], format!("[{good}]"), 400),
        ("no message", vec![], "{}".to_owned(), 400),
        ("no method", vec![], r#"{"jsonrpc":"2.0","id":1}"#.to_owned(), 400),
        ("no version", vec![], r#"{"id":1,"method":"tools/list"}"#.to_owned(), 400),
        (
            "arguments that are none",
            vec![],
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":[]}"#.to_owned(),
            400,
        ),
        ("a deep message", vec![], format!("{}1{}", "[".repeat(5000), "]".repeat(5000)), 400),
        ("too large", vec![], good.replace("stock", &"x".repeat(300_000)), 413),
        ("an unknown version", vec![("mcp-protocol-version", "1999-01-01")], good.clone(), 400),
        ("no version at all", vec![("mcp-protocol-version", "x")], good.clone(), 400),
        ("a form", vec![("content-type", "application/x-www-form-urlencoded")], good.clone(), 415),
        ("a text", vec![("content-type", "text/plain")], good.clone(), 415),
        ("no stream", vec![("accept", "application/json")], good.clone(), 406),
        ("another site", vec![("origin", "https://evil.example")], good.clone(), 403),
        ("a file", vec![("origin", "null")], good.clone(), 403),
        ("another port", vec![("origin", "http://127.0.0.1:1")], good.clone(), 403),
        (
            "a name that leads here",
            vec![("origin", "http://evil.example"), ("host", "evil.example")],
            good.clone(),
            403,
        ),
    ] {
        let told = running.tell_agent(&headers, body).await;
        attempts.check(what, &told, Refused::Status(status));
    }

    assert!(attempts.succeeded.is_empty(), "{}:\n{}", attempts.succeeded.len(), attempts.succeeded.join("\n"));
    assert!(attempts.count >= 200, "{}", attempts.count);

    // Lists are cut, and answers are small.
    let most = "{ users(first: 100) { totalCount nodes { username name email roles createdAt } } orders(first: 100) { nodes { number } } }";
    let told = running.execute(Some(&ada), most).await;
    assert_eq!(told.structured()["data"]["users"]["nodes"].as_array().map(Vec::len), Some(100), "{}", told.body);
    assert!(told.text().len() <= 100_000);
    // And nobody has become an administrator.
    let told = running.execute(Some(&ada), "{ user(by: { username: \"grace\" }) { roles } }").await;
    assert_eq!(told.structured()["data"]["user"]["roles"], json!(["CUSTOMER"]));
}
