//! What is wrong between us and the API server, told once and not each time.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use kube::runtime::watcher;
use tracing::{debug, error, info, warn};

use super::{
    credentials,
    failure::{self, Failure},
};
use crate::{applications::document::Kind, telemetry::Metrics};

/// As many characters are told of what an API server says. The log escapes those that would break
/// its lines.
const MOST: usize = 500;

/// Tells of trouble with one watch when it begins, when it changes and when it is over; and counts
/// each.
#[derive(Debug)]
pub struct Trouble {
    kind: Kind,
    metrics: Arc<Metrics>,
    told: Mutex<Option<String>>,
}

impl Trouble {
    pub fn none(kind: Kind, metrics: Arc<Metrics>) -> Self {
        let counted = Failure::ALL.iter().map(|failure| failure.as_str());
        metrics.kubernetes_begins(kind.plural(), counted);
        Self { kind, metrics, told: Mutex::default() }
    }

    /// An attempt failed.
    pub fn meet(&self, error: &watcher::Error) -> Failure {
        let failure = Failure::of(error);
        self.metrics.kubernetes_failed(self.kind.plural(), failure.as_str());
        if failure == Failure::Expired {
            debug!(resource = self.kind.definition(), "everything is listed anew");
            return failure;
        }
        let text = cut(match failure::credentials(error) {
            Some(error) => credentials::fault(error),
            None => with_causes(error),
        });
        let earlier = self.told().replace(text.clone());
        if earlier.as_ref() != Some(&text) {
            self.tell(failure, &text);
        }
        failure
    }

    /// The API server answered, and made sense.
    pub fn answered(&self) {
        self.metrics.kubernetes_answered(self.kind.plural());
        if self.told().take().is_some() {
            info!(resource = self.kind.definition(), "the API server answers again");
        }
    }

    fn told(&self) -> MutexGuard<'_, Option<String>> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self, failure: Failure, text: &str) {
        let (kind, resource) = (self.kind, self.kind.definition());
        match failure {
            Failure::Missing => error!(
                resource,
                "the cluster has no {resource}: is NAIS installed, with {} of {}? It is asked \
                 again until it is there",
                kind.as_str(),
                kind.api_version()
            ),
            Failure::Unauthorized => error!(
                resource,
                error = text,
                "the API server does not know who asks; the service account or the kubeconfig is \
                 wrong"
            ),
            Failure::Forbidden => error!(
                resource,
                error = text,
                "it is not permitted to list and watch {resource}; grant both verbs to the service \
                 account"
            ),
            Failure::Credentials => error!(
                resource,
                error = text,
                "the API server cannot be asked without credentials; mend the service account or \
                 the kubeconfig"
            ),
            _ => warn!(
                resource,
                error = text,
                "the API server does not answer as it should; what was known stays in force"
            ),
        }
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

fn cut(mut text: String) -> String {
    if let Some((end, _)) = text.char_indices().nth(MOST) {
        text.truncate(end);
        text.push('…');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_are_cut_between_characters() {
        for (text, expected) in [
            (String::new(), String::new()),
            ("ø".repeat(MOST), "ø".repeat(MOST)),
            ("ø".repeat(MOST + 1), "ø".repeat(MOST) + "…"),
            ("🦀".repeat(9 * MOST), "🦀".repeat(MOST) + "…"),
        ] {
            assert_eq!(cut(text), expected);
        }
    }
}
