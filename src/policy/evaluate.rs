//! The access policy applied to a request.

use super::{AccessPolicy, Caller, Permit, Presenter, described};
use crate::{
    decision::{AllowReason, Denial, DenyReason, Step, Trace},
    identifiers::{ApplicationId, ClientId, GroupId},
    request::Request,
    target::PathPattern,
};

/// What every token must carry, whatever the application.
#[derive(Debug, Clone)]
pub struct Requirements {
    /// Of an application's own token, in `roles`.
    pub role: String,
    /// Of a user's token through another application, in `scp`.
    pub scope: String,
}

/// An application that is asked for, as far as its policy is concerned.
#[derive(Debug, Clone, Copy)]
pub struct Protected<'a> {
    pub id: &'a ApplicationId,
    pub client_id: ClientId,
    pub access: &'a AccessPolicy,
}

impl<'a> Protected<'a> {
    /// The name of a consumer, if it is granted. The application is always its own consumer.
    pub fn consumer(&self, client_id: ClientId) -> Option<&'a ApplicationId> {
        match client_id == self.client_id {
            true => Some(self.id),
            false => self.access.consumers.get(&client_id),
        }
    }
}

/// Lets a request through that needs no token, if it is one.
pub fn without_token<'a>(
    request: &Request<'_>,
    open_paths: impl IntoIterator<Item = &'a PathPattern>,
    allow_preflight: bool,
) -> Option<Permit> {
    let preflight = request.method == "OPTIONS" && request.has_preflight_headers;
    if open_paths.into_iter().any(|pattern| pattern.matches(request.path)) {
        return Some(Permit::without_caller(AllowReason::UnauthenticatedPath));
    }
    (allow_preflight && preflight).then(|| Permit::without_caller(AllowReason::CorsPreflight))
}

/// Decides whether a caller, known by a verified token, may call an application.
///
/// An application needs a granted consumer and the role. A user needs a granted consumer, the
/// scope unless logged in by the application itself, and to be a granted user.
///
/// # Errors
/// Every reason from `consumer_not_granted` to `workload_mismatch`.
pub fn evaluate(
    mut caller: Caller,
    target: &Protected<'_>,
    requirements: &Requirements,
    presenter: &Presenter<'_>,
    trace: &mut impl Trace,
) -> Result<Permit, Denial> {
    let consumer = check_consumer(&caller, target);
    trace.step(Step::Consumer, &consumer, || described::consumer(&caller, target));
    caller.application = Some(consumer?.clone());

    let permission = check_permission(&caller, target, requirements);
    trace.step(Step::Permission, &permission, || {
        described::permission(&caller, is_own_login(&caller, target), requirements)
    });
    permission?;

    if !caller.is_application() {
        let groups = check_user(&caller, target.access);
        trace.step(Step::User, &groups, || described::users(&caller, target.access));
        caller.listed_groups = groups?;
    }

    let mismatch = presenter.contradicts(caller.application.as_ref());
    let workload = check_workload(mismatch, presenter);
    trace.step(Step::Workload, &workload, || presenter.described());
    workload?;
    Ok(Permit::for_caller(caller, mismatch))
}

fn check_consumer<'a>(
    caller: &Caller,
    target: &Protected<'a>,
) -> Result<&'a ApplicationId, Denial> {
    target.consumer(caller.client_id).ok_or(DenyReason::ConsumerNotGranted.into())
}

/// Whether the user logged in by the application itself, which needs no scope.
fn is_own_login(caller: &Caller, target: &Protected<'_>) -> bool {
    caller.client_id == target.client_id
}

fn check_permission(
    caller: &Caller,
    target: &Protected<'_>,
    requirements: &Requirements,
) -> Result<(), Denial> {
    match caller.is_application() {
        true if !caller.has_role(&requirements.role) => Err(DenyReason::RoleMissing.into()),
        false if !is_own_login(caller, target) && !caller.has_scope(&requirements.scope) => {
            Err(DenyReason::ScopeMissing.into())
        }
        _ => Ok(()),
    }
}

/// Those of the user's groups that the application lists, if the user may call it at all.
fn check_user(caller: &Caller, access: &AccessPolicy) -> Result<Vec<GroupId>, Denial> {
    let is_listed = |group: &&GroupId| access.users.groups.contains(*group);
    let listed: Vec<_> = caller.groups().iter().filter(is_listed).copied().collect();
    if access.users.everyone || !listed.is_empty() {
        return Ok(listed);
    }
    Err(match caller.has_groups_overage() && !access.users.groups.is_empty() {
        true => DenyReason::GroupsOverage.into(),
        false => DenyReason::UserNotGranted.into(),
    })
}

fn check_workload(mismatch: bool, presenter: &Presenter<'_>) -> Result<(), Denial> {
    match mismatch && presenter.is_binding() {
        true => Err(DenyReason::WorkloadMismatch.into()),
        false => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use AllowReason::{CorsPreflight, UnauthenticatedPath};

    use super::*;

    #[test]
    fn only_an_open_path_and_a_permitted_preflight_need_no_token() {
        let open: [PathPattern; 2] =
            ["/internal/alive".parse().unwrap(), "/static/**".parse().unwrap()];
        for (method, path, has_preflight_headers, allow_preflight, expected) in [
            ("GET", "/internal/alive", false, false, Some(UnauthenticatedPath)),
            ("POST", "/static/a?b", false, false, Some(UnauthenticatedPath)),
            ("GET", "/internal/alive/..", false, false, None),
            ("GET", "/", false, true, None),
            ("OPTIONS", "/", true, true, Some(CorsPreflight)),
            ("OPTIONS", "/", true, false, None),
            ("OPTIONS", "/", false, true, None),
            ("options", "/", true, true, None),
            ("GET", "/", true, true, None),
            ("", "", false, true, None),
        ] {
            let request = Request { method, path, has_preflight_headers, ..Request::default() };
            let permit = without_token(&request, &open, allow_preflight);
            let reason = permit.as_ref().map(Permit::reason);
            assert_eq!(reason, expected, "{method} {path} {has_preflight_headers}");
            assert!(permit.is_none_or(|permit| permit.caller().is_none()));
        }
    }
}
