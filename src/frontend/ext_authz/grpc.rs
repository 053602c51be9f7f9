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

use http_body::Body;
use http_body_util::BodyExt;
use prost::bytes::{Buf, BufMut, Bytes, BytesMut};
use tokio::sync::{Semaphore, SemaphorePermit};
use tonic::codegen::http::{HeaderMap, HeaderName, HeaderValue, Response, header::CONTENT_TYPE};

/// A flag for compression, and four bytes of length.
const PREFIX_BYTES: usize = 5;
const UNCOMPRESSED: u8 = 0;

/// The h2 crate copies pieces below 1,024 bytes into its buffer, and writes that when it is full
/// or nothing is left to do; it writes larger ones each by itself.
const PIECE_BYTES: usize = 1000;

/// For all messages together that do not come in one frame; one frame holds 16 KiB at most.
const SPARE_BYTES: usize = 32 << 20;

/// The body holds no message that can be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoMessage {
    #[error("The CheckRequest is larger than limits.message_bytes, {0}.")]
    TooLarge(usize),
    #[error("The CheckRequest is compressed, which was not offered.")]
    Compressed,
    #[error("The body of the check is not one message.")]
    NotOne,
    #[error("The CheckRequest was cut off.")]
    CutOff,
    #[error("Too many large CheckRequests are being read at the moment.")]
    NoRoom,
}

/// Bounds of reading messages.
#[derive(Debug)]
pub struct Room {
    max_bytes: usize,
    /// One permit for each byte of a message that does not come in one frame.
    spare: Semaphore,
}

impl Room {
    /// For messages of `max_bytes` at most.
    pub fn new(max_bytes: usize) -> Self {
        Self { max_bytes, spare: Semaphore::new(SPARE_BYTES.max(max_bytes)) }
    }
}

/// A message, and the room that it takes.
#[derive(Debug)]
pub struct Message<'r> {
    pub bytes: Bytes,
    _room: Option<SemaphorePermit<'r>>,
}

/// The one message of a body.
pub async fn message<B>(mut body: B, room: &Room) -> Result<Message<'_>, NoMessage>
where
    B: Body<Data = Bytes> + Unpin,
{
    let mut first = Bytes::new();
    let mut more = BytesMut::new();
    let mut taken: Option<SemaphorePermit<'_>> = None;
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_| NoMessage::CutOff)?.into_data() else { continue };
        if first.len() + more.len() + data.len() > room.max_bytes.saturating_add(PREFIX_BYTES) {
            return Err(NoMessage::TooLarge(room.max_bytes));
        }
        if first.is_empty() {
            // As a rule the whole message comes at once, and nothing needs to be copied.
            first = data;
            continue;
        }
        let bytes = u32::try_from(data.len()).map_err(|_| NoMessage::NoRoom)?;
        let permit = room.spare.try_acquire_many(bytes).map_err(|_| NoMessage::NoRoom)?;
        match &mut taken {
            Some(taken) => taken.merge(permit),
            None => taken = Some(permit),
        }
        more.put(data);
    }
    if !more.is_empty() {
        let mut whole = BytesMut::from(first);
        whole.put(more);
        first = whole.freeze();
    }
    Ok(Message { bytes: unframed(first)?, _room: taken })
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
pub fn response(message: &[u8]) -> Response<Answer> {
    let mut response = Response::new(Answer { rest: framed(message), ended: false });
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
pub struct Answer {
    rest: Bytes,
    ended: bool,
}

type Frame = http_body::Frame<Bytes>;

impl Body for Answer {
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
    use std::collections::VecDeque;

    use http_body_util::Full;

    use super::*;

    fn body(bytes: &[u8]) -> Full<Bytes> {
        Full::new(Bytes::copy_from_slice(bytes))
    }

    /// A body that comes in several frames.
    struct Frames(VecDeque<&'static [u8]>);

    impl Body for Frames {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame, Infallible>>> {
            let next = self.0.pop_front().map(|data| Ok(Frame::data(Bytes::from_static(data))));
            Poll::Ready(next)
        }
    }

    #[tokio::test]
    async fn a_message_goes_there_and_back() {
        for length in [0, 1, PIECE_BYTES - PREFIX_BYTES, PIECE_BYTES, 5 * PIECE_BYTES] {
            let sent = vec![7; length];
            let collected = response(&sent).into_body().collect().await.unwrap();
            assert_eq!(collected.trailers().unwrap()["grpc-status"], "0");
            let room = Room::new(length);
            let received = message(body(&collected.to_bytes()), &room).await.unwrap();
            assert_eq!(received.bytes, sent);
        }
    }

    #[tokio::test]
    async fn messages_in_several_frames_share_a_bounded_room() {
        let frames = || Frames(VecDeque::from([&[0, 0, 0, 0, 4][..], b"ab", b"cd"]));
        let room = Room { max_bytes: 4, spare: Semaphore::new(7) };
        let first = message(frames(), &room).await.unwrap();
        assert_eq!(&*first.bytes, b"abcd");
        assert_eq!(message(frames(), &room).await.unwrap_err(), NoMessage::NoRoom);
        drop(first);
        message(frames(), &room).await.unwrap();
        assert_eq!(room.spare.available_permits(), 7);
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
            (&[][..], NoMessage::NotOne),
            (&[0, 0, 0, 0], NoMessage::NotOne),
            (&[0, 0, 0, 0, 1], NoMessage::NotOne),
            (&[0, 0, 0, 0, 0, 1], NoMessage::NotOne),
            (&[1, 0, 0, 0, 0], NoMessage::Compressed),
            (&[0, 0, 0, 0, 4, 1, 2, 3, 4], NoMessage::TooLarge(3)),
        ] {
            let error = message(body(bytes), &Room::new(3)).await.unwrap_err();
            assert_eq!(error, expected, "{bytes:?}");
        }
    }
}
