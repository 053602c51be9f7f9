//! What the server refuses, in the words of the real one.

use axum::{
    Json,
    http::{StatusCode, header::RETRY_AFTER},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

use super::resource::{GROUP, Resource};

/// Why a request is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// Without the right token.
    Unauthorized,
    /// No role lets the client do that.
    Forbidden,
    /// There is no such object.
    NotFound,
    /// There is no such resource: its CRD is missing.
    NoSuchResource,
    AlreadyExists,
    /// The object is no longer of the version that the client names.
    Conflict,
    /// The version is older than what the server remembers, or the list is that old.
    Expired,
    /// The version is one that the server has not come to yet.
    TooLargeVersion,
    /// Parameters that go together no way, or that this server does not know.
    Invalid(&'static str),
    /// With `Retry-After`, in seconds.
    TooManyRequests(u32),
    InternalError,
}

impl Failure {
    fn code(self) -> u16 {
        match self {
            Self::Unauthorized => 401,
            Self::Forbidden => 403,
            Self::NotFound | Self::NoSuchResource => 404,
            Self::AlreadyExists | Self::Conflict => 409,
            Self::Expired => 410,
            Self::Invalid(_) => 422,
            Self::TooManyRequests(_) => 429,
            Self::InternalError => 500,
            Self::TooLargeVersion => 504,
        }
    }

    fn reason(self) -> &'static str {
        match self {
            Self::Unauthorized => "Unauthorized",
            Self::Forbidden => "Forbidden",
            Self::NotFound | Self::NoSuchResource => "NotFound",
            Self::AlreadyExists => "AlreadyExists",
            Self::Conflict => "Conflict",
            Self::Expired => "Expired",
            Self::Invalid(_) => "Invalid",
            Self::TooManyRequests(_) => "TooManyRequests",
            Self::InternalError => "InternalError",
            Self::TooLargeVersion => "Timeout",
        }
    }

    fn message(self, resource: Resource, verb: &str) -> String {
        let (plural, name) = (resource.plural(), resource.full_name());
        match self {
            Self::Unauthorized => "Unauthorized".to_owned(),
            Self::Forbidden => format!(
                "{name} is forbidden: User \"portvakt\" cannot {verb} resource \"{plural}\" in API \
                 group \"{GROUP}\" at the cluster scope"
            ),
            Self::NotFound => format!("{name} not found"),
            Self::NoSuchResource => "the server could not find the requested resource".to_owned(),
            Self::AlreadyExists => format!("{name} already exists"),
            Self::Conflict => format!("{name} was modified meanwhile"),
            Self::Expired => {
                "The provided resource version or continue token is too old".to_owned()
            }
            Self::TooLargeVersion => "Too large resource version".to_owned(),
            Self::Invalid(what) => what.to_owned(),
            Self::TooManyRequests(_) => "too many requests, please try again later".to_owned(),
            Self::InternalError => "an error on the server (\"etcd\") has occurred".to_owned(),
        }
    }

    /// The object `Status` that tells of it.
    pub fn status(self, resource: Resource, verb: &str) -> Value {
        json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "code": self.code(), "reason": self.reason(), "message": self.message(resource, verb),
        })
    }

    /// The answer to a request with this verb.
    pub fn response(self, resource: Resource, verb: &str) -> Response {
        let code = StatusCode::from_u16(self.code()).unwrap();
        match self {
            // What handles paths knows of no `Status`.
            Self::NoSuchResource => (code, "404 page not found\n").into_response(),
            Self::TooManyRequests(seconds) => {
                let retry = [(RETRY_AFTER, seconds.to_string())];
                (code, retry, Json(self.status(resource, verb))).into_response()
            }
            _ => (code, Json(self.status(resource, verb))).into_response(),
        }
    }
}
