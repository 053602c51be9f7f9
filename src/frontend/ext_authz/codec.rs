//! Decoding that never turns into a gRPC error.
//!
//! A gRPC error would leave the decision to Envoy's failure mode. What cannot be decoded is
//! therefore taken as a request about which nothing is known, and that is denied.

use prost::Message;
use tonic::{
    Status,
    codec::{BufferSettings, Codec, DecodeBuf, Decoder},
};
use tonic_prost::{ProstCodec, ProstEncoder};
use tracing::error;

use crate::proto::envoy::service::auth::v3::{CheckRequest, CheckResponse};

/// The codec of `Check`.
#[derive(Debug, Default)]
pub struct CheckCodec;

/// Decodes a `CheckRequest`, or takes it as empty.
#[derive(Debug, Default)]
pub struct LenientDecoder;

impl Codec for CheckCodec {
    type Encode = CheckResponse;
    type Decode = CheckRequest;
    type Encoder = ProstEncoder<CheckResponse>;
    type Decoder = LenientDecoder;

    fn encoder(&mut self) -> Self::Encoder {
        ProstCodec::<CheckResponse, CheckRequest>::raw_encoder(BufferSettings::default())
    }

    fn decoder(&mut self) -> Self::Decoder {
        LenientDecoder
    }
}

impl Decoder for LenientDecoder {
    type Item = CheckRequest;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<CheckRequest>, Status> {
        Ok(Some(CheckRequest::decode(buffer).unwrap_or_else(|error| {
            error!(%error, "a CheckRequest cannot be decoded; it is denied");
            CheckRequest::default()
        })))
    }
}
