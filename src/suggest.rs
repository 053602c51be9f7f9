//! "Did you mean …?"

/// How many letters may differ between a word and the one that was meant.
const LETTERS: usize = 2;

/// The candidate that a misspelt word most likely stands for, case, `-` and `_` aside.
pub fn closest<'c>(word: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    let normal = |text: &str| text.to_ascii_lowercase().replace(['-', '_'], "");
    let word = normal(word);
    candidates
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(&word, &normal(candidate)), candidate))
        .filter(|(distance, candidate)| *distance <= LETTERS && *distance < candidate.len())
        .min()
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
        const TENANT: &[&str] = &["well_known_url", "issuer", "jwks_uri", "tenant_id", "name"];
        const SPEC: &[&str] = &["accessPolicy", "azure", "ingresses"];
        for (word, words, expected) in [
            ("isuer", TENANT, Some("issuer")),
            ("wellKnownUrl", TENANT, Some("well_known_url")),
            ("jwks-uri", TENANT, Some("jwks_uri")),
            ("tenant", TENANT, Some("tenant_id")),
            ("zzz", TENANT, None),
            ("accesspolicy", SPEC, Some("accessPolicy")),
            ("acessPolicy", SPEC, Some("accessPolicy")),
            ("Azure", SPEC, Some("azure")),
            ("ingress", SPEC, Some("ingresses")),
            ("image", SPEC, None),
            ("replicas", SPEC, None),
            ("redis", SPEC, None),
        ] {
            assert_eq!(closest(word, words.iter().copied()), expected, "{word}");
        }
    }
}
