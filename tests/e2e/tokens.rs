//! Tokens with every fault that there is, each refused for its own reason.

use serde_json::{Value, json};

use crate::support::{
    Behaviour, Release, SigningKey, Token, World,
    documents::{self, DIRECTORY, FOREIGN, HOME, NEWSLETTER, ORDERS_API, PENSION, WEBSHOP},
    signing_key::encode,
    token::now,
    wait::until_equal,
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

#[tokio::test(flavor = "multi_thread")]
async fn a_token_of_one_tenant_opens_no_application_of_another() {
    let world = World::start().await;
    let kid = &world.issuer.key(HOME).kid;
    world.issuer.rotate(FOREIGN, kid);
    world.issuer.behave(FOREIGN, Behaviour::Normal);
    // Its own token, right in everything but the tenant that issued it.
    let own = Token::of_application(PENSION).claim("aud", PENSION);
    let of_home = world.issuer.issue(HOME, &own);
    let of_foreign = world.issuer.issue(FOREIGN, &own);
    let forged = world.issuer.complete(FOREIGN, &own, kid).sign(&world.issuer.key(HOME));
    let send = async |token: &str| world.get("/").host("pension.test").bearer(token).send().await;
    until_equal(200, async || send(&of_foreign).await.status).await;
    for token in [&of_home, &forged] {
        send(token).await.assert_denied("token_signature_invalid");
    }
    // Nor one that was verified before, for an application of its own tenant.
    let known = world.issuer.issue(HOME, &granted());
    world.get("/").bearer(&known).send().await.received();
    send(&known).await.assert_denied("token_signature_invalid");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_places_of_keys_in_a_header_are_never_asked() {
    let world = World::start().await;
    let good = world.issuer.key(HOME);
    let stranger = SigningKey::generate("stranger");
    let place = json!(world.issuer.stray_url());
    let unknown = world.issuer.complete(HOME, &granted(), "unknown");
    let known = world.issuer.complete(HOME, &granted(), &good.kid);
    for (name, value) in
        [("jku", place.clone()), ("x5u", place), ("jwk", stranger.jwk()), ("x5c", json!(["MIIB"]))]
    {
        let unknown = unknown.clone().header(name, value.clone()).sign(&stranger);
        world.get("/").bearer(&unknown).send().await.assert_denied("token_key_unknown");
        let forged = known.clone().header(name, value.clone()).sign(&stranger);
        world.get("/").bearer(&forged).send().await.assert_denied("token_signature_invalid");
        world
            .get("/")
            .bearer(&known.clone().header(name, value).sign(&good))
            .send()
            .await
            .received();
    }
    assert_eq!(world.issuer.strays(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_identity_token_is_refused_with_a_word_about_what_it_is() {
    let world = World::start().await;
    let identity = Token::of_user(WEBSHOP).without("azp").without("scp").claim("nonce", "n");
    let answer = world.get("/").token(&identity).send().await;
    answer.assert_denied("token_claims_invalid");
    assert!(answer.body.contains("most likely an identity token"), "{}", answer.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_claim_value_is_echoed_to_the_caller() {
    let world = World::start().await;
    let hostile = "evil\", error=\"none\"\r\nset-cookie: evil=1, Basic realm=\"evil\"";
    let user = || Token::of_user(WEBSHOP);
    let claims = ["iss", "aud", "tid", "ver", "azp", "idtyp", "scp", "oid", "sub", "exp", "roles"];
    let mut tokens: Vec<_> = claims.map(|name| user().claim(name, hostile)).into();
    tokens.extend(["kid", "typ", "alg", "crit", "enc"].map(|name| user().header(name, hostile)));
    tokens.push(user().claim(hostile, hostile).without("exp"));
    tokens.push(user().header(hostile, hostile).without("exp"));
    let mut refused = 0;
    for token in tokens {
        let answer = world.get("/").token(&token).send().await;
        if answer.status == 200 {
            continue;
        }
        refused += 1;
        answer.assert_denied(&answer.reason().unwrap());
        let headers = format!("{:?}", answer.headers);
        assert!(!headers.contains("evil") && !answer.body.contains("evil"), "{answer:?}");
        assert!(answer.header("set-cookie").is_none());
    }
    // A subject that nothing depends on, and a kind that is not that of applications.
    assert_eq!(refused, 16);
}

#[tokio::test(flavor = "multi_thread")]
async fn v1_tokens_count_where_the_document_asks_for_them() {
    let world = World::start().await;
    let document = format!(
        "apiVersion: nais.io/v1alpha1\nkind: Application\nmetadata:\n  name: legacy\n  namespace: team-old\n  annotations:\n    portvakt.dev/client-id: {LEGACY}\n    portvakt.dev/accept-v1-tokens: \"true\"\n    portvakt.dev/app-id-uris: https://legacy.test\nspec:\n  ingresses: [\"https://legacy.test\"]\n  azure: {{application: {{enabled: true, allowAllUsers: true}}}}\n  accessPolicy: {{inbound: {{rules: [{{application: webshop, namespace: team-orders}}]}}}}\n"
    );
    documents::replace(&world.documents().join("legacy.yaml"), &document);
    let send =
        async |host: &str, token: &Token| world.get("/").host(host).token(token).send().await;
    let v1 = v1_token(Token::of_application(WEBSHOP)).claim("aud", LEGACY);
    until_equal(200, async || send("legacy.test", &v1).await.status).await;
    let user = v1_token(Token::of_user(WEBSHOP)).claim("aud", format!("api://{LEGACY}"));
    let received = send("legacy.test", &user).await.received();
    assert_eq!(received.all("x-caller-client-id"), [WEBSHOP]);
    for (title, reason, token) in [
        ("its App ID URI", "", v1.clone().claim("aud", "https://legacy.test")),
        ("another's App ID URI", "token_audience_rejected", v1.clone().claim("aud", "api://x")),
        (
            "a consumer that is not granted",
            "consumer_not_granted",
            v1.clone().claim("appid", NEWSLETTER),
        ),
        (
            "the consumer in azp",
            "token_claims_invalid",
            v1.clone().without("appid").claim("azp", WEBSHOP),
        ),
        ("no role", "role_missing", v1.clone().without("roles")),
        (
            "version 2.0 of the issuer of 1.0",
            "token_version_rejected",
            v1.clone().claim("ver", "2.0"),
        ),
        ("another tenant", "token_claims_invalid", v1.clone().claim("tid", FOREIGN)),
        ("a v2.0 token", "", Token::of_application(WEBSHOP).claim("aud", LEGACY)),
    ] {
        let answer = send("legacy.test", &token).await;
        eprintln!("{title}: {} {:?}", answer.status, answer.reason());
        match reason {
            "" => drop(answer.received()),
            reason => answer.assert_denied(reason),
        }
    }
    // Its neighbours ask for nothing of the kind.
    send("orders.test", &v1_token(granted())).await.assert_denied("token_version_rejected");
}

#[tokio::test(flavor = "multi_thread")]
async fn v1_tokens_count_everywhere_where_the_configuration_says_so() {
    let changes = json!({"entra": {"accept_v1_tokens": true}});
    let world = World::with(Release::Current, changes, |envoy| envoy).await;
    for audience in [ORDERS_API.to_owned(), format!("api://{ORDERS_API}")] {
        let token = v1_token(granted()).claim("aud", audience);
        world.get("/").token(&token).send().await.received();
    }
    let other = v1_token(granted()).claim("aud", "api://orders");
    world.get("/").token(&other).send().await.assert_denied("token_audience_rejected");
}

/// An application that still gets v1.0 tokens.
const LEGACY: &str = "9b7d5f31-2c48-4e6a-8f05-1a3c5e7092b4";

/// The same as a v1.0 token.
fn v1_token(token: Token) -> Token {
    let client_id = token.claims["azp"].clone();
    token
        .without("azp")
        .claim("appid", client_id)
        .claim("iss", format!("https://sts.windows.net/{HOME}/"))
        .claim("ver", "1.0")
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
        ("a user by a name alone", "token_claims_invalid", issue(user().without("oid"))),
        ("a user by an address", "token_claims_invalid", issue(user().claim("oid", "a@b.example"))),
        (
            "an application of null kind",
            "token_claims_invalid",
            issue(granted().claim("idtyp", Value::Null)),
        ),
        ("null for the start", "token_claims_invalid", issue(granted().claim("nbf", Value::Null))),
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
