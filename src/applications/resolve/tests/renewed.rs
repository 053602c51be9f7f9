//! What is resolved after something else is what would be resolved without it.

use proptest::{collection::vec, option, prelude::*, sample::select};

use super::*;
use crate::applications::manifests::Manifests;

/// Few, so that documents meet. The service name of the last two is the same.
const NAMES: [&str; 5] = ["api", "a", "b", "x", "X"];
const HOSTS: [&str; 4] = ["one.example", "two.example", "a.team.svc", "x.team"];
const FILES: usize = 3;

/// A document that may be wrong in every way that concerns other documents.
#[derive(Debug, Clone)]
struct Drawn {
    is_manifest: bool,
    name: &'static str,
    client_id: Option<u8>,
    hosts: Vec<&'static str>,
    rules: Vec<&'static str>,
    assigned: Option<(&'static str, u8)>,
    is_broken: bool,
}

/// What happens between two times of resolving.
#[derive(Debug, Clone)]
enum Edit {
    /// A file is written anew: with lines before its documents, which moves their places.
    Write { file: usize, empty_lines: usize, documents: Vec<Drawn> },
    /// The contents of two files change places.
    Swap(usize, usize),
    /// The files of further consumers are written anew.
    Further(Vec<(&'static str, u8)>),
}

fn documents() -> impl Strategy<Value = Drawn> {
    let client_id = 1..4_u8;
    (
        prop::bool::weighted(0.7),
        select(&NAMES[..]),
        option::of(client_id.clone()),
        vec(select(&HOSTS[..]), 0..2),
        vec(select(&["api", "a", "b", "x", "gone", "'*'"][..]), 0..3),
        option::weighted(0.2, (select(&NAMES[..]), client_id)),
        prop::bool::weighted(0.1),
    )
        .prop_map(|(is_manifest, name, client_id, hosts, rules, assigned, is_broken)| Drawn {
            is_manifest,
            name,
            client_id,
            hosts,
            rules,
            assigned,
            is_broken,
        })
}

fn edits() -> impl Strategy<Value = Edit> {
    let consumers = vec((select(&NAMES[..]), 1..4_u8), 0..3);
    prop_oneof![
        6 => (0..FILES, 0..2_usize, vec(documents(), 0..4)).prop_map(
            |(file, empty_lines, documents)| Edit::Write { file, empty_lines, documents }
        ),
        1 => (0..FILES, 0..FILES).prop_map(|(one, other)| Edit::Swap(one, other)),
        1 => consumers.prop_map(Edit::Further),
    ]
}

impl Drawn {
    fn text(&self) -> String {
        let Self { name, hosts, .. } = self;
        let rules: Vec<_> =
            self.rules.iter().map(|rule| format!("{{application: {rule}}}")).collect();
        let rules = rules.join(", ");
        if self.is_manifest {
            let hosts: Vec<_> = hosts.iter().map(|host| format!("'https://{host}'")).collect();
            let broken = if self.is_broken { ", liveness: 7" } else { "" };
            let spec = format!(
                "{{ingresses: [{}]{broken}, azure: {{application: {{enabled: true}}}}, \
                 accessPolicy: {{inbound: {{rules: [{rules}]}}}}}}",
                hosts.join(", ")
            );
            match self.client_id {
                Some(client_id) => annotated(name, client_id, &spec),
                None => manifest(name, &spec),
            }
        } else {
            let more = match self.assigned {
                _ if self.is_broken => ", preAuthorizedApps: 7".to_owned(),
                Some((consumer, client_id)) => assigned(consumer, client_id),
                None => String::new(),
            };
            let client_id = self.client_id.unwrap_or(1);
            registration(name, client_id, &more)
                + &format!("spec: {{preAuthorizedApplications: [{rules}]}}\n")
        }
    }
}

/// Files, each with what it says.
struct Files {
    documents: Vec<Manifests>,
    further: FurtherConsumers,
}

impl Files {
    fn new() -> Self {
        let documents = (0..FILES).map(|_| Manifests::default()).collect();
        Self { documents, further: FurtherConsumers::default() }
    }

    fn edit(&mut self, edit: &Edit) {
        let namespaces = &Namespaces::Any;
        match edit {
            Edit::Write { file, empty_lines, documents } => {
                let texts: String = documents.iter().map(Drawn::text).collect();
                let text = &("\n".repeat(*empty_lines) + &texts);
                let source = &format!("{file}.yaml").into();
                let text = Text { source, namespaces, text };
                self.documents[*file] = Manifests::read(text, Some(&self.documents[*file]), "dev");
            }
            Edit::Swap(one, other) => self.documents.swap(*one, *other),
            Edit::Further(consumers) => {
                let entries = consumers.iter().map(|(name, client_id)| {
                    format!("{{name: 'dev:team:{name}', clientId: {}}}", guid(*client_id))
                });
                let text = &format!("[{}]", entries.collect::<Vec<_>>().join(", "));
                let text = Text { source: &"further.yaml".into(), namespaces, text };
                self.further = FurtherConsumers::read(text, None);
            }
        }
    }

    fn resolve(&self, resolver: &mut Resolver) -> Resolved {
        let documents = self.documents.iter().flat_map(|file| &file.documents);
        resolver.resolve(documents, self.further.entries.iter())
    }
}

fn resolver(environment: Option<EnvironmentApplication>) -> Resolver {
    let tenants =
        Tenants::Configured(vec![KnownTenant { id: TENANT.parse().unwrap(), name: None }]);
    Resolver::new(Context::new("dev", tenants), environment)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn what_was_known_before_changes_nothing(
        steps in vec(vec(edits(), 1..3), 1..8),
        is_in_pod in any::<bool>(),
    ) {
        let environment = is_in_pod.then(|| environment(&[("dev:team:a", 3)]));
        let mut files = Files::new();
        let mut renewing = resolver(environment.clone());
        for step in &steps {
            step.iter().for_each(|edit| files.edit(edit));
            let renewed = files.resolve(&mut renewing);
            prop_assert_eq!(renewed, files.resolve(&mut resolver(environment.clone())));
        }
    }
}

/// Resolves documents of one file each, then those with the last one exchanged.
fn exchange(documents: &[String], last: &str) -> [Resolved; 2] {
    let mut read: Vec<_> = documents.iter().map(|text| read_for_tests(text, None)).collect();
    let mut resolver = resolver(None);
    let mut resolve = |read: &[Manifests]| {
        let documents = read.iter().flat_map(|file| &file.documents);
        resolver.resolve(documents, std::iter::empty())
    };
    let before = resolve(&read);
    read.pop();
    read.push(read_for_tests(last, None));
    [before, resolve(&read)]
}

#[test]
fn only_what_depends_on_a_difference_is_merged_again() {
    let api = annotated("api", 1, &rules("{application: a}"));
    let other = annotated("b", 3, &rules("{application: api}"));
    let a = annotated("a", 2, "{ingresses: ['https://one.example']}");
    for (last, same) in [
        (a.clone(), [true, true, true]),
        (annotated("a", 2, &rules("{application: b}")), [true, true, false]),
        (annotated("a", 2, "{ingresses: ['https://two.example']}"), [true, true, false]),
        (annotated("a", 4, "{ingresses: ['https://one.example']}"), [false, true, true]),
        (annotated("a", 3, "{ingresses: ['https://one.example']}"), [false, false, true]),
        (annotated("gone", 2, "{ingresses: ['https://one.example']}"), [false, true, false]),
    ] {
        let [before, after] = exchange(&[api.clone(), other.clone(), a.clone()], &last);
        let find = |resolved: &Resolved, name: &str| {
            resolved.applications.iter().find(|known| known.id.name() == name).cloned()
        };
        for (name, same) in ["api", "b"].into_iter().zip(same) {
            let [before, after] = [&before, &after].map(|resolved| find(resolved, name).unwrap());
            assert_eq!(Arc::ptr_eq(&before, &after), same, "{name} beside {last}");
        }
        assert_eq!(Arc::ptr_eq(&before.hosts, &after.hosts), same[2], "hosts beside {last}");
    }
}

#[test]
fn a_document_that_says_the_same_at_another_place_is_reported_there() {
    let [one, other] =
        ["{application: a}", "  {application: a}"].map(|rule| annotated("api", 1, &rules(rule)));
    let [before, after] = exchange(&[one], &other).map(|resolved| resolved.findings);
    assert_eq!((before.len(), after.len()), (1, 1));
    assert_eq!(after[0].place.column, before[0].place.column + 2);
}
