//! One unary gRPC call as HTTP/2: a message out of a request's body, a message into a response.
//!
//! Written out rather than left to the library for the sake of the response: its message goes out
//! in pieces that HTTP/2's writer gathers with those of other calls, instead of one system call
//! for each. Source: "gRPC over HTTP2", section "Length-Prefixed-Message".

use std::{
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll},
};

use http_body_util::BodyExt;
use prost::bytes::{Buf, BufMut, Bytes, BytesMut};
use tonic::{
    Status,
    body::Body,
    codegen::http::{HeaderMap, HeaderName, HeaderValue, Response, header::CONTENT_TYPE},
};

/// A flag for compression, and four bytes of length.
const PREFIX_BYTES: usize = 5;
const UNCOMPRESSED: u8 = 0;

/// The h2 crate copies pieces below 1,024 bytes into its buffer, and writes that when it is full
/// or nothing is left to do; it writes larger ones each by itself.
const PIECE_BYTES: usize = 1000;

/// The body holds no message that can be taken.
#[derive(Debug, thiserror::Error)]
pub enum NoMessage {
    #[error("the message is larger than limits.message_bytes, {0}")]
    TooLarge(usize),
    #[error("the message is compressed, which was not offered")]
    Compressed,
    #[error("the body is not one message")]
    NotOne,
    #[error("the body was cut off: {0}")]
    CutOff(#[from] Status),
}

/// The one message of a body.
pub async fn message(mut body: Body, max_bytes: usize) -> Result<Bytes, NoMessage> {
    let mut first = Bytes::new();
    let mut more = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame?.into_data() else { continue };
        if first.len() + more.len() + data.len() > max_bytes.saturating_add(PREFIX_BYTES) {
            return Err(NoMessage::TooLarge(max_bytes));
        }
        match first.is_empty() {
            // As a rule the whole message comes at once, and nothing needs to be copied.
            true => first = data,
            false => more.put(data),
        }
    }
    if !more.is_empty() {
        let mut whole = BytesMut::from(first);
        whole.put(more);
        first = whole.freeze();
    }
    unframed(first)
}

fn unframed(mut body: Bytes) -> Result<Bytes, NoMessage> {
    if body.len() < PREFIX_BYTES {
        return Err(NoMessage::NotOne);
    }
    let flag = body.get_u8();
    let length = body.get_u32();
    match flag {
        UNCOMPRESSED if usize::try_from(length).is_ok_and(|length| length == body.len()) => {
            Ok(body)
        }
        UNCOMPRESSED => Err(NoMessage::NotOne),
        _ => Err(NoMessage::Compressed),
    }
}

/// A response with one message and the status OK.
pub fn response(message: &[u8]) -> Response<Body> {
    let mut response = Response::new(Body::new(Answer { rest: framed(message), ended: false }));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    response
}

fn framed(message: &[u8]) -> Bytes {
    let mut frame = BytesMut::with_capacity(PREFIX_BYTES + message.len());
    frame.put_u8(UNCOMPRESSED);
    // Messages are made here, of parts whose lengths are limited.
    frame.put_u32(u32::try_from(message.len()).unwrap_or(u32::MAX));
    frame.put_slice(message);
    frame.freeze()
}

/// A body that goes out in pieces, and ends with the status.
#[derive(Debug)]
struct Answer {
    rest: Bytes,
    ended: bool,
}

type Frame = http_body::Frame<Bytes>;

impl http_body::Body for Answer {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame, Infallible>>> {
        const STATUS: HeaderName = HeaderName::from_static("grpc-status");
        const OK: HeaderValue = HeaderValue::from_static("0");
        if !self.rest.is_empty() {
            let length = self.rest.len().min(PIECE_BYTES);
            return Poll::Ready(Some(Ok(Frame::data(self.rest.split_to(length)))));
        }
        if self.ended {
            return Poll::Ready(None);
        }
        self.ended = true;
        Poll::Ready(Some(Ok(Frame::trailers(HeaderMap::from_iter([(STATUS, OK)])))))
    }

    fn is_end_stream(&self) -> bool {
        self.ended
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::Full;

    use super::*;

    fn body(bytes: &[u8]) -> Body {
        Body::new(Full::new(Bytes::copy_from_slice(bytes)))
    }

    #[tokio::test]
    async fn a_message_goes_there_and_back() {
        for length in [0, 1, PIECE_BYTES - PREFIX_BYTES, PIECE_BYTES, 5 * PIECE_BYTES] {
            let sent = vec![7; length];
            let collected = response(&sent).into_body().collect().await.unwrap();
            assert_eq!(collected.trailers().unwrap()["grpc-status"], "0");
            let received = message(body(&collected.to_bytes()), length).await.unwrap();
            assert_eq!(received, sent);
        }
    }

    #[tokio::test]
    async fn pieces_are_small_enough_to_be_gathered() {
        let mut body = response(&[0; 3000]).into_body();
        while let Some(Ok(frame)) = body.frame().await {
            assert!(frame.data_ref().is_none_or(|data| data.len() < 1024));
        }
    }

    #[tokio::test]
    async fn what_is_no_single_message_is_refused() {
        for (bytes, expected) in [
            (&[][..], "the body is not one message"),
            (&[0, 0, 0, 0], "the body is not one message"),
            (&[0, 0, 0, 0, 1], "the body is not one message"),
            (&[0, 0, 0, 0, 0, 1], "the body is not one message"),
            (&[1, 0, 0, 0, 0], "the message is compressed, which was not offered"),
            (&[0, 0, 0, 0, 4, 1, 2, 3, 4], "the message is larger than limits.message_bytes, 3"),
        ] {
            let error = message(body(bytes), 3).await.unwrap_err();
            assert_eq!(error.to_string(), expected, "{bytes:?}");
        }
    }
}
