//! What rate limits add to a request whose key is known, counted by this router.
#![allow(clippy::unwrap_used, missing_docs, reason = "a bench is no API, and a panic in it is its report")]

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use braid_rate_limit::LimitsByGraph;
use braid_rate_limit::config::RateLimitsConfig;
use braid_request_context::headers::HeaderPlans;
use braid_request_context::identity::{CredentialKind, Principal};
use braid_request_context::{Identity, RequestContext};
use braid_telemetry::metrics::Metrics;
use criterion::{Criterion, criterion_group, criterion_main};
use futures_util::FutureExt;
use http::HeaderMap;

fn context() -> RequestContext {
    let (head, ()) = http::Request::new(()).into_parts();
    let plans = HeaderPlans::new(&Default::default(), std::iter::empty()).unwrap();
    let peer = SocketAddr::from(([192, 0, 2, 1], 9));
    let mut context = RequestContext::new(head, Some(peer), Duration::from_secs(60), Arc::new(plans));
    let claims = [("sub".to_owned(), "5f0c2f60-9a70-4f5e-8f1e-2d3b8c1f0a11".into())].into_iter().collect();
    let (source, kind) = ("id".into(), CredentialKind::Jwt);
    context.identity = Identity::Known(Arc::new(Principal { claims, source, kind, expires: None }));
    context
}

fn check(c: &mut Criterion) {
    let ip = "{ name: ip, by: [client_ip], limit: 1000000, per: 1s, burst: 1000000000 }";
    let user = "{ name: user, by: [claims.sub], limit: 1000000, per: 1s, burst: 1000000000 }";
    for (name, rules) in [("one rule", ip.to_owned()), ("two rules", format!("{ip}, {user}"))] {
        let config: RateLimitsConfig = braid_settings::from_yaml(&format!("rules: [{rules}]")).unwrap();
        let limits = LimitsByGraph::new(&config, [], &Metrics::default(), None).unwrap().unwrap();
        let limits = limits.of(None).unwrap();
        let context = context();
        c.bench_function(&format!("check, {name}"), |b| {
            b.iter(|| {
                let request = limits.begin();
                request.check_head(&context, 1).now_or_never().unwrap().unwrap();
            });
        });
        c.bench_function(&format!("check and headers, {name}"), |b| {
            let mut headers = HeaderMap::new();
            b.iter(|| {
                let request = limits.begin();
                request.check_head(&context, 1).now_or_never().unwrap().unwrap();
                request.write_headers(&mut headers);
            });
        });
    }
}

criterion_group!(benches, check);
criterion_main!(benches);
