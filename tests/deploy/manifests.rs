//! Manifests against schemas, and what is the same in all of them.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use serde_json::{Value, json};

use crate::{repository, support::portvakt::PROGRAM};

/// What is no manifest: configurations of Envoy and Portvakt, policy tests, and values of another
/// chart.
const OTHERS: [&str; 5] = [
    "envoy/envoy.yaml",
    "examples/portvakt.yaml",
    "examples/tests/orders-api.yaml",
    "istio/mesh.yaml",
    "sidecar/envoy.yaml",
];

/// The documents of a YAML file.
pub fn documents(text: &str) -> Vec<Value> {
    let documents: Vec<Value> = serde_saphyr::from_multiple(text).unwrap();
    documents.into_iter().filter(|document| !document.is_null()).collect()
}

/// Fails unless these manifests fit their schemas.
pub fn assert_valid(what: &str, manifests: &str) {
    let judged = validate(manifests);
    let said = String::from_utf8_lossy(&judged.stdout);
    assert!(judged.status.success(), "{what}:\n{said}{}", String::from_utf8_lossy(&judged.stderr));
}

/// That no container can do what Portvakt does not need (the "restricted" Pod Security Standard),
/// nor write to its own file system.
pub fn assert_restricted(pod: &Value) {
    assert_eq!(pod["securityContext"]["runAsNonRoot"], true, "{pod}");
    assert_eq!(pod["securityContext"]["seccompProfile"]["type"], "RuntimeDefault", "{pod}");
    let of = |list: &str| pod[list].as_array().cloned().unwrap_or_default();
    let containers = [of("initContainers"), of("containers")].concat();
    assert!(!containers.is_empty());
    for container in containers {
        let expected = json!({
            "allowPrivilegeEscalation": false,
            "readOnlyRootFilesystem": true,
            "capabilities": {"drop": ["ALL"]},
        });
        assert_eq!(container["securityContext"], expected, "{container}");
        assert!(container["resources"]["limits"]["memory"].is_string(), "{container}");
    }
}

/// That the Services beside a pod, whatever they are called, make no variables in it: those of a
/// `portvakt-mesh` would begin like Portvakt's own, which refuses what it does not know.
pub fn assert_unlinked(pod: &Value) {
    assert_eq!(pod["enableServiceLinks"], false, "{pod}");
}

/// Fails unless `portvakt lint` finds no error.
pub fn assert_clean(file: &Path) {
    let output = Command::new(PROGRAM).arg("lint").arg(file).env_clear().output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{}:\n{said}", file.display());
}

fn validate(manifests: &str) -> Output {
    python("validate.py", &["-"], manifests)
}

/// What a script of this folder says of its input.
pub fn python(script: &str, arguments: &[&str], input: &str) -> Output {
    let mut validator = Command::new(repository(".venv/bin/python"))
        .arg(repository("tests/deploy").join(script))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("make setup makes .venv");
    validator.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    validator.wait_with_output().unwrap()
}

/// The YAML files below `deploy`, the chart aside, by their paths in it.
fn shipped() -> Vec<(String, String)> {
    let root = repository("deploy");
    let mut folders = vec![root.clone()];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path: PathBuf = entry.unwrap().path();
            let name = path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned();
            if path.is_dir() && name != "helm" {
                folders.push(path);
            } else if name.ends_with(".yaml") {
                files.push((name, fs::read_to_string(path).unwrap()));
            }
        }
    }
    files.sort();
    files
}

#[test]
fn every_manifest_fits_its_schema() {
    let files = shipped();
    for other in OTHERS {
        assert!(files.iter().any(|(name, _)| name == other), "{other} is not there any more");
    }
    let manifests: Vec<_> =
        files.iter().filter(|(name, _)| !OTHERS.contains(&name.as_str())).collect();
    assert!(manifests.len() >= 9, "{manifests:?}");
    for (name, text) in manifests {
        assert_valid(name, text);
    }
}

#[test]
fn what_is_misspelt_does_not_fit() {
    let right = "{apiVersion: v1, kind: Service, metadata: {name: a}, spec: {clusterIP: None}}";
    assert!(validate(right).status.success());
    for wrong in [
        "{apiVersion: v1, kind: Service, metadata: {name: a}, spec: {clusterIp: None}}",
        "{apiVersion: v1, kind: Servise, metadata: {name: a}, spec: {clusterIP: None}}",
        "{apiVersion: example.com/v1, kind: Service, metadata: {name: a}}",
        "{apiVersion: security.istio.io/v1, kind: PeerAuthentication, metadata: {name: a}, \
         spec: {mtls: {mode: STRIKT}}}",
        "",
    ] {
        assert_eq!(validate(wrong).status.code(), Some(1), "{wrong}");
    }
}

#[test]
fn nothing_lets_requests_through_where_portvakt_does_not_answer() {
    let mut named = 0;
    for (name, text) in shipped() {
        for line in text.lines().map(str::trim) {
            if let Some((_, value)) =
                line.split_once("failOpen:").or(line.split_once("failure_mode_allow:"))
            {
                assert_eq!(value.trim(), "false", "{name}: {line}");
                named += 1;
            }
        }
    }
    assert_eq!(named, 6);
}

#[test]
fn behind_a_gateway_nobody_else_reaches_the_application() {
    for (file, proxies) in [
        ("contour/portvakt.yaml", json!({"app": "envoy"})),
        (
            "envoy-gateway/portvakt.yaml",
            json!({
                "gateway.envoyproxy.io/owning-gateway-namespace": "gateways",
                "gateway.envoyproxy.io/owning-gateway-name": "public",
            }),
        ),
    ] {
        let text = fs::read_to_string(repository("deploy").join(file)).unwrap();
        let documents = documents(&text);
        let mut policies = documents.iter().filter(|document| document["kind"] == "NetworkPolicy");
        let policy = policies.next().unwrap_or_else(|| panic!("{file}"));
        assert_eq!(policy["metadata"]["namespace"], "team-orders");
        let spec = &policy["spec"];
        assert_eq!(spec["podSelector"], json!({"matchLabels": {"app": "orders-api"}}), "{file}");
        assert_eq!(spec["policyTypes"], json!(["Ingress"]), "{file}");
        let rules = spec["ingress"].as_array().unwrap();
        let [rule] = &rules[..] else { panic!("{file}: {rules:?}") };
        let [from] = &rule["from"].as_array().unwrap()[..] else { panic!("{file}: {rule}") };
        assert_eq!(from["podSelector"]["matchLabels"], proxies, "{file}");
        let namespace = &from["namespaceSelector"]["matchLabels"];
        assert!(namespace["kubernetes.io/metadata.name"].is_string(), "{file}");
    }
}

#[test]
fn policies_of_istio_name_providers_that_the_mesh_has() {
    let text = |name: &str| fs::read_to_string(repository("deploy/istio").join(name)).unwrap();
    let mesh = &documents(&text("mesh.yaml"))[0]["meshConfig"];
    let mut providers = Vec::new();
    for provider in mesh["extensionProviders"].as_array().unwrap() {
        let asked = &provider["envoyExtAuthzGrpc"];
        assert_eq!(asked["service"], "portvakt-mesh.portvakt.svc.cluster.local");
        assert_eq!((&asked["timeout"], &asked["statusOnError"]), (&"0.2s".into(), &"503".into()));
        providers.push((provider["name"].as_str().unwrap(), asked["port"].as_u64().unwrap()));
    }
    assert_eq!(providers, [("portvakt-workloads", 9001), ("portvakt-gateways", 9002)]);

    let policies = documents(&text("policies.yaml"));
    let named = policies.iter().filter_map(|policy| policy["spec"]["provider"]["name"].as_str());
    assert_eq!(named.collect::<Vec<_>>(), ["portvakt-workloads", "portvakt-gateways"]);
}
