//! `make bench-opa`: a check by Portvakt and by OPA-Envoy, which decides the same by a policy of its
//! own language (`opa.rego`).
//!
//! OPA gets the keys beforehand, in its data, and writes neither decisions nor metrics.

use std::{
    env, fs,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Arc,
};

use portvakt::demo::DemoIssuer;
use serde_json::{Value, json};

use crate::{
    Failure, capture, documents,
    envoys::keys,
    load::{self, By, Cost},
    process::Server,
    report::middle,
    rounds::{self, CACHE, FEW, TENANT},
    tokens,
};

const ROUNDS: usize = 5;
const CHECKS: usize = 30_000;
const POLICY: &str = include_str!("opa.rego");

/// A server that answers the same checks as the others.
struct Contender {
    name: &'static str,
    server: Server,
    /// The same token over and over, and each token once; an entry for each round.
    seen: Vec<Cost>,
    distinct: Vec<Cost>,
}

/// Drives the servers in turn and prints what a check costs.
pub async fn measure() -> Result<(), Failure> {
    let program =
        env::var_os("OPA_ENVOY").filter(|path| !path.is_empty()).map(PathBuf::from).ok_or(
            "OPA_ENVOY must name the program of OPA's plugin for Envoy: \
         `make bench-opa OPA_ENVOY=…`; docs/performance.md tells how it is built",
        )?;
    let issuer = DemoIssuer::start(TENANT).await?;
    let folder = tempfile::tempdir()?;
    let request = capture::request(tokens::HOST, &tokens::token(&issuer, 0)?).await?;
    let body = folder.path().join("check");
    load::write_body(&body, &request)?;
    documents::applications(folder.path(), FEW)?;
    let configuration = documents::configuration(folder.path(), &issuer, CACHE)?;
    fs::write(folder.path().join("data.json"), data(&issuer).await?.to_string())?;
    fs::write(folder.path().join("policy.rego"), POLICY)?;
    let contender =
        |name, server| Contender { name, server, seen: Vec::new(), distinct: Vec::new() };
    let mut contenders = [
        contender("floor", Server::floor()?),
        contender("Portvakt", Server::portvakt(&configuration)?),
        contender("OPA-Envoy", opa(&program, folder.path())?),
    ];
    for round in 0..=ROUNDS {
        println!("round {round} of {ROUNDS}");
        let distinct = Arc::new(rounds::distinct(&issuer, &request, round)?);
        for contender in &mut contenders {
            let server = &contender.server;
            let seen = load::repeat(server, By::Tcp, &body, 1, CHECKS)?;
            let once = load::each_once(server, Arc::clone(&distinct)).await?;
            // In the first round connections and caches were cold.
            if round > 0 {
                contender.seen.push(seen);
                contender.distinct.push(once);
            }
        }
    }
    println!(
        "\n{:<12} {:>10} {:>14} {:>14} {:>8}",
        "medians", "checks/s", "µs, same token", "µs, new tokens", "MiB"
    );
    for Contender { name, server, seen, distinct } in &contenders {
        let rate = middle(seen.iter().map(|cost| cost.checks_per_second).collect());
        let micros = |costs: &[Cost]| middle(costs.iter().map(|cost| cost.cpu_micros).collect());
        println!(
            "{name:<12} {rate:>10.0} {:>14.1} {:>14.1} {:>8.0}",
            micros(seen),
            micros(distinct),
            server.resident_mib()?
        );
    }
    Ok(())
}

/// What the policy refers to.
async fn data(issuer: &DemoIssuer) -> Result<Value, Failure> {
    Ok(json!({
        "keys": keys(issuer).await?,
        "issuer": issuer.name(),
        "tenant": TENANT,
        "audience": tokens::AUDIENCE,
        "host": tokens::HOST,
        "consumers": {
            "b6e8d9a3-2c41-4f7b-9d05-8a3f6e1c7d52": "demo:team-orders:webshop",
            "c9d1e7b5-4a63-4e2f-8b17-6d0c5f9a2e83": "demo:team-insight:reports",
        },
        "groups": ["0f3a1d52-6a0e-4c61-9b5d-3c1f0a7e2b11"],
    }))
}

/// OPA with the policy and data in `folder`, remembering tokens as it can.
fn opa(program: &Path, folder: &Path) -> Result<Server, Failure> {
    let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    let configuration = json!({
        "plugins": {"envoy_ext_authz_grpc": {
            "addr": address.to_string(),
            "path": "envoy/authz/answer",
        }},
        "caching": {"inter_query_builtin_value_cache": {
            "named": {"io_jwt": {"max_num_entries": 100, "disabled": false}},
        }},
    });
    let file = folder.join("opa.json");
    fs::write(&file, configuration.to_string())?;
    let mut command = Command::new(program);
    command
        .args(["run", "--server", "--addr", "127.0.0.1:0", "--log-level", "error"])
        .args(["--skip-version-check", "--config-file"])
        .arg(file)
        .args([folder.join("policy.rego"), folder.join("data.json")])
        .stdin(Stdio::null());
    Server::listening(command, address)
}
