//! What the policy looked at, in words: for explanations.

use super::{AccessPolicy, Caller, Fact, Protected, Requirements};
use crate::{decision::Inputs, identifiers::GroupId};

/// Which client id calls, and what it is granted as.
pub fn consumer(caller: &Caller, target: &Protected<'_>) -> Inputs {
    let granted = target.consumer(caller.client_id);
    vec![
        ("client id", caller.client_id.to_string()),
        ("granted as", granted.map_or_else(|| "nothing".to_owned(), ToString::to_string)),
        ("granted consumers", target.access.consumers.len().to_string()),
    ]
}

/// What the caller must carry, and what it carries.
pub fn permission(caller: &Caller, is_own_login: bool, requirements: &Requirements) -> Inputs {
    match caller.is_application() {
        true => vec![
            ("needed role", requirements.role.clone()),
            ("roles", text_of(caller, Fact::Roles)),
        ],
        false if is_own_login => {
            vec![("needed scope", "none: the application's own login".to_owned())]
        }
        false => vec![
            ("needed scope", requirements.scope.clone()),
            ("scopes", text_of(caller, Fact::Scopes)),
        ],
    }
}

/// Whom the application lets in, and what the user is a member of.
pub fn users(caller: &Caller, access: &AccessPolicy) -> Inputs {
    vec![
        ("allowAllUsers", access.users.everyone.to_string()),
        ("granted groups", listed(&access.users.groups)),
        ("user's groups", listed(caller.groups())),
    ]
}

/// Groups, separated by blanks.
pub fn listed<'a>(groups: impl IntoIterator<Item = &'a GroupId>) -> String {
    or_none(&groups.into_iter().map(|group| group.to_string()).collect::<Vec<_>>())
}

fn text_of(caller: &Caller, fact: Fact) -> String {
    let mut texts = Vec::new();
    caller.fact(fact).for_each(|text| texts.push(text.to_owned()));
    or_none(&texts)
}

fn or_none(texts: &[String]) -> String {
    match texts {
        [] => "none".to_owned(),
        texts => texts.join(" "),
    }
}
