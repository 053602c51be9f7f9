//! A record as a line: what `serde_json` writes, at a third of its price, and with what a terminal
//! would obey escaped too. Each check pays for it, and names of members need no second look.

use std::io::Write as _;

use super::{CallerRecord, Record};
use crate::{identifiers::Guid, printable::is_obeyed};

/// More than most lines take.
const USUAL_BYTES: usize = 1024;

/// Adds a record and the end of its line.
pub fn append(record: &Record<'_>, line: &mut Vec<u8>) {
    line.reserve(USUAL_BYTES);
    text(line, "{\"time\":", &record.time);
    text(line, ",\"decision_id\":", &record.decision_id);
    text(line, ",\"decision\":", &record.decision);
    text(line, ",\"reason\":", &record.reason);
    optional(line, ",\"mode\":", record.mode.as_deref());
    optional(line, ",\"detail\":", record.detail.as_deref());
    optional(line, ",\"application\":", record.application.as_deref());
    unless_empty(line, ",\"method\":", &record.method);
    unless_empty(line, ",\"path\":", &record.path);
    unless_empty(line, ",\"host\":", &record.host);
    unless_empty(line, ",\"presented_by\":", &record.presented_by);
    optional(line, ",\"trace_id\":", record.trace_id.as_deref());
    if let Some(caller) = &record.caller {
        append_caller(caller, line);
    }
    if let Some(candidate) = &record.candidate {
        text(line, ",\"candidate\":{\"decision\":", &candidate.decision);
        text(line, ",\"reason\":", &candidate.reason);
        add(line, "}");
    }
    add(line, ",\"duration_us\":");
    number(line, record.duration_us);
    add(line, "}\n");
}

fn append_caller(caller: &CallerRecord<'_>, line: &mut Vec<u8>) {
    text(line, ",\"caller\":{\"kind\":", &caller.kind);
    guid(line, ",\"client_id\":", caller.client_id);
    optional(line, ",\"application\":", caller.application.as_deref());
    guid(line, ",\"tenant_id\":", caller.tenant_id);
    optional(line, ",\"object_id\":", caller.object_id.as_deref());
    let mut before = ",\"roles\":[";
    for role in &caller.roles {
        text(line, before, role);
        before = ",";
    }
    close_list(line, !caller.roles.is_empty());
    unless_empty(line, ",\"scopes\":", &caller.scopes);
    let mut before = ",\"groups\":[";
    for group in &*caller.groups {
        guid(line, before, *group);
        before = ",";
    }
    close_list(line, !caller.groups.is_empty());
    if caller.groups_overage {
        add(line, ",\"groups_overage\":true");
    }
    add(line, "}");
}

fn close_list(line: &mut Vec<u8>, is_open: bool) {
    if is_open {
        add(line, "]");
    }
}

fn add(line: &mut Vec<u8>, text: &str) {
    line.extend_from_slice(text.as_bytes());
}

fn optional(line: &mut Vec<u8>, before: &str, value: Option<&str>) {
    if let Some(value) = value {
        text(line, before, value);
    }
}

fn unless_empty(line: &mut Vec<u8>, before: &str, value: &str) {
    if !value.is_empty() {
        text(line, before, value);
    }
}

fn text(line: &mut Vec<u8>, before: &str, value: &str) {
    add(line, before);
    // All of it is looked at, without an early end: that takes processors a few steps.
    line.push(b'"');
    match value.bytes().fold(false, |any, byte| any | is_special(byte)) {
        true => value.chars().for_each(|character| escaped(line, character)),
        false => add(line, value),
    }
    line.push(b'"');
}

/// What JSON does not let stand in a text as it is (RFC 8259, section 7), and what a terminal may
/// obey: lines are looked at by people too, and what callers send must not move their cursor.
fn is_special(byte: u8) -> bool {
    byte < 0x20 || byte == b'"' || byte == b'\\' || byte >= 0x7f
}

fn escaped(line: &mut Vec<u8>, character: char) {
    match character {
        '"' | '\\' => line.extend_from_slice(&[b'\\', character as u8]),
        // All of them are of the first 65,536. Into memory, which does not fail.
        obeyed if is_obeyed(obeyed) => {
            let _ = write!(line, "\\u{:04x}", u32::from(obeyed));
        }
        other => add(line, other.encode_utf8(&mut [0; 4])),
    }
}

fn guid(line: &mut Vec<u8>, before: &str, value: Guid) {
    add(line, before);
    line.push(b'"');
    add(line, value.encode(&mut [0; 36]));
    line.push(b'"');
}

fn number(line: &mut Vec<u8>, value: u64) {
    // As above.
    let _ = serde_json::to_writer(line, &value);
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use proptest::prelude::*;

    use super::*;
    use crate::decision_log::CandidateRecord;

    fn texts() -> impl Strategy<Value = Cow<'static, str>> {
        "(\\PC|[\"\\\\\u{0}-\u{1f}\u{7f}-\u{9f}\u{2028}\u{202e}]){0,12}".prop_map(Cow::Owned)
    }

    fn guids() -> impl Strategy<Value = Guid> {
        "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
            .prop_map(|text| text.parse().unwrap())
    }

    fn callers() -> impl Strategy<Value = CallerRecord<'static>> {
        let texts_of_caller =
            (texts(), prop::option::of(texts()), prop::option::of(texts()), texts());
        let lists = (prop::collection::vec(texts(), 0..3), prop::collection::vec(guids(), 0..3));
        (texts_of_caller, lists, guids(), guids(), any::<bool>()).prop_map(
            |(
                (kind, application, object_id, scopes),
                (roles, groups),
                client_id,
                tenant_id,
                over,
            )| {
                CallerRecord {
                    kind,
                    client_id,
                    application,
                    tenant_id,
                    object_id,
                    roles,
                    scopes,
                    groups: groups.into(),
                    groups_overage: over,
                }
            },
        )
    }

    fn candidates() -> impl Strategy<Value = CandidateRecord<'static>> {
        (texts(), texts()).prop_map(|(decision, reason)| CandidateRecord { decision, reason })
    }

    prop_compose! {
        fn records()(
            stated in prop::array::uniform8(texts()),
            optional in prop::array::uniform4(prop::option::of(texts())),
            caller in prop::option::of(callers()),
            candidate in prop::option::of(candidates()),
            duration_us in any::<u64>(),
        ) -> Record<'static> {
            let [time, decision_id, decision, reason, method, path, host, presented_by] = stated;
            let [mode, detail, application, trace_id] = optional;
            Record {
                time, decision_id, decision, reason, mode, detail, application, method, path, host,
                presented_by, trace_id, caller, candidate, duration_us,
            }
        }
    }

    proptest! {
        #[test]
        fn a_line_is_what_serde_would_write_and_a_terminal_obeys_nothing_of_it(record in records()) {
            let mut line = Vec::new();
            append(&record, &mut line);
            let line = String::from_utf8(line).unwrap();
            let line = line.strip_suffix('\n').unwrap();
            prop_assert!(!line.contains(is_obeyed), "{}", line);
            prop_assert_eq!(
                serde_json::from_str::<serde_json::Value>(line).unwrap(),
                serde_json::to_value(&record).unwrap()
            );
            prop_assert_eq!(serde_json::from_str::<Record<'_>>(line).unwrap(), record);
        }
    }
}
