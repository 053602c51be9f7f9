//! Checks at a steady pace, and how long their answers took.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use envoy_types::pb::envoy::service::auth::v3::authorization_client::AuthorizationClient;
use tokio::{
    runtime,
    task::{JoinSet, spawn_blocking},
    time::{self, Instant},
};
use tonic::transport::Channel;

use crate::{
    checks::{self, Mixture},
    support::checks::reason,
};

/// Between two checks: two thousand a second.
const PERIOD: Duration = Duration::from_micros(500);
/// How long a round lasts: four thousand checks, of which the 99th percentile leaves out forty.
const ROUND: Duration = Duration::from_secs(2);
/// Checks ahead of the first that counts, while the connection is new.
const WARM_UP: usize = 100;
/// So many wrong answers are shown.
const SHOWN: usize = 3;

/// What came of the checks of one round.
#[derive(Debug, Default)]
pub struct Round {
    /// Of the checks whose keys are known, in microseconds, the shortest first.
    latencies: Vec<f64>,
    /// Answers that are not right, and checks that were not answered.
    pub wrong: usize,
    /// The first of them.
    examples: Vec<String>,
}

/// What came of one check.
struct Answered {
    micros: Option<f64>,
    wrong: Option<String>,
}

/// Asks at `address` for the time of a round, by a thread that does nothing else.
pub async fn round(address: SocketAddr, mixture: &Arc<Mixture>) -> Round {
    let mixture = Arc::clone(mixture);
    let driven = spawn_blocking(move || {
        let runtime = runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(drive(address, &mixture))
    });
    let round = driven.await.unwrap();
    for example in &round.examples {
        println!("faults: {example}");
    }
    round
}

async fn drive(address: SocketAddr, mixture: &Arc<Mixture>) -> Round {
    let client = checks::client(address).await;
    for number in (0..WARM_UP).filter(|number| mixture.case(*number).is_known) {
        ask(client.clone(), Arc::clone(mixture), number).await;
    }
    let mut rhythm = time::interval(PERIOD);
    let mut under_way = JoinSet::new();
    let (end, mut number) = (Instant::now() + ROUND, WARM_UP);
    while rhythm.tick().await < end {
        under_way.spawn(ask(client.clone(), Arc::clone(mixture), number));
        number += 1;
    }
    let mut round = Round::default();
    while let Some(answered) = under_way.join_next().await {
        round.add(answered.unwrap());
    }
    round.latencies.sort_by(f64::total_cmp);
    round
}

async fn ask(
    mut client: AuthorizationClient<Channel>,
    mixture: Arc<Mixture>,
    number: usize,
) -> Answered {
    let case = mixture.case(number);
    let began = Instant::now();
    let response = client.check(case.request.clone()).await;
    let micros = case.is_known.then(|| began.elapsed().as_secs_f64() * 1e6);
    let wrong = match response {
        Ok(response) if case.is_right(response.get_ref()) => None,
        Ok(response) => {
            let decision = reason(response.get_ref());
            Some(format!("{decision:?} where it should be {:?}", case.expected))
        }
        Err(status) => Some(format!("{status:?} where it should be {:?}", case.expected)),
    };
    Answered { micros, wrong }
}

impl Round {
    fn add(&mut self, answered: Answered) {
        self.latencies.extend(answered.micros);
        self.wrong += usize::from(answered.wrong.is_some());
        self.examples.extend(answered.wrong.filter(|_| self.examples.len() < SHOWN));
    }

    /// The 99th percentile, in microseconds.
    fn p99(&self) -> f64 {
        self.latencies[self.latencies.len() * 99 / 100]
    }
}

/// The median of the rounds' 99th percentiles, in microseconds.
pub fn p99<'a>(rounds: impl IntoIterator<Item = &'a Round>) -> f64 {
    let mut figures: Vec<_> = rounds.into_iter().map(Round::p99).collect();
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

/// How many answers were wrong.
pub fn wrong(rounds: &[Round]) -> usize {
    rounds.iter().map(|round| round.wrong).sum()
}
