//! Answers to questions about memberships: remembered, on their way, or asked for.

use std::{collections::HashMap, sync::Arc, time::Duration};

use moka::sync::Cache;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, timeout, timeout_at},
};
use tracing::warn;

use super::{
    Question,
    lookup::{Asking, Groups, Lookup},
    tenant::{GraphError, Tenant},
};
use crate::{
    clock::Clock,
    config::Graph,
    http::Client,
    identifiers::{GroupId, TenantId},
    telemetry::{GroupLookup, Metrics},
};

/// The longest that one look-up may take, whoever still waits for it.
const LONGEST_LOOKUP: Duration = Duration::from_secs(10);

/// Checks that may wait for Graph at once; more are answered as if they had waited in vain. A Graph
/// that hangs must not take the places of checks that need none.
pub(super) const MOST_WAITING: usize = 256;

/// How much memory the answers may take, about.
const CACHE_BYTES: u64 = 16 << 20;
/// What an answer takes beside its groups.
const ENTRY_BYTES: usize = 512;

/// Resolves memberships. Each question is asked once at a time, whoever wants to know.
#[derive(Debug)]
pub struct Resolver {
    pub(super) tenants: HashMap<TenantId, Arc<Tenant>>,
    pub(super) lookups: Cache<Question, Lookup>,
    permits: Arc<Semaphore>,
    waiting: Semaphore,
    lifetime: Duration,
    metrics: Arc<Metrics>,
}

/// Why a question has no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unresolved {
    /// There are no credentials for the tenant: it is never asked.
    NotConfigured,
    /// There is no answer now, or none in time.
    Unavailable,
}

impl Resolver {
    /// Knows nothing yet and asks nobody before it is asked.
    pub fn new(settings: &Graph, client: &Client, clock: &Clock, metrics: Arc<Metrics>) -> Self {
        let shared = Arc::new(settings.clone());
        let tenant = |(id, credentials): (&TenantId, &_)| {
            let own = (*id, Clone::clone(credentials));
            let (client, clock) = (client.clone(), clock.clone());
            (
                *id,
                Arc::new(Tenant::new(
                    Arc::clone(&shared),
                    own,
                    client,
                    clock,
                    Arc::clone(&metrics),
                )),
            )
        };
        let lookups = Cache::builder()
            .max_capacity(CACHE_BYTES)
            .weigher(|question: &Question, _| weight(question))
            // What counts is decided by each answer itself; this gives the memory back.
            .time_to_live(settings.cache_lifetime + LONGEST_LOOKUP)
            .build();
        Self {
            tenants: settings.credentials.iter().map(tenant).collect(),
            lookups,
            permits: Arc::new(Semaphore::new(settings.concurrency)),
            waiting: Semaphore::new(MOST_WAITING),
            lifetime: settings.cache_lifetime,
            metrics,
        }
    }

    /// Those of the question's groups that the user is a member of.
    ///
    /// Waits no longer than until the deadline; what was asked for then goes on, and its answer is
    /// there for those who ask next.
    ///
    /// # Errors
    /// See [`Unresolved`].
    pub async fn resolve(
        &self,
        question: Question,
        deadline: Instant,
    ) -> Result<Arc<[GroupId]>, Unresolved> {
        let tenant = self.tenants.get(&question.tenant).ok_or(Unresolved::NotConfigured)?;
        let remembered = self.lookups.get(&question);
        if let Some(groups) = remembered.as_ref().and_then(Lookup::groups) {
            self.metrics.graph.lookup(GroupLookup::Hit);
            if remembered.is_some_and(|lookup| lookup.is_due()) {
                self.ask_ahead(tenant, question);
            }
            return Ok(groups);
        }
        let groups = self.wait(tenant, question, remembered, deadline).await;
        self.metrics.graph.lookup(match groups {
            Some(_) => GroupLookup::Miss,
            None => GroupLookup::Unavailable,
        });
        groups.ok_or(Unresolved::Unavailable)
    }

    /// How many answers are remembered, about.
    pub fn remembered(&self) -> u64 {
        self.lookups.entry_count()
    }

    /// The answer that is on its way, or that is asked for now.
    async fn wait(
        &self,
        tenant: &Arc<Tenant>,
        question: Question,
        remembered: Option<Lookup>,
        deadline: Instant,
    ) -> Option<Groups> {
        let _place = self.waiting.try_acquire().ok()?;
        match remembered.filter(|lookup| !lookup.is_due()) {
            Some(lookup) => lookup.outcome(deadline).await,
            None => self.ask(tenant, question, deadline).await,
        }
    }

    /// Asks, as soon as few enough others do. Whoever waits for that is a check, so that no queue
    /// outlives its deadline.
    async fn ask(
        &self,
        tenant: &Arc<Tenant>,
        question: Question,
        deadline: Instant,
    ) -> Option<Groups> {
        if !tenant.may_ask() {
            return None;
        }
        let permit = Arc::clone(&self.permits).acquire_owned();
        let permit = timeout_at(deadline, permit).await.ok()?.ok()?;
        self.begin(tenant, question, permit).outcome(deadline).await
    }

    /// Asks again before the answer is void, unless there is more urgent work.
    fn ask_ahead(&self, tenant: &Arc<Tenant>, question: Question) {
        if tenant.may_ask()
            && let Ok(permit) = Arc::clone(&self.permits).try_acquire_owned()
        {
            self.begin(tenant, question, permit);
        }
    }

    /// The question on its way, by somebody else or from now on.
    fn begin(
        &self,
        tenant: &Arc<Tenant>,
        question: Question,
        permit: OwnedSemaphorePermit,
    ) -> Lookup {
        let before = self.lookups.get(&question);
        let asked = question.clone();
        let begin = || {
            let (asking, lookup) = Lookup::begin(before.as_ref(), self.lifetime);
            tokio::spawn(ask(Arc::clone(tenant), asked, asking, permit));
            lookup
        };
        self.lookups.entry(question).or_insert_with_if(begin, Lookup::is_due).into_value()
    }
}

/// Asks Graph; holds the permit as long as that takes.
async fn ask(
    tenant: Arc<Tenant>,
    question: Question,
    asking: Asking,
    _permit: OwnedSemaphorePermit,
) {
    let answer = timeout(LONGEST_LOOKUP, tenant.ask(&question)).await;
    match answer.unwrap_or(Err(GraphError::TooLate(LONGEST_LOOKUP))) {
        Ok(groups) => asking.answered(groups),
        Err(error) => {
            asking.failed();
            if error.is_repeated() {
                return;
            }
            warn!(tenant = %question.tenant, %error, "a user's groups could not be looked up");
        }
    }
}

fn weight(question: &Question) -> u32 {
    // The question's groups, and as many in the answer at most.
    let bytes = ENTRY_BYTES + 2 * size_of_val(&*question.groups);
    u32::try_from(bytes).unwrap_or(u32::MAX)
}
