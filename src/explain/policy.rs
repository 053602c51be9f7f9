//! Remedies for what the access policy refuses.

use super::{
    situation::{Keys, Situation, behind_the_groups, behind_the_rules, short},
    token::scope as scope_of,
    why::{By, Ground, Remedy, Why},
};
use crate::{
    applications::{Application, Consumer, StatedRule},
    decision::Step,
    identifiers::{ApplicationId, ClientId},
    policy::Caller,
};

/// `consumer_not_granted`: no rule, a rule without a client id, or one with another client id.
pub fn consumer(situation: &Situation<'_>) -> Why {
    let (Some(application), Some(caller)) = (situation.application(), &situation.outcome.caller)
    else {
        return unknown_parties();
    };
    let named = situation.outcome.consumer.as_ref();
    match named.map(|name| (name, application.stated.rule(name))) {
        Some((name, Some(rule))) => named_in_vain(application, name, rule, caller.client_id),
        Some((name, None)) => without_rule(application, name),
        None => nameless(application, caller.client_id),
    }
}

/// Where nothing is known of those whom the decision was about.
fn unknown_parties() -> Why {
    vec![Remedy::new(
        By::Team,
        "Add a rule for the calling application to the API's access policy.",
    )]
    .into()
}

fn without_rule(application: &Application, name: &ApplicationId) -> Why {
    let (stated, rules) = (&application.stated, Keys::of(&application.stated).rules);
    let (place, api) = (behind_the_rules(stated), short(&application.id));
    let ground = match stated.rules.len() {
        0 => format!("{rules} of {api} is empty: no rule names {name}."),
        count => format!("Rules in {rules} of {api}: {count}; none names {name}."),
    };
    let remedy = Remedy::new(By::Team, format!("Add this rule to {rules} of {api}:"))
        .at([place])
        .text(rule_for(name, &application.id));
    Why { grounds: vec![Ground::at(ground, place)], remedies: vec![remedy] }
}

/// The rule is there, and stands for another client id than the consumer's own document has: what
/// NAIS wrote for the API counts before that.
fn named_in_vain(
    application: &Application,
    name: &ApplicationId,
    rule: &StatedRule,
    client_id: ClientId,
) -> Why {
    let ground = match rule.client_id {
        Some(other) => format!("The rule that names {name} grants another client id: {other}."),
        None => format!("The rule that names {name} grants nothing: no client id is known for it."),
    };
    let what = format!(
        "Have NAIS register the rule anew: in status.preAuthorizedApps of the AzureAdApplication \
         of {} (or in AZURE_APP_PRE_AUTHORIZED_APPS), {name} must have:",
        short(&application.id)
    );
    let remedy = Remedy::new(By::Operator, what).text(format!("clientId: {client_id}"));
    Why { grounds: vec![Ground::at(ground, &rule.place)], remedies: vec![remedy] }
}

/// No document that was read has the caller's client id. A rule whose consumer has no client id may
/// mean it.
fn nameless(application: &Application, client_id: ClientId) -> Why {
    let (stated, rules) = (&application.stated, Keys::of(&application.stated).rules);
    let mut why = Why::default();
    for StatedRule { place, consumer, client_id: known } in &stated.rules {
        match (consumer, known) {
            (Consumer::Application(name), None) => {
                let ground = format!("The rule for {name} grants nothing: no client id is known.");
                why.grounds.push(Ground::at(ground, place));
                let what = format!(
                    "If {name} is the caller: the rule is there, its client id is not. Add its \
                     AzureAdApplication, or this to a file of applications.pre_authorized:"
                );
                let remedy = Remedy::new(By::Operator, what).at([place]);
                why.remedies.push(remedy.text(entry(name, client_id)));
            }
            (Consumer::Anyone, _) => {
                let ground = "A rule with * opens the network and grants no token.";
                why.grounds.push(Ground::at(ground, place));
            }
            (Consumer::Application(_), Some(_)) => {}
        }
    }
    let ground = format!("No document has the client id {client_id}, and no rule grants it.");
    why.grounds.push(Ground::at(ground, behind_the_rules(stated)));
    let what = format!(
        "Find out which application has the client id {client_id}, let its AzureAdApplication be \
         read, and add a rule for it to {rules} of {}:",
        short(&application.id)
    );
    let remedy = Remedy::new(By::Team, what).at([behind_the_rules(stated)]);
    why.remedies.push(remedy.text("- application: <application>\n  namespace: <namespace>"));
    why
}

/// A rule as the application's document would have it: what is its own is left out.
fn rule_for(consumer: &ApplicationId, protected: &ApplicationId) -> String {
    let mut rule = format!("- application: {}", consumer.name());
    if consumer.namespace() != protected.namespace() {
        rule += &format!("\n  namespace: {}", consumer.namespace());
    }
    if consumer.cluster() != protected.cluster() {
        rule += &format!("\n  cluster: {}", consumer.cluster());
    }
    rule
}

fn entry(name: &ApplicationId, client_id: ClientId) -> String {
    format!("[{{\"name\": \"{name}\", \"clientId\": \"{client_id}\"}}]")
}

/// `role_missing`.
pub fn role(situation: &Situation<'_>) -> Why {
    let role = &situation.settings.requirements.role;
    let (api, client_id) = (api(situation), client_id(situation));
    let ground =
        format!("Every application's token must carry the role {role} (entra.required_role).");
    let what = format!(
        "Have the role {role} of {api} assigned to {client_id} in Entra ID. NAIS does so for every \
         rule whose consumer is registered: see status.preAuthorizedApps of its AzureAdApplication. \
         The caller then needs a new token, which carries:"
    );
    let remedies = vec![Remedy::new(By::Operator, what).text(format!("\"roles\": [\"{role}\"]"))];
    Why { grounds: vec![Ground::new(ground)], remedies }
}

/// `scope_missing`.
pub fn scope(situation: &Situation<'_>) -> Why {
    let scope = &situation.settings.requirements.scope;
    let ground = format!(
        "A user's token through another application must carry the scope {scope} \
         (entra.required_scope)."
    );
    let what = "Ask for the user's token with this scope:";
    let wanted = situation.application().map_or_else(|| scope.clone(), |api| scope_of(api, scope));
    let remedies = vec![
        Remedy::new(By::Caller, what).text(format!("scope={wanted}")),
        Remedy::new(
            By::Operator,
            format!(
                "Or, if it asks for that already, see that {} is granted this scope of {} in Entra ID, which NAIS does for every rule.",
                client_id(situation),
                api(situation)
            ),
        ),
    ];
    Why { grounds: vec![Ground::new(ground)], remedies }
}

/// `user_not_granted`.
pub fn user(situation: &Situation<'_>) -> Why {
    let Some(application) = situation.application() else {
        let what = "Let the user become a member of a group that the API lists.";
        return vec![Remedy::new(By::Operator, what)].into();
    };
    let (stated, keys) = (&application.stated, Keys::of(&application.stated));
    let (place, api) = (behind_the_groups(stated), short(&application.id));
    let of_user: Vec<_> =
        situation.outcome.caller.iter().flat_map(Caller::groups).map(|id| id.to_string()).collect();
    let ground = match (stated.groups.len(), of_user.len()) {
        (0, _) => format!("{} of {api} lists no group, and not all users are let in.", keys.groups),
        (_, 0) => "The token lists no group of the user.".to_owned(),
        (listed, count) => format!(
            "Groups that {api} lists: {listed}; groups of the user: {count}; none is the same."
        ),
    };
    let group = of_user.first().map_or("<group's object id>", String::as_str);
    let add = format!("Add one of the user's groups to {} of {api}, for instance:", keys.groups);
    let mut remedies = vec![Remedy::new(By::Team, add).at([place]).text(format!("- id: {group}"))];
    if !stated.groups.is_empty() {
        let what = "Make the user a direct member of one of these groups, and have a new token \
                    fetched:";
        let groups: Vec<_> = stated.groups.iter().map(|group| group.value.to_string()).collect();
        let places = stated.groups.iter().map(|group| &group.place);
        remedies.push(Remedy::new(By::Operator, what).at(places).text(groups.join("\n")));
    }
    let what = format!("Let every user in, by {} of {api}:", keys.everyone);
    remedies.push(Remedy::new(By::Team, what).at([&stated.place]).text("allowAllUsers: true"));
    Why { grounds: vec![Ground::at(ground, place)], remedies }
}

/// `groups_overage`.
pub fn groups_overage(situation: &Situation<'_>) -> Why {
    let groups = "Assign the groups to the API's registration (\"groupMembershipClaims\": \
                  \"ApplicationGroup\"), so that tokens list no others, and get a new token:";
    let graph = "Or have groups looked up in Microsoft Graph:";
    let mut why = Why::from(vec![
        Remedy::new(By::Team, groups).text("\"groupMembershipClaims\": \"ApplicationGroup\""),
        Remedy::new(By::Operator, graph).text("entra:\n  graph: {enabled: true}"),
    ]);
    if let Some(application) = situation.application() {
        let groups = &application.stated.groups;
        let ground = format!(
            "The user has more groups than a token lists; {} lets members of {} in.",
            short(&application.id),
            groups.len()
        );
        let at = groups.iter().map(|group| group.place.clone()).collect();
        why.grounds.push(Ground { what: ground, at });
    }
    why
}

/// `groups_unavailable`.
pub fn groups_unavailable() -> Why {
    let what = "Let Portvakt reach Microsoft Graph with its credentials: see \
                portvakt_graph_requests_total and the log's \"a user's groups could not be looked \
                up\".";
    vec![Remedy::new(By::Caller, "Try again."), Remedy::new(By::Operator, what)].into()
}

/// `workload_mismatch`.
pub fn workload(situation: &Situation<'_>) -> Why {
    let presenter = situation.input(Step::Workload, "presented by").unwrap_or("another workload");
    let owner = situation.outcome.consumer.as_ref().map_or("another".to_owned(), short);
    let ground = format!("{presenter} presents a token of {owner} (mesh.bind_tokens: enforce).");
    let remedies = vec![
        Remedy::new(
            By::Caller,
            format!(
                "Present only tokens that {presenter} got for itself; a token of {owner} elsewhere may be a stolen one."
            ),
        ),
        Remedy::new(
            By::Operator,
            "Or have such tokens reported and not refused; a gateway belongs into target.gateways:",
        )
        .text("mesh: {bind_tokens: report}"),
    ];
    Why { grounds: vec![Ground::new(ground)], remedies }
}

fn api(situation: &Situation<'_>) -> String {
    situation.application().map_or_else(|| "the API".to_owned(), |api| short(&api.id))
}

/// The calling application, by name and client id as far as they are known.
fn client_id(situation: &Situation<'_>) -> String {
    let name = situation.outcome.consumer.as_ref().map(short);
    let client_id = situation.outcome.caller.as_ref().map(|caller| caller.client_id.to_string());
    match (name, client_id) {
        (Some(name), Some(client_id)) => format!("{name} (client id {client_id})"),
        (None, Some(client_id)) => format!("the client id {client_id}"),
        (_, None) => "the calling application".to_owned(),
    }
}
