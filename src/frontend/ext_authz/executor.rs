//! The calls of one connection, in the connection's own task.
//!
//! A check is over in some microseconds and hardly ever waits. A task for each would cost more
//! than the check: it is queued, and another thread is woken to look for it.

use std::{
    convert::Infallible,
    future::poll_fn,
    panic::AssertUnwindSafe,
    pin::Pin,
    task::{Context, Poll},
};

use futures_util::{FutureExt, StreamExt, stream::FuturesUnordered};
use hyper::rt::Executor;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

type Call = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Takes the calls that a connection begins.
#[derive(Debug, Clone)]
pub struct InItsTask(UnboundedSender<Call>);

impl<F: Future<Output = ()> + Send + 'static> Executor<F> for InItsTask {
    fn execute(&self, call: F) {
        // A panic ends the call and not those beside it; its stream is reset.
        let call = AssertUnwindSafe(call).catch_unwind().map(drop);
        // Where nobody takes it the connection is gone.
        let _ = self.0.send(Box::pin(call));
    }
}

/// The calls that are under way. There are as many at most as the connection may have streams.
#[derive(Debug)]
pub struct Calls {
    begun: UnboundedReceiver<Call>,
    under_way: FuturesUnordered<Call>,
}

impl Calls {
    /// No calls yet, and who takes the first.
    pub fn none() -> (InItsTask, Self) {
        let (begin, begun) = unbounded_channel();
        (InItsTask(begin), Self { begun, under_way: FuturesUnordered::new() })
    }

    /// Sees to all of them, without end.
    pub async fn run(mut self) -> Infallible {
        poll_fn(|context| self.poll(context)).await
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Infallible> {
        while let Poll::Ready(Some(call)) = self.begun.poll_recv(context) {
            self.under_way.push(call);
        }
        while let Poll::Ready(Some(())) = self.under_way.poll_next_unpin(context) {}
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot;

    use super::*;

    #[tokio::test]
    async fn calls_are_seen_to_side_by_side_and_a_panic_ends_only_its_own() {
        let (executor, calls) = Calls::none();
        let (first, on_first) = oneshot::channel();
        let (second, on_second) = oneshot::channel();
        executor.execute(async { on_first.await.unwrap() });
        executor.execute(async { panic!("a defect") });
        executor.execute(async move { second.send(()).unwrap() });
        let ask = async {
            on_second.await.unwrap();
            first.send(()).unwrap();
            let (third, on_third) = oneshot::channel();
            executor.execute(async move { third.send(()).unwrap() });
            on_third.await.unwrap();
        };
        tokio::select! {
            () = ask => {}
            never = calls.run() => match never {},
        }
    }
}
