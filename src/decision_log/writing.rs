//! From a check that was answered to its line, with as few copies as can be.

use std::{
    borrow::Cow,
    io::Write as _,
    time::{Duration, SystemTime},
};

use super::{CallerRecord, CandidateRecord, PersonalData, Record, line::append};
use crate::{decision::Decision, policy::Caller, request::Request, telemetry::Answered};

/// The most that is written of a path, in bytes. No pattern of a path is as long; who floods the
/// log has to send more than that.
const MAX_PATH: usize = 1024;
/// The most of a host, a method or a principal: names in DNS have no more.
const MAX_NAME: usize = 256;
/// How every JWT begins, for its header is a JSON object: where a caller puts one that is no token
/// for us, it may be somebody else's.
const JWT: &[u8; 3] = b"eyJ";

/// Room for what is made into text.
#[derive(Debug)]
struct Room {
    time: [u8; 24],
    decision_id: [u8; 32],
    person: [u8; 36],
}

/// Writes the line of a check, its end included.
pub fn write_line(answered: &Answered<'_>, personal: &PersonalData, line: &mut Vec<u8>) {
    let mut room = Room { time: [0; 24], decision_id: [0; 32], person: [0; 36] };
    append(&record(answered, personal, &mut room), line);
}

fn record<'a>(answered: &Answered<'a>, personal: &PersonalData, room: &'a mut Room) -> Record<'a> {
    let Answered { outcome, request, at, took, .. } = *answered;
    let decision = &outcome.decision;
    let unknown = Request::default();
    let request = request.unwrap_or(&unknown);
    let path = match personal {
        PersonalData::Omitted => "",
        _ => without_query(request.path),
    };
    let text = Cow::Borrowed;
    let name = outcome.consumer.as_ref().map(|id| text(id.as_str()));
    let caller = outcome.caller.as_ref();
    Record {
        time: text(rfc3339(at, &mut room.time)),
        decision_id: text(outcome.id.encode(&mut room.decision_id)),
        decision: text(decision.verdict()),
        reason: text(decision.code()),
        mode: matches!(decision, Decision::Shadow(_)).then_some(text("shadow")),
        detail: decision.refusal().map(|denial| text(&denial.detail)),
        application: outcome.application_id().map(|id| text(id.as_str())),
        method: told(request.method, MAX_NAME),
        path: told(path, MAX_PATH),
        host: told(request.host, MAX_NAME),
        presented_by: told(request.presented_by(), MAX_NAME),
        trace_id: answered.trace_id().map(text),
        caller: caller.map(|caller| caller_record(caller, name, personal, &mut room.person)),
        candidate: outcome.candidate.as_deref().map(candidate_record),
        duration_us: microseconds(took),
    }
}

fn candidate_record(decision: &Decision) -> CandidateRecord<'_> {
    CandidateRecord { decision: decision.verdict().into(), reason: decision.code().into() }
}

fn caller_record<'a>(
    caller: &'a Caller,
    application: Option<Cow<'a, str>>,
    personal: &PersonalData,
    room: &'a mut [u8; 36],
) -> CallerRecord<'a> {
    let person = caller.user();
    let object_id = person.and_then(|(tenant, user)| personal.name_of(tenant, user, room));
    let is_withheld = person.is_some() && object_id.is_none();
    CallerRecord {
        kind: caller.kind().into(),
        client_id: caller.client_id,
        application,
        tenant_id: caller.tenant(),
        object_id: object_id.map(Cow::Borrowed),
        roles: match is_withheld {
            true => Vec::new(),
            false => caller.roles().iter().map(|role| role.as_str().into()).collect(),
        },
        scopes: caller.scope().into(),
        groups: match is_withheld || caller.is_application() {
            true => Cow::default(),
            false => caller.groups().into(),
        },
        groups_overage: caller.has_groups_overage() && !is_withheld,
    }
}

/// What a caller sent, as far as it is told: cut where it is too long, or where a token begins.
fn told(text: &str, most: usize) -> Cow<'_, str> {
    let is_boundary = |end: &usize| text.is_char_boundary(*end);
    let whole = (0..=most.min(text.len())).rev().find(is_boundary).unwrap_or(0);
    let token = text.as_bytes()[..whole].windows(JWT.len()).position(|three| three == JWT);
    match token.unwrap_or(whole) {
        end if end == text.len() => text.into(),
        end => format!("{}…", &text[..end]).into(),
    }
}

/// A path without what comes after it, which may be a secret.
fn without_query(path: &str) -> &str {
    let end = path.bytes().position(|byte| matches!(byte, b'?' | b'#'));
    &path[..end.unwrap_or(path.len())]
}

/// In UTC, to the millisecond.
fn rfc3339(at: SystemTime, room: &mut [u8; 24]) -> &str {
    let written = write!(&mut room[..], "{}", humantime::format_rfc3339_millis(at));
    match written {
        Ok(()) => std::str::from_utf8(room).unwrap_or_default(),
        Err(_) => "",
    }
}

fn microseconds(took: Duration) -> u64 {
    u64::try_from(took.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
