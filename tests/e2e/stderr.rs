//! A log that nobody reads.

use std::{
    io::{BufRead, BufReader},
    process::Stdio,
};

use envoy_types::pb::envoy::service::auth::v3::{
    CheckRequest, authorization_client::AuthorizationClient,
};
use serde_json::{Value, json};
use tonic::transport::Endpoint;

use crate::support::{
    Issuer, Portvakt,
    documents::{self, FOREIGN, HOME},
    until,
    wait::PATIENCE,
    world::{client, configuration},
};

#[tokio::test(flavor = "multi_thread")]
async fn checks_and_probes_are_answered_although_nobody_reads_the_log() {
    // A denial's line takes about 300 bytes; a pipe holds 64 KiB.
    const DENIALS: usize = 600;
    let folder = tempfile::tempdir().unwrap();
    documents::write(&folder.path().join("applications"));
    let issuer = Issuer::start(&[HOME, FOREIGN]);
    let config = configuration(&issuer, json!({}));
    let mut command = Portvakt::command(folder.path(), &config, "");
    let mut process = command.stderr(Stdio::piped()).spawn().unwrap();

    // Read as far as the addresses, and not any further.
    let mut log = BufReader::with_capacity(1024, process.stderr.take().unwrap());
    let mut address_in = |message: &str| loop {
        let mut line = String::new();
        assert!(log.read_line(&mut line).unwrap() > 0, "the log ended");
        let event: Value = serde_json::from_str(&line).unwrap();
        if event["message"] == message {
            return event["address"].as_str().unwrap().to_owned();
        }
    };
    let checks = address_in("listening for checks");
    let admin = address_in("listening for probes and metrics");

    let endpoint = Endpoint::from_shared(format!("http://{checks}")).unwrap().timeout(PATIENCE);
    let mut asking = AuthorizationClient::new(endpoint.connect().await.unwrap());
    for _ in 0..DENIALS {
        let response = asking.check(CheckRequest::default()).await.unwrap().into_inner();
        assert_ne!(response.status.unwrap().code, 0);
    }
    let url = format!("http://{admin}/readyz");
    until("readiness", async || {
        let answer = client().get(&url).send().await.unwrap();
        (answer.status().as_u16() == 200).then_some(())
    })
    .await;

    // Asked to stop, it does not wait for a reader either.
    let kill = format!("kill -TERM {}", process.id());
    assert!(std::process::Command::new("sh").args(["-c", &kill]).status().unwrap().success());
    let ended = until("the end of portvakt", async || process.try_wait().unwrap()).await;
    assert_eq!(ended.code(), Some(0));
}
