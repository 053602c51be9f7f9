//! A future that wakes itself is polled again at once.
//!
//! A connection wakes itself whenever it begins a call and whenever a call is answered. The runtime
//! would put its task at the end of a queue and wake another thread to look for it, which takes
//! longer than a check.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
};

use futures_util::task::AtomicWaker;

/// As often at most, so that one connection cannot keep a thread from the others.
const MOST_POLLS: usize = 16;

/// Polls a future for as long as it has more to do.
#[derive(Debug)]
pub struct SelfWaking<F> {
    future: F,
    signal: Arc<Signal>,
    waker: Waker,
}

/// Whether the future has more to do.
#[derive(Debug, Default)]
struct Signal {
    is_woken: AtomicBool,
    /// While it is, nobody else needs to be told.
    is_polled: AtomicBool,
    task: AtomicWaker,
}

impl<F: Future + Unpin> SelfWaking<F> {
    pub fn of(future: F) -> Self {
        let signal = Arc::<Signal>::default();
        Self { future, waker: Waker::from(Arc::clone(&signal)), signal }
    }
}

impl Wake for Signal {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.is_woken.store(true, Ordering::SeqCst);
        if !self.is_polled.load(Ordering::SeqCst) {
            self.task.wake();
        }
    }
}

impl<F: Future + Unpin> Future for SelfWaking<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let Self { future, signal, waker } = &mut *self;
        signal.task.register(context.waker());
        signal.is_polled.store(true, Ordering::SeqCst);
        for _ in 0..MOST_POLLS {
            signal.is_woken.store(false, Ordering::SeqCst);
            let polled = Pin::new(&mut *future).poll(&mut Context::from_waker(waker));
            if polled.is_ready() {
                return polled;
            }
            if !signal.is_woken.load(Ordering::SeqCst) {
                break;
            }
        }
        signal.is_polled.store(false, Ordering::SeqCst);
        // In this order, whoever wakes it in the meantime sees that it is not being polled, or is
        // seen here.
        if signal.is_woken.load(Ordering::SeqCst) {
            context.waker().wake_by_ref();
        }
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use std::{future::poll_fn, sync::atomic::AtomicUsize, thread, time::Duration};

    use futures_util::task::noop_waker;

    use super::*;

    /// Wakes itself so many times, and then is ready.
    fn waking(times: usize) -> SelfWaking<impl Future<Output = usize> + Unpin> {
        let mut polls = 0;
        SelfWaking::of(poll_fn(move |context| {
            polls += 1;
            if polls > times {
                return Poll::Ready(polls);
            }
            context.waker().wake_by_ref();
            Poll::Pending
        }))
    }

    #[derive(Default)]
    struct Counter(AtomicUsize);

    impl Wake for Counter {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    #[test]
    fn what_wakes_itself_is_polled_again_within_one_poll() {
        let mut future = waking(MOST_POLLS - 1);
        let polled = Pin::new(&mut future).poll(&mut Context::from_waker(&noop_waker()));
        assert_eq!(polled, Poll::Ready(MOST_POLLS));
    }

    #[test]
    fn what_never_rests_lets_others_go_first_and_is_not_forgotten() {
        let counter = Arc::<Counter>::default();
        let waker = Waker::from(Arc::clone(&counter));
        let mut future = waking(MOST_POLLS);
        let mut poll = || Pin::new(&mut future).poll(&mut Context::from_waker(&waker));
        assert_eq!(poll(), Poll::Pending);
        assert_eq!(counter.0.load(Ordering::SeqCst), 1);
        assert_eq!(poll(), Poll::Ready(MOST_POLLS + 1));
    }

    #[tokio::test]
    async fn what_rests_is_woken_from_elsewhere() {
        let is_done = Arc::<AtomicBool>::default();
        let told = Arc::clone(&is_done);
        let mut is_begun = false;
        SelfWaking::of(poll_fn(move |context| {
            if told.load(Ordering::SeqCst) {
                return Poll::Ready(());
            }
            if !std::mem::replace(&mut is_begun, true) {
                let (waker, told) = (context.waker().clone(), Arc::clone(&told));
                thread::spawn(move || {
                    thread::sleep(Duration::from_millis(20));
                    told.store(true, Ordering::SeqCst);
                    waker.wake();
                });
            }
            Poll::Pending
        }))
        .await;
        assert!(is_done.load(Ordering::SeqCst));
    }
}
