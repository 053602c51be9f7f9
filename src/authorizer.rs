//! The whole decision, from a request to an allow or a deny.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use tokio::time::Instant;

use crate::{
    applications::{Application, DisabledBecause, Protection, Published},
    clock::Clock,
    config::{Config, Mesh, Target},
    decision::{Decision, DecisionId, Denial, DenyReason},
    identifiers::{ApplicationId, ClientId, GroupId},
    keys::Issuer,
    membership::{Question, Resolver, Unresolved},
    policy::{self, Caller, Permit, Presenter, Protected, Requirements},
    request::Request,
    spiffe::WorkloadId,
    target::{self, Index, PathPattern},
    telemetry::Metrics,
    token::{Audience, TokenCache, V1Audiences, Verifier, bearer_token},
};

/// Decides requests. Shared by all frontends; holds no state of a request.
#[derive(Debug)]
pub struct Authorizer {
    applications: Arc<Published>,
    verifier: Verifier,
    /// Looks up groups that tokens do not list, where that is configured.
    memberships: Option<Resolver>,
    settings: Settings,
}

/// The part of the configuration that decisions depend on.
#[derive(Debug)]
struct Settings {
    cluster: String,
    target: Target,
    open_paths: Vec<PathPattern>,
    allow_cors_preflight: bool,
    accept_v1_tokens: bool,
    requirements: Requirements,
    mesh: Mesh,
    deadline: Duration,
}

/// A decision and what it was about, for answers, logs and metrics.
#[derive(Debug)]
pub struct Outcome {
    pub id: DecisionId,
    pub decision: Decision,
    /// The application that was asked for, once it is known.
    pub application: Option<ApplicationId>,
    /// The consumer's client id, once a verified token told.
    pub client_id: Option<ClientId>,
    /// Its name, if any document has it.
    pub caller: Option<ApplicationId>,
}

impl Outcome {
    /// A decision about which nothing else is known.
    pub fn new(decision: Decision) -> Self {
        Self { id: DecisionId::next(), decision, application: None, client_id: None, caller: None }
    }
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
        let settings = Settings {
            cluster: config.cluster.clone(),
            target: config.target.clone(),
            open_paths: config.unauthenticated_paths.clone(),
            allow_cors_preflight: config.allow_cors_preflight,
            accept_v1_tokens: config.entra.accept_v1_tokens,
            requirements: Requirements {
                role: config.entra.required_role.clone(),
                scope: config.entra.required_scope.clone(),
            },
            mesh: config.mesh,
            deadline: config.limits.deadline,
        };
        let cache = TokenCache::new(config.token_cache.max_bytes);
        let max_lifetime = config.entra.max_token_lifetime;
        let verifier = Verifier::new(issuers, cache, max_lifetime, clock, metrics);
        Self { applications, verifier, memberships: None, settings }
    }

    /// The same, with somebody to ask for groups that tokens do not list.
    pub fn with_memberships(self, memberships: Option<Resolver>) -> Self {
        Self { memberships, ..self }
    }

    /// Decides one request, against one generation of the applications.
    ///
    /// `place` is whatever is held while a check is under way; it is given back before the check
    /// waits for a key.
    pub async fn authorize(&self, request: &Request<'_>, place: impl Send) -> Outcome {
        let generation = self.applications.current();
        let mut outcome = Outcome::new(Decision::default());
        let decision = self.decide(request, &generation.index, &mut outcome, place).await;
        outcome.decision = decision.into();
        outcome
    }

    /// How many verified tokens are remembered.
    pub fn cached_tokens(&self) -> u64 {
        self.verifier.cached_tokens()
    }

    /// How many answers about users' groups are remembered.
    pub fn cached_memberships(&self) -> u64 {
        self.memberships.as_ref().map_or(0, Resolver::remembered)
    }

    /// Target, unauthenticated path, credentials, token, policy: the first that fails decides.
    async fn decide(
        &self,
        request: &Request<'_>,
        index: &Index,
        outcome: &mut Outcome,
        place: impl Send,
    ) -> Result<Permit, Denial> {
        let settings = &self.settings;
        let application = target::find(index, request, &settings.target, &settings.cluster)
            .ok_or(DenyReason::ApplicationUnknown)?;
        outcome.application = Some(application.id.clone());
        let (client_id, tenant, access, v1) = match &application.protection {
            Protection::Enforced { client_id, tenant, access, v1 } => {
                (*client_id, *tenant, access, v1)
            }
            Protection::Disabled(because) => return Err(disabled(*because)),
        };

        let open_paths = self.open_paths(application);
        if let Some(permit) =
            policy::without_token(request, open_paths, settings.allow_cors_preflight)
        {
            return Ok(permit);
        }

        let token = bearer_token(request.authorization)?;
        let deadline = self.deadline(request);
        let v1 = (v1.accepted || settings.accept_v1_tokens).then_some(V1Audiences(&v1.app_id_uris));
        let audience = Audience { tenant, client_id, v1 };
        let claims = self.verifier.verify(token, &audience, deadline, place).await?;
        let caller = Caller::from_claims(claims, tenant)?;
        let protected = Protected { id: &application.id, client_id, access };
        outcome.client_id = Some(caller.client_id);
        let name = protected.consumer(caller.client_id);
        outcome.caller = name.or_else(|| index.name_of(caller.client_id)).cloned();
        self.evaluate(caller, &protected, request, deadline).await
    }

    /// The policy, and once more with groups that were looked up, where they alone are missing.
    async fn evaluate(
        &self,
        caller: Caller,
        protected: &Protected<'_>,
        request: &Request<'_>,
        deadline: Instant,
    ) -> Result<Permit, Denial> {
        let (requirements, presenter) = (&self.settings.requirements, self.presenter(request));
        let evaluate = |caller| policy::evaluate(caller, protected, requirements, &presenter);
        let unresolved = caller.has_groups_overage().then(|| caller.clone());
        match (evaluate(caller), unresolved) {
            (Err(denial), Some(caller)) if denial.reason == DenyReason::GroupsOverage => {
                let groups = &protected.access.users.groups;
                // On the heap, so that the other checks do not carry what only this one needs.
                let resolved = Box::pin(self.with_groups(caller, groups, denial, deadline));
                evaluate(resolved.await?)
            }
            (result, _) => result,
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
        let (Some(memberships), Some((tenant, user))) = (&self.memberships, caller.user()) else {
            return Err(denial);
        };
        let question = Question::new(tenant, user, groups);
        match memberships.resolve(question, deadline).await {
            Ok(groups) => Ok(caller.with_resolved_groups(groups)),
            Err(Unresolved::NotConfigured) => Err(denial),
            Err(Unresolved::Unavailable) => Err(DenyReason::GroupsUnavailable.into()),
        }
    }

    fn open_paths<'a>(
        &'a self,
        application: &'a Application,
    ) -> impl Iterator<Item = &'a PathPattern> {
        application.open_paths.iter().chain(&self.settings.open_paths)
    }

    fn deadline(&self, request: &Request<'_>) -> Instant {
        let own = Instant::now() + self.settings.deadline;
        request.deadline.map_or(own, |deadline| deadline.min(own))
    }

    fn presenter<'a>(&self, request: &Request<'a>) -> Presenter<'a> {
        let Target { trust_domains, gateways, .. } = &self.settings.target;
        let principal = match request.source_principal {
            "" => request.forwarded_client,
            principal => principal,
        };
        let workload = WorkloadId::parse(principal, trust_domains)
            .filter(|workload| !workload.is_among(gateways));
        Presenter { workload, bind_tokens: self.settings.mesh.bind_tokens }
    }
}

fn disabled(because: DisabledBecause) -> Denial {
    let detail = match because {
        DisabledBecause::EntraNotEnabled => {
            "The application's document does not enable Entra ID (spec.azure.application.enabled)."
        }
        DisabledBecause::NoClientId => "The application's client id is not known.",
        DisabledBecause::ClientIdClaimedTwice => {
            "The application's client id is claimed by another application too."
        }
        DisabledBecause::UnknownTenant => {
            "The application belongs to a tenant that is not configured."
        }
        DisabledBecause::DuplicateDocument => {
            "Two documents of one kind describe the application differently."
        }
        DisabledBecause::BrokenDocument => "The application's document is broken.",
    };
    Denial::new(DenyReason::ApplicationDisabled, detail)
}
