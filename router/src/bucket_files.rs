//! Files that are objects of a bucket (`s3://BUCKET/KEY`): copied into a folder, and copied again when they have changed there. Knows no
//! content.

use std::path::{Path, PathBuf};
use std::time::Duration;

use braid_net::config::TlsClientConfig;
use braid_net::{Endpoint, EndpointError, UrlError, chain};
use braid_persisted_operations::config::BucketConfig;
use braid_persisted_operations::{BucketError, Object};
use braid_settings::Secret;
use bytes::Bytes;
use http::header::{ETAG, HeaderMap, HeaderValue, IF_NONE_MATCH};
use http::{Method, StatusCode};
use tempfile::TempDir;

/// Why an object can't be copied.
#[derive(Debug, thiserror::Error)]
#[error("{location} can't be read")]
pub(crate) struct BucketFileError {
    location: String,
    #[source]
    problem: Problem,
}

#[derive(Debug, thiserror::Error)]
enum Problem {
    #[error("it has no key: write s3://BUCKET/KEY")]
    NoKey,
    #[error("AWS_REGION is not set, so it is not known where the bucket is")]
    NoRegion,
    #[error(transparent)]
    Bucket(#[from] BucketError),
    #[error(transparent)]
    Url(#[from] UrlError),
    #[error(transparent)]
    Unreachable(#[from] EndpointError),
    #[error("the bucket answered {0}{hint}", hint = hint(*.0))]
    Status(StatusCode),
    #[error("its copy can't be written")]
    Copy(#[from] std::io::Error),
}

fn hint(status: StatusCode) -> &'static str {
    match status {
        StatusCode::FORBIDDEN => ": the role of the function needs s3:GetObject for it",
        StatusCode::NOT_FOUND => ": there is no such object",
        StatusCode::MOVED_PERMANENTLY | StatusCode::TEMPORARY_REDIRECT => {
            ": the bucket is in another region than AWS_REGION says"
        }
        _ => "",
    }
}

/// More than this is a mistake.
const MAX_BYTES: usize = 64 << 20;
const TIMEOUT: Duration = Duration::from_secs(5);

/// Copies of objects, for as long as it lives.
#[derive(Debug)]
pub(crate) struct BucketFiles {
    folder: TempDir,
    objects: Vec<Copied>,
}

/// An object that was copied.
#[derive(Debug)]
struct Copied {
    location: String,
    file: PathBuf,
    etag: Option<HeaderValue>,
}

impl BucketFiles {
    /// No copies yet.
    pub(crate) fn new() -> std::io::Result<Self> {
        Ok(Self { folder: TempDir::new()?, objects: Vec::new() })
    }

    /// The file itself, or the copy of the object that it is.
    pub(crate) async fn local(&mut self, location: &Path) -> Result<PathBuf, BucketFileError> {
        let Some(location) = location.to_str().filter(|location| location.starts_with(SCHEME)) else {
            return Ok(location.to_owned());
        };
        let name = location.rsplit('/').next().unwrap_or_default();
        // Of two objects with the same name, both have a copy.
        let folder = self.folder.path().join(self.objects.len().to_string());
        let mut copied = Copied { location: location.to_owned(), file: folder.join(name), etag: None };
        let copying = async {
            tokio::fs::create_dir(&folder).await?;
            copied.renew().await
        };
        copying.await.map_err(|problem| BucketFileError { location: location.to_owned(), problem })?;
        let file = copied.file.clone();
        self.objects.push(copied);
        Ok(file)
    }

    /// Copies again what changes, until it is dropped: asks the bucket so often, or not at all if that is zero.
    pub(crate) async fn keep_current(mut self, poll: Duration) {
        if self.objects.is_empty() || poll.is_zero() {
            // The copies must stay.
            std::future::pending::<()>().await;
        }
        loop {
            tokio::time::sleep(poll).await;
            for copied in &mut self.objects {
                if let Err(problem) = copied.renew().await {
                    let error = chain(&problem);
                    tracing::warn!(
                        error,
                        object = copied.location,
                        "An object can't be read again; its copy stays in use"
                    );
                }
            }
        }
    }
}

const SCHEME: &str = "s3://";

impl Copied {
    async fn renew(&mut self) -> Result<(), Problem> {
        let Some((bucket, key)) = self.location.strip_prefix(SCHEME).and_then(|rest| rest.split_once('/')) else {
            return Err(Problem::NoKey);
        };
        let config = config(bucket, key, &|name| std::env::var(name).ok().filter(|value| !value.is_empty()))?;
        let endpoint = Endpoint::new(&Object::new(&config)?.get(), &config.tls, MAX_BYTES, config.timeout.0)?;
        let known = self.etag.clone().map(|etag| (IF_NONE_MATCH, etag));
        let response = endpoint.send(Method::GET, known.into_iter().collect::<HeaderMap>(), Bytes::new()).await?;
        match response.status() {
            StatusCode::OK => {}
            StatusCode::NOT_MODIFIED if self.etag.is_some() => return Ok(()),
            status => return Err(Problem::Status(status)),
        }
        let etag = response.headers().get(ETAG).cloned();
        // Whoever reads the copy meanwhile must not see half of it.
        let new = self.file.with_extension("new");
        tokio::fs::write(&new, response.into_body()).await?;
        tokio::fs::rename(&new, &self.file).await?;
        self.etag = etag;
        Ok(())
    }
}

/// How the bucket is reached: by the variables that AWS Lambda sets for the role of a function, or that others use with its tools.
fn config(bucket: &str, key: &str, env: &dyn Fn(&str) -> Option<String>) -> Result<BucketConfig, Problem> {
    let region = env("AWS_REGION").or_else(|| env("AWS_DEFAULT_REGION")).ok_or(Problem::NoRegion)?;
    let own = env("AWS_ENDPOINT_URL_S3").or_else(|| env("AWS_ENDPOINT_URL"));
    Ok(BucketConfig {
        // Others rarely have a name for each bucket.
        path_style: own.is_some(),
        endpoint: own.unwrap_or_else(|| format!("https://s3.{region}.amazonaws.com")),
        bucket: bucket.to_owned(),
        object: key.to_owned(),
        region,
        access_key_id: env("AWS_ACCESS_KEY_ID").map(Secret),
        secret_access_key: env("AWS_SECRET_ACCESS_KEY").map(Secret),
        session_token: env("AWS_SESSION_TOKEN").map(Secret),
        timeout: braid_settings::Duration(TIMEOUT),
        tls: TlsClientConfig::default(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_is_reached_as_the_variables_say() {
        let env = |name: &str| match name {
            "AWS_REGION" => Some("eu-central-1".to_owned()),
            "AWS_ACCESS_KEY_ID" => Some("AKIA".to_owned()),
            _ => None,
        };
        let aws = config("shop", "graph/router.yaml", &env).unwrap();
        assert_eq!((aws.endpoint.as_str(), aws.path_style), ("https://s3.eu-central-1.amazonaws.com", false));
        let other = config("shop", "router.yaml", &|name| match name {
            "AWS_ENDPOINT_URL" => Some("http://127.0.0.1:9000".to_owned()),
            name => env(name),
        });
        let other = other.unwrap();
        assert_eq!((other.endpoint.as_str(), other.path_style), ("http://127.0.0.1:9000", true));
        assert!(matches!(config("shop", "router.yaml", &|_| None), Err(Problem::NoRegion)));
    }
}
