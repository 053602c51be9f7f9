//! Taking connections: never more than there are permits, never in a spin, none for ever.

use std::{error::Error, io, pin::pin, sync::Arc, time::Duration};

use hyper_util::server::graceful::GracefulConnection;
use tokio::{
    net::{TcpListener, TcpStream, UnixListener, UnixStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    task::JoinSet,
    time::{self, Instant},
};
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

/// After an error that another attempt at once would meet as well.
const PAUSE: Duration = Duration::from_millis(100);
/// Between two warnings of the same listener.
const BETWEEN_WARNINGS: Duration = Duration::from_secs(10);
/// For what is under way on a connection that is asked to close; longer than any check may take.
const CLOSING_GRACE: Duration = Duration::from_secs(90);

/// Where connections come from.
pub trait Listener: Send + 'static {
    type Stream: Send + 'static;

    /// The next connection. Nothing is lost where the future is dropped.
    fn accept(&self) -> impl Future<Output = io::Result<Self::Stream>> + Send;
}

impl Listener for TcpListener {
    type Stream = TcpStream;

    async fn accept(&self) -> io::Result<TcpStream> {
        let (stream, _) = TcpListener::accept(self).await?;
        // Answers are small and waited for. Where it fails, the peer is gone already.
        let _ = stream.set_nodelay(true);
        Ok(stream)
    }
}

impl Listener for UnixListener {
    type Stream = UnixStream;

    async fn accept(&self) -> io::Result<UnixStream> {
        UnixListener::accept(self).await.map(|(stream, _)| stream)
    }
}

/// Hands each connection to `serve_one` in a task of its own, until `draining`; then closes the
/// listener and waits for those that are open.
///
/// Beyond the permits, connections wait with the system until another one closes.
pub async fn serve<L: Listener, F>(
    listener: L,
    permits: Arc<Semaphore>,
    draining: CancellationToken,
    serve_one: impl Fn(L::Stream) -> F,
) where
    F: Future<Output = ()> + Send + 'static,
{
    let mut connections = JoinSet::new();
    let mut warnings = Warnings::default();
    loop {
        tokio::select! {
            accepted = next(&listener, &permits, &mut warnings) => {
                if let Some((stream, permit)) = accepted {
                    let served = serve_one(stream);
                    connections.spawn(async move {
                        served.await;
                        drop(permit);
                    });
                }
            }
            Some(_) = connections.join_next() => {}
            () = draining.cancelled() => break,
        }
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

/// The next connection and its permit; nothing after an error, and a pause where it is the
/// system's: without file descriptors every attempt fails at once.
async fn next<L: Listener>(
    listener: &L,
    permits: &Arc<Semaphore>,
    warnings: &mut Warnings,
) -> Option<(L::Stream, OwnedSemaphorePermit)> {
    if permits.available_permits() == 0 {
        warnings.warn("as many connections are open as may be; further ones wait");
    }
    let permit = Arc::clone(permits).acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok(stream) => Some((stream, permit)),
        Err(error) => {
            if !is_of_one_connection(&error) {
                warnings.warn(&format!("connections cannot be accepted: {error}"));
                time::sleep(PAUSE).await;
            }
            None
        }
    }
}

/// Faults of a connection that ended before it was taken.
fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted)
}

/// Warnings that a flood cannot turn into a flood of their own.
#[derive(Debug, Default)]
struct Warnings {
    last: Option<Instant>,
}

impl Warnings {
    fn warn(&mut self, message: &str) {
        if self.last.is_none_or(|last| last.elapsed() >= BETWEEN_WARNINGS) {
            self.last = Some(Instant::now());
            warn!("{message}");
        }
    }
}

/// Serves a connection until it closes by itself, is `age` old, or `draining`; the latter two let
/// end what is under way.
///
/// # Errors
/// What the connection broke off by.
pub async fn until_closed<C: GracefulConnection<Error: Error>>(
    connection: C,
    age: Duration,
    draining: &CancellationToken,
) -> Result<(), C::Error> {
    let mut connection = pin!(connection);
    tokio::select! {
        ended = connection.as_mut() => {
            // As a rule its peer went away; a limit of HTTP/2 that it met is told here, too.
            if let Err(error) = &ended {
                let cause = error.source().map(ToString::to_string);
                debug!(%error, cause, "a connection broke off");
            }
            return ended;
        }
        () = time::sleep(age) => {}
        () = draining.cancelled() => {}
    }
    connection.as_mut().graceful_shutdown();
    time::timeout(CLOSING_GRACE, connection).await.unwrap_or(Ok(()))
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    };

    use tokio::sync::oneshot;

    use super::*;

    /// A listener with a script: each error once, then connections without end.
    struct Scripted {
        errors: Mutex<Vec<io::Error>>,
        attempts: Arc<AtomicUsize>,
    }

    impl Listener for Scripted {
        type Stream = usize;

        async fn accept(&self) -> io::Result<usize> {
            let attempt = self.attempts.fetch_add(1, Ordering::SeqCst);
            let error = self.errors.lock().unwrap().pop();
            error.map_or(Ok(attempt), Err)
        }
    }

    fn scripted(errors: Vec<io::Error>) -> (Scripted, Arc<AtomicUsize>) {
        let attempts = Arc::<AtomicUsize>::default();
        (Scripted { errors: Mutex::new(errors), attempts: Arc::clone(&attempts) }, attempts)
    }

    #[tokio::test(start_paused = true)]
    async fn accepting_pauses_after_an_error_of_the_system_and_not_after_a_connections() {
        const TOO_MANY_OPEN_FILES: i32 = 24;
        let system = || io::Error::from_raw_os_error(TOO_MANY_OPEN_FILES);
        let connection = || io::Error::from(io::ErrorKind::ConnectionAborted);
        for (errors, pauses) in [
            (vec![], 0),
            (vec![connection(), connection()], 0),
            (vec![system(), connection(), system(), system()], 3),
        ] {
            let (listener, _) = scripted(errors);
            let (permits, mut warnings) = (Arc::new(Semaphore::new(1)), Warnings::default());
            let began = Instant::now();
            while next(&listener, &permits, &mut warnings).await.is_none() {}
            let paused = began.elapsed().as_millis() / PAUSE.as_millis();
            assert_eq!(paused, pauses);
        }
    }

    #[tokio::test]
    async fn no_more_connections_are_taken_than_there_are_permits() {
        let (listener, attempts) = scripted(vec![]);
        let permits = Arc::new(Semaphore::new(3));
        let draining = CancellationToken::new();
        let closed = CancellationToken::new();
        let serving = tokio::spawn(serve(listener, Arc::clone(&permits), draining.clone(), {
            let closed = closed.clone();
            move |_| closed.clone().cancelled_owned()
        }));
        while permits.available_permits() > 0 {
            tokio::task::yield_now().await;
        }
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        assert_eq!(attempts.load(Ordering::SeqCst), 3);
        draining.cancel();
        closed.cancel();
        serving.await.unwrap();
        assert_eq!(permits.available_permits(), 3, "a closed connection gives its permit back");
    }

    #[tokio::test]
    async fn a_connection_whose_task_panics_gives_its_permit_back() {
        let (listener, attempts) = scripted(vec![]);
        let (permits, draining) = (Arc::new(Semaphore::new(1)), CancellationToken::new());
        let (tenth, reached) = oneshot::channel();
        let tenth = Mutex::new(Some(tenth));
        let serving = tokio::spawn(serve(listener, permits, draining.clone(), move |attempt| {
            if attempt == 10 {
                let _ = tenth.lock().unwrap().take().unwrap().send(());
            }
            async { panic!("a defect") }
        }));
        reached.await.unwrap();
        assert!(attempts.load(Ordering::SeqCst) > 10);
        draining.cancel();
        serving.await.unwrap();
    }
}
