//! Who may ask what: through the router, which keeps from services what it refuses, and of a service that is reached directly.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use local::examples;
use serde_json::{Value, json};
use service::auth::{ROUTER_TOKEN_HEADER, USER_ID_HEADER, USER_ROLES_HEADER};

use super::running::Running;

/// No product, order or warehouse has it.
const ID: &str = "\"00000000-0000-4000-8000-000000000000\"";

/// The status, the code of the first error or of what the user has to correct, and the rest.
struct Told {
    status: u16,
    code: String,
    answer: Value,
}

impl Running {
    async fn tell(&self, address: SocketAddr, headers: &[(&str, &str)], query: &str) -> Told {
        let request = self.http.post(format!("http://{address}/graphql")).header("braid-expose", "timings");
        let request = request.json(&json!({ "query": query }));
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        let response = request.send().await.unwrap();
        let (status, answer) = (response.status().as_u16(), response.json::<Value>().await.unwrap());
        let mistake =
            answer["data"].as_object().and_then(|data| data.values().next()?["userErrors"][0]["code"].as_str());
        let code = answer["errors"][0]["extensions"]["code"].as_str().or(mistake).unwrap_or_default().to_owned();
        Told { status, code, answer }
    }

    async fn bearer(&self, username: &str) -> String {
        format!("Bearer {}", self.sign_in(username).await)
    }
}

impl Told {
    /// The services that the router asked.
    fn asked(&self) -> Vec<&str> {
        let fetches = self.answer["extensions"]["braid"]["timings"]["fetches"].as_array();
        fetches.unwrap_or_else(|| panic!("{}", self.answer)).iter().map(|f| f["subgraph"].as_str().unwrap()).collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn services_are_not_asked_for_what_the_router_refuses() {
    const REFUSED: &str = "UNAUTHORIZED_FIELD_OR_TYPE";
    let running = Running::start().await;
    let (grace, ada) = (running.bearer("grace").await, running.bearer("ada").await);
    let router = running.federation.ports.router;
    let adjustment =
        format!("input: {{ idempotencyKey: \"k\", productId: {ID}, warehouseId: {ID}, delta: 1, reason: \"r\" }}");
    let money = |amount: &str| format!("{{ amount: \"{amount}\", currency: \"EUR\" }}");
    let product = format!(
        "input: {{ sku: \"N\", name: \"N\", description: \"N\", categoryId: {ID}, price: {}, cost: {}, weightGrams: 1 }}",
        money("1.00"),
        money("x")
    );
    let order = format!("input: {{ idempotencyKey: \"k\", quoteId: {ID}, paymentMethod: \"pm\" }}");
    let errors = "{ userErrors { code } }";
    // With what customers and administrators are told: by the service, since the router lets them pass.
    for (query, customers, administrators, service) in [
        ("{ users(first: 1) { nodes { email } } }".to_owned(), REFUSED, "", "users"),
        ("{ orders(first: 1) { nodes { id } } }".to_owned(), "", "", "orders"),
        (format!("mutation {{ createProduct({product}) {errors} }}"), REFUSED, "BAD_USER_INPUT", "inventory"),
        (format!("mutation {{ updateProduct(input: {{ id: {ID} }}) {errors} }}"), REFUSED, "NOT_FOUND", "inventory"),
        (format!("mutation {{ adjustStock({adjustment}) {errors} }}"), REFUSED, "NOT_FOUND", "inventory"),
        (format!("mutation {{ placeOrder({order}) {errors} }}"), "NOT_FOUND", "NOT_FOUND", "orders"),
        (format!("mutation {{ cancelOrder(input: {{ id: {ID} }}) {errors} }}"), "NOT_FOUND", "NOT_FOUND", "orders"),
        ("mutation { updateProfile(input: {}) { userErrors { code } } }".to_owned(), "", "", "users"),
    ] {
        for (authorization, code) in [(None, REFUSED), (Some(&grace), customers), (Some(&ada), administrators)] {
            let headers: Vec<_> = authorization.map(|value| ("authorization", value.as_str())).into_iter().collect();
            let told = running.tell(router, &headers, &query).await;
            assert_eq!((told.status, told.code.as_str()), (200, code), "{query}: {}", told.answer);
            assert_eq!(told.asked(), if code == REFUSED { vec![] } else { vec![service] }, "{query}");
            let data = &told.answer["data"];
            let nothing = data.is_null() || data.as_object().unwrap().values().all(Value::is_null);
            assert_eq!(nothing, code == REFUSED, "{query}: {data}");
        }
    }
    running.federation.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_null_for_strangers_is_no_error() {
    let running = Running::start().await;
    let alan = running.bearer("alan").await;
    let row = &running
        .rows(
            "orders",
            &format!(
                "SELECT lower(hex(id)) AS id FROM orders WHERE lower(hex(buyer_id)) = '{}'",
                id("grace").replace('-', "")
            ),
        )
        .await[0];
    let order: String = row.try_get("", "id").unwrap();
    let query =
        format!("{{ order(by: {{ id: \"{order}\" }}) {{ id }} user(by: {{ id: \"{}\" }}) {{ id }} }}", id("grace"));
    for headers in [vec![], vec![("authorization", alan.as_str())]] {
        let told = running.tell(running.federation.ports.router, &headers, &query).await;
        assert_eq!(told.answer["data"], json!({ "order": null, "user": null }), "{}", told.answer);
        assert_eq!(told.code, "");
    }
    // There is nobody whose orders could be refused.
    let told = running.tell(running.federation.ports.router, &[], examples::MY_ORDERS.query).await;
    assert_eq!((&told.answer["data"], told.code.as_str()), (&json!({ "me": null }), ""));
    // Signing in shows the person, but the request that signs in has no scopes yet.
    let sign_in = format!(
        "mutation {{ login(input: {{ username: \"grace\", password: \"{}\" }}) {{ session {{ user {{ email orders(first: 1) {{ nodes {{ id }} }} }} }} }} }}",
        service::sample::PASSWORD
    );
    let told = running.tell(running.federation.ports.router, &[], &sign_in).await;
    let user = &told.answer["data"]["login"]["session"]["user"];
    assert_eq!(
        (user, told.code.as_str()),
        (&json!({ "email": "grace@example.com", "orders": null }), "UNAUTHORIZED_FIELD_OR_TYPE")
    );
    assert_eq!(told.asked(), ["users"]);
    running.federation.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_tokens_are_refused_by_the_router_with_their_cause() {
    let running = Running::start().await;
    let good = running.bearer("grace").await;
    let (signed, _) = good.rsplit_once('.').unwrap();
    let router = running.federation.ports.router;
    for (authorization, code) in [
        ("Bearer nonsense".to_owned(), "JWT_MALFORMED"),
        (format!("{signed}.{}", "A".repeat(86)), "JWT_SIGNATURE_INVALID"),
        ("Basic YTpi".to_owned(), "CREDENTIALS_SCHEME_UNKNOWN"),
    ] {
        let told = running.tell(router, &[("authorization", &authorization)], "{ me { id } }").await;
        assert_eq!((told.status, told.code.as_str()), (401, code), "{}", told.answer);
    }
    running.federation.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_passes_for_another_by_headers() {
    let running = Running::start().await;
    let (ports, grace) = (running.federation.ports, running.bearer("grace").await);
    let ada = id("ada");
    let claims = [(USER_ID_HEADER, ada.as_str()), (USER_ROLES_HEADER, "customer,admin")];
    let query = "{ me { username roles } }";
    let nobody = json!({ "me": null });
    let herself = json!({ "me": { "username": "grace", "roles": ["CUSTOMER"] } });
    let token = ("authorization", grace.as_str());
    let secret = (ROUTER_TOKEN_HEADER, "guessed");
    for address in [ports.router, ports.users] {
        let told = running.tell(address, &claims, query).await;
        assert_eq!(told.answer["data"], nobody, "{}", told.answer);
        let told = running.tell(address, &[claims[0], claims[1], token], query).await;
        assert_eq!(told.answer["data"], herself, "{}", told.answer);
    }
    // The router does not pass the header on. A service takes nobody for the router.
    let headers = [claims[0], claims[1], secret, token];
    assert_eq!(running.tell(ports.router, &headers, query).await.answer["data"], herself);
    for service in [ports.users, ports.orders, ports.inventory] {
        let told = running.tell(service, &headers, "{ __typename }").await;
        assert_eq!((told.status, told.code.as_str()), (401, "UNAUTHENTICATED"));
    }
    running.federation.stop().await.unwrap();
}

/// Services verify tokens and ask for roles where no router does it for them.
#[tokio::test(flavor = "multi_thread")]
async fn services_guard_themselves() {
    let running = Running::start().await;
    let (ports, grace, ada) = (running.federation.ports, running.bearer("grace").await, running.bearer("ada").await);
    let update = format!("mutation {{ updateProduct(input: {{ id: {ID} }}) {{ userErrors {{ code }} }} }}");
    for (address, query, customers, administrators) in [
        (ports.users, "{ users(first: 1) { nodes { email } } }", "FORBIDDEN", ""),
        (ports.orders, "{ orders(first: 1) { nodes { id } } }", "", ""),
        (ports.inventory, update.as_str(), "FORBIDDEN", "NOT_FOUND"),
    ] {
        let told = running.tell(address, &[("authorization", "Bearer nonsense")], query).await;
        assert_eq!((told.status, told.code.as_str()), (401, "UNAUTHENTICATED"), "{query}");
        assert_eq!(running.tell(address, &[], query).await.code, "UNAUTHENTICATED", "{query}");
        assert_eq!(running.tell(address, &[("authorization", &grace)], query).await.code, customers, "{query}");
        assert_eq!(running.tell(address, &[("authorization", &ada)], query).await.code, administrators, "{query}");
    }
    running.federation.stop().await.unwrap();
}

/// What the page and newcomers send is far from the limits.
#[tokio::test(flavor = "multi_thread")]
async fn limits_leave_room_for_what_people_ask() {
    let running = Running::start().await;
    let router = running.federation.ports.router;
    // The subscription is in `watch`.
    for example in examples::ALL.iter().filter(|example| !example.query.contains("\nsubscription ")) {
        let told = running.tell(router, &[], example.query).await;
        assert_eq!((told.status, told.code.as_str()), (200, ""), "{}: {}", example.title, told.answer);
    }
    let told = running.tell(router, &[], INTROSPECTION).await;
    assert_eq!((told.status, told.code.as_str()), (200, ""), "{}", told.answer);
    let most = "{ products(first: 100) { nodes { sku stockLevels { warehouse { code } } unitsSold } } }";
    assert_eq!(running.tell(router, &[], most).await.code, "");

    let list = "products { nodes { stockLevels { warehouse { code } } } }";
    let many: String = (0..40).map(|alias| format!("a{alias}: {list} ")).collect();
    let told = running.tell(router, &[], &format!("{{ {many} }}")).await;
    assert_eq!((told.status, told.code.as_str()), (200, "COST_ESTIMATED_TOO_EXPENSIVE"));
    running.federation.stop().await.unwrap();
}

/// As GraphiQL asks for the schema.
const INTROSPECTION: &str = "query IntrospectionQuery { __schema { queryType { name } mutationType { name } types { ...T }
  directives { name description locations args { ...A } } } }
fragment T on __Type { name kind fields(includeDeprecated: true) { type { ...R } args { ...A } isDeprecated name description }
  description inputFields { ...A } interfaces { ...R } enumValues(includeDeprecated: true) { name } possibleTypes { ...R } }
fragment A on __InputValue { name description type { ...R } defaultValue }
fragment R on __Type { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name } } } } }";

/// The scopes that the schemas name are those that tokens have.
#[tokio::test(flavor = "multi_thread")]
async fn every_scope_of_the_schemas_is_in_somebodys_token() {
    let running = Running::start().await;
    let scopes = |token: String| -> Vec<String> {
        let payload = token.split('.').nth(1).unwrap();
        let claims: Value = serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap();
        claims["scope"].as_str().unwrap().split(' ').map(str::to_owned).collect()
    };
    let (grace, ada) = (scopes(running.sign_in("grace").await), scopes(running.sign_in("ada").await));
    assert_eq!(grace, ["orders:read", "orders:write"]);
    let supergraph = include_str!("../../../../schema/supergraph.graphql");
    let asked = supergraph.split("@requiresScopes(scopes: [[\"").skip(1).map(|rest| rest.split('"').next().unwrap());
    let asked: BTreeSet<_> = asked.collect();
    assert_eq!(asked, ada.iter().map(String::as_str).collect());
    running.federation.stop().await.unwrap();
}

fn id(username: &str) -> String {
    service::sample::id("user", username).to_string()
}

/// Failed sign-ins count against the address of the client, which only the router knows.
#[tokio::test(flavor = "multi_thread")]
async fn failed_sign_ins_through_the_router_count_by_address() {
    let running = Running::start().await;
    let query = "mutation($input: LoginInput!) { login(input: $input) { userErrors { code } } }";
    let input = json!({ "username": "grace", "password": "a wrong one" });
    let request = running.http.post(running.url()).json(&json!({ "query": query, "variables": { "input": input } }));
    // What the client says of itself counts for nothing: without the router's word there would be no counter of an address.
    let answer: Value = request.header("x-forwarded-for", "unknown").send().await.unwrap().json().await.unwrap();
    assert_eq!(answer["data"]["login"]["userErrors"][0]["code"], "BAD_CREDENTIALS", "{answer}");
    let counters = running.rows("users", "SELECT name FROM attempts").await.len();
    assert_eq!(counters, 3, "of the account, of the account from here, and of the address");
    running.federation.stop().await.unwrap();
}
