//! The console, as browsers and other programs meet it.

mod answers;
mod browser;

use serde_json::json;

use crate::support::{
    Behaviour, Release, Token, World,
    documents::{FOREIGN, HOME, replace},
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

/// A world with a console and that mesh.
async fn world() -> World {
    let console = json!({"address": "127.0.0.1:0", "hosts": ["console.test"]});
    let changes =
        json!({"listen": {"console": console}, "decision_log": {"personal_data": "plain"}});
    let world = World::with(Release::Current, changes, |envoy| envoy).await;
    world.issuer.behave(FOREIGN, Behaviour::Normal);
    replace(&world.documents().join("mesh.yaml"), MESH);
    until("the mesh", async || {
        let text = answers::get(&world, "/api/applications?search=checkout").await;
        text.contains("test:team-checkout:checkout").then_some(())
    })
    .await;
    world
}

/// A token of an application for checkout.
fn token_for_checkout(world: &World, client_id: &str) -> String {
    world.issuer.issue(HOME, &Token::of_application(client_id).claim("aud", CHECKOUT))
}
