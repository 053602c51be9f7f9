//! What the policy looked at, in words: for explanations.

use super::{AccessPolicy, Caller, Fact, Requirements};
use crate::{decision::Inputs, identifiers::GroupId};

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
        ("all users", if access.users.everyone { "yes" } else { "no" }.to_owned()),
        ("granted groups", joined(access.users.groups.iter().copied())),
        ("user's groups", joined(caller.groups())),
    ]
}

fn joined(groups: impl Iterator<Item = GroupId>) -> String {
    groups.map(|group| group.to_string()).collect::<Vec<_>>().join(" ")
}

fn text_of(caller: &Caller, fact: Fact) -> String {
    let mut texts = Vec::new();
    caller.fact(fact).for_each(|text| texts.push(text.to_owned()));
    texts.join(" ")
}
