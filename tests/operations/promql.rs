//! Which metrics a query names.

use std::collections::BTreeSet;

/// Words that are followed by a list of labels.
const GROUPING: [&str; 6] = ["by", "without", "on", "ignoring", "group_left", "group_right"];
/// Words between operands.
const OPERATORS: [&str; 5] = ["and", "or", "unless", "offset", "bool"];

/// The names of all metrics in a query that is valid: its words, without those of the language,
/// of labels and of functions.
pub fn metrics(query: &str) -> BTreeSet<&str> {
    let mut found = BTreeSet::new();
    let mut rest = query;
    while let Some(first) = rest.chars().next() {
        let (token, after) = rest.split_at(length(first, rest));
        rest = after;
        if !is_of_name(first) || first.is_ascii_digit() || OPERATORS.contains(&token) {
            continue;
        }
        let next = after.trim_start();
        if GROUPING.contains(&token) {
            rest = after
                .find(')')
                .filter(|_| next.starts_with('('))
                .map_or(after, |end| &after[end..]);
        } else if !next.starts_with('(') && !GROUPING.contains(&word(next)) {
            found.insert(token);
        }
    }
    found
}

/// Of the token that begins here. Strings, label matchers and ranges are one each.
fn length(first: char, rest: &str) -> usize {
    match first {
        '"' => 1 + quoted(&rest[1..]),
        '[' => rest.find(']').map_or(rest.len(), |end| end + 1),
        '{' => matchers(rest),
        // A digit begins a number or a duration; both are written like words.
        _ if is_of_name(first) => word(rest).len(),
        _ => first.len_utf8(),
    }
}

/// Up to the quote that ends a string, and with it.
fn quoted(rest: &str) -> usize {
    let mut escaped = false;
    for (at, character) in rest.char_indices() {
        match character {
            '"' if !escaped => return at + 1,
            _ => escaped = character == '\\' && !escaped,
        }
    }
    rest.len()
}

/// Up to the brace that ends label matchers, and with it; those in strings do not.
fn matchers(rest: &str) -> usize {
    let mut at = 1;
    while let Some(character) = rest[at..].chars().next() {
        at += match character {
            '}' => return at + 1,
            '"' => 1 + quoted(&rest[at + 1..]),
            _ => character.len_utf8(),
        };
    }
    rest.len()
}

fn word(text: &str) -> &str {
    &text[..text.find(|character| !is_of_name(character)).unwrap_or(text.len())]
}

fn is_of_name(character: char) -> bool {
    character.is_ascii_alphanumeric() || matches!(character, '_' | ':')
}

#[test]
fn the_metrics_of_a_query_are_found_and_nothing_else() {
    for (query, expected) in [
        ("up == 0", &["up"][..]),
        (r#"sum by (a, b) (rate(x_total{c="}d_total", e=~"f\"g"}[10m]))"#, &["x_total"]),
        ("sum(x) by (y) / max without(z) (v)", &["v", "x"]),
        ("a > 0 unless ignoring (outcome) b offset 15m or 0 * c", &["a", "b", "c"]),
        ("a * on (job, instance) group_left (version) b", &["a", "b"]),
        ("a * on (job) group_left b", &["a", "b"]),
        ("time() - (x > 1.5e3)", &["x"]),
        ("0.1 + level:x:rate10m{a=\"b\"} > 3 * (5m)", &["level:x:rate10m"]),
        ("histogram_quantile(0.99, sum by (le) (rate(x_bucket[$__rate_interval])))", &["x_bucket"]),
        ("max_over_time(count(x == 1)[1h:5m])", &["x"]),
    ] {
        assert_eq!(metrics(query).into_iter().collect::<Vec<_>>(), expected, "{query}");
    }
}
