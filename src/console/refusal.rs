//! What somebody is told whose request is turned away.

use axum::{
    http::StatusCode,
    response::{IntoResponse, Response},
};

use crate::telemetry::ConsoleRefusal as Refusal;

impl IntoResponse for Refusal {
    /// A status and a sentence that holds nothing of the request. The answer carries the refusal as
    /// an extension, by which it is counted.
    fn into_response(self) -> Response {
        let (status, sentence) = match self {
            Self::Host => (
                StatusCode::MISDIRECTED_REQUEST,
                "The console is not called by this name. Names beside loopback and its address are \
                 stated in listen.console.hosts.\n",
            ),
            Self::Origin => {
                (StatusCode::FORBIDDEN, "The console is asked by its own pages alone.\n")
            }
            Self::ContentType => {
                (StatusCode::UNSUPPORTED_MEDIA_TYPE, "The question must be application/json.\n")
            }
            Self::Unreadable => (StatusCode::BAD_REQUEST, "The question cannot be read.\n"),
            Self::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "The question is too large.\n"),
            Self::TooSlow => (StatusCode::REQUEST_TIMEOUT, "The question came too slowly.\n"),
            Self::Full => {
                (StatusCode::SERVICE_UNAVAILABLE, "Too many questions are being answered.\n")
            }
        };
        let mut response = (status, sentence).into_response();
        response.extensions_mut().insert(self);
        response
    }
}
