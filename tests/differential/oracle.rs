//! What a token must look like and say: the rules written down once more, as plainly as they can
//! be, without a line of the code under test.

use super::json::{self, Json};

/// A token taken apart.
#[derive(Debug)]
pub struct Form<'t> {
    pub kid: String,
    /// Header and payload as they were signed.
    pub signed: &'t str,
    pub payload: Json,
    pub signature: Vec<u8>,
}

/// What is expected of the claims.
#[derive(Debug, Clone, Copy)]
pub struct Expected<'a> {
    pub issuer: &'a str,
    pub tenant: &'a str,
    pub audience: &'a str,
    /// Seconds since 1970.
    pub now: u64,
}

/// Who may call.
#[derive(Debug, Clone, Copy)]
pub struct Grants<'a> {
    /// Client ids, the application's own among them.
    pub consumers: &'a [&'a str],
    pub groups: &'a [&'a str],
    pub role: &'a str,
    pub scope: &'a str,
}

const LONGEST_TOKEN: usize = 16 * 1024;
const LEEWAY: u64 = 60;
const LONGEST_LIFE: u64 = 24 * 60 * 60;

/// A signed token in its compact form, of the one algorithm and of a kind that may be used here.
pub fn form(token: &str) -> Option<Form<'_>> {
    let [header, payload, signature] = token.split('.').collect::<Vec<_>>()[..] else {
        return None;
    };
    if token.len() > LONGEST_TOKEN {
        return None;
    }
    let kid = key_id(&json::parse(&base64url(header)?)?)?;
    let payload = json::parse(&base64url(payload)?)?;
    if !matches!(payload, Json::Object(_)) || payload.get("cnf").is_some() {
        return None;
    }
    let signed = &token[..token.len() - signature.len() - 1];
    Some(Form { kid, signed, payload, signature: base64url(signature)? })
}

fn key_id(header: &Json) -> Option<String> {
    let forbidden = ["crit", "b64", "zip", "enc", "nonce"];
    if forbidden.iter().any(|name| header.get(name).is_some()) {
        return None;
    }
    if header.get("alg")?.text()? != "RS256" {
        return None;
    }
    if let Some(typ) = header.get("typ") {
        let typ = typ.text()?.to_ascii_lowercase();
        if !["jwt", "at+jwt", "application/at+jwt"].contains(&typ.as_str()) {
            return None;
        }
    }
    let kid = header.get("kid")?.text()?;
    (1..=128).contains(&kid.chars().count()).then(|| kid.to_owned())
}

/// Base64url without padding, and with no other spelling of the same bytes (RFC 4648, section 5).
fn base64url(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let (mut pending, mut bits) = (0_u16, 0);
    for c in text.bytes() {
        let value = match c {
            b'A'..=b'Z' => c - b'A',
            b'a'..=b'z' => c - b'a' + 26,
            b'0'..=b'9' => c - b'0' + 52,
            b'-' => 62,
            b'_' => 63,
            _ => return None,
        };
        pending = pending << 6 | u16::from(value);
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push(u8::try_from(pending >> bits).ok()?);
            pending &= (1 << bits) - 1;
        }
    }
    (!bytes.is_empty() && bits < 6 && pending == 0).then_some(bytes)
}

/// Whether the claims are of the types that Entra ID gives them, and hold here and now.
pub fn claims_hold(claims: &Json, expected: &Expected<'_>) -> bool {
    has_types(claims) && checks(claims, expected) == Some(true)
}

fn checks(claims: &Json, expected: &Expected<'_>) -> Option<bool> {
    let text = |name: &str| claims.get(name).and_then(Json::text);
    let (expires, issued) = (time(claims.get("exp")?)?, time(claims.get("iat")?)?);
    let starts = match claims.get("nbf") {
        Some(starts) => time(starts)?,
        None => 0,
    };
    let latest = expected.now + LEEWAY;
    Some(
        text("iss") == Some(expected.issuer)
            && text("aud") == Some(expected.audience)
            && text("tid") == Some(expected.tenant)
            && claims.get("ver").is_none_or(|version| version.text() == Some("2.0"))
            && expires.checked_add(LEEWAY)? > expected.now
            && issued <= latest
            && starts <= latest
            && expires.checked_sub(issued)? <= LONGEST_LIFE,
    )
}

/// Whole seconds, written in digits alone.
fn time(value: &Json) -> Option<u64> {
    match value {
        Json::Number(digits) => digits.parse().ok(),
        _ => None,
    }
}

fn has_types(claims: &Json) -> bool {
    let texts = ["iss", "aud", "tid", "ver", "azp", "appid", "idtyp", "scp", "oid"];
    // They decide nothing and are handed on, where they are there.
    let told = ["sub", "name", "preferred_username", "NAVident"];
    let are = |names: &[&str], is: fn(&Json) -> bool| {
        names.iter().all(|name| claims.get(name).is_none_or(is))
    };
    are(&texts, |value| value.text().is_some())
        && are(&told, |value| value.text().is_some() || *value == Json::Null)
        && are(&["exp", "iat", "nbf"], |value| time(value).is_some())
        && are(&["roles", "groups"], |value| list(value).is_some())
        && are(&["_claim_names"], |value| matches!(value, Json::Object(_)))
}

fn list(value: &Json) -> Option<Vec<&str>> {
    match value {
        Json::List(elements) => elements.iter().map(Json::text).collect(),
        _ => None,
    }
}

/// Whether the access policy lets the bearer of these claims in.
pub fn may_call(claims: &Json, audience: &str, grants: &Grants<'_>) -> bool {
    let texts = |name: &str| claims.get(name).and_then(list).unwrap_or_default();
    let text = |name: &str| claims.get(name).and_then(Json::text);
    let Some(consumer) = text("azp").filter(|azp| grants.consumers.contains(azp)) else {
        return false;
    };
    match (text("idtyp") == Some("app"), text("scp")) {
        (true, None) => texts("roles").contains(&grants.role),
        (false, Some(scopes)) if !scopes.trim().is_empty() => {
            let has_scope = scopes.split_ascii_whitespace().any(|scope| scope == grants.scope);
            let is_member = texts("groups").iter().any(|group| grants.groups.contains(group));
            let is_person = text("oid").is_some_and(is_guid);
            is_person && is_member && (consumer == audience || has_scope)
        }
        _ => false,
    }
}

/// As Entra ID writes them.
fn is_guid(text: &str) -> bool {
    let parts: Vec<_> = text.split('-').collect();
    let is_digit = |c: u8| c.is_ascii_digit() || (b'a'..=b'f').contains(&c);
    parts.iter().map(|part| part.len()).eq([8, 4, 4, 4, 12])
        && parts.iter().all(|part| part.bytes().all(is_digit))
}
