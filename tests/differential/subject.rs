//! What is under test: the authorizer as the service makes it, with keys from an issuer on
//! loopback, one document, and a clock that stands still.

use std::{fs, sync::Arc, time::Duration};

use axum::{Json, Router, routing::get};
use portvakt::{
    clock::Clock,
    config::{self, Environment},
    decision::Decision,
    frontend::ext_authz::Shared,
    request::{Authorization, Request},
    service::{Service, Signals},
};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{net::TcpListener, task::JoinHandle, time::sleep};

use super::trusted::{ISSUER, NOW, TENANT};

const DOCUMENT: &str = include_str!("../e2e/documents/orders-api.yaml");

/// A service that answers no network, only [`Subject::decide`].
pub struct Subject {
    shared: Arc<Shared>,
    running: JoinHandle<()>,
    _folder: TempDir,
}

impl Subject {
    /// With this key set, once it is loaded.
    pub async fn start(key_set: Value) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("orders-api.yaml"), DOCUMENT).unwrap();
        let file = folder.path().join("portvakt.yaml");
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let configuration = json!({
            "cluster": "test",
            "listen": {"ext_authz": "127.0.0.1:0", "admin": "127.0.0.1:0"},
            "entra": {
                "tenants": [{
                    "issuer": ISSUER,
                    "tenant_id": TENANT,
                    "jwks_uri": format!("http://{}/keys", listener.local_addr().unwrap()),
                }],
                "keys": {"cooldown": "1h"},
            },
            "applications": {"paths": [folder.path().join("orders-api.yaml")]},
            "target": {"default_application": "test:team-orders:orders-api"},
            "limits": {"deadline": "8s"},
        });
        fs::write(&file, configuration.to_string()).unwrap();
        let keys = get(|| async { Json(key_set) });
        let router = Router::new().route("/keys", keys);
        tokio::spawn(async { axum::serve(listener, router).await });

        let config = config::read(Some(&file), &Environment::default()).unwrap().config;
        let service = Service::bind(config, Clock::new(|| NOW)).await.unwrap();
        let (shared, status) = (service.shared(), service.status());
        let signals = Signals::of_process().unwrap();
        let running = tokio::spawn(async { service.run(signals).await.unwrap() });
        for _ in 0..3000 {
            if status.is_ready() {
                return Self { shared, running, _folder: folder };
            }
            sleep(Duration::from_millis(10)).await;
        }
        panic!("not ready: {:?}", status.missing());
    }

    /// The reason code for this bearer token, and whether it is let through.
    pub async fn decide(&self, token: &str) -> (bool, &'static str) {
        let header = format!("Bearer {token}");
        let request = Request {
            method: "GET",
            path: "/",
            authorization: Authorization::Value(&header),
            ..Request::default()
        };
        let decision = self.shared.authorizer.authorize(&request, ()).await.decision;
        (matches!(decision, Decision::Allow(_)), decision.code())
    }
}

impl Drop for Subject {
    fn drop(&mut self) {
        self.running.abort();
    }
}
