//! The service under measurement and its issuer.

use std::{fs, net::SocketAddr, time::Duration};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{
    Issuer, Portvakt,
    documents::{self, HOME},
    world::configuration,
};

/// When the issuer is asked for its keys.
#[derive(Debug, Clone, Copy)]
pub struct Keys {
    pub refresh_interval: Duration,
    pub cooldown: Duration,
}

pub struct Subject {
    pub portvakt: Portvakt,
    pub issuer: Issuer,
    _folder: TempDir,
}

impl Subject {
    /// A service that knows where the keys are, so that each refresh is a single request.
    pub async fn start(keys: Keys) -> Self {
        let issuer = Issuer::start(&[HOME]);
        let name = issuer.name(HOME);
        let jwks_uri = name.replace("/v2.0", "/discovery/v2.0/keys");
        let tenant = json!({"issuer": name, "jwks_uri": jwks_uri});
        let changes = json!({"entra": {"tenants": [tenant], "keys": keys.settings()}});
        let subject = Self::with(issuer, changes).await;
        Self { portvakt: subject.portvakt.ready().await, ..subject }
    }

    /// A service that may not be ready yet.
    pub async fn with(issuer: Issuer, changes: Value) -> Self {
        let folder = tempfile::Builder::new().prefix("portvakt-faults-").tempdir().unwrap();
        documents::write(&folder.path().join("applications"));
        let mut config = configuration(&issuer, changes);
        config["limits"]["deadline"] = "1s".into();
        // Holds the tokens of usual checks, and a few of the others.
        config["token_cache"]["max_bytes"] = (64 << 10).into();
        let portvakt = Portvakt::start(folder.path(), &config).await;
        Self { portvakt, issuer, _folder: folder }
    }

    pub fn address(&self) -> SocketAddr {
        self.portvakt.address()
    }

    /// How often the keys were refreshed with this outcome.
    pub async fn refreshes(&self, outcome: &str) -> usize {
        let issuer = self.issuer.name(HOME);
        let series =
            format!("portvakt_jwks_refreshes_total{{issuer=\"{issuer}\",outcome=\"{outcome}\"}}");
        self.portvakt.metric(&series).await.unwrap_or(0.0) as usize
    }

    /// CPU time so far of all its threads, by the scheduler's own nanoseconds
    /// (`/proc/PID/task/TID/schedstat`, the first figure).
    pub fn cpu(&self) -> Duration {
        let tasks = fs::read_dir(format!("/proc/{}/task", self.portvakt.id())).unwrap();
        let nanoseconds = tasks.map(|task| {
            let text = fs::read_to_string(task.unwrap().path().join("schedstat"));
            // A thread may end meanwhile.
            let figure = text.ok().and_then(|text| text.split(' ').next()?.parse::<u64>().ok());
            figure.unwrap_or(0)
        });
        Duration::from_nanos(nanoseconds.sum())
    }
}

impl Keys {
    fn settings(self) -> Value {
        let text = |time: Duration| format!("{}ms", time.as_millis());
        json!({"refresh_interval": text(self.refresh_interval), "cooldown": text(self.cooldown)})
    }

    /// How many requests the cooldown allows in this time, one at its beginning included.
    pub fn allowed_requests(self, time: Duration) -> usize {
        1 + usize::try_from(time.as_millis() / self.cooldown.as_millis()).unwrap()
    }
}
