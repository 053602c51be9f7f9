//! Each kind of failure is counted, and told in lines of a sane length.

use serde_json::json;

use super::{objects::create, scene::Scene};
use crate::support::{
    api_server::{ApiServer, Failure, Mood, Resource::Registrations, Verb::List},
    cluster::Cluster,
    until,
};

async fn failures(scene: &Scene, kind: &str) -> Option<f64> {
    let labels = format!("{{kind=\"{kind}\",resource=\"azureadapplications\"}}");
    scene.portvakt.metric(&format!("portvakt_kubernetes_failures_total{labels}")).await
}

/// A cluster whose server answers lists of registrations by this mood, and who asks it.
async fn scene(mood: Mood) -> (ApiServer, Scene, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let api = ApiServer::start();
    let cluster = Cluster::served_by(&api, folder.path()).await;
    create(&cluster).await;
    api.behave(Registrations, List, mood);
    let scene = Scene::begin(&cluster, json!({})).await;
    (api, scene, folder)
}

#[tokio::test(flavor = "multi_thread")]
async fn failures_are_counted_by_their_kind() {
    let refusing = Mood::Refusing;
    for (mood, kind) in [
        (refusing(Failure::Unauthorized), "unauthorized"),
        (refusing(Failure::Forbidden), "forbidden"),
        (refusing(Failure::NoSuchResource), "missing"),
        (refusing(Failure::Expired), "expired"),
        (refusing(Failure::InternalError), "refused"),
        (Mood::Babbling, "unreadable"),
        (Mood::Endless, "too_large"),
        (Mood::Breaking, "unreachable"),
    ] {
        let (api, scene, _folder) = scene(mood).await;
        until(kind, async || (failures(&scene, kind).await? > 0.0).then_some(())).await;
        let other = if kind == "forbidden" { "unreachable" } else { "forbidden" };
        assert_eq!(failures(&scene, other).await, Some(0.0), "{kind}");
        api.behave(Registrations, List, Mood::Normal);
        scene.ready().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_server_says_is_cut_and_escaped() {
    let said = format!("\u{1b}[31m\n{}", "ø".repeat(100_000)).leak();
    let (_api, scene, _folder) = scene(Mood::Refusing(Failure::Invalid(said))).await;
    scene.until_logged("WARN", &["azureadapplications.nais.io", "ø"]).await;
    let text = scene.portvakt.log.text();
    let lines = text.lines().filter(|line| line.contains('ø')).collect::<Vec<_>>();
    let [line] = lines[..] else { panic!("{} lines", lines.len()) };
    assert!(line.chars().count() < 1000, "{line}");
    assert!(!line.contains('\u{1b}') && line.contains("[31m"), "{line}");
}
