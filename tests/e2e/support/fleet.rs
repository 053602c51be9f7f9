//! Two instances behind a real Envoy, which can be stopped and started anew in turn.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::{
    Envoy, Issuer, Portvakt, Release, Upstream,
    documents::{self, FOREIGN, HOME},
    envoy::Config,
    splitter::Splitter,
    until,
    world::configuration,
};

/// Each of Envoy's workers has connections of its own.
const WORKERS: u32 = 3;
/// The shipped interval of health checks, and Envoy's own time for passing on what they tell: each
/// a tenth as long.
const HEALTH_CHECKS: &str = "0.2s";
const PASSED_ON: &str = "0.1s";
/// Of so many checks it is looked at who answered them.
const MOMENT: f64 = 150.0;
/// The share that each instance has where checks are spread.
const QUARTER: f64 = 0.25;

/// How Envoy comes to the instances.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// It knows each of them, and chooses one for each check.
    Endpoints,
    /// It knows one address, where an instance is chosen for each connection, as by a ClusterIP.
    OneAddress,
}

/// Two instances and what is around them.
pub struct Fleet {
    // First, so that what asks ends before what is asked.
    pub envoy: Envoy,
    _splitter: Option<Splitter>,
    pub instances: [Instance; 2],
    pub issuer: Issuer,
    _upstream: Upstream,
    _folder: TempDir,
}

/// A service at addresses that stay the same.
pub struct Instance {
    pub portvakt: Portvakt,
    config: Value,
    folder: TempDir,
}

/// How checks were spread over the instances when that was waited for.
#[derive(Debug, Clone, Copy)]
pub struct Spread {
    /// Of the last moment.
    pub shares: [f64; 2],
    pub after: Duration,
}

impl Spread {
    /// Whether each instance had a quarter at least.
    pub fn is_reached(self) -> bool {
        self.shares.iter().all(|share| *share >= QUARTER)
    }
}

impl Fleet {
    /// With members of the instances' configuration changed.
    pub async fn start(way: Way, changes: &Value) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let issuer = Issuer::start(&[HOME, FOREIGN]);
        let instances =
            [Instance::start(&issuer, changes).await, Instance::start(&issuer, changes).await];
        let upstream = Upstream::start().await;
        let services = instances.each_ref().map(|instance| &instance.portvakt);
        let (splitter, addresses) = match way {
            Way::Endpoints => (None, services.map(Portvakt::address).to_vec()),
            Way::OneAddress => {
                let splitter = Splitter::start(services).await;
                let address = splitter.address;
                (Some(splitter), vec![address])
            }
        };
        let config = asking_at(&addresses, &upstream);
        let envoy = Envoy::start(Release::Current, folder.path(), &config).await;
        until("Envoy to see every endpoint healthy", async || {
            let healthy = envoy.statistic("cluster.portvakt.membership_healthy").await;
            (healthy == addresses.len() as u64).then_some(())
        })
        .await;
        Self { envoy, _splitter: splitter, instances, issuer, _upstream: upstream, _folder: folder }
    }

    /// Which share of the next so many checks each instance answers.
    pub async fn shares(&self, checks: f64) -> [f64; 2] {
        let before = self.counts().await;
        until("as many checks", async || {
            let now = self.counts().await;
            let since = [now[0] - before[0], now[1] - before[1]];
            let total = since[0] + since[1];
            (total >= checks).then(|| since.map(|count| count / total))
        })
        .await
    }

    /// Waits until each instance has a quarter of the checks of a moment, no longer than `most`.
    pub async fn spread(&self, most: Duration) -> Spread {
        let began = Instant::now();
        loop {
            let spread = Spread { shares: self.shares(MOMENT).await, after: began.elapsed() };
            if spread.is_reached() || spread.after > most {
                return spread;
            }
        }
    }

    async fn counts(&self) -> [f64; 2] {
        let [first, second] = &self.instances;
        [first.portvakt.checks().await, second.portvakt.checks().await]
    }
}

impl Instance {
    async fn start(issuer: &Issuer, changes: &Value) -> Self {
        let folder = tempfile::tempdir().unwrap();
        documents::write(&folder.path().join("applications"));
        let mut config = configuration(issuer, changes.clone());
        let portvakt = Portvakt::start(folder.path(), &config).await.ready().await;
        config["listen"]["ext_authz"] = (*portvakt.listeners[0]).into();
        config["listen"]["admin"] = portvakt.admin_address().into();
        Self { portvakt, config, folder }
    }

    /// Asks it to stop, and starts it anew once it has, as it should.
    pub async fn restart(&mut self) {
        self.portvakt.signal("TERM");
        let ended = self.portvakt.ended().await;
        assert_eq!(ended.code(), Some(0), "{}", self.portvakt.log.text());
        for message in ["asked to stop", "drained", "stopped"] {
            self.portvakt.log.event("message", message).await;
        }
        self.portvakt = Portvakt::start(self.folder.path(), &self.config).await.ready().await;
    }
}

/// Several workers, endpoints that are looked up, and health checks in quick succession.
fn asking_at(addresses: &[SocketAddr], upstream: &Upstream) -> Config {
    let addresses: Vec<_> = addresses.iter().map(ToString::to_string).collect();
    let addresses: Vec<_> = addresses.iter().map(String::as_str).collect();
    let mut config = Config::shipped(&addresses, upstream).workers(WORKERS);
    let cluster = config.portvakt();
    cluster["type"] = "STRICT_DNS".into();
    cluster["common_lb_config"] = json!({"update_merge_window": PASSED_ON});
    let check = &mut cluster["health_checks"][0];
    check["interval"] = HEALTH_CHECKS.into();
    check["no_traffic_interval"] = HEALTH_CHECKS.into();
    config
}
