//! What is known of a cluster's objects.

use std::{
    collections::{BTreeMap, BTreeSet},
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use serde_json::Value;
use tokio::sync::Notify;
use tracing::info;

use super::object::{Name, Object};
use crate::{
    applications::{
        document::{Document, Kind},
        manifests::Manifests,
        origin::Origin,
    },
    finding::{Code, Finding, Place, Severity},
    identifiers::ApplicationId,
    yaml::Node,
};

/// The objects of a cluster, each with what it said when it was last readable.
///
/// A list comes in pages and counts when it is whole: until then, what was known before stays.
#[derive(Debug)]
pub struct Objects {
    cluster: String,
    /// Told of every change.
    changed: Arc<Notify>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
pub struct State {
    lists: Vec<List>,
    /// Objects that may say something else than when they were asked last.
    changed: BTreeSet<(ListId, Arc<Name>)>,
    is_changed: bool,
}

/// The objects of one kind, in one namespace or all.
#[derive(Debug)]
struct List {
    kind: Kind,
    objects: BTreeMap<Arc<Name>, Held>,
    /// What has come of a list that is not whole yet.
    begun: BTreeMap<Arc<Name>, Held>,
    was_whole: bool,
}

#[derive(Debug, Clone)]
struct Held {
    uid: Option<String>,
    version: Option<String>,
    manifests: Manifests,
}

/// Which list: there is one for each watch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ListId(usize);

impl Objects {
    /// No lists yet. `cluster` is what applications are told to be in.
    pub fn new(cluster: String, changed: Arc<Notify>) -> Self {
        Self { cluster, changed, state: Mutex::default() }
    }

    /// A list of objects of one kind, about which nothing is known yet.
    pub fn add(&self, kind: Kind) -> ListId {
        let lists = &mut self.lock().lists;
        lists.push(List {
            kind,
            objects: BTreeMap::new(),
            begun: BTreeMap::new(),
            was_whole: false,
        });
        ListId(lists.len() - 1)
    }

    /// All objects are about to be told of anew.
    pub fn begin(&self, id: ListId) {
        self.change(id, |list, _| {
            list.begun.clear();
            None
        });
    }

    /// One of them.
    pub fn listed(&self, id: ListId, object: Object) {
        self.change(id, |list, cluster| {
            let name = object.name();
            let held = list.read(&name, object, cluster);
            list.begun.insert(Arc::new(name), held);
            None
        });
    }

    /// That was all of them: what is not among them is gone.
    pub fn whole(&self, id: ListId) {
        self.change(id, |list, _| {
            let earlier = mem::replace(&mut list.objects, mem::take(&mut list.begun));
            for name in earlier.keys().filter(|name| !list.objects.contains_key(*name)) {
                list.tell_gone(name);
            }
            let is_first = !mem::replace(&mut list.was_whole, true);
            let different = different(&earlier, &list.objects);
            (is_first || !different.is_empty()).then_some(different)
        });
    }

    /// An object is new or different, though perhaps in nothing that matters here.
    pub fn applied(&self, id: ListId, object: Object) {
        self.change(id, |list, cluster| {
            let name = Arc::new(object.name());
            let held = list.read(&name, object, cluster);
            let manifests = held.manifests.clone();
            let earlier = list.objects.insert(Arc::clone(&name), held);
            let is_different = earlier.is_none_or(|earlier| earlier.manifests != manifests);
            is_different.then(|| vec![name])
        });
    }

    /// An object is gone, and its application with it.
    pub fn deleted(&self, id: ListId, object: &Object) {
        self.change(id, |list, _| {
            let (name, _) = list.objects.remove_entry(&object.name())?;
            list.tell_gone(&name);
            Some(vec![name])
        });
    }

    /// Whether every list was whole once.
    pub fn are_complete(&self) -> bool {
        self.lock().are_complete()
    }

    /// Whether something is different from the last time that this was asked. Nothing is before
    /// every list was whole once.
    pub fn take_changed(&self) -> bool {
        let mut state = self.lock();
        state.are_complete() && mem::take(&mut state.is_changed)
    }

    /// What the objects say, as it is while the guard is held.
    pub fn lock(&self) -> MutexGuard<'_, State> {
        // Whoever panicked left an object out at worst.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes a list, and tells of it where what counts is different then: what these objects say,
    /// or whether the list was whole.
    fn change(&self, id: ListId, change: impl FnOnce(&mut List, &str) -> Option<Vec<Arc<Name>>>) {
        let mut state = self.lock();
        let list = state.lists.get_mut(id.0);
        if let Some(different) = list.and_then(|list| change(list, &self.cluster)) {
            state.changed.extend(different.into_iter().map(|name| (id, name)));
            state.is_changed = true;
            self.changed.notify_one();
        }
    }
}

impl State {
    fn are_complete(&self) -> bool {
        !self.lists.is_empty() && self.lists.iter().all(|list| list.was_whole)
    }

    /// What objects say that may say something else than when this was asked last; nothing where
    /// they are gone. There are none before every list was whole once: half of a cluster would be
    /// found fault with for want of the other.
    pub fn take_changes(&mut self) -> impl Iterator<Item = (Origin, Option<&Manifests>)> {
        let changed =
            if self.are_complete() { mem::take(&mut self.changed) } else { BTreeSet::new() };
        changed.into_iter().map(|(id, name)| {
            let held = self.lists.get(id.0).and_then(|list| list.objects.get(&name));
            (Origin::Object(id, name), held.map(|held| &held.manifests))
        })
    }

    /// Has every object among the changes.
    pub fn tell_all(&mut self) {
        for (number, list) in self.lists.iter().enumerate() {
            let names = list.objects.keys().cloned();
            self.changed.extend(names.map(|name| (ListId(number), name)));
        }
    }
}

/// The objects of which both do not say the same, whatever else of them is different: their status
/// changes often.
fn different(one: &BTreeMap<Arc<Name>, Held>, other: &BTreeMap<Arc<Name>, Held>) -> Vec<Arc<Name>> {
    let is_same = |name: &Arc<Name>, held: &Held| {
        other.get(name).is_some_and(|other| other.manifests == held.manifests)
    };
    let gone_or_different = one.iter().filter(|(name, held)| !is_same(name, held));
    let new = other.iter().filter(|(name, _)| !one.contains_key(*name));
    gone_or_different.chain(new).map(|(name, _)| Arc::clone(name)).collect()
}

impl List {
    /// Reads an object that is not the same as before. One that cannot be read still says what it
    /// said; one that was made anew never said anything.
    fn read(&self, name: &Name, object: Object, cluster: &str) -> Held {
        let uid = object.uid().map(str::to_owned);
        let version = object.version().map(str::to_owned);
        let earlier = self.objects.get(name).filter(|held| held.uid == uid);
        match earlier {
            Some(held) if version.is_some() && held.version == version => held.clone(),
            _ => {
                let earlier = earlier.map(|held| &held.manifests);
                let manifests = self.manifests(name, &object, earlier, cluster);
                Held { uid, version, manifests }
            }
        }
    }

    fn manifests(
        &self,
        name: &Name,
        object: &Object,
        earlier: Option<&Manifests>,
        cluster: &str,
    ) -> Manifests {
        match object.content() {
            Ok(content) => Manifests::of_object(&self.node(name, content), earlier, cluster),
            Err(error) => {
                let place = Place::whole(self.source(name));
                let id = ApplicationId::new(cluster, &name.namespace, &name.name).ok();
                let document = id.map(|id| Document::unreadable(self.kind, id, place.clone()));
                let message = format!("The object cannot be read: {error}.");
                let (severity, code) = (Severity::Error, Code::YamlSyntax);
                let finding = Finding { place, severity, code, message };
                Manifests::of_unreadable(document, finding, earlier)
            }
        }
    }

    /// The object as a document, which is found by the object's own name.
    fn node(&self, name: &Name, mut content: Value) -> Node {
        if let Value::Object(members) = &mut content {
            // Members of a list need not repeat what was asked for.
            members.insert("apiVersion".to_owned(), self.kind.api_version().into());
            members.insert("kind".to_owned(), self.kind.as_str().into());
        }
        Node::of_json(&Place::whole(self.source(name)), content)
    }

    fn source(&self, Name { namespace, name }: &Name) -> String {
        format!("kubernetes:{}/{namespace}/{name}", self.kind.plural())
    }

    fn tell_gone(&self, name: &Name) {
        info!(place = self.source(name), "the object was deleted; what it said counts no longer");
    }
}

#[cfg(test)]
mod tests;
