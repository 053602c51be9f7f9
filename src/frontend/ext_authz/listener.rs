//! The addresses at which Envoys ask: TCP or a Unix socket, with or without TLS.

use std::{io, path::PathBuf, sync::Arc, time::Duration};

use futures_util::TryStreamExt;
use tokio::net::{TcpListener, UnixListener};
use tokio_stream::wrappers::UnixListenerStream;
use tonic::transport::{
    Certificate, Identity, Server, ServerTlsConfig,
    server::{Router, TcpIncoming},
};
use tonic_health::pb::health_server::{Health, HealthServer};

use super::{
    call::AuthorizationServer,
    connection::Gathering,
    service::{CheckService, Shared},
};
use crate::config::{Address, AskedBy, Limits, Listener, Tls};

const KEEPALIVE: Duration = Duration::from_secs(30);
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(5);
const CONNECTION_GRACE: Duration = Duration::from_secs(30);
/// Of the gRPC call's own headers.
const MAX_HEADER_BYTES: u32 = 16 * 1024;

/// A listener whose address is taken, before it serves.
#[derive(Debug)]
pub struct Bound {
    socket: Socket,
    asked_by: AskedBy,
    tls: Option<ServerTlsConfig>,
}

#[derive(Debug)]
enum Socket {
    Tcp(TcpListener),
    Unix(UnixListener, PathBuf),
}

/// Why an address cannot be listened at.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    #[error("listen.ext_authz: cannot listen at {address}: {error}")]
    Bind { address: String, error: io::Error },
    #[error("listen.tls: cannot read {path}: {error}")]
    TlsFile { path: PathBuf, error: io::Error },
    #[error("listen.tls: the certificate, key or client_ca cannot be used: {0}")]
    Tls(String),
}

impl Bound {
    /// Where it listens; the port is the one that the system chose where 0 was asked for.
    pub fn address(&self) -> io::Result<Address> {
        match &self.socket {
            Socket::Tcp(listener) => listener.local_addr().map(Address::Tcp),
            Socket::Unix(_, path) => Ok(Address::Unix(path.clone())),
        }
    }
}

/// Takes an address. TLS is for TCP: a Unix socket never leaves the machine.
///
/// # Errors
/// See [`ListenError`].
pub async fn bind(listener: &Listener, tls: Option<&Tls>) -> Result<Bound, ListenError> {
    let failed = |error| ListenError::Bind { address: listener.address.to_string(), error };
    let (socket, tls) = match &listener.address {
        Address::Tcp(address) => {
            let tls = tls.map(tls_config).transpose()?;
            (Socket::Tcp(TcpListener::bind(address).await.map_err(failed)?), tls)
        }
        Address::Unix(path) => {
            remove_stale_socket(path).map_err(failed)?;
            (Socket::Unix(UnixListener::bind(path).map_err(failed)?, path.clone()), None)
        }
    };
    Ok(Bound { socket, asked_by: listener.asked_by, tls })
}

/// Serves checks until `shutdown`, then drains.
///
/// # Errors
/// Where the listener fails as a whole; a single connection's fault is that connection's.
pub async fn serve(
    bound: Bound,
    shared: Arc<Shared>,
    health: HealthServer<impl Health>,
    limits: &Limits,
    shutdown: impl Future<Output = ()>,
) -> Result<(), tonic::transport::Error> {
    let check =
        AuthorizationServer::new(CheckService::new(shared, bound.asked_by), limits.message_bytes);
    let router = server(limits, bound.tls)?.add_service(check).add_service(health);
    match bound.socket {
        Socket::Tcp(listener) => serve_tcp(router, listener, shutdown).await,
        Socket::Unix(listener, path) => {
            let incoming = UnixListenerStream::new(listener).map_ok(Gathering);
            let served = router.serve_with_incoming_shutdown(incoming, shutdown).await;
            // The name is of no use to anyone once nobody listens.
            let _ = std::fs::remove_file(path);
            served
        }
    }
}

async fn serve_tcp(
    router: Router,
    listener: TcpListener,
    shutdown: impl Future<Output = ()>,
) -> Result<(), tonic::transport::Error> {
    let incoming =
        TcpIncoming::from(listener).with_nodelay(Some(true)).with_keepalive(Some(KEEPALIVE));
    let incoming = incoming.map_ok(Gathering);
    router.serve_with_incoming_shutdown(incoming, shutdown).await
}

/// Everything that the library leaves without a bound gets one.
fn server(
    limits: &Limits,
    tls: Option<ServerTlsConfig>,
) -> Result<Server, tonic::transport::Error> {
    let server = Server::builder()
        .max_concurrent_streams(limits.streams_per_connection)
        .max_connection_age(limits.connection_age)
        .max_connection_age_grace(CONNECTION_GRACE)
        .http2_keepalive_interval(Some(KEEPALIVE))
        .http2_keepalive_timeout(Some(HANDSHAKE_TIMEOUT))
        .http2_max_header_list_size(MAX_HEADER_BYTES);
    match tls {
        Some(tls) => server.tls_config(tls),
        None => Ok(server),
    }
}

fn tls_config(tls: &Tls) -> Result<ServerTlsConfig, ListenError> {
    let read = |path: &PathBuf| {
        std::fs::read(path).map_err(|error| ListenError::TlsFile { path: path.clone(), error })
    };
    let identity = Identity::from_pem(read(&tls.certificate)?, read(&tls.private_key)?);
    let config = ServerTlsConfig::new().identity(identity).timeout(HANDSHAKE_TIMEOUT);
    let config = match &tls.client_ca {
        Some(path) => config.client_ca_root(Certificate::from_pem(read(path)?)),
        None => config,
    };
    // Found out here rather than at the first connection.
    Server::builder()
        .tls_config(config.clone())
        .map_err(|error| ListenError::Tls(chain(&error)))?;
    Ok(config)
}

fn chain(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {}", chain(source)),
        None => error.to_string(),
    }
}

/// A socket that a former process left behind and at which nobody listens.
fn remove_stale_socket(path: &PathBuf) -> io::Result<()> {
    use std::os::unix::{fs::FileTypeExt, net::UnixStream};
    let is_socket = std::fs::symlink_metadata(path).is_ok_and(|file| file.file_type().is_socket());
    match is_socket && UnixStream::connect(path).is_err() {
        true => std::fs::remove_file(path),
        false => Ok(()),
    }
}
