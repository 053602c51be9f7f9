//! Keys that mean nothing, and what was probably meant.

use crate::{
    finding::Code,
    suggest,
    yaml::{Mapping, Reader},
};

/// Warns of every key that a mapping, owned whole by the access policy, does not have.
pub fn warn_of_unknown(mapping: Mapping<'_>, what: &str, known: &[&str], reader: &mut Reader) {
    warn_of_unknown_with(mapping, "", what, known, reader);
}

/// The same for keys that begin with `prefix`, in a mapping where all others are somebody else's.
pub fn warn_of_unknown_with(
    mapping: Mapping<'_>,
    prefix: &str,
    what: &str,
    known: &[&str],
    reader: &mut Reader,
) {
    let is_unknown = |key: &str| key.starts_with(prefix) && !known.contains(&key);
    for entry in mapping.entries().filter(|entry| is_unknown(&entry.key)) {
        let message = match suggest::closest(&entry.key, known.iter().copied()) {
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
        if let Some(meant) = suggest::closest(&entry.key, absent.iter().copied())
            && meant != entry.key
        {
            let message = format!("{what} has no key \"{}\"; did you mean \"{meant}\"?", entry.key);
            reader.warning(&entry.place, Code::UnknownKey, message);
        }
    }
}
