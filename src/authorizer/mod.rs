//! The whole decision, from a request to an allow or a deny.

mod candidate;
mod described;
mod evidence;
mod flow;
mod outcome;
mod settings;

use std::sync::Arc;

use futures_util::FutureExt;

use self::flow::Flow;
pub use self::{
    candidate::Candidates,
    evidence::{Evidence, Presumed},
    outcome::Outcome,
    settings::Settings,
};
use crate::{
    applications::Published,
    clock::Clock,
    config::Config,
    decision::{Decision, Steps, Trace},
    keys::Issuer,
    membership::Resolver,
    request::Request,
    target::Index,
    telemetry::Metrics,
    token::{TokenCache, Verifier},
};

/// Decides requests. Shared by all frontends; holds no state of a request.
#[derive(Debug)]
pub struct Authorizer {
    applications: Arc<Published>,
    verifier: Verifier,
    /// Looks up groups that tokens do not list, where that is configured.
    memberships: Option<Resolver>,
    /// Documents that are tried beside those in force, where there are any.
    candidates: Option<Candidates>,
    settings: Settings,
}

impl Authorizer {
    /// An authorizer for the applications that are published, with tokens of these issuers.
    pub fn new(
        config: &Config,
        applications: Arc<Published>,
        issuers: &[Arc<Issuer>],
        clock: Clock,
        metrics: Arc<Metrics>,
    ) -> Self {
        let cache = TokenCache::new(config.token_cache.max_bytes);
        let max_lifetime = config.entra.max_token_lifetime;
        let verifier = Verifier::new(issuers, cache, max_lifetime, clock, metrics);
        let settings = Settings::of(config);
        Self { applications, verifier, memberships: None, candidates: None, settings }
    }

    /// The same, with somebody to ask for groups that tokens do not list.
    pub fn with_memberships(self, memberships: Option<Resolver>) -> Self {
        Self { memberships, ..self }
    }

    /// The same, with documents that are tried on every request without influence on its decision.
    pub fn with_candidates(self, candidates: Option<Candidates>) -> Self {
        Self { candidates, ..self }
    }

    /// Decides one request, against one generation of the applications.
    ///
    /// `place` is whatever is held while a check is under way; it is given back before the check
    /// waits for a key.
    pub async fn authorize(&self, request: &Request<'_>, place: impl Send) -> Outcome {
        let mut outcome = self.decide(&self.settings, request, place, &mut ()).await;
        if let Some(candidates) = &self.candidates {
            outcome.candidate =
                candidates.difference(request, &outcome, &self.settings, &self.verifier);
        }
        outcome
    }

    /// Decides one request as [`Self::authorize`] does, and tells of every step. Whoever asks may
    /// name the application by a context extension, however the proxies name it.
    pub async fn explain(&self, request: &Request<'_>) -> (Outcome, Steps) {
        let settings = self.settings.clone().with_named_targets();
        let mut steps = Steps::default();
        let outcome = self.decide(&settings, request, (), &mut steps).await;
        (outcome, steps)
    }

    /// What an operator decided about all applications.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    async fn decide(
        &self,
        settings: &Settings,
        request: &Request<'_>,
        place: impl Send,
        trace: &mut impl Trace,
    ) -> Outcome {
        let generation = self.applications.current();
        let evidence = &self.verifier;
        let (index, memberships) = (&generation.index, self.memberships.as_ref());
        Flow { settings, index, evidence, memberships, trace }.decide(request, place).await
    }

    /// How many verified tokens are remembered.
    pub fn cached_tokens(&self) -> u64 {
        self.verifier.cached_tokens()
    }

    /// How many answers about users' groups are remembered.
    pub fn cached_memberships(&self) -> u64 {
        self.memberships.as_ref().map_or(0, Resolver::remembered)
    }
}

/// Decides a request as production would if a token had proven the claims that are presumed, and
/// tells of every step: for rehearsals. Nobody is asked for keys or groups.
pub fn rehearse(
    settings: &Settings,
    index: &Index,
    request: &Request<'_>,
    presumed: &Presumed,
) -> (Outcome, Steps) {
    let mut steps = Steps::default();
    let trace = &mut steps;
    let flow = Flow { settings, index, evidence: presumed, memberships: None, trace };
    // Without anybody to ask, nothing waits.
    let outcome = flow.decide(request, ()).now_or_never();
    (outcome.unwrap_or_else(|| Outcome::new(Decision::default())), steps)
}

#[cfg(test)]
mod tests;
