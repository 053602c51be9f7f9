//! JSON objects without ambiguity: a name that stands twice makes the whole text unusable.
//!
//! RFC 8725 (section 2.4) asks for it: two readers of the same token must not see two different
//! claims. Names are compared after their escapes are resolved.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{self, DeserializeSeed, MapAccess, SeqAccess, Visitor},
};

/// Few tokens have more claims.
const USUAL_NAMES: usize = 32;

/// The names of an object's members, in the order of their bytes.
#[derive(Debug)]
pub struct Names<'t>(Vec<Cow<'t, str>>);

impl Names<'_> {
    /// Whether the object has a member of that name.
    pub fn contain(&self, name: &str) -> bool {
        self.0.binary_search_by(|other| other.as_ref().cmp(name)).is_ok()
    }
}

/// Reads a text through without keeping its values.
///
/// # Errors
/// Where the text is not one JSON object in UTF-8, or an object in it, at whatever depth, names
/// a member twice.
pub fn names(text: &[u8]) -> Result<Names<'_>, serde_json::Error> {
    let mut deserializer = serde_json::Deserializer::from_slice(text);
    let names = Through.deserialize(&mut deserializer)?;
    deserializer.end()?;
    names.map(Names).ok_or_else(|| de::Error::custom("not an object"))
}

/// Reads a value through; of an object, its names.
#[derive(Clone, Copy)]
struct Through;

type ObjectNames<'t> = Option<Vec<Cow<'t, str>>>;

impl<'de> DeserializeSeed<'de> for Through {
    type Value = ObjectNames<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Through {
    type Value = ObjectNames<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON without duplicate members")
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_str<E>(self, _: &str) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Self::Value, A::Error> {
        while elements.next_element_seed(self)?.is_some() {}
        Ok(None)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self::Value, A::Error> {
        let mut names = Vec::with_capacity(USUAL_NAMES);
        while let Some(Name(name)) = members.next_key()? {
            members.next_value_seed(self)?;
            names.push(name);
        }
        // Sorting first keeps a text with thousands of names as cheap as it is short.
        names.sort_unstable();
        match names.windows(2).any(|pair| pair[0] == pair[1]) {
            true => Err(de::Error::custom("a member stands twice")),
            false => Ok(Some(names)),
        }
    }
}

/// A name, borrowed from the text unless it has escapes.
struct Name<'t>(Cow<'t, str>);

impl<'de> Deserialize<'de> for Name<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NameVisitor;

        impl<'de> Visitor<'de> for NameVisitor {
            type Value = Name<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a name")
            }

            fn visit_borrowed_str<E>(self, name: &'de str) -> Result<Name<'de>, E> {
                Ok(Name(Cow::Borrowed(name)))
            }

            fn visit_str<E>(self, name: &str) -> Result<Name<'de>, E> {
                Ok(Name(Cow::Owned(name.to_owned())))
            }
        }

        deserializer.deserialize_str(NameVisitor)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    #[test]
    fn objects_with_a_member_twice_are_refused_at_any_depth() {
        for text in [
            r#"{"a":1,"a":1}"#,
            r#"{"a":1,"\u0061":2}"#,
            r#"{"a":{"b":1,"b":2}}"#,
            r#"{"a":[{"b":1,"b":2}]}"#,
        ] {
            assert!(names(text.as_bytes()).is_err(), "{text}");
        }
    }

    #[test]
    fn what_is_not_one_object_is_refused() {
        for text in
            ["", "[]", "[1]", "1", "null", "\"a\"", "{}{}", "{} x", "{", "{\"a\":1,}", "\u{feff}{}"]
        {
            assert!(names(text.as_bytes()).is_err(), "{text}");
        }
        assert!(names(b"{\"a\":\"\xff\"}").is_err());
        assert!(names(br#"{"a":"\ud800"}"#).is_err());
        let deep = format!("{{\"a\":{}{}}}", "[".repeat(10_000), "]".repeat(10_000));
        assert!(names(deep.as_bytes()).is_err());
    }

    proptest! {
        #[test]
        fn the_names_are_those_that_serde_json_reads(text in r#"\{("[ab]":([0-9]|"x"|\[1,2\]|\{"c":null\}),?){0,3}\}"#) {
            if let Ok(read) = names(text.as_bytes()) {
                let object = serde_json::from_str::<serde_json::Map<_, Value>>(&text).unwrap();
                prop_assert!(object.keys().all(|name| read.contain(name)));
                prop_assert_eq!(read.0.len(), object.len());
            }
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = names(&bytes);
        }
    }
}
