//! The two resources that say something about access.

use kube::api::{ApiResource, GroupVersionKind};

use crate::applications::document::Kind;

impl Kind {
    /// In the order of what is asked for.
    pub const ALL: [Self; 2] = [Self::Manifest, Self::Registration];

    /// The plural that URLs and roles have for it.
    pub fn plural(self) -> &'static str {
        match self {
            Self::Manifest => "applications",
            Self::Registration => "azureadapplications",
        }
    }

    /// What its CustomResourceDefinition is called.
    pub fn definition(self) -> String {
        format!("{}.nais.io", self.plural())
    }

    pub(super) fn resource(self) -> ApiResource {
        let (group, version) = self.api_version().split_once('/').unwrap_or_default();
        let kind = GroupVersionKind::gvk(group, version, self.as_str());
        ApiResource::from_gvk_with_plural(&kind, self.plural())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_are_found_where_nais_has_them() {
        let urls = Kind::ALL.map(|kind| {
            let resource = kind.resource();
            format!("{}/{} {}", resource.api_version, resource.plural, kind.definition())
        });
        assert_eq!(
            urls,
            [
                "nais.io/v1alpha1/applications applications.nais.io",
                "nais.io/v1/azureadapplications azureadapplications.nais.io"
            ]
        );
    }
}
