//! The `health` command: asks the service of this machine how it is. For containers, which have no other program to ask with.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use anyhow::{Context, bail};

/// Longer than a probe of the database takes before it is given up.
const TIMEOUT: Duration = Duration::from_secs(4);

/// An error unless the service that listens on this address is well.
pub(crate) async fn probe(listen: SocketAddr) -> anyhow::Result<()> {
    if listen.port() == 0 {
        bail!("--listen or LISTEN has port 0, so nobody knows where the service is");
    }
    let url = format!("http://{}/health/ready", reachable(listen));
    // A proxy of the environment is for other machines.
    let client = reqwest::Client::builder().no_proxy().timeout(TIMEOUT).build().context("could not make a client")?;
    let response = client.get(&url).send().await.with_context(|| format!("{url} does not answer"))?;
    match response.status() {
        status if status.is_success() => Ok(()),
        status => bail!("{url} answers {status}: {}", response.text().await.unwrap_or_default()),
    }
}

/// One that listens on all addresses is asked at its own.
fn reachable(listen: SocketAddr) -> SocketAddr {
    let ip = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    SocketAddr::new(ip, listen.port())
}

#[cfg(test)]
mod tests {
    use axum::http::StatusCode;
    use axum::routing::get;

    use super::*;

    async fn service(status: StatusCode) -> SocketAddr {
        let listener = tokio::net::TcpListener::bind("0.0.0.0:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let app = axum::Router::new().route("/health/ready", get(move || async move { (status, "because") }));
        tokio::spawn(async move { axum::serve(listener, app).await });
        address
    }

    #[tokio::test]
    async fn only_a_service_that_is_well_is_healthy() {
        probe(service(StatusCode::OK).await).await.unwrap();
        let ill = probe(service(StatusCode::SERVICE_UNAVAILABLE).await).await.unwrap_err().to_string();
        assert!(ill.contains("503") && ill.contains("because"), "{ill}");
        let gone = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        assert!(probe(gone).await.unwrap_err().to_string().contains("does not answer"));
        assert!(probe("0.0.0.0:0".parse().unwrap()).await.unwrap_err().to_string().contains("port 0"));
    }
}
