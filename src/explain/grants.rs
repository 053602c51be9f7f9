//! What let a request through, and what would have kept it out.

use super::{
    situation::{Keys, Situation, short},
    why::{By, Ground, Remedy, Why},
};
use crate::{applications::Application, decision::Decision, finding::Place, policy::Caller};

/// `unauthenticated_path`.
pub fn unauthenticated_path(situation: &Situation<'_>) -> Why {
    let Situation { request, settings, .. } = situation;
    let mut why = Why::default();
    let patterns = situation.application().into_iter().flat_map(|application| {
        application.open_paths.iter().map(|pattern| (pattern, &application.stated.place))
    });
    for (pattern, place) in patterns.filter(|(pattern, _)| pattern.matches(request.path)) {
        let ground = format!("{pattern} is a probe's or the metrics' path of the document.");
        why.grounds.push(Ground::at(ground, place));
        let what = format!("Remove {pattern} from the probes and metrics of the document.");
        why.remedies.push(Remedy::new(By::Team, what).at([place]));
    }
    for pattern in settings.open_paths.iter().filter(|pattern| pattern.matches(request.path)) {
        let ground = format!("The configuration's unauthenticated_paths has {pattern}.");
        why.grounds.push(Ground::new(ground));
        let what = format!("Remove {pattern} from unauthenticated_paths of the configuration.");
        why.remedies.push(Remedy::new(By::Operator, what));
    }
    if why.remedies.is_empty() {
        let what = "Remove the path from the document's probes and from unauthenticated_paths.";
        why.remedies.push(Remedy::new(By::Operator, what));
    }
    why
}

/// `cors_preflight`.
pub fn cors_preflight() -> Why {
    let ground = Ground::new("The configuration lets preflights through (allow_cors_preflight).");
    let what = "Let no preflight through without a token, which no browser sends with one:";
    let remedy = Remedy::new(By::Operator, what).text("allow_cors_preflight: false");
    Why { grounds: vec![ground], remedies: vec![remedy] }
}

/// `application_granted`.
pub fn application(situation: &Situation<'_>) -> Why {
    match parties(situation) {
        Some((application, caller)) => consumer(application, caller),
        None => unknown_parties(),
    }
}

/// `user_granted`: by the consumer and by the user, either of which can be taken away.
pub fn user(situation: &Situation<'_>) -> Why {
    let Some((application, caller)) = parties(situation) else { return unknown_parties() };
    let mut why = consumer(application, caller);
    let (stated, keys) = (&application.stated, Keys::of(&application.stated));
    let mine = caller.groups();
    let groups: Vec<_> = stated.groups.iter().filter(|group| mine.contains(&group.value)).collect();
    let mut places: Vec<&Place> = Vec::new();
    if let Some(place) = &stated.everyone {
        why.grounds.push(Ground::at("allowAllUsers lets every user in.", place));
        places.push(place);
    }
    for group in groups {
        let ground = format!("The user is a member of the group {}.", group.value);
        why.grounds.push(Ground::at(ground, &group.place));
        places.push(&group.place);
    }
    let api = short(&application.id);
    let what = match stated.everyone {
        Some(_) => format!(
            "Set {} of {api} to false, and remove those groups of the user that it lists.",
            keys.everyone
        ),
        None => format!("Remove the user's groups from {} of {api}.", keys.groups),
    };
    why.remedies.push(Remedy::new(By::Team, what).at(places));
    why
}

/// The rules that grant the caller's client id. All of them must go for it to be refused.
fn consumer(application: &Application, caller: &Caller) -> Why {
    let (stated, keys) = (&application.stated, Keys::of(&application.stated));
    let api = short(&application.id);
    let granting = stated.rules.iter().filter(|rule| rule.client_id == Some(caller.client_id));
    let places: Vec<_> = granting.map(|rule| &rule.place).collect();
    let name = caller.application().map_or_else(|| caller.client_id.to_string(), short);
    match &places[..] {
        [] => Why {
            grounds: vec![Ground::at(
                format!("{api} calls itself: it is always a consumer of its own."),
                &stated.place,
            )],
            remedies: vec![
                Remedy::new(
                    By::Team,
                    format!(
                        "No rule can take that away; switched off, {api} lets nobody in at all:"
                    ),
                )
                .at([&stated.place])
                .text("spec:\n  azure:\n    application:\n      enabled: false"),
            ],
        },
        places => Why {
            grounds: places.iter().map(|place| ground(place, &stated.place, &name)).collect(),
            remedies: vec![
                Remedy::new(
                    By::Team,
                    match places.contains(&&stated.place) {
                        true => format!("Remove {name} from status.preAuthorizedApps of {api}."),
                        false => format!("Remove what grants {name} from {} of {api}.", keys.rules),
                    },
                )
                .at(places.iter().copied()),
            ],
        },
    }
}

/// A rule, or what NAIS assigned without one.
fn ground(place: &Place, document: &Place, name: &str) -> Ground {
    let what = match place == document {
        true => format!("{name} is assigned without a rule (status.preAuthorizedApps)."),
        false => format!("This rule grants {name}."),
    };
    Ground::at(what, place)
}

fn parties<'a>(situation: &Situation<'a>) -> Option<(&'a Application, &'a Caller)> {
    let caller = match &situation.outcome.decision {
        Decision::Allow(permit) => permit.caller()?,
        Decision::Shadow(_) | Decision::Deny(_) => return None,
    };
    Some((situation.application()?, caller))
}

fn unknown_parties() -> Why {
    vec![Remedy::new(By::Team, "Remove the calling application's rule, or the user's groups.")]
        .into()
}
