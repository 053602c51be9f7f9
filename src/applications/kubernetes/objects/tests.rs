use serde_json::json;

use super::*;
use crate::{
    applications::{Application, Context, Loader, Protection, Tenants},
    config::{ApplicationSources, Namespaces},
    finding::Code,
};

const ORDERS: &str = "a2f4c0d1-5b7e-4d3a-8c69-17e05b9d4f20";
const WEBSHOP: &str = "b6e8d9a3-2c41-4f7b-9d05-8a3f6e1c7d52";

/// A loader of a cluster alone, and the lists of both kinds.
struct Cluster {
    loader: Loader,
    objects: Arc<Objects>,
    applications: ListId,
    registrations: ListId,
}

impl Cluster {
    fn new() -> Self {
        let kubernetes = Some(Namespaces::Any);
        let sources = ApplicationSources { kubernetes, ..ApplicationSources::default() };
        let context = Context::new("dev", Tenants::Unspecified);
        let loader = Loader::with(sources, context);
        let objects = loader.objects().unwrap();
        let [applications, registrations] = Kind::ALL.map(|kind| objects.add(kind));
        Self { loader, objects, applications, registrations }
    }

    /// With `orders-api`, which grants `webshop`.
    fn listed() -> Self {
        let mut cluster = Self::new();
        cluster.list([application("orders-api", 1)], [registration("orders-api", 1, ORDERS)]);
        assert!(cluster.loader.refresh().changed);
        cluster
    }

    fn list<const A: usize, const R: usize>(&self, a: [Value; A], r: [Value; R]) {
        self.objects.begin(self.applications);
        a.into_iter().for_each(|it| self.objects.listed(self.applications, object(it)));
        self.objects.begin(self.registrations);
        r.into_iter().for_each(|it| self.objects.listed(self.registrations, object(it)));
        self.objects.whole(self.applications);
        self.objects.whole(self.registrations);
    }

    /// The applications, and what is wrong, as `code place`.
    fn resolve(&mut self) -> (Vec<Arc<Application>>, Vec<String>) {
        let resolved = self.loader.resolve();
        let told = resolved.findings.iter();
        let told = told.map(|found| format!("{} {}", found.code.as_str(), found.place)).collect();
        (resolved.applications, told)
    }

    /// How many consumers are granted by the only application, which must be enforced.
    fn consumers(&mut self) -> usize {
        let (applications, _) = self.resolve();
        let [application] = &applications[..] else { panic!("{applications:?}") };
        match &application.protection {
            Protection::Enforced { access, .. } => access.consumers.len(),
            disabled => panic!("{disabled:?}"),
        }
    }
}

fn object(content: Value) -> Object {
    serde_json::from_value(content).unwrap()
}

fn application(name: &str, version: u32) -> Value {
    json!({
        "metadata": {
            "name": name, "namespace": "team", "resourceVersion": version.to_string(),
            "managedFields": [{"manager": "kubectl"}],
        },
        "spec": {
            "ingresses": [format!("https://{name}.example")],
            "azure": {"application": {"enabled": true}},
            "accessPolicy": {"inbound": {"rules": [{"application": "webshop"}]}},
        },
    })
}

fn registration(name: &str, version: u32, client_id: &str) -> Value {
    let assigned = json!({
        "accessPolicyRule": {"application": "webshop", "namespace": "team", "cluster": "dev"},
        "clientId": WEBSHOP,
    });
    json!({
        "metadata": {"name": name, "namespace": "team", "resourceVersion": version.to_string()},
        "spec": {},
        "status": {
            "clientId": client_id,
            "synchronizationTenant": "7d5b2c3e-9f14-4b8a-a6d0-52e1c8f73a94",
            "preAuthorizedApps": {"assigned": [assigned]},
        },
    })
}

#[test]
fn nothing_counts_before_every_list_is_whole() {
    let mut cluster = Cluster::new();
    assert!(!cluster.loader.is_complete());
    cluster.objects.begin(cluster.applications);
    cluster.objects.listed(cluster.applications, object(application("orders-api", 1)));
    assert!(cluster.resolve().0.is_empty());
    cluster.objects.whole(cluster.applications);
    assert!(!cluster.loader.is_complete());
    cluster.objects.whole(cluster.registrations);
    assert!(cluster.loader.is_complete());
}

#[test]
fn both_kinds_make_one_application() {
    assert_eq!(Cluster::listed().consumers(), 1);
}

#[test]
fn changes_are_told_once() {
    let mut cluster = Cluster::listed();
    assert!(!cluster.loader.refresh().changed);
    let mut content = application("orders-api", 2);
    content["status"] = json!({"synchronizationTime": 1});
    cluster.objects.applied(cluster.applications, object(content.clone()));
    assert!(!cluster.loader.refresh().changed);
    content["spec"]["ingresses"] = json!([]);
    content["metadata"]["resourceVersion"] = "3".into();
    cluster.objects.applied(cluster.applications, object(content));
    assert!(cluster.loader.refresh().changed);
    assert!(!cluster.loader.refresh().changed);
}

#[test]
fn a_list_that_is_begun_anew_changes_nothing_until_it_is_whole() {
    let mut cluster = Cluster::listed();
    cluster.objects.begin(cluster.applications);
    assert_eq!(cluster.consumers(), 1);
    cluster.objects.begin(cluster.applications);
    cluster.objects.listed(cluster.applications, object(application("other", 3)));
    assert_eq!(cluster.consumers(), 1);
    cluster.objects.whole(cluster.applications);
    let names: Vec<_> = cluster.resolve().0.iter().map(|a| a.id.as_str().to_owned()).collect();
    assert_eq!(names, ["dev:team:orders-api", "dev:team:other"]);
    assert!(cluster.loader.is_complete());
}

#[test]
fn an_object_that_is_deleted_takes_its_application_with_it() {
    let mut cluster = Cluster::listed();
    cluster.objects.deleted(cluster.applications, &object(application("orders-api", 2)));
    cluster.objects.deleted(cluster.registrations, &object(registration("orders-api", 2, ORDERS)));
    assert!(cluster.loader.refresh().changed);
    assert!(cluster.resolve().0.is_empty());
}

#[test]
fn a_broken_object_keeps_what_it_said_and_is_reported_by_its_name() {
    let place = "wrong_type kubernetes:applications/team/orders-api";
    for broken in [json!("text"), json!({"accessPolicy": []}), json!({"azure": 7})] {
        let mut content = application("orders-api", 2);
        content["spec"] = broken;
        let mut cluster = Cluster::listed();
        cluster.objects.applied(cluster.applications, object(content.clone()));
        assert_eq!(cluster.consumers(), 1);
        assert_eq!(cluster.resolve().1, [place]);
        // The same in a list that is read anew.
        content["metadata"]["resourceVersion"] = "3".into();
        cluster.list([content], [registration("orders-api", 1, ORDERS)]);
        assert_eq!(cluster.consumers(), 1);
        cluster.objects.applied(cluster.applications, object(application("orders-api", 4)));
        assert!(cluster.resolve().1.is_empty());
    }
}

#[test]
fn a_broken_object_that_was_made_anew_never_said_anything() {
    let mut content = application("orders-api", 2);
    content["metadata"]["uid"] = "0f3a1d52-6a0e-4c61-9b5d-3c1f0a7e2b11".into();
    content["spec"] = json!("text");
    let mut cluster = Cluster::listed();
    cluster.list([content], [registration("orders-api", 1, ORDERS)]);
    let (applications, _) = cluster.resolve();
    assert!(matches!(applications[0].protection, Protection::Disabled(_)), "{applications:?}");
}

#[test]
fn what_is_no_object_at_all_harms_no_other() {
    let mut cluster = Cluster::listed();
    let garbage = [json!({}), json!([]), json!(7), json!("text"), json!({"metadata": [1]})];
    for content in garbage {
        cluster.objects.applied(cluster.applications, object(content));
        assert_eq!(cluster.consumers(), 1);
    }
    let (_, told) = cluster.resolve();
    assert!(told.iter().all(|told| told.ends_with("kubernetes:applications//")), "{told:?}");
    assert_eq!(told.len(), 1);
}

#[test]
fn two_that_claim_one_client_id_get_nothing_of_each_other() {
    let mut cluster = Cluster::listed();
    cluster.objects.applied(cluster.registrations, object(registration("thief", 2, ORDERS)));
    let (applications, told) = cluster.resolve();
    let is_disabled = |a: &Arc<Application>| matches!(a.protection, Protection::Disabled(_));
    assert!(applications.iter().all(is_disabled), "{applications:?}");
    let claimed = Code::ClientIdClaimedTwice.as_str();
    for name in ["orders-api", "thief"] {
        let expected = format!("{claimed} kubernetes:azureadapplications/team/{name}");
        assert!(told.contains(&expected), "{told:?}");
    }
}

#[test]
fn an_object_of_the_same_version_is_not_read_again() {
    let mut cluster = Cluster::listed();
    let documents = |cluster: &Cluster| {
        let state = cluster.objects.lock();
        let documents = state.contents().flat_map(|manifests| &manifests.documents);
        documents.cloned().collect::<Vec<_>>()
    };
    let before = documents(&cluster);
    // Whoever looked inside would find nothing.
    let same =
        json!({"metadata": {"name": "orders-api", "namespace": "team", "resourceVersion": "1"}});
    cluster.list([same.clone()], [same]);
    assert_eq!(documents(&cluster), before);
    assert!(!cluster.loader.refresh().changed);
}
