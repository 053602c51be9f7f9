//! Our statement of the messages against Envoy's own, field by field and in both directions.
//!
//! Messages of ours are written without `..`, so that a new field cannot be forgotten here.

use std::collections::HashMap;

use envoy_types::pb as official;
use official::envoy::{
    config::core::v3 as official_core, service::auth::v3 as official_auth,
    r#type::v3 as official_type,
};
use prost::Message;
use tonic::server::NamedService;

use super::{
    envoy::{config::core::v3 as core, service::auth::v3 as auth, r#type::v3 as r#type},
    google::rpc,
};
use crate::frontend::ext_authz::CheckService;

/// The same bytes as another message.
fn read_as<T: Message + Default>(message: &impl Message) -> T {
    T::decode(message.encode_to_vec().as_slice()).unwrap()
}

fn pairs(name: &str) -> HashMap<String, String> {
    HashMap::from([(name.to_owned(), format!("{name}'s value"))])
}

fn our_request() -> auth::CheckRequest {
    use auth::attribute_context::{HttpRequest, Peer, Request};
    let header = core::HeaderValue {
        key: "key".into(),
        value: "value".into(),
        raw_value: b"\xff raw".to_vec(),
    };
    auth::CheckRequest {
        attributes: Some(auth::AttributeContext {
            source: Some(Peer { principal: "source".into() }),
            destination: Some(Peer { principal: "destination".into() }),
            request: Some(Request {
                http: Some(HttpRequest {
                    method: "GET".into(),
                    headers: pairs("header"),
                    path: "/path".into(),
                    host: "host".into(),
                    header_map: Some(core::HeaderMap { headers: vec![header] }),
                }),
            }),
            context_extensions: pairs("extension"),
        }),
    }
}

fn official_request() -> official_auth::CheckRequest {
    use official_auth::attribute_context::{HttpRequest, Peer, Request};
    let peer = |principal: &str| Peer { principal: principal.into(), ..Peer::default() };
    let header = official_core::HeaderValue {
        key: "key".into(),
        value: "value".into(),
        raw_value: b"\xff raw".to_vec(),
    };
    official_auth::CheckRequest {
        attributes: Some(official_auth::AttributeContext {
            source: Some(peer("source")),
            destination: Some(peer("destination")),
            request: Some(Request {
                time: None,
                http: Some(HttpRequest {
                    method: "GET".into(),
                    headers: pairs("header"),
                    path: "/path".into(),
                    host: "host".into(),
                    header_map: Some(official_core::HeaderMap { headers: vec![header] }),
                    ..HttpRequest::default()
                }),
            }),
            context_extensions: pairs("extension"),
            ..official_auth::AttributeContext::default()
        }),
    }
}

/// Every append action and every status, each where it is used.
fn our_responses() -> [auth::CheckResponse; 2] {
    use auth::check_response::HttpResponse;
    let fields = [("fact".to_owned(), prost_types::Value::from("told"))].into();
    let denied = auth::DeniedHttpResponse {
        status: Some(r#type::HttpStatus { code: r#type::StatusCode::Forbidden.into() }),
        headers: our_headers(),
        body: "body".into(),
    };
    let allowed =
        auth::OkHttpResponse { headers: our_headers(), headers_to_remove: vec!["removed".into()] };
    [
        auth::CheckResponse {
            status: Some(rpc::Status { code: 7 }),
            http_response: Some(HttpResponse::DeniedResponse(denied)),
            dynamic_metadata: Some(prost_types::Struct { fields }),
        },
        auth::CheckResponse {
            status: Some(rpc::Status { code: 0 }),
            http_response: Some(HttpResponse::OkResponse(allowed)),
            dynamic_metadata: None,
        },
    ]
}

fn our_headers() -> Vec<core::HeaderValueOption> {
    use core::header_value_option::HeaderAppendAction as Action;
    let actions = [
        Action::AppendIfExistsOrAdd,
        Action::AddIfAbsent,
        Action::OverwriteIfExistsOrAdd,
        Action::OverwriteIfExists,
    ];
    let header =
        core::HeaderValue { key: "key".into(), value: "value".into(), raw_value: b"raw".to_vec() };
    let option = |action: Action| core::HeaderValueOption {
        header: Some(header.clone()),
        append_action: action.into(),
    };
    actions.map(option).to_vec()
}

fn official_responses() -> [official_auth::CheckResponse; 2] {
    use official_auth::check_response::HttpResponse;
    let kind = official::google::protobuf::value::Kind::StringValue("told".into());
    let told = official::google::protobuf::Value { kind: Some(kind) };
    let fields = [("fact".to_owned(), told)].into();
    let denied = official_auth::DeniedHttpResponse {
        status: Some(official_type::HttpStatus {
            code: official_type::StatusCode::Forbidden.into(),
        }),
        headers: official_headers(),
        body: "body".into(),
    };
    let allowed = official_auth::OkHttpResponse {
        headers: official_headers(),
        headers_to_remove: vec!["removed".into()],
        ..official_auth::OkHttpResponse::default()
    };
    let status = |code| official::google::rpc::Status { code, ..Default::default() };
    [
        official_auth::CheckResponse {
            status: Some(status(7)),
            http_response: Some(HttpResponse::DeniedResponse(denied)),
            dynamic_metadata: Some(official::google::protobuf::Struct { fields }),
        },
        official_auth::CheckResponse {
            status: Some(status(0)),
            http_response: Some(HttpResponse::OkResponse(allowed)),
            dynamic_metadata: None,
        },
    ]
}

fn official_headers() -> Vec<official_core::HeaderValueOption> {
    use official_core::header_value_option::HeaderAppendAction as Action;
    let actions = [
        Action::AppendIfExistsOrAdd,
        Action::AddIfAbsent,
        Action::OverwriteIfExistsOrAdd,
        Action::OverwriteIfExists,
    ];
    let header = official_core::HeaderValue {
        key: "key".into(),
        value: "value".into(),
        raw_value: b"raw".to_vec(),
    };
    let option = |action: Action| official_core::HeaderValueOption {
        header: Some(header.clone()),
        append_action: action.into(),
        ..Default::default()
    };
    actions.map(option).to_vec()
}

#[test]
fn requests_mean_the_same_in_both_directions() {
    assert_eq!(read_as::<official_auth::CheckRequest>(&our_request()), official_request());
    assert_eq!(read_as::<auth::CheckRequest>(&official_request()), our_request());
}

#[test]
fn responses_mean_the_same_in_both_directions() {
    for (ours, official) in our_responses().into_iter().zip(official_responses()) {
        assert_eq!(read_as::<official_auth::CheckResponse>(&ours), official);
        assert_eq!(read_as::<auth::CheckResponse>(&official), ours);
    }
}

#[test]
fn fields_that_we_do_not_know_are_passed_over() {
    let mut official = official_request();
    let attributes = official.attributes.as_mut().unwrap();
    attributes.tls_session =
        Some(official_auth::attribute_context::TlsSession { sni: "sni".into() });
    attributes.metadata_context = Some(official_core::Metadata::default());
    attributes.source.as_mut().unwrap().service = "a request header".into();
    attributes.destination.as_mut().unwrap().certificate = "pem".into();
    let request = attributes.request.as_mut().unwrap();
    request.time = Some(official::google::protobuf::Timestamp { seconds: 1, nanos: 2 });
    let http = request.http.as_mut().unwrap();
    (http.id, http.size) = ("id".into(), 12);
    (http.scheme, http.protocol) = ("https".into(), "HTTP/2".into());
    (http.query, http.fragment) = ("query".into(), "fragment".into());
    (http.body, http.raw_body) = ("body".into(), b"raw body".to_vec());
    assert_eq!(read_as::<auth::CheckRequest>(&official), our_request());
}

#[test]
fn the_statuses_are_those_of_http() {
    use r#type::StatusCode as Ours;
    for code in 0..1000 {
        let Ok(ours) = Ours::try_from(code) else { continue };
        let official = official_type::StatusCode::try_from(code).unwrap();
        assert_eq!(ours.as_str_name(), official.as_str_name());
    }
}

#[test]
fn the_service_goes_by_its_official_name() {
    use auth::authorization_server::AuthorizationServer as Ours;
    use official_auth::authorization_server::SERVICE_NAME;
    assert_eq!(<Ours<CheckService> as NamedService>::NAME, SERVICE_NAME);
}
