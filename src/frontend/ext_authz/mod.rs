//! Envoy's external authorization over gRPC: `CheckRequest` → [`Request`](crate::request::Request)
//! → [`Outcome`](crate::authorizer::Outcome) → `CheckResponse`.

mod answer;
mod call;
mod codec;
mod connection;
mod executor;
mod forwarded;
mod headers;
mod lent;
mod listener;
mod metadata;
mod pieces;
mod read;
mod room;
mod routes;
mod self_waking;
mod service;
mod tls;
mod wire;

pub use answer::Answers;
pub use call::AuthorizationServer;
pub use headers::CallerHeaders;
pub use listener::{Bound, ListenError, bind, serve};
pub use read::Check;
pub use service::{CheckService, Shared};
pub use tls::{CertificateError, Certificates};
pub use wire::Malformed;
