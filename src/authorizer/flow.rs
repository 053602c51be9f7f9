//! The steps of a decision, one after the other.

use std::{collections::BTreeSet, sync::Arc};

use tokio::time::Instant;

use super::{Evidence, Outcome, Settings, described};
use crate::{
    applications::{Application, DisabledBecause, Protection, V1Tokens},
    decision::{Decision, Denial, DenyReason, Step, Trace},
    identifiers::{ClientId, GroupId, TenantId},
    membership::{Question, Resolver, Unresolved},
    policy::{self, AccessPolicy, Caller, Mode, Permit, Protected},
    request::Request,
    target::{self, Index, NotFound},
    token::{Audience, V1Audiences},
};

/// All that one decision depends on besides its request.
pub struct Flow<'a, E, T> {
    pub settings: &'a Settings,
    pub index: &'a Index,
    pub evidence: &'a E,
    /// Looks up groups that tokens do not list, where that is configured.
    pub memberships: Option<&'a Resolver>,
    pub trace: &'a mut T,
}

/// An application that somebody may call, as its documents tell.
struct Enforced<'a> {
    application: &'a Application,
    client_id: ClientId,
    tenant: TenantId,
    access: &'a AccessPolicy,
    v1: &'a V1Tokens,
}

impl<'a, E: Evidence, T: Trace> Flow<'a, E, T> {
    /// Decides a request.
    ///
    /// `place` is whatever is held while a check is under way; it is given back before the check
    /// waits for a key.
    pub async fn decide(mut self, request: &Request<'_>, place: impl Send) -> Outcome {
        let mut outcome = Outcome::new(Decision::default());
        let Settings { target, cluster, .. } = self.settings;
        let (found, mode) = match target::find(self.index, request, target, cluster) {
            Ok(application) => (Some(application), application.mode),
            Err(NotFound { rivals }) => (None, self.mode_among(&rivals)),
        };
        outcome.application = found.cloned();
        let result = self.steps(found, request, &mut outcome, place).await;
        outcome.decision = mode.decide(result);
        outcome
    }

    /// Where no application is found. Nobody opens one that enforces by claiming its host.
    fn mode_among(&self, rivals: &[&Arc<Application>]) -> Mode {
        match rivals.iter().any(|rival| rival.mode == Mode::Enforce) {
            true => Mode::Enforce,
            false => self.settings.mode,
        }
    }

    /// Target, unauthenticated path, credentials, token, policy: the first that fails decides.
    async fn steps(
        &mut self,
        found: Option<&'a Arc<Application>>,
        request: &Request<'_>,
        outcome: &mut Outcome,
        place: impl Send,
    ) -> Result<Permit, Denial> {
        let target = self.target(found, request)?;
        if let Some(permit) = self.without_token(&target, request) {
            return Ok(permit);
        }

        let deadline = self.deadline(request);
        let v1_accepted = target.v1.accepted || self.settings.accept_v1_tokens;
        let v1 = v1_accepted.then_some(V1Audiences(&target.v1.app_id_uris));
        let audience = Audience { tenant: target.tenant, client_id: target.client_id, v1 };
        let claims = self.evidence.claims(request, &audience, deadline, place, self.trace).await?;
        let caller = Caller::from_claims(claims, target.tenant);
        self.trace.step(Step::Caller, &caller, || described::caller(&caller));
        let caller = caller?;

        let Enforced { application, client_id, access, .. } = target;
        let protected = Protected { id: &application.id, client_id, access };
        let name = protected.consumer(caller.client_id);
        outcome.consumer = name.or_else(|| self.index.name_of(caller.client_id)).cloned();
        let caller = outcome.caller.insert(caller);
        self.evaluate(caller, &protected, request, deadline).await
    }

    fn target(
        &mut self,
        found: Option<&'a Arc<Application>>,
        request: &Request<'_>,
    ) -> Result<Enforced<'a>, Denial> {
        let target = found.map(enforced).unwrap_or(Err(DenyReason::ApplicationUnknown.into()));
        self.trace.step(Step::Target, &target, || described::target(request, found));
        target
    }

    fn without_token(&mut self, target: &Enforced<'_>, request: &Request<'_>) -> Option<Permit> {
        let open_paths = target.application.open_paths.iter().chain(&self.settings.open_paths);
        let allow_preflight = self.settings.allow_cors_preflight;
        let permit = policy::without_token(request, open_paths, allow_preflight);
        self.trace.step(Step::UnauthenticatedPath, &Ok(()), || {
            described::open_path(request, permit.as_ref())
        });
        permit
    }

    /// The policy, and once more with groups that were looked up, where they alone are missing.
    async fn evaluate(
        &mut self,
        caller: &mut Caller,
        protected: &Protected<'_>,
        request: &Request<'_>,
        deadline: Instant,
    ) -> Result<Permit, Denial> {
        let settings = self.settings;
        let (requirements, presenter) = (&settings.requirements, settings.presenter(request));
        let result =
            policy::evaluate(caller.clone(), protected, requirements, &presenter, self.trace);
        match result {
            Err(denial) if denial.reason == DenyReason::GroupsOverage => {
                let groups = &protected.access.users.groups;
                // On the heap, so that the other checks do not carry what only this one needs.
                let lookup = Box::pin(self.with_groups(caller.clone(), groups, denial, deadline));
                let resolved = lookup.await;
                self.trace.step(Step::Groups, &resolved, || described::looked_up(&resolved));
                *caller = resolved?;
                policy::evaluate(caller.clone(), protected, requirements, &presenter, self.trace)
            }
            result => result,
        }
    }

    /// The caller with those of the application's groups that it is a member of, or the denial
    /// that stands where nobody can be asked.
    async fn with_groups(
        &self,
        caller: Caller,
        groups: &BTreeSet<GroupId>,
        denial: Denial,
        deadline: Instant,
    ) -> Result<Caller, Denial> {
        let (Some(memberships), Some((tenant, user))) = (self.memberships, caller.user()) else {
            return Err(denial);
        };
        let question = Question::new(tenant, user, groups);
        match memberships.resolve(question, deadline).await {
            Ok(groups) => Ok(caller.with_resolved_groups(groups)),
            Err(Unresolved::NotConfigured) => Err(denial),
            Err(Unresolved::Unavailable) => Err(DenyReason::GroupsUnavailable.into()),
        }
    }

    fn deadline(&self, request: &Request<'_>) -> Instant {
        let own = Instant::now() + self.settings.deadline;
        request.deadline.map_or(own, |deadline| deadline.min(own))
    }
}

fn enforced(application: &Arc<Application>) -> Result<Enforced<'_>, Denial> {
    match &application.protection {
        Protection::Enforced { client_id, tenant, access, v1 } => {
            Ok(Enforced { application, client_id: *client_id, tenant: *tenant, access, v1 })
        }
        Protection::Disabled(because) => Err(disabled(*because)),
    }
}

fn disabled(because: DisabledBecause) -> Denial {
    Denial::new(DenyReason::ApplicationDisabled, because.sentence())
}
