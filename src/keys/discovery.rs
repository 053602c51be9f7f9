//! The metadata document of an issuer (OpenID Connect Discovery 1.0, section 3).

use serde::Deserialize;
use url::Url;

use crate::identifiers::TenantId;

/// OpenID Connect Discovery 1.0, section 4: the location is the issuer and this.
const LOCATION_SUFFIX: &str = "/.well-known/openid-configuration";

/// The part of the metadata document that matters here.
#[derive(Debug, PartialEq, Eq)]
pub struct Metadata {
    pub issuer: String,
    pub jwks_uri: Url,
}

/// A metadata document that must not be believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MetadataError {
    #[error("the metadata document is not JSON with an issuer and a jwks_uri")]
    Unreadable,
    #[error(
        "the metadata document's issuer is {found}, but by the configuration it is {expected}; state the issuer if that is right"
    )]
    OtherIssuer { found: String, expected: String },
    #[error("the metadata document's issuer {found} is that of another tenant than {expected}")]
    OtherTenant { found: String, expected: TenantId },
    #[error(
        "the metadata document's jwks_uri {0} is not at its own host; state issuer and jwks_uri in the configuration if that is right"
    )]
    OtherHost(Url),
    #[error(
        "the metadata document's issuer {0} is a template; use the metadata document of one tenant"
    )]
    Template(String),
}

impl Metadata {
    /// Reads the document of a tenant, found at `location`.
    ///
    /// Its issuer must be the one stated, or else the location without its suffix, and no other
    /// tenant's. The keys must be at the host of the document, with the same scheme, so that
    /// whoever can change one answer cannot point to keys elsewhere.
    ///
    /// # Errors
    /// See [`MetadataError`].
    pub fn parse(
        text: &[u8],
        location: &Url,
        stated_issuer: Option<&str>,
        tenant: TenantId,
    ) -> Result<Self, MetadataError> {
        #[derive(Deserialize)]
        struct Document {
            issuer: String,
            jwks_uri: Url,
        }

        let Document { issuer, jwks_uri } =
            serde_json::from_slice(text).map_err(|_| MetadataError::Unreadable)?;
        if stated_issuer.is_none() && issuer.contains('{') {
            return Err(MetadataError::Template(issuer));
        }
        let location_text = location.as_str();
        let expected = stated_issuer.unwrap_or_else(|| {
            location_text.strip_suffix(LOCATION_SUFFIX).unwrap_or(location_text)
        });
        if issuer != expected {
            let expected = expected.to_owned();
            return Err(MetadataError::OtherIssuer { found: issuer, expected });
        }
        if TenantId::in_path(&issuer).is_some_and(|id| id != tenant) {
            return Err(MetadataError::OtherTenant { found: issuer, expected: tenant });
        }
        match jwks_uri.origin() == location.origin() {
            true => Ok(Self { issuer, jwks_uri }),
            false => Err(MetadataError::OtherHost(jwks_uri)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOME: &str = "https://login.example/7d5b2c3e-9f14-4b8a-a6d0-52e1c8f73a94/v2.0";

    fn parse(text: &str, stated: Option<&str>) -> Result<Metadata, MetadataError> {
        let location = format!("{HOME}{LOCATION_SUFFIX}").parse().unwrap();
        let tenant = "7d5b2c3e-9f14-4b8a-a6d0-52e1c8f73a94".parse().unwrap();
        Metadata::parse(text.as_bytes(), &location, stated, tenant)
    }

    fn document(issuer: &str, jwks_uri: &str) -> String {
        format!(r#"{{"issuer":"{issuer}","jwks_uri":"{jwks_uri}","x":1}}"#)
    }

    #[test]
    fn a_document_that_stays_at_home_is_believed() {
        let named = "https://login.example/home/v2.0";
        for (issuer, stated) in [(HOME, None), (HOME, Some(HOME)), (named, Some(named))] {
            let text = document(issuer, "https://login.example/t/keys");
            let metadata = parse(&text, stated).unwrap();
            assert_eq!(metadata.issuer, issuer);
            assert_eq!(metadata.jwks_uri.as_str(), "https://login.example/t/keys");
        }
    }

    #[test]
    fn an_issuer_that_is_not_its_location_or_that_of_another_tenant_is_not_believed() {
        let other = "https://login.example/2f6c8a1b-3d5e-4f70-8b92-c4d6e8f0a1b3/v2.0";
        let slash = format!("{HOME}/");
        for (issuer, stated, expected) in [
            (other, None, "OtherIssuer"),
            (&slash, None, "OtherIssuer"),
            ("https://login.example/v2.0", None, "OtherIssuer"),
            ("https://evil.example/v2.0", None, "OtherIssuer"),
            ("login.example", None, "OtherIssuer"),
            (&HOME.to_uppercase(), None, "OtherIssuer"),
            (HOME, Some(other), "OtherIssuer"),
            ("https://login.example/{tenantid}/v2.0", None, "Template"),
            (other, Some(other), "OtherTenant"),
        ] {
            let error = parse(&document(issuer, "https://login.example/keys"), stated).unwrap_err();
            assert!(format!("{error:?}").starts_with(expected), "{issuer}: {error:?}");
        }
    }

    #[test]
    fn keys_at_another_place_are_not_believed() {
        for jwks_uri in [
            "https://evil.example/keys",
            "http://login.example/keys",
            "https://login.example:444/keys",
            "https://login.example@evil.example/keys",
        ] {
            let error = parse(&document(HOME, jwks_uri), None).unwrap_err();
            assert!(matches!(error, MetadataError::OtherHost(_)), "{jwks_uri}: {error}");
        }
    }

    #[test]
    fn what_is_no_metadata_document_is_not_read() {
        let relative = document(HOME, "keys");
        for text in [
            "",
            "[]",
            "{}",
            "<html>",
            &relative,
            r#"{"issuer":7,"jwks_uri":"https://login.example/k"}"#,
        ] {
            assert_eq!(parse(text, None), Err(MetadataError::Unreadable), "{text}");
        }
    }
}
