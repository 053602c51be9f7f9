//! Who may call what, before and after.

use std::{collections::BTreeMap, fmt::Display, sync::Arc};

use super::change::{Change, Effect, Subject};
use crate::{
    applications::{Application, Protection},
    config::Config,
    finding::Place,
    identifiers::{ApplicationId, ClientId, TenantId},
    policy::{AccessPolicy, Mode},
};

/// What is different: gains first, then losses, then what else there is.
pub fn between(
    (old_config, old): (&Config, &[Arc<Application>]),
    (new_config, new): (&Config, &[Arc<Application>]),
) -> Vec<Change> {
    let mut pairs = BTreeMap::<&ApplicationId, (Option<&Application>, Option<&Application>)>::new();
    for application in old {
        pairs.entry(&application.id).or_default().0 = Some(application);
    }
    for application in new {
        pairs.entry(&application.id).or_default().1 = Some(application);
    }
    let mut changes = settings(old_config, new_config);
    for (id, (old, new)) in pairs {
        let (old, new) = (Version::of(old), Version::of(new));
        let mut found = Found { id, changes: &mut changes };
        found.consumers(&old, &new);
        found.users(&old, &new);
        found.shadow(&old, &new);
        found.paths(&old, &new);
        found.others(&old, &new);
    }
    changes.sort_by_key(|change| change.effect);
    changes
}

/// An application at one time.
struct Version<'a> {
    application: Option<&'a Application>,
    enforced: Option<(ClientId, TenantId, bool)>,
    access: AccessPolicy,
}

impl<'a> Version<'a> {
    fn of(application: Option<&'a Application>) -> Self {
        match application.map(|application| &application.protection) {
            Some(Protection::Enforced { client_id, tenant, access, v1 }) => Self {
                application,
                enforced: Some((*client_id, *tenant, v1.accepted)),
                access: access.clone(),
            },
            // Nobody gets in.
            _ => Self { application, enforced: None, access: AccessPolicy::default() },
        }
    }

    /// Where a rule lets a consumer in.
    fn rule(&self, client_id: ClientId) -> Option<Place> {
        let mut rules = self.application.iter().flat_map(|application| &application.stated.rules);
        rules.find(|rule| rule.client_id == Some(client_id)).map(|rule| rule.place.clone())
    }

    fn is_shadow(&self) -> bool {
        self.application.is_some_and(|application| application.mode == Mode::Shadow)
    }

    fn open_paths(&self) -> Vec<String> {
        texts(self.application.iter().flat_map(|application| &application.open_paths))
    }
}

/// The changes of one application.
struct Found<'a> {
    id: &'a ApplicationId,
    changes: &'a mut Vec<Change>,
}

impl Found<'_> {
    fn add(&mut self, effect: Effect, subject: Subject, place: Option<Place>) {
        let application = Some(self.id.clone());
        self.changes.push(Change { effect, subject, application, place });
    }

    fn other(&mut self, text: impl Into<String>) {
        self.add(Effect::Other, Subject::Other(text.into()), None);
    }

    /// By client id, which alone lets somebody in.
    fn consumers(&mut self, old: &Version<'_>, new: &Version<'_>) {
        for (effect, here, there) in [(Effect::Gain, new, old), (Effect::Loss, old, new)] {
            let only_here = here
                .access
                .consumers
                .iter()
                .filter(|(client_id, _)| !there.access.consumers.contains_key(client_id));
            let mut only_here: Vec<_> = only_here.collect();
            only_here.sort_by_key(|(client_id, name)| (*name, **client_id));
            for (client_id, name) in only_here {
                let subject = Subject::Consumer { name: name.clone(), client_id: *client_id };
                self.add(effect, subject, here.rule(*client_id));
            }
        }
    }

    /// Where all users get in, whoever is in a group gets in with them.
    fn users(&mut self, old: &Version<'_>, new: &Version<'_>) {
        for (effect, here, there) in [(Effect::Gain, new, old), (Effect::Loss, old, new)] {
            let (users, others) = (&here.access.users, &there.access.users);
            let stated = here.application.map(|application| &application.stated);
            if users.everyone && !others.everyone {
                let place = stated.and_then(|stated| stated.everyone.clone());
                self.add(effect, Subject::AllUsers, place);
            }
            if users.everyone || others.everyone {
                continue;
            }
            for group in users.groups.difference(&others.groups) {
                let place = stated.and_then(|stated| stated.group(*group)).cloned();
                self.add(effect, Subject::Group(*group), place);
            }
        }
    }

    /// In shadow, nobody is kept out.
    fn shadow(&mut self, old: &Version<'_>, new: &Version<'_>) {
        match (old.is_shadow(), new.is_shadow()) {
            (false, true) => self.add(Effect::Gain, Subject::Anybody, None),
            (true, false) => self.add(Effect::Loss, Subject::Anybody, None),
            _ => {}
        }
    }

    fn paths(&mut self, old: &Version<'_>, new: &Version<'_>) {
        for (effect, path) in path_changes(&old.open_paths(), &new.open_paths()) {
            self.add(effect, Subject::OpenPath(path), None);
        }
    }

    fn others(&mut self, old: &Version<'_>, new: &Version<'_>) {
        match (old.application, new.application) {
            (None, Some(_)) => self.other("it is new"),
            (Some(_), None) => self.other("no document describes it any more"),
            _ => {}
        }
        match (old.enforced, new.enforced) {
            (Some(_), None) if new.application.is_some() => {
                self.other("it is disabled: nobody gets in");
            }
            (None, Some(_)) if old.application.is_some() => self.other("it is enabled"),
            (Some((old_id, old_tenant, old_v1)), Some((new_id, new_tenant, new_v1))) => {
                self.differs("client id", old_id, new_id);
                // Without a configuration, tenants are not told apart.
                if ![old_tenant, new_tenant].contains(&TenantId::NIL) {
                    self.differs("tenant", old_tenant, new_tenant);
                }
                self.differs("v1.0 tokens accepted", old_v1, new_v1);
            }
            _ => {}
        }
        let hosts = |version: &Version<'_>| {
            texts(version.application.iter().flat_map(|application| &application.hosts))
        };
        let (old, new) = (hosts(old), hosts(new));
        new.iter().filter(|host| !old.contains(host)).for_each(|host| {
            self.other(format!("the host {host} is added"));
        });
        old.iter().filter(|host| !new.contains(host)).for_each(|host| {
            self.other(format!("the host {host} is removed"));
        });
    }

    fn differs<T: PartialEq + Display>(&mut self, what: &str, old: T, new: T) {
        if old != new {
            self.other(format!("{what} {old} becomes {new}"));
        }
    }
}

/// What the configuration decides for all applications.
fn settings(old: &Config, new: &Config) -> Vec<Change> {
    let mut changes = Vec::new();
    let mut add = |effect, subject| {
        changes.push(Change { effect, subject, application: None, place: None });
    };
    let [old_paths, new_paths] =
        [old, new].map(|config| texts(config.unauthenticated_paths.iter()));
    for (effect, path) in path_changes(&old_paths, &new_paths) {
        add(effect, Subject::OpenPath(path));
    }
    // Where no application is found; those that are found each have a change of their own.
    match (old.default_mode, new.default_mode) {
        (Mode::Enforce, Mode::Shadow) => add(Effect::Gain, Subject::Anybody),
        (Mode::Shadow, Mode::Enforce) => add(Effect::Loss, Subject::Anybody),
        _ => {}
    }
    let settings = |config: &Config| {
        [
            ("entra.required_role", config.entra.required_role.clone()),
            ("entra.required_scope", config.entra.required_scope.clone()),
            ("entra.accept_v1_tokens", config.entra.accept_v1_tokens.to_string()),
            ("allow_cors_preflight", config.allow_cors_preflight.to_string()),
            ("mesh.bind_tokens", config.mesh.bind_tokens.as_str().to_owned()),
        ]
    };
    for ((name, old), (_, new)) in settings(old).into_iter().zip(settings(new)) {
        if old != new {
            add(Effect::Other, Subject::Other(format!("{name} {old} becomes {new}")));
        }
    }
    changes
}

fn path_changes(old: &[String], new: &[String]) -> Vec<(Effect, String)> {
    let only = |here: &[String], there: &[String], effect| {
        let only = here.iter().filter(|path| !there.contains(path)).cloned();
        only.map(|path| (effect, path)).collect::<Vec<_>>()
    };
    [only(new, old, Effect::Gain), only(old, new, Effect::Loss)].concat()
}

/// Sorted, each once.
fn texts<T: ToString>(values: impl Iterator<Item = T>) -> Vec<String> {
    let mut texts: Vec<_> = values.map(|value| value.to_string()).collect();
    texts.sort();
    texts.dedup();
    texts
}

#[cfg(test)]
mod tests;
