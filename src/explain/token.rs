//! Remedies for credentials and tokens: most are the caller's.

use super::{
    situation::{Situation, short},
    why::{By, Remedy, Why},
};
use crate::{applications::Application, decision::Step, target::PathPattern};

/// `token_missing`.
pub fn missing(situation: &Situation<'_>) -> Why {
    let what = "Send a token of Entra ID as `Authorization: Bearer <token>`.";
    let mut remedies = vec![new_token(situation, what)];
    let path = situation.request.path.split(['?', '#']).next().unwrap_or_default();
    // Others could not be listed there: they are not the same path to all servers.
    if let Ok(path) = PathPattern::literal(path) {
        let what = "Or, if the path is meant for everybody, list it in the configuration:";
        let text = format!("unauthenticated_paths:\n  - {path}");
        remedies.push(Remedy::new(By::Operator, what).text(text));
    }
    remedies.into()
}

/// `credentials_malformed`.
pub fn credentials() -> Why {
    vec![
        Remedy::new(By::Caller, "Send exactly one Authorization header: the word Bearer, one space, and the token as it was received, of 16 KiB at most:")
            .text("Authorization: Bearer <token>"),
        Remedy::new(By::Operator, "Look for a proxy that adds a second Authorization header."),
    ]
    .into()
}

/// `token_malformed`.
pub fn malformed(situation: &Situation<'_>) -> Why {
    vec![new_token(situation, "Send the access token whole and unchanged, as it was received.")]
        .into()
}

/// `token_algorithm_rejected`.
pub fn algorithm(situation: &Situation<'_>) -> Why {
    vec![new_token(situation, "Use a token that Entra ID issued: it signs with RS256.")].into()
}

/// `token_kind_rejected`.
pub fn kind(situation: &Situation<'_>) -> Why {
    vec![new_token(situation, "Use an access token for this API: not one for Microsoft Graph, not an encrypted one, not one that is bound to a key.")].into()
}

/// `token_key_unknown`.
pub fn key_unknown(situation: &Situation<'_>) -> Why {
    let what = "Or compare the tenant in the configuration (entra.tenants) and of the application's \
                document with that of the caller.";
    let new = "Use a token of the application's own tenant, not older than the issuer's keys.";
    vec![new_token(situation, new), Remedy::new(By::Operator, what)].into()
}

/// `keys_unavailable`.
pub fn keys_unavailable() -> Why {
    let what = "Let Portvakt reach the issuer: see portvakt_jwks_refreshes_total and the log, the \
                proxy (entra.proxy, HTTPS_PROXY) and network policies.";
    vec![Remedy::new(By::Operator, what)].into()
}

/// `token_signature_invalid`.
pub fn signature(situation: &Situation<'_>) -> Why {
    vec![new_token(
        situation,
        "Send the token unchanged: it was altered, or is not from its issuer.",
    )]
    .into()
}

/// `token_issuer_rejected`.
pub fn issuer(situation: &Situation<'_>) -> Why {
    let mut remedies =
        vec![new_token(situation, "Get the token from the tenant of the application.")];
    if let Some(application) = situation.application() {
        let what = format!(
            "Or, if {} belongs to the tenant of that token, say so in its document (it must be \
             among entra.tenants):",
            short(&application.id)
        );
        remedies.push(
            Remedy::new(By::Team, what)
                .at([&application.stated.place])
                .text("spec:\n  azure:\n    application:\n      tenant: <tenant>"),
        );
    }
    remedies.into()
}

/// `token_audience_rejected`.
pub fn audience(situation: &Situation<'_>) -> Why {
    vec![new_token(situation, "Ask for a token for this API: the one sent is for another.")].into()
}

/// `token_expired`.
pub fn expired(situation: &Situation<'_>) -> Why {
    let what = match situation.input(Step::Claims, "exp") {
        Some(exp) => format!(
            "Get a new token: the one sent ended at {exp}. Keep no token longer than it lives."
        ),
        None => "Get a new token, and keep none longer than it lives.".to_owned(),
    };
    vec![new_token(situation, &what)].into()
}

/// `token_not_yet_valid`.
pub fn not_yet_valid(situation: &Situation<'_>) -> Why {
    let begins = ["nbf", "iat"].iter().find_map(|claim| situation.input(Step::Claims, claim));
    let what = begins.map_or_else(
        || "Wait until the token's time has begun.".to_owned(),
        |begins| format!("Wait until the token's time has begun: {begins}."),
    );
    let clocks = "Compare the clocks of the issuer and of this machine; 60 seconds are tolerated.";
    vec![Remedy::new(By::Caller, what), Remedy::new(By::Operator, clocks)].into()
}

/// `token_version_rejected`.
pub fn version(situation: &Situation<'_>) -> Why {
    let place = situation.application().map(|application| &application.stated.place);
    vec![
        Remedy::new(
            By::Team,
            "Have the API's registration in Entra ID ask for v2.0 tokens, and get a new one:",
        )
        .text("\"requestedAccessTokenVersion\": 2"),
        Remedy::new(
            By::Team,
            "Or let the application take v1.0 tokens, by an annotation of its document:",
        )
        .at(place)
        .text("metadata:\n  annotations:\n    portvakt.dev/accept-v1-tokens: \"true\""),
    ]
    .into()
}

/// `token_claims_invalid`: the claims of no access token, or those of nobody in particular.
pub fn claims(situation: &Situation<'_>) -> Why {
    let new = "Send an access token as Entra ID issues it, not an identity token; the detail names \
               the claim.";
    let mut remedies = vec![new_token(situation, new)];
    let tells_nobody = situation.input(Step::Claims, "idtyp").is_none()
        && situation.input(Step::Claims, "scp").is_none();
    if situation.last_step() == Some(Step::Caller) && tells_nobody {
        let what = "Add the optional claim idtyp for access tokens to the API's registration in \
                    Entra ID; without it no application's own token can be told from a user's:";
        let text = "\"optionalClaims\": {\"accessToken\": [{\"name\": \"idtyp\"}]}";
        remedies.push(Remedy::new(By::Team, what).text(text));
    }
    remedies.into()
}

/// What the caller has to do, with what a good token is for and from whom it comes.
pub fn new_token(situation: &Situation<'_>, what: &str) -> Remedy {
    let Some(application) = situation.application() else {
        return Remedy::new(By::Caller, what);
    };
    let Some((client_id, tenant)) = situation.registration() else {
        return Remedy::new(By::Caller, what);
    };
    let issuer = match situation.input(Step::Claims, "expected iss") {
        Some(issuer) => format!("issuer    {issuer}"),
        None => format!("tenant    {tenant}"),
    };
    let scope = scope(application, ".default");
    let text = format!("audience  {client_id}\n{issuer}\nscope     {scope}");
    Remedy::new(By::Caller, format!("{what} A good token is one for:")).text(text)
}

/// What a caller asks Entra ID for, as NAIS names the scopes of an application.
pub fn scope(application: &Application, scope: &str) -> String {
    let id = &application.id;
    format!("api://{}.{}.{}/{scope}", id.cluster(), id.namespace(), id.name())
}
