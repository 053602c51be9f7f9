//! A real Envoy, with the configuration that is shipped in `deploy/envoy`.

use std::{
    env, fs, io,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use tokio::{
    net::TcpListener,
    process::{Child, Command},
    time::{self, Instant},
};

const TEMPLATE: &str = include_str!("../../deploy/envoy/envoy.yaml");
const START_TIMEOUT: Duration = Duration::from_secs(30);

/// A running Envoy; ends when dropped.
#[derive(Debug)]
pub struct Envoy {
    port: u16,
    _process: Child,
}

/// Why Envoy does not run.
#[derive(Debug, thiserror::Error)]
pub enum EnvoyError {
    #[error("{program} cannot be started: {error}. $ENVOY names another one")]
    Start { program: PathBuf, error: io::Error },
    #[error("Envoy ended at once ({0}); its own messages are above")]
    Ended(std::process::ExitStatus),
    #[error("Envoy was not ready within 30 s")]
    NotReady,
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// The Envoy of `$ENVOY`, of `PATH`, or of the project's virtual environment.
pub fn find() -> Option<PathBuf> {
    if let Some(stated) = env::var_os("ENVOY").filter(|stated| !stated.is_empty()) {
        return Some(stated.into());
    }
    let path = env::var_os("PATH").unwrap_or_default();
    let in_path = env::split_paths(&path).map(|folder| folder.join("envoy"));
    let in_environment =
        env::var_os("VIRTUAL_ENV").map(|folder| Path::new(&folder).join("bin/envoy"));
    in_path
        .chain(in_environment)
        .chain([PathBuf::from(".venv/bin/envoy")])
        .find(|path| path.is_file())
}

impl Envoy {
    /// Starts Envoy at `port` and waits until it serves.
    ///
    /// # Errors
    /// See [`EnvoyError`].
    pub async fn start(
        program: &Path,
        folder: &Path,
        port: u16,
        ext_authz: SocketAddr,
        upstream: SocketAddr,
    ) -> Result<Self, EnvoyError> {
        let admin = TcpListener::bind("127.0.0.1:0").await?.local_addr()?;
        let file = folder.join("envoy.yaml");
        fs::write(&file, configuration(port, ext_authz.port(), upstream.port(), admin.port()))?;
        let mut process = Command::new(program)
            .arg("--config-path")
            .arg(&file)
            .args(["--disable-hot-restart", "--concurrency", "1", "--log-level", "error"])
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| EnvoyError::Start { program: program.to_owned(), error })?;
        wait_until_ready(admin, &mut process).await?;
        Ok(Self { port, _process: process })
    }

    /// Where it listens on loopback.
    pub fn port(&self) -> u16 {
        self.port
    }
}

/// The shipped configuration with other ports.
fn configuration(inbound: u16, ext_authz: u16, upstream: u16, admin: u16) -> String {
    [("8080", inbound), ("9001", ext_authz), ("8081", upstream), ("9901", admin)].into_iter().fold(
        TEMPLATE.to_owned(),
        |text, (usual, port)| {
            text.replace(&format!("port_value: {usual}}}"), &format!("port_value: {port} }}"))
        },
    )
}

async fn wait_until_ready(admin: SocketAddr, process: &mut Child) -> Result<(), EnvoyError> {
    let client = reqwest::Client::builder().no_proxy().build().map_err(io::Error::other)?;
    let url = format!("http://{admin}/ready");
    let deadline = Instant::now() + START_TIMEOUT;
    while Instant::now() < deadline {
        if let Some(status) = process.try_wait()? {
            return Err(EnvoyError::Ended(status));
        }
        if client.get(&url).send().await.is_ok_and(|answer| answer.status().is_success()) {
            return Ok(());
        }
        time::sleep(Duration::from_millis(50)).await;
    }
    Err(EnvoyError::NotReady)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_port_of_the_shipped_configuration_is_replaced() {
        let text = configuration(1, 2, 3, 4);
        for port in 1..=4 {
            assert_eq!(text.matches(&format!("port_value: {port} }}")).count(), 1, "{text}");
        }
    }
}
