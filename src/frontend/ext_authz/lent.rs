//! A request's body that comes back from whoever read of it, to be read to its end.
//!
//! A stream that is answered while some of its message is still on the way is reset. The h2 crate
//! ends a connection on which that happened a thousand times, as a flood would have it happen, and
//! with it the checks that are under way: those who are turned away would take others with them.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use http_body::{Body, Frame};
use http_body_util::BodyExt;
use tokio::{
    sync::{
        Semaphore,
        oneshot::{self, Receiver, Sender},
    },
    time::{Instant, timeout_at},
};

/// Lends a body; what is left of it is there once it is dropped.
pub fn lend<B>(body: B) -> (Lent<B>, Rest<B>) {
    let (give_back, rest) = oneshot::channel();
    (Lent { body: Some((body, give_back)) }, Rest(rest))
}

/// A body that is given back when it is dropped.
#[derive(Debug)]
pub struct Lent<B> {
    body: Option<(B, Sender<B>)>,
}

impl<B> Drop for Lent<B> {
    fn drop(&mut self) {
        if let Some((body, give_back)) = self.body.take() {
            // Nobody takes it where the call is given up.
            let _ = give_back.send(body);
        }
    }
}

impl<B: Body + Unpin> Body for Lent<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        match &mut self.body {
            Some((body, _)) => Pin::new(body).poll_frame(context),
            None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(|(body, _)| body.is_end_stream())
    }
}

/// What nobody has read of a body.
#[derive(Debug)]
pub struct Rest<B>(Receiver<B>);

impl<B: Body + Unpin> Rest<B> {
    /// Reads to the end and keeps nothing, but not beyond `deadline`, and not where as many are at
    /// it as there are permits: their calls take memory.
    pub async fn discard(mut self, permits: &Semaphore, deadline: Instant) {
        let Ok(mut body) = self.0.try_recv() else { return };
        if body.is_end_stream() {
            return;
        }
        let Ok(_permit) = permits.try_acquire() else { return };
        let to_its_end = async { while let Some(Ok(_)) = body.frame().await {} };
        let _ = timeout_at(deadline, to_its_end).await;
    }
}

#[cfg(test)]
mod tests {
    use std::{
        convert::Infallible,
        sync::atomic::{AtomicUsize, Ordering},
        time::Duration,
    };

    use futures_util::{StreamExt, stream};
    use http_body_util::StreamBody;
    use prost::bytes::Bytes;

    use super::*;

    /// Ten frames, of which each that is taken is counted, and perhaps an end.
    fn body(
        taken: &AtomicUsize,
        ends: bool,
    ) -> impl Body<Data = Bytes, Error = Infallible> + Unpin {
        let frame = |_| {
            taken.fetch_add(1, Ordering::SeqCst);
            Ok(Frame::data(Bytes::from_static(b"x")))
        };
        let end =
            if ends { stream::empty().left_stream() } else { stream::pending().right_stream() };
        StreamBody::new(Box::pin(stream::iter(0..10).map(frame).chain(end)))
    }

    #[tokio::test(start_paused = true)]
    async fn the_rest_is_read_to_its_end_or_the_deadline_where_there_is_a_permit() {
        for (permits, ends, expected) in [(1, true, 10), (1, false, 10), (0, true, 1)] {
            let (taken, permits) = (AtomicUsize::new(0), Semaphore::new(permits));
            let (mut lent, rest) = lend(body(&taken, ends));
            lent.frame().await.unwrap().unwrap();
            drop(lent);
            let deadline = Instant::now() + Duration::from_secs(1);
            rest.discard(&permits, deadline).await;
            assert_eq!(taken.load(Ordering::SeqCst), expected);
            assert_eq!(Instant::now() == deadline, !ends);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_not_given_back_is_not_waited_for() {
        let taken = AtomicUsize::new(0);
        let (_lent, rest) = lend(body(&taken, true));
        rest.discard(&Semaphore::new(1), Instant::now() + Duration::from_secs(1)).await;
        assert_eq!(taken.load(Ordering::SeqCst), 0);
    }
}
