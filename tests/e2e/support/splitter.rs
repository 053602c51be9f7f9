//! One address for several instances, as a ClusterIP is: each new connection is led to one of those
//! that are ready, by chance, and stays with it.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use aws_lc_rs::rand;
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    task::JoinSet,
    time,
};

use super::{Portvakt, world::client};

/// Between two looks at whether an instance is ready.
const BETWEEN_PROBES: Duration = Duration::from_millis(100);

/// Splits connections until it is dropped.
pub struct Splitter {
    /// Where Envoy asks.
    pub address: SocketAddr,
    _tasks: JoinSet<()>,
}

#[derive(Debug, Clone)]
struct Endpoint {
    address: SocketAddr,
    is_ready: Arc<AtomicBool>,
}

impl Splitter {
    /// In front of instances that are ready now, and keep their addresses.
    pub async fn start(instances: [&Portvakt; 2]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut tasks = JoinSet::new();
        let endpoints = instances.map(|instance| {
            let is_ready = Arc::new(AtomicBool::new(true));
            let probes = format!("http://{}/readyz", instance.admin_address());
            tasks.spawn(probe(probes, Arc::clone(&is_ready)));
            Endpoint { address: instance.address(), is_ready }
        });
        tasks.spawn(split(listener, endpoints));
        Self { address, _tasks: tasks }
    }
}

/// Follows whether an instance is ready.
async fn probe(url: String, is_ready: Arc<AtomicBool>) {
    let client = client();
    loop {
        let answer = client.get(&url).send().await;
        is_ready.store(answer.is_ok_and(|answer| answer.status() == 200), Ordering::Relaxed);
        time::sleep(BETWEEN_PROBES).await;
    }
}

async fn split(listener: TcpListener, endpoints: [Endpoint; 2]) {
    loop {
        let (near, _) = listener.accept().await.unwrap();
        let mut ready = endpoints.each_ref().to_vec();
        ready.retain(|endpoint| endpoint.is_ready.load(Ordering::Relaxed));
        // Where none is ready, the connection is closed.
        if !ready.is_empty() {
            tokio::spawn(lead(near, ready[by_chance() % ready.len()].address));
        }
    }
}

/// Until either end closes.
async fn lead(mut near: TcpStream, address: SocketAddr) {
    let Ok(mut far) = TcpStream::connect(address).await else { return };
    near.set_nodelay(true).unwrap();
    far.set_nodelay(true).unwrap();
    // How a connection ends is what its ends make of it.
    let _ = copy_bidirectional(&mut near, &mut far).await;
}

fn by_chance() -> usize {
    let mut byte = [0];
    rand::fill(&mut byte).unwrap();
    byte[0].into()
}
