//! Answers in pieces that go out together.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use http_body::{Body, Frame};
use prost::bytes::Bytes;

/// The h2 crate copies pieces below 1,024 bytes into its buffer, and writes that when it is full
/// or nothing is left to do; it writes larger ones each by itself.
const PIECE_BYTES: usize = 1000;

/// A body whose data comes in pieces so small that HTTP/2's writer gathers them with those of
/// other calls, instead of one system call for each.
#[derive(Debug)]
pub struct Pieces<B> {
    body: B,
    rest: Bytes,
}

impl<B> Pieces<B> {
    pub fn of(body: B) -> Self {
        Self { body, rest: Bytes::new() }
    }

    fn next(&mut self) -> Option<Bytes> {
        let length = self.rest.len().min(PIECE_BYTES);
        (length > 0).then(|| self.rest.split_to(length))
    }
}

impl<B: Body<Data = Bytes> + Unpin> Body for Pieces<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        if let Some(piece) = self.next() {
            return Poll::Ready(Some(Ok(Frame::data(piece))));
        }
        let frame = match ready!(Pin::new(&mut self.body).poll_frame(context)) {
            Some(Ok(frame)) => frame,
            end => return Poll::Ready(end),
        };
        let frame = match frame.into_data() {
            Ok(data) => {
                self.rest = data;
                Frame::data(self.next().unwrap_or_default())
            }
            Err(trailers) => trailers,
        };
        Poll::Ready(Some(Ok(frame)))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::{BodyExt, Full};

    use super::*;

    #[tokio::test]
    async fn every_piece_is_small_enough_and_nothing_is_lost() {
        for length in [0, 1, PIECE_BYTES, PIECE_BYTES + 1, 5 * PIECE_BYTES] {
            let whole: Vec<u8> = (0..=u8::MAX).cycle().take(length).collect();
            let mut pieces = Pieces::of(Full::<Bytes>::from(whole.clone()));
            let mut received = Vec::new();
            while let Some(frame) = pieces.frame().await {
                let piece = frame.unwrap().into_data().unwrap();
                assert!(piece.len() < 1024);
                received.extend(piece);
            }
            assert!(pieces.is_end_stream());
            assert_eq!(received, whole);
        }
    }
}
