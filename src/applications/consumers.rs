//! Further consumers, in the shape of `AZURE_APP_PRE_AUTHORIZED_APPS`.

use super::{document::Located, findings::Capped, shelf::Text};
use crate::{
    config::PreAuthorized,
    finding::{Code, Finding},
    yaml::{self, Node, Reader},
};

/// What a file of further consumers says.
#[derive(Debug, Default)]
pub struct FurtherConsumers {
    /// The last good version of the whole list.
    pub entries: Vec<Located<PreAuthorized>>,
    pub findings: Vec<Finding>,
}

impl FurtherConsumers {
    /// Reads a file; where it has an error, what it said before stays.
    pub fn read(Text { source, text, .. }: Text<'_>, earlier: Option<&Self>) -> Self {
        let mut reader = Reader::default();
        let mut entries = Vec::new();
        for document in yaml::stream(source, text) {
            match document.content {
                Ok(Some(node)) => entries.extend(read_pre_authorized(&node, &mut reader)),
                Ok(None) => {}
                Err(finding) => reader.add(finding),
            }
        }
        if reader.has_errors_since(0) {
            entries = earlier.map(|earlier| earlier.entries.clone()).unwrap_or_default();
        }
        let mut findings = Capped::default();
        findings.extend(reader.into_findings());
        Self { entries, findings: findings.into_findings() }
    }
}

/// Reads `[{"name": "cluster:namespace:application", "clientId": "…"}]`.
///
/// Entries that cannot be read are left out, each with an error.
pub fn read_pre_authorized(node: &Node, reader: &mut Reader) -> Vec<Located<PreAuthorized>> {
    let entries = reader.sequence(node, "The list of pre-authorized applications");
    let entries = entries.unwrap_or_default();
    entries.iter().filter_map(|entry| read_entry(entry, reader)).collect()
}

fn read_entry(node: &Node, reader: &mut Reader) -> Option<Located<PreAuthorized>> {
    let entry = reader.mapping(node, "A pre-authorized application")?;
    let (Some(name), Some(client_id)) = (entry.get("name"), entry.get("clientId")) else {
        let message = "A pre-authorized application must have name and clientId.";
        reader.error(entry.place, Code::Missing, message);
        return None;
    };
    let id = reader.parsed(name, "name");
    let client_id = reader.parsed(client_id, "clientId");
    let value = PreAuthorized { id: id?, client_id: client_id? };
    Some(Located { place: node.place.clone(), value })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Namespaces;

    const CLIENT_ID: &str = "381ce452-1d49-49df-9e7e-990ef0328d6c";

    fn read(text: &str, earlier: Option<&FurtherConsumers>) -> FurtherConsumers {
        let (source, namespaces) = (&"apps.json".into(), &Namespaces::Any);
        FurtherConsumers::read(Text { source, namespaces, text }, earlier)
    }

    fn good() -> FurtherConsumers {
        read(&format!(r#"[{{"name": "dev:team:app-a", "clientId": "{CLIENT_ID}"}}]"#), None)
    }

    #[test]
    fn a_list_is_read() {
        let FurtherConsumers { entries, findings } = good();
        assert!(findings.is_empty(), "{findings:?}");
        assert_eq!(entries.len(), 1);
        assert_eq!(entries[0].value.id.as_str(), "dev:team:app-a");
        assert_eq!(entries[0].value.client_id.to_string(), CLIENT_ID);
    }

    #[test]
    fn a_list_with_an_error_leaves_the_earlier_one_in_force() {
        for (text, finding) in [
            ("{}", "apps.json:1:1: error: wrong_type"),
            ("[{\"name\": \"dev:team:app\"}]", "apps.json:1:2: error: missing"),
            (
                "[\n {\"name\": \"app\", \"clientId\": \"x\"}]",
                "apps.json:2:11: error: invalid_value",
            ),
            ("[{\"name\": \"dev:tea", "apps.json:1:"),
            ("[7]", "apps.json:1:2: error: wrong_type"),
        ] {
            let broken = read(text, Some(&good()));
            assert_eq!(broken.entries, good().entries, "{text}");
            assert!(broken.findings[0].to_string().starts_with(finding), "{:?}", broken.findings);
            assert!(read(text, None).entries.is_empty(), "{text}");
        }
    }

    #[test]
    fn every_error_of_a_list_is_found() {
        let text = r#"[{"name": "a", "clientId": "b"}, 1, {"clientId": "c"}]"#;
        assert_eq!(read(text, None).findings.len(), 4);
    }
}
