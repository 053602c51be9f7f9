//! Everything on loopback: an issuer that stands for Entra ID, sample applications, a sample
//! upstream, the service, and a real Envoy in front when one is found.

mod cases;
mod envoy;
mod issuer;
mod report;
mod signing_key;
mod upstream;

use std::{error::Error, fs, net::SocketAddr, path::Path, time::Duration};

use tempfile::TempDir;
use tokio::{net::TcpListener, time};

pub use envoy::{Envoy, EnvoyError, find as find_envoy};
pub use issuer::DemoIssuer;
pub use signing_key::SigningKey;

use crate::{
    clock::Clock,
    config::{self, Address, Environment},
    service::{Service, Signals},
};

/// The sample documents, as they are shipped in `deploy/examples/applications`.
const DOCUMENTS: [(&str, &str); 3] = [
    ("orders-api.yaml", include_str!("../../deploy/examples/applications/orders-api.yaml")),
    ("webshop.yaml", include_str!("../../deploy/examples/applications/webshop.yaml")),
    ("newsletter.yaml", include_str!("../../deploy/examples/applications/newsletter.yaml")),
];

/// What the demo can be told.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where Envoy listens on loopback; `None` for 8080, or a free port where that is taken.
    pub port: Option<u16>,
    /// Whether to end after the cases are shown.
    pub once: bool,
}

/// Runs the demo until it is asked to stop.
///
/// # Errors
/// Where a part cannot start, or a case comes out other than it should.
pub async fn run(options: &Options) -> Result<(), Box<dyn Error>> {
    let folder = tempfile::Builder::new().prefix("portvakt-demo-").tempdir()?;
    let issuer = DemoIssuer::start(issuer::TENANT).await?;
    let upstream = upstream::start().await?;
    let config = configuration(&folder, &issuer)?;
    let service = Service::bind(config, Clock::system()).await?;
    let (status, shared) = (service.status(), service.shared());
    let admin = service.admin_address()?;
    let Some(&Address::Tcp(ext_authz)) = service.addresses().next() else {
        return Err("the service does not listen".into());
    };

    let mut running = tokio::spawn(service.run(Signals::of_process()?));
    while !status.is_ready() {
        tokio::select! {
            ended = &mut running => return Ok(ended??),
            () = time::sleep(Duration::from_millis(20)) => {}
        }
    }

    let envoy = match envoy::find() {
        Some(program) => {
            let port = free_port(options.port).await?;
            Some(Envoy::start(&program, folder.path(), port, ext_authz, upstream).await?)
        }
        None if options.port.is_some() => {
            return Err("--port is Envoy's, and none is found; `make setup` installs one".into());
        }
        None => None,
    };
    report::surroundings(
        &issuer,
        ext_authz,
        admin,
        &folder.path().join("applications"),
        envoy.as_ref(),
    );
    let cases = cases::all(&issuer)?;
    let expected = match &envoy {
        Some(envoy) => report::through_envoy(&cases, envoy).await?,
        None => report::without_envoy(&cases, &shared.authorizer).await,
    };
    if options.once {
        running.abort();
    } else {
        report::farewell(envoy.is_some());
        running.await??;
    }
    expected.then_some(()).ok_or_else(|| "a case came out other than it should".into())
}

/// The service's configuration, read by the same code as any other.
fn configuration(folder: &TempDir, issuer: &DemoIssuer) -> Result<config::Config, Box<dyn Error>> {
    let documents = folder.path().join("applications");
    fs::create_dir(&documents)?;
    for (name, text) in DOCUMENTS {
        fs::write(documents.join(name), text)?;
    }
    let file = folder.path().join("portvakt.yaml");
    fs::write(&file, configuration_text(&issuer.well_known_url()))?;
    read(&file)
}

fn configuration_text(well_known_url: &str) -> String {
    format!(
        "cluster: demo
listen:
  ext_authz: 127.0.0.1:0
  admin: 127.0.0.1:0
entra:
  tenants:
    - well_known_url: {well_known_url}
applications:
  paths: [applications]
shutdown: {{delay: 0s, grace: 2s}}
"
    )
}

fn read(file: &Path) -> Result<config::Config, Box<dyn Error>> {
    let read = config::read(Some(file), &Environment::default());
    let texts = |findings: Vec<crate::finding::Finding>| {
        findings.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    };
    Ok(read.map_err(texts)?.config)
}

/// The port that was asked for, or 8080, or any that is free.
async fn free_port(wanted: Option<u16>) -> Result<u16, Box<dyn Error>> {
    const USUAL: u16 = 8080;
    let bind = async |port| TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], port))).await;
    let listener = match wanted {
        Some(port) => bind(port).await.map_err(|error| format!("port {port}: {error}"))?,
        None => match bind(USUAL).await {
            Ok(listener) => listener,
            Err(_) => bind(0).await?,
        },
    };
    Ok(listener.local_addr()?.port())
}
