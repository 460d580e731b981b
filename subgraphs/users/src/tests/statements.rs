//! With 100,000 users on PostgreSQL, nothing that the service does reads a big table from end to end.

use serde_json::json;
use service::Viewer;
use service::testing::TestDatabase;

use super::world::{PASSWORD, World, admin, codes, customer, owner, sample_id};

/// How often a table was read from end to end, by PostgreSQL's own count.
const SCANS: &str = "SELECT relname::text AS name, seq_scan FROM pg_stat_user_tables WHERE relname IN \
    ('users', 'user_roles', 'sessions', 'devices', 'registrations', 'mail_tokens', 'mail_jobs', 'attempts', \
    'totp_factors', 'recovery_codes', 'login_challenges') ORDER BY 1";

const FILL: [&str; 11] = [
    "INSERT INTO users SELECT gen_random_uuid(), 'user' || n, 'User ' || n, 'user' || n || '@many.test', NULL, NULL, n FROM generate_series(1, 100000) n",
    "INSERT INTO user_roles SELECT id, 'customer' FROM users WHERE email LIKE '%@many.test'",
    "INSERT INTO sessions SELECT gen_random_uuid(), id, sha256('f'), sha256('c'), NULL, sha256('s'), created_at, 9999999999999 FROM users WHERE email LIKE '%@many.test' AND created_at <= 20000",
    "INSERT INTO devices (token_hash, user_id, expires_at) SELECT sha256(id::text::bytea), id, 9999999999999 FROM users WHERE email LIKE '%@many.test' AND created_at <= 20000",
    "INSERT INTO registrations SELECT gen_random_uuid(), sha256(('r' || n)::bytea), 'u' || n, 'N', 'r' || n || '@many.test', 'x', 9999999999999 FROM generate_series(1, 20000) n",
    "INSERT INTO mail_tokens SELECT sha256(('m' || id::text)::bytea), id, NULL, 9999999999999 FROM users WHERE email LIKE '%@many.test' AND created_at <= 20000",
    "INSERT INTO mail_jobs SELECT gen_random_uuid(), '{}', 0, 9999999999999 FROM generate_series(1, 20000) n",
    "INSERT INTO totp_factors SELECT id, '12345678901234567890', 0, 1, 1 FROM users WHERE email LIKE '%@many.test' AND created_at <= 20000",
    "INSERT INTO recovery_codes SELECT user_id, sha256(n::text::bytea) FROM totp_factors, generate_series(1, 5) n",
    "INSERT INTO login_challenges SELECT sha256(('c' || user_id::text)::bytea), user_id, NULL, '', 0, 9999999999999 FROM totp_factors",
    "INSERT INTO attempts SELECT 'a' || n, 1, 9999999999999 FROM generate_series(1, 20000) n",
];

async fn scans(place: &TestDatabase) -> Vec<(String, i64)> {
    use sea_orm::{ConnectionTrait, DbBackend, Statement};
    // PostgreSQL publishes the counts of a connection at its end, a moment later.
    tokio::time::sleep(std::time::Duration::from_millis(1500)).await;
    let database = service::Database::connect(&place.config).await.unwrap();
    let rows = database.reader().query_all_raw(Statement::from_string(DbBackend::Postgres, SCANS)).await.unwrap();
    let scans = rows.iter().map(|row| (row.try_get("", "name").unwrap(), row.try_get("", "seq_scan").unwrap()));
    let scans = scans.collect();
    database.close().await.unwrap();
    scans
}

#[tokio::test(flavor = "multi_thread")]
async fn no_statement_reads_a_big_table_from_end_to_end() {
    let Some(place) = TestDatabase::postgres().await.unwrap() else { return };
    let sample = |config: &mut crate::Config| config.service.sample_data = Some(true);
    let world = World::open(&place, sample).await;
    for sql in FILL {
        world.sql(sql).await;
    }
    world.sql("ANALYZE").await;
    world.database.close().await.unwrap();
    let before = scans(&place).await;

    // The start, every mutation, every query, the mails and the housekeeping.
    let world = World::open(&place, sample).await;
    crate::first_admin::bootstrap(&world.database, "boss@shop.test").await.unwrap();
    crate::first_admin::refuse_sample_accounts(&world.database).await.unwrap_err();
    let session = world.new_customer("somebody").await;
    let me = owner(&session);
    world.refresh(&session["refreshToken"]).await;
    world.session("somebody@shop.test", PASSWORD).await;
    let input = json!({ "username": "somebody", "password": PASSWORD, "deviceToken": session["deviceToken"] });
    world.run_from(super::world::address(1), Viewer::Anonymous, "login", input).await;
    world.run(me.clone(), "updateProfile", json!({ "name": "New" })).await;
    world.run(me.clone(), "changeEmail", json!({ "email": "two@shop.test", "password": PASSWORD })).await;
    let token = world.token_to("two@shop.test").await;
    world.run(Viewer::Anonymous, "confirmEmail", json!({ "token": token })).await;
    world.run(Viewer::Anonymous, "requestPasswordReset", json!({ "email": "two@shop.test" })).await;
    let token = world.token_to("two@shop.test").await;
    let new = "tr0ub4dor and three";
    world.run(Viewer::Anonymous, "resetPassword", json!({ "token": token, "newPassword": new })).await;
    world.run(me.clone(), "changePassword", json!({ "oldPassword": new, "newPassword": PASSWORD })).await;
    let made = world.run(me.clone(), "enrollTotp", json!({ "password": PASSWORD })).await;
    let secret = data_encoding::BASE32_NOPAD.decode(made["secret"].as_str().unwrap().as_bytes()).unwrap();
    let code = |steps| crate::totp::code(&secret, crate::totp::step_at(service::clock::now_millis()) + steps);
    let confirmed = world.run(me.clone(), "confirmTotp", json!({ "code": code(-1) })).await;
    let challenge = world.login("somebody", PASSWORD).await["challenge"]["token"].take();
    for code in ["0", &code(0)] {
        world.run(Viewer::Anonymous, "completeLogin", json!({ "challenge": challenge, "code": code })).await;
    }
    let last = json!({ "password": PASSWORD, "code": confirmed["recoveryCodes"][0] });
    let new = world.run(me.clone(), "regenerateRecoveryCodes", last).await;
    let last = json!({ "password": PASSWORD, "code": new["recoveryCodes"][0] });
    assert_eq!(codes(&world.run(me.clone(), "disableTotp", last).await), [""; 0]);
    world.run(admin(), "clearTotp", json!({ "userId": sample_id("grace") })).await;
    world.run(Viewer::Anonymous, "logout", json!({ "refreshToken": session["refreshToken"] })).await;
    world.data(me.clone(), "mutation { logoutEverywhere { endedSessions } }", json!({})).await;
    for mutation in ["grantRole", "revokeRole"] {
        world.run(admin(), mutation, json!({ "userId": sample_id("grace"), "role": "ADMIN" })).await;
    }
    let page = "query($a: String, $b: String) { users(first: 100, after: $a) { nodes { id email roles } pageInfo { endCursor } } last: users(last: 20, before: $b) { nodes { roles } } }";
    let first = world.data(admin(), page, json!({})).await;
    let cursor = &first["users"]["pageInfo"]["endCursor"];
    world.data(admin(), page, json!({ "a": cursor, "b": cursor })).await;
    world.data(admin(), "{ a: user(by: { username: \"user7\" }) { roles } b: user(by: { email: \"user8@many.test\" }) { roles totpEnabled } me { roles } }", json!({})).await;
    let many: Vec<_> = (0..300).map(|n| json!({ "__typename": "User", "username": format!("user{n}") })).collect();
    let entities = "query($r: [_Any!]!) { _entities(representations: $r) { ... on User { id name roles } } }";
    world.data(admin(), entities, json!({ "r": many })).await;
    world.data(customer("grace"), "{ me { roles email } }", json!({})).await;
    world.deliver().await;
    crate::housekeeping::tidy(&world.database, world.config.token_life()).await.unwrap();
    world.database.close().await.unwrap();
    assert_eq!(scans(&place).await, before);

    // The length of the list is counted up to a bound, and estimated above.
    let world = World::open(&place, sample).await;
    let total = world.data(admin(), "{ users(first: 1) { totalCount } }", json!({})).await;
    let total = total["users"]["totalCount"].as_i64().unwrap();
    assert!((90_000..=110_000).contains(&total), "{total}");
    world.database.close().await.unwrap();
    place.drop_it().await.unwrap();
}
