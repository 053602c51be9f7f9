//! The resolver against a Graph that throttles, fails, hangs, pages, redirects and lies.

use std::{sync::Arc, time::Duration};

use serde_json::Value;
use tokio::{
    task::JoinHandle,
    time::{self, Instant},
};

use super::{
    fake::{self, Mood},
    lookup::Lookup,
    *,
};
use crate::{
    clock::Clock,
    config::{self, ClientCredentials, ClientProof, Membership, Proxy},
    http::Client,
    identifiers::{GroupId, Guid},
    secret::Secret,
    telemetry::Metrics,
};

mod access_token;
mod dropped;

const TENANT: &str = "7d5b2c3e-9f14-4b8a-a6d0-52e1c8f73a94";
const CLIENT: &str = "a2f4c0d1-5b7e-4d3a-8c69-17e05b9d4f20";
const USER: &str = "4c6e8a0b-1f37-4d52-9b84-6e2d0f5a7c91";
const DESK: &str = "0f3a1d52-6a0e-4c61-9b5d-3c1f0a7e2b11";
const AUDIT: &str = "3b8d2f64-70c1-4e9a-a5b7-9d1c6e8f0a23";
/// A group that the fake names although nobody asks about it.
const CANTEEN: &str = "5e7c9b1a-3d84-4f60-8a2e-9c6b0d1f4a37";
const LIFETIME: Duration = Duration::from_secs(300);
/// Fri, 15 Jan 2027 08:00:00 GMT.
const NOW: u64 = 1_800_000_000;

/// Long enough for every answer that comes at all.
const PATIENCE: Duration = Duration::from_secs(30);

struct World {
    graph: fake::Graph,
    resolver: Arc<Resolver>,
    metrics: Arc<Metrics>,
}

impl World {
    async fn start() -> Self {
        Self::with(|_| {}).await
    }

    async fn with(change: impl FnOnce(&mut config::Graph)) -> Self {
        let graph = fake::Graph::start().await;
        graph.add_member(USER, DESK);
        let url: url::Url = graph.url().parse().unwrap();
        let proof = ClientProof::Secret(Secret::new("hunter2"));
        let credentials = ClientCredentials { client_id: guid(CLIENT), proof };
        let mut settings = config::Graph {
            credentials: [(guid(TENANT), credentials)].into(),
            membership: Membership::Direct,
            cache_lifetime: LIFETIME,
            concurrency: 16,
            login_url: url.clone(),
            url,
        };
        change(&mut settings);
        let client = Client::new(&Proxy::Environment).unwrap();
        let metrics = Arc::new(Metrics::new());
        let clock = Clock::new(|| NOW);
        let resolver = Resolver::new(&settings, &client, &clock, Arc::clone(&metrics)).into();
        Self { graph, resolver, metrics }
    }

    async fn resolve(&self, user: &str, groups: &[&str]) -> Result<Vec<String>, Unresolved> {
        self.resolve_within(PATIENCE, user, groups).await
    }

    async fn resolve_within(
        &self,
        time: Duration,
        user: &str,
        groups: &[&str],
    ) -> Result<Vec<String>, Unresolved> {
        let found = self.resolver.resolve(question(user, groups), Instant::now() + time).await?;
        Ok(found.iter().map(GroupId::to_string).collect())
    }

    /// Whether the user of the tests is known to be in so many groups of one.
    fn remembers(&self, groups: usize) -> bool {
        let lookup = self.resolver.lookups.get(&question(USER, &[DESK]));
        lookup.and_then(|lookup| lookup.groups()).is_some_and(|known| known.len() == groups)
    }

    /// The value of a series with an outcome.
    fn counted(&self, name: &str, outcome: &str) -> String {
        let text = String::from_utf8(self.metrics.encode().unwrap()).unwrap();
        let series = format!("portvakt_{name}{{outcome=\"{outcome}\"}} ");
        text.lines().find_map(|line| line.strip_prefix(&series)).unwrap().to_owned()
    }
}

fn prove_by(settings: &mut config::Graph, proof: ClientProof) {
    settings.credentials.get_mut(&guid(TENANT)).unwrap().proof = proof;
}

fn guid(text: &str) -> Guid {
    text.parse().unwrap()
}

fn question(user: &str, groups: &[&str]) -> Question {
    let groups: Vec<_> = groups.iter().map(|group| guid(group)).collect();
    Question::new(guid(TENANT), guid(user), &groups)
}

fn user(number: usize) -> String {
    format!("00000000-0000-0000-0000-{number:012}")
}

/// Many groups, of which the user of the tests is in none.
fn many_groups(number: usize) -> Vec<String> {
    (0..number).map(|group| format!("aaaaaaaa-0000-0000-0000-{group:012}")).collect()
}

/// Runs what needs no network while no time passes.
async fn at_once<T>(action: impl Future<Output = T>) -> T {
    time::pause();
    let result = action.await;
    time::resume();
    result
}

/// Lets time pass that nothing but our own clock measures.
async fn pass(time: Duration) {
    time::pause();
    time::advance(time).await;
    time::resume();
}

async fn until(mut condition: impl FnMut() -> bool) {
    let waiting = async {
        while !condition() {
            time::sleep(Duration::from_millis(5)).await;
        }
    };
    time::timeout(PATIENCE, waiting).await.unwrap();
}

#[tokio::test]
async fn direct_members_are_asked_for_by_a_filter_of_the_listed_groups() {
    let world = World::start().await;
    world.graph.add_nested_member(USER, AUDIT);
    assert_eq!(world.resolve(USER, &[DESK, AUDIT]).await.unwrap(), [DESK]);
    let [asked] = &world.graph.asked()[..] else { panic!("one request") };
    assert_eq!(asked.path, format!("/v1.0/users/{USER}/memberOf"));
    assert_eq!(asked.parameters["$filter"], format!("id in ('{DESK}','{AUDIT}')"));
    assert_eq!((&*asked.parameters["$select"], asked.parameters.len()), ("id", 3));
    assert_eq!(world.resolve(&user(1), &[DESK]).await.unwrap(), [""; 0], "a member of nothing");
}

#[tokio::test]
async fn transitive_members_are_checked_for_where_that_is_configured() {
    let world = World::with(|settings| settings.membership = Membership::Transitive).await;
    world.graph.add_nested_member(USER, AUDIT);
    assert_eq!(world.resolve(USER, &[DESK, AUDIT, CANTEEN]).await.unwrap(), [DESK, AUDIT]);
    let [asked] = &world.graph.asked()[..] else { panic!("one request") };
    assert_eq!(asked.path, format!("/v1.0/users/{USER}/checkMemberGroups"));
    let body: Value = serde_json::from_str(&asked.body).unwrap();
    assert_eq!(body, serde_json::json!({"groupIds": [DESK, AUDIT, CANTEEN]}));
}

#[tokio::test]
async fn many_groups_are_asked_about_in_parts() {
    for (membership, requests) in [(Membership::Direct, 4), (Membership::Transitive, 3)] {
        let world = World::with(|settings| settings.membership = membership).await;
        let groups = many_groups(47);
        let groups: Vec<_> = groups.iter().map(String::as_str).chain([DESK]).collect();
        assert_eq!(world.resolve(USER, &groups).await.unwrap(), [DESK], "{membership:?}");
        assert_eq!(world.graph.asked().len(), requests, "{membership:?}");
    }
}

#[tokio::test]
async fn an_answer_in_pages_is_read_to_its_end() {
    let world = World::start().await;
    world.graph.add_member(USER, AUDIT);
    world.graph.behave(Mood::Paging);
    assert_eq!(world.resolve(USER, &[DESK, AUDIT]).await.unwrap(), [DESK, AUDIT]);
    assert_eq!(world.graph.asked().len(), 2);
}

#[tokio::test]
async fn groups_that_nobody_asked_about_never_count() {
    for membership in [Membership::Direct, Membership::Transitive] {
        let world = World::with(|settings| settings.membership = membership).await;
        world.graph.behave(Mood::Generous);
        assert_eq!(world.resolve(USER, &[DESK, AUDIT]).await.unwrap(), [DESK], "{membership:?}");
        let groups = many_groups(20);
        let groups: Vec<_> = groups.iter().map(String::as_str).chain([CANTEEN]).collect();
        // In the first part nobody asked about it; in the second one somebody did.
        assert_eq!(world.resolve(USER, &groups).await.unwrap(), [CANTEEN], "{membership:?}");
    }
}

#[tokio::test]
async fn an_answer_counts_for_its_lifetime_and_is_renewed_before_its_end() {
    let world = World::start().await;
    for _ in 0..3 {
        assert_eq!(world.resolve(USER, &[DESK]).await.unwrap(), [DESK]);
    }
    assert_eq!(world.graph.asked().len(), 1);
    assert_eq!(world.counted("group_lookups_total", "hit"), "2");
    assert_eq!(world.counted("group_lookups_total", "miss"), "1");

    world.graph.clear();
    pass(LIFETIME / 5 * 4).await;
    assert_eq!(world.resolve(USER, &[DESK]).await.unwrap(), [DESK], "known, and asked again");
    until(|| world.counted("graph_requests_total", "success") == "2").await;
    until(|| world.remembers(0)).await;
    assert_eq!(world.resolve(USER, &[DESK]).await.unwrap(), [""; 0]);

    world.graph.add_member(USER, DESK);
    pass(LIFETIME).await;
    assert_eq!(world.resolve(USER, &[DESK]).await.unwrap(), [DESK], "void, and waited for");
}

#[tokio::test]
async fn users_and_questions_are_told_apart() {
    let world = World::start().await;
    assert_eq!(world.resolve(USER, &[DESK]).await.unwrap(), [DESK]);
    assert_eq!(world.resolve(USER, &[AUDIT]).await.unwrap(), [""; 0]);
    assert_eq!(world.resolve(&user(1), &[DESK]).await.unwrap(), [""; 0]);
    let other_tenant = Question { tenant: guid(CLIENT), ..question(USER, &[DESK]) };
    let deadline = Instant::now() + PATIENCE;
    let result = world.resolver.resolve(other_tenant, deadline).await;
    assert_eq!(result.unwrap_err(), Unresolved::NotConfigured);
    assert_eq!(world.graph.asked().len(), 3);
}

#[tokio::test]
async fn many_checks_of_one_user_ask_once() {
    let world = World::start().await;
    world.graph.behave(Mood::Hanging);
    let checks = (0..50).map(|_| world.resolve(USER, &[DESK]));
    let release = async {
        until(|| !world.graph.asked().is_empty()).await;
        world.graph.behave(Mood::Normal);
    };
    let (answers, ()) = tokio::join!(futures_util::future::join_all(checks), release);
    assert!(answers.into_iter().all(|answer| answer.unwrap() == [DESK]));
    assert_eq!((world.graph.asked().len(), world.graph.asked_for_tokens().len()), (1, 1));
}

#[tokio::test]
async fn checks_that_waited_for_their_turn_share_the_first_ones_answer() {
    let world = World::with(|settings| settings.concurrency = 1).await;
    world.graph.behave(Mood::Hanging);
    let other = user(1);
    let before_them = world.resolve(&other, &[DESK]);
    let checks = (0..20).map(|_| world.resolve(USER, &[DESK]));
    let release = async {
        until(|| !world.graph.asked().is_empty()).await;
        world.graph.behave(Mood::Normal);
    };
    let checks = futures_util::future::join_all(checks);
    let (_, answers, ()) = tokio::join!(before_them, checks, release);
    assert!(answers.into_iter().all(|answer| answer.unwrap() == [DESK]));
    assert_eq!(world.graph.asked().len(), 2);
}

#[tokio::test]
async fn beyond_the_deadline_the_look_up_goes_on_and_fills_the_cache() {
    let world = World::start().await;
    world.graph.behave(Mood::Hanging);
    let late = world.resolve_within(Duration::from_millis(20), USER, &[DESK]).await;
    assert_eq!(late, Err(Unresolved::Unavailable));
    assert_eq!(world.counted("group_lookups_total", "unavailable"), "1");
    world.graph.behave(Mood::Normal);
    until(|| world.remembers(1)).await;
    assert_eq!(world.resolve_within(Duration::ZERO, USER, &[DESK]).await.unwrap(), [DESK]);
    assert_eq!(world.graph.asked().len(), 1);
}

#[tokio::test]
async fn no_more_look_ups_are_under_way_than_configured() {
    let world = World::with(|settings| settings.concurrency = 3).await;
    world.graph.behave(Mood::Hanging);
    let users: Vec<_> = (0..20).map(user).collect();
    let checks = users.iter().map(|user| world.resolve(user, &[DESK]));
    let release = async {
        until(|| world.graph.asked().len() == 3).await;
        // Nothing more arrives: whoever is turned away is turned away by the deadline alone.
        let turned_away = world.resolve_within(Duration::from_millis(50), USER, &[DESK]).await;
        assert_eq!(turned_away, Err(Unresolved::Unavailable));
        assert_eq!(world.graph.asked().len(), 3);
        world.graph.behave(Mood::Normal);
    };
    let (answers, ()) = tokio::join!(futures_util::future::join_all(checks), release);
    assert!(answers.into_iter().all(|answer| answer.unwrap().is_empty()));
    assert_eq!(world.graph.asked().len(), 20);
}

#[tokio::test]
async fn a_graph_that_hangs_keeps_no_more_checks_waiting_than_it_may() {
    let world = World::start().await;
    world.graph.behave(Mood::Hanging);
    let users: Vec<_> = (0..resolver::MOST_WAITING).map(user).collect();
    let checks = users.iter().map(|user| world.resolve(user, &[DESK]));
    let release = async {
        until(|| world.graph.asked().len() == 16).await;
        // It would wait for half a minute; it is turned away before anything else happens.
        assert_eq!(at_once(world.resolve(USER, &[DESK])).await, Err(Unresolved::Unavailable));
        world.graph.behave(Mood::Normal);
    };
    let (answers, ()) = tokio::join!(futures_util::future::join_all(checks), release);
    assert!(answers.into_iter().all(|answer| answer.unwrap().is_empty()));
    assert_eq!(world.resolve(USER, &[DESK]).await.unwrap(), [DESK]);
}

#[tokio::test]
async fn throttling_is_honoured_for_every_user_of_the_tenant() {
    for (status, retry_after, pause) in [
        (429, Some("30"), 30),
        (503, Some("7"), 7),
        (429, None, 5),
        (429, Some("Fri, 15 Jan 2027 08:00:20 GMT"), 20),
        (503, Some("Fri, 15 Jan 2027 07:00:00 GMT"), 1),
    ] {
        let world = World::start().await;
        world.graph.behave(Mood::Refusing(status, retry_after));
        assert_eq!(world.resolve(USER, &[DESK]).await, Err(Unresolved::Unavailable), "{status}");
        assert_eq!(world.counted("graph_requests_total", "throttled"), "1");
        world.graph.behave(Mood::Normal);
        pass(Duration::from_secs(pause - 1)).await;
        for user in [USER, &user(1)] {
            let answer = at_once(world.resolve(user, &[DESK])).await;
            assert_eq!(answer, Err(Unresolved::Unavailable), "{status}");
        }
        assert_eq!(world.graph.asked().len(), 1, "nobody was asked meanwhile");
        pass(Duration::from_secs(2)).await;
        assert_eq!(world.resolve(USER, &[DESK]).await.unwrap(), [DESK], "{status}");
    }
}

#[tokio::test]
async fn what_is_known_counts_through_trouble() {
    for (mood, outcome) in [
        (Mood::Refusing(429, Some("120")), "throttled"),
        (Mood::Refusing(500, None), "failure"),
        (Mood::Garbage, "failure"),
    ] {
        let world = World::start().await;
        assert_eq!(world.resolve(USER, &[DESK]).await.unwrap(), [DESK]);
        world.graph.behave(mood);
        pass(LIFETIME / 5 * 4).await;
        assert_eq!(world.resolve(USER, &[DESK]).await.unwrap(), [DESK], "{mood:?}");
        until(|| world.counted("graph_requests_total", outcome) == "1").await;
        assert_eq!(world.resolve(USER, &[DESK]).await.unwrap(), [DESK], "{mood:?}");
        pass(LIFETIME / 5).await;
        assert_eq!(world.resolve(USER, &[DESK]).await, Err(Unresolved::Unavailable), "{mood:?}");
    }
}

#[tokio::test]
async fn a_graph_in_trouble_is_no_fact_about_anybody() {
    for mood in [
        Mood::Refusing(500, None),
        Mood::Refusing(503, None),
        Mood::Refusing(403, None),
        Mood::Refusing(404, None),
        Mood::Refusing(204, None),
        Mood::Garbage,
        Mood::Endless,
        Mood::Redirecting,
        Mood::Lying,
        Mood::PagingForever,
    ] {
        let world = World::start().await;
        world.graph.behave(mood);
        assert_eq!(world.resolve(USER, &[DESK]).await, Err(Unresolved::Unavailable), "{mood:?}");
        assert_eq!(world.graph.went_astray(), 0, "{mood:?}");
        let asked = world.graph.asked().len();
        world.graph.behave(Mood::Normal);
        let again = at_once(world.resolve(USER, &[DESK])).await;
        assert_eq!(again, Err(Unresolved::Unavailable), "{mood:?}");
        assert_eq!(world.graph.asked().len(), asked, "not asked again at once: {mood:?}");
        pass(Duration::from_secs(1)).await;
        assert_eq!(world.resolve(USER, &[DESK]).await.unwrap(), [DESK], "{mood:?}");
    }
}

#[tokio::test]
async fn where_nobody_listens_there_is_no_answer() {
    let world = World::with(|settings| settings.url = "http://127.0.0.1:1".parse().unwrap()).await;
    assert_eq!(world.resolve(USER, &[DESK]).await, Err(Unresolved::Unavailable));
    assert_eq!(world.counted("graph_requests_total", "failure"), "1");
    let world = World::with(|settings| settings.login_url = "http://127.0.0.1:1".parse().unwrap());
    let world = world.await;
    assert_eq!(world.resolve(USER, &[DESK]).await, Err(Unresolved::Unavailable));
    assert_eq!(world.counted("graph_requests_total", "no_token"), "1");
}

#[tokio::test]
async fn answers_take_bounded_memory() {
    let world = World::start().await;
    let groups = many_groups(200);
    let groups: Vec<_> = groups.iter().map(String::as_str).collect();
    let lookups = &world.resolver.lookups;
    for number in 0..5_000 {
        let (asking, lookup) = Lookup::begin(None, LIFETIME);
        let question = question(&user(number), &groups);
        asking.answered(Arc::clone(&question.groups));
        lookups.insert(question, lookup);
    }
    lookups.run_pending_tasks();
    assert!((1_000..3_000).contains(&world.resolver.remembered()), "{lookups:?}");
    assert!(lookups.weighted_size() <= 16 << 20);
}

#[tokio::test]
async fn half_an_answer_is_none() {
    let world = World::start().await;
    let groups = many_groups(20);
    let groups: Vec<_> = [DESK].into_iter().chain(groups.iter().map(String::as_str)).collect();
    world.graph.behave(Mood::FailingLater);
    assert_eq!(world.resolve(USER, &groups).await, Err(Unresolved::Unavailable));
    assert_eq!(world.counted("graph_requests_total", "success"), "1");
}

#[test]
fn an_answer_goes_on_where_it_came_from_or_not_at_all() {
    let base = "https://graph.example/sub".parse().unwrap();
    let read = |next: &str| {
        let body = serde_json::json!({"value": [], "@odata.nextLink": next}).to_string();
        graph::read(body.as_bytes(), &base)
    };
    for next in ["https://graph.example/v1.0/x?$skiptoken=y", "https://GRAPH.example:443/x"] {
        assert!(read(next).unwrap().next.is_some(), "{next}");
    }
    for next in [
        "https://evil.example/v1.0/x",
        "http://graph.example/v1.0/x",
        "https://graph.example:444/v1.0/x",
        "https://graph.example@evil.example/x",
        "https://user@graph.example/x",
        "https://graph.example.evil.example/x",
        "//evil.example/x",
        "/v1.0/x",
        "",
    ] {
        assert_eq!(read(next), Err(graph::PageError::GoesOnElsewhere), "{next}");
    }
}

#[test]
fn what_is_no_list_of_groups_is_no_answer() {
    let base = "https://graph.example".parse().unwrap();
    for text in
        ["", "[]", "{}", r#"{"value":"x"}"#, r#"{"value":[7]}"#, r#"{"value":[{"name":"x"}]}"#]
    {
        let result = graph::read(text.as_bytes(), &base);
        assert_eq!(result, Err(graph::PageError::Unreadable), "{text}");
    }
    let text = format!(r#"{{"value":["{DESK}",{{"id":"{AUDIT}","x":1}},"no guid"]}}"#);
    let groups = graph::read(text.as_bytes(), &base).unwrap().groups;
    assert_eq!(groups, [guid(DESK), guid(AUDIT)]);
}
