//! `braid mcp`: connects a program that starts MCP servers, over standard input and output, to the endpoint of a router.

mod bridge;
mod message;
mod upstream;

use std::path::PathBuf;
use std::time::Duration;

use braid_settings::Duration as Setting;
use clap::Args;
use http::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};

use super::terminal::{Failure, block_on};
use upstream::Upstream;

/// Connect a program that starts MCP servers, over standard input and output, to a router.
///
/// For clients such as desktop applications that start a program for each server. Messages pass as they are; any server that speaks Streamable
/// HTTP will do. What goes wrong is written to standard error.
#[derive(Debug, Args)]
pub(super) struct Bridge {
    /// The endpoint. Without a path, it is /mcp
    #[arg(long, value_name = "URL", env = "BRAID_MCP_URL", default_value = "http://127.0.0.1:4000/mcp")]
    url: String,
    /// A token that is sent with each request, as `Authorization: Bearer`. Other users of this machine can see options, but not the variable
    #[arg(long, value_name = "TOKEN", env = "BRAID_MCP_TOKEN", hide_env_values = true)]
    token: Option<String>,
    /// A header that is sent with each request, such as 'x-api-key: 123'. Can be repeated
    #[arg(long = "header", value_name = "NAME: VALUE")]
    headers: Vec<String>,
    /// A PEM file with the certificate authorities that are trusted for https, instead of the system's
    #[arg(long, value_name = "FILE")]
    authorities: Option<PathBuf>,
    /// How long an answer may take
    #[arg(long, value_name = "TIME", default_value = "90s")]
    timeout: Setting,
    /// How often the list of tools is looked at, so that the client learns that it has changed; 0s for never
    #[arg(long, value_name = "TIME", default_value = "30s")]
    poll: Setting,
}

impl Bridge {
    pub(super) fn run(self) -> Result<(), Failure> {
        let upstream = Upstream::new(&endpoint(&self.url)?, self.request_headers()?, self.authorities, self.timeout.0)?;
        let poll = Some(self.poll.0).filter(|time| *time > Duration::ZERO);
        block_on(bridge::run(upstream, poll))
    }

    fn request_headers(&self) -> Result<HeaderMap, Failure> {
        let mut headers = HeaderMap::new();
        if let Some(token) = &self.token {
            let value = HeaderValue::try_from(format!("Bearer {token}"));
            headers.insert(
                AUTHORIZATION,
                value.map_err(|_| Failure::Usage("the token can't be sent in a header".to_owned()))?,
            );
        }
        for header in &self.headers {
            let wrong = || Failure::Usage(format!("--header: \"{header}\" is not a header, such as 'name: value'"));
            let (name, value) = header.split_once(':').ok_or_else(wrong)?;
            let name = HeaderName::try_from(name.trim()).map_err(|_| wrong())?;
            headers.append(name, HeaderValue::try_from(value.trim()).map_err(|_| wrong())?);
        }
        Ok(headers)
    }
}

/// The endpoint of a router, where the URL of the router is given.
fn endpoint(url: &str) -> Result<String, Failure> {
    let parsed: http::Uri =
        url.parse().map_err(|error| Failure::Usage(format!("--url: \"{url}\" is not a URL: {error}")))?;
    match parsed.path() {
        "" | "/" => Ok(format!("{}/mcp", url.trim_end_matches('/'))),
        _ => Ok(url.to_owned()),
    }
}
