//! What the flow looked at, in words: for explanations.

use std::sync::Arc;

use crate::{
    applications::Application,
    decision::{Denial, Inputs},
    policy::{self, Caller, Permit},
    request::{Authorization, Request},
};

/// All that may name the target, as far as it is there, and what was found.
pub fn target(request: &Request<'_>, found: Option<&Arc<Application>>) -> Inputs {
    let mut inputs = vec![("asked by", request.asked_by.as_str().to_owned())];
    for (name, value) in [
        ("context extension", request.context_application.unwrap_or_default()),
        ("destination principal", request.destination_principal),
        ("host", request.host),
        ("application", found.map_or("none is found", |application| application.id.as_str())),
    ] {
        if !value.is_empty() {
            inputs.push((name, value.to_owned()));
        }
    }
    inputs
}

/// The path, without its query, and whether it needs no token.
pub fn open_path(request: &Request<'_>, permit: Option<&Permit>) -> Inputs {
    let path = request.path.split(['?', '#']).next().unwrap_or_default();
    vec![
        ("method", request.method.to_owned()),
        ("path", path.to_owned()),
        ("token needed", if permit.is_some() { "no" } else { "yes" }.to_owned()),
    ]
}

/// How many Authorization headers there are: nothing of what they hold.
pub fn credentials(authorization: Authorization<'_>) -> Inputs {
    let headers = match authorization {
        Authorization::Absent => "none".to_owned(),
        Authorization::Value(value) => format!("one, of {} bytes", value.len()),
        Authorization::Unreadable => "several, or one that is not text".to_owned(),
    };
    vec![("Authorization", headers)]
}

/// Who calls, and through which application.
pub fn caller(caller: &Result<Caller, Denial>) -> Inputs {
    let Ok(caller) = caller else { return Inputs::new() };
    vec![("kind", caller.kind().to_owned()), ("client id", caller.client_id.to_string())]
}

/// Those of the application's groups that the user turned out to be a member of.
pub fn looked_up(resolved: &Result<Caller, Denial>) -> Inputs {
    let Ok(caller) = resolved else { return Inputs::new() };
    vec![("member of", policy::listed(caller.groups()))]
}
