//! What is noted of a client beside its requests: the name that it says, and its claims. Knows no request.

use braid_request_context::RequestContext;
use braid_request_context::identity::{ClaimPath, Principal};
use braid_telemetry::config::AccessLogConfig;
use braid_telemetry::key;
use braid_telemetry::line::Line;
use http::header::HeaderName;

use crate::config::SettingsError;

/// What a line of the access log has of the client.
#[derive(Debug)]
pub(crate) struct LoggedClient {
    name: HeaderName,
    version: HeaderName,
    claims: Vec<(String, ClaimPath)>,
}

impl LoggedClient {
    /// Reads the names of headers and claims.
    pub(crate) fn new(config: &AccessLogConfig) -> Result<Self, SettingsError> {
        let header = |name: &str| HeaderName::try_from(name).map_err(|_| SettingsError::ClientHeader(name.to_owned()));
        let claim = |(name, path): (&String, &String)| {
            Ok((name.clone(), path.parse::<ClaimPath>().map_err(SettingsError::Claim)?))
        };
        Ok(Self {
            name: header(&config.client_name_header)?,
            version: header(&config.client_version_header)?,
            claims: config.claims.iter().map(claim).collect::<Result<_, SettingsError>>()?,
        })
    }

    /// The client's name and version, as it says them.
    pub(crate) fn of<'a>(&self, context: &'a RequestContext) -> [Option<&'a str>; 2] {
        let header = |name: &HeaderName| context.headers.get(name).and_then(|value| value.to_str().ok());
        [header(&self.name), header(&self.version)]
    }

    /// Writes who asks, and the claims that are logged.
    pub(crate) fn write(&self, line: &mut Line<'_>, principal: &Principal) {
        line.text(key!("authenticatedBy"), &principal.source);
        if self.claims.is_empty() {
            return;
        }
        line.object(key!("claims"), |line| {
            for (name, path) in &self.claims {
                if let Some(value) = principal.claim(path) {
                    line.value(name, value, MAX_CLAIM);
                }
            }
        });
    }
}

/// The most bytes of a claim in the log.
const MAX_CLAIM: usize = 256;
