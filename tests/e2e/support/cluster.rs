//! A cluster, seen by whoever writes into it: the server on loopback, or a real one.

use std::{
    collections::BTreeSet,
    env, mem,
    panic::{AssertUnwindSafe, resume_unwind},
    path::{Path, PathBuf},
    process,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use futures_util::FutureExt;
use kube::{
    Api, Client, Config, Error,
    api::{ApiResource, DeleteParams, DynamicObject, ListParams, PostParams},
    config::{KubeConfigOptions, Kubeconfig},
    core::GroupVersionKind,
};
use serde_json::{Value, json};

use super::{
    api_server::{ApiServer, Key, Resource},
    until,
};

/// Names the kubeconfig of a real cluster: `make test-kubernetes`.
const VARIABLE: &str = "PORTVAKT_TEST_KUBECONFIG";
/// Every name that is made begins so.
const PREFIX: &str = "portvakt-test-";

/// A cluster in which a test may do what it likes, within its namespaces.
pub struct Cluster {
    client: Client,
    kubeconfig: PathBuf,
    /// Makes the namespaces those of one test.
    run: String,
    /// What exists by this test.
    made: Mutex<Made>,
    is_real: bool,
}

#[derive(Default)]
struct Made {
    objects: BTreeSet<Key>,
    namespaces: BTreeSet<String>,
    definitions: BTreeSet<String>,
}

impl Cluster {
    /// The one that is served on loopback.
    pub async fn served_by(api: &ApiServer, folder: &Path) -> Self {
        Self::at(api.kubeconfig(folder), false).await
    }

    async fn at(kubeconfig: PathBuf, is_real: bool) -> Self {
        static RUNS: AtomicUsize = AtomicUsize::new(0);
        let (read, options) = (Kubeconfig::read_from(&kubeconfig), KubeConfigOptions::default());
        let config = Config::from_custom_kubeconfig(read.unwrap(), &options).await.unwrap();
        let client = Client::try_from(config).unwrap();
        let run = format!("{}-{}", process::id(), RUNS.fetch_add(1, Ordering::Relaxed));
        Self { client, kubeconfig, run, made: Mutex::default(), is_real }
    }

    /// What Portvakt finds it by. Credentials may come from programs that need the usual variables.
    pub fn variables(&self) -> Vec<(&'static str, PathBuf)> {
        let usual = ["HOME", "PATH"].into_iter().filter(|_| self.is_real);
        let usual = usual.filter_map(|name| Some((name, env::var_os(name)?.into())));
        usual.chain([("KUBECONFIG", self.kubeconfig.clone())]).collect()
    }

    /// A namespace of this test alone.
    pub fn namespace(&self, name: &str) -> String {
        format!("{PREFIX}{}-{name}", self.run)
    }

    /// Creates an object, or replaces the one of this name.
    pub async fn apply(&self, object: &Value) {
        self.write(object, false).await;
        // Servers take no status along with the rest.
        if object.get("status").is_some() {
            self.write(object, true).await;
        }
    }

    async fn write(&self, object: &Value, is_status: bool) {
        let key = Key::of(object);
        self.prepare(&key.namespace).await;
        let api = self.api(key.resource, &key.namespace);
        let mut object: DynamicObject = serde_json::from_value(object.clone()).unwrap();
        let parameters = PostParams::default();
        // Somebody else may write at the same time, as operators do.
        until("an object to be written", async || {
            let current = api.get_opt(&key.name).await.unwrap();
            object.metadata.resource_version =
                current.and_then(|current| current.metadata.resource_version);
            let is_new = object.metadata.resource_version.is_none();
            let written = match (is_new, is_status) {
                (true, _) => api.create(&parameters, &object).await,
                (false, false) => api.replace(&key.name, &parameters, &object).await,
                (false, true) => api.replace_status(&key.name, &parameters, &object).await,
            };
            match written {
                Ok(_) => Some(()),
                Err(Error::Api(status)) if status.code == 409 => None,
                Err(error) => panic!("{key:?}: {error}"),
            }
        })
        .await;
        self.made.lock().unwrap().objects.insert(key);
    }

    /// Deletes an object, and waits until it is gone.
    pub async fn delete(&self, object: &Value) {
        let key = Key::of(object);
        self.made.lock().unwrap().objects.remove(&key);
        self.remove(&key).await;
    }

    async fn remove(&self, key: &Key) {
        let api = self.api(key.resource, &key.namespace);
        api.delete(&key.name, &DeleteParams::default()).await.unwrap();
        gone(&api, &key.name).await;
    }

    fn api(&self, resource: Resource, namespace: &str) -> Api<DynamicObject> {
        Api::namespaced_with(self.client.clone(), namespace, &kind(resource))
    }

    /// A real cluster wants the namespace to be there.
    async fn prepare(&self, namespace: &str) {
        if !self.is_real || !self.made.lock().unwrap().namespaces.insert(namespace.to_owned()) {
            return;
        }
        let object = json!({
            "apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace},
        });
        create(&self.global(&namespaces()), object).await;
    }

    /// Creates the CRDs that are missing.
    async fn define(&self) {
        let definitions = self.global(&definitions());
        for resource in Resource::ALL {
            let name = resource.full_name();
            if definitions.get_opt(&name).await.unwrap().is_some() {
                continue;
            }
            create(&definitions, definition(resource)).await;
            self.made.lock().unwrap().definitions.insert(name);
            let objects = self.global(&kind(resource));
            until("the resource to be served", async || {
                objects.list(&ListParams::default()).await.is_ok().then_some(())
            })
            .await;
        }
    }

    fn global(&self, kind: &ApiResource) -> Api<DynamicObject> {
        Api::all_with(self.client.clone(), kind)
    }

    /// Removes what this test made.
    async fn clear(&self) {
        let Made { objects, namespaces, definitions } = mem::take(&mut *self.made.lock().unwrap());
        for key in &objects {
            self.remove(key).await;
        }
        let api = self.global(&self::namespaces());
        for name in namespaces {
            api.delete(&name, &DeleteParams::default()).await.unwrap();
        }
        let api = self.global(&self::definitions());
        for name in definitions {
            api.delete(&name, &DeleteParams::default()).await.unwrap();
            gone(&api, &name).await;
        }
    }
}

async fn create(api: &Api<DynamicObject>, object: Value) {
    let object = serde_json::from_value(object).unwrap();
    api.create(&PostParams::default(), &object).await.unwrap();
}

async fn gone(api: &Api<DynamicObject>, name: &str) {
    until("an object to be gone", async || {
        api.get_opt(name).await.unwrap().is_none().then_some(())
    })
    .await;
}

/// Runs a case on a real cluster where one is named, and otherwise on one on loopback. Whatever the
/// case comes to, nothing of it is left behind.
pub async fn on_a_cluster(case: impl AsyncFnOnce(&Cluster)) {
    let Some(kubeconfig) = env::var_os(VARIABLE) else {
        let folder = tempfile::tempdir().unwrap();
        let api = ApiServer::start();
        return case(&Cluster::served_by(&api, folder.path()).await).await;
    };
    let cluster = Cluster::at(kubeconfig.into(), true).await;
    cluster.define().await;
    let result = AssertUnwindSafe(case(&cluster)).catch_unwind().await;
    cluster.clear().await;
    result.unwrap_or_else(|panic| resume_unwind(panic));
}

fn kind(resource: Resource) -> ApiResource {
    let kind = GroupVersionKind::gvk("nais.io", resource.version(), resource.kind());
    ApiResource::from_gvk_with_plural(&kind, resource.plural())
}

fn namespaces() -> ApiResource {
    ApiResource::from_gvk(&GroupVersionKind::gvk("", "v1", "Namespace"))
}

fn definitions() -> ApiResource {
    let group = "apiextensions.k8s.io";
    ApiResource::from_gvk(&GroupVersionKind::gvk(group, "v1", "CustomResourceDefinition"))
}

/// A CRD that takes whatever a document of this kind may say.
fn definition(resource: Resource) -> Value {
    let schema = json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
    json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": resource.full_name()},
        "spec": {
            "group": "nais.io", "scope": "Namespaced",
            "names": {
                "plural": resource.plural(), "singular": resource.kind().to_lowercase(),
                "kind": resource.kind(), "listKind": format!("{}List", resource.kind()),
            },
            "versions": [{
                "name": resource.version(), "served": true, "storage": true,
                "schema": {"openAPIV3Schema": schema}, "subresources": {"status": {}},
            }],
        },
    })
}
