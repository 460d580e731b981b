//! Why a request is refused: each cause with its code, its status and what it says in `WWW-Authenticate`. Knows no HTTP response.

use http::StatusCode;

/// Why a request's credentials are refused. Messages say what to do, and nothing of what the credentials hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum AuthenticationError {
    /// There are no credentials where some are needed.
    #[error("This needs credentials, and the request has none.")]
    Missing,
    /// The header has another prefix than those that are configured.
    #[error("The credentials are of a kind that this router does not accept.")]
    UnknownScheme,
    /// The header or the cookie is there several times.
    #[error("The request has several credentials of the same kind; send one.")]
    Ambiguous,
    /// The token has more bytes than the limit.
    #[error("The token is too large.")]
    TooLarge,
    /// The token is not a signed JWT, or has a name twice.
    #[error("The token is malformed.")]
    Malformed,
    /// The token is encrypted, or demands an extension (`crit`, RFC 7515 §4.1.11).
    #[error("The token demands something that this router does not support.")]
    Unsupported,
    /// The algorithm is none of those that are configured for the issuer, or not one of the key.
    #[error("The token's algorithm is not accepted.")]
    Algorithm,
    /// The header `typ` is none of those that are accepted.
    #[error("The token is of a type that is not accepted.")]
    Type,
    /// No provider has this `iss`.
    #[error("The token's issuer is not accepted.")]
    Issuer,
    /// `aud` has none of the audiences.
    #[error("The token is for another audience.")]
    Audience,
    /// A required claim is missing.
    #[error("The token lacks a claim that is required.")]
    MissingClaim,
    /// A registered claim (RFC 7519 §4.1) has a value of the wrong kind.
    #[error("The token has a claim with an invalid value.")]
    InvalidClaim,
    /// `exp` is over.
    #[error("The token has expired.")]
    Expired,
    /// `nbf` is to come.
    #[error("The token is not valid yet.")]
    NotYetValid,
    /// No key has the token's `kid`.
    #[error("The token's key is not known.")]
    UnknownKey,
    /// The key is not known, and the keys can't be fetched.
    #[error("The token can't be verified now: the keys of its issuer can't be fetched.")]
    KeysUnavailable,
    /// The signature is not the key's.
    #[error("The token's signature is invalid.")]
    Signature,
    /// No API key has this hash.
    #[error("The API key is not known.")]
    UnknownApiKey,
    /// The API key's time is over.
    #[error("The API key has expired.")]
    ExpiredApiKey,
    /// The certificate of the connection has expired since the connection began.
    #[error("The client certificate has expired.")]
    ExpiredCertificate,
}

impl AuthenticationError {
    /// All of them, in the order of `docs/errors.md`.
    pub const ALL: [Self; 20] = [
        Self::Missing,
        Self::UnknownScheme,
        Self::Ambiguous,
        Self::TooLarge,
        Self::Malformed,
        Self::Unsupported,
        Self::Algorithm,
        Self::Type,
        Self::Issuer,
        Self::Audience,
        Self::MissingClaim,
        Self::InvalidClaim,
        Self::Expired,
        Self::NotYetValid,
        Self::UnknownKey,
        Self::KeysUnavailable,
        Self::Signature,
        Self::UnknownApiKey,
        Self::ExpiredApiKey,
        Self::ExpiredCertificate,
    ];

    /// The code in the response's `extensions`.
    pub fn code(self) -> &'static str {
        match self {
            Self::Missing => "UNAUTHENTICATED",
            Self::UnknownScheme => "CREDENTIALS_SCHEME_UNKNOWN",
            Self::Ambiguous => "CREDENTIALS_AMBIGUOUS",
            Self::TooLarge => "JWT_TOO_LARGE",
            Self::Malformed => "JWT_MALFORMED",
            Self::Unsupported => "JWT_UNSUPPORTED",
            Self::Algorithm => "JWT_ALGORITHM_NOT_ACCEPTED",
            Self::Type => "JWT_TYPE_NOT_ACCEPTED",
            Self::Issuer => "JWT_ISSUER_NOT_ACCEPTED",
            Self::Audience => "JWT_AUDIENCE_NOT_ACCEPTED",
            Self::MissingClaim => "JWT_CLAIM_MISSING",
            Self::InvalidClaim => "JWT_CLAIM_INVALID",
            Self::Expired => "JWT_EXPIRED",
            Self::NotYetValid => "JWT_NOT_YET_VALID",
            Self::UnknownKey => "JWT_KEY_UNKNOWN",
            Self::KeysUnavailable => "JWT_KEYS_UNAVAILABLE",
            Self::Signature => "JWT_SIGNATURE_INVALID",
            Self::UnknownApiKey => "API_KEY_UNKNOWN",
            Self::ExpiredApiKey => "API_KEY_EXPIRED",
            Self::ExpiredCertificate => "CLIENT_CERTIFICATE_EXPIRED",
        }
    }

    /// The status of the response.
    pub fn status(self) -> StatusCode {
        match self {
            Self::Ambiguous => StatusCode::BAD_REQUEST,
            Self::KeysUnavailable => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::UNAUTHORIZED,
        }
    }

    /// The `error` of `WWW-Authenticate` (RFC 6750 §3.1); none where there were no credentials, as §3 demands.
    pub(crate) fn bearer_error(self) -> Option<&'static str> {
        match self {
            Self::Missing | Self::UnknownScheme | Self::ExpiredCertificate => None,
            Self::Ambiguous => Some("invalid_request"),
            _ => Some("invalid_token"),
        }
    }
}
