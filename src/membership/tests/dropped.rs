//! Look-ups that end at each of their waits, as they do when they take longer than they may.

use super::*;
use crate::dropped::dropped_at;

#[tokio::test]
async fn a_look_up_that_is_dropped_at_any_wait_keeps_no_other_from_its_answer() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("secret");
    std::fs::write(&file, "hunter2").unwrap();
    // By itself, or waiting for the access token that another one fetches.
    for is_second in [false, true] {
        let mut waits = 0;
        loop {
            let proof = ClientProof::SecretFile(file.clone());
            let World { graph, resolver, .. } =
                World::with(|settings| prove_by(settings, proof)).await;
            let (graph, tenant) = (Arc::new(graph), &resolver.tenants[&guid(TENANT)]);
            let question = question(USER, &[DESK]);
            if is_second {
                graph.login_behaves(Mood::Hanging);
            }
            let first = is_second.then(|| spawn_ask(tenant, &user(1)));
            if is_second {
                until(|| !graph.asked_for_tokens().is_empty()).await;
                let graph = Arc::clone(&graph);
                tokio::spawn(async move { graph.login_behaves(Mood::Normal) });
            }
            if let Some(answer) = dropped_at(waits + 1, tenant.ask(&question)).await {
                assert_eq!(*answer.unwrap(), [guid(DESK)]);
                break;
            }
            waits += 1;
            let again = time::timeout(PATIENCE, tenant.ask(&question)).await.unwrap();
            assert_eq!(*again.unwrap(), [guid(DESK)]);
            if let Some(first) = first {
                first.await.unwrap().unwrap();
                assert_eq!(graph.asked_for_tokens().len(), 1);
            }
        }
        assert!(waits > 2, "it waits for the secret, the token, and the answer: {waits}");
    }
}

fn spawn_ask(
    tenant: &Arc<tenant::Tenant>,
    user: &str,
) -> JoinHandle<Result<lookup::Groups, tenant::GraphError>> {
    let (tenant, question) = (Arc::clone(tenant), question(user, &[DESK]));
    tokio::spawn(async move { tenant.ask(&question).await })
}
