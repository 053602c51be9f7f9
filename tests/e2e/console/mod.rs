//! The console, as browsers and other programs meet it.

mod answers;
mod browser;

use std::{
    fs,
    time::{SystemTime, UNIX_EPOCH},
};

use serde_json::{Value, json};

use crate::support::{
    Behaviour, Release, Token, World,
    documents::{self, FOREIGN, HOME},
    until,
};

/// `checkout` and those around it, beside the usual documents.
const MESH: &str = include_str!("mesh.yaml");
const CHECKOUT: &str = "bb5fc581-c211-5a70-9fdf-1804253873ab";
const STOREFRONT: &str = "1ffaaed8-70a7-5b3d-9236-7fca17a7169a";
const MOBILE_APP: &str = "fbb73702-42f8-5bff-a63e-1da0a92606f0";
const WAREHOUSE: &str = "9540fb0a-6418-57f4-9086-a7ebdaed82c0";
const INVOICING: &str = "dd34c5c4-bbf9-511e-87f6-f363626f4af8";
/// Granted by nobody.
const CRAWLER: &str = "09d8819f-6531-5204-8e33-b78fe6eaf305";

/// A world with a console and that mesh, with uses that were counted before, and with candidate
/// documents that let in the crawler in the storefront's place.
async fn world() -> World {
    let changes = json!({
        "listen": {"console": {"address": "127.0.0.1:0", "hosts": ["console.test"]}},
        "decision_log": {"personal_data": "plain"},
        "usage": {"file": "usage.json"},
        "applications": {"candidate_paths": ["candidates"]},
    });
    let storefront = "- {application: storefront, namespace: team-web}";
    let crawler = "- {application: crawler, namespace: team-insight}";
    let candidates = MESH.replacen(storefront, crawler, 1);
    let world = World::prepared(Release::Current, changes, |folder| {
        documents::write(&folder.join("candidates"));
        fs::write(folder.join("candidates/mesh.yaml"), candidates).unwrap();
        fs::write(folder.join("applications/mesh.yaml"), MESH).unwrap();
        fs::write(folder.join("usage.json"), counted_before().to_string()).unwrap();
    });
    let world = world.await;
    world.issuer.behave(FOREIGN, Behaviour::Normal);
    world.portvakt.log.event("message", "candidate documents read").await;
    until("the mesh", async || {
        let text = answers::get(&world, "/api/applications?search=checkout").await;
        text.contains("test:team-checkout:checkout").then_some(())
    })
    .await;
    world
}

/// Of checkout and those that it calls, for 40 days; of the rules of checkout for the warehouse and
/// of customer-profile for checkout, for 3.
fn counted_before() -> Value {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let ago = |days: u64| now - days * 24 * 3600;
    let never = |since: u64| json!({"since": ago(since), "times": 0});
    let used = |last: u64| json!({"since": ago(40), "last": ago(last), "times": 12});
    let rules = json!({
        "test:team-web:storefront": used(1),
        "test:team-mobile:mobile-app": never(40),
        "test:team-finance:invoicing": used(35),
        "test:team-logistics:warehouse": never(3),
        "test:team-edge:partner-gateway": used(35),
    });
    let mut checkout = used(1);
    checkout["rules"] = rules;
    checkout["groups"] = json!({"3d9f6a52-1c84-4b07-9e35-7a2f0c8d5b61": used(4)});
    let mut applications = json!({"test:team-checkout:checkout": checkout});
    for (called, by_checkout) in [
        ("test:team-finance:payments", used(2)),
        ("test:team-finance:invoicing", used(35)),
        ("test:team-logistics:warehouse", never(40)),
        ("test:team-people:customer-profile", never(3)),
    ] {
        applications[called] = used(2);
        applications[called]["rules"] = json!({"test:team-checkout:checkout": by_checkout});
    }
    json!({"at": now, "applications": applications})
}

/// A token of an application for checkout.
fn token_for_checkout(world: &World, client_id: &str) -> String {
    world.issuer.issue(HOME, &Token::of_application(client_id).claim("aud", CHECKOUT))
}
