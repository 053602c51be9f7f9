//! Nothing is let through that a second, independent reading of the rules refuses.
//!
//! `make differential` runs a million cases, `make differential-pyjwt` asks PyJWT as well. An
//! ordinary test run does fewer. Every run begins with the same seed, which
//! `PORTVAKT_DIFFERENTIAL_SEED` changes.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    clippy::cast_possible_truncation,
    missing_debug_implementations,
    reason = "tests fail by panicking"
)]

mod cases;
mod draft;
mod json;
mod keys;
mod mutate;
mod oracle;
#[cfg(feature = "pyjwt")]
mod pyjwt;
mod random;
mod subject;
mod trusted;

use std::{collections::BTreeMap, env, sync::Arc, thread};

use tokio::task::JoinSet;

use cases::Cases;
use subject::Subject;
use trusted::Trusted;

/// What came of the cases.
#[derive(Debug, Default)]
struct Tally {
    allowed_by_both: usize,
    refused_by_both: usize,
    /// How often each reason was given.
    reasons: BTreeMap<&'static str, usize>,
    disagreements: Vec<String>,
}

impl Tally {
    fn count(&mut self, token: &str, (is_allowed, reason): (bool, &'static str), expected: bool) {
        *self.reasons.entry(reason).or_default() += 1;
        match (is_allowed, expected) {
            (true, true) => self.allowed_by_both += 1,
            (false, false) => self.refused_by_both += 1,
            _ => self.disagreements.push(format!("{reason}, but expected {expected}: {token}")),
        }
    }

    fn add(&mut self, other: Self) {
        self.allowed_by_both += other.allowed_by_both;
        self.refused_by_both += other.refused_by_both;
        self.disagreements.extend(other.disagreements);
        for (reason, count) in other.reasons {
            *self.reasons.entry(reason).or_default() += count;
        }
    }
}

fn number(variable: &str, default: usize) -> usize {
    env::var(variable).map_or(default, |text| text.parse().unwrap())
}

fn seed() -> u64 {
    number("PORTVAKT_DIFFERENTIAL_SEED", 1) as u64
}

/// Every reason that a token alone can be refused for, and both reasons to let it through.
const REASONS: [&str; 17] = [
    "application_granted",
    "user_granted",
    "credentials_malformed",
    "token_malformed",
    "token_algorithm_rejected",
    "token_kind_rejected",
    "token_key_unknown",
    "token_signature_invalid",
    "token_issuer_rejected",
    "token_audience_rejected",
    "token_expired",
    "token_not_yet_valid",
    "token_version_rejected",
    "token_claims_invalid",
    "consumer_not_granted",
    "role_missing",
    "user_not_granted",
];

/// Both verdicts agree in both directions: the list of tokens that only we refuse is empty.
#[tokio::test(flavor = "multi_thread")]
async fn mutated_tokens_are_let_through_only_where_an_independent_validator_would() {
    let trusted = Arc::new(Trusted::generate());
    let subject = Arc::new(Subject::start(trusted.key_set()).await);
    let cases = number("PORTVAKT_DIFFERENTIAL_CASES", 50_000);
    let workers = thread::available_parallelism().unwrap().get();
    let mut running = JoinSet::new();
    for worker in 0..workers {
        let (subject, trusted) = (Arc::clone(&subject), Arc::clone(&trusted));
        let share = cases / workers + usize::from(worker < cases % workers);
        running.spawn(async move {
            let mut tally = Tally::default();
            let mut row = Cases::new(Arc::clone(&trusted), seed() + ((worker as u64) << 32));
            for _ in 0..share {
                let token = row.next();
                tally.count(&token, subject.decide(&token).await, trusted.allows(&token));
            }
            tally
        });
    }
    let mut tally = Tally::default();
    while let Some(share) = running.join_next().await {
        tally.add(share.unwrap());
    }
    println!("reasons: {:?}", tally.reasons);
    println!(
        "cases {cases} (seed {}), allowed by both {}, refused by both {}, disagreements {}",
        seed(),
        tally.allowed_by_both,
        tally.refused_by_both,
        tally.disagreements.len()
    );
    let some: Vec<_> = tally.disagreements.iter().take(5).collect();
    assert!(some.is_empty(), "{some:#?}");
    let unreached: Vec<_> =
        REASONS.iter().filter(|reason| !tally.reasons.contains_key(**reason)).collect();
    assert!(unreached.is_empty(), "no case came to {unreached:?}");
    let unexpected = ["internal_error", "deadline_exceeded", "keys_unavailable", "overloaded"];
    assert!(unexpected.iter().all(|reason| !tally.reasons.contains_key(reason)));
}
