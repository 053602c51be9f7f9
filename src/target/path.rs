//! Paths that need no token, and the caution that matching them takes.

use std::{fmt, str::FromStr};

/// A pattern of paths: literal segments, `*` for one segment, and `**` at the end for any number.
///
/// As in the login sidecar of NAIS: `/a/*` is one level below `/a` and not `/a` itself; `/a/**`
/// is any depth below `/a` and `/a` itself; a trailing slash does not matter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathPattern {
    segments: Vec<Segment>,
    any_depth: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Segment {
    Literal(String),
    Any,
}

/// The text is no pattern of paths.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPattern {
    #[error("does not begin with /")]
    NotAbsolute,
    #[error(
        "holds something that no unambiguous path holds (//, ., .., %, \\, ;, ?, # or a control character)"
    )]
    Ambiguous,
    #[error(
        "has a * beside other characters; * stands for a whole segment, ** for the end of the path"
    )]
    PartialWildcard,
}

impl FromStr for PathPattern {
    type Err = InvalidPattern;

    fn from_str(text: &str) -> Result<Self, InvalidPattern> {
        if !text.starts_with('/') {
            return Err(InvalidPattern::NotAbsolute);
        }
        let path = unambiguous(text).ok_or(InvalidPattern::Ambiguous)?;
        let mut segments: Vec<&str> = segments(path).collect();
        let any_depth = segments.last() == Some(&"**");
        if any_depth {
            segments.pop();
        }
        let segments = segments
            .into_iter()
            .map(|segment| match segment {
                "*" => Ok(Segment::Any),
                _ if segment.contains('*') => Err(InvalidPattern::PartialWildcard),
                _ => Ok(Segment::Literal(segment.to_owned())),
            })
            .collect::<Result<_, _>>()?;
        Ok(Self { segments, any_depth })
    }
}

impl PathPattern {
    /// A pattern that matches one path as it stands, whatever characters it holds.
    ///
    /// # Errors
    /// As for patterns, where the path can never match a request.
    pub fn literal(path: &str) -> Result<Self, InvalidPattern> {
        if !path.starts_with('/') {
            return Err(InvalidPattern::NotAbsolute);
        }
        let path = unambiguous(path).ok_or(InvalidPattern::Ambiguous)?;
        let segments = segments(path).map(|segment| Segment::Literal(segment.to_owned())).collect();
        Ok(Self { segments, any_depth: false })
    }

    /// Whether a request's path, which may carry a query, is surely one of these.
    ///
    /// A path that some server could read as another one never matches.
    pub fn matches(&self, path_and_query: &str) -> bool {
        let path = path_and_query.split_once('?').map_or(path_and_query, |(path, _)| path);
        let Some(path) = unambiguous(path) else { return false };
        let mut path = segments(path);
        let literal = self.segments.iter().all(|segment| match (segment, path.next()) {
            (Segment::Literal(literal), Some(actual)) => literal == actual,
            (Segment::Any, Some(_)) => true,
            (_, None) => false,
        });
        literal && (self.any_depth || path.next().is_none())
    }
}

impl fmt::Display for PathPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for segment in &self.segments {
            match segment {
                Segment::Literal(literal) => write!(f, "/{literal}")?,
                Segment::Any => f.write_str("/*")?,
            }
        }
        match (self.any_depth, self.segments.is_empty()) {
            (true, _) => f.write_str("/**"),
            (false, true) => f.write_str("/"),
            (false, false) => Ok(()),
        }
    }
}

/// The path without a trailing slash, unless proxies and servers could disagree on what it names.
fn unambiguous(path: &str) -> Option<&str> {
    let plain = |c: u8| c.is_ascii_graphic() && !matches!(c, b'%' | b'\\' | b';' | b'#' | b'?');
    let dots = |segment: &str| segment == "." || segment == "..";
    let path = path.strip_prefix('/')?;
    if path.is_empty() {
        return Some(path);
    }
    let path = path.strip_suffix('/').unwrap_or(path);
    let clean = path.bytes().all(plain)
        && path.split('/').all(|segment| !segment.is_empty() && !dots(segment));
    clean.then_some(path)
}

fn segments(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter(|segment| !segment.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_in_the_login_sidecar() {
        for (pattern, path, matches) in [
            ("/", "/", true),
            ("/", "/a", false),
            ("/internal/isalive", "/internal/isalive", true),
            ("/internal/isalive", "/internal/isalive/", true),
            ("/internal/isalive", "/internal/isalive?verbose=1&x=../y", true),
            ("/internal/isalive", "/internal/isAlive", false),
            ("/internal/isalive", "/internal/isalive/x", false),
            ("/api/*", "/api/a", true),
            ("/api/*", "/api/a/", true),
            ("/api/*", "/api", false),
            ("/api/*", "/api/a/b", false),
            ("/api/*/c", "/api/b/c", true),
            ("/api/**", "/api", true),
            ("/api/**", "/api/a/b", true),
            ("/api/**", "/apis", false),
            ("/**", "/anything/at/all", true),
        ] {
            let parsed: PathPattern = pattern.parse().unwrap();
            assert_eq!(parsed.matches(path), matches, "{pattern} {path}");
        }
    }

    #[test]
    fn a_path_that_can_be_read_in_two_ways_matches_nothing() {
        let everything: PathPattern = "/**".parse().unwrap();
        for path in [
            "",
            "*",
            "a",
            "//",
            "//a",
            "/a//b",
            "/a/../b",
            "/a/..",
            "/./a",
            "/a%2fb",
            "/a%2Fb",
            "/%2e%2e/a",
            "/a%5cb",
            "/a\\b",
            "/a;x=1",
            "/a#b",
            "/a\tb",
            "/a b",
            "/a\u{7f}",
            "/bjørn",
            "/a//",
            "http://h/a",
        ] {
            assert!(!everything.matches(path), "{path}");
        }
    }

    #[test]
    fn patterns_that_could_never_be_meant_are_refused() {
        for (pattern, error) in [
            ("a", InvalidPattern::NotAbsolute),
            ("", InvalidPattern::NotAbsolute),
            ("/a*", InvalidPattern::PartialWildcard),
            ("/**/a", InvalidPattern::PartialWildcard),
            ("/a/../b", InvalidPattern::Ambiguous),
            ("/a?b", InvalidPattern::Ambiguous),
            ("//a", InvalidPattern::Ambiguous),
        ] {
            assert_eq!(pattern.parse::<PathPattern>(), Err(error), "{pattern}");
        }
    }

    #[test]
    fn a_pattern_is_written_as_it_was_read() {
        for pattern in ["/", "/a", "/a/*", "/a/**", "/**", "/a/*/b"] {
            assert_eq!(pattern.parse::<PathPattern>().unwrap().to_string(), pattern);
        }
    }
}
