//! The chart, as Helm renders it.
//!
//! `HELM` names the program where it is neither in `.venv`, into which `make setup` puts it, nor on
//! the path.

use std::{
    env,
    ffi::OsString,
    fs,
    process::{Command, Output},
};

use serde_json::{Value, json};

use crate::{
    manifests::{assert_clean, assert_restricted, assert_unlinked, assert_valid, documents},
    repository,
    values::{CHART, REFUSED, TAKEN},
};

const LEAST: &str = "least-values.yaml";
/// As the chart's `kubeVersion` has it.
const OLDEST_KUBERNETES: &str = "1.30.0";
/// Where the values of a test say that documents are.
const DOCUMENTS: &str = "/etc/portvakt/applications";

/// What Helm made of the chart.
struct Rendered {
    text: String,
    documents: Vec<Value>,
}

impl Rendered {
    /// `settings` are further values, as `--set-json` takes them.
    fn new(values: &str, settings: &[&str]) -> Self {
        let output = helm(values, settings);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{values}: {said}");
        let text = String::from_utf8(output.stdout).unwrap();
        let documents = documents(&text);
        Self { text, documents }
    }

    fn of_kind(&self, kind: &str) -> Vec<&Value> {
        self.documents.iter().filter(|document| document["kind"] == kind).collect()
    }

    /// The one document of a kind.
    fn the(&self, kind: &str) -> &Value {
        let documents = self.of_kind(kind);
        assert_eq!(documents.len(), 1, "{kind}");
        documents[0]
    }

    fn pod(&self) -> &Value {
        &self.the("Deployment")["spec"]["template"]
    }

    /// Portvakt's own configuration.
    fn configuration(&self) -> &str {
        let mut maps = self.of_kind("ConfigMap").into_iter();
        maps.find_map(|map| map["data"]["portvakt.yaml"].as_str()).unwrap()
    }
}

fn program() -> OsString {
    let installed = repository(".venv/helm/helm");
    env::var_os("HELM").unwrap_or_else(|| match installed.is_file() {
        true => installed.into(),
        false => "helm".into(),
    })
}

fn helm(values: &str, settings: &[&str]) -> Output {
    let chart = repository(CHART);
    let mut command = Command::new(program());
    command.args(["template", "portvakt"]).arg(&chart).args(["--namespace", "portvakt"]);
    command.args(["--kube-version", OLDEST_KUBERNETES]);
    command.arg("--values").arg(chart.join("ci").join(values));
    for setting in settings {
        command.args(["--set-json", setting]);
    }
    command.output().expect("Helm 3.18 or newer (helm.sh/docs/intro/install), or named by HELM")
}

/// The files of values to render with.
fn cases() -> Vec<String> {
    let entries = fs::read_dir(repository(CHART).join("ci")).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let names: Vec<_> = names.collect();
    assert!(names.len() >= 5, "{names:?}");
    names
}

#[test]
fn whatever_the_values_the_manifests_are_valid_and_the_configuration_clean() {
    for values in cases() {
        let rendered = Rendered::new(&values, &[]);
        assert_valid(&values, &rendered.text);
        assert_restricted(&rendered.pod()["spec"]);
        assert_unlinked(&rendered.pod()["spec"]);
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("portvakt.yaml");
        let examples = repository("deploy/examples/applications");
        let configuration = rendered.configuration().replace(DOCUMENTS, examples.to_str().unwrap());
        fs::write(&file, configuration).unwrap();
        assert_clean(&file);
    }
}

#[test]
fn a_release_may_list_and_watch_documents_and_nothing_else() {
    let everywhere = Rendered::new(LEAST, &[]);
    let rules = json!([{
        "apiGroups": ["nais.io"],
        "resources": ["applications", "azureadapplications"],
        "verbs": ["list", "watch"],
    }]);
    assert_eq!(everywhere.the("ClusterRole")["rules"], rules);
    assert_eq!(everywhere.pod()["spec"]["automountServiceAccountToken"], true);
    assert!(everywhere.of_kind("Role").is_empty());

    let in_two = Rendered::new("namespaces-values.yaml", &[]);
    assert!(in_two.of_kind("ClusterRole").is_empty());
    assert!(in_two.of_kind("ClusterRoleBinding").is_empty());
    let subject = json!([{"kind": "ServiceAccount", "name": "portvakt", "namespace": "portvakt"}]);
    for kind in ["Role", "RoleBinding"] {
        let documents = in_two.of_kind(kind);
        let namespaces = documents.iter().map(|document| document["metadata"]["namespace"].clone());
        assert_eq!(namespaces.collect::<Vec<_>>(), ["team-orders", "team-insight"]);
    }
    assert!(in_two.of_kind("Role").iter().all(|role| role["rules"] == rules));
    assert!(in_two.of_kind("RoleBinding").iter().all(|binding| binding["subjects"] == subject));

    let from_files = Rendered::new("webproxy-values.yaml", &[]);
    for kind in ["ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"] {
        assert!(from_files.of_kind(kind).is_empty(), "{kind}");
    }
    assert_eq!(from_files.pod()["spec"]["automountServiceAccountToken"], false);
}

#[test]
fn proxies_find_the_port_for_their_kind() {
    let rendered = Rendered::new(LEAST, &[]);
    let services = rendered.of_kind("Service");
    let [headless, mesh] = services[..] else { panic!("{services:?}") };
    assert_eq!(headless["spec"]["clusterIP"], "None");
    assert_eq!(mesh["metadata"]["name"], "portvakt-mesh");
    assert!(mesh["spec"].get("clusterIP").is_none());
    let ports = |service: &Value| {
        let ports = service["spec"]["ports"].as_array().unwrap().iter();
        let port = |port: &Value| {
            (port["name"].as_str().unwrap().to_owned(), port["port"].as_u64().unwrap())
        };
        ports.map(port).collect::<Vec<_>>()
    };
    let [workloads, gateways] =
        [("grpc-workloads".to_owned(), 9001), ("grpc-gateways".to_owned(), 9002)];
    assert_eq!(ports(mesh), [workloads.clone(), gateways.clone()]);
    assert_eq!(ports(headless), [workloads, gateways, ("http-admin".to_owned(), 9090)]);
    let configuration = &documents(rendered.configuration())[0];
    let listeners = json!([
        {"address": "0.0.0.0:9001", "asked_by": "workloads"},
        {"address": "0.0.0.0:9002", "asked_by": "gateways"},
    ]);
    assert_eq!(configuration["listen"]["ext_authz"], listeners);
}

#[test]
fn the_console_is_off_and_never_beyond_a_pods_loopback() {
    let console = |values: &str| {
        documents(Rendered::new(values, &[]).configuration())[0]["listen"]["console"].clone()
    };
    assert_eq!(console(LEAST), Value::Null);
    assert_eq!(console("fixed-values.yaml"), json!({"address": "127.0.0.1:9091"}));
    let everything = Rendered::new("fixed-values.yaml", &[]);
    assert_eq!(everything.text.matches("9091").count(), 1, "no Service and no policy has its port");
}

#[test]
fn a_changed_configuration_makes_new_pods() {
    let checksum = |settings: &[&str]| {
        let rendered = Rendered::new(LEAST, settings);
        rendered.pod()["metadata"]["annotations"]["checksum/config"].clone()
    };
    let before = checksum(&[]);
    assert!(before.is_string());
    assert_ne!(checksum(&[r#"config.log.filter="warn""#]), before);
    assert_eq!(checksum(&["replicas=5"]), before);
}

#[test]
fn a_pod_has_the_time_that_portvakt_takes_to_end() {
    for (values, delay, grace) in [(LEAST, "5s", 20), ("tls-values.yaml", "15s", 45)] {
        let rendered = Rendered::new(values, &[]);
        let configuration = &documents(rendered.configuration())[0];
        assert_eq!(configuration["shutdown"]["delay"], delay);
        assert_eq!(configuration["shutdown"]["grace"], format!("{grace}s"));
        let delay: u64 = delay.trim_end_matches('s').parse().unwrap();
        let seconds = &rendered.pod()["spec"]["terminationGracePeriodSeconds"];
        assert_eq!(seconds.as_u64(), Some(delay + grace + 5));
    }
}

#[test]
fn pods_reach_what_they_need_and_nothing_else() {
    let rendered = Rendered::new("webproxy-values.yaml", &[]);
    let policy = &rendered.the("NetworkPolicy")["spec"];
    assert_eq!(policy["policyTypes"], json!(["Ingress", "Egress"]));
    let egress = policy["egress"].as_array().unwrap();
    // DNS and the web proxy; the API server is not asked for documents here.
    assert_eq!(egress.len(), 2, "{policy}");
    assert_eq!(
        egress[1],
        json!({
            "to": [{"ipBlock": {"cidr": "192.0.2.10/32"}}],
            "ports": [{"protocol": "TCP", "port": 8088}],
        })
    );
    let with_api_server = Rendered::new(LEAST, &[]);
    let policy = &with_api_server.the("NetworkPolicy")["spec"];
    assert_eq!(policy["egress"].as_array().unwrap().len(), 3, "{policy}");
}

#[test]
fn values_that_cannot_be_meant_are_refused() {
    for (setting, complaint) in REFUSED {
        let output = helm(LEAST, &[setting]);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success(), "{setting}");
        assert!(said.contains(complaint), "{setting}: {said}");
    }
}

#[test]
fn values_that_can_be_meant_come_out_as_they_are() {
    for setting in TAKEN {
        Rendered::new(LEAST, &[setting]);
    }
    for (setting, expected) in [("2", json!(2)), (r#""30%""#, json!("30%"))] {
        let setting = format!("podDisruptionBudget.maxUnavailable={setting}");
        let rendered = Rendered::new(LEAST, &[&setting]);
        assert_eq!(rendered.the("PodDisruptionBudget")["spec"]["maxUnavailable"], expected);
    }
    let labels = r#"podLabels={"app.kubernetes.io/component": "authorization"}"#;
    let rendered = Rendered::new(LEAST, &[labels]);
    let given = &rendered.pod()["metadata"]["labels"];
    assert_eq!(given["app.kubernetes.io/component"], "authorization");
    let selected = &rendered.the("Deployment")["spec"]["selector"]["matchLabels"];
    for (name, value) in selected.as_object().unwrap() {
        assert_eq!(&given[name], value);
    }
}
