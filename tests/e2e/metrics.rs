//! `/metrics`, by Prometheus' own judgement.

use std::{
    fs,
    io::Write,
    net::TcpListener,
    process::{Child, Command, Stdio},
};

use serde_json::{Value, json};

use crate::support::{
    Issuer, Portvakt, Token, World,
    attacks::unfinished_check,
    documents::{self, FOREIGN, HOME, NEWSLETTER, WEBSHOP},
    frames::RawConnection,
    log::Log,
    until,
    wait::until_equal,
    world::{client, configuration},
};

#[tokio::test(flavor = "multi_thread")]
async fn promtool_finds_nothing_to_say_about_the_metrics() {
    let world = world_with_traffic().await;
    let (status, text) = world.portvakt.admin("/metrics").await;
    assert_eq!(status, 200);
    let mut promtool = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("promtool is missing: run make setup");
    promtool.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let judged = promtool.wait_with_output().unwrap();
    let said = [judged.stdout, judged.stderr].concat();
    assert!(judged.status.success() && said.is_empty(), "{}", String::from_utf8_lossy(&said));

    for series in [
        r#"portvakt_checks_total{application="test:team-orders:orders-api",caller="test:team-orders:webshop",decision="allow",reason="application_granted"} 2"#,
        r#"portvakt_checks_total{application="test:team-orders:orders-api",caller="test:team-insight:newsletter",decision="deny",reason="consumer_not_granted"} 1"#,
        r#"portvakt_checks_total{application="unknown",caller="unknown",decision="deny",reason="application_unknown"} 1"#,
        r#"portvakt_token_cache_requests_total{outcome="hit"} 1"#,
        "portvakt_applications 7",
        r#"portvakt_rules{state="resolved"} 4"#,
        &format!("portvakt_jwks_keys{{issuer=\"{}\"}} 1", world.issuer.name(HOME)),
        r#"portvakt_build_info{version=""#,
        "process_resident_memory_bytes",
    ] {
        assert!(text.lines().any(|line| line.starts_with(series)), "{series}\n{text}");
    }
    let failing = format!("issuer=\"{}\",outcome=\"failure\"", world.issuer.name(FOREIGN));
    assert!(text.contains(&failing), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_and_checks_show_for_as_long_as_they_are_there() {
    let folder = tempfile::tempdir().unwrap();
    let issuer = Issuer::start(&[HOME, FOREIGN]);
    let listeners = json!(["127.0.0.1:0", "127.0.0.1:0"]);
    let changes = json!({"listen": {"ext_authz": listeners}, "limits": {"deadline": "1m"}});
    documents::write(&folder.path().join("applications"));
    let portvakt = Portvakt::start(folder.path(), &configuration(&issuer, changes)).await;
    let [first, second] = [0, 1].map(|number: usize| portvakt.listeners[number].clone());
    let shown = async || {
        let connections = |address: &str| format!("portvakt_connections{{listener=\"{address}\"}}");
        [
            portvakt.metric(&connections(&first)).await,
            portvakt.metric(&connections(&second)).await,
            portvakt.metric("portvakt_checks_in_flight").await,
        ]
    };
    until_equal([Some(0.0), Some(0.0), Some(0.0)], shown).await;
    let idle = RawConnection::open(second.parse().unwrap()).await;
    let busy = unfinished_check(first.parse().unwrap()).await;
    until_equal([Some(1.0), Some(1.0), Some(1.0)], shown).await;
    drop(busy);
    until_equal([Some(0.0), Some(1.0), Some(0.0)], shown).await;
    drop(idle);
    until_equal([Some(0.0), Some(0.0), Some(0.0)], shown).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_prometheus_scrapes_them() {
    let world = world_with_traffic().await;
    let prometheus = Prometheus::start(&world);
    let query = r#"sum by (reason) (portvakt_checks_total{decision="allow"})"#;
    let result = until("the scraped value", async || prometheus.query(query).await).await;
    assert_eq!(result["metric"]["reason"], "application_granted");
    assert_eq!(result["value"][1], "2");
}

async fn world_with_traffic() -> World {
    let world = World::start().await;
    let token = world.issuer.issue(HOME, &Token::of_application(WEBSHOP));
    for _ in 0..2 {
        world.get("/").bearer(&token).send().await.received();
    }
    let stranger = Token::of_application(NEWSLETTER);
    world.get("/").token(&stranger).send().await.assert_denied("consumer_not_granted");
    // What a request says never becomes a label.
    let answer = world.get("/").host("made-up.test").send().await;
    answer.assert_denied("application_unknown");
    world
}

/// A running Prometheus that scrapes one Portvakt; killed when dropped.
struct Prometheus {
    process: Child,
    address: String,
    _log: Log,
}

impl Prometheus {
    fn start(world: &World) -> Self {
        let config = format!(
            "global: {{scrape_interval: 500ms}}\nscrape_configs:\n  - job_name: portvakt\n    static_configs: [{{targets: ['{}']}}]\n",
            world.portvakt.admin_address()
        );
        let file = world.path("prometheus.yml");
        fs::write(&file, config).unwrap();
        // It cannot be told to choose a port by itself and say which.
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
        let mut process = Command::new("prometheus")
            .arg(format!("--config.file={}", file.display()))
            .arg(format!("--storage.tsdb.path={}", world.path("prometheus").display()))
            .arg(format!("--web.listen-address={address}"))
            .stderr(Stdio::piped())
            .spawn()
            .expect("prometheus is missing: run make setup");
        let log = Log::of("prometheus", process.stderr.take().unwrap());
        Self { process, address, _log: log }
    }

    /// The one result of a query, once there is one.
    async fn query(&self, query: &str) -> Option<Value> {
        let mut url: reqwest::Url =
            format!("http://{}/api/v1/query", self.address).parse().unwrap();
        url.query_pairs_mut().append_pair("query", query);
        let answer = client().get(url).send().await.ok()?.text().await.ok()?;
        let answer: Value = serde_json::from_str(&answer).ok()?;
        answer["data"]["result"].get(0).cloned()
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
