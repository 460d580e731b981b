//! Keys that change under load: an issuer that signs with a new key at once is refused nowhere.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use serde_json::json;

use crate::support::{Address, Answer, Issuer, bearer, set};

const REQUESTS: usize = 100_000;
const CLIENTS: usize = 8;
/// So many requests are made with one token.
const REPEATED: usize = 5;

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_refused_while_keys_rotate() {
    let first = Arc::new(Issuer::eddsa("0"));
    let address = Address::of(&[&first.jwk]).await;
    let trusting = Arc::new(address.authenticator("").await);
    let (current, made) = (Arc::new(ArcSwap::new(first.clone())), Arc::new(AtomicUsize::new(0)));
    let client = |_| {
        let (trusting, current, made) = (trusting.clone(), current.clone(), made.clone());
        tokio::spawn(async move {
            let mut refused = Vec::new();
            loop {
                let number = made.fetch_add(REPEATED, Ordering::SeqCst);
                if number >= REQUESTS {
                    return refused;
                }
                let token = current.load().token(&json!({ "sub": number.to_string() }));
                for _ in 0..REPEATED {
                    refused.extend(bearer(&trusting, &token).await.err());
                }
            }
        })
    };
    let clients: Vec<_> = (0..CLIENTS).map(client).collect();
    // Twice, as the budget of fetches allows at once. The key before is published for as long as its tokens are in use.
    let mut before = first;
    for rotation in 1..=2 {
        while made.load(Ordering::SeqCst) < rotation * REQUESTS / 3 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let next = Arc::new(Issuer::eddsa(&rotation.to_string()));
        address.answers(Answer::With(200, set(&[&before.jwk, &next.jwk])));
        current.store(next.clone());
        before = next;
    }
    for client in clients {
        assert_eq!(client.await.unwrap(), []);
    }
    assert!(address.asked() <= 3, "{}", address.asked());
}
