//! Asking Graph about the users of one tenant.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use reqwest::{StatusCode, header::AUTHORIZATION};
use tokio::time::Instant;

use super::{
    Question,
    access_token::{AccessTokens, TokenError},
    graph::{self, Page, PageError},
    lookup::Groups,
    throttle::{self, Throttle},
};
use crate::{
    clock::Clock,
    config::{ClientCredentials, Graph},
    http::{Answer, Client, FetchError, Request},
    identifiers::{GroupId, TenantId, UserId},
    telemetry::{GraphOutcome, Metrics},
};

/// An answer about at most 20 groups that takes more pages than this is none.
const MOST_PAGES: usize = 8;

/// One tenant's client and how Graph takes it.
#[derive(Debug)]
pub struct Tenant {
    settings: Arc<Graph>,
    tokens: AccessTokens,
    throttle: Throttle,
    client: Client,
    clock: Clock,
    metrics: Arc<Metrics>,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum GraphError {
    #[error("there is no access token for Graph: {0}")]
    NoToken(#[from] TokenError),
    #[error("Graph asks not to be asked for {0:?}")]
    Throttled(Duration),
    #[error("Graph asked not to be asked for now")]
    StayingAway,
    #[error("Graph: {0}")]
    Fetch(#[from] FetchError),
    #[error("Graph answered with status {status}, {code}")]
    Refused { status: u16, code: String },
    #[error("Graph: {0}")]
    Page(#[from] PageError),
    #[error("Graph's answer has too many pages")]
    TooManyPages,
    #[error("Graph's answer took longer than {0:?}")]
    TooLate(Duration),
}

impl GraphError {
    /// Whether it only follows from a failure that was told before.
    pub fn is_repeated(&self) -> bool {
        matches!(self, Self::StayingAway | Self::NoToken(TokenError::FailedBefore))
    }
}

impl Tenant {
    /// Asks by these credentials.
    pub fn new(
        settings: Arc<Graph>,
        (id, credentials): (TenantId, ClientCredentials),
        client: Client,
        clock: Clock,
        metrics: Arc<Metrics>,
    ) -> Self {
        let tokens = AccessTokens::new(&settings, id, credentials, clock.clone());
        Self { settings, tokens, throttle: Throttle::default(), client, clock, metrics }
    }

    /// Whether Graph may be asked now.
    pub fn may_ask(&self) -> bool {
        self.throttle.is_open()
    }

    /// The answer to a question: of the groups asked about, and no others, those that Graph names.
    ///
    /// # Errors
    /// Where any part of it is missing: half an answer is none.
    pub async fn ask(&self, question: &Question) -> Result<Groups, GraphError> {
        let mut found = BTreeSet::new();
        for asked in question.groups.chunks(graph::most_at_once(self.settings.membership)) {
            self.ask_about(question.user, asked, &mut found).await?;
        }
        Ok(found.into_iter().collect())
    }

    async fn ask_about(
        &self,
        user: UserId,
        asked: &[GroupId],
        found: &mut BTreeSet<GroupId>,
    ) -> Result<(), GraphError> {
        let Graph { url, membership, .. } = &*self.settings;
        let mut request = graph::request(url, *membership, user, asked);
        for _ in 0..MOST_PAGES {
            let Page { groups, next } = self.page(request).await?;
            found.extend(groups.into_iter().filter(|group| asked.contains(group)));
            match next {
                Some(next) => request = graph::page(next),
                None => return Ok(()),
            }
        }
        Err(GraphError::TooManyPages)
    }

    async fn page(&self, mut request: Request) -> Result<Page, GraphError> {
        if !self.throttle.is_open() {
            return Err(GraphError::StayingAway);
        }
        let authorization = self.tokens.authorization(&self.client).await.inspect_err(|_| {
            self.metrics.graph.request(GraphOutcome::NoToken);
        })?;
        request.headers.insert(AUTHORIZATION, authorization.clone());
        let began = Instant::now();
        let answer = self.client.send(request).await;
        self.metrics.graph.took(began.elapsed());
        let result = answer.map_err(GraphError::from).and_then(|answer| self.read(&answer));
        self.metrics.graph.request(match &result {
            Ok(_) => GraphOutcome::Success,
            Err(GraphError::Throttled(_)) => GraphOutcome::Throttled,
            Err(_) => GraphOutcome::Failure,
        });
        if matches!(result, Err(GraphError::Refused { status: 401, .. })) {
            self.tokens.forget(&authorization).await;
        }
        result
    }

    fn read(&self, answer: &Answer) -> Result<Page, GraphError> {
        let is_throttled = match answer.status {
            StatusCode::TOO_MANY_REQUESTS => true,
            StatusCode::SERVICE_UNAVAILABLE => answer.retry_after.is_some(),
            _ => false,
        };
        if is_throttled {
            let pause = throttle::pause(answer.retry_after, self.clock.now());
            self.throttle.stay_away(pause);
            return Err(GraphError::Throttled(pause));
        }
        if answer.status != StatusCode::OK {
            let (status, code) = (answer.status.as_u16(), graph::error_code(&answer.body));
            return Err(GraphError::Refused { status, code });
        }
        Ok(graph::read(&answer.body, &self.settings.url)?)
    }
}
