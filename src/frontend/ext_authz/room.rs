//! Memory for messages that are being read: bounded for all of them together.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use http_body::{Body, Frame};
use prost::bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tonic::Status;

/// For all messages together that do not come in one frame; one frame holds 16 KiB at most.
const SPARE_BYTES: usize = 16 << 20;

/// Calls, over all listeners, of which the rest is discarded at once.
const LEFTOVERS: usize = 256;

/// Room for the messages of all listeners.
#[derive(Debug, Clone)]
pub struct Room {
    /// Of one message.
    pub max_bytes: usize,
    /// One permit for each byte of a message that does not come in one frame.
    spare: Arc<Semaphore>,
    /// One permit for each call that is answered while its message is still on the way.
    pub leftovers: Arc<Semaphore>,
}

impl Room {
    /// For messages of `max_bytes` at most.
    pub fn new(max_bytes: usize) -> Self {
        Self {
            max_bytes,
            spare: Arc::new(Semaphore::new(SPARE_BYTES.max(max_bytes))),
            leftovers: Arc::new(Semaphore::new(LEFTOVERS)),
        }
    }

    /// A body that takes no more than there is room for.
    pub fn bound<B>(&self, body: B) -> Bounded<B> {
        Bounded { body, room: self.clone(), is_first: true, taken: None }
    }
}

/// A body that holds room as long as it is being read.
///
/// Where there is none its error is a [`Status`] with the code `RESOURCE_EXHAUSTED`.
#[derive(Debug)]
pub struct Bounded<B> {
    body: B,
    room: Room,
    is_first: bool,
    taken: Option<OwnedSemaphorePermit>,
}

impl<B> Bounded<B> {
    fn take(&mut self, bytes: usize) -> Option<()> {
        // As a rule the whole message comes in the first frame.
        if std::mem::take(&mut self.is_first) {
            return Some(());
        }
        let bytes = u32::try_from(bytes).ok()?;
        let permit = Arc::clone(&self.room.spare).try_acquire_many_owned(bytes).ok()?;
        match &mut self.taken {
            Some(taken) => taken.merge(permit),
            None => self.taken = Some(permit),
        }
        Some(())
    }
}

impl<B> Body for Bounded<B>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<tonic::codegen::StdError>,
{
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(context));
        Poll::Ready(frame.map(|frame| {
            let frame = frame.map_err(|error| Status::from_error(error.into()))?;
            let bytes = frame.data_ref().map_or(0, Bytes::len);
            self.take(bytes).map(|()| frame).ok_or_else(|| Status::resource_exhausted("no room"))
        }))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use futures_util::stream;
    use http_body_util::{BodyExt, StreamBody};
    use tonic::Code;

    use super::*;

    fn message() -> impl Body<Data = Bytes, Error = Infallible> + Unpin {
        let frames = [&b"in the first frame"[..], b"four", b"more"];
        let frame = |data| Ok(Frame::data(Bytes::from_static(data)));
        StreamBody::new(stream::iter(frames.map(frame)))
    }

    #[tokio::test]
    async fn messages_in_several_frames_share_what_there_is() {
        let room = Room { spare: Arc::new(Semaphore::new(15)), ..Room::new(8) };
        let mut first = room.bound(message());
        while first.frame().await.transpose().unwrap().is_some() {}
        assert_eq!(room.spare.available_permits(), 7);

        let mut second = room.bound(message());
        second.frame().await.unwrap().unwrap();
        second.frame().await.unwrap().unwrap();
        let status = second.frame().await.unwrap().unwrap_err();
        assert_eq!(status.code(), Code::ResourceExhausted);

        drop(first);
        room.bound(message()).collect().await.unwrap();
        drop(second);
        assert_eq!(room.spare.available_permits(), 15);
    }
}
