//! Futures that are given up while they wait, for tests.

use std::{future::poll_fn, pin::pin, task::Poll};

/// What a future comes to, unless it has to wait so many times: it is dropped then, before that
/// wait has an end.
pub async fn dropped_at<F: Future>(wait: usize, future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut waits = 0;
    poll_fn(|context| {
        if let Poll::Ready(output) = future.as_mut().poll(context) {
            return Poll::Ready(Some(output));
        }
        waits += 1;
        if waits < wait { Poll::Pending } else { Poll::Ready(None) }
    })
    .await
}
