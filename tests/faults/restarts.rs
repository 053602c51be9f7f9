//! Instances are stopped and started anew under load, one after the other, behind a real Envoy
//! that asks after their health as the shipped configuration has it.

use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    support::{
        Envoy, Issuer, Portvakt, Release, Upstream,
        documents::{self, FOREIGN, HOME},
        envoy, until,
        world::configuration,
    },
    table::{Row, Table},
    traffic::Traffic,
};

/// Between two requests of a caller.
const PAUSE: Duration = Duration::from_millis(5);
/// Checks that each instance must have answered before the next one is stopped.
const CHECKS: f64 = 50.0;
/// The shipped interval of health checks, Envoy's own time for passing on what they tell, and the
/// usual delay of the service: each a tenth as long.
const HEALTH_CHECKS: &str = "0.2s";
const PASSED_ON: &str = "0.1s";
const DELAY: &str = "500ms";
/// After so many stops a line tells how far it is.
const TOLD: usize = 10;

/// Two instances and what is around them.
struct Fleet {
    instances: Vec<Instance>,
    envoy: Envoy,
    issuer: Issuer,
    _upstream: Upstream,
    _folder: TempDir,
}

/// A service at an address that stays the same.
struct Instance {
    portvakt: Portvakt,
    config: Value,
    folder: TempDir,
}

pub async fn measure(stops: usize) -> Table {
    let mut fleet = Fleet::start().await;
    let traffic = Traffic::start(&fleet.envoy, &fleet.issuer, PAUSE);
    for stop in 0..stops {
        if stop.is_multiple_of(TOLD) {
            println!("faults: restarts, stop {} of {stops}", stop + 1);
        }
        fleet.all_are_asked().await;
        fleet.instances[stop % 2].restart().await;
        fleet.all_are_healthy().await;
    }
    let seen = traffic.stop().await;
    for answer in &seen.unexpected {
        println!("faults: {answer}");
    }
    let undecided = fleet.envoy.statistic("http.inbound.ext_authz.error").await;
    let retries = fleet.envoy.statistic("cluster.portvakt.upstream_rq_retry").await;
    let heads =
        ["SIGTERM under load", "stops", "requests", "failed", "undecided", "wrong", "retries"];
    let mut table = Table::new(&heads);
    let row = Row::of("")
        .text(stops)
        .text(seen.requests)
        .none(seen.failed)
        .none(usize::try_from(undecided).unwrap())
        .none(seen.wrong)
        .text(retries);
    table.add(row);
    table
}

impl Fleet {
    async fn start() -> Self {
        let folder = tempfile::Builder::new().prefix("portvakt-faults-").tempdir().unwrap();
        let issuer = Issuer::start(&[HOME, FOREIGN]);
        let instances = vec![Instance::start(&issuer).await, Instance::start(&issuer).await];
        let upstream = Upstream::start().await;
        let addresses: Vec<_> = instances.iter().map(|one| &*one.portvakt.listeners[0]).collect();
        let mut config = envoy::Config::shipped(&addresses, &upstream);
        let cluster = config.portvakt();
        cluster["common_lb_config"] = json!({"update_merge_window": PASSED_ON});
        let check = &mut cluster["health_checks"][0];
        check["interval"] = HEALTH_CHECKS.into();
        check["no_traffic_interval"] = HEALTH_CHECKS.into();
        let envoy = Envoy::start(Release::Current, folder.path(), &config).await;
        let fleet = Self { instances, envoy, issuer, _upstream: upstream, _folder: folder };
        fleet.all_are_healthy().await;
        fleet
    }

    async fn all_are_healthy(&self) {
        until("Envoy to see both instances healthy", async || {
            let healthy = self.envoy.statistic("cluster.portvakt.membership_healthy").await;
            (healthy == 2).then_some(())
        })
        .await;
    }

    async fn all_are_asked(&self) {
        for instance in &self.instances {
            until("the instance to be asked", async || {
                let count = instance.portvakt.metric("portvakt_check_duration_seconds_count").await;
                (count > Some(CHECKS)).then_some(())
            })
            .await;
        }
    }
}

impl Instance {
    async fn start(issuer: &Issuer) -> Self {
        let folder = tempfile::Builder::new().prefix("portvakt-faults-").tempdir().unwrap();
        documents::write(&folder.path().join("applications"));
        let changes = json!({"shutdown": {"delay": DELAY}});
        let mut config = configuration(issuer, changes);
        let portvakt = Portvakt::start(folder.path(), &config).await.ready().await;
        config["listen"]["ext_authz"] = (*portvakt.listeners[0]).into();
        Self { portvakt, config, folder }
    }

    /// Asks it to stop, and starts it anew once it has.
    async fn restart(&mut self) {
        self.portvakt.signal("TERM");
        let ended = self.portvakt.ended().await;
        assert_eq!(ended.code(), Some(0), "{}", self.portvakt.log.text());
        self.portvakt = Portvakt::start(self.folder.path(), &self.config).await.ready().await;
    }
}
