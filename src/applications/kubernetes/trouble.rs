//! What is wrong between us and the API server, told once and not each time.

use std::sync::{Mutex, MutexGuard, PoisonError};

use kube::runtime::watcher;
use tracing::{debug, error, info, warn};

use crate::applications::document::Kind;

/// Tells of trouble with one watch when it begins, when it changes and when it is over.
#[derive(Debug)]
pub struct Trouble {
    kind: Kind,
    told: Mutex<Option<String>>,
}

/// What an error comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Met {
    /// The server no longer has what comes next, an everyday matter: everything is to be listed.
    Forgotten,
    Failure,
}

impl Trouble {
    pub fn none(kind: Kind) -> Self {
        Self { kind, told: Mutex::default() }
    }

    /// An attempt failed.
    pub fn meet(&self, error: &watcher::Error) -> Met {
        if code(error) == Some(410) {
            debug!(resource = self.kind.definition(), "everything is listed anew");
            return Met::Forgotten;
        }
        let text = with_causes(error);
        let earlier = self.told().replace(text.clone());
        if earlier.as_ref() != Some(&text) {
            self.tell(error, &text);
        }
        Met::Failure
    }

    /// The API server answers.
    pub fn over(&self) {
        if self.told().take().is_some() {
            info!(resource = self.kind.definition(), "the API server answers again");
        }
    }

    fn told(&self) -> MutexGuard<'_, Option<String>> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self, error: &watcher::Error, text: &str) {
        let (kind, resource) = (self.kind, self.kind.definition());
        match code(error) {
            Some(404) => error!(
                resource,
                "the cluster has no {resource}: is NAIS installed, with {} of {}? It is asked \
                 again until it is there",
                kind.as_str(),
                kind.api_version()
            ),
            Some(401) => error!(
                resource,
                error = text,
                "the API server does not know who asks; the service account or the kubeconfig is \
                 wrong"
            ),
            Some(403) => error!(
                resource,
                error = text,
                "it is not permitted to list and watch {resource}; grant both verbs to the service \
                 account"
            ),
            _ => warn!(
                resource,
                error = text,
                "the API server does not answer as it should; what was known stays in force"
            ),
        }
    }
}

/// The status that the API server answered with.
fn code(error: &watcher::Error) -> Option<u16> {
    use watcher::Error::{InitialListFailed, WatchError, WatchFailed, WatchStartFailed};
    match error {
        InitialListFailed(kube::Error::Api(status))
        | WatchStartFailed(kube::Error::Api(status))
        | WatchFailed(kube::Error::Api(status))
        | WatchError(status) => Some(status.code),
        _ => None,
    }
}

fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        // Some errors repeat their cause in their own words.
        if !text.contains(&more) {
            text.push_str(": ");
            text.push_str(&more);
        }
        cause = error.source();
    }
    text
}
