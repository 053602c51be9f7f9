//! The service proves who it is, by a secret or a certificate, and gets an access token for Graph.

use std::path::Path;

use aws_lc_rs::{
    digest,
    encoding::{AsDer, Pkcs8V1Der},
    rsa::{KeyPair, KeySize},
    signature::{KeyPair as _, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey},
};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};

use super::*;

#[tokio::test]
async fn one_access_token_serves_until_shortly_before_its_end() {
    let world = World::start().await;
    for number in 0..5 {
        world.resolve(&user(number), &[DESK]).await.unwrap();
    }
    pass(Duration::from_secs(3599 - 301)).await;
    world.resolve(&user(5), &[DESK]).await.unwrap();
    assert_eq!(world.graph.asked_for_tokens().len(), 1);
    pass(Duration::from_secs(2)).await;
    world.resolve(&user(6), &[DESK]).await.unwrap();
    assert_eq!(world.graph.asked_for_tokens().len(), 2);
    let asked = &world.graph.asked_for_tokens()[0];
    assert_eq!(asked.path, format!("/{TENANT}/oauth2/v2.0/token"));
    let expected = [
        ("client_id", CLIENT),
        ("client_secret", "hunter2"),
        ("grant_type", "client_credentials"),
        ("scope", &format!("{}/.default", world.graph.url())),
    ];
    let parameters = asked.parameters.iter().map(|(name, value)| (&**name, &**value));
    assert!(parameters.eq(expected), "{asked:?}");
}

#[tokio::test]
async fn an_access_token_that_graph_refuses_is_replaced() {
    let world = World::start().await;
    world.resolve(USER, &[DESK]).await.unwrap();
    world.graph.revoke_tokens();
    let other = user(1);
    assert_eq!(world.resolve(&other, &[DESK]).await, Err(Unresolved::Unavailable));
    pass(Duration::from_secs(1)).await;
    world.resolve(&other, &[DESK]).await.unwrap();
    assert_eq!(world.graph.asked_for_tokens().len(), 2);
}

#[tokio::test]
async fn a_token_endpoint_in_trouble_is_left_alone_for_a_while() {
    for (mood, pause) in [
        (Mood::Refusing(401, None), 5),
        (Mood::Refusing(429, Some("40")), 40),
        (Mood::Refusing(503, Some("Fri, 15 Jan 2027 08:00:50 GMT")), 50),
        (Mood::Garbage, 5),
        (Mood::Endless, 5),
        (Mood::Redirecting, 5),
    ] {
        let world = World::start().await;
        world.graph.login_behaves(mood);
        for number in 0..3 {
            let answer = world.resolve(&user(number), &[DESK]).await;
            assert_eq!(answer, Err(Unresolved::Unavailable), "{mood:?}");
        }
        assert_eq!(world.graph.asked_for_tokens().len(), 1, "{mood:?}");
        assert_eq!((world.graph.asked().len(), world.graph.went_astray()), (0, 0), "{mood:?}");
        assert_eq!(world.counted("graph_requests_total", "no_token"), "3");
        world.graph.login_behaves(Mood::Normal);
        pass(Duration::from_secs(pause)).await;
        assert_eq!(world.resolve(USER, &[DESK]).await.unwrap(), [DESK], "{mood:?}");
    }
}

#[tokio::test]
async fn a_secret_is_read_from_its_file_each_time() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("secret");
    let world =
        World::with(|settings| prove_by(settings, ClientProof::SecretFile(file.clone()))).await;
    for (number, text, sent) in [(0, "first\n", "first"), (1, " second \r\n", " second ")] {
        std::fs::write(&file, text).unwrap();
        world.graph.revoke_tokens();
        pass(Duration::from_secs(3600)).await;
        world.resolve(&user(number), &[DESK]).await.unwrap();
        let asked = world.graph.asked_for_tokens();
        assert_eq!(asked.last().unwrap().parameters["client_secret"], sent);
    }
    std::fs::write(&file, "\n").unwrap();
    pass(Duration::from_secs(3600)).await;
    assert_eq!(world.resolve(USER, &[DESK]).await, Err(Unresolved::Unavailable));
    std::fs::remove_file(&file).unwrap();
    pass(Duration::from_secs(5)).await;
    assert_eq!(world.resolve(USER, &[DESK]).await, Err(Unresolved::Unavailable));
    assert_eq!(world.graph.asked_for_tokens().len(), 2);
}

#[tokio::test]
async fn a_certificate_proves_by_an_assertion_that_its_key_signed() {
    let folder = tempfile::tempdir().unwrap();
    let key = KeyPair::generate(KeySize::Rsa2048).unwrap();
    // The older form of a key is what stands inside the newer one.
    for (label, offset) in [("PRIVATE KEY", 0), ("RSA PRIVATE KEY", 26)] {
        let proof = certificate_in(folder.path(), &key, label, offset);
        let world = World::with(|settings| prove_by(settings, proof)).await;
        assert_eq!(world.resolve(USER, &[DESK]).await.unwrap(), [DESK], "{label}");
        assert_signed_by(&key, &world);
    }
}

fn assert_signed_by(key: &KeyPair, world: &World) {
    let asked = &world.graph.asked_for_tokens()[0];
    assert!(!asked.parameters.contains_key("client_secret"), "{asked:?}");
    let kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
    assert_eq!(asked.parameters["client_assertion_type"], kind);
    let assertion = &asked.parameters["client_assertion"];
    let (signed, signature) = assertion.rsplit_once('.').unwrap();
    let public = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, key.public_key());
    public.verify(signed.as_bytes(), &URL_SAFE_NO_PAD.decode(signature).unwrap()).unwrap();

    let part = |index: usize| -> Value {
        let encoded = signed.split('.').nth(index).unwrap();
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(encoded).unwrap()).unwrap()
    };
    let thumbprint = URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, CERTIFICATE));
    let header = serde_json::json!({"alg": "RS256", "typ": "JWT", "x5t#S256": thumbprint});
    assert_eq!(part(0), header);
    let claims = part(1);
    let audience = format!("{}{}", world.graph.url(), asked.path);
    assert_eq!((&claims["iss"], &claims["sub"]), (&CLIENT.into(), &CLIENT.into()));
    assert_eq!(claims["aud"], audience);
    assert_eq!((&claims["iat"], &claims["exp"]), (&NOW.into(), &(NOW + 300).into()));
    assert!(claims["jti"].as_str().unwrap().len() >= 20, "{claims}");
}

#[tokio::test]
async fn files_that_hold_something_else_prove_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let key = KeyPair::generate(KeySize::Rsa2048).unwrap();
    for broken in ["certificate.pem", "key.pem"] {
        let proof = certificate_in(folder.path(), &key, "PRIVATE KEY", 0);
        std::fs::write(folder.path().join(broken), "hunter2").unwrap();
        let world = World::with(|settings| prove_by(settings, proof)).await;
        assert_eq!(world.resolve(USER, &[DESK]).await, Err(Unresolved::Unavailable), "{broken}");
        assert_eq!(world.graph.asked_for_tokens().len(), 0, "{broken}");
    }
}

/// What stands for a certificate: only its bytes matter.
const CERTIFICATE: &[u8] = b"the DER form of a certificate, as far as a thumbprint is concerned";

fn certificate_in(folder: &Path, key: &KeyPair, label: &str, offset: usize) -> ClientProof {
    let pkcs8: Pkcs8V1Der<'_> = key.as_der().unwrap();
    let pem = |label: &str, der: &[u8]| {
        format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", STANDARD.encode(der))
    };
    let [certificate, private_key] = ["certificate.pem", "key.pem"].map(|name| folder.join(name));
    std::fs::write(&certificate, pem("CERTIFICATE", CERTIFICATE)).unwrap();
    std::fs::write(&private_key, pem(label, &pkcs8.as_ref()[offset..])).unwrap();
    ClientProof::Certificate { certificate, private_key }
}
