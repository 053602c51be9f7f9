//! One object as the API server sends it.

use std::borrow::Cow;

use kube::{
    Resource,
    api::{ApiResource, ObjectMeta},
    core::DynamicResourceScope,
};
use serde::{Deserialize, Deserializer};
use serde_json::{Value, value::RawValue};

/// As many bytes are read of an object: 4 MiB. Each may become a hundred while it is read.
const MOST: usize = 4 << 20;

/// An object whose content may be anything: one that makes no sense, or that is nested too deeply
/// to be read at all, must not spoil the list that it stands in.
#[derive(Debug, Clone)]
pub struct Object {
    /// What the watch needs of it.
    metadata: ObjectMeta,
    /// Read when it is needed: few objects of a list are different from what they were.
    text: Box<RawValue>,
}

/// Why an object says nothing.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    #[error("it is larger than 4 MiB")]
    TooLarge,
    #[error("{0}")]
    Json(#[from] serde_json::Error),
}

/// What every object has, whatever else it is.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Stated {
    metadata: Metadata,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Metadata {
    name: Option<String>,
    namespace: Option<String>,
    uid: Option<String>,
    resource_version: Option<String>,
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

    /// All of it.
    ///
    /// # Errors
    /// Where it is too large, has more than 127 levels, or a number that is none.
    pub fn content(&self) -> Result<Value, Unreadable> {
        if self.text.get().len() > MOST {
            return Err(Unreadable::TooLarge);
        }
        let mut content: Value = serde_json::from_str(self.text.get())?;
        // Who changed which field when is half of an object, and nobody's business here.
        if let Some(Value::Object(metadata)) = content.get_mut("metadata") {
            metadata.remove("managedFields");
        }
        Ok(content)
    }
}

/// What an object is called among those of its kind.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name {
    pub namespace: String,
    pub name: String,
}

impl<'de> Deserialize<'de> for Object {
    /// From JSON alone, and in a watch only where the type of the event comes before its object, as
    /// API servers have it.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Box::<RawValue>::deserialize(deserializer)?;
        // What else there is may be as deep as it likes: it is passed over without recursion.
        let stated = serde_json::from_str::<Stated>(text.get()).unwrap_or_default();
        let Metadata { name, namespace, uid, resource_version } = stated.metadata;
        let metadata =
            ObjectMeta { name, namespace, uid, resource_version, ..ObjectMeta::default() };
        Ok(Self { metadata, text })
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

#[cfg(test)]
mod tests {
    use kube::core::{ObjectList, WatchEvent};

    use super::*;

    /// An object of the name `a` with this specification.
    fn with(spec: &str) -> String {
        format!(
            r#"{{"spec": {spec}, "metadata": {{"managedFields": {spec}, "resourceVersion": "7",
                "name": "a", "namespace": "team", "uid": "u"}}}}"#
        )
    }

    /// So deep that no recursion comes to its ground.
    fn deep() -> String {
        const LEVELS: usize = 100_000;
        "[".repeat(LEVELS) + &"]".repeat(LEVELS)
    }

    #[test]
    fn of_an_object_that_cannot_be_read_name_and_version_are_known() {
        let large = format!("\"{}\"", "x".repeat(MOST));
        for (spec, why) in [
            (deep(), "recursion limit exceeded"),
            (large, "it is larger than 4 MiB"),
            ("1e999".to_owned(), "number out of range"),
            (r#""\ud800""#.to_owned(), "unexpected end of hex escape"),
        ] {
            let object: Object = serde_json::from_str(&with(&spec)).unwrap();
            let Name { namespace, name } = object.name();
            let known = [Some(&*namespace), Some(&*name), object.uid(), object.version()];
            assert_eq!(known, ["team", "a", "u", "7"].map(Some));
            let error = object.content().unwrap_err().to_string();
            assert!(error.starts_with(why), "{error}");
        }
    }

    #[test]
    fn an_object_that_cannot_be_read_spoils_neither_list_nor_event() {
        let deep = with(&deep());
        let list = format!(r#"{{"metadata": {{}}, "items": [{deep}, {{"spec": 7}}]}}"#);
        let list: ObjectList<Object> = serde_json::from_str(&list).unwrap();
        let [first, other] = &list.items[..] else { panic!("{list:?}") };
        assert_eq!(first.version(), Some("7"));
        assert_eq!(other.content().unwrap(), serde_json::json!({"spec": 7}));

        let event = format!(r#"{{"type": "MODIFIED", "object": {deep}}}"#);
        match serde_json::from_str(&event).unwrap() {
            WatchEvent::<Object>::Modified(object) => assert_eq!(object.version(), Some("7")),
            other => panic!("{other:?}"),
        }
    }
}
