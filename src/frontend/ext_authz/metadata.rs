//! Dynamic metadata: what Envoy's access logs and RBAC filters can read of a decision.

use prost_types::{ListValue, Struct, Value, value::Kind};

use crate::{
    authorizer::Outcome,
    decision::Decision,
    policy::{Caller, Fact, FactValue},
};

/// `decision`, `reason`, `decision_id`, `application`, and of an allowed caller the same facts as
/// in the headers, under `caller`.
pub fn describe(outcome: &Outcome) -> Struct {
    let (decision, caller) = match &outcome.decision {
        Decision::Allow(permit) => ("allow", permit.caller()),
        Decision::Deny(_) => ("deny", None),
    };
    let mut fields = vec![
        ("decision", text(decision)),
        ("reason", text(outcome.decision.code())),
        ("decision_id", text(outcome.id.to_string())),
    ];
    fields.extend(outcome.application.iter().map(|id| ("application", text(id.as_str()))));
    fields.extend(caller.map(|caller| ("caller", value(Kind::StructValue(facts(caller))))));
    structure(fields)
}

fn facts(caller: &Caller) -> Struct {
    structure(Fact::ALL.into_iter().filter_map(|fact| {
        let value = match caller.fact(fact) {
            FactValue::Absent => return None,
            FactValue::One(one) => text(one),
            FactValue::List(values) => {
                value(Kind::ListValue(ListValue { values: values.into_iter().map(text).collect() }))
            }
        };
        Some((fact.name(), value))
    }))
}

fn structure(fields: impl IntoIterator<Item = (&'static str, Value)>) -> Struct {
    Struct { fields: fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect() }
}

fn text(text: impl Into<String>) -> Value {
    value(Kind::StringValue(text.into()))
}

fn value(kind: Kind) -> Value {
    Value { kind: Some(kind) }
}
