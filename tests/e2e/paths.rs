//! Paths that need no token, and the twins that some server could take for them.

use serde_json::{Value, json};

use crate::support::{Answer, Release, World, raw, world::HOST};

const OPEN: &str = "/internal/alive";

/// Twins of [`OPEN`].
const TWINS: [&str; 22] = [
    "//internal/alive",
    "/internal//alive",
    "/internal/./alive",
    "/orders/../internal/alive",
    "/internal/alive/../alive",
    "/internal/alive/..",
    "/internal/alive/../../orders",
    "/internal%2falive",
    "/internal%2Falive",
    "/internal%5calive",
    "/internal\\alive",
    "/internal/%61live",
    "/internal/alive%00",
    "/internal/alive%3fx",
    "/internal/%2e%2e/internal/alive",
    "/orders/%2e%2e/internal/alive",
    "/internal/alive;x=1",
    "/internal;x/alive",
    "/internal/alive//",
    "/internal/alive#x",
    "/INTERNAL/alive",
    "/internal/alive/more",
];

/// Ways out of the folder `/public/`, all of which is open.
const ESCAPES: [&str; 12] = [
    "/public/../orders",
    "/public/./../orders",
    "/public/%2e%2e/orders",
    "/public/%2E./orders",
    "/public/..%2forders",
    "/public/..%5corders",
    "/public/..\\orders",
    "/public/..;/orders",
    "/public/..;x=1/orders",
    "/public//../../orders",
    "/public/..%00/orders",
    "/public/%252e%252e/orders",
];

fn settings() -> Value {
    json!({"unauthenticated_paths": ["/public/**"]})
}

#[tokio::test(flavor = "multi_thread")]
async fn an_open_path_opens_nothing_but_itself() {
    for release in [Release::Current, Release::Older] {
        let world = World::with(release, settings(), |envoy| envoy).await;
        assert_open(&world).await;
        for twin in TWINS.iter().chain(&ESCAPES) {
            let answer = get(&world, twin).await;
            match answer.status {
                // Envoy may put a path right for all: then the upstream sees what was let through.
                200 => {
                    let path = answer.received().path;
                    let is_open = path.trim_end_matches('/') == OPEN;
                    assert!(is_open, "{release:?} {twin} reached the upstream as {path}");
                }
                status => assert!(matches!(status, 307 | 400 | 401), "{release:?} {twin} {status}"),
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn where_envoy_puts_nothing_right_portvakt_lets_no_twin_through() {
    for release in [Release::Current, Release::Older] {
        let world = World::with(release, settings(), |envoy| envoy.lenient()).await;
        assert_open(&world).await;
        let before = world.upstream.requests();
        let mut refused_by_envoy = 0;
        for twin in TWINS.iter().chain(&ESCAPES) {
            let answer = get(&world, twin).await;
            match answer.status {
                400 => refused_by_envoy += 1,
                _ => answer.assert_denied("token_missing"),
            }
        }
        assert!(refused_by_envoy < TWINS.len() / 2, "too little was left to Portvakt");
        assert_eq!(world.upstream.requests(), before, "{release:?}");
    }
}

async fn assert_open(world: &World) {
    for path in [
        OPEN,
        "/internal/alive/",
        "/internal/alive?verbose=1&x=/../",
        "/internal/ready",
        "/public",
        "/public/a/b.css?v=%2e%2e",
    ] {
        let received = get(world, path).await.received();
        assert_eq!(received.path, path);
        assert_eq!(received.of_caller(), []);
    }
}

async fn get(world: &World, path: &str) -> Answer {
    let lines = [format!("GET {path} HTTP/1.1"), format!("Host: {HOST}")];
    raw::send(world.envoy.address, &lines.each_ref().map(String::as_str)).await
}
