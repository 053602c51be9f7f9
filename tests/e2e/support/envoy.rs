//! A real Envoy, with the configuration that is shipped, changed only where a test needs it.

use std::{
    env, fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use serde_json::{Value, json};

use super::{Upstream, certificates::Identity, log::Log, until, world::client};

const SHIPPED: &str = include_str!("../../../deploy/envoy/envoy.yaml");

/// Names another program to run as the current release; `make test-envoys` does.
const PROGRAM: &str = "E2E_ENVOY";

/// The releases that the tests run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Release {
    Current,
    Older,
}

/// A running Envoy; killed when dropped.
pub struct Envoy {
    process: Child,
    /// Where callers come.
    pub address: SocketAddr,
    admin: String,
    _log: Log,
}

/// What Envoy is told.
#[derive(Debug, Clone)]
pub struct Config {
    bootstrap: Value,
    /// Its threads.
    workers: u32,
}

impl Release {
    /// Its program, which `make setup` installs.
    fn program(self) -> PathBuf {
        let path = match self {
            Self::Current => env::var(PROGRAM).unwrap_or_else(|_| ".venv/bin/envoy".to_owned()),
            Self::Older => ".venv/older/envoy/_bin/envoy".to_owned(),
        };
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
        assert!(path.is_file(), "{} is missing: run make setup", path.display());
        path
    }
}

impl Config {
    /// The shipped configuration in front of `upstream`, asking at `portvakt`.
    ///
    /// Only addresses differ, the timeout of a check, and the domain: tests ask for many hosts, and
    /// one upstream stands for all.
    pub fn shipped(portvakt: &[&str], upstream: &Upstream) -> Self {
        let mut config = Self::of(SHIPPED, portvakt, upstream);
        config.virtual_host()["domains"] = json!(["*"]);

        let http2 = config.portvakt()["typed_extension_protocol_options"].clone();
        let mut grpc = config.at("/static_resources/clusters/1").clone();
        grpc["name"] = "grpc_upstream".into();
        grpc["load_assignment"]["cluster_name"] = "grpc_upstream".into();
        grpc["load_assignment"]["endpoints"] =
            json!([{"lb_endpoints": [endpoint(&upstream.grpc_address.to_string())]}]);
        grpc["typed_extension_protocol_options"] = http2;
        push(config.at("/static_resources/clusters"), grpc);
        let route = json!({
            "match": {"prefix": "/grpc.health.v1.Health/"}, "route": {"cluster": "grpc_upstream"},
        });
        config.virtual_host()["routes"].as_array_mut().unwrap().insert(0, route);
        config
    }

    /// With so many threads, over which callers' connections are spread as evenly as can be: the
    /// kernel may hand a few all to the same, and the others then have none to Portvakt either.
    pub fn workers(mut self, workers: u32) -> Self {
        self.workers = workers;
        self.at("/static_resources/listeners/0")["connection_balance_config"] =
            json!({"exact_balance": {}});
        self
    }

    /// A configuration of one listener, a cluster of Portvakt and one of the upstream. Only
    /// addresses differ, and the timeout of a check, since on a busy machine 200 ms pass by
    /// themselves.
    pub fn of(text: &str, portvakt: &[&str], upstream: &Upstream) -> Self {
        let mut config = Self { bootstrap: serde_saphyr::from_str(text).unwrap(), workers: 1 };
        *config.at("/admin/address") = tcp(([127, 0, 0, 1], 0).into());
        *config.at("/static_resources/listeners/0/address") = tcp(([127, 0, 0, 1], 0).into());
        let endpoints = portvakt.iter().map(|address| endpoint(address)).collect();
        config.portvakt()["load_assignment"]["endpoints"] =
            json!([{"lb_endpoints": Value::Array(endpoints)}]);
        config.at("/static_resources/clusters/1")["load_assignment"]["endpoints"] =
            json!([{"lb_endpoints": [endpoint(&upstream.address.to_string())]}]);
        config.ext_authz()["grpc_service"]["timeout"] = "10s".into();
        config
    }

    /// Learns from this file which instances of Portvakt there are, as from a control plane, and
    /// asks after nobody's health.
    pub fn discovers_portvakt(mut self, file: &Path) -> Self {
        // Without a name of its own, Envoy discovers nothing.
        self.bootstrap["node"] = json!({"id": "envoy", "cluster": "tests"});
        let cluster = self.portvakt();
        for stated in ["load_assignment", "health_checks"] {
            cluster.as_object_mut().unwrap().remove(stated);
        }
        cluster["type"] = "EDS".into();
        cluster["eds_cluster_config"] = json!({"eds_config": {
            "resource_api_version": "V3", "path_config_source": {"path": file},
        }});
        self
    }

    /// Lets through what the shipped configuration refuses by itself, so that Portvakt is alone
    /// with ambiguous paths and with underscores in names.
    pub fn lenient(mut self) -> Self {
        let manager = self.manager();
        manager["normalize_path"] = false.into();
        manager["merge_slashes"] = false.into();
        manager["path_with_escaped_slashes_action"] = "KEEP_UNCHANGED".into();
        manager["common_http_protocol_options"]["headers_with_underscores_action"] = "ALLOW".into();
        self
    }

    /// Sends headers to Portvakt as a list, instead of joined in a map.
    pub fn lists_headers(mut self) -> Self {
        self.ext_authz()["encode_raw_headers"] = true.into();
        self
    }

    /// Lets connections be upgraded to WebSockets, as gateways do.
    pub fn upgrades(mut self) -> Self {
        self.manager()["upgrade_configs"] = json!([{"upgrade_type": "websocket"}]);
        self
    }

    /// Serves with mutual TLS, as a sidecar does.
    pub fn mutual_tls(mut self, server: &Identity, authority: &Path) -> Self {
        let mut context = tls_context("Downstream", Some(server), authority);
        context["typed_config"]["require_client_certificate"] = true.into();
        self.at("/static_resources/listeners/0/filter_chains/0")["transport_socket"] = context;
        self
    }

    /// Passes on `x-forwarded-client-cert` as it comes, as if a waypoint stood here.
    pub fn forwards_client_cert(mut self) -> Self {
        self.manager()["forward_client_cert_details"] = json!("ALWAYS_FORWARD_ONLY");
        self
    }

    /// Asks Portvakt over TLS, with a certificate of its own or without.
    pub fn asks_over_tls(mut self, client: Option<&Identity>, authority: &Path) -> Self {
        let mut context = tls_context("Upstream", client, authority);
        context["typed_config"]["sni"] = "portvakt.test".into();
        self.portvakt()["transport_socket"] = context;
        // Without health checks, the request itself shows what the handshake came to.
        self.portvakt().as_object_mut().unwrap().remove("health_checks");
        self
    }

    /// Requests for this domain are the application's, by the route's configuration.
    pub fn names_application(mut self, domain: &str, application: &str) -> Self {
        let mut host = self.virtual_host().clone();
        host["name"] = domain.into();
        host["domains"] = json!([domain]);
        host["typed_per_filter_config"] = json!({"envoy.filters.http.ext_authz": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.ext_authz.v3.ExtAuthzPerRoute",
            "check_settings": {"context_extensions": {"portvakt.application": application}},
        }});
        push(&mut self.manager()["route_config"]["virtual_hosts"], host);
        self
    }

    /// Writes a line of JSON for each request, with what Portvakt told of it.
    pub fn logs_metadata(mut self, file: &Path) -> Self {
        self.manager()["access_log"] = json!([{
            "name": "envoy.access_loggers.file",
            "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog",
                "path": file,
                "log_format": {"json_format": {
                    "portvakt": "%DYNAMIC_METADATA(envoy.filters.http.ext_authz)%",
                }},
            },
        }]);
        self
    }

    fn ext_authz(&mut self) -> &mut Value {
        &mut self.manager()["http_filters"][0]["typed_config"]
    }

    /// The cluster of Portvakt.
    pub fn portvakt(&mut self) -> &mut Value {
        self.at("/static_resources/clusters/0")
    }

    fn manager(&mut self) -> &mut Value {
        self.at("/static_resources/listeners/0/filter_chains/0/filters/0/typed_config")
    }

    fn virtual_host(&mut self) -> &mut Value {
        &mut self.manager()["route_config"]["virtual_hosts"][0]
    }

    fn at(&mut self, pointer: &str) -> &mut Value {
        self.bootstrap.pointer_mut(pointer).unwrap()
    }
}

impl Envoy {
    /// Starts it and waits until it serves. `folder` is for its files.
    pub async fn start(release: Release, folder: &Path, config: &Config) -> Self {
        let folder = tempfile::tempdir_in(folder).unwrap().keep();
        let (file, admin_file) = (folder.join("envoy.json"), folder.join("admin"));
        fs::write(&file, config.bootstrap.to_string()).unwrap();
        let mut process = Command::new(release.program())
            .arg("--config-path")
            .arg(&file)
            .arg("--admin-address-path")
            .arg(&admin_file)
            .args(["--concurrency", &config.workers.to_string()])
            .args(["--disable-hot-restart", "--log-level", "warning"])
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let log = Log::of("envoy", process.stderr.take().unwrap());
        let admin = until("Envoy's admin address", async || {
            let ended = process.try_wait().unwrap();
            assert!(ended.is_none(), "Envoy ended: {}", log.text());
            fs::read_to_string(&admin_file).ok().filter(|address| !address.is_empty())
        });
        let admin = admin.await;
        until("Envoy to be ready", async || {
            (get(&admin, "/ready").await?.trim() == "LIVE").then_some(())
        })
        .await;
        let listeners = get(&admin, "/listeners").await.unwrap();
        let address = listeners.trim().strip_prefix("inbound::").unwrap().parse().unwrap();
        Self { process, address, admin, _log: log }
    }

    /// The value of one of Envoy's own statistics.
    pub async fn statistic(&self, name: &str) -> u64 {
        let text = get(&self.admin, &format!("/stats?filter=^{name}$")).await.unwrap();
        let value = text.trim().rsplit_once(": ").map(|(_, value)| value.parse().unwrap());
        value.unwrap_or_else(|| panic!("Envoy has no statistic {name}"))
    }
}

impl Drop for Envoy {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

async fn get(admin: &str, path: &str) -> Option<String> {
    client().get(format!("http://{admin}{path}")).send().await.ok()?.text().await.ok()
}

fn push(list: &mut Value, item: Value) {
    list.as_array_mut().unwrap().push(item);
}

/// `address` as in Portvakt's configuration: a TCP address, or `unix:` and a path.
pub fn endpoint(address: &str) -> Value {
    let address = match address.strip_prefix("unix:") {
        Some(path) => json!({"pipe": {"path": path}}),
        None => tcp(address.parse().unwrap()),
    };
    json!({"endpoint": {"address": address}})
}

fn tcp(address: SocketAddr) -> Value {
    let (ip, port) = (address.ip().to_string(), address.port());
    json!({"socket_address": {"address": ip, "port_value": port}})
}

fn tls_context(direction: &str, identity: Option<&Identity>, authority: &Path) -> Value {
    let certificates: Vec<_> = identity
        .iter()
        .map(|identity| {
            json!({
                "certificate_chain": {"filename": identity.certificate},
                "private_key": {"filename": identity.private_key},
            })
        })
        .collect();
    json!({
        "name": "envoy.transport_sockets.tls",
        "typed_config": {
            "@type": format!("type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.{direction}TlsContext"),
            "common_tls_context": {
                "alpn_protocols": if direction == "Upstream" { json!(["h2"]) } else { json!(["h2", "http/1.1"]) },
                "tls_certificates": certificates,
                "validation_context": {"trusted_ca": {"filename": authority}},
            },
        },
    })
}
