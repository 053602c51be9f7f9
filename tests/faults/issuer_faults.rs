//! The issuer stumbles: tokens of known keys are decided as before, and as quickly, and it is not
//! asked more often than the cooldown allows.
//!
//! A ratio of ten per cent is near what a machine does by itself. Where one is missed, that fault
//! is measured anew, twice at most, and all its rounds count.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use crate::{
    checks::Mixture,
    latency::{self, Round},
    subject::{Keys, Subject},
    support::{Behaviour, documents::HOME, until},
    table::{Row, Table},
};

/// How much slower the slowest hundredth may be.
const MOST: f64 = 1.10;
/// How often what missed that is measured once more.
const FURTHER: usize = 2;

/// The keys are asked for as often as may be, so that each round meets the fault.
const KEYS: Keys =
    Keys { refresh_interval: Duration::from_secs(1), cooldown: Duration::from_secs(1) };

/// What the issuer does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Absent,
    Answers(Behaviour),
}

const WELL: State = State::Answers(Behaviour::Normal);

/// What refuses connections comes first: it is counted by the service, whose request of the state
/// before must not be broken off by it.
const FAULTS: [(&str, State); 8] = [
    ("refuses connections", State::Absent),
    ("answers with status 500", State::Answers(Behaviour::Failing)),
    ("never answers", State::Answers(Behaviour::Hanging)),
    ("sends a byte each second", State::Answers(Behaviour::Trickling)),
    ("never stops sending", State::Answers(Behaviour::Endless)),
    ("answers with HTML", State::Answers(Behaviour::Garbage)),
    ("publishes an empty set", State::Answers(Behaviour::EmptySet)),
    ("redirects", State::Answers(Behaviour::Redirecting)),
];

/// What was seen in one state, over all rounds.
#[derive(Debug, Default)]
struct Seen {
    rounds: Vec<Round>,
    requests: usize,
    allowed: usize,
}

struct Measurement {
    subject: Subject,
    mixture: Arc<Mixture>,
    well: Seen,
    faulty: [Seen; FAULTS.len()],
}

pub async fn measure(rounds: usize) -> Table {
    let subject = Subject::start(KEYS).await;
    let mixture = Arc::new(Mixture::of(&subject.issuer));
    let (well, faulty) = (Seen::default(), Default::default());
    let mut measurement = Measurement { subject, mixture, well, faulty };
    measurement.go_round(rounds, &Vec::from_iter(0..FAULTS.len())).await;
    for _ in 0..FURTHER {
        let slow = measurement.slow();
        if !slow.is_empty() {
            measurement.go_round(rounds, &slow).await;
        }
    }
    measurement.table()
}

impl Measurement {
    /// Each of these faults in turn, so many times; before every second one the issuer is well.
    async fn go_round(&mut self, rounds: usize, faults: &[usize]) {
        for number in 1..=rounds {
            let of = faults.len();
            println!("faults: {of} faults of the issuer, round {number} of {rounds}");
            for (place, fault) in faults.iter().enumerate() {
                if place % 2 == 0 {
                    self.well.add_round(&mut self.subject, WELL, &self.mixture).await;
                }
                let (_, state) = FAULTS[*fault];
                self.faulty[*fault].add_round(&mut self.subject, state, &self.mixture).await;
            }
        }
    }

    fn ratio(&self, seen: &Seen) -> f64 {
        latency::p99(&seen.rounds) / latency::p99(&self.well.rounds)
    }

    /// Those faults under which checks took too long.
    fn slow(&self) -> Vec<usize> {
        let is_slow = |fault: &usize| self.ratio(&self.faulty[*fault]) > MOST;
        (0..FAULTS.len()).filter(is_slow).collect()
    }

    fn table(&self) -> Table {
        let mut table = Table::new(&["the issuer", "p99 µs", "ratio", "key requests", "wrong"]);
        let well = &self.well.rounds;
        let row = Row::of("is well").figure(latency::p99(well), 0).figure(self.noise(), 2);
        table.add(self.well.complete(row));
        for ((name, _), seen) in FAULTS.iter().zip(&self.faulty) {
            let row = Row::of(name).figure(latency::p99(&seen.rounds), 0);
            table.add(seen.complete(row.bar(self.ratio(seen), MOST, 2)));
        }
        table
    }

    /// What the machine does by itself: every other round without a fault against the rest.
    fn noise(&self) -> f64 {
        let rounds = &self.well.rounds;
        latency::p99(rounds.iter().step_by(2)) / latency::p99(rounds.iter().skip(1).step_by(2))
    }
}

impl Seen {
    async fn add_round(&mut self, subject: &mut Subject, state: State, mixture: &Arc<Mixture>) {
        let (began, before) = (Instant::now(), requests(subject, state).await);
        enter(subject, state).await;
        self.rounds.push(latency::round(subject.address(), mixture).await);
        self.requests += requests(subject, state).await - before;
        self.allowed += KEYS.allowed_requests(began.elapsed());
    }

    fn complete(&self, row: Row) -> Row {
        row.bar(self.requests as f64, self.allowed as f64, 0).none(latency::wrong(&self.rounds))
    }
}

/// Until the service has met what the issuer does from now on.
async fn enter(subject: &mut Subject, state: State) {
    // A request that hangs ends with its connection.
    subject.issuer.leave().await;
    let before = met(subject, state).await;
    if let State::Answers(behaviour) = state {
        subject.issuer.behave(HOME, behaviour);
        subject.issuer.come();
    }
    until("the service to meet it", async || (met(subject, state).await > before).then_some(()))
        .await;
}

/// Grows with what the service meets in this state.
async fn met(subject: &Subject, state: State) -> usize {
    match state {
        WELL => subject.refreshes("success").await,
        _ => requests(subject, state).await,
    }
}

/// What reached the issuer; where connections are refused nothing does, and the failures that the
/// service counts stand for it.
async fn requests(subject: &Subject, state: State) -> usize {
    match state {
        State::Absent => subject.refreshes("failure").await,
        State::Answers(_) => subject.issuer.key_requests(HOME),
    }
}
