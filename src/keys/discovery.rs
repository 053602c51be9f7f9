//! The metadata document of an issuer (OpenID Connect Discovery 1.0, section 3).

use serde::Deserialize;
use url::Url;

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
    #[error("the metadata document's issuer is {found}, but the configuration says {expected}")]
    OtherIssuer { found: String, expected: String },
    #[error(
        "the metadata document's {what} {url} is not at its own host; state issuer and jwks_uri in the configuration if that is right"
    )]
    OtherHost { what: &'static str, url: String },
    #[error(
        "the metadata document's issuer {0} is a template; use the metadata document of one tenant"
    )]
    Template(String),
}

impl Metadata {
    /// Reads the document found at `location`.
    ///
    /// Issuer and keys must be at the host of the document, with the same scheme, so that whoever
    /// can change one answer cannot point to keys elsewhere.
    ///
    /// # Errors
    /// See [`MetadataError`].
    pub fn parse(
        text: &[u8],
        location: &Url,
        stated_issuer: Option<&str>,
    ) -> Result<Self, MetadataError> {
        #[derive(Deserialize)]
        struct Document {
            issuer: String,
            jwks_uri: Url,
        }

        let Document { issuer, jwks_uri } =
            serde_json::from_slice(text).map_err(|_| MetadataError::Unreadable)?;
        if let Some(expected) = stated_issuer {
            if expected != issuer {
                return Err(MetadataError::OtherIssuer {
                    found: issuer,
                    expected: expected.to_owned(),
                });
            }
        } else if issuer.contains('{') {
            return Err(MetadataError::Template(issuer));
        } else if !Url::parse(&issuer).is_ok_and(|url| url.origin() == location.origin()) {
            return Err(MetadataError::OtherHost { what: "issuer", url: issuer });
        }
        if jwks_uri.origin() != location.origin() {
            return Err(MetadataError::OtherHost { what: "jwks_uri", url: jwks_uri.into() });
        }
        Ok(Self { issuer, jwks_uri })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str, stated: Option<&str>) -> Result<Metadata, MetadataError> {
        let location =
            "https://login.example/t/v2.0/.well-known/openid-configuration".parse().unwrap();
        Metadata::parse(text.as_bytes(), &location, stated)
    }

    #[test]
    fn a_document_that_stays_at_home_is_believed() {
        let text = r#"{"issuer":"https://login.example/t/v2.0","jwks_uri":"https://login.example/t/keys","x":1}"#;
        for stated in [None, Some("https://login.example/t/v2.0")] {
            let metadata = parse(text, stated).unwrap();
            assert_eq!(metadata.issuer, "https://login.example/t/v2.0");
            assert_eq!(metadata.jwks_uri.as_str(), "https://login.example/t/keys");
        }
    }

    #[test]
    fn others_are_not() {
        let home = "https://login.example/t/v2.0";
        for (issuer, jwks_uri, stated) in [
            (home, "https://evil.example/keys", None),
            (home, "http://login.example/keys", None),
            (home, "https://login.example:444/keys", None),
            (home, "https://login.example@evil.example/keys", None),
            ("https://evil.example/t", "https://login.example/keys", None),
            ("login.example", "https://login.example/keys", None),
            ("https://login.example/{tenantid}/v2.0", "https://login.example/keys", None),
            (home, "https://login.example/keys", Some("https://login.example/other/v2.0")),
            (home, "keys", None),
        ] {
            let text = format!(r#"{{"issuer":"{issuer}","jwks_uri":"{jwks_uri}"}}"#);
            assert!(parse(&text, stated).is_err(), "{text}");
        }
        for text in
            ["", "[]", "{}", "<html>", r#"{"issuer":7,"jwks_uri":"https://login.example/k"}"#]
        {
            assert_eq!(parse(text, None), Err(MetadataError::Unreadable), "{text}");
        }
    }
}
