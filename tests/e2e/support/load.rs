//! Callers that ask without pause.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use tokio::task::JoinHandle;

use super::{Answer, Envoy, world};

const CALLERS: usize = 4;

/// Requests to orders-api, several at once, until it is told to stop.
pub struct Load {
    done: Arc<AtomicBool>,
    answers: Arc<AtomicUsize>,
    callers: Vec<JoinHandle<Vec<Answer>>>,
}

impl Load {
    /// Begins. `is_right` judges each answer.
    pub fn start(
        envoy: &Envoy,
        token: &str,
        is_right: impl Fn(&Answer) -> bool + Clone + Send + 'static,
    ) -> Self {
        let (done, answers) = (Arc::<AtomicBool>::default(), Arc::<AtomicUsize>::default());
        let callers = (0..CALLERS).map(|_| {
            let (address, token, is_right) = (envoy.address, token.to_owned(), is_right.clone());
            let (done, answers) = (Arc::clone(&done), Arc::clone(&answers));
            tokio::spawn(async move {
                let client = world::client();
                let mut wrong = Vec::new();
                while !done.load(Ordering::Relaxed) {
                    let answer = world::ask(&client, address, &token).await;
                    answers.fetch_add(1, Ordering::Relaxed);
                    if !is_right(&answer) {
                        wrong.push(answer);
                    }
                }
                wrong
            })
        });
        let callers = callers.collect();
        Self { done, answers, callers }
    }

    /// Ends, and fails the test where an answer was wrong.
    pub async fn stop(self) {
        self.done.store(true, Ordering::Relaxed);
        let mut wrong = Vec::new();
        for caller in self.callers {
            wrong.extend(caller.await.unwrap());
        }
        let total = self.answers.load(Ordering::Relaxed);
        assert!(wrong.is_empty(), "{} wrong of {total}, the first: {:?}", wrong.len(), wrong[0]);
    }
}
