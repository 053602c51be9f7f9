//! A JSON Web Key Set (RFC 7517) as Entra ID publishes it, key by key.
//!
//! One key that cannot be used is skipped and the others count. Keys that must not be used are
//! never prepared: other types, other purposes, too small, of another issuer, or ambiguous.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::crypto::JwtVerifier;
use serde_json::{Map, Value};

use super::PreparedKey;
use crate::identifiers::TenantId;

/// Keys of one issuer that are kept. Entra ID publishes about ten.
const MAX_KEYS: usize = 256;

/// A public key that verifies RS256 signatures.
pub struct Key {
    kid: String,
    modulus: Vec<u8>,
    exponent: Vec<u8>,
    prepared: PreparedKey,
}

impl Key {
    /// Its id in tokens and in the key set.
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// The length of its signatures.
    pub fn modulus_bytes(&self) -> usize {
        self.modulus.len()
    }

    /// What checks signatures with it.
    pub fn verifier(&self) -> &impl JwtVerifier {
        &self.prepared
    }
}

impl PartialEq for Key {
    /// The same key under the same id.
    fn eq(&self, other: &Self) -> bool {
        (&self.kid, &self.modulus, &self.exponent) == (&other.kid, &other.modulus, &other.exponent)
    }
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Key({:?}, {} bit)", self.kid, self.modulus.len() * 8)
    }
}

/// The usable keys of one issuer.
#[derive(Debug)]
pub struct KeySet {
    keys: HashMap<String, Arc<Key>>,
    /// Keys that were left out.
    pub skipped: Skipped,
}

/// Keys that were left out: how many, and the first of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Skipped {
    count: usize,
    first: Vec<(String, KeyFault)>,
}

impl Skipped {
    /// Those that are remembered one by one.
    const REMEMBERED: usize = 10;

    /// How many there are.
    pub fn count(&self) -> usize {
        self.count
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The ids of the first ten, as far as they have one, and why they were left out.
    pub fn first(&self) -> &[(String, KeyFault)] {
        &self.first
    }

    fn add(&mut self, kid: &str, fault: KeyFault) {
        self.count += 1;
        if self.first.len() < Self::REMEMBERED {
            self.first.push((kid.to_owned(), fault));
        }
    }
}

/// The text is no key set that could be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeySetError {
    #[error("it is not a JSON object with an array of keys")]
    NotAKeySet,
    #[error("it has no key that could be used")]
    NoUsableKey,
}

/// Why one key is not used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyFault {
    #[error("it is not a JSON object with a kid of 1 to 128 characters")]
    Unreadable,
    #[error("several keys have this kid")]
    Ambiguous,
    #[error("it is no RSA key")]
    NotRsa,
    #[error("it is not meant for RS256 signatures (use, key_ops or alg)")]
    OtherPurpose,
    #[error("its modulus is not of 2048 to 8192 bits or its exponent is unsound")]
    Unsound,
    #[error("it belongs to another issuer")]
    OtherIssuer,
    #[error("the set has more than 256 keys")]
    TooMany,
}

impl KeySet {
    /// Reads a key set of the issuer `issuer`.
    ///
    /// # Errors
    /// Where nothing in it could be used, so that it must not replace a good one.
    pub fn parse(text: &[u8], issuer: &str, tenant: TenantId) -> Result<Self, KeySetError> {
        let document: Value = serde_json::from_slice(text).map_err(|_| KeySetError::NotAKeySet)?;
        let entries =
            document.get("keys").and_then(Value::as_array).ok_or(KeySetError::NotAKeySet)?;
        let ambiguous = repeated_kids(entries);

        let mut keys = HashMap::new();
        let mut skipped = Skipped::default();
        for entry in entries {
            match read_key(entry, issuer, tenant, &ambiguous) {
                Ok(key) if keys.len() < MAX_KEYS => {
                    keys.insert(key.kid.clone(), Arc::new(key));
                }
                Ok(key) => skipped.add(&key.kid, KeyFault::TooMany),
                Err(fault) => skipped.add(kid(entry).unwrap_or_default(), fault),
            }
        }
        match keys.is_empty() {
            true => Err(KeySetError::NoUsableKey),
            false => Ok(Self { keys, skipped }),
        }
    }

    /// The key with that id.
    pub fn get(&self, kid: &str) -> Option<&Arc<Key>> {
        self.keys.get(kid)
    }

    /// The ids of the keys.
    pub fn kids(&self) -> impl Iterator<Item = &str> {
        self.keys.keys().map(String::as_str)
    }

    /// How many keys there are.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Never true: an empty set is an error.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }
}

fn kid(entry: &Value) -> Option<&str> {
    entry.get("kid")?.as_str().filter(|kid| (1..=128).contains(&kid.chars().count()))
}

fn repeated_kids(entries: &[Value]) -> HashSet<&str> {
    let mut seen = HashSet::new();
    entries.iter().filter_map(kid).filter(|kid| !seen.insert(*kid)).collect()
}

fn read_key(
    entry: &Value,
    issuer: &str,
    tenant: TenantId,
    ambiguous: &HashSet<&str>,
) -> Result<Key, KeyFault> {
    let members = entry.as_object().ok_or(KeyFault::Unreadable)?;
    let kid = kid(entry).ok_or(KeyFault::Unreadable)?;
    if ambiguous.contains(kid) {
        return Err(KeyFault::Ambiguous);
    }
    if members.get("kty").and_then(Value::as_str) != Some("RSA") {
        return Err(KeyFault::NotRsa);
    }
    if !is_for_signatures(members) {
        return Err(KeyFault::OtherPurpose);
    }
    if !is_of_issuer(members, issuer, tenant) {
        return Err(KeyFault::OtherIssuer);
    }
    let modulus = number(members, "n").filter(|n| is_sound_modulus(n)).ok_or(KeyFault::Unsound)?;
    let exponent =
        number(members, "e").filter(|e| is_sound_exponent(e)).ok_or(KeyFault::Unsound)?;
    let prepared = PreparedKey::new(&modulus, &exponent).map_err(|_| KeyFault::Unsound)?;
    Ok(Key { kid: kid.to_owned(), modulus, exponent, prepared })
}

/// Whether `use`, `key_ops` and `alg`, as far as they are there, allow RS256 (RFC 7517, section 4).
fn is_for_signatures(key: &Map<String, Value>) -> bool {
    let is =
        |name: &str, wanted: &str| key.get(name).is_none_or(|value| value.as_str() == Some(wanted));
    let verifies = key.get("key_ops").is_none_or(|operations| {
        operations.as_array().is_some_and(|operations| operations.iter().any(|one| one == "verify"))
    });
    is("use", "sig") && is("alg", "RS256") && verifies
}

/// Entra ID names the issuer of each key, where needed with a placeholder for the tenant.
fn is_of_issuer(key: &Map<String, Value>, issuer: &str, tenant: TenantId) -> bool {
    key.get("issuer").is_none_or(|value| {
        value
            .as_str()
            .is_some_and(|template| template.replace("{tenantid}", &tenant.to_string()) == issuer)
    })
}

/// A Base64urlUInt (RFC 7518, section 2) without leading zeros.
fn number(key: &Map<String, Value>, name: &str) -> Option<Vec<u8>> {
    let bytes = URL_SAFE_NO_PAD.decode(key.get(name)?.as_str()?).ok()?;
    let first = bytes.iter().position(|byte| *byte != 0)?;
    Some(bytes[first..].to_vec())
}

fn is_sound_modulus(modulus: &[u8]) -> bool {
    let bits = modulus.len() * 8 - modulus.first().map_or(0, |byte| byte.leading_zeros() as usize);
    let odd = modulus.last().is_some_and(|byte| byte % 2 == 1);
    (2048..=8192).contains(&bits) && odd
}

/// Odd, at least 3 and at most 33 bits, as the signature library demands.
fn is_sound_exponent(exponent: &[u8]) -> bool {
    let odd = exponent.last().is_some_and(|byte| byte % 2 == 1);
    exponent.len() <= 4 && odd && exponent != [1]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    const TENANT: &str = "62366534-1ec3-4962-8869-9b5535279d0b";
    const ISSUER: &str = "https://login.example/62366534-1ec3-4962-8869-9b5535279d0b/v2.0";

    fn modulus(bytes: usize) -> String {
        URL_SAFE_NO_PAD.encode(vec![0xC1; bytes])
    }

    fn key(kid: &str) -> Value {
        json!({"kty": "RSA", "use": "sig", "kid": kid, "n": modulus(256), "e": "AQAB"})
    }

    fn parse(keys: &[Value]) -> Result<KeySet, KeySetError> {
        let text = json!({ "keys": keys }).to_string();
        KeySet::parse(text.as_bytes(), ISSUER, TENANT.parse().unwrap())
    }

    /// What becomes of a key with one member changed (null removes it) beside a good one.
    fn fault(member: &str, value: Value) -> Option<KeyFault> {
        let mut changed = key("changed");
        changed[member] = value;
        changed.as_object_mut().unwrap().retain(|_, value| !value.is_null());
        let set = parse(&[key("good"), changed]).unwrap();
        assert!(set.get("good").is_some());
        assert_eq!(set.get("changed").is_none(), !set.skipped.is_empty());
        set.skipped.first().first().map(|(_, fault)| *fault)
    }

    #[test]
    fn each_key_is_judged_on_its_own() {
        for (member, value, expected) in [
            ("x5c", json!(["ignored"]), None),
            ("use", json!(null), None),
            ("alg", json!("RS256"), None),
            ("key_ops", json!(["verify"]), None),
            ("issuer", json!(ISSUER), None),
            ("issuer", json!("https://login.example/{tenantid}/v2.0"), None),
            ("n", json!(modulus(1024)), None),
            ("kid", json!(null), Some(KeyFault::Unreadable)),
            ("kid", json!(7), Some(KeyFault::Unreadable)),
            ("kid", json!(""), Some(KeyFault::Unreadable)),
            ("kty", json!("oct"), Some(KeyFault::NotRsa)),
            ("kty", json!("EC"), Some(KeyFault::NotRsa)),
            ("kty", json!(null), Some(KeyFault::NotRsa)),
            ("use", json!("enc"), Some(KeyFault::OtherPurpose)),
            ("alg", json!("RS512"), Some(KeyFault::OtherPurpose)),
            ("alg", json!("HS256"), Some(KeyFault::OtherPurpose)),
            ("key_ops", json!(["encrypt"]), Some(KeyFault::OtherPurpose)),
            ("key_ops", json!("verify"), Some(KeyFault::OtherPurpose)),
            ("issuer", json!("https://login.example/other/v2.0"), Some(KeyFault::OtherIssuer)),
            ("issuer", json!(7), Some(KeyFault::OtherIssuer)),
            ("n", json!(modulus(128)), Some(KeyFault::Unsound)),
            ("n", json!(modulus(1025)), Some(KeyFault::Unsound)),
            ("n", json!("!"), Some(KeyFault::Unsound)),
            ("n", json!(null), Some(KeyFault::Unsound)),
            ("e", json!("AQ"), Some(KeyFault::Unsound)),
            ("e", json!("AQAA"), Some(KeyFault::Unsound)),
            ("e", json!("AQAAAAAB"), Some(KeyFault::Unsound)),
            ("e", json!(""), Some(KeyFault::Unsound)),
        ] {
            assert_eq!(fault(member, value.clone()), expected, "{member} = {value}");
        }
    }

    #[test]
    fn a_kid_that_stands_twice_is_nobodys() {
        let set = parse(&[key("a"), key("b"), key("b")]).unwrap();
        assert!(set.get("a").is_some());
        assert!(set.get("b").is_none());
        assert_eq!(set.skipped.count(), 2);
    }

    #[test]
    fn a_set_without_end_is_cut_and_its_faults_are_counted() {
        let keys: Vec<_> = (0..300).map(|number| key(&format!("k{number}"))).collect();
        let set = parse(&keys).unwrap();
        assert_eq!((set.len(), set.skipped.count(), set.skipped.first().len()), (256, 44, 10));
        assert_eq!(set.skipped.first()[0], ("k256".to_owned(), KeyFault::TooMany));

        let faulty = vec![json!({"kid": "x".repeat(1 << 16)}); 1000];
        let set = parse(&[&faulty[..], &[key("good")]].concat()).unwrap();
        assert_eq!((set.len(), set.skipped.count()), (1, 1000));
        assert!(set.skipped.first().iter().all(|(kid, _)| kid.is_empty()));
    }

    #[test]
    fn what_holds_no_usable_key_is_no_key_set() {
        assert_eq!(parse(&[]).unwrap_err(), KeySetError::NoUsableKey);
        assert_eq!(parse(&[json!(7), json!({})]).unwrap_err(), KeySetError::NoUsableKey);
        for text in ["", "[]", "{}", "<html>", r#"{"keys":{}}"#, r#"{"keys":null}"#] {
            let result = KeySet::parse(text.as_bytes(), ISSUER, TENANT.parse().unwrap());
            assert_eq!(result.unwrap_err(), KeySetError::NotAKeySet, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = KeySet::parse(&bytes, ISSUER, TENANT.parse().unwrap());
        }
    }
}
