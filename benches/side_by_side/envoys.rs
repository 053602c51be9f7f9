//! `make bench-envoy`: what a request costs behind Envoy, unchecked, with Envoy's own `jwt_authn`,
//! and with Portvakt.
//!
//! `jwt_authn` verifies signature, issuer, audience and time in Envoy's own process; whom a token
//! lets in, and the caller's headers, are more filters or the application's own business then.

use std::{fs, net::TcpListener, process::Command, time::Duration};

use portvakt::demo::{DemoIssuer, find_envoy};
use serde_json::{Value, json};

use crate::{
    Failure, documents,
    process::Server,
    report::middle,
    rounds::{CACHE, FEW, TENANT},
    tokens,
};

const ROUNDS: usize = 5;
const REQUESTS: u32 = 30_000;

/// An Envoy that answers by itself what its filters let through.
struct Way {
    name: &'static str,
    envoy: Server,
    /// CPU for one request, in microseconds, in each round.
    of_envoy: Vec<f64>,
    of_portvakt: Vec<f64>,
}

/// Drives the ways in turn and prints what a request costs.
pub async fn measure() -> Result<(), Failure> {
    let program = find_envoy().ok_or("no Envoy is found; `make setup` installs one")?;
    let issuer = DemoIssuer::start(TENANT).await?;
    let folder = tempfile::tempdir()?;
    documents::applications(folder.path(), FEW)?;
    let portvakt = Server::portvakt(&documents::configuration(folder.path(), &issuer, CACHE)?)?;
    let keys = keys(&issuer).await?;
    let mut ways = Vec::new();
    for (name, filter) in [
        ("no filter", None),
        ("jwt_authn", Some(jwt_authn(&issuer, &keys, 0))),
        ("jwt_authn, with its cache", Some(jwt_authn(&issuer, &keys, 100))),
        ("ext_authz with Portvakt", Some(ext_authz())),
    ] {
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let file = folder.path().join(format!("{port}.json"));
        fs::write(&file, envoy(port, portvakt.address.port(), filter).to_string())?;
        let envoy = Server::envoy(&program, &file, ([127, 0, 0, 1], port).into())?;
        ways.push(Way { name, envoy, of_envoy: Vec::new(), of_portvakt: Vec::new() });
    }
    let token = tokens::token(&issuer, 0)?;
    for round in 0..=ROUNDS {
        println!("round {round} of {ROUNDS}");
        for way in &mut ways {
            way.drive(&portvakt, &token)?;
        }
        if round == 0 {
            // Connections and caches were cold.
            ways.iter_mut().for_each(Way::forget);
        }
    }
    println!(
        "\n{:<28} {:>8} {:>9} {:>9}",
        "CPU µs/request, medians", "Envoy", "Portvakt", "together"
    );
    for way in ways {
        let (envoy, portvakt) = (middle(way.of_envoy), middle(way.of_portvakt));
        println!("{:<28} {envoy:>8.1} {portvakt:>9.1} {:>9.1}", way.name, envoy + portvakt);
    }
    Ok(())
}

impl Way {
    /// The same request over and over, with the same token.
    fn drive(&mut self, portvakt: &Server, token: &str) -> Result<(), Failure> {
        let before = (self.envoy.cpu()?, portvakt.cpu()?);
        let output = Command::new("h2load")
            .args(["-m", "32", "-t", "1", "-c", "1", "-n", &REQUESTS.to_string()])
            .args(["-H", &format!("authorization: Bearer {token}")])
            .args(["-H", &format!(":authority: {}", tokens::HOST)])
            .arg(format!("http://{}/api/v1/orders/4711", self.envoy.address))
            .output()
            .map_err(|error| format!("h2load: {error}; `make setup` installs it"))?;
        let text = String::from_utf8_lossy(&output.stdout);
        if !text.contains(&format!("status codes: {REQUESTS} 2xx")) {
            return Err(format!("{}: not every request was let through:\n{text}", self.name).into());
        }
        let micros = |cpu: Duration| cpu.as_secs_f64() * 1e6 / f64::from(REQUESTS);
        self.of_envoy.push(micros(self.envoy.cpu()? - before.0));
        self.of_portvakt.push(micros(portvakt.cpu()? - before.1));
        Ok(())
    }

    fn forget(&mut self) {
        self.of_envoy.clear();
        self.of_portvakt.clear();
    }
}

/// The key set of an issuer.
pub async fn keys(issuer: &DemoIssuer) -> Result<String, Failure> {
    let client = reqwest::Client::builder().no_proxy().build()?;
    let metadata: Value = client.get(issuer.well_known_url()).send().await?.json().await?;
    let keys = metadata["jwks_uri"].as_str().ok_or("no jwks_uri")?;
    Ok(client.get(keys).send().await?.text().await?)
}

fn type_of(name: &str) -> String {
    format!("type.googleapis.com/envoy.extensions.{name}")
}

/// `cache` is how many tokens it remembers; 0 for none.
fn jwt_authn(issuer: &DemoIssuer, keys: &str, cache: u32) -> Value {
    let mut provider = json!({
        "issuer": issuer.name(),
        "audiences": [tokens::AUDIENCE],
        "local_jwks": {"inline_string": keys},
        "forward": true,
    });
    if cache > 0 {
        provider["jwt_cache_config"] = json!({"jwt_cache_size": cache});
    }
    json!({"name": "envoy.filters.http.jwt_authn", "typed_config": {
        "@type": type_of("filters.http.jwt_authn.v3.JwtAuthentication"),
        "providers": {"entra": provider},
        "rules": [{"match": {"prefix": "/"}, "requires": {"provider_name": "entra"}}],
    }})
}

fn ext_authz() -> Value {
    json!({"name": "envoy.filters.http.ext_authz", "typed_config": {
        "@type": type_of("filters.http.ext_authz.v3.ExtAuthz"),
        "transport_api_version": "V3",
        "grpc_service": {"envoy_grpc": {"cluster_name": "portvakt"}, "timeout": "1s"},
    }})
}

/// An Envoy whose only route answers by itself.
fn envoy(port: u16, portvakt: u16, filter: Option<Value>) -> Value {
    let address = |port| json!({"socket_address": {"address": "127.0.0.1", "port_value": port}});
    let router = json!({"name": "envoy.filters.http.router", "typed_config": {
        "@type": type_of("filters.http.router.v3.Router"),
    }});
    let filters: Vec<_> = filter.into_iter().chain([router]).collect();
    let route = json!({"match": {"prefix": "/"}, "direct_response": {"status": 200}});
    let manager = json!({
        "@type": type_of("filters.network.http_connection_manager.v3.HttpConnectionManager"),
        "stat_prefix": "inbound",
        "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [route]}]},
        "http_filters": filters,
    });
    let options = type_of("upstreams.http.v3.HttpProtocolOptions");
    json!({"static_resources": {
        "listeners": [{
            "address": address(port),
            "filter_chains": [{"filters": [{
                "name": "envoy.filters.network.http_connection_manager",
                "typed_config": manager,
            }]}],
        }],
        "clusters": [{
            "name": "portvakt",
            "type": "STATIC",
            "typed_extension_protocol_options": {
                "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
                    "@type": options,
                    "explicit_http_config": {"http2_protocol_options": {}},
                },
            },
            "load_assignment": {"cluster_name": "portvakt", "endpoints": [
                {"lb_endpoints": [{"endpoint": {"address": address(portvakt)}}]},
            ]},
        }],
    }})
}
