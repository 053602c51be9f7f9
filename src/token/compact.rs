//! The compact form of a signed token (RFC 7515, section 7.1) and its header.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Deserialize;
use serde_json::Value;

use super::json;
use crate::decision::{Denial, DenyReason};

/// Key ids are opaque, but not endless.
const MAX_KID_CHARS: usize = 128;

/// The only signature algorithm of Entra ID. The token never chooses.
pub const ALGORITHM: &str = "RS256";

/// A token that has the right form; nothing of it is proven.
#[derive(Debug)]
pub struct Unverified<'a> {
    /// Header and payload as they were signed.
    pub signing_input: &'a str,
    pub signature: Vec<u8>,
    pub kid: String,
    /// JSON, an object with distinct members.
    pub payload: Vec<u8>,
}

impl<'a> Unverified<'a> {
    /// # Errors
    /// `token_malformed`, `token_algorithm_rejected`, `token_kind_rejected`; `token_key_unknown`
    /// for a header that names no key, since keys are never found by trying.
    pub fn parse(token: &'a str) -> Result<Self, Denial> {
        let (signing_input, signature) = token.rsplit_once('.').ok_or_else(three_parts)?;
        let (header, payload) = signing_input.split_once('.').ok_or_else(three_parts)?;
        if payload.contains('.') {
            return Err(match token.split('.').count() {
                5 => kind("The token is encrypted; only signed tokens are accepted."),
                _ => three_parts(),
            });
        }
        let kid = read_header(&segment(header)?)?;
        let payload = segment(payload)?;
        let claims = json::names(&payload).map_err(|_| {
            malformed("The token's payload is not a JSON object with distinct members.")
        })?;
        if claims.contain("cnf") {
            return Err(kind(
                "The token is bound to a key (proof of possession) and no bearer token.",
            ));
        }
        let signature = segment(signature)?;
        Ok(Self { signing_input, signature, kid, payload })
    }
}

/// Base64url in its one canonical spelling: no padding, no white space, no spare bits.
fn segment(text: &str) -> Result<Vec<u8>, Denial> {
    match URL_SAFE_NO_PAD.decode(text) {
        Ok(bytes) if !bytes.is_empty() => Ok(bytes),
        _ => Err(malformed("A part of the token is empty or not canonical base64url.")),
    }
}

/// Those members of a header whose values count; null where there is none.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Header {
    alg: Value,
    typ: Value,
    kid: Value,
}

/// Checks a header (RFC 7515, section 4; RFC 8725, section 3) and returns its key id.
///
/// `jku`, `x5u`, `jwk` and `x5c` are left alone: keys come from the issuer and nowhere else.
fn read_header(text: &[u8]) -> Result<String, Denial> {
    let unreadable =
        |_| malformed("The token's header is not a JSON object with distinct members.");
    let members = json::names(text).map_err(unreadable)?;
    let header: Header = serde_json::from_slice(text).map_err(unreadable)?;
    if members.contain("enc") {
        return Err(kind("The token is encrypted; only signed tokens are accepted."));
    }
    if header.alg != ALGORITHM {
        return Err(DenyReason::TokenAlgorithmRejected.into());
    }
    if ["crit", "b64", "zip"].iter().any(|name| members.contain(name)) {
        return Err(kind("The token's header asks for an extension (crit, b64 or zip)."));
    }
    if members.contain("nonce") {
        return Err(kind(
            "The token is for Microsoft Graph, which alone can verify it; ask Entra ID for a token for this application.",
        ));
    }
    if members.contain("typ") && !header.typ.as_str().is_some_and(is_access_token_type) {
        return Err(kind("The token's type (typ) is not that of an access token."));
    }
    match header.kid {
        Value::String(kid) if (1..=MAX_KID_CHARS).contains(&kid.chars().count()) => Ok(kid),
        _ if members.contain("kid") => {
            Err(malformed("The token's key id (kid) is not a text of 1 to 128 characters."))
        }
        _ => {
            Err(Denial::new(DenyReason::TokenKeyUnknown, "The token's header names no key (kid)."))
        }
    }
}

/// Media types compare without regard to case (RFC 7515, section 4.1.9).
fn is_access_token_type(typ: &str) -> bool {
    ["JWT", "at+jwt", "application/at+jwt"]
        .iter()
        .any(|accepted| accepted.eq_ignore_ascii_case(typ))
}

fn three_parts() -> Denial {
    malformed("The token does not have three parts.")
}

fn malformed(detail: &'static str) -> Denial {
    Denial::new(DenyReason::TokenMalformed, detail)
}

fn kind(detail: &'static str) -> Denial {
    Denial::new(DenyReason::TokenKindRejected, detail)
}

#[cfg(test)]
mod tests {
    use DenyReason::{TokenAlgorithmRejected, TokenKeyUnknown, TokenKindRejected, TokenMalformed};
    use proptest::prelude::*;

    use super::*;

    fn encode(text: &str) -> String {
        URL_SAFE_NO_PAD.encode(text)
    }

    fn token(header: &str, payload: &str) -> String {
        format!("{}.{}.{}", encode(header), encode(payload), encode("signature"))
    }

    fn refusal(token: &str) -> DenyReason {
        Unverified::parse(token).unwrap_err().reason
    }

    #[test]
    fn a_token_of_the_right_form_is_taken_apart() {
        for typ in [
            "",
            r#","typ":"JWT""#,
            r#","typ":"jwt""#,
            r#","typ":"at+jwt""#,
            r#","typ":"application/at+jwt""#,
        ] {
            let token = token(&format!(r#"{{"alg":"RS256","kid":"k1"{typ}}}"#), r#"{"aud":"x"}"#);
            let unverified = Unverified::parse(&token).unwrap();
            assert_eq!(unverified.kid, "k1");
            assert_eq!(unverified.payload, br#"{"aud":"x"}"#);
            assert_eq!(
                format!(
                    "{}.{}",
                    unverified.signing_input,
                    URL_SAFE_NO_PAD.encode(unverified.signature)
                ),
                token
            );
        }
    }

    #[test]
    fn keys_in_a_header_are_passed_over() {
        for member in [
            r#""jku":"https://evil.example/keys""#,
            r#""x5u":"https://evil.example/cert""#,
            r#""jwk":{"kty":"oct","k":"AA"}"#,
            r#""x5c":["MII"]"#,
            r#""x5t":"abc""#,
        ] {
            let token = token(&format!(r#"{{"alg":"RS256","kid":"k",{member}}}"#), "{}");
            assert_eq!(Unverified::parse(&token).unwrap().kid, "k", "{member}");
        }
    }

    #[test]
    fn headers_are_refused_for_a_reason() {
        let long = format!(r#"{{"alg":"RS256","kid":"{}"}}"#, "k".repeat(129));
        for (header, reason) in [
            (r#"{"alg":"none","kid":"k"}"#, TokenAlgorithmRejected),
            (r#"{"alg":"HS256","kid":"k"}"#, TokenAlgorithmRejected),
            (r#"{"alg":"rs256","kid":"k"}"#, TokenAlgorithmRejected),
            (r#"{"alg":"RS256 ","kid":"k"}"#, TokenAlgorithmRejected),
            (r#"{"alg":["RS256"],"kid":"k"}"#, TokenAlgorithmRejected),
            (r#"{"alg":"RS512","kid":"k"}"#, TokenAlgorithmRejected),
            (r#"{"kid":"k"}"#, TokenAlgorithmRejected),
            (r#"{"alg":null,"kid":"k"}"#, TokenAlgorithmRejected),
            (r#"{"alg":"PS256","kid":"k"}"#, TokenAlgorithmRejected),
            (r#"{"alg":"ES256","kid":"k"}"#, TokenAlgorithmRejected),
            (r#"{"alg":"None","kid":"k"}"#, TokenAlgorithmRejected),
            (r#"{"alg":"RS256","kid":"k","crit":["exp"]}"#, TokenKindRejected),
            (r#"{"alg":"RS256","kid":"k","crit":[]}"#, TokenKindRejected),
            (r#"{"alg":"RS256","kid":"k","b64":true}"#, TokenKindRejected),
            (r#"{"alg":"RS256","kid":"k","zip":"DEF"}"#, TokenKindRejected),
            (r#"{"alg":"RSA-OAEP","enc":"A256GCM","kid":"k"}"#, TokenKindRejected),
            (r#"{"alg":"RS256","kid":"k","nonce":"n"}"#, TokenKindRejected),
            (r#"{"alg":"RS256","kid":"k","typ":"id_token+jwt"}"#, TokenKindRejected),
            (r#"{"alg":"RS256","kid":"k","typ":"dpop+jwt"}"#, TokenKindRejected),
            (r#"{"alg":"RS256","kid":"k","typ":1}"#, TokenKindRejected),
            (r#"{"alg":"RS256"}"#, TokenKeyUnknown),
            (r#"{"alg":"RS256","kid":""}"#, TokenMalformed),
            (r#"{"alg":"RS256","kid":7}"#, TokenMalformed),
            (r#"{"alg":"RS256","kid":null}"#, TokenMalformed),
            (&long, TokenMalformed),
            (r#"{"alg":"none","alg":"RS256","kid":"k"}"#, TokenMalformed),
            (r#"{"alg":"none","\u0061lg":"RS256","kid":"k"}"#, TokenMalformed),
            (r#"["alg","RS256"]"#, TokenMalformed),
            ("", TokenMalformed),
        ] {
            assert_eq!(refusal(&token(header, "{}")), reason, "{header}");
        }
    }

    #[test]
    fn other_numbers_of_parts_are_refused() {
        let good = token(r#"{"alg":"RS256","kid":"k"}"#, "{}");
        for (token, reason) in [
            ("a".to_owned(), TokenMalformed),
            ("a.b".to_owned(), TokenMalformed),
            (format!("{good}.a"), TokenMalformed),
            (format!("{good}.a.b"), TokenKindRejected),
            (format!("{good}.a.b.c"), TokenMalformed),
            (format!("{good}.."), TokenKindRejected),
            ("..".to_owned(), TokenMalformed),
            (String::new(), TokenMalformed),
            (".".to_owned(), TokenMalformed),
            ("....".to_owned(), TokenKindRejected),
            (format!(".{good}"), TokenMalformed),
            (good.rsplit_once('.').unwrap().0.to_owned() + ".", TokenMalformed),
        ] {
            assert_eq!(refusal(&token), reason, "{token}");
        }
    }

    /// The same bytes, with a spare bit of the last character set.
    fn with_spare_bits(segment: &str) -> String {
        const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        assert_ne!(segment.len() % 4, 0, "{segment} has no spare bits");
        let (rest, last) = segment.split_at(segment.len() - 1);
        let place = ALPHABET.iter().position(|c| [*c] == last.as_bytes()).unwrap();
        format!("{rest}{}", char::from(ALPHABET[place + 1]))
    }

    #[test]
    fn only_canonical_base64url_is_read() {
        let header = encode(r#"{"alg":"RS256","kid":"k1"}"#);
        let parts = [header, encode(r#"{"a":"xx?xx>"}"#), encode("signature1")];
        assert!(Unverified::parse(&parts.join(".")).is_ok());
        type Edit = fn(&str) -> String;
        let edits: [(&str, Edit); 9] = [
            ("one =", |part| format!("{part}=")),
            ("two =", |part| format!("{part}==")),
            ("a blank", |part| format!("{part} ")),
            ("a line feed", |part| format!("{part}\n")),
            ("a tab within", |part| format!("{}\t{}", &part[..1], &part[1..])),
            ("NUL", |part| format!("{part}\0")),
            ("NUL first", |part| format!("\0{part}")),
            ("a length that no bytes have", |part| format!("{}A", &part[..part.len() / 4 * 4])),
            ("spare bits", with_spare_bits),
        ];
        for (title, edit) in edits {
            for index in 0..3 {
                let mut bad = parts.clone();
                bad[index] = edit(&bad[index]);
                assert_eq!(refusal(&bad.join(".")), TokenMalformed, "{title} in part {index}");
            }
        }
        for (url_safe, standard) in [('-', "+"), ('_', "/")] {
            let mut bad = parts.clone();
            assert!(bad[1].contains(url_safe), "{}", bad[1]);
            bad[1] = bad[1].replace(url_safe, standard);
            assert_eq!(refusal(&bad.join(".")), TokenMalformed, "{standard}");
        }
    }

    #[test]
    fn json_serialisations_are_no_tokens() {
        let good = token(r#"{"alg":"RS256","kid":"k"}"#, "{}");
        let [header, payload, signature] = good.split('.').collect::<Vec<_>>()[..] else {
            panic!()
        };
        for text in [
            format!(
                r#"{{"protected":"{header}","payload":"{payload}","signature":"{signature}"}}"#
            ),
            format!(
                r#"{{"payload":"{payload}","signatures":[{{"protected":"{header}","signature":"{signature}"}}]}}"#
            ),
            r#"{"a.b":"c.d"}"#.to_owned(),
            "{}".to_owned(),
            "[]".to_owned(),
        ] {
            assert_eq!(refusal(&text), TokenMalformed, "{text}");
            assert_eq!(refusal(&encode(&text)), TokenMalformed, "{text}");
        }
    }

    #[test]
    fn payloads_must_be_objects_and_bound_tokens_are_no_bearer_tokens() {
        let header = r#"{"alg":"RS256","kid":"k"}"#;
        for (payload, reason) in [
            ("[]", TokenMalformed),
            ("1", TokenMalformed),
            (r#"{"aud":"a","aud":"b"}"#, TokenMalformed),
            (r#"{"aud":"a","\u0061ud":"b"}"#, TokenMalformed),
            (r#"{"a":{"b":1,"b":2}}"#, TokenMalformed),
            (r#"{"cnf":null}"#, TokenKindRejected),
            (r#"{"\u0063nf":{}}"#, TokenKindRejected),
            (r#"{"cnf":{"jkt":"x"}}"#, TokenKindRejected),
        ] {
            assert_eq!(refusal(&token(header, payload)), reason, "{payload}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "[a-zA-Z0-9_.=-]{0,200}") {
            let _ = Unverified::parse(&text);
        }
    }
}
