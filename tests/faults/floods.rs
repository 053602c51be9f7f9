//! Whoever reaches the gRPC port and means ill: others are answered as quickly as before, or
//! nearly, and neither memory nor the issuer pays.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use crate::{
    attacks::{Attack, Attacking},
    checks::{self, Mixture, check},
    latency::{self, Round},
    subject::{Keys, Subject},
    support::{
        Token,
        documents::{HOME, WEBSHOP},
        until,
    },
    table::{Row, Table},
};

/// How much slower the slowest hundredth may be.
const MOST: f64 = 2.0;
const MIB: f64 = 1024.0 * 1024.0;
/// What memory may grow by, as in the end-to-end tests.
const MOST_MIB: f64 = 100.0;
/// A token of a key that is published during a flood is accepted within this time.
const MOST_HEALING: Duration = KEYS.cooldown.saturating_add(Duration::from_secs(1));

/// The keys are not asked for unless a check has it done.
const KEYS: Keys =
    Keys { refresh_interval: Duration::from_secs(3600), cooldown: Duration::from_secs(1) };

/// What was seen of one attack, over all rounds.
#[derive(Debug, Default)]
struct Seen {
    quiet: Vec<Round>,
    attacked: Vec<Round>,
    /// CPU of the service in cores.
    quiet_cores: f64,
    attacked_cores: f64,
    /// What the attackers did, and for how long.
    count: usize,
    attacks: Duration,
    growth_mib: f64,
    requests: usize,
    allowed: usize,
    slowest_healing: Option<Duration>,
}

pub async fn measure(rounds: usize) -> Table {
    let mut table = Table::new(&[
        "the attack",
        "quiet p99 µs",
        "p99 µs",
        "ratio",
        "quiet cores",
        "cores",
        "MiB more",
        "key requests",
        "healed after s",
        "attacks",
        "wrong",
    ]);
    for attack in Attack::ALL {
        let seen = attacked(attack, rounds).await;
        table.add(seen.row(attack));
    }
    table
}

async fn attacked(attack: Attack, rounds: usize) -> Seen {
    let subject = Subject::start(KEYS).await;
    let mixture = Arc::new(Mixture::of(&subject.issuer));
    let mut seen = Seen::default();
    // Once for the memory of what is cached.
    latency::round(subject.address(), &mixture).await;
    let memory = subject.portvakt.peak_memory();
    let (began, requests) = (Instant::now(), subject.issuer.key_requests(HOME));
    for number in 1..=rounds {
        println!("faults: {}, round {number} of {rounds}", attack.name());
        let (round, cores) = measured(&subject, &mixture).await;
        seen.quiet.push(round);
        seen.quiet_cores += cores / rounds as f64;
        let attacking = Attacking::start(attack, &subject).await;
        let attacked = Instant::now();
        let (round, cores) = measured(&subject, &mixture).await;
        seen.attacked.push(round);
        seen.attacked_cores += cores / rounds as f64;
        if attack == Attack::UnknownKeys {
            let healing = rotate(&subject, number).await;
            seen.slowest_healing = seen.slowest_healing.max(Some(healing));
        }
        seen.count += attacking.stop().await;
        seen.attacks += attacked.elapsed();
    }
    seen.requests = subject.issuer.key_requests(HOME) - requests;
    seen.allowed = KEYS.allowed_requests(began.elapsed());
    seen.growth_mib = (subject.portvakt.peak_memory() - memory) / MIB;
    assert_eq!(subject.portvakt.admin("/readyz").await.0, 200);
    seen
}

/// A round, and how many cores the service took.
async fn measured(subject: &Subject, mixture: &Arc<Mixture>) -> (Round, f64) {
    let (began, before) = (Instant::now(), subject.cpu());
    let round = latency::round(subject.address(), mixture).await;
    let cpu = subject.cpu() - before;
    (round, cpu.as_secs_f64() / began.elapsed().as_secs_f64())
}

/// The issuer signs with a new key, and publishes the one before as well; how long until a token
/// of the new one is accepted.
async fn rotate(subject: &Subject, number: usize) -> Duration {
    let mut client = checks::client(subject.address()).await;
    let published = Instant::now();
    subject.issuer.announce(HOME, &format!("key {number}"));
    subject.issuer.switch(HOME);
    let request = check(&subject.issuer.issue(HOME, &Token::of_application(WEBSHOP)));
    until("a token of the new key to be accepted", async || {
        let response = client.check(request.clone()).await.unwrap().into_inner();
        checks::is_allowed(&response).then_some(())
    })
    .await;
    published.elapsed()
}

impl Seen {
    fn row(&self, attack: Attack) -> Row {
        let (quiet, p99) = (latency::p99(&self.quiet), latency::p99(&self.attacked));
        let row = Row::of(attack.name())
            .figure(quiet, 0)
            .figure(p99, 0)
            .bar(p99 / quiet, MOST, 2)
            .figure(self.quiet_cores, 2)
            .figure(self.attacked_cores, 2)
            .bar(self.growth_mib, MOST_MIB, 0)
            .bar(self.requests as f64, self.allowed as f64, 0);
        let row = match self.slowest_healing {
            Some(time) => row.bar(time.as_secs_f64(), MOST_HEALING.as_secs_f64(), 2),
            None => row.text(""),
        };
        row.text(format!("{} {} in {:.0} s", self.count, attack.unit(), self.attacks.as_secs_f64()))
            .none(latency::wrong(&self.quiet) + latency::wrong(&self.attacked))
    }
}
