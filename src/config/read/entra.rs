//! `entra`.

use url::Url;

use super::{
    super::{Entra, KeySource, Keys, Proxy, Tenant, document::check_members},
    values::{Values, secure_url},
};
use crate::{
    finding::{Code, Place},
    identifiers::TenantId,
    yaml::{Node, Reader},
};

const WELL_KNOWN_SUFFIX: &str = "/.well-known/openid-configuration";

/// `None` where no tenant can be used. `own` is that of the NAIS variables.
pub fn read(values: &mut Values<'_>, own: Option<Tenant>) -> Option<Entra> {
    let tenants = tenants(values, own);
    let proxy = proxy(values);
    let entra = Entra {
        tenants: tenants?,
        required_role: text(values, "entra.required_role", "access_as_application"),
        required_scope: text(values, "entra.required_scope", "defaultaccess"),
        max_token_lifetime: values.duration("entra.max_token_lifetime", "5m", "29h", "24h"),
        accept_v1_tokens: values.boolean("entra.accept_v1_tokens", false),
        proxy: proxy.unwrap_or(Proxy::Environment),
        keys: keys(values),
    };
    Some(entra)
}

fn text(values: &mut Values<'_>, path: &str, default: &str) -> String {
    values.text(path).unwrap_or(default).to_owned()
}

fn keys(values: &mut Values<'_>) -> Keys {
    let keys = Keys {
        refresh_interval: values.duration("entra.keys.refresh_interval", "1s", "24h", "1h"),
        cooldown: values.duration("entra.keys.cooldown", "1s", "1h", "60s"),
        max_age: values.duration("entra.keys.max_age", "1s", "7days", "24h"),
    };
    if keys.max_age <= keys.refresh_interval {
        values.invalid("entra.keys.max_age", "must be longer than entra.keys.refresh_interval");
    }
    keys
}

fn tenants(values: &mut Values<'_>, own: Option<Tenant>) -> Option<Vec<Tenant>> {
    const PATH: &str = "entra.tenants";
    let elements = values.elements(PATH);
    if elements.is_empty() {
        if own.is_none() {
            values.missing(PATH, "State the issuers whose tokens count, for instance by well_known_url, or set AZURE_APP_WELL_KNOWN_URL together with AZURE_APP_CLIENT_ID.");
        }
        return own.map(|own| vec![own]);
    }
    let mut tenants: Vec<Tenant> = Vec::new();
    for node in elements {
        let Some(tenant) = tenant(node, values.reader) else { continue };
        if tenants.iter().any(|other| other.id == tenant.id || is_same(&other.name, &tenant.name)) {
            let message = format!("{PATH} has the tenant {} or its name twice.", tenant.id);
            values.reader.error(&node.place, Code::InvalidValue, message);
        }
        tenants.push(tenant);
    }
    (!tenants.is_empty()).then_some(tenants)
}

fn is_same(one: &Option<String>, other: &Option<String>) -> bool {
    one.is_some() && one == other
}

fn tenant(node: &Node, reader: &mut Reader) -> Option<Tenant> {
    let members = reader.mapping(node, "entra.tenants[]")?;
    check_members(node, "entra.tenants[]", reader);
    let mark = reader.mark();
    let mut url =
        |name: &str| secure_url(members.get(name)?, &format!("entra.tenants[].{name}"), reader);
    let (well_known_url, jwks_uri) = (url("well_known_url"), url("jwks_uri"));
    let issuer = url("issuer").and_then(|_| match &members.get("issuer")?.value {
        // As it stands: `iss` is compared character by character.
        crate::yaml::Value::Text(text) => Some(text.clone()),
        _ => None,
    });
    let id = members.get("tenant_id").and_then(|id| reader.parsed(id, "entra.tenants[].tenant_id"));
    let name = members.get("name").and_then(|name| reader.text(name, "entra.tenants[].name"));
    if reader.has_errors_since(mark) {
        return None;
    }
    let stated = Stated { well_known_url, issuer, jwks_uri, id, name: name.map(str::to_owned) };
    stated.complete("entra.tenants[]: well_known_url", &node.place, reader)
}

/// What was stated of a tenant, in the file or in NAIS's variables.
pub struct Stated {
    pub well_known_url: Option<Url>,
    pub issuer: Option<String>,
    pub jwks_uri: Option<Url>,
    pub id: Option<TenantId>,
    pub name: Option<String>,
}

impl Stated {
    /// What is stated wins; the metadata document tells the rest.
    pub fn complete(self, what: &str, place: &Place, reader: &mut Reader) -> Option<Tenant> {
        let Self { well_known_url, issuer, jwks_uri, id, name } = self;
        let of_location = well_known_url
            .as_ref()
            .and_then(|url| url.as_str().strip_suffix(WELL_KNOWN_SUFFIX).map(str::to_owned));
        let id = id
            .or_else(|| issuer.as_deref().and_then(TenantId::in_path))
            .or_else(|| well_known_url.as_ref().and_then(|url| TenantId::in_path(url.as_str())));
        let Some(id) = id else {
            let message = "The tenant's id is missing: neither the issuer's path holds a GUID nor is tenant_id stated.";
            reader.error(place, Code::Missing, message);
            return None;
        };
        let of_issuer = issuer.as_deref().or(of_location.as_deref()).and_then(TenantId::in_path);
        if let Some(other) = of_issuer.filter(|other| *other != id) {
            let message = format!(
                "The issuer is that of the tenant {other}, but the tenant's id is {id}: no token could be both."
            );
            reader.error(place, Code::InvalidValue, message);
            return None;
        }
        let (issuer, key_source) = match (issuer, jwks_uri, well_known_url) {
            (Some(issuer), Some(jwks_uri), _) => (Some(issuer), KeySource::Stated { jwks_uri }),
            // OpenID Connect Discovery 1.0, section 4: the location is the issuer and a suffix.
            (None, Some(jwks_uri), Some(_)) if of_location.is_some() => {
                (of_location, KeySource::Stated { jwks_uri })
            }
            (issuer, None, Some(well_known_url)) => {
                (issuer, KeySource::Discovery { well_known_url })
            }
            _ => {
                let message = format!("{what} is missing, or both issuer and jwks_uri.");
                reader.error(place, Code::Missing, message);
                return None;
            }
        };
        Some(Tenant { id, name, issuer, key_source })
    }
}

/// The value is never printed: it may hold a password.
fn proxy(values: &mut Values<'_>) -> Option<Proxy> {
    let text = values.text("entra.proxy")?;
    match Url::parse(text) {
        Ok(url) if matches!(url.scheme(), "http" | "https") && url.has_host() => {
            Some(Proxy::Url(url))
        }
        _ => {
            values.invalid(
                "entra.proxy",
                "is no URL of a proxy, for instance http://webproxy.example:8088",
            );
            None
        }
    }
}
