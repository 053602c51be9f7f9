//! Envoy's external authorization over gRPC: `CheckRequest` → [`Request`](crate::request::Request)
//! → [`Outcome`](crate::authorizer::Outcome) → `CheckResponse`.

mod codec;
mod headers;
mod read;

pub use codec::CheckCodec;
pub use headers::CallerHeaders;
