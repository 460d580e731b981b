//! Another email address.

use serde_json::{Value, json};
use service::Viewer;

use super::world::{SAMPLE, World, codes, customer, on_each};

async fn change(world: &World, email: &str, password: &str) -> Value {
    world.run(customer("grace"), "changeEmail", json!({ "email": email, "password": password })).await
}

async fn confirm(world: &World, token: &str) -> Value {
    world.run(Viewer::Anonymous, "confirmEmail", json!({ "token": token })).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_changes_when_its_owner_has_confirmed_it() {
    on_each(async |world| {
        assert_eq!(codes(&change(world, "new@shop.test", "wrong").await), ["BAD_CREDENTIALS"]);
        assert_eq!(codes(&change(world, "nonsense", SAMPLE).await), ["BAD_USER_INPUT"]);
        world.run(Viewer::Anonymous, "requestPasswordReset", json!({ "email": "grace@example.com" })).await;
        let reset = world.token_to("grace@example.com").await;

        let asked = change(world, "New@shop.test", SAMPLE).await;
        assert_eq!(asked, json!({ "emailedTo": "new@shop.test", "userErrors": [] }));
        assert_eq!(world.mail_to("grace@example.com").await.unwrap().subject, "A new address for your account");
        assert_eq!(
            world.data(customer("grace"), "{ me { email } }", json!({})).await["me"]["email"],
            "grace@example.com"
        );

        let token = world.token_to("new@shop.test").await;
        assert_eq!(confirm(world, &token).await["user"]["email"], "new@shop.test");
        assert_eq!(codes(&confirm(world, &token).await), ["BAD_TOKEN"]);
        let old = world.mail_to("grace@example.com").await.unwrap();
        assert_eq!(old.subject, "The address of your account was changed");
        assert!(!old.text.contains("new@shop.test"));
        // Mails to the old address no longer open the account.
        let input = json!({ "token": reset, "newPassword": "tr0ub4dor and three" });
        assert_eq!(codes(&world.run(Viewer::Anonymous, "resetPassword", input).await), ["BAD_TOKEN"]);
        world.session("new@shop.test", SAMPLE).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_of_somebody_else_stays_theirs() {
    on_each(async |world| {
        let (free, taken) =
            (change(world, "free@shop.test", SAMPLE).await, change(world, "alan@example.com", SAMPLE).await);
        assert_eq!((codes(&free), codes(&taken)), (vec![], vec![]), "the answer does not say whose the address is");
        assert_eq!(world.mail_to("alan@example.com").await.unwrap().subject, "This address has an account");
        // Somebody registers with the free one before it is confirmed.
        let token = world.token_to("free@shop.test").await;
        world.new_customer("free").await;
        assert_eq!(codes(&confirm(world, &token).await), ["EMAIL_TAKEN"]);
    })
    .await;
}
