use std::{
    collections::{BTreeMap, VecDeque},
    io,
    sync::Mutex,
    time::Duration,
};

use tokio::time::sleep;

use super::{
    super::fake::{Behaviour, FakeIssuer, key},
    *,
};

const TENANT: &str = "7d5b2c3e-9f14-4b8a-a6d0-52e1c8f73a94";
const SECOND: Duration = Duration::from_secs(1);
const COOLDOWN: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);
const MAX_AGE: Duration = Duration::from_secs(24 * 3600);
/// Behind the tick of a timer, so that what it began is over.
const A_MOMENT: Duration = Duration::from_millis(5);

fn settings() -> Keys {
    Keys { refresh_interval: HOUR, cooldown: COOLDOWN, max_age: MAX_AGE }
}

fn deadline() -> Instant {
    Instant::now() + Duration::from_millis(150)
}

fn is_found(lookup: &KeyLookup) -> bool {
    matches!(lookup, KeyLookup::Found(_))
}

fn is_unavailable(lookup: &KeyLookup) -> bool {
    matches!(lookup, KeyLookup::Unavailable)
}

/// As a check looks for a key.
async fn look_up(issuer: &Issuer, kid: &str) -> KeyLookup {
    match issuer.known_key(kid) {
        KeyLookup::Unknown => issuer.awaited_key(kid, deadline()).await,
        known => known,
    }
}

#[tokio::test(start_paused = true)]
async fn without_keys_the_issuer_is_asked_each_second_until_it_answers() {
    let fake = FakeIssuer::of(&["k"]);
    fake.behave(Behaviour::Fails);
    let issuer = fake.start(TENANT, settings());
    sleep(100 * SECOND + A_MOMENT).await;
    assert_eq!(fake.requests(), (101, 0));
    assert!(is_unavailable(&issuer.known_key("k")) && issuer.was_attempted());
    fake.behave(Behaviour::Normal);
    sleep(SECOND).await;
    assert!(is_found(&issuer.known_key("k")));
}

#[tokio::test(start_paused = true)]
async fn keys_too_old_to_be_trusted_are_back_a_second_after_their_issuer() {
    let fake = FakeIssuer::of(&["k"]);
    let issuer = fake.started(TENANT, settings()).await;
    fake.behave(Behaviour::Fails);
    sleep(MAX_AGE - SECOND).await;
    assert!(is_found(&issuer.known_key("k")));
    // Once each cooldown, after the first hour.
    let (before, _) = fake.requests();
    assert!((23 * 60..=23 * 60 + 1).contains(&before), "{before}");
    sleep(SECOND + A_MOMENT).await;
    assert!(is_unavailable(&issuer.known_key("k")));
    sleep(90 * SECOND).await;
    assert!((90..=93).contains(&(fake.requests().0 - before)), "each second from then on");
    fake.behave(Behaviour::Normal);
    sleep(SECOND).await;
    assert!(is_found(&issuer.known_key("k")));
}

#[tokio::test(start_paused = true)]
async fn a_flood_of_unknown_keys_costs_the_issuer_one_request_in_the_cooldown() {
    let fake = FakeIssuer::of(&["k"]);
    let issuer = fake.started(TENANT, settings()).await;
    for number in 0..6_000 {
        let forged = look_up(&issuer, &format!("forged {number}")).await;
        assert!(matches!(forged, KeyLookup::Unknown));
        assert!(is_found(&look_up(&issuer, "k").await));
        sleep(SECOND / 10).await;
    }
    // Ten minutes, and the first fetch.
    assert_eq!(fake.requests(), (1, 10));
}

#[tokio::test(start_paused = true)]
async fn a_flood_of_unknown_keys_does_not_put_off_the_regular_refresh() {
    let fake = FakeIssuer::of(&["k"]);
    let issuer = fake.started(TENANT, settings()).await;
    for number in 0..3 * 3_600 + 60 {
        look_up(&issuer, &format!("forged {number}")).await;
        sleep(SECOND).await;
    }
    assert_eq!(fake.requests().0, 4, "the metadata document, each hour");
}

#[tokio::test(start_paused = true)]
async fn bad_answers_replace_no_keys_and_are_asked_for_once_in_the_cooldown() {
    for behaviour in [Behaviour::Fails, Behaviour::Hangs, Behaviour::Html, Behaviour::EmptySet] {
        let fake = FakeIssuer::of(&["k"]);
        let issuer = fake.started(TENANT, settings()).await;
        fake.behave(behaviour);
        for _ in 0..4 * 60 {
            assert!(!is_found(&look_up(&issuer, "unknown").await), "{behaviour:?}");
            assert!(is_found(&look_up(&issuer, "k").await), "{behaviour:?}");
            sleep(SECOND).await;
        }
        let (metadata, keys) = fake.requests();
        assert!(metadata == 1 && (4..=5).contains(&keys), "{behaviour:?}: {metadata}, {keys}");
        fake.behave(Behaviour::Normal);
        fake.publish(vec![key("k"), key("new")]);
        sleep(COOLDOWN).await;
        assert!(is_found(&look_up(&issuer, "new").await), "{behaviour:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn keys_that_change_each_second_are_found_after_the_cooldown_and_a_second() {
    let fake = FakeIssuer::of(&["0"]);
    let issuer = fake.started(TENANT, settings()).await;
    let mut published = VecDeque::new();
    let mut awaited = BTreeMap::new();
    for now in 1..=600_u64 {
        published.push_back(key(&now.to_string()));
        published.drain(..published.len().saturating_sub(100));
        fake.publish(published.iter().cloned().collect());
        awaited.insert(now, now);
        look_up(&issuer, &now.to_string()).await;
        awaited.retain(|kid, _| !is_found(&issuer.known_key(&kid.to_string())));
        let oldest = awaited.keys().next().copied().unwrap_or(now);
        assert!(now - oldest <= COOLDOWN.as_secs() + 1, "{oldest} is still unknown at {now}");
        sleep(SECOND).await;
    }
    assert!(fake.requests().1 <= 11, "{:?}", fake.requests());
}

#[tokio::test(start_paused = true)]
async fn a_removed_key_is_refused_within_the_refresh_interval() {
    let fake = FakeIssuer::of(&["old", "new"]);
    let issuer = fake.started(TENANT, settings()).await;
    fake.publish(vec![key("new")]);
    sleep(HOUR + A_MOMENT).await;
    assert!(matches!(issuer.known_key("old"), KeyLookup::Unknown));
    assert!(is_found(&issuer.known_key("new")));
}

#[tokio::test(start_paused = true)]
async fn no_more_than_64_checks_wait_for_the_keys_of_an_issuer() {
    let fake = FakeIssuer::of(&["k"]);
    let issuer = fake.started(TENANT, settings()).await;
    sleep(COOLDOWN).await;
    fake.behave(Behaviour::Hangs);
    let checks: Vec<_> = (0..200)
        .map(|number| {
            let issuer = Arc::clone(&issuer);
            tokio::spawn(async move { look_up(&issuer, &format!("forged {number}")).await })
        })
        .collect();
    let mut waited = 0;
    for check in checks {
        match check.await.unwrap() {
            KeyLookup::TimedOut => waited += 1,
            lookup => assert!(matches!(lookup, KeyLookup::Unknown), "{lookup:?}"),
        }
    }
    assert_eq!(waited, MAX_WAITING);
    assert_eq!(fake.requests(), (1, 2));
}

#[tokio::test(start_paused = true)]
async fn an_outage_is_logged_when_it_begins_changes_and_ends_and_not_each_second() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt().with_writer(move || writer.clone()).finish();
    let _guard = tracing::subscriber::set_default(subscriber);

    let fake = FakeIssuer::of(&["k"]);
    fake.behave(Behaviour::Fails);
    let issuer = fake.start(TENANT, settings());
    sleep(100 * SECOND).await;
    fake.behave(Behaviour::Html);
    sleep(100 * SECOND).await;
    fake.behave(Behaviour::Normal);
    sleep(2 * SECOND).await;
    assert!(issuer.has_keys());
    let text = log.text();
    assert_eq!(text.matches("could not be refreshed").count(), 2, "{text}");
    assert_eq!(text.matches("can be refreshed again").count(), 1, "{text}");
}

#[tokio::test(start_paused = true)]
async fn what_is_logged_of_a_key_set_is_bounded() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt().with_writer(move || writer.clone()).finish();
    let _guard = tracing::subscriber::set_default(subscriber);

    let faulty = (0..5_000).map(|number| serde_json::json!({"kid": format!("bad {number}")}));
    let good = (0..300).map(|number| key(&format!("good {number}")));
    let fake = FakeIssuer::new(faulty.chain(good).collect());
    let issuer = fake.started(TENANT, settings()).await;
    sleep(3 * HOUR).await;
    assert!(is_found(&issuer.known_key("good 0")));
    let text = log.text();
    assert_eq!(text.matches("keys of the issuer are not used").count(), 1, "told once");
    assert!(text.contains("5044") && text.len() < 3_000, "{} bytes: {text}", text.len());
}

/// What was logged, as text.
#[derive(Debug, Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
