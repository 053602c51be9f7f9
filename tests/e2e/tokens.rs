//! Tokens with every fault that there is, each refused for its own reason.

use serde_json::{Value, json};

use crate::support::{
    SigningKey, Token, World,
    documents::{DIRECTORY, FOREIGN, HOME, NEWSLETTER, WEBSHOP},
    signing_key::encode,
    token::now,
};

/// What a case is, the reason for which its token is refused (none: let through), and the token.
type Case = (&'static str, &'static str, String);

#[tokio::test(flavor = "multi_thread")]
async fn each_faulty_token_is_refused_for_its_own_reason() {
    let world = World::start().await;
    let cases = [times(&world), names(&world), keys(&world), forms(&world), kinds(&world)];
    for (title, reason, token) in cases.into_iter().flatten() {
        let before = world.upstream.requests();
        let answer = world.get("/orders").bearer(&token).send().await;
        eprintln!("{title}: {} {:?}", answer.status, answer.reason());
        match reason {
            "" => drop(answer.received()),
            reason => {
                answer.assert_denied(reason);
                assert_eq!(world.upstream.requests(), before, "{title}");
            }
        }
        // No part of a token is ever logged.
        let signature = token.rsplit('.').next().unwrap();
        assert!(signature.len() < 20 || !world.portvakt.log.text().contains(signature), "{title}");
    }
}

fn granted() -> Token {
    Token::of_application(WEBSHOP)
}

fn times(world: &World) -> Vec<Case> {
    let now = now();
    let issue = |token: Token| world.issuer.issue(HOME, &token);
    let with = |name: &str, value: Value| issue(granted().claim(name, value));
    // Issued an hour ago.
    let lasting =
        |seconds: u64| issue(granted().claim("iat", now - 3600).claim("exp", now - 3600 + seconds));
    vec![
        ("right in everything", "", issue(granted())),
        ("expired", "token_expired", lasting(3600 - 120)),
        ("expired long ago", "token_expired", with("exp", json!(1))),
        ("expired within the leeway", "", lasting(3600 - 20)),
        ("not yet valid", "token_not_yet_valid", with("nbf", json!(now + 300))),
        ("issued in the future", "token_not_yet_valid", with("iat", json!(now + 300))),
        ("without nbf", "", issue(granted().without("nbf"))),
        ("without exp", "token_claims_invalid", issue(granted().without("exp"))),
        ("without iat", "token_claims_invalid", issue(granted().without("iat"))),
        ("exp as text", "token_claims_invalid", with("exp", json!("4000000000"))),
        ("exp beyond all time", "token_claims_invalid", with("exp", json!(1e19))),
        ("exp below zero", "token_claims_invalid", with("exp", json!(-1))),
        ("valid for 24 h", "", lasting(24 * 3600)),
        ("valid for a week", "token_claims_invalid", lasting(7 * 24 * 3600)),
    ]
}

fn names(world: &World) -> Vec<Case> {
    let issue = |token: Token| world.issuer.issue(HOME, &token);
    let with = |name: &str, value: Value| issue(granted().claim(name, value));
    let slash = format!("{}/", world.issuer.name(HOME));
    let v1 = format!("https://sts.windows.net/{HOME}/");
    vec![
        ("another audience", "token_audience_rejected", with("aud", json!(DIRECTORY))),
        ("an audience by URI", "token_audience_rejected", with("aud", json!("api://orders"))),
        ("no audience", "token_claims_invalid", issue(granted().without("aud"))),
        ("two audiences", "token_claims_invalid", with("aud", json!([DIRECTORY, WEBSHOP]))),
        ("another issuer", "token_issuer_rejected", with("iss", json!(world.issuer.name(FOREIGN)))),
        ("the issuer and a slash", "token_issuer_rejected", with("iss", json!(slash))),
        ("the issuer in a list", "token_claims_invalid", with("iss", json!([slash]))),
        ("the issuer of v1.0", "token_version_rejected", with("iss", json!(v1))),
        ("version 1.0", "token_version_rejected", with("ver", json!("1.0"))),
        ("another tenant", "token_claims_invalid", with("tid", json!(FOREIGN))),
        ("a tenant that is no GUID", "token_claims_invalid", with("tid", json!("home"))),
        ("an identity without azp", "token_claims_invalid", issue(granted().without("azp"))),
        ("azp that is no GUID", "token_claims_invalid", with("azp", json!("webshop"))),
        (
            "another consumer under the name of a granted one",
            "consumer_not_granted",
            issue(Token::of_application(NEWSLETTER).claim("azp_name", "test:team-orders:webshop")),
        ),
    ]
}

fn keys(world: &World) -> Vec<Case> {
    let good = world.issuer.key(HOME);
    let stranger = SigningKey::generate(&good.kid);
    let complete = world.issuer.complete(HOME, &granted(), &good.kid);
    let signed = complete.signing_input();
    let (header, payload) = signed.split_once('.').unwrap();
    let signature = good.sign(&signed);
    let other = complete.clone().claim("azp", NEWSLETTER).signing_input();
    let mut without_kid = complete.clone();
    without_kid.header.as_object_mut().unwrap().remove("kid");
    let none = complete.clone().header("alg", "none").signing_input();
    let hs256 = complete.clone().header("alg", "HS256").signing_input();
    // 256 bytes end in two characters of their own: without them it is base64 still.
    let short = &signature[..signature.len() - 2];
    vec![
        ("another key by the same name", "token_signature_invalid", complete.sign(&stranger)),
        ("another tenant's key", "token_key_unknown", world.issuer.issue(FOREIGN, &granted())),
        (
            "its own key in the header",
            "token_signature_invalid",
            complete.clone().header("jwk", stranger.jwk()).sign(&stranger),
        ),
        (
            "the place of a key in the header",
            "",
            complete.clone().header("jku", "http://127.0.0.1:1/keys").sign(&good),
        ),
        ("no kid", "token_key_unknown", without_kid.sign(&good)),
        ("an unknown kid", "token_key_unknown", complete.clone().header("kid", "k9").sign(&good)),
        (
            "a kid that is a number",
            "token_malformed",
            complete.clone().header("kid", 7).sign(&good),
        ),
        (
            "a kid without end",
            "token_malformed",
            complete.clone().header("kid", "k".repeat(129)).sign(&good),
        ),
        ("claims tampered with", "token_signature_invalid", format!("{other}.{signature}")),
        ("a signature cut short", "token_signature_invalid", format!("{signed}.{short}")),
        ("no signature", "token_malformed", format!("{signed}.")),
        ("alg none", "token_algorithm_rejected", format!("{none}.")),
        ("alg none, and a signature", "token_algorithm_rejected", format!("{none}.{signature}")),
        (
            "HS256 with the public key",
            "token_algorithm_rejected",
            format!("{hs256}.{}", good.sign_with_public_half(&hs256)),
        ),
        ("RS512", "token_algorithm_rejected", complete.clone().header("alg", "RS512").sign(&good)),
        (
            "alg in small letters",
            "token_algorithm_rejected",
            complete.clone().header("alg", "rs256").sign(&good),
        ),
        ("four parts", "token_malformed", format!("{signed}.{signature}.{payload}")),
        ("two dots too many", "token_kind_rejected", format!("{signed}.{signature}..")),
        ("two parts", "token_malformed", signed.clone()),
        ("one part", "token_malformed", header.to_owned()),
        ("padding", "token_malformed", format!("{signed}.{signature}==")),
    ]
}

fn forms(world: &World) -> Vec<Case> {
    let good = world.issuer.key(HOME);
    let header = json!({"alg": "RS256", "kid": good.kid}).to_string();
    let payload = world.issuer.complete(HOME, &granted(), "").claims.to_string();
    let twice = payload.replacen('{', r#"{"azp":"x","#, 1);
    let escaped = payload.replacen('{', r#"{"\u0061zp":"x","#, 1);
    let header_twice = header.replacen('{', r#"{"alg":"none","#, 1);
    let sign = |header: &str, payload: &str| {
        let signed = format!("{}.{}", encode(header), encode(payload));
        format!("{signed}.{}", good.sign(&signed))
    };
    vec![
        ("as it should be", "", sign(&header, &payload)),
        ("a claim twice", "token_malformed", sign(&header, &twice)),
        ("a claim twice, once escaped", "token_malformed", sign(&header, &escaped)),
        ("alg twice", "token_malformed", sign(&header_twice, &payload)),
        ("a list for claims", "token_malformed", sign(&header, &format!("[{payload}]"))),
        ("a list for a header", "token_malformed", sign(&format!("[{header}]"), &payload)),
        ("no JSON", "token_malformed", sign(&header, "claims")),
        ("nothing for claims", "token_malformed", sign(&header, "")),
        ("not base64", "token_malformed", "a.b.c".to_owned()),
    ]
}

fn kinds(world: &World) -> Vec<Case> {
    let issue = |token: Token| world.issuer.issue(HOME, &token);
    let header = |name: &str, value: Value| issue(granted().header(name, value));
    let user = || Token::of_user(WEBSHOP);
    vec![
        ("critical extensions", "token_kind_rejected", header("crit", json!(["exp"]))),
        ("another payload encoding", "token_kind_rejected", header("b64", json!(false))),
        ("compression", "token_kind_rejected", header("zip", json!("DEF"))),
        ("encryption", "token_kind_rejected", header("enc", json!("A256GCM"))),
        ("a token for Graph", "token_kind_rejected", header("nonce", json!("n"))),
        ("an identity token", "token_kind_rejected", header("typ", json!("id_token+jwt"))),
        ("an access token by its type", "", header("typ", json!("at+jwt"))),
        (
            "proof of possession",
            "token_kind_rejected",
            issue(granted().claim("cnf", json!({"kid": "x"}))),
        ),
        ("an application and a user", "token_claims_invalid", issue(user().claim("idtyp", "app"))),
        ("neither of them", "token_claims_invalid", issue(granted().without("idtyp"))),
        ("a user who says so", "", issue(user().claim("idtyp", "user"))),
        (
            "a user with an application's role",
            "scope_missing",
            issue(user().claim("scp", "other").claim("roles", json!(["access_as_application"]))),
        ),
        ("an application without roles", "role_missing", issue(granted().without("roles"))),
        ("roles that are no list", "token_claims_invalid", issue(granted().claim("roles", "x"))),
    ]
}
