//! `docs/security.md` against the tests that it names.

use std::{fs, path::PathBuf};

const DOCUMENT: &str = include_str!("../../docs/security.md");
const MAKEFILE: &str = include_str!("../../Makefile");

/// What stands between backticks.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// The names of tests in a text: paths between backticks.
fn names(text: &str) -> Vec<&str> {
    let is_path = |text: &&str| {
        text.contains("::") && text.bytes().all(|c| c.is_ascii_alphanumeric() || b"_:".contains(&c))
    };
    quoted(text).filter(is_path).collect()
}

/// The commands in a text: targets of `make`, with their variables.
fn commands(text: &str) -> Vec<&str> {
    quoted(text).filter_map(|text| text.strip_prefix("make ")).collect()
}

/// Whether there is such a target, and each variable that it is given.
fn is_command(command: &str) -> bool {
    let mut words = command.split(' ');
    let is_target = |name: &str| MAKEFILE.contains(&format!("\n{name}: "));
    let is_variable = |assignment: &str| {
        let (name, _) = assignment.split_once('=').unwrap_or_default();
        MAKEFILE.contains(&format!("\n{name} := "))
    };
    words.next().is_some_and(is_target) && words.all(is_variable)
}

/// The rows of the table under a heading, without its head.
fn rows(heading: &str) -> Vec<&'static str> {
    let (_, section) = DOCUMENT.split_once(&format!("\n## {heading}\n")).unwrap();
    let section = section.split("\n## ").next().unwrap_or_default();
    section.lines().filter(|line| line.starts_with("| ")).skip(2).collect()
}

/// Where a module's source may be: a file of its own, or its parent's.
fn files(module: &[&str]) -> Vec<PathBuf> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let (folder, module) = match module {
        ["e2e", rest @ ..] => (root.join("tests/e2e"), rest),
        ["differential"] => (root.join("tests/differential"), &["main"][..]),
        ["fuzz_replay"] => (root.join("tests"), module),
        all => (root.join("src"), all),
    };
    let outer = module.strip_suffix(&["tests"]).unwrap_or(module);
    let path = |module: &[&str]| folder.join(module.join("/"));
    vec![
        path(module).with_extension("rs"),
        path(outer).with_extension("rs"),
        path(outer).join("mod.rs"),
    ]
}

fn is_test(name: &str) -> bool {
    let segments: Vec<_> = name.split("::").collect();
    let Some((function, module)) = segments.split_last() else { return false };
    let declaration = format!("fn {function}(");
    files(module).iter().filter_map(|file| fs::read_to_string(file).ok()).any(|text| {
        let lines: Vec<_> = text.lines().map(str::trim).collect();
        lines.windows(2).any(|pair| {
            let is_marked = pair[0] == "#[test]" || pair[0].starts_with("#[tokio::test");
            is_marked && pair[1].trim_start_matches("async ").starts_with(&declaration)
        })
    })
}

#[test]
fn every_line_of_the_checklist_names_a_test() {
    let rows = DOCUMENT.lines().filter_map(|line| {
        let mut cells = line.strip_prefix("| ")?.split(" | ");
        let number = cells.next()?.parse::<usize>().ok()?;
        Some((number, names(line)))
    });
    let rows: Vec<_> = rows.collect();
    let numbers: Vec<_> = rows.iter().map(|(number, _)| *number).collect();
    assert_eq!(numbers, (1..=20).collect::<Vec<_>>());
    for (number, names) in rows {
        assert!(!names.is_empty(), "line {number} names no test");
    }
}

#[test]
fn every_row_of_the_figures_names_tests_or_a_command_that_prints_them() {
    let rows = rows("Figures");
    assert_eq!(rows.len(), 13);
    for row in rows {
        let commands = commands(row);
        assert!(!names(row).is_empty() || !commands.is_empty(), "nothing shows it: {row}");
        for command in commands {
            assert!(is_command(command), "docs/security.md names `make {command}`");
        }
    }
    assert!(!is_command("no-such-target") && !is_command("faults NO_SUCH_VARIABLE=1"));
}

#[test]
fn every_test_that_the_documentation_names_exists() {
    let names = names(DOCUMENT);
    assert!(names.len() > 20, "{names:?}");
    for name in names {
        assert!(is_test(name), "docs/security.md names {name}, which is no test");
    }
    assert!(!is_test("token::compact::tests::no_such_test"));
    assert!(!is_test("token::compact::tests::token"), "a function that is no test");
}
