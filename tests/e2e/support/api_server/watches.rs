//! Watches: changes as they come, one line each.

use std::{collections::VecDeque, future::pending, io, sync::Arc, time::Duration};

use axum::{
    body::Body,
    http::header::CONTENT_TYPE,
    response::{IntoResponse, Response},
};
use futures_util::stream;
use serde_json::json;
use tokio::{
    sync::{broadcast, watch},
    task::yield_now,
    time::{Instant, sleep_until},
};

use super::{
    failure::Failure,
    resource::Collection,
    state::{Asked, Interruption, Mood, State},
    store::{Change, line},
};

/// How long a watch lasts where the client does not say.
const LASTS: Duration = Duration::from_secs(1800);

/// An open watch.
struct Watch {
    state: Arc<State>,
    collection: Collection,
    /// Up to which all was sent.
    version: u64,
    wants_bookmarks: bool,
    ends: Instant,
    versions: watch::Receiver<u64>,
    interruptions: broadcast::Receiver<Interruption>,
    /// What is to be sent before anything else.
    waiting: VecDeque<String>,
    after: After,
}

/// What comes after the lines that wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum After {
    /// Further changes.
    Changes,
    /// The end, as it should be.
    End,
    /// The end of the connection.
    Break,
    /// Nothing at all.
    Silence,
}

/// The answer to a request to watch.
pub fn watch(state: &Arc<State>, asked: &Asked, mood: Mood) -> Result<Response, Failure> {
    // As servers do that cannot stream a list.
    if asked.parameter("sendInitialEvents").is_some() {
        return Err(Failure::Invalid("sendInitialEvents is forbidden for watch"));
    }
    if asked.parameter("resourceVersionMatch").is_some() {
        return Err(Failure::Invalid("resourceVersionMatch is forbidden for watch"));
    }
    let mut watch = Watch::new(state, asked)?;
    match watch.begin() {
        Err(Failure::Expired) if mood != Mood::RefusingOldVersions => {
            watch.take(Interruption::Error(Failure::Expired));
        }
        begun => begun?,
    }
    if mood == Mood::Breaking {
        watch.take(Interruption::BreakOff);
    }
    let lines = stream::unfold(watch, Watch::next);
    Ok(([(CONTENT_TYPE, "application/json")], Body::from_stream(lines)).into_response())
}

impl Watch {
    fn new(state: &Arc<State>, asked: &Asked) -> Result<Self, Failure> {
        let number = |name| match asked.parameter(name) {
            None | Some("") => Ok(None),
            Some(text) => {
                text.parse().map(Some).map_err(|_| Failure::Invalid("a parameter is no number"))
            }
        };
        let seconds = number("timeoutSeconds")?.filter(|seconds| *seconds > 0);
        Ok(Self {
            state: Arc::clone(state),
            collection: asked.collection.clone(),
            version: number("resourceVersion")?.unwrap_or_default(),
            wants_bookmarks: asked.parameter("allowWatchBookmarks") == Some("true"),
            ends: Instant::now() + seconds.map_or(LASTS, Duration::from_secs),
            versions: state.versions(),
            interruptions: state.interruptions(asked.collection.resource),
            waiting: VecDeque::new(),
            after: After::Changes,
        })
    }

    /// Where its version can be begun with. Without one, what is there comes first.
    fn begin(&mut self) -> Result<(), Failure> {
        let store = &self.state.lock().store;
        if self.version == 0 {
            self.version = store.version();
            self.waiting = store.everything(&self.collection).iter().map(Change::line).collect();
        }
        store.check_remembered(self.version)
    }

    async fn next(mut self) -> Option<(io::Result<String>, Self)> {
        loop {
            if let Some(line) = self.waiting.pop_front() {
                return Some((Ok(line), self));
            }
            match self.after {
                After::Changes => self.wait().await,
                After::End => return None,
                After::Silence => pending().await,
                After::Break => {
                    // So that what came before is sent.
                    yield_now().await;
                    self.after = After::End;
                    return Some((Err(io::Error::other("it breaks off")), self));
                }
            }
        }
    }

    /// Until there is something new.
    async fn wait(&mut self) {
        self.versions.mark_unchanged();
        self.look();
        if !self.waiting.is_empty() {
            return;
        }
        tokio::select! {
            interruption = self.interruptions.recv() => self.take(interruption.unwrap()),
            changed = self.versions.changed() => changed.unwrap(),
            () = sleep_until(self.ends) => self.take(Interruption::End),
        }
    }

    /// Takes up what changed.
    fn look(&mut self) {
        let store = &self.state.lock().store;
        let changes = store.changes(&self.collection, self.version);
        self.waiting.extend(changes.map(Change::line));
        self.version = store.version();
    }

    fn take(&mut self, interruption: Interruption) {
        match interruption {
            Interruption::End => {
                self.bookmark();
                self.after = After::End;
            }
            Interruption::BreakOff => {
                self.waiting.push_back(r#"{"type":"MODIFIED","object":{"apiVersion":"nai"#.into());
                self.after = After::Break;
            }
            Interruption::Stall => self.after = After::Silence,
            Interruption::Error(failure) => {
                let status = failure.status(self.collection.resource, "watch");
                self.waiting.push_back(line("ERROR", &status));
                self.after = After::End;
            }
            Interruption::Bookmark => self.bookmark(),
        }
    }

    /// Tells how far the server is, also where that was by changes of other objects.
    fn bookmark(&mut self) {
        if !self.wants_bookmarks {
            return;
        }
        self.look();
        let resource = self.collection.resource;
        let object = json!({
            "apiVersion": resource.api_version(), "kind": resource.kind(),
            "metadata": {"resourceVersion": self.version.to_string(), "creationTimestamp": null},
        });
        self.waiting.push_back(line("BOOKMARK", &object));
    }
}
