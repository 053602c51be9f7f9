//! What a line of the decision log holds: its schema, for those who write it and those who read it.

use std::{borrow::Cow, sync::Arc};

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{
    decision::{AllowReason, Denial},
    identifiers::Guid,
    request::Request,
    token::Claims,
};

/// One decision. Members that say nothing are left out; others may be added, never changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record<'a> {
    /// RFC 3339, UTC, to the millisecond.
    pub time: Cow<'a, str>,
    /// As in the answer.
    pub decision_id: Cow<'a, str>,
    /// `allow` or `deny`: what became of the request.
    pub decision: Cow<'a, str>,
    /// The stable word; in shadow, the one that enforcing would have given.
    pub reason: Cow<'a, str>,
    /// `shadow` where the request was let through although it was refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<Cow<'a, str>>,
    /// What the caller was told of a refusal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<Cow<'a, str>>,
    /// `cluster:namespace:application` that was asked for, once it was known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub application: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "str::is_empty")]
    pub method: Cow<'a, str>,
    /// Without its query.
    #[serde(default, skip_serializing_if = "str::is_empty")]
    pub path: Cow<'a, str>,
    #[serde(default, skip_serializing_if = "str::is_empty")]
    pub host: Cow<'a, str>,
    /// The principal of the workload that presented the token, where mutual TLS told it.
    #[serde(default, skip_serializing_if = "str::is_empty")]
    pub presented_by: Cow<'a, str>,
    /// W3C Trace Context.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace_id: Option<Cow<'a, str>>,
    /// Who called, once a verified token told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caller: Option<CallerRecord<'a>>,
    /// What the candidate documents would have decided, where that is something else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub candidate: Option<CandidateRecord<'a>>,
    /// From the message of the check to its answer, in microseconds.
    #[serde(default)]
    pub duration_us: u64,
}

/// Who called, as far as decisions depend on it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallerRecord<'a> {
    /// `application` or `user`.
    pub kind: Cow<'a, str>,
    pub client_id: Guid,
    /// The name that documents have for the client id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub application: Option<Cow<'a, str>>,
    pub tenant_id: Guid,
    /// Of a user: the object id, or what stands for it where personal data is switched off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object_id: Option<Cow<'a, str>>,
    /// Not of a user where personal data is switched off; so for groups and their overage.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<Cow<'a, str>>,
    /// Separated by blanks.
    #[serde(default, skip_serializing_if = "str::is_empty")]
    pub scopes: Cow<'a, str>,
    /// Of a user: all that the token lists, or those that were looked up in their stead.
    #[serde(default, skip_serializing_if = "<[_]>::is_empty")]
    pub groups: Cow<'a, [Guid]>,
    /// Whether the token lists no groups because there are too many.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub groups_overage: bool,
}

/// What documents that are not in force would have decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CandidateRecord<'a> {
    /// As of the record, and so is the reason.
    pub decision: Cow<'a, str>,
    pub reason: Cow<'a, str>,
}

impl Record<'_> {
    /// Whether that is left out which the decision depended on, as it is where no personal data is
    /// written: every user has an id, and every request a path.
    pub fn is_withheld(&self) -> bool {
        match &self.caller {
            Some(caller) => caller.kind == "user" && caller.object_id.is_none(),
            None => self.path.is_empty(),
        }
    }

    /// The request, as far as the record tells, for rehearsals. The application is named as it was
    /// found, however it was found.
    pub fn request(&self) -> Request<'_> {
        let Self { application, method, path, host, presented_by, reason, .. } = self;
        Request {
            context_application: application.as_deref(),
            host,
            method,
            path,
            source_principal: presented_by,
            has_preflight_headers: *reason == AllowReason::CorsPreflight.code(),
            ..Request::default()
        }
    }
}

impl CallerRecord<'_> {
    /// Claims that say of the caller what the record does, for rehearsals.
    ///
    /// # Errors
    /// `token_claims_invalid` where no token could say that.
    pub fn claims(&self) -> Result<Arc<Claims>, Denial> {
        let Self { client_id, roles, groups, .. } = self;
        let azp = client_id.to_string();
        let claims = match &*self.kind {
            "user" => {
                let known = self.object_id.as_deref().filter(|id| id.parse::<Guid>().is_ok());
                let mut claims = json!({
                    "azp": azp,
                    "scp": self.scopes,
                    // Decisions need one, and do not depend on which.
                    "oid": known.map_or_else(|| Guid::NIL.to_string(), str::to_owned),
                });
                match self.groups_overage {
                    true => claims["_claim_names"] = json!({"groups": "src1"}),
                    false => claims["groups"] = json!(groups),
                }
                claims
            }
            _ => json!({"azp": azp, "idtyp": "app", "roles": roles}),
        };
        Claims::read(claims.to_string().as_bytes()).map(Arc::new)
    }
}
