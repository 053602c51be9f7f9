//! Documents change under load, and break.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use serde_json::json;

use crate::support::{
    Token, World,
    documents::{AUDIT, ORDER_DESK, WEBSHOP, replace},
    until,
    wait::until_equal,
    world::{HOST, client},
};

const REPLACEMENTS: usize = 150;
const PER_SECOND: u64 = 50;

/// One of the two generations: what the consumer is called and which group counts.
fn generation(consumer: &str, group: &str) -> String {
    include_str!("documents/orders-api.yaml")
        .replace("application: webshop", &format!("application: {consumer}"))
        .replace(&format!("          - id: {ORDER_DESK}\n"), "")
        .replace(&format!("          - id: {AUDIT}\n"), &format!("          - id: {group}\n"))
}

#[tokio::test(flavor = "multi_thread")]
async fn under_replacements_each_answer_is_of_one_generation() {
    let world = World::start().await;
    let token = Token::of_user(WEBSHOP).claim("groups", json!([ORDER_DESK, AUDIT]));
    let token = world.issuer.issue(crate::support::documents::HOME, &token);
    let done = Arc::new(AtomicBool::new(false));
    let seen = Arc::new([AtomicUsize::new(0), AtomicUsize::new(0)]);
    let generations = [("webshop", ORDER_DESK), ("shop", AUDIT)];
    let texts = generations.map(|(consumer, group)| generation(consumer, group));
    let file = world.documents().join("orders-api.yaml");
    replace(&file, &texts[0]);
    until_equal(Some(ORDER_DESK.to_owned()), async || {
        let answer = world.get("/").bearer(&token).send().await;
        Some(answer.received().all("x-caller-groups").join(","))
    })
    .await;

    let load: Vec<_> = (0..4)
        .map(|_| {
            let (url, token) = (format!("http://{}/", world.envoy.address), token.clone());
            let (done, seen) = (Arc::clone(&done), Arc::clone(&seen));
            tokio::spawn(async move {
                let client = client();
                while !done.load(Ordering::Relaxed) {
                    let request = client.get(&url).header("host", HOST).bearer_auth(&token);
                    let answer = crate::support::Answer::read(request.send().await.unwrap()).await;
                    let received = answer.received();
                    let told = (
                        received.all("x-caller-application").join(","),
                        received.all("x-caller-groups").join(","),
                    );
                    let is_told = |(consumer, group): &(&str, &str)| {
                        told == (format!("test:team-orders:{consumer}"), (*group).to_owned())
                    };
                    let which = generations.iter().position(is_told);
                    let which = which.unwrap_or_else(|| panic!("of no generation: {told:?}"));
                    seen[which].fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();

    // The rate is the load, not what is waited for.
    let mut rhythm = tokio::time::interval(std::time::Duration::from_millis(1000 / PER_SECOND));
    let both = || seen.iter().all(|count| count.load(Ordering::Relaxed) > 0);
    let mut replacements = 0;
    while replacements < REPLACEMENTS || !both() {
        assert!(replacements < 20 * REPLACEMENTS, "only one generation was ever seen");
        rhythm.tick().await;
        replace(&file, &texts[replacements % 2]);
        replacements += 1;
    }
    replace(&file, &texts[1]);
    until_equal(Some(AUDIT.to_owned()), async || {
        let answer = world.get("/").bearer(&token).send().await;
        Some(answer.received().all("x-caller-groups").join(","))
    })
    .await;
    done.store(true, Ordering::Relaxed);
    for task in load {
        task.await.unwrap();
    }
    assert!(
        world.portvakt.metric("portvakt_reloads_total{outcome=\"success\"}").await > Some(10.0)
    );
    assert_eq!(
        world.portvakt.metric("portvakt_reloads_total{outcome=\"partial\"}").await,
        Some(0.0)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_document_keeps_its_last_good_version_and_hurts_no_other() {
    let world = World::start().await;
    let token = Token::of_application(WEBSHOP);
    let partial = "portvakt_reloads_total{outcome=\"partial\"}";
    assert_eq!(world.portvakt.metric(partial).await, Some(0.0));

    let good = include_str!("documents/orders-api.yaml");
    let broken = good.replace("  accessPolicy:\n", "  accessPolicy: [\n");
    replace(&world.documents().join("orders-api.yaml"), &broken);
    // Another file changes in the same breath: it must count at once.
    let others = include_str!("documents/others.yaml").replace("mailbox.test", "letterbox.test");
    replace(&world.documents().join("others.yaml"), &others);

    until("the reload to be counted", async || {
        (world.portvakt.metric(partial).await > Some(0.0)).then_some(())
    })
    .await;
    let line = world.portvakt.log.event("code", "yaml_syntax").await;
    let place = line["place"].as_str().unwrap();
    assert!(place.contains("orders-api.yaml:"), "{line}");
    assert!(place.rsplit(':').nth(1).unwrap().parse::<u32>().unwrap() > 1, "{line}");
    world.get("/").token(&token).send().await.received();
    until_equal("token_missing".to_owned(), async || {
        world.get("/").host("letterbox.test").send().await.reason().unwrap()
    })
    .await;

    // Put right, without its rules.
    let (without_rules, registration) = (good.split("  accessPolicy").next().unwrap(), "");
    let registration = format!("{registration}{}", &good[good.find("---").unwrap()..]);
    let registration = registration.split("  preAuthorizedApps").next().unwrap().to_owned();
    replace(&world.documents().join("orders-api.yaml"), &format!("{without_rules}{registration}"));
    until_equal(Some("consumer_not_granted".to_owned()), async || {
        world.get("/").token(&token).send().await.reason()
    })
    .await;
    assert!(world.portvakt.metric("portvakt_reloads_total{outcome=\"success\"}").await > Some(0.0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_like_a_config_map_is_swapped_whole() {
    use std::{fs, os::unix::fs::symlink};

    let world = World::start().await;
    // As kubelets do it: files are links through `..data`, which is replaced by renaming.
    let folder = world.documents();
    let mount = |name: &str, text: &str| {
        let version = folder.join(name);
        fs::create_dir(&version).unwrap();
        fs::write(version.join("orders-api.yaml"), text).unwrap();
        symlink(name, folder.join("..new")).unwrap();
        fs::rename(folder.join("..new"), folder.join("..data")).unwrap();
    };
    mount("..1", &generation("webshop", ORDER_DESK));
    fs::remove_file(folder.join("orders-api.yaml")).unwrap();
    symlink("..data/orders-api.yaml", folder.join("orders-api.yaml")).unwrap();
    let token = Token::of_user(WEBSHOP).claim("groups", json!([ORDER_DESK, AUDIT]));
    let groups = async || {
        let answer = world.get("/").token(&token).send().await;
        (answer.status == 200).then(|| answer.received().all("x-caller-groups").join(","))
    };
    until_equal(Some(ORDER_DESK.to_owned()), groups).await;
    mount("..2", &generation("shop", AUDIT));
    until_equal(Some(AUDIT.to_owned()), groups).await;
}
