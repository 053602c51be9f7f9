//! Key sets.

use portvakt::keys::KeySet;

use super::{ISSUER, TENANT, json, json::Json};

/// A key set as an issuer might publish it: what is used of it is sound and told once.
pub fn key_set(text: &[u8]) {
    let Ok(set) = KeySet::parse(text, ISSUER, TENANT.parse().unwrap()) else { return };
    assert!(!set.is_empty() && set.kids().count() == set.len());
    for kid in set.kids() {
        assert!((1..=128).contains(&kid.chars().count()), "{kid}");
        let key = set.get(kid).expect("it was listed");
        assert_eq!(key.kid(), kid);
        assert!((256..=1024).contains(&key.modulus_bytes()), "{key:?}");
    }
    let Some(read) = json::parse(text) else { return };
    let Some(Json::List(entries)) = read.get("keys") else { panic!("no list of keys") };
    assert_eq!(set.len() + set.skipped.count(), entries.len());
    let named =
        |kid: &str| entries.iter().filter(|entry| text_of(entry, "kid") == Some(kid)).count();
    for kid in set.kids() {
        assert_eq!(named(kid), 1, "{kid}");
    }
    for entry in entries {
        let is_used = text_of(entry, "kid").is_some_and(|kid| set.get(kid).is_some());
        assert!(!is_used || text_of(entry, "kty") == Some("RSA"));
        assert!(!is_used || entry.get("use").is_none_or(|value| value.text() == Some("sig")));
        assert!(!is_used || entry.get("alg").is_none_or(|value| value.text() == Some("RS256")));
    }
}

fn text_of<'a>(entry: &'a Json, name: &str) -> Option<&'a str> {
    entry.get(name)?.text()
}
