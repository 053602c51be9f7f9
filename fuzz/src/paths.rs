//! Paths that need no token.

use portvakt::target::PathPattern;

/// A pattern and, on the next line, a path: what matches is never ambiguous, and matches by the
/// plainest reading of the pattern too.
pub fn path_match(text: &[u8]) {
    let Ok(text) = std::str::from_utf8(text) else { return };
    let (pattern, path) = text.split_once('\n').unwrap_or((text, "/"));
    if let Ok(literal) = PathPattern::literal(path) {
        assert!(literal.matches(path), "{path}");
    }
    let Ok(read) = pattern.parse::<PathPattern>() else { return };
    assert_eq!(read.to_string().parse(), Ok(read.clone()), "{pattern}");
    let plain = path.split('?').next().unwrap_or_default();
    let matches = is_unambiguous(plain) && naive(&parts(pattern), &parts(plain));
    assert_eq!(read.matches(path), matches, "{pattern} {path}");
}

fn is_unambiguous(path: &str) -> bool {
    let risky = ["//", "/./", "/../", "%", "\\", ";", "#"];
    let closed = format!("{path}/");
    path.starts_with('/')
        && path.chars().all(|c| ('!'..='~').contains(&c))
        && risky.iter().all(|risk| !path.contains(risk))
        && !closed.contains("/./")
        && !closed.contains("/../")
}

fn parts(path: &str) -> Vec<&str> {
    path.split('/').filter(|part| !part.is_empty()).collect()
}

fn naive(pattern: &[&str], path: &[&str]) -> bool {
    match (pattern, path) {
        ([], []) | (["**"], _) => true,
        (["*", pattern @ ..], [_, path @ ..]) => naive(pattern, path),
        ([same, pattern @ ..], [first, path @ ..]) => same == first && naive(pattern, path),
        _ => false,
    }
}
