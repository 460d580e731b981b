//! `braid health`: asks a router whether it takes requests. For containers, which have no other program to ask with.

use std::path::PathBuf;
use std::time::Duration;

use braid_net::config::TlsClientConfig;
use braid_net::{Endpoint, chain};
use bytes::Bytes;
use clap::Args;
use http::{HeaderMap, Method};

use super::terminal::{Failure, block_on};

/// Ask a router whether it takes requests. Prints nothing if it does, and else why not
#[derive(Debug, Args)]
pub(super) struct Health {
    /// Where the router says it
    #[arg(value_name = "URL", env = "BRAID_HEALTH_URL", default_value = "http://127.0.0.1:4000/health/ready")]
    url: String,
    /// A PEM file with the certificate authorities that are trusted for https, instead of the system's
    #[arg(long, value_name = "FILE")]
    authorities: Option<PathBuf>,
}

const MAX_BYTES: usize = 64 << 10;
const TIMEOUT: Duration = Duration::from_secs(4);

impl Health {
    pub(super) fn run(self) -> Result<(), Failure> {
        block_on(self.ask())
    }

    async fn ask(&self) -> Result<(), Failure> {
        let authorities = self.authorities.as_ref().map(|file| file.display().to_string());
        let tls = TlsClientConfig { authorities, ..TlsClientConfig::default() };
        let endpoint =
            Endpoint::new(&self.url, &tls, MAX_BYTES, TIMEOUT).map_err(|error| Failure::Usage(chain(&error)))?;
        let sent = endpoint.send(Method::GET, HeaderMap::new(), Bytes::new()).await;
        let response = sent.map_err(|error| Failure::Other(format!("{}: {}", self.url, chain(&error))))?;
        match response.status() {
            status if status.is_success() => Ok(()),
            status => {
                let said = String::from_utf8_lossy(response.body());
                Err(Failure::Other(format!("{} answered {status}: {said}", self.url)))
            }
        }
    }
}
