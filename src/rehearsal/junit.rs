//! A report as JUnit XML, which most CI systems show.

use std::fmt::Write as _;

use super::{report::Report, stage::Rehearsed};
use crate::finding::Finding;

/// Every case is a test case, its target the class; what could not be read is an error, and
/// coverage, where it is asked for and missing, a failure: no consumer takes a part for the whole.
pub fn as_junit(report: &Report) -> String {
    let mut cases: Vec<_> = report.rehearsed.iter().map(of_case).collect();
    cases.extend(report.errors.iter().map(of_error));
    let lacks_coverage = report.lacks_coverage();
    if lacks_coverage {
        let body = element("failure", "exercised by no case", &report.missing());
        cases.push(case("coverage", "every rule, group and allowAllUsers is exercised", &body));
    }
    let counts = format!(
        "tests=\"{}\" failures=\"{}\" errors=\"{}\"",
        cases.len(),
        report.failed() + usize::from(lacks_coverage),
        report.errors.len(),
    );
    let mut text = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    // Writing to a String cannot fail.
    let _ = write!(
        text,
        "<testsuites name=\"portvakt\" {counts}>\n  <testsuite name=\"policy\" {counts}>\n{}  \
         </testsuite>\n</testsuites>\n",
        cases.concat()
    );
    text
}

fn of_case(rehearsed: &Rehearsed) -> String {
    let written = &rehearsed.case;
    let body = match rehearsed.is_passed() {
        true => String::new(),
        false => {
            let message = format!("expected {}, got {}", written.expected, rehearsed.got());
            element("failure", &message, &format!("{}: {message}", written.place))
        }
    };
    case(written.target.as_str(), &written.name, &body)
}

fn of_error(finding: &Finding) -> String {
    let body = element("error", &finding.message, &finding.to_string());
    case("reading", &finding.place.to_string(), &body)
}

fn case(class: &str, name: &str, body: &str) -> String {
    let (class, name) = (escaped(class), escaped(name));
    match body {
        "" => format!("    <testcase classname=\"{class}\" name=\"{name}\"/>\n"),
        _ => format!(
            "    <testcase classname=\"{class}\" name=\"{name}\">\n      {body}\n    </testcase>\n"
        ),
    }
}

fn element(name: &str, message: &str, text: &str) -> String {
    format!("<{name} message=\"{}\">{}</{name}>", escaped(message), escaped(text))
}

/// For texts and attributes. Characters that XML 1.0 cannot hold are replaced (section 2.2); a
/// line's end is kept in attributes too (section 3.3.3).
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\n' => escaped.push_str("&#10;"),
            '\t' => escaped.push_str("&#9;"),
            '\r' => escaped.push_str("&#13;"),
            c if c < ' ' || matches!(c, '\u{fffe}' | '\u{ffff}') => {
                escaped.push(char::REPLACEMENT_CHARACTER);
            }
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_ends_its_element_or_breaks_the_document() {
        for (text, expected) in [
            ("a < b && \"c\" > d", "a &lt; b &amp;&amp; &quot;c&quot; &gt; d"),
            ("]]>", "]]&gt;"),
            ("two\nlines", "two&#10;lines"),
            ("\u{1b}[31m\u{0}", "\u{fffd}[31m\u{fffd}"),
            ("Bjørn", "Bjørn"),
        ] {
            assert_eq!(escaped(text), expected);
        }
    }
}
