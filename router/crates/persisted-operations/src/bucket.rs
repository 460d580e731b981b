//! Signs requests for an object of a bucket that speaks the protocol of S3 (AWS Signature Version 4). Knows no HTTP client.

use std::time::Duration;

use rusty_s3::actions::{GetObject, S3Action};
use rusty_s3::{Bucket, Credentials, UrlStyle};

use crate::config::BucketConfig;

/// Why requests to a bucket can't be signed.
#[derive(Debug, thiserror::Error)]
pub enum BucketError {
    /// The endpoint is not a URL.
    #[error("the endpoint \"{endpoint}\" is not a URL")]
    Endpoint {
        /// What was given.
        endpoint: String,
        /// The cause.
        source: url::ParseError,
    },
    /// The bucket's name can't be a part of its address.
    #[error("the address of the bucket \"{bucket}\" can't be made from the endpoint \"{endpoint}\"")]
    Name {
        /// The name.
        bucket: String,
        /// The endpoint.
        endpoint: String,
        /// The cause.
        source: rusty_s3::BucketError,
    },
    /// The object's key is none.
    #[error("\"{0}\" is not the key of an object")]
    Object(String),
}

/// An object of a bucket.
#[derive(Debug)]
pub struct Object {
    bucket: Bucket,
    key: String,
    credentials: Option<Credentials>,
}

/// How long a signature is valid: clocks may differ a little.
const VALID: Duration = Duration::from_secs(300);

impl Object {
    /// The object of a bucket, unless it has no address.
    pub fn new(config: &BucketConfig) -> Result<Self, BucketError> {
        let BucketConfig { endpoint, bucket, object, region, path_style, .. } = config;
        let url = endpoint.parse().map_err(|source| BucketError::Endpoint { endpoint: endpoint.clone(), source })?;
        let style = if *path_style { UrlStyle::Path } else { UrlStyle::VirtualHost };
        let error = |source| BucketError::Name { bucket: bucket.clone(), endpoint: endpoint.clone(), source };
        let is_key = |part: &str| !part.is_empty() && part != "." && part != "..";
        if !object.split('/').all(is_key) {
            return Err(BucketError::Object(object.clone()));
        }
        let credentials = match (&config.access_key_id, &config.secret_access_key, &config.session_token) {
            (Some(id), Some(secret), None) => Some(Credentials::new(&id.0, &secret.0)),
            (Some(id), Some(secret), Some(token)) => Some(Credentials::new_with_token(&id.0, &secret.0, &token.0)),
            _ => None,
        };
        let bucket = Bucket::new(url, style, bucket.clone(), region.clone()).map_err(error)?;
        Ok(Self { bucket, key: object.clone(), credentials })
    }

    /// The URL to read it from, signed for the next minutes.
    pub fn get(&self) -> String {
        GetObject::new(&self.bucket, self.credentials.as_ref(), &self.key).sign(VALID).into()
    }
}

#[cfg(test)]
mod tests {
    use braid_settings::Secret;

    use super::*;

    fn config() -> BucketConfig {
        serde_json::from_value(serde_json::json!({
            "endpoint": "https://s3.eu-central-1.amazonaws.com", "bucket": "shop", "object": "web/manifest.json",
            "region": "eu-central-1",
        }))
        .unwrap()
    }

    #[test]
    fn requests_are_signed_where_there_is_a_key() {
        let open = Object::new(&config()).unwrap();
        assert_eq!(open.get(), "https://shop.s3.eu-central-1.amazonaws.com/web/manifest.json");
        let secret = |text: &str| Some(Secret(text.to_owned()));
        let signed = BucketConfig {
            access_key_id: secret("AKIA"),
            secret_access_key: secret("very secret"),
            session_token: secret("token"),
            path_style: true,
            ..config()
        };
        let signed = Object::new(&signed).unwrap();
        let url = signed.get();
        assert!(url.starts_with("https://s3.eu-central-1.amazonaws.com/shop/web/manifest.json?"), "{url}");
        for part in ["X-Amz-Signature=", "X-Amz-Credential=AKIA%2F", "X-Amz-Security-Token=token"] {
            assert!(url.contains(part), "{url}");
        }
        assert!(!url.contains("secret"), "{url}");
    }

    #[test]
    fn what_has_no_address_is_refused() {
        for (change, expected) in [
            (BucketConfig { endpoint: "s3".to_owned(), ..config() }, "not a URL"),
            (BucketConfig { object: "../other/manifest.json".to_owned(), ..config() }, "not the key"),
            (BucketConfig { object: String::new(), ..config() }, "not the key"),
        ] {
            let error = Object::new(&change).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }
}
