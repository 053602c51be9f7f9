//! The first section of a PEM file (RFC 7468) that has one of the wanted labels.

use base64::{Engine, engine::general_purpose::STANDARD};

/// The content of the first section with this label; `None` where there is none that can be read.
pub fn section(text: &str, label: &str) -> Option<Vec<u8>> {
    let (begin, end) = (format!("-----BEGIN {label}-----"), format!("-----END {label}-----"));
    let (_, rest) = text.split_once(&begin)?;
    let (encoded, _) = rest.split_once(&end)?;
    let encoded: String = encoded.split_ascii_whitespace().collect();
    STANDARD.decode(encoded).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_section_with_the_label_is_read() {
        let text = "a comment\n-----BEGIN B-----\nYg==\n-----END B-----\n\n-----BEGIN A-----\r\nYWFh\r\nYQ==\r\n-----END A-----\n-----BEGIN A-----\n????\n-----END A-----\n";
        assert_eq!(section(text, "A").as_deref(), Some(&b"aaaa"[..]));
        assert_eq!(section(text, "B").as_deref(), Some(&b"b"[..]));
        for (text, label) in [
            (text, "C"),
            ("", "A"),
            ("-----BEGIN A-----\nYWFh", "A"),
            ("-----BEGIN A-----\n????\n-----END A-----", "A"),
        ] {
            assert_eq!(section(text, label), None, "{text}");
        }
    }
}
