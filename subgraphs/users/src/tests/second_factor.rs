//! The second factor: turning it on and off, signing in with it, and every way around it that must not be one.

use std::collections::HashSet;

use sea_orm::{ConnectionTrait, EntityTrait, Statement};
use serde_json::{Value, json};
use service::graphql::id;
use service::testing::TestDatabase;
use service::{Viewer, clock};

use super::world::{SAMPLE, World, address, admin, codes, customer, error_codes, on_each, sample_id};
use crate::entity::{recovery_code, totp_factor};
use crate::limits::{self, Limit};
use crate::totp;

const NEW: &str = "tr0ub4dor and three";

/// The second factor of a user, as the user has it.
struct Factor {
    secret: Vec<u8>,
    recovery: Vec<String>,
    device: Value,
    /// The step at which it was turned on. The next one may begin during a test.
    step: i64,
}

impl Factor {
    /// What the app shows so many steps after it was turned on.
    fn code(&self, steps: i64) -> String {
        totp::code(&self.secret, self.step + steps)
    }

    /// What the app shows now.
    fn shown(&self) -> String {
        totp::code(&self.secret, totp::step_at(clock::now_millis()))
    }

    /// A code that is not valid now, nor in the next minutes.
    fn wrong(&self) -> String {
        let valid: HashSet<String> = (-3..20).map(|steps| self.code(steps)).collect();
        (0..).map(|number| format!("{number:06}")).find(|code| !valid.contains(code)).unwrap()
    }
}

fn secret(payload: &Value) -> Vec<u8> {
    data_encoding::BASE32_NOPAD.decode(payload["secret"].as_str().unwrap().as_bytes()).unwrap()
}

fn strings(list: &Value) -> Vec<String> {
    list.as_array().unwrap().iter().map(|item| item.as_str().unwrap().to_owned()).collect()
}

async fn enroll(world: &World, username: &str, password: &str) -> Value {
    world.run(customer(username), "enrollTotp", json!({ "password": password })).await
}

async fn confirm(world: &World, username: &str, code: &str) -> Value {
    world.run(customer(username), "confirmTotp", json!({ "code": code })).await
}

/// Turns the second factor of a sample user on, some time ago.
async fn turn_on(world: &World, username: &str) -> Factor {
    let secret = secret(&enroll(world, username, SAMPLE).await);
    let step = totp::step_at(clock::now_millis());
    let code = totp::code(&secret, step);
    let confirmed = confirm(world, username, &code).await;
    assert_eq!(codes(&confirmed), [""; 0]);
    some_steps_later(world).await;
    let recovery = strings(&confirmed["recoveryCodes"]);
    Factor { secret, recovery, device: confirmed["session"]["deviceToken"].clone(), step }
}

/// As if the last code had been used long ago.
async fn some_steps_later(world: &World) {
    world.sql("UPDATE totp_factors SET last_step = last_step - 10").await;
}

/// The token of the challenge for one who knows the password.
async fn challenge(world: &World, username: &str, password: &str) -> Value {
    let mut payload = world.login(username, password).await;
    assert_eq!((codes(&payload), &payload["session"]), (vec![], &Value::Null), "{payload}");
    payload["challenge"]["token"].take()
}

async fn complete(world: &World, challenge: &Value, code: &str) -> Value {
    world.run(Viewer::Anonymous, "completeLogin", json!({ "challenge": challenge, "code": code })).await
}

async fn is_on(world: &World, username: &str) -> Value {
    world.data(customer(username), "{ me { totpEnabled } }", json!({})).await["me"]["totpEnabled"].take()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_factor_counts_once_its_app_has_shown_a_code() {
    on_each(async |world| {
        let before = world.session("grace", SAMPLE).await;
        assert_eq!(codes(&confirm(world, "grace", "123456").await), ["CONFLICT"], "nothing to confirm yet");
        assert_eq!(codes(&enroll(world, "grace", "wrong").await), ["BAD_CREDENTIALS"]);
        let replaced = secret(&enroll(world, "grace", SAMPLE).await);
        let made = enroll(world, "grace", SAMPLE).await;
        let uri = made["otpauthUri"].as_str().unwrap();
        let shown = format!("otpauth://totp/Braid:grace?secret={}&issuer=Braid&", made["secret"].as_str().unwrap());
        assert!(uri.starts_with(&shown), "{uri}");
        assert_eq!(is_on(world, "grace").await, false);
        world.session("grace", SAMPLE).await;

        let now = totp::step_at(clock::now_millis());
        let (old, code) = (totp::code(&replaced, now), totp::code(&secret(&made), now));
        assert_eq!(codes(&confirm(world, "grace", &old).await), ["BAD_CODE"]);
        assert_eq!(codes(&confirm(world, "alan", &code).await), ["CONFLICT"], "it is the secret of another");
        assert_eq!(is_on(world, "grace").await, false);
        let confirmed = confirm(world, "grace", &format!("{} {}", &code[..3], &code[3..])).await;
        let recovery = strings(&confirmed["recoveryCodes"]);
        assert_eq!((recovery.len(), recovery.iter().collect::<HashSet<_>>().len()), (10, 10));
        assert_eq!(is_on(world, "grace").await, true);
        let (reader, subject) = (world.database.reader(), format!("users.{}.changed", sample_id("grace")));
        let told = Statement::from_string(
            reader.get_database_backend(),
            format!("SELECT subject FROM outbox WHERE subject = '{subject}'"),
        );
        assert_eq!(reader.query_all_raw(told).await.unwrap().len(), 1);
        assert_eq!(world.mail_to("grace@example.com").await.unwrap().subject, "Signing in takes a code now");

        // Sessions from before have shown no second factor. The new one goes on.
        assert_eq!(codes(&world.refresh(&before["refreshToken"]).await), ["SESSION_ENDED"]);
        assert_eq!(codes(&world.refresh(&confirmed["session"]["refreshToken"]).await), [""; 0]);
        assert_eq!(codes(&enroll(world, "grace", SAMPLE).await), ["CONFLICT"]);
        assert_eq!(codes(&confirm(world, "grace", &code).await), ["CONFLICT"]);
        // The code that confirmed is used up.
        let token = challenge(world, "grace", SAMPLE).await;
        assert_eq!(codes(&complete(world, &token, &code).await), ["BAD_CODE"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_waits_a_quarter_of_an_hour_and_not_beyond_the_password() {
    on_each(async |world| {
        let code = |made: &Value| totp::code(&secret(made), totp::step_at(clock::now_millis()));
        let late = enroll(world, "grace", SAMPLE).await;
        world.sql("UPDATE totp_factors SET created_at = created_at - 900001").await;
        assert_eq!(codes(&confirm(world, "grace", &code(&late)).await), ["CONFLICT"]);
        let made = enroll(world, "grace", SAMPLE).await;
        let change = json!({ "oldPassword": SAMPLE, "newPassword": NEW });
        assert_eq!(codes(&world.run(customer("grace"), "changePassword", change).await), [""; 0]);
        assert_eq!(codes(&confirm(world, "grace", &code(&made)).await), ["CONFLICT"]);
        world.session("grace", NEW).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_in_takes_a_challenge_and_a_code_each_of_them_once() {
    on_each(async |world| {
        let grace = turn_on(world, "grace").await;
        let token = challenge(world, "grace", SAMPLE).await;
        assert_eq!(codes(&complete(world, &token, &grace.wrong()).await), ["BAD_CODE"]);
        let code = grace.code(0);
        let done = complete(world, &token, &code).await;
        assert_eq!((codes(&done), &done["session"]["user"]["username"]), (vec![], &json!("grace")));
        assert_eq!(codes(&world.refresh(&done["session"]["refreshToken"]).await), [""; 0]);

        assert_eq!(codes(&complete(world, &token, &grace.code(1)).await), ["CHALLENGE_ENDED"]);
        let token = challenge(world, "grace", SAMPLE).await;
        assert_eq!(codes(&complete(world, &token, &code).await), ["BAD_CODE"], "the code was used");
        assert_eq!(codes(&complete(world, &token, &grace.code(1)).await), [""; 0]);

        // The code of the step beside was used, so it and those of the steps before are over.
        let token = challenge(world, "grace", SAMPLE).await;
        for used in [grace.code(-1), code, grace.code(1)] {
            assert_eq!(codes(&complete(world, &token, &used).await), ["BAD_CODE"]);
        }
        some_steps_later(world).await;
        for far in [grace.code(-2), grace.code(3)] {
            let token = challenge(world, "grace", SAMPLE).await;
            assert_eq!(codes(&complete(world, &token, &far).await), ["BAD_CODE"]);
        }
        assert_eq!(codes(&complete(world, &token, &grace.shown()).await), [""; 0]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_challenge_is_that_of_its_account_and_ends() {
    on_each(async |world| {
        let (grace, alan) = (turn_on(world, "grace").await, turn_on(world, "alan").await);
        let token = challenge(world, "grace", SAMPLE).await;
        for code in [alan.code(0), alan.recovery[0].clone()] {
            assert_eq!(codes(&complete(world, &token, &code).await), ["BAD_CODE"], "the code of another account");
        }
        for wrong in [json!(""), json!("A".repeat(43)), json!("made up"), alan.device.clone()] {
            assert_eq!(codes(&complete(world, &wrong, &grace.code(0)).await), ["CHALLENGE_ENDED"]);
        }
        world.sql("UPDATE login_challenges SET expires_at = 1").await;
        assert_eq!(codes(&complete(world, &token, &grace.code(0)).await), ["CHALLENGE_ENDED"]);
        assert_eq!(crate::housekeeping::tidy(&world.database, world.config.token_life()).await.unwrap(), 1);
        // Alan's code and recovery code were not used up by that.
        for code in [alan.code(0), alan.recovery[0].clone()] {
            let token = challenge(world, "alan", SAMPLE).await;
            assert_eq!(codes(&complete(world, &token, &code).await), [""; 0]);
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recovery_code_takes_the_place_of_the_app_once() {
    on_each(async |world| {
        let grace = turn_on(world, "grace").await;
        let token = challenge(world, "grace", SAMPLE).await;
        let typed = format!(" {} ", grace.recovery[0].to_uppercase().replace('-', " "));
        assert_eq!(codes(&complete(world, &token, &typed).await), [""; 0]);
        let mail = world.mail_to("grace@example.com").await.unwrap();
        assert!(mail.subject == "A recovery code was used" && mail.text.contains("9 are left"), "{}", mail.text);
        let token = challenge(world, "grace", SAMPLE).await;
        assert_eq!(codes(&complete(world, &token, &grace.recovery[0]).await), ["BAD_CODE"]);

        let regenerate = async |password: &str, code: &str| {
            let input = json!({ "password": password, "code": code });
            world.run(customer("grace"), "regenerateRecoveryCodes", input).await
        };
        assert_eq!(codes(&regenerate("wrong", &grace.code(0)).await), ["BAD_CREDENTIALS"]);
        assert_eq!(codes(&regenerate(SAMPLE, &grace.wrong()).await), ["BAD_CODE"]);
        assert_eq!(codes(&regenerate(SAMPLE, "").await), ["BAD_CODE"]);
        let code = grace.code(0);
        let new = strings(&regenerate(SAMPLE, &code).await["recoveryCodes"]);
        assert_eq!(new.len(), 10);
        assert_eq!(codes(&regenerate(SAMPLE, &code).await), ["BAD_CODE"], "the code was used");
        assert_eq!(world.mail_to("grace@example.com").await.unwrap().subject, "You have new recovery codes");
        assert_eq!(codes(&complete(world, &token, &grace.recovery[1]).await), ["BAD_CODE"]);
        assert_eq!(codes(&complete(world, &token, &new[9]).await), [""; 0]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn turning_off_takes_the_password_and_a_code() {
    on_each(async |world| {
        let disable = async |username: &str, password: &str, code: &str| {
            let input = json!({ "password": password, "code": code });
            world.run(customer(username), "disableTotp", input).await
        };
        assert_eq!(codes(&disable("grace", SAMPLE, "123456").await), ["CONFLICT"]);
        let grace = turn_on(world, "grace").await;
        let alan = turn_on(world, "alan").await;
        let token = challenge(world, "grace", SAMPLE).await;
        let session = complete(world, &token, &grace.code(0)).await["session"].take();
        let open = challenge(world, "grace", SAMPLE).await;

        assert_eq!(codes(&disable("grace", "wrong", &grace.code(1)).await), ["BAD_CREDENTIALS"]);
        for code in ["", "000 000 0", &grace.wrong(), &grace.code(0), &alan.code(0), &alan.recovery[0]] {
            assert_eq!(codes(&disable("grace", SAMPLE, code).await), ["BAD_CODE"], "{code}");
        }
        assert_eq!(is_on(world, "grace").await, true);
        let done = disable("grace", SAMPLE, &grace.code(1)).await;
        assert_eq!(codes(&world.refresh(&done["session"]["refreshToken"]).await), [""; 0]);
        assert_eq!(codes(&world.refresh(&session["refreshToken"]).await), ["SESSION_ENDED"]);
        assert_eq!(codes(&complete(world, &open, &grace.recovery[0]).await), ["CHALLENGE_ENDED"]);
        assert_eq!(is_on(world, "grace").await, false);
        assert_eq!(world.mail_to("grace@example.com").await.unwrap().subject, "Signing in takes no code any more");
        world.session("grace", SAMPLE).await;
        // By a recovery code, too. What is left of the old factor opens nothing of a new one.
        assert_eq!(codes(&disable("alan", SAMPLE, &alan.recovery[3]).await), [""; 0]);
        turn_on(world, "alan").await;
        let token = challenge(world, "alan", SAMPLE).await;
        for old in [alan.code(0), alan.recovery[4].clone()] {
            assert_eq!(codes(&complete(world, &token, &old).await), ["BAD_CODE"]);
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_password_is_no_way_around_the_second_factor() {
    on_each(async |world| {
        let grace = turn_on(world, "grace").await;
        let open = challenge(world, "grace", SAMPLE).await;
        world.run(Viewer::Anonymous, "requestPasswordReset", json!({ "email": "grace@example.com" })).await;
        let token = world.token_to("grace@example.com").await;
        let input = json!({ "token": token, "newPassword": NEW });
        let reset = world.run(Viewer::Anonymous, "resetPassword", input).await;
        assert_eq!(codes(&reset), [""; 0]);
        assert_eq!(codes(&complete(world, &open, &grace.code(0)).await), ["CHALLENGE_ENDED"]);

        // Who has read the mail has no device that is known by the second factor: their guesses are those of a stranger.
        let user = sample_id("grace");
        for _ in 0..30 {
            limits::take(&world.database, &[Limit::codes("signing in", user)]).await.unwrap();
        }
        for (device, code) in [(&reset["deviceToken"], "TOO_MANY_ATTEMPTS"), (&grace.device, "BAD_CODE")] {
            let input = json!({ "username": "grace", "password": NEW, "deviceToken": device });
            let payload = world.run(Viewer::Anonymous, "login", input).await;
            assert_eq!(payload["session"], Value::Null);
            let guess = complete(world, &payload["challenge"]["token"], &grace.wrong()).await;
            assert_eq!(codes(&guess), [code]);
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_administrator_takes_a_lost_factor_from_another_user() {
    on_each(async |world| {
        let grace = turn_on(world, "grace").await;
        let open = challenge(world, "grace", SAMPLE).await;
        let clear = async |username: &str| {
            let input = json!({ "userId": id::global("User", sample_id(username)) });
            world.run(admin(), "clearTotp", input).await
        };
        let query = "mutation($id: ID!) { clearTotp(input: { userId: $id }) { user { id } } }";
        let of_grace = json!({ "id": id::global("User", sample_id("grace")) });
        for (viewer, code) in [
            (Viewer::Anonymous, "UNAUTHENTICATED"),
            (Viewer::Service, "FORBIDDEN"),
            (customer("grace"), "FORBIDDEN"),
            (super::world::staff("alan"), "FORBIDDEN"),
        ] {
            let answer = world.ask(viewer, query, of_grace.clone()).await;
            assert_eq!((&answer["data"], error_codes(&answer)), (&json!({ "clearTotp": null }), vec![code]));
        }
        assert_eq!(is_on(world, "grace").await, true);

        assert_eq!(clear("grace").await["user"], json!({ "username": "grace", "totpEnabled": false }));
        assert_eq!(codes(&complete(world, &open, &grace.recovery[0]).await), ["CHALLENGE_ENDED"]);
        assert_eq!(world.mail_to("grace@example.com").await.unwrap().subject, "Signing in takes no code any more");
        world.session("grace", SAMPLE).await;
        assert_eq!(codes(&clear("grace").await), [""; 0], "one who has none keeps none");
        assert_eq!(codes(&clear("nobody").await), ["NOT_FOUND"]);
        // A stolen token of an administrator does not free the account from its factor.
        turn_on(world, "ada").await;
        assert_eq!(codes(&clear("ada").await), ["CONFLICT"]);
        assert_eq!(is_on(world, "ada").await, true);
    })
    .await;
}

/// Guesses from one place, from everywhere, and on a known device; and that none of them keeps the owner out.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn guessing_codes_is_limited_and_keeps_nobody_out() {
    on_each(async |world| {
        let (grace, alan) = (turn_on(world, "grace").await, turn_on(world, "alan").await);
        let wrong = grace.wrong();
        let login_as = async |username: &str, place: u32, device: &Value| {
            let input = json!({ "username": username, "password": SAMPLE, "deviceToken": device });
            world.run_from(address(place), Viewer::Anonymous, "login", input).await["challenge"]["token"].take()
        };
        let login = async |place: u32| login_as("grace", place, &Value::Null).await;
        let guess = async |place: u32, challenge: &Value, code: &str| {
            let input = json!({ "challenge": challenge, "code": code });
            let payload = world.run_from(address(place), Viewer::Anonymous, "completeLogin", input).await;
            codes(&payload).first().map_or(String::new(), |code| (*code).to_owned())
        };
        // A flood on one challenge is five guesses.
        let (token, no_code) = (login_as("alan", 1, &Value::Null).await, alan.wrong());
        let flood = (0..20).map(|_| guess(1, &token, &no_code));
        let done = futures_util::future::join_all(flood).await;
        assert_eq!(done.iter().filter(|code| *code == "BAD_CODE").count(), 5, "{done:?}");
        assert_eq!(guess(2, &token, &alan.shown()).await, "CHALLENGE_ENDED");
        assert_eq!(world.mail_to("alan@example.com").await.unwrap().subject, "Somebody may have your password");

        // From one place, with as many challenges as one gets.
        let (mut guesses, mut challenges) = (0, 0);
        for _ in 0..12 {
            let token = login(3).await;
            challenges += u32::from(!token.is_null());
            for _ in 0..5 {
                guesses += u32::from(!token.is_null() && guess(3, &token, &wrong).await == "BAD_CODE");
            }
        }
        assert_eq!((challenges, guesses), (10, 10));

        // From everywhere, in a day.
        for place in 10..60 {
            let token = login(place).await;
            guesses += u32::from(guess(place, &token, &wrong).await == "BAD_CODE");
        }
        assert_eq!(guesses, 30);
        world.deliver().await;
        let sent = world.mails.sent.lock().unwrap().clone();
        let of_grace = sent.iter().filter(|mail| mail.to == "grace@example.com");
        let warnings = of_grace.filter(|mail| mail.subject.starts_with("Somebody may")).count();
        assert_eq!(warnings, 1, "one in a day");

        // The owner: elsewhere with a recovery code, and on a device that is known with the app.
        let token = login(61).await;
        assert_eq!(guess(61, &token, &grace.shown()).await, "TOO_MANY_ATTEMPTS");
        assert_eq!(guess(61, &token, &grace.recovery[0]).await, "");
        let token = login_as("grace", 3, &grace.device).await;
        assert_eq!(guess(3, &token, &grace.shown()).await, "");
        // A device that was stolen can't guess for ever.
        for round in 0..12 {
            let token = login_as("grace", 4, &grace.device).await;
            let expected = if round < 10 { "BAD_CODE" } else { "CHALLENGE_ENDED" };
            let found = if token.is_null() { "CHALLENGE_ENDED".to_owned() } else { guess(4, &token, &wrong).await };
            assert_eq!(found, expected, "{round}");
        }
    })
    .await;
}

/// What a sign-in was counted for is given back when it is completed.
#[tokio::test(flavor = "multi_thread")]
async fn whoever_completes_their_sign_ins_may_sign_in_often() {
    on_each(async |world| {
        let grace = turn_on(world, "grace").await;
        for _ in 0..12 {
            some_steps_later(world).await;
            let token = challenge(world, "grace", SAMPLE).await;
            assert_eq!(codes(&complete(world, &token, &grace.shown()).await), [""; 0]);
        }
    })
    .await;
}

/// Of many who have one code, one gets in, whichever instance they ask.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_instances_accept_a_code_once() {
    for place in TestDatabase::each().await.unwrap() {
        let sample = |config: &mut crate::Config| config.service.sample_data = Some(true);
        let (one, two) = (World::open(&place, sample).await, World::open(&place, sample).await);
        let grace = turn_on(&one, "grace").await;
        for code in [grace.code(0), grace.recovery[0].clone()] {
            let mut tokens = Vec::new();
            for _ in 0..4 {
                tokens.push(challenge(&one, "grace", SAMPLE).await);
            }
            let tries = (0..8).map(|number| {
                let world = if number % 2 == 0 { &one } else { &two };
                complete(world, &tokens[number / 2], &code)
            });
            let done = futures_util::future::join_all(tries).await;
            let won = done.iter().filter(|payload| !payload["session"].is_null()).count();
            let lost: Vec<&str> = done.iter().flat_map(codes).collect();
            assert!(won == 1 && lost.len() == 7, "{done:?}");
            assert!(lost.iter().all(|code| ["BAD_CODE", "CHALLENGE_ENDED"].contains(code)), "{lost:?}");
            one.sql("DELETE FROM attempts").await;
        }
        // Of two that turn it on or off at the same time, one does.
        let off = json!({ "password": SAMPLE, "code": grace.recovery[1] });
        let (first, second) = tokio::join!(
            one.run(customer("grace"), "disableTotp", off.clone()),
            two.run(customer("grace"), "disableTotp", off.clone())
        );
        let mut found = [codes(&first), codes(&second)].concat();
        assert!(matches!(found.pop(), Some("BAD_CODE" | "CONFLICT")) && found.is_empty(), "{first} {second}");
        let made = enroll(&one, "grace", SAMPLE).await;
        let code = totp::code(&secret(&made), totp::step_at(clock::now_millis()));
        let (first, second) = tokio::join!(confirm(&one, "grace", &code), confirm(&two, "grace", &code));
        assert_eq!([codes(&first), codes(&second)].concat(), ["CONFLICT"], "{first} {second}");
        for world in [one, two] {
            world.database.close().await.unwrap();
        }
        place.drop_it().await.unwrap();
    }
}

/// What the database has of recovery codes opens nothing, and no secret is in a log.
#[tokio::test(flavor = "multi_thread")]
async fn recovery_codes_are_stored_as_hashes() {
    on_each(async |world| {
        let grace = turn_on(world, "grace").await;
        let rows = recovery_code::Entity::find().all(world.database.reader()).await.unwrap();
        assert_eq!(rows.len(), 10);
        for (row, code) in rows.iter().zip(&grace.recovery) {
            let plain = crate::secret::hash(crate::secret::as_written(code).as_bytes());
            assert!(
                rows.iter().all(|row| row.code_hash != plain),
                "without the user, one guess would be for all users"
            );
            assert_eq!(row.code_hash.len(), 32);
        }
        let factor = totp_factor::Entity::find().one(world.database.reader()).await.unwrap().unwrap();
        assert!(!format!("{factor:?}").contains("secret"), "{factor:?}");
    })
    .await;
}

/// A password and a code are counted together: one of them in a request.
#[tokio::test(flavor = "multi_thread")]
async fn a_request_has_one_code() {
    on_each(async |world| {
        let guess = |alias: usize| {
            format!("a{alias}: completeLogin(input: {{ challenge: \"x\", code: \"{alias:06}\" }}) {{ userErrors {{ code }} }} ")
        };
        let many: String = (0..100).map(guess).collect();
        let answer = world.data(Viewer::Anonymous, &format!("mutation {{ {many} }}"), json!({})).await;
        let found: Vec<&str> = answer.as_object().unwrap().values().flat_map(codes).collect();
        assert_eq!((found.len(), found[0]), (100, "CHALLENGE_ENDED"));
        assert!(found[1..].iter().all(|code| *code == "BAD_USER_INPUT"));
    })
    .await;
}
