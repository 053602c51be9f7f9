//! One object as the API server sends it.

use std::borrow::Cow;

use kube::{
    Resource,
    api::{ApiResource, ObjectMeta},
    core::DynamicResourceScope,
};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// An object whose content may be anything: one that makes no sense must not spoil the list that
/// it stands in.
#[derive(Debug, Clone)]
pub struct Object {
    /// What the watch needs of it.
    metadata: ObjectMeta,
    pub content: Value,
}

impl Object {
    /// Namespace and name, as far as it has them.
    pub fn name(&self) -> Name {
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        Name { namespace: text(&self.metadata.namespace), name: text(&self.metadata.name) }
    }

    /// Another one where an object was deleted and made anew under its name.
    pub fn uid(&self) -> Option<&str> {
        self.metadata.uid.as_deref()
    }

    /// Changes with every change of the object.
    pub fn version(&self) -> Option<&str> {
        self.metadata.resource_version.as_deref()
    }
}

/// What an object is called among those of its kind.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name {
    pub namespace: String,
    pub name: String,
}

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut content = Value::deserialize(deserializer)?;
        // Who changed which field when is half of an object, and nobody's business here.
        if let Some(Value::Object(metadata)) = content.get_mut("metadata") {
            metadata.remove("managedFields");
        }
        let stated = content.get("metadata");
        let text = |key: &str| stated?.get(key)?.as_str().map(str::to_owned);
        let metadata = ObjectMeta {
            name: text("name"),
            namespace: text("namespace"),
            resource_version: text("resourceVersion"),
            uid: text("uid"),
            ..ObjectMeta::default()
        };
        Ok(Self { metadata, content })
    }
}

impl Resource for Object {
    type DynamicType = ApiResource;
    type Scope = DynamicResourceScope;

    fn kind(resource: &ApiResource) -> Cow<'_, str> {
        resource.kind.as_str().into()
    }

    fn group(resource: &ApiResource) -> Cow<'_, str> {
        resource.group.as_str().into()
    }

    fn version(resource: &ApiResource) -> Cow<'_, str> {
        resource.version.as_str().into()
    }

    fn plural(resource: &ApiResource) -> Cow<'_, str> {
        resource.plural.as_str().into()
    }

    fn meta(&self) -> &ObjectMeta {
        &self.metadata
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        &mut self.metadata
    }
}
