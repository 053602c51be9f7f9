//! Messages as bytes: this frontend reads and writes them itself, so that nothing is decoded that
//! is not looked at.

use prost::bytes::{Buf, BufMut, Bytes};
use tonic::{
    Status,
    codec::{BufferSettings, Codec, DecodeBuf, Decoder, EncodeBuf, Encoder},
};

/// An answer with all caller headers, as a rule.
const ANSWER_BYTES: usize = 2048;
/// A stream that has sent nothing takes nothing, however many of them are open.
const BEFORE_THE_FIRST_FRAME: usize = 0;

/// The codec of tonic's gRPC server.
#[derive(Debug, Clone, Copy)]
pub struct AsBytes;

impl Codec for AsBytes {
    type Encode = Vec<u8>;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for AsBytes {
    type Item = Vec<u8>;
    type Error = Status;

    fn encode(&mut self, message: Vec<u8>, to: &mut EncodeBuf<'_>) -> Result<(), Status> {
        to.put_slice(&message);
        Ok(())
    }

    fn buffer_settings(&self) -> BufferSettings {
        BufferSettings::new(ANSWER_BYTES, ANSWER_BYTES)
    }
}

impl Decoder for AsBytes {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, from: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(from.copy_to_bytes(from.remaining())))
    }

    fn buffer_settings(&self) -> BufferSettings {
        BufferSettings::new(BEFORE_THE_FIRST_FRAME, ANSWER_BYTES)
    }
}
