//! Envoy's messages, held against Envoy's own types.

use std::{collections::BTreeSet, sync::Arc};

use envoy_types::pb::envoy::service::auth::v3::{
    AttributeContext, CheckRequest, CheckResponse, OkHttpResponse, attribute_context::HttpRequest,
    check_response::HttpResponse,
};
use percent_encoding::percent_decode_str;
use portvakt::{
    authorizer::Outcome,
    config::{self, AskedBy, BindTokens},
    decision::Decision,
    frontend::ext_authz::{Answers, CallerHeaders, Check},
    policy::{AccessPolicy, Caller, Presenter, Protected, Requirements, UserAccess, evaluate},
    request::Authorization,
    token::Claims,
};
use prost::Message;
use serde_json::{Value, json};

use super::{AUDIENCE, TENANT};

const PREFIX: &str = "x-caller-";
/// Values that are longer are left out (`docs/configuration.md`).
const MAX_VALUE_BYTES: usize = 8 * 1024;

/// A `CheckRequest`: what Envoy's own types would send is read as they would read it.
pub fn check_request(bytes: &[u8]) {
    let is_ours = |name: &str| name.starts_with(PREFIX);
    // Whatever it is, reading it is harmless.
    let _ = Check::read(bytes, AskedBy::Any, None, is_ours);

    let Ok(message) = CheckRequest::decode(bytes) else { return };
    // Written anew, so that each field is there once, as Envoy would write it.
    let written = message.encode_to_vec();
    let check = Check::read(&written, AskedBy::Any, None, is_ours).expect("Envoy's own encoding");
    let attributes = message.attributes.unwrap_or_default();
    let http = attributes.request.clone().and_then(|request| request.http).unwrap_or_default();
    let principal = |peer: &Option<_>| {
        peer.as_ref()
            .map_or(
                "",
                |peer: &envoy_types::pb::envoy::service::auth::v3::attribute_context::Peer| {
                    &peer.principal
                },
            )
            .to_owned()
    };
    assert_eq!(check.request.source_principal, principal(&attributes.source));
    assert_eq!(check.request.destination_principal, principal(&attributes.destination));
    assert_eq!(check.request.method, http.method);
    assert_eq!(check.request.path, http.path);
    assert_eq!(check.request.host, http.host);
    assert_eq!(check.request.context_application, context_application(&attributes));
    compare_headers(&check, &http);
}

fn context_application(attributes: &AttributeContext) -> Option<&str> {
    attributes.context_extensions.get("portvakt.application").map(String::as_str)
}

fn compare_headers(check: &Check<'_>, http: &HttpRequest) {
    let mut headers: Vec<(&str, &[u8])> =
        http.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
    for header in http.header_map.iter().flat_map(|map| &map.headers) {
        let value: &[u8] = &header.raw_value;
        headers.push((&header.key, if value.is_empty() { header.value.as_bytes() } else { value }));
    }
    let all = |wanted: &str| -> Vec<&[u8]> {
        headers.iter().filter(|(name, _)| *name == wanted).map(|(_, value)| *value).collect()
    };
    let authorization = match all("authorization")[..] {
        [] => Authorization::Absent,
        [value] => {
            std::str::from_utf8(value).map_or(Authorization::Unreadable, Authorization::Value)
        }
        _ => Authorization::Unreadable,
    };
    assert_eq!(check.request.authorization, authorization);
    let is_preflight =
        ["origin", "access-control-request-method"].iter().all(|name| !all(name).is_empty());
    assert_eq!(check.request.has_preflight_headers, is_preflight);
    let impostors: BTreeSet<&str> =
        headers.iter().map(|(name, _)| *name).filter(|name| name.starts_with(PREFIX)).collect();
    assert_eq!(check.impostors.iter().copied().collect::<BTreeSet<_>>(), impostors);
}

/// Texts, separated by NUL: name, username, scopes and role of a user. The headers that tell them
/// are visible ASCII and can be turned back.
pub fn header_encoding(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let mut texts = text.split('\0');
    let [name, username, scopes, role] = [(); 4].map(|()| texts.next().unwrap_or_default());
    let claims = json!({
        "azp": AUDIENCE, "oid": TENANT, "name": name, "preferred_username": username,
        "scp": format!("defaultaccess {scopes}"), "roles": [role],
    });
    let response = answer(&claims);
    let set = |wanted: &str| {
        let headers = response.headers.iter().filter_map(|option| option.header.as_ref());
        let mut values = headers.filter(|header| header.key == wanted).map(|header| &header.value);
        let value = values.next().cloned();
        assert_eq!(values.next(), None, "{wanted} twice");
        value
    };
    for option in &response.headers {
        let header = option.header.as_ref().expect("a header");
        let is_visible = header.value.bytes().all(|c| (b' '..=b'~').contains(&c));
        assert!(is_visible && header.value.trim() == header.value, "{header:?}");
        assert!(!header.value.is_empty() && !response.headers_to_remove.contains(&header.key));
    }
    for (header, told) in
        [("x-caller-name", name), ("x-caller-username", username), ("x-caller-roles", role)]
    {
        match set(header) {
            Some(value) => assert_eq!(decoded(&value), told, "{header}"),
            None => {
                assert!(told.is_empty() || told.len() > MAX_VALUE_BYTES / 3, "{header}: {told:?}")
            }
        }
    }
    if let Some(value) = set("x-caller-scopes") {
        let told: Vec<_> = value.split(',').map(decoded).collect();
        let scopes: Vec<_> =
            ["defaultaccess"].into_iter().chain(scopes.split_ascii_whitespace()).collect();
        assert_eq!(told, scopes);
    }
}

fn decoded(value: &str) -> String {
    percent_decode_str(value).decode_utf8().expect("UTF-8").into_owned()
}

/// What Envoy is told of an allowed caller with these claims.
fn answer(claims: &Value) -> OkHttpResponse {
    let claims = Claims::read(claims.to_string().as_bytes()).expect("claims of the right types");
    let caller = Caller::from_claims(Arc::new(claims), TENANT.parse().unwrap()).expect("a user");
    let users = UserAccess { everyone: true, ..UserAccess::default() };
    let access = AccessPolicy { users, ..AccessPolicy::default() };
    let protected = Protected {
        id: &"cluster:team:app".parse().unwrap(),
        client_id: AUDIENCE.parse().unwrap(),
        access: &access,
    };
    let requirements = Requirements { role: "role".into(), scope: "scope".into() };
    let presenter = Presenter { workload: None, bind_tokens: BindTokens::Off };
    let permit = evaluate(caller, &protected, &requirements, &presenter, &mut ());
    let permit = permit.expect("its own user");
    let settings =
        config::Headers { prefix: PREFIX.into(), names: Vec::new(), strip_authorization: false };
    let answers = Answers { headers: CallerHeaders::new(&settings), resource_metadata: None };
    let outcome = Outcome::new(Decision::Allow(permit));
    let response = CheckResponse::decode(&*answers.write(&outcome, &[], false)).expect("readable");
    assert_eq!(response.status.map(|status| status.code), Some(0));
    match response.http_response {
        Some(HttpResponse::OkResponse(ok)) => ok,
        other => panic!("no allow: {other:?}"),
    }
}
