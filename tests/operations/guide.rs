//! The guide for operators: its sections, its links, its example.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use serde_json::Value;

use crate::{
    GUIDE, read,
    support::{
        Token, World,
        documents::{HOME, NEWSLETTER},
    },
};

/// The text below a heading of the second level, up to the next one.
pub fn section<'t>(text: &'t str, title: &str) -> &'t str {
    let heading = format!("\n## {title}\n");
    let begin = text.find(&heading).unwrap_or_else(|| panic!("no section {title}")) + heading.len();
    text[begin..].split("\n## ").next().unwrap()
}

/// Titles and texts of the headings of the third level.
pub fn sections(text: &str) -> Vec<(&str, &str)> {
    text.split("\n### ").skip(1).filter_map(|section| section.split_once('\n')).collect()
}

/// How links name a heading.
pub fn anchor(heading: &str) -> String {
    heading.to_lowercase().replace(' ', "-")
}

/// What is between backticks, outside of blocks of code.
pub fn code(text: &str) -> BTreeSet<&str> {
    text.split("```").step_by(2).flat_map(|text| text.split('`').skip(1).step_by(2)).collect()
}

#[test]
fn links_lead_somewhere() {
    let guide = read(GUIDE);
    let anchors = |text: &str| -> BTreeSet<String> {
        let headings = text.lines().filter(|line| line.starts_with('#'));
        headings.map(|line| anchor(line.trim_start_matches('#').trim())).collect()
    };
    for link in guide.split("](").skip(1) {
        let link = link.split(')').next().unwrap();
        let (file, heading) = link.split_once('#').unwrap_or((link, ""));
        let text = if file.is_empty() { guide.clone() } else { read(&format!("docs/{file}")) };
        assert!(heading.is_empty() || anchors(&text).contains(heading), "{link}");
    }
}

#[test]
fn log_lines_that_the_guide_quotes_are_lines_of_the_code() {
    let guide = read(GUIDE).split_whitespace().collect::<Vec<_>>().join(" ");
    let quoted = guide.split("line `").skip(1).map(|rest| rest.split('`').next().unwrap());
    let code = every_file(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"));
    let unknown: Vec<_> = quoted.filter(|line| !code.contains(&format!("\"{line}"))).collect();
    assert!(unknown.is_empty(), "{unknown:?}");
}

/// The text of a folder, all of it.
fn every_file(folder: &Path) -> String {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let text = |path: PathBuf| match path.is_dir() {
        true => every_file(&path),
        false => fs::read_to_string(path).unwrap(),
    };
    entries.map(text).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_line_of_a_denial_is_as_the_guide_shows_it() {
    let world = World::start().await;
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let token = Token::of_application(NEWSLETTER);
    let token = world.issuer.issue(HOME, &token);
    let request = world.get("/").bearer(&token);
    let request = request.header("traceparent", format!("00-{trace}-00f067aa0ba902b7-01"));
    request.send().await.assert_denied("consumer_not_granted");

    let guide = read(GUIDE);
    let shown = section(&guide, "Reading a denial").split("```json").nth(1).unwrap();
    let shown: Value = serde_json::from_str(shown.split("```").next().unwrap()).unwrap();
    let mut logged = world.portvakt.log.event("message", "denied").await;
    let names = |line: &Value| line.as_object().unwrap().keys().cloned().collect::<BTreeSet<_>>();
    assert_eq!(names(&logged), names(&shown));
    // What differs from one denial to the next.
    for name in ["timestamp", "decision_id", "application", "caller"] {
        logged[name] = shown[name].clone();
    }
    assert_eq!(logged, shown);
}
