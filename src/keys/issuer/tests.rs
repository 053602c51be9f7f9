use std::{
    collections::{BTreeMap, VecDeque},
    io,
    sync::Mutex,
    time::Duration,
};

use tokio::time::sleep;
use tracing::{
    Dispatch,
    subscriber::{NoSubscriber, set_default},
};

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
async fn without_keys_an_issuer_that_hangs_keeps_no_further_attempt_waiting() {
    let fake = FakeIssuer::of(&["k"]);
    fake.behave(Behaviour::Hangs);
    let issuer = fake.start(TENANT, settings());
    sleep(20 * SECOND + A_MOMENT).await;
    // Those of the last five seconds; their client gave the others up.
    assert_eq!((fake.requests(), fake.under_way()), ((21, 0), 5));
    assert!(is_unavailable(&issuer.known_key("k")));
    fake.behave(Behaviour::Normal);
    sleep(SECOND).await;
    assert!(is_found(&issuer.known_key("k")));
    // What hung was ended, and there is nothing to ask for.
    sleep(COOLDOWN).await;
    assert_eq!((fake.requests(), fake.under_way()), ((22, 1), 0));
}

#[tokio::test(start_paused = true)]
async fn no_more_than_ten_attempts_are_under_way_and_the_first_that_succeeds_ends_the_others() {
    let fake = FakeIssuer::of(&["k"]);
    fake.behave(Behaviour::Takes(8 * SECOND));
    let issuer = fake.start(TENANT, settings());
    sleep(16 * SECOND - A_MOMENT).await;
    // The first eight have their metadata document and ask for their keys.
    assert_eq!((fake.requests(), fake.under_way()), ((10, 8), 10));
    assert!(is_unavailable(&issuer.known_key("k")));
    sleep(2 * A_MOMENT).await;
    assert!(is_found(&issuer.known_key("k")));
    sleep(COOLDOWN - SECOND).await;
    assert_eq!((fake.requests(), fake.under_way()), ((10, 8), 0));
}

#[tokio::test(start_paused = true)]
async fn what_an_older_attempt_would_bring_late_replaces_no_newer_keys() {
    let fake = FakeIssuer::of(&["old"]);
    fake.behave(Behaviour::Takes(SECOND * 3 / 2));
    let issuer = fake.start(TENANT, settings());
    sleep(SECOND + A_MOMENT).await;
    fake.behave(Behaviour::Takes(8 * SECOND));
    sleep(SECOND / 2).await;
    assert_eq!(fake.requests(), (2, 1), "the first attempt waits for the old keys");
    fake.behave(Behaviour::Normal);
    fake.publish(vec![key("new")]);
    sleep(SECOND).await;
    assert!(is_found(&issuer.known_key("new")));
    sleep(8 * SECOND).await;
    assert!(is_found(&issuer.known_key("new")));
}

#[tokio::test(start_paused = true)]
async fn keys_too_old_to_be_trusted_are_back_a_second_after_their_issuer() {
    for behaviour in [Behaviour::Fails, Behaviour::Hangs] {
        let fake = FakeIssuer::of(&["k"]);
        let issuer = fake.started(TENANT, settings()).await;
        fake.behave(behaviour);
        sleep(MAX_AGE - SECOND).await;
        assert!(is_found(&issuer.known_key("k")), "{behaviour:?}");
        // Once each cooldown, after the first hour.
        let (before, _) = fake.requests();
        assert!((23 * 60..=23 * 60 + 1).contains(&before), "{behaviour:?}: {before}");
        sleep(SECOND + A_MOMENT).await;
        assert!(is_unavailable(&issuer.known_key("k")), "{behaviour:?}");
        sleep(90 * SECOND).await;
        let asked = fake.requests().0 - before;
        assert!((90..=93).contains(&asked), "each second from then on: {behaviour:?}: {asked}");
        fake.behave(Behaviour::Normal);
        sleep(SECOND).await;
        assert!(is_found(&issuer.known_key("k")), "{behaviour:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_check_that_waits_while_the_keys_become_too_old_gets_its_key_from_whoever_succeeds_first()
{
    let fake = FakeIssuer::of(&["k"]);
    let (refresh_interval, cooldown, max_age) = (10 * SECOND, SECOND, 12 * SECOND);
    let issuer = fake.started(TENANT, Keys { refresh_interval, cooldown, max_age }).await;
    let began = Instant::now();
    fake.behave(Behaviour::Hangs);
    fake.publish(vec![key("new")]);
    sleep(11 * SECOND).await;
    let check = {
        let issuer = Arc::clone(&issuer);
        tokio::spawn(async move { issuer.awaited_key("new", Instant::now() + HOUR).await })
    };
    sleep(SECOND + A_MOMENT).await;
    // One that began in time and one that begins because the keys are too old.
    assert_eq!((fake.under_way(), check.is_finished()), (2, false));
    assert!(is_unavailable(&issuer.known_key("k")));
    fake.behave(Behaviour::Normal);
    assert!(is_found(&check.await.unwrap()));
    // The request before them hangs until the fifteenth second.
    assert_eq!((began.elapsed().as_secs(), fake.under_way()), (13, 0));
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
    let (log, _listening) = listen();
    let fake = FakeIssuer::of(&["k"]);
    fake.behave(Behaviour::Fails);
    let issuer = fake.start(TENANT, settings());
    // What hung ends among the pages of HTML, and is no news by then.
    for behaviour in [Behaviour::Fails, Behaviour::Hangs, Behaviour::Html] {
        fake.behave(behaviour);
        sleep(100 * SECOND).await;
    }
    fake.behave(Behaviour::Normal);
    sleep(2 * SECOND).await;
    assert!(issuer.has_keys());
    let text = log.text();
    assert_eq!(text.matches("could not be refreshed").count(), 3, "{text}");
    assert_eq!(text.matches("can be refreshed again").count(), 1, "{text}");
}

#[tokio::test(start_paused = true)]
async fn what_is_logged_of_a_key_set_is_bounded() {
    let (log, _listening) = listen();
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

/// What this test logs from now on, for as long as the second value lives.
fn listen() -> (Log, impl Sized) {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt().with_writer(move || writer.clone()).finish();
    // While there is one subscriber in all, a line that another test's thread reaches first is
    // taken for one that nobody wants: that thread alone is asked, and has none.
    let second = Dispatch::new(NoSubscriber::default());
    (log, (set_default(subscriber), second))
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
