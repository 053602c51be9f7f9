//! Dynamic metadata: what Envoy's access logs and RBAC filters can read of a decision.

use super::wire::{MAP_KEY, MAP_VALUE, Writer};
use crate::{
    authorizer::Outcome,
    decision::Decision,
    policy::{Caller, Fact, FactValue},
    proto::{list_value, r#struct, value},
};

/// Writes a `google.protobuf.Struct`: `decision`, `reason`, `decision_id`, `application`, `mode`
/// in shadow, and of an allowed caller the same facts as in the headers, under `caller`.
pub fn describe(outcome: &Outcome, structure: &mut Writer) {
    let caller = match &outcome.decision {
        Decision::Allow(permit) => permit.caller(),
        Decision::Shadow(_) | Decision::Deny(_) => None,
    };
    text(structure, "decision", outcome.decision.verdict());
    if let Decision::Shadow(_) = outcome.decision {
        text(structure, "mode", "shadow");
    }
    text(structure, "reason", outcome.decision.code());
    text(structure, "decision_id", outcome.id.encode(&mut [0; 32]));
    if let Some(application) = outcome.application_id() {
        text(structure, "application", application.as_str());
    }
    if let Some(caller) = caller {
        member(structure, "caller", |value| {
            value.nested(value::STRUCT_VALUE, |structure| facts(caller, structure));
        });
    }
}

fn facts(caller: &Caller, structure: &mut Writer) {
    for fact in Fact::ALL {
        match caller.fact(fact) {
            FactValue::Absent => {}
            list if list.is_list() => member(structure, fact.name(), |value| {
                value.nested(value::LIST_VALUE, |elements| {
                    list.for_each(|element| {
                        elements.nested(list_value::VALUES, |value| {
                            value.text(value::STRING_VALUE, element);
                        });
                    });
                });
            }),
            single => single.for_each(|value| text(structure, fact.name(), value)),
        }
    }
}

fn text(structure: &mut Writer, name: &str, text: &str) {
    member(structure, name, |value| value.text(value::STRING_VALUE, text));
}

fn member(structure: &mut Writer, name: &str, write_value: impl FnOnce(&mut Writer)) {
    structure.nested(r#struct::FIELDS, |entry| {
        entry.text(MAP_KEY, name);
        entry.nested(MAP_VALUE, write_value);
    });
}
