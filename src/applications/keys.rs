//! Keys that mean nothing, and what was probably meant.

use crate::{
    finding::Code,
    yaml::{Mapping, Reader},
};

/// How many letters may differ between a key and the one that was meant.
const LETTERS: usize = 2;

/// Warns of every key that a mapping, owned whole by the access policy, does not have.
pub fn warn_of_unknown(mapping: Mapping<'_>, what: &str, known: &[&str], reader: &mut Reader) {
    for entry in mapping.entries().filter(|entry| !known.contains(&entry.key.as_str())) {
        let message = match nearest(&entry.key, known) {
            Some(meant) => {
                format!("{what} has no key \"{}\"; did you mean \"{meant}\"?", entry.key)
            }
            None => format!("{what} has no key \"{}\"; it has no effect.", entry.key),
        };
        reader.warning(&entry.place, Code::UnknownKey, message);
    }
}

/// Warns of keys that resemble one which is not stated, in a mapping with many other legal keys.
pub fn warn_of_near_misses(mapping: Mapping<'_>, what: &str, meant: &[&str], reader: &mut Reader) {
    let absent: Vec<_> =
        meant.iter().copied().filter(|key| mapping.entries().all(|e| e.key != *key)).collect();
    for entry in mapping.entries() {
        if let Some(meant) = nearest(&entry.key, &absent)
            && meant != entry.key
        {
            let message = format!("{what} has no key \"{}\"; did you mean \"{meant}\"?", entry.key);
            reader.warning(&entry.place, Code::UnknownKey, message);
        }
    }
}

fn nearest<'k>(key: &str, known: &[&'k str]) -> Option<&'k str> {
    let key = key.to_lowercase();
    known
        .iter()
        .map(|known| (strsim::damerau_levenshtein(&key, &known.to_lowercase()), *known))
        .filter(|(distance, known)| *distance <= LETTERS && *distance < known.len())
        .min()
        .map(|(_, known)| known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_key_is_suggested() {
        const KEYS: &[&str] = &["accessPolicy", "azure", "ingresses"];
        for (key, meant) in [
            ("accesspolicy", Some("accessPolicy")),
            ("acessPolicy", Some("accessPolicy")),
            ("Azure", Some("azure")),
            ("ingress", Some("ingresses")),
            ("image", None),
            ("replicas", None),
            ("resources", None),
            ("redis", None),
        ] {
            assert_eq!(nearest(key, KEYS), meant, "{key}");
        }
    }
}
