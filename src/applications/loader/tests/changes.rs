//! Whatever changes, and in whatever order: what is known then is what is resolved from scratch.

use std::{collections::HashSet, fs};

use proptest::{collection::vec, option, prelude::*, sample::select};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::*;
use crate::{
    applications::{
        KnownTenant,
        document::Kind,
        kubernetes::{ListId, Object},
    },
    config::PreAuthorized,
};

/// Few, so that documents meet. The service name of the last two is the same.
const NAMES: [&str; 5] = ["api", "a", "b", "x", "X"];
const HOSTS: [&str; 5] =
    ["one.example", "two.example", "a.team.svc", "x.team", "b.team.svc.cluster.local"];
const FILES: usize = 2;

/// A document, as an object of a cluster or in a file.
#[derive(Debug, Clone)]
struct Drawn {
    kind: Kind,
    name: &'static str,
    client_id: Option<u8>,
    hosts: Vec<&'static str>,
    rules: Vec<&'static str>,
    is_broken: bool,
}

/// One change of the sources.
#[derive(Debug, Clone)]
enum Change {
    Applied(Drawn),
    Deleted(Kind, &'static str),
    /// The lists of the cluster are read anew, each with these alone.
    Listed(Vec<Drawn>),
    /// A file is written anew.
    Written(usize, Vec<Drawn>),
    /// A file is removed.
    Removed(usize),
    /// A file of further consumers is written anew, not necessarily well.
    Further(Vec<(&'static str, u8)>),
}

fn drawn() -> impl Strategy<Value = Drawn> {
    (
        select(&Kind::ALL[..]),
        select(&NAMES[..]),
        option::weighted(0.8, 1..4_u8),
        vec(select(&HOSTS[..]), 0..3),
        vec(select(&["api", "a", "b", "x", "gone", "*"][..]), 0..3),
        prop::bool::weighted(0.1),
    )
        .prop_map(|(kind, name, client_id, hosts, rules, is_broken)| Drawn {
            kind,
            name,
            client_id,
            hosts,
            rules,
            is_broken,
        })
}

fn changes() -> impl Strategy<Value = Change> {
    prop_oneof![
        8 => drawn().prop_map(Change::Applied),
        4 => (select(&Kind::ALL[..]), select(&NAMES[..]))
            .prop_map(|(kind, name)| Change::Deleted(kind, name)),
        1 => vec(drawn(), 0..6).prop_map(Change::Listed),
        2 => (0..FILES, vec(drawn(), 0..3)).prop_map(|(file, them)| Change::Written(file, them)),
        1 => (0..FILES).prop_map(Change::Removed),
        1 => vec((select(&NAMES[..]), 0..4_u8), 0..3).prop_map(Change::Further),
    ]
}

fn client_id(number: u8) -> String {
    format!("00000000-0000-0000-0000-0000000000{number:02}")
}

impl Drawn {
    fn json(&self) -> Value {
        let rules: Vec<_> = self.rules.iter().map(|rule| json!({"application": rule})).collect();
        let hosts: Vec<_> = self.hosts.iter().map(|host| format!("https://{host}")).collect();
        let id = self.client_id.map(client_id);
        let mut document = json!({
            "apiVersion": self.kind.api_version(),
            "kind": self.kind.as_str(),
            "metadata": {"name": self.name, "namespace": "team"},
        });
        match self.kind {
            Kind::Manifest => {
                document["metadata"]["annotations"] = json!({"portvakt.dev/client-id": id});
                document["spec"] = json!({
                    "ingresses": hosts,
                    "azure": {"application": {"enabled": true}},
                    "accessPolicy": {"inbound": {"rules": rules}},
                    "liveness": if self.is_broken { json!(7) } else { Value::Null },
                });
            }
            Kind::Registration => {
                document["status"] = json!({"clientId": id});
                document["spec"] = json!({
                    "preAuthorizedApplications": rules,
                    "claims": if self.is_broken { json!(7) } else { Value::Null },
                });
            }
        }
        document
    }
}

/// A cluster, files, and a loader of both.
struct Sources {
    folder: TempDir,
    loader: Loader,
    lists: [ListId; 2],
    /// Of all objects, none twice.
    version: u32,
}

impl Sources {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let further = folder.path().join("further.json");
        fs::write(&further, "[]").unwrap();
        let documents = folder.path().join("documents");
        fs::create_dir(&documents).unwrap();
        let environment = EnvironmentApplication {
            id: "dev:team:api".parse().unwrap(),
            client_id: client_id(3).parse().unwrap(),
            tenant: client_id(9).parse().unwrap(),
            consumers: vec![PreAuthorized {
                id: "dev:team:a".parse().unwrap(),
                client_id: client_id(1).parse().unwrap(),
            }],
        };
        let sources = ApplicationSources {
            paths: vec![documents.into()],
            pre_authorized: vec![further],
            kubernetes: Some(Namespaces::Any),
            environment: Some(environment),
            candidate_paths: vec![],
        };
        let tenant = KnownTenant { id: client_id(9).parse().unwrap(), name: None };
        let tenants = Tenants::Configured(vec![tenant]);
        let loader = Loader::with(sources, Context::new("dev", tenants));
        let objects = loader.objects().unwrap();
        let lists = Kind::ALL.map(|kind| objects.add(kind));
        lists.iter().for_each(|list| objects.whole(*list));
        Self { folder, loader, lists, version: 0 }
    }

    fn object(&mut self, drawn: &Drawn) -> Object {
        self.version += 1;
        let mut content = drawn.json();
        content["metadata"]["resourceVersion"] = self.version.to_string().into();
        serde_json::from_value(content).unwrap()
    }

    fn list(&self, kind: Kind) -> ListId {
        self.lists[usize::from(kind != Kind::ALL[0])]
    }

    fn file(&self, number: usize) -> PathBuf {
        self.folder.path().join(format!("documents/{number}.json"))
    }

    fn change(&mut self, change: &Change) {
        let objects = self.loader.objects().unwrap();
        match change {
            Change::Applied(drawn) => {
                let object = self.object(drawn);
                objects.applied(self.list(drawn.kind), object);
            }
            Change::Deleted(kind, name) => {
                let metadata = json!({"metadata": {"name": name, "namespace": "team"}});
                let object: Object = serde_json::from_value(metadata).unwrap();
                objects.deleted(self.list(*kind), &object);
            }
            Change::Listed(them) => {
                self.lists.iter().for_each(|list| objects.begin(*list));
                for drawn in them {
                    let object = self.object(drawn);
                    objects.listed(self.list(drawn.kind), object);
                }
                self.lists.iter().for_each(|list| objects.whole(*list));
            }
            Change::Written(file, them) => {
                let items: Vec<_> = them.iter().map(Drawn::json).collect();
                let text = json!({"kind": "List", "items": items}).to_string();
                fs::write(self.file(*file), text).unwrap();
            }
            Change::Removed(file) => drop(fs::remove_file(self.file(*file))),
            Change::Further(consumers) => {
                let entry = |(name, number): &(&str, u8)| {
                    // No client id has the number 0.
                    let client_id = if *number == 0 { "none".into() } else { client_id(*number) };
                    json!({"name": format!("dev:team:{name}"), "clientId": client_id})
                };
                let entries: Value = consumers.iter().map(entry).collect();
                fs::write(self.folder.path().join("further.json"), entries.to_string()).unwrap();
            }
        }
    }

    /// What is known by what was known before, and what is known without.
    fn both(&mut self) -> [(Index, Counts, bool, Vec<Finding>); 2] {
        self.loader.refresh();
        let renewed = all(self.loader.renewed());
        let kept = self.loader.resolver.take();
        let from_scratch = all(self.loader.renewed());
        self.loader.resolver = kept;
        [renewed, from_scratch]
    }
}

fn all(resolver: &mut Resolver) -> (Index, Counts, bool, Vec<Finding>) {
    let (is_clean, findings) = (resolver.standing().is_clean(), resolver.standing().all());
    (resolver.index().clone(), resolver.counts(), is_clean, findings)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn any_changes_end_where_their_end_would_have_begun(
        steps in vec(vec(changes(), 1..4), 1..12),
    ) {
        let mut sources = Sources::new();
        for step in &steps {
            step.iter().for_each(|change| sources.change(change));
            let [renewed, from_scratch] = sources.both();
            prop_assert_eq!(renewed, from_scratch);
        }
    }

    #[test]
    fn what_is_logged_of_changes_is_what_did_not_stand_before(
        steps in vec(vec(changes(), 1..4), 1..8),
    ) {
        let mut sources = Sources::new();
        let mut stood = HashSet::new();
        for step in &steps {
            step.iter().for_each(|change| sources.change(change));
            sources.loader.refresh();
            let new: HashSet<_> =
                sources.loader.resolve().new.iter().map(ToString::to_string).collect();
            let standing = sources.loader.renewed().standing().all();
            let stands: HashSet<_> = standing.iter().map(ToString::to_string).collect();
            prop_assert_eq!(&new, &stands.difference(&stood).cloned().collect());
            stood = stands;
        }
    }
}

/// A panic would drop what was half told.
#[test]
fn what_was_cut_short_is_resolved_from_scratch() {
    let mut sources = Sources::new();
    let drawn = Drawn {
        kind: Kind::Registration,
        name: "a",
        client_id: Some(1),
        hosts: vec![],
        rules: vec!["api"],
        is_broken: false,
    };
    sources.change(&Change::Applied(drawn.clone()));
    sources.both();
    sources.change(&Change::Applied(Drawn { name: "b", client_id: Some(2), ..drawn }));
    sources.loader.refresh();
    let mut half = sources.loader.resolver.take().unwrap();
    sources.loader.tell_changes(&mut half);
    drop(half);
    let [renewed, from_scratch] = sources.both();
    assert_eq!(renewed, from_scratch);
    assert_eq!(renewed.0.len(), 3);
}
