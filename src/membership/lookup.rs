//! One question on its way to an answer, and the answer for as long as it counts.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::watch,
    time::{Instant, timeout_at},
};

use crate::identifiers::GroupId;

/// Those of the groups asked about that the user is a member of.
pub type Groups = Arc<[GroupId]>;

/// After a failure the same question is not asked for this long.
const BACK_OFF: Duration = Duration::from_secs(1);

/// What is known about a question. Clones share it.
#[derive(Debug, Clone)]
pub struct Lookup {
    /// What was known before, for as long as that counts.
    before: Option<Known>,
    progress: watch::Receiver<Progress>,
}

/// Where the outcome goes.
#[derive(Debug)]
pub struct Asking {
    progress: watch::Sender<Progress>,
    lifetime: Duration,
}

#[derive(Debug, Clone)]
struct Known {
    groups: Groups,
    until: Instant,
}

#[derive(Debug)]
enum Progress {
    UnderWay,
    /// The question is due again before the answer is of no use any more, so that users who come
    /// back never wait.
    Known {
        known: Known,
        due: Instant,
    },
    Failed {
        due: Instant,
    },
}

impl Lookup {
    /// A question that is about to be asked, again or for the first time.
    pub fn begin(before: Option<&Self>, lifetime: Duration) -> (Asking, Self) {
        let (sender, receiver) = watch::channel(Progress::UnderWay);
        let lookup = Self { before: before.and_then(Self::known), progress: receiver };
        (Asking { progress: sender, lifetime }, lookup)
    }

    /// What is known and counts now.
    pub fn groups(&self) -> Option<Groups> {
        self.known().map(|known| known.groups)
    }

    /// Whether it is time to ask. A question whose asking ended without an outcome is due, too.
    pub fn is_due(&self) -> bool {
        let is_abandoned = self.progress.has_changed().is_err();
        match &*self.progress.borrow() {
            Progress::UnderWay => is_abandoned,
            Progress::Known { due, .. } | Progress::Failed { due } => *due <= Instant::now(),
        }
    }

    /// The answer, waited for until the deadline if it is on its way.
    pub async fn outcome(mut self, deadline: Instant) -> Option<Groups> {
        let ended = self.progress.wait_for(|progress| !matches!(progress, Progress::UnderWay));
        timeout_at(deadline, ended).await.ok()?.ok()?;
        self.groups()
    }

    fn known(&self) -> Option<Known> {
        let now = Instant::now();
        let known = match &*self.progress.borrow() {
            Progress::Known { known, .. } => Some(known.clone()),
            Progress::UnderWay | Progress::Failed { .. } => self.before.clone(),
        };
        known.filter(|known| known.until > now)
    }
}

impl Asking {
    /// Graph answered.
    pub fn answered(self, groups: Groups) {
        let now = Instant::now();
        let known = Known { groups, until: now + self.lifetime };
        self.progress.send_replace(Progress::Known { known, due: now + self.lifetime / 5 * 4 });
    }

    /// It did not. That is no fact about the user; what was known before still counts.
    pub fn failed(self) {
        self.progress.send_replace(Progress::Failed { due: Instant::now() + BACK_OFF });
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    const LIFETIME: Duration = Duration::from_secs(300);

    fn groups(text: &str) -> Groups {
        [text.parse().unwrap()].into()
    }

    fn some_groups() -> Groups {
        groups("0f3a1d52-6a0e-4c61-9b5d-3c1f0a7e2b11")
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_is_due_again_before_it_is_void() {
        let (asking, lookup) = Lookup::begin(None, LIFETIME);
        assert!(!lookup.is_due() && lookup.groups().is_none());
        asking.answered(some_groups());
        assert!(!lookup.is_due() && lookup.groups().is_some());
        advance(LIFETIME / 5 * 4).await;
        assert!(lookup.is_due() && lookup.groups().is_some());
        advance(LIFETIME / 5).await;
        assert!(lookup.is_due() && lookup.groups().is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn a_failure_is_no_fact_and_is_forgotten_soon() {
        let (asking, lookup) = Lookup::begin(None, LIFETIME);
        asking.failed();
        assert!(!lookup.is_due() && lookup.groups().is_none());
        advance(BACK_OFF).await;
        assert!(lookup.is_due());
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_known_before_counts_for_its_time_and_no_longer() {
        let (asking, first) = Lookup::begin(None, LIFETIME);
        asking.answered(some_groups());
        advance(LIFETIME / 5 * 4).await;
        let (asking, second) = Lookup::begin(Some(&first), LIFETIME);
        assert_eq!(second.groups(), Some(some_groups()));
        asking.failed();
        assert_eq!(second.groups(), Some(some_groups()));
        advance(LIFETIME / 5).await;
        assert_eq!(second.groups(), None);
    }

    #[tokio::test(start_paused = true)]
    async fn an_asking_that_comes_to_nothing_is_due_and_keeps_nobody() {
        let (asking, lookup) = Lookup::begin(None, LIFETIME);
        drop(asking);
        assert!(lookup.is_due());
        assert_eq!(lookup.outcome(Instant::now() + LIFETIME).await, None);
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_waits_beyond_the_deadline() {
        let (asking, lookup) = Lookup::begin(None, LIFETIME);
        let deadline = Instant::now() + Duration::from_millis(150);
        assert_eq!(lookup.clone().outcome(deadline).await, None);
        asking.answered(some_groups());
        assert_eq!(lookup.outcome(deadline).await, Some(some_groups()), "it came all the same");
    }
}
