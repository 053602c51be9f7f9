//! The dashboard: whole, explained, and of queries that Prometheus can read.

use std::{collections::BTreeSet, fmt::Write as _, fs};

use serde_json::Value;

use crate::{DASHBOARD, promtool, read};

fn dashboard() -> Value {
    serde_json::from_str(&read(DASHBOARD)).unwrap()
}

/// Everything but the headings of rows.
fn panels() -> Vec<Value> {
    let Value::Array(panels) = dashboard()["panels"].take() else { panic!("no panels") };
    panels.into_iter().filter(|panel| panel["type"] != "row").collect()
}

fn queries_of(panel: &Value) -> impl Iterator<Item = &str> {
    panel["targets"].as_array().unwrap().iter().map(|target| target["expr"].as_str().unwrap())
}

/// Every query, with Grafana's variables as they stand.
pub fn queries() -> Vec<String> {
    panels().iter().flat_map(queries_of).map(str::to_owned).collect()
}

#[test]
fn promtool_can_read_every_query() {
    let mut rules = "groups:\n  - name: dashboard\n    rules:\n".to_owned();
    for (number, query) in queries().iter().enumerate() {
        let query = query
            .replace("$__rate_interval", "5m")
            .replace("$__range", "1h")
            .replace("$application", ".*");
        assert!(!query.contains('$'), "{query}");
        let query = Value::from(query);
        writeln!(rules, "      - {{record: 'dashboard:{number}', expr: {query}}}").unwrap();
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("queries.yaml");
    fs::write(&file, rules).unwrap();
    promtool::approves(&["check", "rules", file.to_str().unwrap()]);
}

#[test]
fn every_panel_is_explained_and_has_a_unit_and_an_id_of_its_own() {
    let mut ids = BTreeSet::new();
    for panel in panels() {
        let title = panel["title"].as_str().unwrap_or_default();
        assert!(!title.is_empty(), "{panel}");
        for text in [&panel["description"], &panel["fieldConfig"]["defaults"]["unit"]] {
            assert!(text.as_str().is_some_and(|text| !text.is_empty()), "{title}");
        }
        assert_eq!(panel["datasource"]["uid"], "${datasource}", "{title}");
        assert!(queries_of(&panel).count() > 0, "{title}");
        assert!(ids.insert(panel["id"].as_u64().unwrap()), "{title}");
    }
}

#[test]
fn panels_do_not_overlap() {
    let mut taken = BTreeSet::new();
    let dashboard = dashboard();
    for panel in dashboard["panels"].as_array().unwrap() {
        let [x, y, w, h] =
            ["x", "y", "w", "h"].map(|side| panel["gridPos"][side].as_u64().unwrap());
        assert!(x + w <= 24, "{}", panel["title"]);
        for cell in (x..x + w).flat_map(|x| (y..y + h).map(move |y| (x, y))) {
            assert!(taken.insert(cell), "{}", panel["title"]);
        }
    }
}

#[test]
fn variables_are_those_that_queries_use() {
    let dashboard = dashboard();
    let variables = dashboard["templating"]["list"].as_array().unwrap();
    let names: Vec<_> =
        variables.iter().map(|variable| variable["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["datasource", "application"]);
    assert!(queries().iter().any(|query| query.contains("$application")));
}
