use proptest::prelude::*;

use super::*;

/// Takes out what stands at these lines and columns, and what cannot be, by line.
fn cut(text: &str, items: &[(u64, u64)], falsified: &[(u64, u64)]) -> (String, Vec<u64>) {
    let source: Arc<str> = "f.yaml".into();
    let place = |&(line, column): &(u64, u64)| Place { source: Arc::clone(&source), line, column };
    let items = items.iter().map(|at| Cut::Item(place(at)));
    let cuts = items.chain(falsified.iter().map(|at| Cut::Falsify(place(at)))).collect();
    let Remaining { text, by_hand } = without(&source, text, &cuts);
    let lines = by_hand.iter().map(|(Cut::Item(at) | Cut::Falsify(at))| at.line);
    (text, lines.collect())
}

const BLOCK: &str = "\
spec:
  rules:   # who may call
    - application: webshop
      namespace: team   # theirs
    # still needed?
    - application: reports

    - {application: batch,
       namespace: other}
    - application: last
  groups:
  - id: one
  - id: two
  all: true  # everyone
";

#[test]
fn items_in_block_style_go_with_all_their_lines() {
    for (items, gone) in [
        (&[(3, 7)][..], &["    - application: webshop\n      namespace: team   # theirs\n"][..]),
        (&[(6, 7)], &["    - application: reports\n"]),
        (&[(8, 7)], &["    - {application: batch,\n       namespace: other}\n"]),
        (&[(12, 9)], &["  - id: one\n"]),
        (&[(6, 7), (10, 7)], &["    - application: reports\n", "    - application: last\n"]),
    ] {
        let expected = gone.iter().fold(BLOCK.to_owned(), |text, lines| text.replace(lines, ""));
        assert_eq!(cut(BLOCK, items, &[]), (expected, vec![]));
    }
}

#[test]
fn a_list_that_loses_all_items_becomes_an_empty_one() {
    let text = BLOCK.replace("  - id: one\n  - id: two\n", "").replace("groups:", "groups: []");
    assert_eq!(cut(BLOCK, &[(12, 9), (13, 9)], &[]), (text, vec![]));
    let (text, by_hand) = cut(BLOCK, &[(3, 7), (6, 7), (8, 7), (10, 7)], &[]);
    assert!(
        text.starts_with("spec:\n  rules: []   # who may call\n    # still needed?\n\n  groups:"),
        "{text}"
    );
    assert_eq!(by_hand, [0; 0]);
}

#[test]
fn a_value_becomes_false_where_it_stands() {
    let expected = BLOCK.replace("all: true  # everyone", "all: false  # everyone");
    assert_eq!(cut(BLOCK, &[], &[(14, 8)]), (expected, vec![]));
    assert_eq!(cut("a: {all: true, b: 1}\n", &[], &[(1, 10)]).0, "a: {all: false, b: 1}\n");
}

#[test]
fn each_document_of_a_file_is_cut_and_its_end_may_lack_a_line_break() {
    let text = "a:\n- x: 1\n- x: 2\n---\na:\n- x: 1\n- x: ø 2";
    assert_eq!(cut(text, &[(2, 3), (7, 3)], &[]).0, "a:\n- x: 2\n---\na:\n- x: 1\n");
}

#[test]
fn what_is_not_understood_is_left_to_people_and_the_rest_is_done() {
    let mixed = "a: [{x: 1}, {x: 2}]\nb:\n- {x: 1}\n- {x: 2}\n";
    assert_eq!(cut(mixed, &[(1, 5), (3, 3)], &[]), (mixed.replace("- {x: 1}\n", ""), vec![1]));
    for (text, at) in [
        // An anchor that is used elsewhere.
        ("a:\n- &one {x: 1}\n- {x: 2}\nb: *one\n", (2, 8)),
        // A dash on another line, or two on one.
        ("a:\n-\n  x: 1\n- x: 2\n", (3, 3)),
        ("a:\n- - x: 1\n  - x: 2\n", (2, 5)),
        // A list in flow style, on one line or several.
        ("a: [{x: 1}]\n", (1, 5)),
        ("a: [\n  {x: 1},\n  {x: 2}\n]\n", (2, 3)),
        // Keys that stand otherwise than they read.
        ("\"a\":\n- x: 1\n", (2, 3)),
        ("? a\n: - x: 1\n", (2, 5)),
        ("a: &list\n- x: 1\n", (2, 3)),
        // Nothing that could go.
        ("a: 1\n", (1, 4)),
        ("a: 1\n", (9, 9)),
        ("a: 1\n", (0, 0)),
        ("a: [1\n", (1, 5)),
    ] {
        assert_eq!(cut(text, &[at], &[]), (text.to_owned(), vec![at.0]), "{text}");
    }
    for (text, at) in [("a: {b: yes}\n", (1, 8)), ("a: &t true\nb: *t\n", (1, 7))] {
        assert_eq!(cut(text, &[], &[at]), (text.to_owned(), vec![at.0]), "{text}");
    }
}

proptest! {
    /// Whatever the text: what is left reads as what was there, or nothing was touched.
    #[test]
    fn nothing_else_is_ever_touched(
        lines in prop::collection::vec("( {0,4}(- )?([ab]: )?([{]?x: 1[}]?|- y|&n z|#|[*]n|true)?)", 1..8),
        line in 1..9u64,
        column in 1..9u64,
    ) {
        let text = lines.join("\n");
        let (after, by_hand) = cut(&text, &[(line, column)], &[]);
        if by_hand.is_empty() {
            let count = |text: &str| yaml::documents(&"f".into(), text).len();
            prop_assert_eq!(count(&text), count(&after));
            prop_assert!(after.len() < text.len() + 4);
        } else {
            prop_assert_eq!(after, text);
        }
    }
}
