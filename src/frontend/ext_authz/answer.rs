//! From an outcome to Envoy's message. Whatever is not an allow denies, with a status that says so.

use std::{
    borrow::Cow,
    fmt::{self, Write as _},
};

use serde::Serialize;
use tonic::Code;

use super::{
    headers::{CallerHeaders, overwrite},
    metadata,
    wire::Writer,
};
use crate::{
    authorizer::Outcome,
    decision::{Challenge, Decision, DecisionId, Denial, Status},
    proto::{check_response, denied_http_response, http_status, status},
};

/// About as much as an allow with all caller headers takes.
const USUAL_BYTES: usize = 3 * 1024;

/// How answers are written.
#[derive(Debug, Clone)]
pub struct Answers {
    pub headers: CallerHeaders,
    /// RFC 9728: where clients learn how to get a token; from the configuration alone.
    pub resource_metadata: Option<url::Url>,
}

/// The body of a denial (RFC 9457).
#[derive(Serialize)]
struct Problem<'a> {
    r#type: fmt::Arguments<'a>,
    title: &'static str,
    status: u16,
    detail: &'a str,
    reason: &'static str,
    decision_id: fmt::Arguments<'a>,
}

impl Answers {
    /// The `CheckResponse` for an outcome. `impostors` are the headers of the request that spell
    /// names of ours; `is_grpc` tells whether the caller will read a gRPC status instead of a
    /// body.
    pub fn write(&self, outcome: &Outcome, impostors: &[&str], is_grpc: bool) -> Vec<u8> {
        let mut response = Writer::with_capacity(USUAL_BYTES);
        match &outcome.decision {
            Decision::Allow(permit) => {
                write_status(&mut response, Code::Ok);
                response.nested(check_response::OK_RESPONSE, |ok| {
                    self.headers.write(permit.caller(), impostors, ok);
                });
            }
            // Nobody in particular: what came under our names is removed all the same.
            Decision::Shadow(_) => {
                write_status(&mut response, Code::Ok);
                response.nested(check_response::OK_RESPONSE, |ok| {
                    self.headers.write(None, impostors, ok);
                });
            }
            Decision::Deny(denial) => {
                self.write_denial(&mut response, denial, outcome.id, is_grpc);
            }
        }
        response.nested(check_response::DYNAMIC_METADATA, |structure| {
            metadata::describe(outcome, structure);
        });
        response.into_bytes()
    }

    fn write_denial(&self, response: &mut Writer, denial: &Denial, id: DecisionId, is_grpc: bool) {
        write_status(response, rpc_code(denial));
        response.nested(check_response::DENIED_RESPONSE, |denied| {
            let status = denial.reason.status() as u16;
            denied.nested(denied_http_response::STATUS, |http| {
                http.number(http_status::CODE, status.into());
            });
            header(denied, "cache-control", |value| value.write_str("no-store"));
            if denial.reason.challenge() != Challenge::None {
                header(denied, "www-authenticate", |value| self.write_challenge(denial, value));
            }
            if !is_grpc {
                header(denied, "content-type", |value| value.write_str("application/problem+json"));
            }
            denied.nested(denied_http_response::BODY, |body| match is_grpc {
                true => write_message(body, denial, id),
                false => write_problem(body, denial, id),
            });
        });
    }

    /// The value of `WWW-Authenticate`.
    fn write_challenge(&self, denial: &Denial, value: &mut Writer) -> fmt::Result {
        value.write_str("Bearer")?;
        let mut separator = " ";
        if let Challenge::Error(error) = denial.reason.challenge() {
            let description = quotable(&denial.detail);
            write!(value, " error=\"{error}\", error_description=\"{description}\"")?;
            separator = ", ";
        }
        match &self.resource_metadata {
            Some(url) => write!(value, "{separator}resource_metadata=\"{url}\""),
            None => Ok(()),
        }
    }
}

fn write_status(response: &mut Writer, code: Code) {
    let number = i32::from(code).unsigned_abs();
    response.nested(check_response::STATUS, |status| status.number(status::CODE, number.into()));
}

fn header(denied: &mut Writer, name: &str, write_value: impl FnOnce(&mut Writer) -> fmt::Result) {
    overwrite(denied, denied_http_response::HEADERS, name, |value| {
        // Writing to memory cannot fail.
        let _ = write_value(value);
    });
}

/// Envoy makes the body the gRPC message.
fn write_message(body: &mut Writer, denial: &Denial, id: DecisionId) {
    // Writing to memory cannot fail.
    let _ = write!(body, "{}: {} (decision {id})", denial.reason.code(), denial.detail);
}

fn write_problem(body: &mut Writer, denial: &Denial, id: DecisionId) {
    let reason = denial.reason;
    // Texts and a number always serialise.
    let _ = serde_json::to_writer(
        body,
        &Problem {
            r#type: format_args!("urn:portvakt:reason:{}", reason.code()),
            title: reason.sentence(),
            status: reason.status() as u16,
            detail: &denial.detail,
            reason: reason.code(),
            decision_id: format_args!("{id}"),
        },
    );
}

/// What RFC 6750 (section 3) lets stand in an `error_description`.
fn quotable(text: &str) -> Cow<'_, str> {
    let may_stand = |c: char| matches!(c, ' '..='~') && !matches!(c, '"' | '\\');
    match text.chars().all(may_stand) {
        true => text.into(),
        false => text.chars().filter(|c| may_stand(*c)).collect(),
    }
}

/// Never OK: that would let the request through.
fn rpc_code(denial: &Denial) -> Code {
    match denial.reason.status() {
        Status::BadRequest => Code::InvalidArgument,
        Status::Unauthorized => Code::Unauthenticated,
        Status::Forbidden => Code::PermissionDenied,
        Status::ServiceUnavailable => Code::Unavailable,
    }
}

#[cfg(test)]
mod tests {
    use envoy_types::pb::envoy::service::auth::v3::{
        CheckResponse, DeniedHttpResponse, check_response::HttpResponse,
    };
    use prost::Message;

    use super::*;
    use crate::{config, decision::DenyReason};

    fn answers(resource_metadata: Option<&str>) -> Answers {
        let headers = config::Headers {
            prefix: "x-caller-".into(),
            names: Vec::new(),
            strip_authorization: false,
        };
        Answers {
            headers: CallerHeaders::new(&headers),
            resource_metadata: resource_metadata.map(|url| url.parse().unwrap()),
        }
    }

    fn deny(
        answers: &Answers,
        reason: DenyReason,
        is_grpc: bool,
    ) -> (CheckResponse, DeniedHttpResponse) {
        let outcome = Outcome::new(Decision::Deny(reason.into()));
        let response = CheckResponse::decode(&*answers.write(&outcome, &[], is_grpc)).unwrap();
        let Some(HttpResponse::DeniedResponse(denied)) = response.http_response.clone() else {
            panic!("not a denial: {response:?}");
        };
        (response, denied)
    }

    fn header(denied: &DeniedHttpResponse, name: &str) -> Option<String> {
        let headers = denied.headers.iter().filter_map(|option| option.header.as_ref());
        headers.into_iter().find(|header| header.key == name).map(|header| header.value.clone())
    }

    #[test]
    fn every_denial_says_so_three_times_and_names_its_reason() {
        for reason in DenyReason::ALL {
            let (response, denied) = deny(&answers(None), *reason, false);
            assert_ne!(response.status.unwrap().code, 0, "{reason:?}");
            let status = reason.status() as i32;
            assert_eq!(denied.status.unwrap().code, status);
            let body: serde_json::Value = serde_json::from_str(&denied.body).unwrap();
            assert_eq!(body["reason"], reason.code());
            assert_eq!(body["status"], status);
            assert_eq!(body["decision_id"].as_str().unwrap().len(), 32);
            assert_eq!(header(&denied, "content-type").unwrap(), "application/problem+json");
            assert_eq!(header(&denied, "cache-control").unwrap(), "no-store");
            let challenge = header(&denied, "www-authenticate");
            assert_eq!(challenge.is_some(), reason.challenge() != Challenge::None, "{reason:?}");
        }
    }

    #[test]
    fn challenges_are_those_of_rfc_6750() {
        let metadata = "https://portal.example/.well-known/oauth-protected-resource";
        for (reason, configured, expected) in [
            (DenyReason::TokenMissing, None, "Bearer".to_owned()),
            (
                DenyReason::TokenMissing,
                Some(metadata),
                format!("Bearer resource_metadata=\"{metadata}\""),
            ),
            (
                DenyReason::TokenExpired,
                None,
                "Bearer error=\"invalid_token\", error_description=\"The token has expired.\""
                    .to_owned(),
            ),
        ] {
            let (_, denied) = deny(&answers(configured), reason, false);
            assert_eq!(header(&denied, "www-authenticate").unwrap(), expected);
        }
    }

    #[test]
    fn a_description_cannot_leave_its_quotes() {
        assert_eq!(quotable("a\"b\\c\r\nd\u{e5}e"), "abcde");
    }

    #[test]
    fn grpc_callers_get_a_message_and_no_json() {
        let (_, denied) = deny(&answers(None), DenyReason::ConsumerNotGranted, true);
        assert!(denied.body.starts_with("consumer_not_granted: "));
        assert_eq!(header(&denied, "content-type"), None);
    }
}
