//! The issuer is away at the start: nobody gets in, and everything is well soon after it came.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::{
    checks::{self, check},
    subject::Subject,
    support::{
        Issuer, Token,
        documents::{FOREIGN, HOME, WEBSHOP},
        until,
    },
    table::{Row, Table},
};

const MOST: Duration = Duration::from_secs(2);
/// Checks before the issuer comes: over more than one of its attempts.
const BEFORE: Duration = Duration::from_millis(1500);
const BETWEEN: Duration = Duration::from_millis(5);

pub async fn measure(rounds: usize) -> Table {
    let (mut slowest, mut denied, mut others) = (Duration::ZERO, 0, 0);
    for number in 1..=rounds {
        println!("faults: cold start, round {number} of {rounds}");
        let issuer = Issuer::absent(&[HOME, FOREIGN]);
        let mut subject = Subject::with(issuer, json!({})).await;
        let request = check(&subject.issuer.issue(HOME, &Token::of_application(WEBSHOP)));
        let mut client = checks::client(subject.address()).await;
        assert_eq!(subject.portvakt.admin("/readyz").await.0, 503);
        let began = Instant::now();
        while began.elapsed() < BEFORE {
            let response = client.check(request.clone()).await.unwrap().into_inner();
            match checks::decision(&response) {
                "keys_unavailable" if !checks::is_allowed(&response) => denied += 1,
                // For the first moments not even the documents are there.
                "application_unknown" if !checks::is_allowed(&response) => {}
                _ => others += 1,
            }
            tokio::time::sleep(BETWEEN).await;
        }
        let came = Instant::now();
        subject.issuer.come();
        until("the service to be ready", async || {
            (subject.portvakt.admin("/readyz").await.0 == 200).then_some(())
        })
        .await;
        slowest = slowest.max(came.elapsed());
        let response = client.check(request).await.unwrap().into_inner();
        others += usize::from(!checks::is_allowed(&response));
    }
    let heads = ["a start without the issuer", "starts", "denied before", "wrong", "ready after s"];
    let mut table = Table::new(&heads);
    assert!(denied > 0, "no check was denied for want of keys");
    let ready = (slowest.as_secs_f64(), MOST.as_secs_f64());
    table.add(Row::of("").text(rounds).text(denied).none(others).bar(ready.0, ready.1, 2));
    table
}
