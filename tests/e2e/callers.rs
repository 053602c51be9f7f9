//! What the upstream learns of callers, and what callers cannot pretend.

use reqwest::Method;
use serde_json::json;

use crate::support::{
    Release, Token, World,
    documents::{AUDIT, CANTEEN, HOME, ORDER_DESK, ORDERS_API, USER, WEBSHOP},
    envoy::Config,
    raw,
    world::Request,
};

const APPLICATION_ID: &str = "8b1d4f7a-2e95-4c30-b6d8-7f0a3c5e9b12";

#[tokio::test(flavor = "multi_thread")]
async fn the_upstream_learns_who_calls() {
    let world = World::start().await;

    let token = Token::of_application(WEBSHOP);
    let received = world.get("/orders?x=1").token(&token).send().await.received();
    assert_eq!((received.method.as_str(), received.path.as_str()), ("GET", "/orders?x=1"));
    assert_eq!(received.all("authorization").len(), 1);
    assert_eq!(
        received.of_caller(),
        [
            ("x-caller-application", "test:team-orders:webshop"),
            ("x-caller-client-id", WEBSHOP),
            ("x-caller-kind", "application"),
            ("x-caller-object-id", APPLICATION_ID),
            ("x-caller-roles", "access_as_application"),
            ("x-caller-subject", APPLICATION_ID),
            ("x-caller-tenant-id", HOME),
        ]
    );

    let token = Token::of_user(WEBSHOP).claim("groups", json!([CANTEEN, AUDIT, ORDER_DESK]));
    let received = world.get("/orders").token(&token).send().await.received();
    let listed_groups = format!("{AUDIT},{ORDER_DESK}");
    assert_eq!(
        received.of_caller(),
        [
            ("x-caller-application", "test:team-orders:webshop"),
            ("x-caller-client-id", WEBSHOP),
            ("x-caller-groups", &listed_groups),
            ("x-caller-kind", "user"),
            ("x-caller-name", "Bj%C3%B8rn S%C3%B8rensen"),
            ("x-caller-navident", "Z990001"),
            ("x-caller-object-id", USER),
            ("x-caller-scopes", "defaultaccess"),
            ("x-caller-subject", "k3N1-pairwise"),
            ("x-caller-tenant-id", HOME),
            ("x-caller-username", "bjorn@example.com"),
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_application_is_always_a_consumer_of_itself() {
    let world = World::start().await;
    let login = Token::of_user(ORDERS_API).claim("scp", "openid profile");
    let received = world.get("/orders").token(&login).send().await.received();
    assert_eq!(received.all("x-caller-application"), ["test:team-orders:orders-api"]);
    assert_eq!(received.all("x-caller-scopes"), ["openid,profile"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_caller_says_of_itself_never_reaches_the_upstream() {
    for release in [Release::Current, Release::Older] {
        // The shipped configuration refuses underscores outright; here Portvakt is alone with them.
        let world = World::with(release, json!({}), |envoy| envoy.lenient()).await;
        assert_nothing_made_up(&world).await;
        let world = World::with(release, json!({}), |envoy| envoy.lenient().lists_headers()).await;
        assert_nothing_made_up(&world).await;
    }
}

async fn assert_nothing_made_up(world: &World) {
    let token = Token::of_application(WEBSHOP);
    let received = pretend(world.get("/orders").token(&token)).send().await.received();
    let kinds = [received.all("x-caller-kind"), received.all("x_caller_kind")];
    assert_eq!(kinds, [vec!["application"], vec![]]);
    assert_eq!(received.of_caller().len(), 7, "{received:?}");

    let preflight = world.request(Method::OPTIONS, "/orders").header("origin", "https://x.test");
    let preflight = preflight.header("access-control-request-method", "PUT");
    for open in [world.get("/internal/alive"), preflight] {
        let received = pretend(open).send().await.received();
        assert_eq!(received.of_caller(), [], "{received:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn headers_of_the_connection_take_nothing_away_and_let_nobody_past() {
    let world = World::with(Release::Current, json!({}), Config::upgrades).await;
    let token = world.issuer.issue(HOME, &Token::of_application(WEBSHOP));
    let authorization = format!("Authorization: Bearer {token}");
    let ask = async |lines: &[&str]| {
        let head = ["GET /orders HTTP/1.1", "Host: orders.test", "x-caller-kind: user"];
        raw::send(world.envoy.address, &[&head, lines].concat()).await
    };
    // What these name is for the next hop alone (RFC 9110, section 7.6.1).
    for connection in [
        &["Connection: x-caller-kind, x-caller-client-id"][..],
        &["Connection: x-caller-kind", "Connection: x-caller-client-id"],
    ] {
        ask(connection).await.assert_denied("token_missing");
        let received = ask(&[connection, &[&authorization]].concat()).await.received();
        assert_eq!(received.all("x-caller-kind"), ["application"], "{connection:?}");
        assert_eq!(received.of_caller().len(), 7, "{received:?}");
    }
    let upgrade = ["Connection: upgrade", "Upgrade: websocket"];
    let before = world.upstream.requests();
    ask(&upgrade).await.assert_denied("token_missing");
    assert_eq!(world.upstream.requests(), before);
    // The upstream does not speak it, and Envoy leaves out what it says instead.
    assert_eq!(ask(&[&upgrade[..], &[&authorization]].concat()).await.status, 200);
    assert_eq!(world.upstream.requests(), before + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_shipped_envoy_refuses_names_with_underscores() {
    let world = World::start().await;
    let token = Token::of_application(WEBSHOP);
    let request = world.get("/orders").token(&token).header("x_caller_kind", "user");
    assert_eq!(request.send().await.status, 400);
    assert_eq!(world.upstream.requests(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn credentials_are_one_bearer_token_or_none() {
    assert_credentials(&World::start().await).await;
    let listed = World::with(Release::Current, json!({}), |envoy| envoy.lists_headers());
    assert_credentials(&listed.await).await;
}

async fn assert_credentials(world: &World) {
    let good = world.issuer.issue(HOME, &Token::of_application(WEBSHOP));
    let bearer = format!("Bearer {good}");
    let cases: [(&[&str], &str); 12] = [
        (&[&bearer], ""),
        (&[&format!("bEARER {good}")], ""),
        (&[&bearer, &bearer], "credentials_malformed"),
        (&[&bearer, "Basic dTpw"], "credentials_malformed"),
        (&["Basic dTpw", &bearer], "credentials_malformed"),
        (&[&format!("{bearer},{bearer}")], "credentials_malformed"),
        (&[&format!("Bearer  {good}")], "credentials_malformed"),
        (&["Bearer"], "credentials_malformed"),
        (&["Bearer a b"], "credentials_malformed"),
        (&[&format!("Bearer {}", "a".repeat(16 * 1024 + 1))], "credentials_malformed"),
        (&["Basic dTpw"], "token_missing"),
        (&[&format!("PoP {good}")], "token_missing"),
    ];
    for (values, reason) in cases {
        let before = world.upstream.requests();
        // Bytes that are no text, in a header that matters to nobody, change nothing.
        let request = world.get("/orders").header("x-note", b"caf\xe9");
        let answer = values
            .iter()
            .fold(request, |request, value| request.header("authorization", value))
            .send()
            .await;
        match reason {
            "" => drop(answer.received()),
            reason => {
                answer.assert_denied(reason);
                assert_eq!(world.upstream.requests(), before);
            }
        }
    }
    let no_text = world.get("/orders").header("authorization", b"Bearer \xff").send().await;
    no_text.assert_denied("credentials_malformed");
}

#[tokio::test(flavor = "multi_thread")]
async fn headers_can_be_renamed_left_out_and_stripped() {
    let changes = json!({
        "headers": {
            "prefix": "x-who-", "strip_authorization": true,
            "names": {"navident": "x-employee", "name": null},
        },
    });
    let world = World::with(Release::Current, changes, |config| config).await;
    let request = world.get("/orders").token(&Token::of_user(WEBSHOP));
    let received = request.header("x-employee", "X111111").header("x-who-name", "me");
    let received = received.send().await.received();
    assert_eq!(received.all("x-employee"), ["Z990001"]);
    assert_eq!(received.all("x-who-kind"), ["user"]);
    assert!(received.all("x-who-name").is_empty());
    assert!(received.all("authorization").is_empty());
}

/// Adds what would make a careless upstream believe in another caller.
fn pretend(request: Request<'_>) -> Request<'_> {
    let made_up = [
        ("x-caller-kind", "user"),
        ("X-Caller-Name", "Somebody Else"),
        ("x-caller-groups", ORDER_DESK),
        ("x-caller-groups", AUDIT),
        ("x-caller-groups-extra", AUDIT),
        ("x-caller-", "x"),
        ("x_caller_kind", "user"),
        ("x_caller-navident", "Z990001"),
        ("X_CALLER_ROLES", "admin"),
        ("x-caller_invented", "x"),
    ];
    made_up.into_iter().fold(request, |request, (name, value)| request.header(name, value))
}
