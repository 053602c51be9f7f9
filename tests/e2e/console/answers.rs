//! What the console answers, whoever asks.

use reqwest::Method;
use serde_json::{Value, json};

use super::{CRAWLER, STOREFRONT, token_for_checkout, world};
use crate::support::{Answer, World, raw, until, world::client};

const EXPLAIN: &str = "/api/explain";

/// The text of an answer to a page of its own.
pub async fn get(world: &World, path: &str) -> String {
    let answer = ask(world, Method::GET, path, &[], "").await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.body
}

async fn json_of(world: &World, path: &str) -> Value {
    serde_json::from_str(&get(world, path).await).unwrap()
}

async fn ask(
    world: &World,
    method: Method,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Answer {
    let url = format!("http://{}{path}", world.portvakt.console_address());
    let mut request = client().request(method, url).body(body.to_owned());
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    Answer::read(request.send().await.unwrap()).await
}

/// A question as the console's own page asks it.
async fn explain(world: &World, question: &str) -> Answer {
    let origin = format!("http://{}", world.portvakt.console_address());
    let headers = [("origin", &*origin), ("content-type", "application/json")];
    ask(world, Method::POST, EXPLAIN, &headers, question).await
}

fn question(token: &str) -> String {
    let question = json!({
        "application": "test:team-checkout:checkout", "method": "GET", "path": "/", "token": token,
    });
    question.to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_console_is_asked_by_its_own_pages_alone() {
    let world = world().await;
    let address = world.portvakt.console_address();
    for (host, status) in [
        (&*address.to_string(), 200),
        ("localhost", 200),
        ("console.test:8443", 200),
        ("evil.example", 421),
        ("checkout.test", 421),
    ] {
        let answer = raw::send(address, &["GET / HTTP/1.1", &format!("Host: {host}")]).await;
        assert_eq!(answer.status, status, "{host}");
        assert!(
            answer.header("content-security-policy").unwrap().starts_with("default-src 'none'")
        );
    }
    let own = format!("http://{address}");
    let (form, json) = ("application/x-www-form-urlencoded", "application/json");
    let large = question(&"x".repeat(70_000));
    let small = question("");
    for (method, path, origin, content_type, body, status) in [
        (Method::POST, EXPLAIN, &*own, json, &*small, 200),
        (Method::POST, EXPLAIN, "http://evil.example", json, &small, 403),
        (Method::POST, EXPLAIN, "null", json, &small, 403),
        (Method::POST, EXPLAIN, &own, form, &small, 415),
        (Method::POST, EXPLAIN, &own, "text/plain", &small, 415),
        (Method::POST, EXPLAIN, &own, json, &large, 413),
        (Method::POST, EXPLAIN, &own, json, "{}", 400),
        (Method::POST, "/api/applications", &own, json, "{}", 405),
        (Method::PUT, EXPLAIN, &own, json, &small, 405),
        (Method::DELETE, "/", &own, json, "", 405),
        (Method::GET, EXPLAIN, &own, json, "", 405),
        (Method::HEAD, "/", &own, json, "", 200),
        (Method::GET, "/../Cargo.toml", &own, json, "", 404),
        (Method::GET, "/api/applications/..%2f..%2fx", &own, json, "", 404),
        (Method::GET, "/api/graph?focus=nobody", &own, json, "", 404),
    ] {
        let headers = [("origin", origin), ("content-type", content_type)];
        let answer = ask(&world, method.clone(), path, &headers, body).await;
        assert_eq!(answer.status, status, "{method} {path} {origin} {content_type}: {answer:?}");
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
            ("cross-origin-resource-policy", "same-origin"),
            ("cross-origin-opener-policy", "same-origin"),
        ] {
            assert_eq!(answer.header(name), Some(value), "{method} {path}");
        }
        let policy = answer.header("content-security-policy").unwrap();
        assert!(
            policy.contains("frame-ancestors 'none'") && !policy.contains("unsafe"),
            "{policy}"
        );
    }
    for (reason, count) in [
        ("host", 2.0),
        ("origin", 2.0),
        ("content_type", 2.0),
        ("unreadable", 1.0),
        ("too_large", 1.0),
        ("too_slow", 0.0),
        ("full", 0.0),
    ] {
        let series = format!("portvakt_console_refused_total{{reason=\"{reason}\"}}");
        assert_eq!(world.portvakt.metric(&series).await, Some(count), "{reason}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parameter_that_cannot_be_read_is_told_by_its_name_and_what_it_takes() {
    let world = world().await;
    for (path, expected) in [
        ("applications?offset=-1", "The parameter offset takes a whole number from 0."),
        (
            "applications?sarch=x",
            "There is no parameter \"sarch\" here; there are: search, offset.",
        ),
        (
            "applications/test:team-checkout:checkout?days=0",
            "The parameter days takes a whole number from 1 to 3650.",
        ),
        (
            "graph",
            "The parameter focus is needed: an application, cluster:namespace:name, or group:id.",
        ),
        (
            "graph?focus=test:team-checkout:checkout&depth=far",
            "The parameter depth takes a whole number from 1 to 3.",
        ),
        (
            "decisions?decision=maybe",
            "The parameter decision takes one of allow, deny, shadow, refused.",
        ),
        ("decisions?candidate=same", "The parameter candidate takes nothing but differs."),
        ("decisions?after=1&after=2", "The parameter after may be stated once only."),
    ] {
        let answer = ask(&world, Method::GET, &format!("/api/{path}"), &[], "").await;
        assert_eq!((answer.status, answer.body.trim_end()), (400, expected), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn unused_is_what_was_counted_for_the_days_that_are_asked_for() {
    let world = world().await;
    let path = "/api/applications/test:team-checkout:checkout";
    for (query, expected) in [
        ("?days=7", "granted unused unused uncounted unused unresolved granted"),
        ("", "granted unused unused uncounted unused unresolved granted"),
        ("?days=36", "granted unused granted uncounted granted unresolved granted"),
        ("?days=90", "granted uncounted granted uncounted granted unresolved granted"),
        ("?days=1", "unused unused unused unused unused unresolved unused"),
    ] {
        let page = json_of(&world, &format!("{path}{query}")).await;
        let states = ["rules", "groups"].map(|list| page[list].as_array().unwrap().clone());
        let states = states.concat();
        let states: Vec<_> = states.iter().map(|it| it["state"].as_str().unwrap()).collect();
        assert_eq!(states.join(" "), expected, "{query}");
        let drawn = json_of(
            &world,
            &format!("/api/graph?focus=test:team-checkout:checkout&{}", query.trim_matches('?')),
        )
        .await;
        let rules = drawn["edges"].as_array().unwrap();
        let rules = rules.iter().filter(|edge| edge["to"] == "test:team-checkout:checkout");
        let mut drawn: Vec<_> = rules.map(|edge| edge["state"].as_str().unwrap()).collect();
        let mut states = states.clone();
        drawn.sort_unstable();
        states.sort_unstable();
        assert_eq!(drawn, states, "the graph tells the same: {query}");
    }
    let page = json_of(&world, path).await;
    assert_eq!(
        (&page["period"]["days"], &page["period"]["choices"]),
        (&json!(30), &json!([7, 30, 90]))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pasted_token_is_decided_by_and_told_to_nobody() {
    let world = world().await;
    for (client_id, reason) in
        [(STOREFRONT, "application_granted"), (CRAWLER, "consumer_not_granted")]
    {
        let token = token_for_checkout(&world, client_id);
        let answer = explain(&world, &question(&token)).await;
        let explanation: Value = serde_json::from_str(&answer.body).unwrap();
        assert_eq!(explanation["reason"], reason, "{explanation}");
        assert_untold(&world, &answer, &token);

        // Where the question cannot be read, the parser's words would hold what it stumbled over.
        let misplaced = question("").replace("\"path\":\"/\"", &format!("\"path\":[\"{token}\"]"));
        for broken in [misplaced, token.clone(), format!("{{\"{token}\":1}}")] {
            let answer = explain(&world, &broken).await;
            assert_eq!(answer.status, 400, "{answer:?}");
            assert_untold(&world, &answer, &token);
        }
    }
    // Nobody called: what is only explained is no decision.
    assert_eq!(world.portvakt.checks().await, 0.0);
    assert_eq!(json_of(&world, "/api/decisions").await["latest"], 0);
}

fn assert_untold(world: &World, answer: &Answer, token: &str) {
    let log = world.portvakt.log.text();
    for part in token.split('.') {
        assert!(!answer.body.contains(part), "{answer:?}");
        assert!(!log.contains(part), "{log}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn decisions_are_found_by_what_they_were_about() {
    let world = world().await;
    let granted = token_for_checkout(&world, STOREFRONT);
    let refused = token_for_checkout(&world, CRAWLER);
    for token in [&granted, &refused, &refused] {
        world.get("/cart?customer=7").host("checkout.test").bearer(token).send().await;
    }
    world.get("/").send().await.assert_denied("token_missing");

    let all = until("four decisions", async || {
        let all = json_of(&world, "/api/decisions").await;
        (all["latest"] == 4).then_some(all)
    })
    .await;
    let numbers: Vec<_> =
        all["decisions"].as_array().unwrap().iter().map(|d| &d["number"]).collect();
    assert_eq!(numbers, [4, 3, 2, 1], "the newest first");
    for (filter, expected) in [
        ("application=CHECKOUT", 3),
        ("application=orders-api", 1),
        ("application=nobody", 0),
        ("caller=crawler", 2),
        ("caller=09d8819f", 2),
        ("decision=allow", 1),
        ("decision=deny", 3),
        ("decision=refused", 3),
        ("decision=shadow", 0),
        ("reason=consumer_not", 2),
        ("caller=crawler&reason=token_missing", 0),
        ("candidate=differs", 3),
        ("candidate=differs&decision=allow", 1),
        ("candidate=differs&reason=token_missing", 0),
        ("after=3", 1),
        ("after=4", 0),
        ("after=99", 0),
    ] {
        let found = json_of(&world, &format!("/api/decisions?{filter}")).await;
        assert_eq!(found["decisions"].as_array().unwrap().len(), expected, "{filter}: {found}");
        assert_eq!(found["latest"], 4, "{filter}");
    }
    assert!(!all.to_string().contains("customer=7"), "queries are not remembered");
    let candidates: Vec<_> =
        all["decisions"].as_array().unwrap().iter().map(|d| d.get("candidate").cloned()).collect();
    let otherwise = |decision, reason| Some(json!({"decision": decision, "reason": reason}));
    let let_in = otherwise("allow", "application_granted");
    let kept_out = otherwise("deny", "consumer_not_granted");
    assert_eq!(candidates, [None, let_in.clone(), let_in, kept_out]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_graph_is_the_neighbourhood_with_refused_attempts_and_nothing_else() {
    let world = world().await;
    for client_id in [CRAWLER, STOREFRONT] {
        let token = token_for_checkout(&world, client_id);
        world.get("/").host("checkout.test").bearer(&token).send().await;
    }
    let path = "/api/graph?focus=test:team-checkout:checkout";
    let graph = until("both attempts", async || {
        let graph = json_of(&world, path).await;
        let text = graph.to_string();
        (text.contains("crawler") && text.contains("\"last\"")).then_some(graph)
    })
    .await;
    let mut edges: Vec<_> = graph["edges"].as_array().unwrap().iter().map(edge).collect();
    edges.sort_unstable();
    let expected = "\
        checkout customer-profile uncounted\n\
        checkout invoicing unused\n\
        checkout payments granted\n\
        checkout warehouse unused\n\
        crawler checkout denied\n\
        group:3d9f6a52-1c84-4b07-9e35-7a2f0c8d5b61 checkout granted\n\
        invoicing checkout unused\n\
        legacy-import checkout unresolved\n\
        mobile-app checkout unused\n\
        partner-gateway checkout unused\n\
        storefront checkout granted\n\
        warehouse checkout uncounted";
    assert_eq!(edges.join("\n"), expected);
    assert_eq!(graph["left_out"], 0);
    let further = get(&world, &format!("{path}&depth=2")).await;
    assert!(!graph.to_string().contains("ledger") && further.contains("ledger"));
    assert!(!further.contains("orders-api"), "what is not connected is not there");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_place_is_told_in_the_shape_in_which_commands_tell_it() {
    let world = world().await;
    let page = json_of(&world, "/api/applications/test:team-checkout:checkout").await;
    let graph = json_of(&world, "/api/graph?focus=test:team-checkout:checkout").await;
    for stated in [&page, &page["rules"][0], &page["groups"][0], &graph["edges"][0]] {
        let place = stated["place"].as_object().unwrap();
        assert!(place["file"].as_str().unwrap().ends_with("applications/mesh.yaml"), "{stated}");
        for number in ["line", "column"] {
            assert!(place[number].as_u64().unwrap() > 0, "{stated}");
        }
        assert_eq!(place.len(), 3, "{stated}");
    }
}

/// `from to state`, with the applications' own names.
fn edge(edge: &Value) -> String {
    let own = |end: &Value| match end.as_str().unwrap() {
        group if group.starts_with("group:") => group.to_owned(),
        id => id.rsplit(':').next().unwrap().to_owned(),
    };
    format!("{} {} {}", own(&edge["from"]), own(&edge["to"]), edge["state"].as_str().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn without_an_address_there_is_no_console() {
    let world = World::start().await;
    assert!(!world.portvakt.log.text().contains("listening for browsers"));
}
