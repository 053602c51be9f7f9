//! A token before it is signed, as text: so that nothing is too malformed to be written.

use super::{
    random::Random,
    trusted::{AUDIENCE, ISSUER, NOW, ORDER_DESK, REPORTS, TENANT, WEBSHOP},
};

/// Members of an object: names as they stand between their quotes, and values as JSON.
pub type Members = Vec<(String, String)>;

#[derive(Debug, Clone)]
pub struct Draft {
    pub header: Members,
    pub payload: Members,
}

impl Draft {
    /// One that is right in every respect, once it is signed.
    pub fn valid(kid: &str, random: &mut Random) -> Self {
        let kid = serde_json::Value::from(kid).to_string();
        let header =
            vec![member("typ", r#""JWT""#), member("alg", r#""RS256""#), member("kid", &kid)];
        let mut payload = vec![
            member("aud", &quoted(AUDIENCE)),
            member("iss", &quoted(ISSUER)),
            member("iat", &(NOW - 10).to_string()),
            member("nbf", &(NOW - 10).to_string()),
            member("exp", &(NOW + 3600).to_string()),
            member("azp", &quoted(random.pick(&[WEBSHOP, REPORTS]))),
            member("oid", r#""8b1d4f7a-2e95-4c30-b6d8-7f0a3c5e9b12""#),
            member("sub", r#""k3N1-pairwise""#),
            member("tid", &quoted(TENANT)),
            member("ver", r#""2.0""#),
        ];
        if random.percent(50) {
            payload.push(member("idtyp", r#""app""#));
            payload.push(member("roles", r#"["access_as_application"]"#));
        } else {
            payload.push(member("scp", r#""defaultaccess other""#));
            payload.push(member("groups", &format!("[\"{ORDER_DESK}\"]")));
            payload.push(member("name", r#""Bj\u00f8rn Sørensen""#));
        }
        Self { header, payload }
    }
}

/// A member whose name needs no escapes.
pub fn member(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

/// A text that needs no escapes, as JSON.
pub fn quoted(text: &str) -> String {
    format!("\"{text}\"")
}

/// Replaces a member, or adds it.
pub fn set(members: &mut Members, name: &str, value: &str) {
    match members.iter_mut().find(|(other, _)| other == name) {
        Some((_, old)) => value.clone_into(old),
        None => members.push(member(name, value)),
    }
}

/// The object.
pub fn render(members: &Members) -> String {
    let members: Vec<_> =
        members.iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
    format!("{{{}}}", members.join(","))
}
