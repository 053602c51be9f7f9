//! `make console-scale`: the console of a mesh of 5,000 applications with 50,000 rules, in a real
//! browser. How soon a focused graph is painted, and how soon a new denial is shown.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    missing_debug_implementations,
    reason = "a test that is run by hand; it fails by panicking"
)]

#[allow(dead_code, unused_imports, reason = "the end-to-end tests use the rest of it")]
#[path = "../e2e/support/mod.rs"]
mod support;

use std::{
    fmt::Write as _,
    fs,
    path::Path,
    process::{Command, ExitCode, Stdio},
};

use serde::Deserialize;
use serde_json::json;

use support::{Release, World, until};

const APPLICATIONS: usize = 5_000;
/// Of each application.
const RULES: usize = 10;
const NAMESPACES: usize = 100;
const IN_A_FILE: usize = 100;

/// Milliseconds, from the navigation to the first graph on the canvas.
const PAINTED_WITHIN: f64 = 2_000.0;
/// Likewise, from the answer to a call until its row is there.
const SHOWN_WITHIN: f64 = 2_000.0;

/// What the browser measured, in milliseconds.
#[derive(Deserialize)]
struct Measured {
    /// Each with an empty cache.
    painted: Vec<f64>,
    /// The same with the furthest reach.
    painted_far: Vec<f64>,
    shown: Vec<f64>,
    /// The largest answer about a graph.
    graph_bytes: usize,
}

#[tokio::main]
async fn main() -> ExitCode {
    let world = mesh().await;
    let measured = measure(&world);
    println!("{:<52} {:>8} {:>8} {:>6}", "ms", "median", "longest", "bar");
    let row = |what: &str, times: &[f64], bar: f64| {
        let mut sorted = times.to_vec();
        sorted.sort_by(f64::total_cmp);
        let (median, longest) = (sorted[sorted.len() / 2], sorted[sorted.len() - 1]);
        let verdict = if longest <= bar { "met" } else { "MISSED" };
        println!("{what:<52} {median:>8.0} {longest:>8.0} {bar:>6.0} {verdict}");
        longest <= bar
    };
    let is_met = [
        row(
            "a focused graph, from the address to its first paint",
            &measured.painted,
            PAINTED_WITHIN,
        ),
        row("the same over two other applications", &measured.painted_far, PAINTED_WITHIN),
        row("a new denial, from its answer until it is shown", &measured.shown, SHOWN_WITHIN),
    ];
    println!("largest answer about a graph: {} bytes", measured.graph_bytes);
    ExitCode::from(u8::from(is_met.contains(&false)))
}

async fn mesh() -> World {
    println!("console-scale: writing {APPLICATIONS} applications");
    let changes = json!({"listen": {"console": {"address": "127.0.0.1:0"}}});
    let world = World::with(Release::Current, changes, |envoy| envoy).await;
    let numbers: Vec<_> = (0..APPLICATIONS).collect();
    for (file, numbers) in numbers.chunks(IN_A_FILE).enumerate() {
        let documents: Vec<_> = numbers.iter().map(|number| document(*number)).collect();
        fs::write(world.documents().join(format!("{file}.yaml")), documents.join("---\n")).unwrap();
    }
    until("all applications", async || {
        let known = world.portvakt.metric("portvakt_applications").await?;
        (known > 5_000.0).then_some(())
    })
    .await;
    world
}

fn document(number: usize) -> String {
    let mut document = format!(
        "apiVersion: nais.io/v1alpha1\nkind: Application\nmetadata:\n  name: {}\n  namespace: {}\n  \
         annotations: {{portvakt.dev/client-id: 00000000-0000-4000-8000-{number:012}}}\nspec:\n  \
         ingresses: [\"https://app-{number}.test\"]\n  azure: {{application: {{enabled: true}}}}\n  \
         accessPolicy:\n    inbound:\n      rules:\n",
        name(number),
        namespace(number),
    );
    for step in 1..=RULES {
        let consumer = (number + 7 * step) % APPLICATIONS;
        let (name, namespace) = (name(consumer), namespace(consumer));
        writeln!(document, "        - {{application: {name}, namespace: {namespace}}}").unwrap();
    }
    document
}

fn name(number: usize) -> String {
    format!("app-{number}")
}

fn namespace(number: usize) -> String {
    format!("team-{}", number % NAMESPACES)
}

fn measure(world: &World) -> Measured {
    let focus = |number: usize| format!("test:{}:{}", namespace(number), name(number));
    let scene = json!({
        "console": format!("http://{}", world.portvakt.console_address()),
        "envoy": format!("http://{}", world.envoy.address),
        "focuses": (0..10).map(|step| focus(step * 487)).collect::<Vec<_>>(),
    });
    let file = world.path("scene.json");
    fs::write(&file, scene.to_string()).unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("console/tests/scale.mjs");
    let mut node = Command::new("node");
    let output = node
        .arg(script)
        .env("CONSOLE_SCENE", file)
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .expect("node is missing: run make setup");
    assert!(output.status.success(), "the browser did not come to an end");
    serde_json::from_slice(&output.stdout).unwrap()
}
