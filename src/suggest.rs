//! "Did you mean …?"

/// The candidate that a misspelt word most likely stands for.
pub fn closest<'c>(word: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    const LEAST_SIMILARITY: f64 = 0.75;
    let normal = |text: &str| text.to_ascii_lowercase().replace(['-', '_'], "");
    let word = normal(word);
    candidates
        .into_iter()
        .map(|candidate| (strsim::jaro_winkler(&word, &normal(candidate)), candidate))
        .filter(|(similarity, _)| *similarity >= LEAST_SIMILARITY)
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, candidate)| candidate)
}

/// The same as the end of a message: `; did you mean "…"?`, or a full stop.
pub fn ending<'c>(word: &str, candidates: impl IntoIterator<Item = &'c str>) -> String {
    closest(word, candidates)
        .map_or_else(|| ".".to_owned(), |candidate| format!("; did you mean \"{candidate}\"?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_word_finds_the_one_it_stands_for() {
        let words = ["well_known_url", "issuer", "jwks_uri", "tenant_id", "name"];
        for (word, expected) in [
            ("isuer", Some("issuer")),
            ("wellKnownUrl", Some("well_known_url")),
            ("jwks-uri", Some("jwks_uri")),
            ("tenant", Some("tenant_id")),
            ("zzz", None),
        ] {
            assert_eq!(closest(word, words), expected, "{word}");
        }
    }
}
