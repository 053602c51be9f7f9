//! Who calls, as the verified claims of a token tell.

use std::sync::Arc;

use super::{Fact, FactValue};
use crate::{
    decision::{Denial, DenyReason},
    identifiers::{ApplicationId, ClientId, GroupId, Guid, TenantId, UserId},
    token::Claims,
};

/// A caller: an application on its own, or a user through an application.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The application that the token was issued to.
    pub client_id: ClientId,
    /// Its name in the documents; set by the policy that granted it.
    pub(super) application: Option<ApplicationId>,
    /// Those of the user's groups that the application lists; set by the policy.
    pub(super) listed_groups: Vec<GroupId>,
    /// Groups that the token does not list, as they were looked up.
    resolved_groups: Option<Arc<[GroupId]>>,
    kind: Kind,
    tenant: TenantId,
    claims: Arc<Claims>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Application,
    /// A person, known by the object id in the tenant; names and addresses change hands.
    User {
        object_id: Guid,
    },
}

impl Caller {
    /// Tells applications from users: `idtyp` is `app`, or there is an `scp`, and never both.
    ///
    /// # Errors
    /// `token_claims_invalid` for a token that claims to be both or neither, or that does not
    /// tell which application it was issued to, or which user it is about.
    pub fn from_claims(claims: Arc<Claims>, tenant: TenantId) -> Result<Self, Denial> {
        let is_application = claims.idtyp.as_deref() == Some("app");
        let is_user = claims.scp.as_deref().is_some_and(|scopes| !scopes.trim().is_empty());
        let guid = |claim: Option<&str>| claim.and_then(|text| Guid::from_token(text).ok());
        let kind = match (is_application, is_user) {
            (true, false) if claims.scp.is_none() => Kind::Application,
            (true, false) => return Err(invalid("The token of an application carries scp.")),
            (false, true) => {
                let object_id = guid(claims.oid.as_deref()).ok_or_else(|| {
                    invalid("The token does not tell which user it is about (oid).")
                })?;
                Kind::User { object_id }
            }
            (true, true) => {
                return Err(invalid(
                    "The token claims to be an application's (idtyp) and a user's (scp).",
                ));
            }
            (false, false) => return Err(of_nobody(&claims)),
        };
        let client_id = guid(claims.issued_to()).ok_or_else(|| {
            invalid("The token does not tell which application it was issued to (azp, or appid in a v1.0 token).")
        })?;
        Ok(Self {
            client_id,
            application: None,
            listed_groups: Vec::new(),
            resolved_groups: None,
            kind,
            tenant,
            claims,
        })
    }

    /// Whether it is an application on its own.
    pub fn is_application(&self) -> bool {
        self.kind == Kind::Application
    }

    /// `application` or `user`.
    pub fn kind(&self) -> &'static str {
        match self.kind {
            Kind::Application => "application",
            Kind::User { .. } => "user",
        }
    }

    /// The name of the calling application in the documents, once the policy has granted it.
    pub fn application(&self) -> Option<&ApplicationId> {
        self.application.as_ref()
    }

    /// The roles of the token; an application's alone mean anything.
    pub fn has_role(&self, wanted: &str) -> bool {
        self.claims.roles.iter().flatten().any(|role| role == wanted)
    }

    /// Whether the user's token carries a scope.
    pub fn has_scope(&self, wanted: &str) -> bool {
        self.scopes().any(|scope| scope == wanted)
    }

    /// The groups that the token lists, or that were looked up in its stead.
    pub fn groups(&self) -> &[GroupId] {
        self.claims.groups.as_deref().or(self.resolved_groups.as_deref()).unwrap_or_default()
    }

    /// Whether the user has too many groups for the token to list, and they are not known yet.
    pub fn has_groups_overage(&self) -> bool {
        self.claims.groups.is_none()
            && self.resolved_groups.is_none()
            && self.claims.has_groups_overage()
    }

    /// The caller with groups that were looked up. Where the token lists groups, those alone count.
    pub fn with_resolved_groups(mut self, groups: Arc<[GroupId]>) -> Self {
        if self.has_groups_overage() {
            self.resolved_groups = Some(groups);
        }
        self
    }

    /// The tenant and the object id of a user, which together are a person; `None` for an
    /// application.
    pub fn user(&self) -> Option<(TenantId, UserId)> {
        match self.kind {
            Kind::User { object_id } => Some((self.tenant, object_id)),
            Kind::Application => None,
        }
    }

    /// The tenant whose issuer signed the token.
    pub fn tenant(&self) -> TenantId {
        self.tenant
    }

    /// The roles of the token, as they stand there.
    pub fn roles(&self) -> &[String] {
        self.claims.roles.as_deref().unwrap_or_default()
    }

    /// The scopes of the token, separated by blanks; empty for an application.
    pub fn scope(&self) -> &str {
        self.claims.scp.as_deref().unwrap_or_default()
    }

    /// Those of the user's groups that the application lists, once the policy has let it in.
    pub fn listed_groups(&self) -> &[GroupId] {
        &self.listed_groups
    }

    /// What a fact says of this caller.
    pub fn fact(&self, fact: Fact) -> FactValue<'_> {
        let claims = &self.claims;
        let value = match fact {
            Fact::Kind => FactValue::Text(self.kind()),
            Fact::Application => text(self.application.as_ref().map(ApplicationId::as_str)),
            Fact::ClientId => FactValue::Id(self.client_id),
            Fact::ObjectId => match self.kind {
                Kind::User { object_id } => FactValue::Id(object_id),
                Kind::Application => text(claims.oid.as_deref()),
            },
            Fact::Subject => text(claims.sub.as_deref()),
            Fact::TenantId => FactValue::Id(self.tenant),
            Fact::Roles => FactValue::Texts(self.roles()),
            Fact::Scopes => FactValue::Words(self.scope()),
            Fact::Groups => FactValue::Ids(&self.listed_groups),
            Fact::Name => self.of_user(claims.name.as_deref()),
            Fact::Username => self.of_user(claims.preferred_username.as_deref()),
            Fact::NavIdent => self.of_user(claims.nav_ident.as_deref()),
        };
        value.or_absent()
    }

    fn of_user<'a>(&self, value: Option<&'a str>) -> FactValue<'a> {
        match self.kind {
            Kind::User { .. } => text(value),
            Kind::Application => FactValue::Absent,
        }
    }

    fn scopes(&self) -> impl Iterator<Item = &str> {
        self.scope().split_ascii_whitespace()
    }
}

fn text(value: Option<&str>) -> FactValue<'_> {
    value.map_or(FactValue::Absent, FactValue::Text)
}

/// A token that is neither an application's nor a user's. Every access token tells to which
/// application it was issued; an identity token, which is for that application itself, does not.
fn of_nobody(claims: &Claims) -> Denial {
    invalid(match claims.issued_to() {
        Some(_) => {
            "The token has neither idtyp nor scp. The application's registration most likely lacks the optional claim idtyp for access tokens."
        }
        None => {
            "The token has none of azp, idtyp and scp: it is most likely an identity token. An access token is needed."
        }
    })
}

fn invalid(detail: &'static str) -> Denial {
    Denial::new(DenyReason::TokenClaimsInvalid, detail)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const ID: &str = "4c6e8a0b-1f37-4d52-9b84-6e2d0f5a7c91";
    const OTHER: &str = "8b1d4f7a-2e95-4c30-b6d8-7f0a3c5e9b12";

    fn caller(claims: &Value) -> Result<Caller, Denial> {
        let claims = Claims::read(claims.to_string().as_bytes())?;
        Caller::from_claims(Arc::new(claims), ID.parse().unwrap())
    }

    fn detail(claims: &Value) -> String {
        let denial = caller(claims).unwrap_err();
        assert_eq!(denial.reason, DenyReason::TokenClaimsInvalid);
        denial.detail.into_owned()
    }

    #[test]
    fn an_identity_token_is_refused_with_a_word_about_what_it_is() {
        let identity = json!({
            "aud": ID, "sub": "pairwise", "oid": ID, "nonce": "n", "name": "Bjørn", "ver": "2.0",
            "preferred_username": "bjorn@example.com", "rh": "0.", "uti": "u",
        });
        assert!(detail(&identity).contains("most likely an identity token"));
        let without_idtyp = json!({"azp": ID, "roles": ["access_as_application"]});
        assert!(detail(&without_idtyp).contains("lacks the optional claim idtyp"));
    }

    #[test]
    fn a_user_is_known_by_an_object_id_and_by_nothing_else() {
        let user = json!({"azp": ID, "scp": "defaultaccess", "oid": OTHER});
        assert_eq!(
            caller(&user).unwrap().fact(Fact::ObjectId),
            FactValue::Id(OTHER.parse().unwrap())
        );
        for oid in [json!("bjorn@example.com"), json!(""), json!(7), Value::Null] {
            let mut user = user.clone();
            user["oid"] = oid.clone();
            assert_eq!(caller(&user).unwrap_err().reason, DenyReason::TokenClaimsInvalid, "{oid}");
        }
        let nameless = json!({
            "azp": ID, "scp": "defaultaccess", "sub": OTHER, "email": "bjorn@example.com",
            "upn": "bjorn@example.com", "preferred_username": "bjorn@example.com", "name": "Bjørn",
        });
        assert!(detail(&nameless).contains("oid"));
    }

    #[test]
    fn the_consumer_is_that_of_the_tokens_version() {
        for (claims, expected) in [
            (json!({"idtyp": "app", "azp": ID, "appid": OTHER}), Some(ID)),
            (json!({"idtyp": "app", "ver": "2.0", "azp": ID}), Some(ID)),
            (json!({"idtyp": "app", "ver": "2.0", "appid": ID}), None),
            (json!({"idtyp": "app", "ver": "1.0", "appid": ID, "azp": OTHER}), Some(ID)),
            (json!({"idtyp": "app", "ver": "1.0", "azp": ID}), None),
            (json!({"scp": "x", "oid": ID, "ver": "1.0", "appid": OTHER}), Some(OTHER)),
            (json!({"idtyp": "app", "azp": "no guid"}), None),
        ] {
            let found = caller(&claims).ok().map(|caller| caller.client_id.to_string());
            assert_eq!(found.as_deref(), expected, "{claims}");
        }
    }
}
