//! The console in a real browser: `console/tests/` drives it, and tells what it sees.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use serde_json::json;

use super::{CRAWLER, INVOICING, MOBILE_APP, STOREFRONT, WAREHOUSE, token_for_checkout, world};
use crate::support::World;

/// Names a folder for pictures of the pages.
const PICTURES: &str = "CONSOLE_PICTURES";

#[tokio::test(flavor = "multi_thread")]
async fn people_find_search_focus_explain_and_see_denials_by_mouse_and_by_keyboard() {
    let world = world().await;
    let (granted, refused) =
        (token_for_checkout(&world, STOREFRONT), token_for_checkout(&world, CRAWLER));
    let callers = [STOREFRONT, MOBILE_APP, WAREHOUSE, INVOICING]
        .map(|client_id| token_for_checkout(&world, client_id));
    let scene = json!({
        "console": format!("http://{}", world.portvakt.console_address()),
        "envoy": format!("http://{}", world.envoy.address),
        "granted": granted,
        "refused": refused,
        "callers": callers,
        "pictures": env::var(PICTURES).ok(),
    });
    drive(&world, &scene.to_string());
    let log = world.portvakt.log.text();
    for token in [granted, refused] {
        for part in token.split('.') {
            assert!(!log.contains(part), "a token is in the log:\n{log}");
        }
    }
}

/// Runs the tests in `console/tests/` at a scene, which stands in a file: it holds tokens.
fn drive(world: &World, scene: &str) {
    let console = Path::new(env!("CARGO_MANIFEST_DIR")).join("console");
    let installed = console.join("node_modules/playwright-core");
    assert!(installed.exists(), "{} is missing: run make setup", installed.display());
    let file: PathBuf = world.path("scene.json");
    fs::write(&file, scene).unwrap();
    let mut node = Command::new("node");
    node.arg("--test").arg("--test-reporter=spec").arg(console.join("tests/console.test.mjs"));
    let output = node
        .env("CONSOLE_SCENE", &file)
        .stdin(Stdio::null())
        .output()
        .expect("node is missing: run make setup");
    let (told, faults) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    println!("{told}");
    assert!(output.status.success(), "{told}\n{faults}");
}
