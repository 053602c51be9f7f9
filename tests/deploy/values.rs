//! The chart's values, as its README and its schema have them.

use std::{collections::BTreeSet, fs};

use serde_json::Value;

use crate::{manifests::documents, repository};

const CHART: &str = "deploy/helm/portvakt";

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
