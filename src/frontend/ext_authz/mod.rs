//! Envoy's external authorization over gRPC: `CheckRequest` → [`Request`](crate::request::Request)
//! → [`Outcome`](crate::authorizer::Outcome) → `CheckResponse`.

mod answer;
mod codec;
mod fallback;
mod headers;
mod listener;
mod metadata;
mod read;
mod service;

pub use answer::Answers;
pub use codec::CheckCodec;
pub use headers::CallerHeaders;
pub use listener::{Bound, ListenError, bind, serve};
pub use service::{CheckService, Shared};
