//! The chart's values, as its README and its schema have them.

use std::{collections::BTreeSet, fs, process::Output};

use serde_json::Value;

use crate::{
    manifests::{documents, python},
    repository,
};

pub const CHART: &str = "deploy/helm/portvakt";

/// What belongs to the chart, and would win over it in a variable.
const OWN_KEYS: [&str; 4] = ["listen.", "shutdown.", "applications.kubernetes.", "target."];

/// Settings beside the least values, as Helm's `--set-json` takes them, and what is said of each.
pub const REFUSED: &[(&str, &str)] = &[
    (r#"image.repository="""#, "/image/repository"),
    ("imagge.tag=1", "imagge"),
    ("image.tagg=1", "tagg"),
    ("config.cluster=null", "cluster"),
    (r#"config.listen.admin="0.0.0.0:1""#, "/config"),
    (r#"config.shutdown.delay="1s""#, "/config"),
    (r#"config.applications.kubernetes.namespaces=["Team_A"]"#, "/namespaces/0"),
    ("tls.enabled=true", "/tls/secretName"),
    ("tls.clientCertificates=true", "/tls/clientCertificates"),
    ("networkPolicy.proxies=[]", "/networkPolicy/proxies"),
    ("replicas=0", "/replicas"),
    ("podDisruptionBudget.maxUnavailable=0", "/podDisruptionBudget/maxUnavailable"),
    (r#"podDisruptionBudget.maxUnavailable="1""#, "/podDisruptionBudget/maxUnavailable"),
    (r#"podDisruptionBudget.maxUnavailable="100%""#, "/podDisruptionBudget/maxUnavailable"),
    ("podDisruptionBudget.maxUnavailable=true", "/podDisruptionBudget/maxUnavailable"),
    (r#"podLabels={"app.kubernetes.io/name": "other"}"#, "app.kubernetes.io/name"),
    (r#"podLabels={"app.kubernetes.io/instance": "other"}"#, "app.kubernetes.io/instance"),
    (r#"podLabels={"pod-template-hash": "other"}"#, "pod-template-hash"),
    (r#"podAnnotations={"checksum/config": "same"}"#, "checksum/config"),
    (r#"dashboard.labels={"app.kubernetes.io/name": "other"}"#, "app.kubernetes.io/name"),
    (r#"env=[{"value": "nameless"}]"#, "/env/0"),
    (r#"env=[{"name": "PORTVAKT_CONFIG", "value": "/other"}]"#, "/env/0/name"),
    // Those of an application make Portvakt its sidecar, which no Host leads to another.
    (r#"env=[{"name": "NAIS_APP_NAME", "value": "portvakt"}]"#, "/env/0/name"),
    (r#"volumes=[{"name": "config", "emptyDir": {}}]"#, "/volumes/0/name"),
    (r#"volumeMounts=[{"name": "v", "mountPath": "/portvakt"}]"#, "/volumeMounts/0/mountPath"),
    (r#"volumeMounts=[{"name": "v", "mountPath": "/etc/"}]"#, "/volumeMounts/0/mountPath"),
    (r#"volumeMounts=[{"name": "v", "mountPath": "/etc/../etc"}]"#, "/volumeMounts/0/mountPath"),
    (
        r#"volumeMounts=[{"name": "v", "mountPath": "/etc/portvakt/config/portvakt.yaml"}]"#,
        "/volumeMounts/0/mountPath",
    ),
    // A waypoint forwards whatever Host says.
    ("waypoint=true", "target"),
    (
        r#"{"waypoint": true, "config": {"target": {"default_application": "prod:team:api"}}}"#,
        "sources",
    ),
    (
        r#"{"waypoint": true, "config": {"target": {"sources": ["context_extension"]}}}"#,
        "default_application",
    ),
    (
        r#"{"waypoint": true, "config": {"target": {"sources": ["host"], "default_application": "prod:team:api"}}}"#,
        "/config/target/sources/0",
    ),
];

/// Settings that look like those and mean something.
pub const TAKEN: &[&str] = &[
    "podDisruptionBudget.maxUnavailable=2",
    r#"podDisruptionBudget.maxUnavailable="30%""#,
    r#"podLabels={"app.kubernetes.io/component": "authorization"}"#,
    r#"env=[{"name": "AZURE_APP_CLIENT_SECRET", "valueFrom": {"secretKeyRef": {"name": "graph", "key": "secret"}}}]"#,
    r#"volumeMounts=[{"name": "documents", "mountPath": "/etc/portvakt/applications"}]"#,
    r#"volumeMounts=[{"name": "authorities", "mountPath": "/etc/ssl/certs"}]"#,
];

/// Whether the schema takes the least values with a setting put in, defaults included.
fn judge(setting: &str) -> Output {
    let read = |name: &str| fs::read_to_string(repository(CHART).join(name)).unwrap();
    let mut values = documents(&read("values.yaml")).remove(0);
    merge(&mut values, documents(&read("ci/least-values.yaml")).remove(0));
    merge(&mut values, parse(setting));
    let schema = repository(CHART).join("values.schema.json");
    python("validate.py", &["--by", schema.to_str().unwrap()], &values.to_string())
}

/// `a.b=JSON`, or JSON alone.
fn parse(setting: &str) -> Value {
    let Some((path, value)) = setting.split_once('=').filter(|_| !setting.starts_with('{')) else {
        return serde_json::from_str(setting).unwrap();
    };
    let value = serde_json::from_str(value).unwrap();
    path.rsplit('.')
        .fold(value, |value, name| Value::Object([(name.to_owned(), value)].into_iter().collect()))
}

/// As Helm does: objects member by member, null takes away.
fn merge(values: &mut Value, further: Value) {
    match (values, further) {
        (Value::Object(values), Value::Object(further)) => {
            for (name, value) in further {
                match value {
                    Value::Null => drop(values.remove(&name)),
                    value => merge(values.entry(name).or_insert(Value::Null), value),
                }
            }
        }
        (values, further) => *values = further,
    }
}

#[test]
fn the_schema_refuses_what_cannot_be_meant_and_nothing_else() {
    for (setting, complaint) in REFUSED {
        let judged = judge(setting);
        let said = String::from_utf8_lossy(&judged.stdout);
        assert_eq!(judged.status.code(), Some(1), "{setting}");
        assert!(said.contains(complaint), "{setting}: {said}");
    }
    for setting in TAKEN {
        let judged = judge(setting);
        assert!(judged.status.success(), "{setting}: {}", String::from_utf8_lossy(&judged.stdout));
    }
}

#[test]
fn no_variable_wins_over_what_the_chart_gives_or_relies_on() {
    let table = fs::read_to_string(repository("docs/configuration.md")).unwrap();
    let mut own = 0;
    for row in table.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<_> = row.split(" | ").collect();
        let [key, variable] =
            [cells[0].trim_start_matches("| "), cells[1]].map(|cell| cell.trim_matches('`'));
        if !variable.starts_with("PORTVAKT_") {
            continue;
        }
        let is_own = OWN_KEYS.iter().any(|own| key.starts_with(own));
        own += usize::from(is_own);
        let judged = judge(&format!(r#"env=[{{"name": "{variable}", "value": "x"}}]"#));
        assert_eq!(judged.status.success(), !is_own, "{variable}");
    }
    assert!(own >= 10, "{own}");
}

#[test]
fn the_readme_and_the_schema_have_every_value() {
    let read = |name: &str| fs::read_to_string(repository(CHART).join(name)).unwrap();
    let values = &documents(&read("values.yaml"))[0];
    let mut documented = BTreeSet::new();
    for line in read("README.md").lines() {
        if let Some((name, _)) = line.strip_prefix("| `").and_then(|row| row.split_once('`')) {
            documented.insert(name.to_owned());
        }
    }
    let mut stated = BTreeSet::new();
    for (name, value) in values.as_object().unwrap() {
        match value.as_object() {
            // What is in these is not the chart's.
            Some(members) if !["config", "resources"].contains(&name.as_str()) => {
                stated.extend(members.keys().map(|member| format!("{name}.{member}")));
                stated.extend(members.is_empty().then(|| name.clone()));
            }
            _ => drop(stated.insert(name.clone())),
        }
    }
    assert_eq!(documented, stated);
    let schema: Value = serde_json::from_str(&read("values.schema.json")).unwrap();
    for name in values.as_object().unwrap().keys() {
        assert!(schema["properties"][name].is_object(), "{name}");
    }
    assert_eq!(schema["additionalProperties"], false);
}
