//! Listeners for probes and people: HTTP/1, one request at a time, a few connections, none for
//! long.

use std::{
    future::ready,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

use axum::{Router, middleware::map_response, response::Response};
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    time::timeout,
};
use tokio_util::{io::InspectReader, sync::CancellationToken};

use crate::accept;

/// Probes and scrapes come one by one, and people are few. The connections of checks have a limit
/// of their own, so that a flood of those leaves room for these.
const CONNECTIONS: usize = 64;
/// For a request's head, also the next one of a connection. Shorter than the console's pages pause
/// between two looks, so that these meet no connection that is just being closed.
const HEAD_TIMEOUT: Duration = Duration::from_secs(4);
/// How old a connection becomes that takes further requests.
const CONNECTION_AGE: Duration = Duration::from_secs(20);
const MAX_HEAD_BYTES: usize = 16 * 1024;

/// What a client did for which its connection was closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    HeadTooLarge,
    /// It began a head and did not end it in time.
    HeadTooSlow,
}

/// Serves each connection by its router until `draining`, then ends with the last connection.
/// None lives longer than `longest`, whether its client reads the answers or not; `closed` hears of
/// those that were closed for a fault.
pub async fn serve(
    listener: TcpListener,
    draining: CancellationToken,
    longest: Duration,
    router: impl Fn(&TcpStream) -> Router,
    closed: impl Fn(Fault) + Clone + Send + 'static,
) {
    let permits = Arc::new(Semaphore::new(CONNECTIONS));
    let serve_one = |stream| {
        let (router, draining, closed) = (router(&stream), draining.clone(), closed.clone());
        async move {
            if let Err(fault) = serve_one(stream, router, longest, draining).await {
                closed(fault);
            }
        }
    };
    accept::serve(listener, permits, draining.clone(), serve_one).await;
}

/// Serves a connection for as long as it may live.
///
/// # Errors
/// What it was closed for, beside its age and what its client did of its own accord.
pub async fn serve_one(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    router: Router,
    longest: Duration,
    draining: CancellationToken,
) -> Result<(), Fault> {
    // Whether anything came of a request that was not answered yet.
    let begun = Arc::<AtomicBool>::default();
    let answered = {
        let begun = Arc::clone(&begun);
        router.layer(map_response(move |response: Response| {
            begun.store(false, Relaxed);
            ready(response)
        }))
    };
    let stream = {
        let begun = Arc::clone(&begun);
        // Nothing comes at the stream's end.
        InspectReader::new(stream, move |bytes: &[u8]| {
            if !bytes.is_empty() {
                begun.store(true, Relaxed);
            }
        })
    };
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(MAX_HEAD_BYTES)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(answered));
    let closed = timeout(longest, accept::until_closed(connection, CONNECTION_AGE, &draining));
    match closed.await {
        Ok(Err(error)) if error.is_parse_too_large() => Err(Fault::HeadTooLarge),
        // Nobody is at fault who asks nothing more.
        Ok(Err(error)) if error.is_timeout() && begun.load(Relaxed) => Err(Fault::HeadTooSlow),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use axum::routing::get;
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt, duplex},
        time::{Instant, sleep},
    };

    use super::*;

    const LONGEST: Duration = Duration::from_secs(30);
    const ASKED: &str = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";

    /// What a client did, as its connection's end was: the fault, how long it lived, the answer.
    async fn met(text: &str, pause: Duration) -> (Result<(), Fault>, Duration, String) {
        let (mut client, server) = duplex(1024);
        let router = Router::new().route("/", get(|| async { "here\n" }));
        let began = Instant::now();
        let served = tokio::spawn(serve_one(server, router, LONGEST, CancellationToken::new()));
        let (mut reading, mut writing) = tokio::io::split(&mut client);
        let mut answer = Vec::new();
        let write = async {
            for byte in text.bytes() {
                // Whether somebody still reads is seen by the answer.
                let _ = writing.write_all(&[byte]).await;
                if !pause.is_zero() {
                    sleep(pause).await;
                }
            }
            std::future::pending::<()>().await;
        };
        tokio::select! {
            () = write => {}
            read = reading.read_to_end(&mut answer) => { read.unwrap(); }
        }
        let took = began.elapsed();
        (served.await.unwrap(), took, String::from_utf8(answer).unwrap())
    }

    #[tokio::test(start_paused = true)]
    async fn who_does_not_end_a_head_in_time_is_left_and_told_of() {
        let second = Duration::from_secs(1);
        for (text, pause, fault, seconds, answers) in [
            // Nothing at all, and nothing more: nobody is at fault.
            ("", second, Ok(()), 4, 0),
            (ASKED, Duration::ZERO, Ok(()), 4, 1),
            // All of it in time, though not at once.
            (ASKED, second / 10, Ok(()), 6, 1),
            ("GET / HT", Duration::ZERO, Err(Fault::HeadTooSlow), 4, 0),
            // A byte now and then buys nothing.
            (ASKED, second, Err(Fault::HeadTooSlow), 4, 0),
            (&format!("{ASKED}G"), second / 20, Err(Fault::HeadTooSlow), 5, 1),
        ] {
            let (met, took, answer) = met(text, pause).await;
            assert_eq!((met, took.as_secs()), (fault, seconds), "{text:?} by {pause:?}");
            assert_eq!(answer.matches("200 OK").count(), answers, "{answer}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_head_that_is_too_large_is_refused() {
        let large = format!("GET / HTTP/1.1\r\nX: {}\r\n\r\n", "x".repeat(MAX_HEAD_BYTES));
        let (met, _, answer) = met(&large, Duration::ZERO).await;
        assert_eq!(met, Err(Fault::HeadTooLarge));
        assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");
    }

    #[tokio::test(start_paused = true)]
    async fn who_does_not_read_the_answer_is_left_as_well() {
        let (mut client, server) = duplex(1024);
        let router = Router::new().route("/", get(|| async { "x".repeat(1 << 20) }));
        let served = tokio::spawn(serve_one(server, router, LONGEST, CancellationToken::new()));
        client.write_all(ASKED.as_bytes()).await.unwrap();
        let began = Instant::now();
        assert_eq!(served.await.unwrap(), Ok(()));
        assert_eq!(began.elapsed(), LONGEST);
    }
}
