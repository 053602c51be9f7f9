//! The alerts: valid, tried out both ways, and each with its section of the guide.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use serde::{Deserialize, de::IgnoredAny};

use crate::{ALERTS, GUIDE, guide, promtool, read};

/// When each alert fires and when not, as `promtool test rules` reads it.
const CASES: &str = "tests/operations/alerts";

#[derive(Deserialize)]
struct Rules {
    groups: Vec<Group>,
}

#[derive(Deserialize)]
struct Group {
    rules: Vec<Rule>,
}

/// A rule records a series or is an alert.
#[derive(Deserialize)]
pub struct Rule {
    pub record: Option<String>,
    pub alert: Option<String>,
    pub expr: String,
    #[serde(default)]
    labels: BTreeMap<String, String>,
    #[serde(default)]
    annotations: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct Cases {
    tests: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    alert_rule_test: Vec<Expectation>,
}

#[derive(Deserialize)]
struct Expectation {
    alertname: String,
    exp_alerts: Vec<IgnoredAny>,
}

/// All rules that are shipped.
pub fn rules() -> Vec<Rule> {
    let rules: Rules = serde_saphyr::from_str(&read(ALERTS)).unwrap();
    rules.groups.into_iter().flat_map(|group| group.rules).collect()
}

/// The alerts among them, by name.
fn alerts() -> BTreeMap<String, Rule> {
    rules().into_iter().filter_map(|rule| Some((rule.alert.clone()?, rule))).collect()
}

/// The files of cases, from the project's folder.
fn cases() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(CASES);
    let name = |entry: fs::DirEntry| entry.file_name().into_string().unwrap();
    let names = fs::read_dir(folder).unwrap().map(|entry| name(entry.unwrap()));
    names.map(|name| format!("{CASES}/{name}")).collect()
}

#[test]
fn promtool_finds_the_rules_valid() {
    promtool::approves(&["check", "rules", ALERTS]);
}

#[test]
fn each_alert_fires_when_it_should_and_is_silent_when_not() {
    let cases = cases();
    let arguments = ["test", "rules"].into_iter().chain(cases.iter().map(String::as_str));
    promtool::approves(&arguments.collect::<Vec<_>>());
}

#[test]
fn no_alert_is_left_out_of_the_cases_either_way() {
    let (mut fires, mut is_silent) = (BTreeSet::new(), BTreeSet::new());
    for file in cases() {
        let cases: Cases = serde_saphyr::from_str(&read(&file)).unwrap();
        for expectation in cases.tests.into_iter().flat_map(|case| case.alert_rule_test) {
            let seen = if expectation.exp_alerts.is_empty() { &mut is_silent } else { &mut fires };
            seen.insert(expectation.alertname);
        }
    }
    let alerts: BTreeSet<_> = alerts().into_keys().collect();
    assert_eq!(fires, alerts, "alerts that fire in a case");
    assert_eq!(is_silent, alerts, "alerts that are silent in a case");
}

#[test]
fn each_alert_says_what_is_wrong_how_bad_it_is_and_where_to_read_on() {
    for (name, alert) in alerts() {
        assert!(matches!(&*alert.labels["severity"], "critical" | "warning"), "{name}");
        let words: Vec<_> = alert.annotations.keys().map(String::as_str).collect();
        assert_eq!(words, ["description", "runbook", "summary"], "{name}");
        let runbook = format!("{GUIDE}#{}", guide::anchor(&name));
        assert_eq!(alert.annotations["runbook"], runbook, "{name}");
    }
}

#[test]
fn each_alert_has_a_section_in_the_same_order_and_each_section_an_alert() {
    let alerts: Vec<_> = rules().into_iter().filter_map(|rule| rule.alert).collect();
    let guide = read(GUIDE);
    let sections = guide::sections(guide::section(&guide, "Alerts"));
    assert_eq!(sections.iter().map(|(title, _)| *title).collect::<Vec<_>>(), alerts);
    for (title, text) in sections {
        let answers: Vec<_> = text.lines().filter_map(|line| line.strip_prefix("- **")).collect();
        let questions: Vec<_> = answers.iter().filter_map(|line| line.split_once("**:")).collect();
        let questions: Vec<_> = questions.into_iter().map(|(question, _)| question).collect();
        let expected = ["Means", "Callers notice", "Look at", "Do", "Over when", "Wake somebody"];
        assert_eq!(questions, expected, "{title}");
    }
}
