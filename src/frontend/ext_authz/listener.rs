//! The addresses at which Envoys ask: TCP or a Unix socket, with or without TLS.

use std::{io, path::PathBuf, sync::Arc};

use prometheus::IntGauge;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, UnixListener},
    sync::Semaphore,
};
use tokio_util::sync::CancellationToken;
use tonic_health::pb::health_server::{Health, HealthServer};

use super::{
    call::AuthorizationServer,
    connection::Connections,
    routes::Routes,
    service::{CheckService, Shared},
    tls::Certificates,
};
use crate::{
    accept,
    config::{Address, Limits, Listener, Trust},
};

/// A listener whose address is taken, before it serves.
#[derive(Debug)]
pub struct Bound {
    address: Address,
    socket: Socket,
    trust: Trust,
    tls: Option<Arc<Certificates>>,
}

#[derive(Debug)]
enum Socket {
    Tcp(TcpListener),
    Unix(UnixListener, PathBuf),
}

/// An address cannot be listened at.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen at {address}: {error}; change listen.ext_authz or free the address")]
pub struct ListenError {
    address: Address,
    error: io::Error,
}

impl Bound {
    /// Where it listens; the port is the one that the system chose where 0 was asked for.
    pub fn address(&self) -> &Address {
        &self.address
    }
}

/// Takes an address. TLS is for TCP: a Unix socket never leaves the machine.
///
/// # Errors
/// [`ListenError`], for instance where another process listens there.
pub async fn bind(
    listener: &Listener,
    tls: Option<&Arc<Certificates>>,
) -> Result<Bound, ListenError> {
    let failed = |error| ListenError { address: listener.address.clone(), error };
    let (address, socket, tls) = match &listener.address {
        Address::Tcp(address) => {
            let socket = TcpListener::bind(address).await.map_err(failed)?;
            let address = Address::Tcp(socket.local_addr().map_err(failed)?);
            (address, Socket::Tcp(socket), tls.cloned())
        }
        Address::Unix(path) => {
            remove_stale_socket(path).map_err(failed)?;
            let socket = UnixListener::bind(path).map_err(failed)?;
            (listener.address.clone(), Socket::Unix(socket, path.clone()), None)
        }
    };
    Ok(Bound { address, socket, trust: listener.trust, tls })
}

/// Serves checks until `draining`, then ends with the last connection. `permits` are those of all
/// listeners' connections.
pub async fn serve(
    bound: Bound,
    shared: Arc<Shared>,
    health: HealthServer<impl Health>,
    limits: Limits,
    permits: Arc<Semaphore>,
    draining: CancellationToken,
) {
    let open = shared.recorder.metrics.connections(&bound.address.to_string());
    let check = AuthorizationServer::new(CheckService::new(shared, bound.trust), &limits);
    let connections = Arc::new(Connections {
        routes: Arc::new(Routes::new(check, health)),
        tls: bound.tls,
        limits,
        draining: draining.clone(),
    });
    match bound.socket {
        Socket::Tcp(listener) => accept_from(listener, permits, draining, connections, open).await,
        Socket::Unix(listener, path) => {
            accept_from(listener, permits, draining, connections, open).await;
            // The name is of no use to anyone once nobody listens.
            let _ = std::fs::remove_file(path);
        }
    }
}

async fn accept_from<L: accept::Listener>(
    listener: L,
    permits: Arc<Semaphore>,
    draining: CancellationToken,
    connections: Arc<Connections<impl Health>>,
    open: IntGauge,
) where
    L::Stream: AsyncRead + AsyncWrite + Unpin,
{
    let serve_one = |stream| {
        let (connections, counted) = (Arc::clone(&connections), Counted::by(&open));
        async move {
            connections.serve(stream).await;
            drop(counted);
        }
    };
    accept::serve(listener, permits, draining, serve_one).await;
}

/// One more in a gauge, for as long as it is there: also where its task panics.
struct Counted(IntGauge);

impl Counted {
    fn by(gauge: &IntGauge) -> Self {
        gauge.inc();
        Self(gauge.clone())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.dec();
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
