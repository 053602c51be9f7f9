//! Users with more groups than a token lists.

use std::fs;

use crate::support::{
    Graph, Release, Token, World,
    documents::{AUDIT, CANTEEN, DIRECTORY, HOME, NEWSLETTER, ORDER_DESK, USER, WEBSHOP},
    graph::Mood,
    wait::until_equal,
};

#[tokio::test(flavor = "multi_thread")]
async fn a_user_whose_token_lists_no_groups_gets_in_by_those_that_graph_knows() {
    for release in [Release::Current, Release::Older] {
        let graph = Graph::start().await;
        graph.add_member(USER, ORDER_DESK);
        graph.add_member(USER, CANTEEN);
        graph.add_nested_member(USER, AUDIT);
        let world = World::with_graph(release, &graph).await;
        let token = world.issuer.issue(HOME, &Token::of_user_with_many_groups(WEBSHOP));
        for _ in 0..3 {
            let received = world.get("/orders").bearer(&token).send().await.received();
            assert_eq!(received.all("x-caller-kind"), ["user"]);
            assert_eq!(received.all("x-caller-groups"), [ORDER_DESK], "direct and listed ones");
        }
        assert_eq!(graph.asked().len(), 1);

        let stranger = "00000000-0000-0000-0000-000000000001";
        let stranger = Token::of_user_with_many_groups(WEBSHOP).claim("oid", stranger);
        world.get("/orders").token(&stranger).send().await.assert_denied("user_not_granted");
        assert_eq!(graph.asked().len(), 2);
        for (outcome, count) in [("hit", 2.0), ("miss", 2.0), ("unavailable", 0.0)] {
            let series = format!("portvakt_group_lookups_total{{outcome=\"{outcome}\"}}");
            assert_eq!(world.portvakt.metric(&series).await, Some(count), "{outcome}");
        }
        assert!(!world.portvakt.log.text().contains("hunter2"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn graph_is_asked_only_where_groups_decide() {
    let graph = Graph::start().await;
    let world = World::with_graph(Release::Current, &graph).await;
    let many = || Token::of_user_with_many_groups(WEBSHOP);
    let orders = || world.get("/orders");
    let directory = || world.get("/").host("directory.test");

    // Everyone may use this one.
    directory().token(&many().claim("aud", DIRECTORY)).send().await.received();
    // This one lists no groups.
    let mailbox = "f4b2d8e6-1c75-4a93-8e0d-7b6f5a3c9d41";
    let token = many().claim("azp", NEWSLETTER).claim("aud", mailbox);
    let answer = world.get("/").host("mailbox.test").token(&token).send().await;
    answer.assert_denied("user_not_granted");
    // These fail before groups matter.
    let refused = [
        ("consumer_not_granted", many().claim("azp", NEWSLETTER)),
        ("scope_missing", many().claim("scp", "other")),
        ("token_expired", many().claim("exp", 1_700_000_000)),
    ];
    for (reason, token) in refused {
        orders().token(&token).send().await.assert_denied(reason);
    }
    // These tell their groups themselves.
    orders().token(&Token::of_user(WEBSHOP)).send().await.received();
    let other = Token::of_user(WEBSHOP).claim("groups", vec![CANTEEN]);
    orders().token(&other).send().await.assert_denied("user_not_granted");
    // A user without an object id cannot be asked about.
    orders().token(&many().without("oid")).send().await.assert_denied("token_claims_invalid");
    orders().token(&Token::of_application(WEBSHOP)).send().await.received();

    assert!(graph.asked().is_empty() && graph.asked_for_tokens().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_graph_in_trouble_denies_for_now_and_recovers() {
    let graph = Graph::start().await;
    graph.add_member(USER, ORDER_DESK);
    let world = World::with_graph(Release::Current, &graph).await;
    let token = world.issuer.issue(HOME, &Token::of_user_with_many_groups(WEBSHOP));
    let status = async || world.get("/orders").bearer(&token).send().await.status;
    for mood in [Mood::Refusing(500, None), Mood::Garbage, Mood::Lying, Mood::Redirecting] {
        graph.behave(mood);
        let answer = world.get("/orders").bearer(&token).send().await;
        answer.assert_denied("groups_unavailable");
    }
    // Who needs no look-up notices nothing.
    world.get("/orders").token(&Token::of_user(WEBSHOP)).send().await.received();
    assert_eq!(world.portvakt.admin("/readyz").await.0, 200);
    assert_eq!((world.upstream.requests(), graph.went_astray()), (1, 0));
    graph.behave(Mood::Normal);
    until_equal(200, status).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn credentials_that_cannot_be_read_are_told_of_and_can_come_later() {
    let graph = Graph::start().await;
    graph.add_member(USER, ORDER_DESK);
    let world = World::with_graph(Release::Current, &graph).await;
    fs::remove_file(world.path("graph-secret")).unwrap();
    let token = world.issuer.issue(HOME, &Token::of_user_with_many_groups(WEBSHOP));
    let answer = world.get("/orders").bearer(&token).send().await;
    answer.assert_denied("groups_unavailable");
    let message = "a user's groups could not be looked up";
    let event = world.portvakt.log.event("message", message).await;
    assert!(event["error"].as_str().unwrap().contains("graph-secret"), "{event}");
    fs::write(world.path("graph-secret"), "hunter2").unwrap();
    let status = async || world.get("/orders").bearer(&token).send().await.status;
    until_equal(200, status).await;
}
