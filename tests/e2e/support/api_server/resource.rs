//! What the server knows of resources and of the paths at which they are found.

use serde_json::Value;

/// The group of both resources.
pub const GROUP: &str = "nais.io";

/// A resource that is served.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Resource {
    Applications,
    Registrations,
}

/// The name of one object.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    pub resource: Resource,
    pub namespace: String,
    pub name: String,
}

/// What a path names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// All objects of a resource, of one namespace or of all.
    Collection(Collection),
    Object(Key),
    /// The subresource `status` of an object.
    Status(Key),
}

/// The objects of one resource, of one namespace or of all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Collection {
    pub resource: Resource,
    pub namespace: Option<String>,
}

impl Resource {
    pub const ALL: [Self; 2] = [Self::Applications, Self::Registrations];

    pub fn version(self) -> &'static str {
        match self {
            Self::Applications => "v1alpha1",
            Self::Registrations => "v1",
        }
    }

    /// Its name in paths.
    pub fn plural(self) -> &'static str {
        match self {
            Self::Applications => "applications",
            Self::Registrations => "azureadapplications",
        }
    }

    pub fn kind(self) -> &'static str {
        match self {
            Self::Applications => "Application",
            Self::Registrations => "AzureAdApplication",
        }
    }

    /// `applications.nais.io`, as errors and CRDs name it.
    pub fn full_name(self) -> String {
        format!("{}.{GROUP}", self.plural())
    }

    pub fn api_version(self) -> String {
        format!("{GROUP}/{}", self.version())
    }

    /// The resource of an object.
    pub fn of(object: &Value) -> Self {
        let is_it = |resource: &Self| object["kind"] == resource.kind();
        Self::ALL.into_iter().find(is_it).unwrap_or_else(|| panic!("not served: {object}"))
    }

    fn at(version: &str, plural: &str) -> Option<Self> {
        let is_it = |resource: &Self| (resource.version(), resource.plural()) == (version, plural);
        Self::ALL.into_iter().find(is_it)
    }
}

impl Key {
    /// The name that an object bears.
    pub fn of(object: &Value) -> Self {
        let text = |member: &str| object["metadata"][member].as_str().unwrap().to_owned();
        Self { resource: Resource::of(object), namespace: text("namespace"), name: text("name") }
    }
}

impl Collection {
    pub fn has(&self, key: &Key) -> bool {
        let is_there = self.namespace.as_ref().is_none_or(|namespace| *namespace == key.namespace);
        self.resource == key.resource && is_there
    }
}

impl Target {
    /// What a path names; `None` where nothing of ours is found.
    pub fn at(path: &str) -> Option<Self> {
        let path: Vec<_> = path.strip_prefix("/apis/nais.io/")?.split('/').collect();
        let (version, path) = path.split_first()?;
        let resource = |plural| Resource::at(version, plural);
        let key = |namespace: &str, plural, name: &str| {
            let (namespace, name) = (namespace.to_owned(), name.to_owned());
            Some(Key { resource: resource(plural)?, namespace, name })
        };
        match *path {
            [plural] => {
                Some(Self::Collection(Collection { resource: resource(plural)?, namespace: None }))
            }
            ["namespaces", namespace, plural] => Some(Self::Collection(Collection {
                resource: resource(plural)?,
                namespace: Some(namespace.to_owned()),
            })),
            ["namespaces", namespace, plural, name] => {
                Some(Self::Object(key(namespace, plural, name)?))
            }
            ["namespaces", namespace, plural, name, "status"] => {
                Some(Self::Status(key(namespace, plural, name)?))
            }
            _ => None,
        }
    }

    pub fn resource(&self) -> Resource {
        match self {
            Self::Collection(collection) => collection.resource,
            Self::Object(key) | Self::Status(key) => key.resource,
        }
    }
}
