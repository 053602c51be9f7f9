//! Applications that nobody asks for.

use futures_util::{StreamExt, stream};
use serde_json::{Value, json};

use crate::{
    objects::{application, registration},
    support::cluster::Cluster,
};

/// Of each application.
const RULES: usize = 10;
const NAMESPACES: usize = 100;
/// Objects written at once.
const AT_ONCE: usize = 32;

/// Writes so many applications, each with ten consumers that have client ids, and registrations.
pub async fn create(cluster: &Cluster, applications: usize) {
    stream::iter(0..applications)
        .for_each_concurrent(AT_ONCE, async |number| {
            cluster.apply(&manifest(cluster, number, applications)).await;
            cluster.apply(&registered(cluster, number, applications)).await;
        })
        .await;
}

fn manifest(cluster: &Cluster, number: usize, applications: usize) -> Value {
    let host = format!("app-{number}.test");
    let mut object = application(&namespace(cluster, number), &name(number), &host, &[]);
    let rules: Vec<_> = consumers(number, applications)
        .map(|consumer| json!({"application": name(consumer), "namespace": namespace(cluster, consumer)}))
        .collect();
    object["spec"]["accessPolicy"]["inbound"]["rules"] = rules.into();
    // What a usual manifest has beside that.
    object["spec"]["resources"] =
        json!({"limits": {"memory": "512Mi"}, "requests": {"cpu": "50m"}});
    object["spec"]["env"] =
        json!([{"name": "JAVA_TOOL_OPTIONS", "value": "-XX:MaxRAMPercentage=75"}]);
    object["metadata"]["labels"] = json!({"team": namespace(cluster, number), "app": name(number)});
    object
}

fn registered(cluster: &Cluster, number: usize, applications: usize) -> Value {
    let mut object = registration(&namespace(cluster, number), &name(number), &client_id(number));
    let assigned: Vec<_> = consumers(number, applications)
        .map(|consumer| {
            json!({
                "accessPolicyRule": {
                    "application": name(consumer),
                    "namespace": namespace(cluster, consumer),
                    "cluster": "test",
                },
                "clientId": client_id(consumer),
            })
        })
        .collect();
    object["status"]["preAuthorizedApps"] = json!({"assigned": assigned});
    object
}

fn consumers(number: usize, applications: usize) -> impl Iterator<Item = usize> {
    (1..=RULES).map(move |step| (number + 7 * step) % applications)
}

fn name(number: usize) -> String {
    format!("app-{number}")
}

fn namespace(cluster: &Cluster, number: usize) -> String {
    cluster.namespace(&format!("team-{}", number % NAMESPACES))
}

fn client_id(number: usize) -> String {
    format!("00000000-0000-4000-8000-{number:012}")
}
