//! What the upstream learns of callers, and what callers cannot pretend.

use reqwest::Method;

use crate::support::{
    Token, World,
    documents::{AUDIT, CANTEEN, HOME, ORDER_DESK, WEBSHOP},
};

#[tokio::test(flavor = "multi_thread")]
async fn the_upstream_learns_who_calls_and_nothing_that_the_caller_made_up() {
    let world = World::start().await;

    let answer = world.get("/orders?x=1").token(&Token::of_application(WEBSHOP)).send().await;
    let received = answer.received();
    assert_eq!((received.method.as_str(), received.path.as_str()), ("GET", "/orders?x=1"));
    let object_id = "8b1d4f7a-2e95-4c30-b6d8-7f0a3c5e9b12";
    assert_eq!(
        received.of_caller(),
        [
            ("x-caller-application", "test:team-orders:webshop"),
            ("x-caller-client-id", WEBSHOP),
            ("x-caller-kind", "application"),
            ("x-caller-object-id", object_id),
            ("x-caller-roles", "access_as_application"),
            ("x-caller-subject", object_id),
            ("x-caller-tenant-id", HOME),
        ]
    );
    let _ = (AUDIT, CANTEEN, ORDER_DESK, Method::GET);
}
