//! The objects, each of their versions, and what of all that is remembered.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use serde_json::Value;

use super::{
    failure::Failure,
    resource::{Collection, Key},
};

/// No object's version is as small as what a client could make up.
const FIRST_VERSION: u64 = 1000;

/// The state of the cluster, as etcd holds it.
pub struct Store {
    /// Of the newest change of any object.
    version: u64,
    objects: BTreeMap<Key, Value>,
    changes: Vec<Change>,
    /// No watch can begin before this version.
    forgotten: u64,
    /// What is left of lists that were begun, by their continue tokens.
    pages: HashMap<String, Page>,
    /// How many continue tokens there ever were.
    tokens: usize,
}

/// A change of one object.
#[derive(Debug, Clone)]
pub struct Change {
    version: u64,
    /// `ADDED`, `MODIFIED` or `DELETED`.
    kind: &'static str,
    key: Key,
    object: Value,
}

/// A part of a list.
#[derive(Debug, Clone)]
pub struct Page {
    /// At which the whole list was true.
    pub version: u64,
    /// Shared with what is left of the list, of which there may be much.
    pub items: Vec<Arc<Value>>,
    /// For the next part, where there is one.
    pub token: Option<String>,
}

/// What of an object a client replaces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// All but the status.
    Main,
    Status,
}

impl Default for Store {
    fn default() -> Self {
        Self {
            version: FIRST_VERSION,
            objects: BTreeMap::new(),
            changes: Vec::new(),
            forgotten: FIRST_VERSION,
            pages: HashMap::new(),
            tokens: 0,
        }
    }
}

impl Store {
    pub fn version(&self) -> u64 {
        self.version
    }

    pub fn get(&self, key: &Key) -> Result<Value, Failure> {
        self.objects.get(key).cloned().ok_or(Failure::NotFound)
    }

    /// A new object. What a client says of its status is not believed.
    pub fn create(&mut self, mut object: Value) -> Result<Value, Failure> {
        let key = Key::of(&object);
        if self.objects.contains_key(&key) {
            return Err(Failure::AlreadyExists);
        }
        let next = self.version + 1;
        object.as_object_mut().unwrap().remove("status");
        object["metadata"]["uid"] = format!("00000000-0000-4000-8000-{next:012}").into();
        object["metadata"]["creationTimestamp"] = "2026-11-25T08:00:00Z".into();
        Ok(self.put("ADDED", key, object))
    }

    /// A new version of one part of an object, with the version that it replaces.
    pub fn replace(&mut self, key: &Key, object: Value, part: Part) -> Result<Value, Failure> {
        let current = self.get(key)?;
        if object["metadata"]["resourceVersion"] != current["metadata"]["resourceVersion"] {
            return Err(Failure::Conflict);
        }
        // These are the server's to set.
        let [uid, created] =
            ["uid", "creationTimestamp"].map(|name| current["metadata"][name].clone());
        let (mut main, status) = match part {
            Part::Main => (object, current),
            Part::Status => (current, object),
        };
        main["metadata"]["uid"] = uid;
        main["metadata"]["creationTimestamp"] = created;
        match status.get("status") {
            Some(status) => main["status"] = status.clone(),
            None => drop(main.as_object_mut().unwrap().remove("status")),
        }
        Ok(self.put("MODIFIED", key.clone(), main))
    }

    /// An object as it is, whether a client could send such a one or not.
    pub fn put_as_it_is(&mut self, mut object: Value) {
        let key = Key::of(&object);
        let current = self.objects.get(&key);
        if let Some(current) = current {
            object["metadata"]["uid"] = current["metadata"]["uid"].clone();
        }
        self.put(if current.is_some() { "MODIFIED" } else { "ADDED" }, key, object);
    }

    pub fn delete(&mut self, key: &Key) -> Result<Value, Failure> {
        let object = self.objects.remove(key).ok_or(Failure::NotFound)?;
        Ok(self.note("DELETED", key.clone(), object))
    }

    fn put(&mut self, kind: &'static str, key: Key, object: Value) -> Value {
        let object = self.note(kind, key.clone(), object);
        self.objects.insert(key, object.clone());
        object
    }

    fn note(&mut self, kind: &'static str, key: Key, mut object: Value) -> Value {
        self.version += 1;
        object["metadata"]["resourceVersion"] = self.version.to_string().into();
        self.changes.push(Change { version: self.version, kind, key, object: object.clone() });
        object
    }

    /// The first part of the list of all that is there, with no more items than `most`.
    pub fn list(&mut self, collection: &Collection, most: usize) -> Page {
        let found = self.objects.iter().filter(|(key, _)| collection.has(key));
        let items = found.map(|(_, object)| Arc::new(object.clone())).collect();
        let version = self.version;
        self.divide(Page { version, items, token: None }, most)
    }

    /// The next part of a list.
    pub fn list_on(&mut self, token: &str, most: usize) -> Result<Page, Failure> {
        let rest = self.pages.get(token).cloned().ok_or(Failure::Expired)?;
        Ok(self.divide(rest, most))
    }

    fn divide(&mut self, mut page: Page, most: usize) -> Page {
        if page.items.len() > most {
            let items = page.items.split_off(most);
            self.tokens += 1;
            let token = format!("token-{}", self.tokens);
            let rest = Page { version: page.version, items, token: None };
            self.pages.insert(token.clone(), rest);
            page.token = Some(token);
        }
        page
    }

    /// Whether a watch can begin after this version.
    pub fn check_remembered(&self, version: u64) -> Result<(), Failure> {
        match version {
            old if old < self.forgotten => Err(Failure::Expired),
            new if new > self.version => Err(Failure::TooLargeVersion),
            _ => Ok(()),
        }
    }

    /// What changed in a collection after this version. Watches that are open get all of it.
    pub fn changes<'a>(
        &'a self,
        collection: &'a Collection,
        after: u64,
    ) -> impl Iterator<Item = &'a Change> {
        let is_news = move |change: &&Change| change.version > after && collection.has(&change.key);
        self.changes.iter().filter(is_news)
    }

    /// All that is there, as if it were new.
    pub fn everything(&self, collection: &Collection) -> Vec<Change> {
        let found = self.objects.iter().filter(|(key, _)| collection.has(key));
        let added = |(key, object): (&Key, &Value)| Change {
            version: self.version,
            kind: "ADDED",
            key: key.clone(),
            object: object.clone(),
        };
        found.map(added).collect()
    }

    /// No watch can begin any more before what is now, and no list be continued.
    pub fn forget(&mut self) {
        self.forgotten = self.version;
        self.pages.clear();
    }
}

impl Change {
    /// As a line of a watch.
    pub fn line(&self) -> String {
        line(self.kind, &self.object)
    }
}

/// A line of a watch, in the order that the real server has.
pub fn line(kind: &str, object: &Value) -> String {
    format!("{{\"type\":\"{kind}\",\"object\":{object}}}\n")
}
