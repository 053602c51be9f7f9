//! What the server holds, what it was asked, and how it is to behave.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Mutex, MutexGuard},
    time::Duration,
};

use tokio::sync::{broadcast, watch};

use super::{
    TOKEN,
    failure::Failure,
    resource::{Collection, Resource},
    store::Store,
};

/// Nobody misses an interruption: there are never as many at once.
const INTERRUPTIONS: usize = 64;

/// What a reader of documents does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Verb {
    List,
    Watch,
}

/// How requests of one verb for one resource are answered.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Mood {
    #[default]
    Normal,
    Refusing(Failure),
    /// Never.
    Hanging,
    /// Only after this long.
    Slow(Duration),
    /// Breaks off in the midst of the answer.
    Breaking,
    /// Comes to no end, in the midst of the answer.
    Endless,
    /// Something else that is no JSON, as proxies answer.
    Babbling,
    /// No list can be continued.
    ForgettingPages,
    /// What is too old is refused at once, not within the stream.
    RefusingOldVersions,
}

/// What happens to the watches that are open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interruption {
    /// They end as if their time were over.
    End,
    /// They break off in the midst of a line.
    BreakOff,
    /// They stay open, and nothing comes any more.
    Stall,
    /// An event of the kind ERROR, after which they end.
    Error(Failure),
    /// How far the server is, for those that want to know.
    Bookmark,
}

/// A request to list or to watch.
#[derive(Debug, Clone)]
pub struct Asked {
    pub collection: Collection,
    pub verb: Verb,
    pub parameters: BTreeMap<String, String>,
}

/// All of it. Requests share it.
pub struct State {
    inner: Mutex<Inner>,
    /// The version that the store came to last.
    version: watch::Sender<u64>,
    interruptions: HashMap<Resource, broadcast::Sender<Interruption>>,
}

pub struct Inner {
    pub store: Store,
    pub moods: HashMap<(Resource, Verb), Mood>,
    pub asked: Vec<Asked>,
    /// Requests for what is not served here.
    pub strays: Vec<String>,
    /// How many connections were opened.
    pub connections: usize,
    /// The most items that a page has, whatever is asked for.
    pub page_size: usize,
    /// Without it, nobody is told anything.
    pub token: String,
}

impl Default for Inner {
    fn default() -> Self {
        Self {
            store: Store::default(),
            moods: HashMap::new(),
            asked: Vec::new(),
            strays: Vec::new(),
            connections: 0,
            page_size: usize::MAX,
            token: TOKEN.to_owned(),
        }
    }
}

impl Default for State {
    fn default() -> Self {
        let interruptions =
            Resource::ALL.map(|resource| (resource, broadcast::channel(INTERRUPTIONS).0)).into();
        Self { inner: Mutex::default(), version: watch::channel(0).0, interruptions }
    }
}

impl State {
    pub fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap()
    }

    /// Changes the store, and wakes the watches.
    pub fn change<T>(&self, change: impl FnOnce(&mut Store) -> T) -> T {
        let mut inner = self.lock();
        let changed = change(&mut inner.store);
        self.version.send_replace(inner.store.version());
        changed
    }

    /// Sees each version of the store from now on.
    pub fn versions(&self) -> watch::Receiver<u64> {
        self.version.subscribe()
    }

    /// Hears of what happens to the watches of a resource. As many listen as watches are open.
    pub fn interruptions(&self, resource: Resource) -> broadcast::Receiver<Interruption> {
        self.interruptions[&resource].subscribe()
    }

    /// Tells the watches of a resource; returns how many there are.
    pub fn interrupt(&self, resource: Resource, interruption: Interruption) -> usize {
        self.interruptions[&resource].send(interruption).unwrap_or_default()
    }

    /// How many watches of a resource are open.
    pub fn watches(&self, resource: Resource) -> usize {
        self.interruptions[&resource].receiver_count()
    }
}

impl Inner {
    pub fn mood(&self, resource: Resource, verb: Verb) -> Mood {
        self.moods.get(&(resource, verb)).copied().unwrap_or_default()
    }
}

impl Asked {
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.get(name).map(String::as_str)
    }
}

impl Verb {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::List => "list",
            Self::Watch => "watch",
        }
    }
}
