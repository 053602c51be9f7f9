//! Our statement of Envoy's messages against Envoy's own, field by field and in both directions.
//!
//! The official messages hold, in every text field that we state, that field's own name. What our
//! statement reads from them must therefore be the names that it gives itself.

use std::collections::HashMap;

use envoy_types::pb::{
    envoy::{
        config::core::v3 as core,
        service::auth::v3::{
            self as auth, attribute_context, authorization_server, check_response::HttpResponse,
        },
        r#type::v3 as r#type,
    },
    google::{protobuf, rpc},
};
use prost::Message;
use protox::prost_reflect::{
    DescriptorPool, DynamicMessage, Kind, MessageDescriptor, ReflectMessage, Value,
};

use super::authorization;

/// The one key of maps.
const KEY: &str = "key";

fn statement() -> DescriptorPool {
    let files = protox::compile(["envoy/service/auth/v3/external_auth.proto"], ["proto"]).unwrap();
    DescriptorPool::from_file_descriptor_set(files).unwrap()
}

fn ours(name: &str) -> MessageDescriptor {
    statement().get_message_by_name(&format!("envoy.service.auth.v3.{name}")).unwrap()
}

fn map() -> HashMap<String, String> {
    HashMap::from([(KEY.to_owned(), "value".to_owned())])
}

fn header() -> core::HeaderValue {
    core::HeaderValue { key: "key".into(), value: "value".into(), raw_value: b"raw_value".to_vec() }
}

fn request() -> auth::CheckRequest {
    use attribute_context::{HttpRequest, Peer, Request};
    let peer = || Some(Peer { principal: "principal".into(), ..Peer::default() });
    let http = HttpRequest {
        method: "method".into(),
        headers: map(),
        path: "path".into(),
        host: "host".into(),
        header_map: Some(core::HeaderMap { headers: vec![header()] }),
        ..HttpRequest::default()
    };
    let attributes = auth::AttributeContext {
        source: peer(),
        destination: peer(),
        request: Some(Request { http: Some(http), time: None }),
        context_extensions: map(),
        ..auth::AttributeContext::default()
    };
    auth::CheckRequest { attributes: Some(attributes) }
}

fn headers() -> Vec<core::HeaderValueOption> {
    let action = core::header_value_option::HeaderAppendAction::OverwriteIfExistsOrAdd.into();
    let option = core::HeaderValueOption {
        header: Some(header()),
        append_action: action,
        ..Default::default()
    };
    vec![option]
}

fn responses() -> [auth::CheckResponse; 2] {
    use protobuf::value::Kind::{ListValue, StringValue, StructValue};
    let value = |kind| protobuf::Value { kind: Some(kind) };
    let text = || value(StringValue("string_value".into()));
    let structure = |kind| protobuf::Struct { fields: [(KEY.to_owned(), value(kind))].into() };
    let list = ListValue(protobuf::ListValue { values: vec![text()] });
    let denied = auth::DeniedHttpResponse {
        status: Some(r#type::HttpStatus { code: r#type::StatusCode::Forbidden.into() }),
        headers: headers(),
        body: "body".into(),
    };
    let allowed = auth::OkHttpResponse {
        headers: headers(),
        headers_to_remove: vec!["headers_to_remove".into()],
        ..auth::OkHttpResponse::default()
    };
    let response = |http_response, metadata| auth::CheckResponse {
        status: Some(rpc::Status { code: 7, ..rpc::Status::default() }),
        http_response: Some(http_response),
        dynamic_metadata: Some(metadata),
    };
    [
        response(HttpResponse::DeniedResponse(denied), structure(list)),
        response(
            HttpResponse::OkResponse(allowed),
            structure(StructValue(structure(StringValue("string_value".into())))),
        ),
    ]
}

/// Every field that our statement has is there, and every text is its field's name.
fn check(message: &DynamicMessage) {
    assert_eq!(message.unknown_fields().count(), 0, "{message:?}");
    for field in message.descriptor().fields() {
        let is_one_of = field.containing_oneof().is_some();
        assert!(is_one_of || message.has_field(&field), "{} is not there", field.full_name());
        if !message.has_field(&field) {
            continue;
        }
        let value = message.get_field(&field);
        match (value.as_ref(), field.kind()) {
            (Value::Map(entries), _) => {
                entries.values().for_each(|value| check_value(value, "value"))
            }
            (Value::List(values), _) => {
                values.iter().for_each(|value| check_value(value, field.name()));
            }
            (Value::EnumNumber(number), Kind::Enum(values)) => {
                let name = values.get_value(*number).unwrap().name().to_owned();
                assert!(
                    ["Forbidden", "OVERWRITE_IF_EXISTS_OR_ADD"].contains(&name.as_str()),
                    "{name}"
                );
            }
            (value, _) => check_value(value, field.name()),
        }
    }
}

fn check_value(value: &Value, name: &str) {
    match value {
        Value::String(text) => assert_eq!(text, name),
        Value::Bytes(bytes) => assert_eq!(bytes, name.as_bytes()),
        Value::Message(message) => check(message),
        Value::I32(7) => {}
        other => panic!("{name}: {other:?}"),
    }
}

#[test]
fn requests_mean_the_same_in_both_directions() {
    let official = request();
    let read = DynamicMessage::decode(ours("CheckRequest"), &*official.encode_to_vec()).unwrap();
    check(&read);
    assert_eq!(auth::CheckRequest::decode(&*read.encode_to_vec()).unwrap(), official);
}

#[test]
fn responses_mean_the_same_in_both_directions() {
    for official in responses() {
        let bytes = official.encode_to_vec();
        let read = DynamicMessage::decode(ours("CheckResponse"), &*bytes).unwrap();
        check(&read);
        assert_eq!(auth::CheckResponse::decode(&*read.encode_to_vec()).unwrap(), official);
    }
}

#[test]
fn the_statuses_are_those_of_http() {
    let statuses = statement().get_enum_by_name("envoy.type.v3.StatusCode").unwrap();
    for status in statuses.values() {
        let official = r#type::StatusCode::try_from(status.number()).unwrap();
        assert_eq!(status.name(), official.as_str_name());
    }
}

#[test]
fn the_service_goes_by_its_official_name() {
    assert_eq!(authorization::NAME, authorization_server::SERVICE_NAME);
    assert_eq!(authorization::CHECK, format!("/{}/Check", authorization_server::SERVICE_NAME));
}
