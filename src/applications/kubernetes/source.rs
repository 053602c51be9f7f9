//! Asking an API server, for as long as the service runs.

use std::{convert::Infallible, io, sync::Arc, thread, time::Duration};

use futures_util::{StreamExt, future::join_all};
use kube::{
    Api, Client,
    runtime::watcher::{self, Event, watcher},
};
use tokio::{
    runtime,
    sync::oneshot,
    time::{Instant, sleep},
};
use tonic::codegen::http::Response;
use tower::{layer::layer_fn, util::MapResponseLayer};

use super::{
    bounds::{Bounded, BoundedBody},
    connect::{Access, ConnectError},
    failure::Failure,
    object::Object,
    objects::{ListId, Objects},
    pace::Paced,
    trouble::Trouble,
};
use crate::{
    applications::{document::Kind, priority::give_way},
    config::Namespaces,
    telemetry::Metrics,
};

/// How long a watch goes on before it is begun anew where it left off, in seconds. As long, at most,
/// the age of what is known can be off.
const WATCH_SECONDS: u32 = 20;
/// Objects asked for at once, and a tenth of that where so many are more than is read of an answer:
/// each may be over a megabyte.
const PAGE: u32 = 100;
/// After a failure, twice as long after each that follows, and never longer than the most.
const PAUSE_LEAST: Duration = Duration::from_millis(500);
const PAUSE_MOST: Duration = Duration::from_secs(10);
/// A failure after this long without one is the first again. What succeeds in between is no sign:
/// everything could be listed in vain, time and again.
const CALM: Duration = Duration::from_secs(60);

/// How the API server is reached, and what it is asked for.
#[derive(Debug)]
pub struct Source {
    access: Access,
    namespaces: Namespaces,
    objects: Arc<Objects>,
    metrics: Arc<Metrics>,
}

/// Why nobody asks any more.
#[derive(Debug, thiserror::Error)]
pub enum FollowError {
    #[error("the thread that asks the API server cannot be started: {0}")]
    Thread(#[from] io::Error),
    #[error(transparent)]
    Client(#[from] ConnectError),
    #[error("asking the API server was cut short")]
    Cut,
}

impl Source {
    /// Finds the API server by `KUBECONFIG` or by the pod's service account. It is not asked yet.
    ///
    /// # Errors
    /// [`ConnectError`] where neither is there or it makes no sense.
    pub async fn infer(
        namespaces: Namespaces,
        objects: Arc<Objects>,
        metrics: Arc<Metrics>,
    ) -> Result<Self, ConnectError> {
        Ok(Self { access: Access::find().await?, namespaces, objects, metrics })
    }

    /// Keeps the objects current, without end.
    ///
    /// # Errors
    /// [`FollowError`]; an API server that does not answer is none.
    pub async fn follow(self) -> Result<Infallible, FollowError> {
        let (tell, told) = oneshot::channel();
        // Decoding a long list must not stand in the way of checks.
        thread::Builder::new().name("kubernetes".into()).spawn(move || {
            // Where nobody listens any more, the service has ended.
            let _ = tell.send(self.run());
        })?;
        told.await.map_err(|_| FollowError::Cut)?
    }

    fn run(self) -> Result<Infallible, FollowError> {
        let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async {
            let mut watches = Vec::new();
            for kind in Kind::ALL {
                match &self.namespaces {
                    Namespaces::Any => watches.push(self.watch(kind, None)?),
                    // Others need not be permitted then.
                    Namespaces::Only(names) => {
                        for name in names {
                            watches.push(self.watch(kind, Some(name))?);
                        }
                    }
                }
            }
            join_all(watches.into_iter().map(Watch::run)).await;
            Err(FollowError::Cut)
        })
    }

    /// The watch of a kind, in one namespace or all.
    fn watch(&self, kind: Kind, namespace: Option<&str>) -> Result<Watch, FollowError> {
        let trouble = Arc::new(Trouble::none(kind, Arc::clone(&self.metrics)));
        let client = self.client(&trouble)?;
        let resource = kind.resource();
        let api = match namespace {
            None => Api::all_with(client, &resource),
            Some(namespace) => Api::namespaced_with(client, namespace, &resource),
        };
        let objects = Arc::clone(&self.objects);
        Ok(Watch { api, list: objects.add(kind), objects, trouble })
    }

    /// A client that keeps its pace, reads no more than is sane, and notes when the API server
    /// answered.
    fn client(&self, trouble: &Arc<Trouble>) -> Result<Client, ConnectError> {
        let builder = self.access.client()?;
        let trouble = Arc::clone(trouble);
        // Of a list, no more is known yet than that it begins.
        let note = move |response: Response<BoundedBody<_>>| {
            if response.body().is_of_lines() {
                trouble.answered();
            }
            response
        };
        let builder = builder.with_layer(&layer_fn(Bounded::new));
        let builder = builder.with_layer(&MapResponseLayer::new(note));
        Ok(builder.with_layer(&layer_fn(Paced::new)).build())
    }
}

/// One list that is kept current.
struct Watch {
    api: Api<Object>,
    list: ListId,
    objects: Arc<Objects>,
    trouble: Arc<Trouble>,
}

/// Why a list must be read anew.
enum Ended {
    /// The server no longer has what comes next.
    Forgotten,
    /// The server had more to say at once than is read.
    TooLarge,
}

/// How long to wait after each failure.
#[derive(Debug, Default)]
struct Pauses {
    /// The last failure, and the pause after it.
    last: Option<(Instant, Duration)>,
}

impl Pauses {
    fn next(&mut self) -> Duration {
        let pause = match self.last {
            Some((at, pause)) if at.elapsed() < CALM => (2 * pause).min(PAUSE_MOST),
            _ => PAUSE_LEAST,
        };
        self.last = Some((Instant::now(), pause));
        pause
    }
}

impl Watch {
    async fn run(self) {
        let (mut failures, mut lists) = (Pauses::default(), Pauses::default());
        let mut page = PAGE;
        loop {
            page = match self.follow(page, &mut failures).await {
                Ended::Forgotten => {
                    // Pauses of their own: after an outage, this is the way back.
                    sleep(lists.next()).await;
                    PAGE
                }
                Ended::TooLarge => (page / 10).max(1),
            };
        }
    }

    /// Lists and watches, until that must begin anew: a watcher begins anew by itself where it is
    /// told so within the stream, and never where the watch is refused outright.
    async fn follow(&self, page: u32, failures: &mut Pauses) -> Ended {
        let config = watcher::Config::default().timeout(WATCH_SECONDS).page_size(page);
        let mut events = watcher(self.api.clone(), config).boxed();
        while let Some(event) = events.next().await {
            match event {
                Ok(event) => self.take(event),
                Err(error) => {
                    let failure = self.trouble.meet(&error);
                    if failure == Failure::Expired {
                        break;
                    }
                    sleep(failures.next()).await;
                    let is_list = matches!(error, watcher::Error::InitialListFailed(_));
                    if failure == Failure::TooLarge && is_list {
                        return Ended::TooLarge;
                    }
                }
            }
        }
        Ended::Forgotten
    }

    fn take(&self, event: Event<Object>) {
        let Self { objects, list, trouble, .. } = self;
        match event {
            Event::Init => objects.begin(*list),
            Event::InitApply(object) => objects.listed(*list, object),
            Event::InitDone => {
                objects.whole(*list);
                trouble.answered();
                if objects.are_complete() {
                    give_way();
                }
            }
            Event::Apply(object) => objects.applied(*list, object),
            Event::Delete(object) => objects.deleted(*list, &object),
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn pauses_grow_until_nothing_failed_for_a_while() {
        let mut pauses = Pauses::default();
        let mut next = async |since: Duration| {
            advance(since).await;
            pauses.next().as_millis()
        };
        for expected in [500, 1000, 2000, 4000, 8000, 10_000, 10_000] {
            assert_eq!(next(PAUSE_MOST).await, expected);
        }
        assert_eq!(next(CALM).await, 500);
        assert_eq!(next(CALM / 2).await, 1000);
    }
}
