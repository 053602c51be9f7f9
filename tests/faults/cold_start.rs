//! The issuer is of no use at the start: nobody gets in, and everything is well soon after that.

use std::time::{Duration, Instant};

use serde_json::json;
use tokio::time;

use crate::{
    checks::{self, check},
    subject::Subject,
    support::{
        Behaviour, Issuer, Token,
        checks::reason,
        documents::{FOREIGN, HOME, WEBSHOP},
        until,
    },
    table::{Row, Table},
};

const MOST: Duration = Duration::from_secs(2);
/// How long checks are sent before the issuer is well: over more than one attempt to ask it.
const BEFORE: Duration = Duration::from_millis(1500);
const BETWEEN: Duration = Duration::from_millis(5);

/// What is wrong with the issuer.
#[derive(Debug, Clone, Copy)]
enum Trouble {
    Absent,
    Hanging,
}

/// What was seen over all starts.
#[derive(Debug, Default)]
struct Seen {
    slowest: Duration,
    denied: usize,
    wrong: usize,
}

pub async fn measure(rounds: usize) -> Table {
    let heads = ["at the start, the issuer", "starts", "denied before", "wrong", "ready after s"];
    let mut table = Table::new(&heads);
    for (name, trouble) in
        [("refuses connections", Trouble::Absent), ("never answers", Trouble::Hanging)]
    {
        let mut seen = Seen::default();
        for number in 1..=rounds {
            println!("faults: cold start, {name}, round {number} of {rounds}");
            seen.add_start(trouble).await;
        }
        assert!(seen.denied > 0, "no check was denied for want of keys");
        let row = Row::of(name).text(rounds).text(seen.denied).none(seen.wrong);
        table.add(row.bar(seen.slowest.as_secs_f64(), MOST.as_secs_f64(), 2));
    }
    table
}

impl Seen {
    async fn add_start(&mut self, trouble: Trouble) {
        let mut issuer = Issuer::absent(&[HOME, FOREIGN]);
        if let Trouble::Hanging = trouble {
            issuer.behave(HOME, Behaviour::Hanging);
            issuer.behave(FOREIGN, Behaviour::Hanging);
            issuer.come();
        }
        let mut subject = Subject::with(issuer, json!({})).await;
        let request = check(&subject.issuer.issue(HOME, &Token::of_application(WEBSHOP)));
        let mut client = checks::client(subject.address()).await;
        assert_eq!(subject.portvakt.admin("/readyz").await.0, 503);
        let began = Instant::now();
        while began.elapsed() < BEFORE {
            let response = client.check(request.clone()).await.unwrap().into_inner();
            match reason(&response) {
                "keys_unavailable" if !checks::is_allowed(&response) => self.denied += 1,
                // For the first moments not even the documents are there.
                "application_unknown" if !checks::is_allowed(&response) => {}
                _ => self.wrong += 1,
            }
            time::sleep(BETWEEN).await;
        }

        let well = Instant::now();
        match trouble {
            Trouble::Absent => subject.issuer.come(),
            Trouble::Hanging => {
                subject.issuer.behave(HOME, Behaviour::Normal);
                subject.issuer.behave(FOREIGN, Behaviour::Normal);
            }
        }
        until("the service to be ready", async || {
            (subject.portvakt.admin("/readyz").await.0 == 200).then_some(())
        })
        .await;
        self.slowest = self.slowest.max(well.elapsed());
        let response = client.check(request).await.unwrap().into_inner();
        self.wrong += usize::from(!checks::is_allowed(&response));
    }
}
