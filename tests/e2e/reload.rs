//! Documents change under load, and break.

use std::{
    fs,
    os::unix::fs::symlink,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use serde_json::json;

use crate::support::{
    Answer, Issuer, Portvakt, Token, World,
    documents::{self, AUDIT, FOREIGN, HOME, ORDER_DESK, WEBSHOP, replace},
    load::Load,
    until,
    wait::until_equal,
    world::configuration,
};

const ORDERS: &str = include_str!("documents/orders-api.yaml");
const OTHERS: &str = include_str!("documents/others.yaml");
const CLEAN_RELOADS: &str = "portvakt_reloads_total{outcome=\"success\"}";
const PARTIAL_RELOADS: &str = "portvakt_reloads_total{outcome=\"partial\"}";

/// What the upstream is told in each of two generations: the consumer's name and the group.
const GENERATIONS: [(&str, &str); 2] =
    [("test:team-orders:webshop", ORDER_DESK), ("test:team-orders:shop", AUDIT)];

/// The document of a generation.
fn document((consumer, group): (&str, &str)) -> String {
    let (_, name) = consumer.rsplit_once(':').unwrap();
    ORDERS
        .replace("application: webshop", &format!("application: {name}"))
        .replace(&format!("          - id: {ORDER_DESK}\n"), "")
        .replace(&format!("          - id: {AUDIT}\n"), &format!("          - id: {group}\n"))
}

/// A user of both generations' groups.
fn token(world: &World) -> String {
    let token = Token::of_user(WEBSHOP).claim("groups", json!([ORDER_DESK, AUDIT]));
    world.issuer.issue(HOME, &token)
}

/// Which generation an answer is of.
fn generation(answer: &Answer) -> Option<usize> {
    if answer.status != 200 {
        return None;
    }
    let received = answer.received();
    let told = ["x-caller-application", "x-caller-groups"].map(|name| received.all(name).join(","));
    GENERATIONS.iter().position(|(consumer, group)| told == [*consumer, *group])
}

/// Until the answers are of a generation.
async fn until_generation(world: &World, token: &str, which: usize) {
    let seen = async || generation(&world.get("/").bearer(token).send().await);
    until_equal(Some(which), seen).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn under_fifty_replacements_a_second_each_answer_is_of_one_generation() {
    let world = World::start().await;
    let token = token(&world);
    let file = world.documents().join("orders-api.yaml");
    let documents = GENERATIONS.map(document);
    replace(&file, &documents[0]);
    until_generation(&world, &token, 0).await;

    let seen = Arc::<[AtomicUsize; 2]>::default();
    let counts = Arc::clone(&seen);
    let load = Load::start(&world.envoy, &token, move |answer| {
        let Some(which) = generation(answer) else { return false };
        counts[which].fetch_add(1, Ordering::Relaxed);
        true
    });
    // The rate is the load; what is waited for is that both generations were seen often.
    let mut rhythm = tokio::time::interval(Duration::from_millis(20));
    let mut replacements = 0;
    while replacements < 150 || seen.iter().any(|count| count.load(Ordering::Relaxed) < 50) {
        assert!(replacements < 3000, "only one generation is seen: {seen:?}");
        rhythm.tick().await;
        replacements += 1;
        replace(&file, &documents[replacements % 2]);
    }
    replace(&file, &documents[1]);
    until_generation(&world, &token, 1).await;
    load.stop().await;
    assert!(world.portvakt.metric(CLEAN_RELOADS).await > Some(10.0));
    assert_eq!(world.portvakt.metric(PARTIAL_RELOADS).await, Some(0.0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_document_keeps_its_last_good_version_and_hurts_no_other() {
    let world = World::start().await;
    let token = token(&world);
    assert_eq!(world.portvakt.metric(PARTIAL_RELOADS).await, Some(0.0));

    let broken = ORDERS.replace("  accessPolicy:\n", "  accessPolicy: [\n");
    replace(&world.documents().join("orders-api.yaml"), &broken);
    // Another file changes in the same breath: it must count at once.
    let others = OTHERS.replace("mailbox.test", "letterbox.test");
    replace(&world.documents().join("others.yaml"), &others);
    until_equal(Some("token_missing".to_owned()), async || {
        world.get("/").host("letterbox.test").send().await.reason()
    })
    .await;
    until("the reload to be counted as partial", async || {
        (world.portvakt.metric(PARTIAL_RELOADS).await > Some(0.0)).then_some(())
    })
    .await;
    let logged = world.portvakt.log.event("code", "yaml_syntax").await;
    let place: Vec<_> = logged["place"].as_str().unwrap().rsplit(':').collect();
    let [column, line, file] = place[..] else { panic!("no place: {logged}") };
    assert!(file.ends_with("/orders-api.yaml"), "{logged}");
    assert!(line.parse::<u32>().unwrap() > 1 && column.parse::<u32>().unwrap() > 0, "{logged}");
    world.get("/").bearer(&token).send().await.received();

    replace(&world.documents().join("orders-api.yaml"), &document(GENERATIONS[1]));
    until_generation(&world, &token, 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_like_a_config_map_is_swapped_whole() {
    let world = World::start().await;
    let token = token(&world);
    // As kubelets do it: files are links through `..data`, which is replaced by renaming.
    let folder = world.documents();
    let mount = |version: &str, text: &str| {
        fs::create_dir(folder.join(version)).unwrap();
        fs::write(folder.join(version).join("orders-api.yaml"), text).unwrap();
        symlink(version, folder.join("..new")).unwrap();
        fs::rename(folder.join("..new"), folder.join("..data")).unwrap();
    };
    mount("..1", &document(GENERATIONS[0]));
    fs::remove_file(folder.join("orders-api.yaml")).unwrap();
    symlink("..data/orders-api.yaml", folder.join("orders-api.yaml")).unwrap();
    until_generation(&world, &token, 0).await;
    mount("..2", &document(GENERATIONS[1]));
    until_generation(&world, &token, 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hang_up_has_the_documents_read_anew() {
    let world = World::start().await;
    let before = world.portvakt.metric(CLEAN_RELOADS).await;
    world.portvakt.signal("HUP");
    world.portvakt.log.event("message", "asked to reload").await;
    until("the documents to be read anew", async || {
        (world.portvakt.metric(CLEAN_RELOADS).await > before).then_some(())
    })
    .await;
    world.get("/").bearer(&token(&world)).send().await.received();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_document_counts_with_the_first_only_while_both_say_the_same() {
    let world = World::start().await;
    let token = token(&world);
    let copy = world.documents().join("copy.yaml");
    replace(&copy, ORDERS);
    let logged = world.portvakt.log.event("code", "duplicate_document").await;
    assert_eq!(logged["level"], "WARN", "{logged}");
    world.get("/").bearer(&token).send().await.received();

    let reason = async || world.get("/").bearer(&token).send().await.reason();
    replace(&copy, &document(GENERATIONS[1]));
    until_equal(Some("application_disabled".to_owned()), reason).await;
    fs::remove_file(&copy).unwrap();
    until_equal(None, reason).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_in_force_before_every_path_was_read_and_each_speaks_for_its_namespaces() {
    let folder = tempfile::tempdir().unwrap();
    documents::write(&folder.path().join("applications"));
    let issuer = Issuer::start(&[HOME, FOREIGN]);
    let paths = json!(["applications", {"path": "shop", "namespaces": ["team-shop"]}]);
    let config = configuration(&issuer, json!({"applications": {"paths": paths}}));
    let portvakt = Portvakt::start(folder.path(), &config).await;
    let logged = portvakt.log.event("code", "file_unreadable").await;
    let message = logged["message"].as_str().unwrap();
    assert!(message.contains("/shop") && message.contains("applications.paths"), "{message}");
    until("the keys to be there, and the documents not", async || {
        let (status, text) = portvakt.admin("/readyz").await;
        assert_eq!(status, 503, "{text}");
        (text.contains("documents") && !text.contains("keys")).then_some(())
    })
    .await;
    assert_eq!(portvakt.metric("portvakt_applications").await, Some(0.0));

    // A team that describes another's application contradicts nothing.
    fs::create_dir(folder.path().join("new")).unwrap();
    fs::write(folder.path().join("new/orders-api.yaml"), document(GENERATIONS[1])).unwrap();
    fs::rename(folder.path().join("new"), folder.path().join("shop")).unwrap();
    let portvakt = portvakt.ready().await;
    portvakt.log.event("code", "foreign_namespace").await;
    let is_duplicate = |event: &serde_json::Value| event["code"] == "duplicate_document";
    assert!(!portvakt.log.events().iter().any(is_duplicate));
    assert_eq!(portvakt.metric("portvakt_applications").await, Some(7.0));
}
