//! The objects of these tests.

use serde_json::{Value, json};

use crate::support::{
    cluster::Cluster,
    documents::{NEWSLETTER, ORDERS_API, WEBSHOP},
    world::HOST,
};

/// An application that is found by a host and grants others of its namespace.
pub fn application(namespace: &str, name: &str, host: &str, consumers: &[&str]) -> Value {
    let rules: Vec<_> = consumers.iter().map(|name| json!({"application": name})).collect();
    json!({
        "apiVersion": "nais.io/v1alpha1", "kind": "Application",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "image": format!("registry.test/{name}:1"),
            "ingresses": [format!("https://{host}")],
            "azure": {"application": {"enabled": true}},
            "accessPolicy": {"inbound": {"rules": rules}},
        },
    })
}

/// The registration of an application in Entra ID.
pub fn registration(namespace: &str, name: &str, client_id: &str) -> Value {
    json!({
        "apiVersion": "nais.io/v1", "kind": "AzureAdApplication",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"secretName": format!("azure-{name}")},
        "status": {"clientId": client_id},
    })
}

/// orders-api, which grants these consumers.
pub fn orders_api(cluster: &Cluster, consumers: &[&str]) -> Value {
    application(&cluster.namespace("orders"), "orders-api", HOST, consumers)
}

/// The registrations of orders-api, webshop and newsletter, all of one namespace.
pub fn registrations(cluster: &Cluster) -> [Value; 3] {
    let namespace = cluster.namespace("orders");
    [("orders-api", ORDERS_API), ("webshop", WEBSHOP), ("newsletter", NEWSLETTER)]
        .map(|(name, client_id)| registration(&namespace, name, client_id))
}

/// Creates orders-api, which grants webshop and not newsletter, and the registrations.
pub async fn create(cluster: &Cluster) {
    cluster.apply(&orders_api(cluster, &["webshop"])).await;
    for registration in registrations(cluster) {
        cluster.apply(&registration).await;
    }
}

/// With more levels than are read, as servers let pass.
pub fn deep(mut application: Value) -> Value {
    application["spec"]["env"] = (0..200).fold(json!([]), |inner, _| json!([inner]));
    application
}

/// An error of its author, which every API server lets pass: no client id.
pub fn broken(mut application: Value) -> Value {
    application["metadata"]["annotations"] = json!({"portvakt.dev/client-id": "orders"});
    application
}
