//! The whole decision, from a request to an allow or a deny.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::{Semaphore, SemaphorePermit},
    time::Instant,
};

use crate::{
    applications::{Application, DisabledBecause, Protection, Published},
    clock::Clock,
    config::{Config, Mesh, Target},
    decision::{Decision, DecisionId, Denial, DenyReason},
    identifiers::{ApplicationId, ClientId},
    keys::Issuer,
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
    settings: Settings,
    /// One permit for each check that may be under way.
    capacity: Semaphore,
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
        let capacity = Semaphore::new(config.limits.concurrent_checks);
        Self { applications, verifier, settings, capacity }
    }

    /// Decides one request, against one generation of the applications.
    pub async fn authorize(&self, request: &Request<'_>) -> Outcome {
        let Ok(place) = self.capacity.try_acquire() else {
            return Outcome::new(Decision::Deny(DenyReason::Overloaded.into()));
        };
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

    /// Target, unauthenticated path, credentials, token, policy: the first that fails decides.
    async fn decide(
        &self,
        request: &Request<'_>,
        index: &Index,
        outcome: &mut Outcome,
        place: SemaphorePermit<'_>,
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
        outcome.client_id = Some(caller.client_id);
        outcome.caller = name_of(&caller, application, client_id, access, index);

        let protected = Protected { id: &application.id, client_id, access };
        policy::evaluate(caller, &protected, &settings.requirements, &self.presenter(request))
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
        let workload = WorkloadId::parse(request.source_principal, trust_domains)
            .filter(|workload| !workload.is_among(gateways));
        Presenter { workload, bind_tokens: self.settings.mesh.bind_tokens }
    }
}

/// A caller's name: the application itself, one that it grants, or any that the documents know.
fn name_of(
    caller: &Caller,
    application: &Application,
    client_id: ClientId,
    access: &policy::AccessPolicy,
    index: &Index,
) -> Option<ApplicationId> {
    if caller.client_id == client_id {
        return Some(application.id.clone());
    }
    let granted = access.consumers.get(&caller.client_id);
    granted.or_else(|| index.name_of(caller.client_id)).cloned()
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
        DisabledBecause::BrokenDocument => "The application's document is broken.",
    };
    Denial::new(DenyReason::ApplicationDisabled, detail)
}
