//! That nobody learns from the service who has an account: the answers are the same, and so is the work.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use service::Viewer;
use service::auth::User;

use super::world::{PASSWORD, SAMPLE, World, codes, on_each};

/// One mutation about somebody who has an account, and about somebody who has none. `{}` stands for the number of the round.
struct Pair {
    mutation: &'static str,
    known: Value,
    unknown: Value,
}

fn pairs(round: usize) -> Vec<Pair> {
    let register = |email: &str| json!({ "username": format!("somebody{round}"), "name": "N", "email": email, "password": PASSWORD });
    let login = |username: &str| json!({ "username": username, "password": format!("guess {round}") });
    // Each round has another account: the limits are not the subject here.
    let user = &service::sample::users()[round + 10];
    let (nobody, nowhere) = (format!("nobody{round}"), format!("nobody{round}@shop.test"));
    vec![
        Pair { mutation: "login", known: login(&user.username), unknown: login(&nobody) },
        Pair { mutation: "login", known: login(&user.email), unknown: login(&nowhere) },
        // With the wrong password, one who has a second factor is like all others.
        Pair { mutation: "login", known: login(&with_factor(round).username), unknown: login(&user.username) },
        Pair { mutation: "register", known: register(&user.email), unknown: register(&nowhere) },
        Pair {
            mutation: "requestPasswordReset",
            known: json!({ "email": user.email }),
            unknown: json!({ "email": nowhere }),
        },
    ]
}

/// Somebody who has a second factor.
fn with_factor(round: usize) -> service::sample::SampleUser {
    service::sample::users()[round + 30].clone()
}

/// The answer, how many statements it took, and how long.
async fn measure(world: &World, mutation: &str, input: &Value) -> (Value, u64, Duration) {
    let (before, started) = (world.database.statements(), Instant::now());
    let mut answer = world.run(Viewer::Anonymous, mutation, input.clone()).await;
    let (statements, time) = (world.database.statements() - before, started.elapsed());
    if answer["emailedTo"] == input["email"] && !input["email"].is_null() {
        answer["emailedTo"] = json!("the address that was asked for");
    }
    (answer, statements, time)
}

#[tokio::test(flavor = "multi_thread")]
async fn known_and_unknown_get_the_same_answer_for_the_same_work() {
    on_each(async |world| {
        let mut times: Vec<[Vec<Duration>; 2]> = pairs(0).iter().map(|_| Default::default()).collect();
        for round in 0..7 {
            let user = Viewer::User(User { id: with_factor(round).id.to_string(), roles: Vec::new() });
            let made = world.run(user.clone(), "enrollTotp", json!({ "password": SAMPLE })).await;
            let secret = data_encoding::BASE32_NOPAD.decode(made["secret"].as_str().unwrap().as_bytes()).unwrap();
            let code = crate::totp::code(&secret, crate::totp::step_at(service::clock::now_millis()));
            assert_eq!(codes(&world.run(user, "confirmTotp", json!({ "code": code })).await), [""; 0]);
            for (number, Pair { mutation, known, unknown }) in pairs(round).into_iter().enumerate() {
                let (first, second) =
                    (measure(world, mutation, &known).await, measure(world, mutation, &unknown).await);
                assert_eq!((&first.0, first.1), (&second.0, second.1), "{mutation}");
                times[number][0].push(first.2);
                times[number][1].push(second.2);
            }
        }
        for (number, [mut known, mut unknown]) in times.into_iter().enumerate() {
            known.sort();
            unknown.sort();
            let (known, unknown) = (known[3].as_secs_f64(), unknown[3].as_secs_f64());
            // The machine may be busy; what is hashed or not makes a factor of ten and more.
            assert!(known < unknown * 3.0 && unknown < known * 3.0, "{number}: {known} s and {unknown} s");
        }
    })
    .await;
}

/// The mail goes to the owner of the address, and says what is the case.
#[tokio::test(flavor = "multi_thread")]
async fn the_owner_of_an_address_is_told() {
    on_each(async |world| {
        let input = json!({ "username": "grace2", "name": "N", "email": "grace@example.com", "password": PASSWORD });
        world.run(Viewer::Anonymous, "register", input).await;
        let mail = world.mail_to("grace@example.com").await.unwrap();
        assert_eq!(mail.subject, "You already have an account");
        assert!(mail.text.contains("its username is grace.") && !mail.text.contains("Token"), "{}", mail.text);
        world.run(Viewer::Anonymous, "requestPasswordReset", json!({ "email": "nobody@shop.test" })).await;
        assert!(world.mail_to("nobody@shop.test").await.is_none());
    })
    .await;
}
