//! The access policy applied to a request.

use super::{AccessPolicy, Caller, Permit, Presenter};
use crate::{
    decision::{AllowReason, Denial, DenyReason},
    identifiers::{ApplicationId, ClientId},
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
) -> Result<Permit, Denial> {
    caller.application = Some(granted_consumer(&caller, target)?);
    check_permission(&caller, target, requirements)?;
    if !caller.is_application() {
        caller.listed_groups = check_user(&caller, target.access)?;
    }
    let mismatch = presenter.contradicts(caller.application.as_ref());
    if mismatch && presenter.is_binding() {
        return Err(DenyReason::WorkloadMismatch.into());
    }
    Ok(Permit::for_caller(caller, mismatch))
}

fn granted_consumer(caller: &Caller, target: &Protected<'_>) -> Result<ApplicationId, Denial> {
    if caller.client_id == target.client_id {
        return Ok(target.id.clone());
    }
    let granted = target.access.consumers.get(&caller.client_id);
    granted.cloned().ok_or_else(|| DenyReason::ConsumerNotGranted.into())
}

fn check_permission(
    caller: &Caller,
    target: &Protected<'_>,
    requirements: &Requirements,
) -> Result<(), Denial> {
    let own_login = caller.client_id == target.client_id;
    match caller.is_application() {
        true if !caller.has_role(&requirements.role) => Err(DenyReason::RoleMissing.into()),
        false if !own_login && !caller.has_scope(&requirements.scope) => {
            Err(DenyReason::ScopeMissing.into())
        }
        _ => Ok(()),
    }
}

/// Those of the user's groups that the application lists, if the user may call it at all.
fn check_user(
    caller: &Caller,
    access: &AccessPolicy,
) -> Result<Vec<crate::identifiers::GroupId>, Denial> {
    let listed: Vec<_> =
        caller.groups().filter(|group| access.users.groups.contains(group)).collect();
    if access.users.everyone || !listed.is_empty() {
        return Ok(listed);
    }
    Err(match caller.has_groups_overage() && !access.users.groups.is_empty() {
        true => DenyReason::GroupsOverage.into(),
        false => DenyReason::UserNotGranted.into(),
    })
}
