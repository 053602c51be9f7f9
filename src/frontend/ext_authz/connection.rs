//! One connection of an Envoy: TLS, the preface of HTTP/2, then checks until it closes.

use std::{
    convert::Infallible,
    io,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use aws_lc_rs::rand;
use hyper::{body::Incoming, server::conn::http2, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf},
    time::timeout,
};
use tokio_util::sync::CancellationToken;
use tonic::codegen::http::Request;
use tonic_health::pb::health_server::Health;
use tracing::debug;

use super::{
    executor::{Calls, InItsTask},
    pieces::Pieces,
    routes::Routes,
    self_waking::SelfWaking,
    tls::Certificates,
};
use crate::{accept, config::Limits};

/// For TLS and the preface together: whoever sends nothing does not stay.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(5);
/// Between pings, which find peers that are gone without having said so.
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(30);
/// For the answer to a ping.
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(5);
/// Of the gRPC call's own headers.
const MAX_HEADER_BYTES: u32 = 16 * 1024;
/// What a client sends first (RFC 9113, section 3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// How the connections of one listener are served.
#[derive(Debug)]
pub struct Connections<H> {
    pub routes: Arc<Routes<H>>,
    pub tls: Option<Arc<Certificates>>,
    pub limits: Limits,
    pub draining: CancellationToken,
}

impl<H: Health> Connections<H> {
    /// Serves a connection to its end.
    pub async fn serve(&self, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) {
        let Some(certificates) = &self.tls else {
            return self.serve_http(timeout(HANDSHAKE_TIMEOUT, Gathering::begin(stream))).await;
        };
        let begun = async {
            let stream = certificates.acceptor().accept(stream).await?;
            Gathering::begin(stream).await
        };
        self.serve_http(timeout(HANDSHAKE_TIMEOUT, begun)).await;
    }

    async fn serve_http<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
        &self,
        handshake: impl Future<Output = Result<io::Result<Gathering<S>>, tokio::time::error::Elapsed>>,
    ) {
        let stream = match handshake.await {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => {
                return debug!(%error, "a connection that does not speak as it should");
            }
            Err(_) => return debug!("a connection that says nothing"),
        };
        let routes = Arc::clone(&self.routes);
        let service = service_fn(move |request: Request<Incoming>| {
            let routes = Arc::clone(&routes);
            async move { Ok::<_, Infallible>(routes.call(request).await.map(Pieces::of)) }
        });
        let (executor, calls) = Calls::none();
        let http = http(executor, &self.limits);
        let connection = http.serve_connection(TokioIo::new(stream), service);
        let age = around(self.limits.connection_age);
        let served = async {
            tokio::select! {
                // The calls come second, so that those which the connection begins are seen to.
                biased;
                _ = accept::until_closed(connection, age, &self.draining) => {}
                never = calls.run() => match never {},
            }
        };
        SelfWaking::of(pin!(served)).await;
    }
}

/// Everything that the library leaves without a bound gets one.
fn http(executor: InItsTask, limits: &Limits) -> http2::Builder<InItsTask> {
    let mut http = http2::Builder::new(executor);
    http.timer(TokioTimer::new())
        .max_concurrent_streams(limits.streams_per_connection)
        .max_header_list_size(MAX_HEADER_BYTES)
        .keep_alive_interval(KEEPALIVE_INTERVAL)
        .keep_alive_timeout(KEEPALIVE_TIMEOUT);
    http
}

/// A duration up to a tenth shorter or longer, so that proxies which connected at the same time do
/// not come back at the same time.
fn around(age: Duration) -> Duration {
    let mut bytes = [0; 2];
    // Without randomness all connections get the same age.
    let _ = rand::fill(&mut bytes);
    let fraction = f64::from(u16::from_ne_bytes(bytes)) / f64::from(u16::MAX);
    age.mul_f64(0.9 + 0.2 * fraction)
}

/// A stream that does not offer to write several buffers at once. The h2 crate then copies more of
/// its frames into one buffer, so that the answers of many checks go out with one system call.
///
/// The preface is read before the stream is handed on, and given out once more.
#[derive(Debug)]
struct Gathering<S> {
    preface: &'static [u8],
    stream: S,
}

impl<S: AsyncRead + Unpin> Gathering<S> {
    /// Waits for the preface.
    async fn begin(mut stream: S) -> io::Result<Self> {
        let mut first = [0; PREFACE.len()];
        stream.read_exact(&mut first).await?;
        match first == PREFACE {
            true => Ok(Self { preface: PREFACE, stream }),
            false => Err(io::Error::new(io::ErrorKind::InvalidData, "it is not HTTP/2")),
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Gathering<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if !self.preface.is_empty() {
            let (now, later) = self.preface.split_at(self.preface.len().min(buffer.remaining()));
            buffer.put_slice(now);
            self.preface = later;
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Gathering<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[tokio::test]
    async fn the_preface_is_given_out_once_more_and_nothing_else_is_let_in() {
        let whole = [PREFACE, b"and more"].concat();
        let mut stream = Gathering::begin(&whole[..]).await.unwrap();
        let mut read = Vec::new();
        stream.read_to_end(&mut read).await.unwrap();
        assert_eq!(read, whole);
        for bytes in [&b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"[..], b"PRI", b""] {
            assert!(Gathering::begin(bytes).await.is_err(), "{bytes:?}");
        }
    }

    #[test]
    fn ages_differ_by_a_tenth_at_most() {
        let ages: HashSet<_> = (0..100).map(|_| around(Duration::from_secs(1000))).collect();
        assert!(ages.len() > 50, "{ages:?}");
        let (least, most) = (Duration::from_secs(900), Duration::from_millis(1_100_001));
        assert!(ages.iter().all(|age| (least..=most).contains(age)), "{ages:?}");
    }
}
