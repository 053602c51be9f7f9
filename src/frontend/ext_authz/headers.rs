//! The headers that tell the upstream who calls, and those that only pretend to.

use std::{borrow::Cow, fmt::Write as _};

use crate::{
    config,
    policy::{Caller, Fact, FactValue},
    proto::envoy::config::core::v3::{
        HeaderValue, HeaderValueOption, header_value_option::HeaderAppendAction,
    },
};

/// Longer values are left out rather than cut: half a name would be another name.
const MAX_VALUE_BYTES: usize = 8 * 1024;

/// Which fact goes out under which name.
#[derive(Debug, Clone)]
pub struct CallerHeaders {
    prefix: String,
    named: Vec<(Fact, String)>,
    /// Names that are always removed unless set: ours, and ours with `_` for `-`.
    removable: Vec<String>,
    strip_authorization: bool,
}

/// What an allowed request's headers become.
#[derive(Debug, Default, PartialEq)]
pub struct Mutation {
    pub set: Vec<HeaderValueOption>,
    pub remove: Vec<String>,
}

impl CallerHeaders {
    /// The names that the configuration gives.
    pub fn new(settings: &config::Headers) -> Self {
        let prefix = settings.prefix.clone();
        let default = |fact: Fact| format!("{prefix}{}", fact.name());
        let named: Vec<_> = Fact::ALL
            .into_iter()
            .filter_map(|fact| match settings.names.iter().find(|(named, _)| *named == fact) {
                Some((_, name)) => Some((fact, name.clone()?)),
                None => Some((fact, default(fact))),
            })
            .collect();
        let ours = named.iter().map(|(_, name)| name.clone()).chain(Fact::ALL.map(default));
        let mut removable: Vec<_> = ours.flat_map(|name| [name.replace('-', "_"), name]).collect();
        removable.sort_unstable();
        removable.dedup();
        Self { prefix, named, removable, strip_authorization: settings.strip_authorization }
    }

    /// Whether an upstream could take a header of this name for one of ours: some frameworks read
    /// `_` as `-`, and none cares about case.
    pub fn is_ours(&self, name: &str) -> bool {
        let dash = |c: u8| if c == b'_' { b'-' } else { c.to_ascii_lowercase() };
        let name = name.as_bytes();
        let begins_as = |ours: &str| {
            name.len() >= ours.len()
                && name.iter().zip(ours.bytes()).all(|(theirs, ours)| dash(*theirs) == dash(ours))
        };
        begins_as(&self.prefix)
            || self.named.iter().any(|(_, ours)| name.len() == ours.len() && begins_as(ours))
    }

    /// The headers for one caller, and the removal of all others that are ours.
    ///
    /// Envoy removes after it sets, so that a name in both lists would end up missing.
    pub fn mutation(&self, caller: Option<&Caller>, impostors: &[&str]) -> Mutation {
        let set: Vec<_> = caller.map(|caller| self.describe(caller)).unwrap_or_default();
        let is_set = |name: &str| {
            set.iter().any(|option| option.header.as_ref().is_some_and(|header| header.key == name))
        };
        let known = |name: &str| self.removable.iter().any(|ours| ours == name);
        let strangers = impostors.iter().copied().filter(|name| !known(name));
        let mut remove: Vec<String> = self
            .removable
            .iter()
            .map(String::as_str)
            .chain(strangers)
            .filter(|name| !is_set(name))
            .map(ToOwned::to_owned)
            .collect();
        if self.strip_authorization {
            remove.push("authorization".to_owned());
        }
        Mutation { set, remove }
    }

    fn describe(&self, caller: &Caller) -> Vec<HeaderValueOption> {
        self.named
            .iter()
            .filter_map(|(fact, name)| {
                let value = match caller.fact(*fact) {
                    FactValue::Absent => return None,
                    FactValue::One(value) => encode(&value, false),
                    FactValue::List(values) => encode_list(&values),
                };
                (value.len() <= MAX_VALUE_BYTES).then(|| overwrite(name.clone(), value))
            })
            .collect()
    }
}

/// A header that replaces whatever the request has under that name.
pub fn overwrite(key: impl Into<String>, value: impl Into<String>) -> HeaderValueOption {
    HeaderValueOption {
        header: Some(HeaderValue { key: key.into(), value: value.into(), raw_value: Vec::new() }),
        append_action: HeaderAppendAction::OverwriteIfExistsOrAdd.into(),
    }
}

fn encode_list(values: &[Cow<'_, str>]) -> String {
    values.iter().map(|value| encode(value, true)).collect::<Vec<_>>().join(",")
}

/// A value that is safe in a header and can be turned back: everything but visible ASCII is
/// percent-encoded, as is `%` itself, the comma within an element of a list, and blanks at either
/// end, which would be trimmed.
fn encode(value: &str, in_list: bool) -> String {
    let mut encoded = String::with_capacity(value.len());
    let last = value.len().saturating_sub(1);
    for (index, byte) in value.bytes().enumerate() {
        let plain = match byte {
            b'%' => false,
            b',' => !in_list,
            b' ' => index != 0 && index != last,
            _ => byte.is_ascii_graphic(),
        };
        match plain {
            true => encoded.push(char::from(byte)),
            // Writing to a String cannot fail.
            false => drop(write!(encoded, "%{byte:02X}")),
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use percent_encoding::percent_decode_str;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;
    use crate::token::Claims;

    const TENANT: &str = "62366534-1ec3-4962-8869-9b5535279d0b";

    fn caller(extra: &Value) -> Caller {
        let mut claims =
            json!({"azp": TENANT, "scp": "defaultaccess other", "oid": "oid", "sub": "sub"});
        for (name, value) in extra.as_object().unwrap() {
            claims[name] = value.clone();
        }
        let Value::Object(claims) = claims else { unreachable!() };
        Caller::from_claims(Arc::new(Claims::read(claims).unwrap()), TENANT.parse().unwrap())
            .unwrap()
    }

    fn settings() -> config::Headers {
        config::Headers {
            prefix: "x-caller-".into(),
            names: Vec::new(),
            strip_authorization: false,
        }
    }

    fn pairs(mutation: &Mutation) -> Vec<(String, String)> {
        let header = |option: &HeaderValueOption| option.header.clone().unwrap();
        mutation.set.iter().map(|option| (header(option).key, header(option).value)).collect()
    }

    #[test]
    fn what_is_set_is_not_removed_and_everything_else_of_ours_is() {
        let headers = CallerHeaders::new(&settings());
        let caller = caller(&json!({"name": "Bjørn Å", "NAVident": "Z990000"}));
        let mutation =
            headers.mutation(Some(&caller), &["x-caller-foo", "X_CALLER_KIND", "x-caller-kind"]);
        let set = pairs(&mutation);
        assert!(set.contains(&("x-caller-name".into(), "Bj%C3%B8rn %C3%85".into())));
        assert!(set.contains(&("x-caller-scopes".into(), "defaultaccess,other".into())));
        assert!(set.contains(&("x-caller-navident".into(), "Z990000".into())));
        for (name, value) in &set {
            assert!(!mutation.remove.contains(name), "{name}");
            assert!(!value.is_empty(), "{name}");
        }
        for name in
            ["x-caller-groups", "x_caller_groups", "x_caller_kind", "x-caller-foo", "X_CALLER_KIND"]
        {
            assert!(mutation.remove.iter().any(|removed| removed == name), "{name}");
        }
        for option in &mutation.set {
            assert_eq!(option.append_action, HeaderAppendAction::OverwriteIfExistsOrAdd as i32);
        }
    }

    #[test]
    fn without_a_caller_everything_of_ours_is_removed() {
        let mutation = CallerHeaders::new(&settings()).mutation(None, &[]);
        assert!(mutation.set.is_empty());
        for fact in Fact::ALL {
            assert!(mutation.remove.contains(&format!("x-caller-{}", fact.name())));
        }
    }

    #[test]
    fn names_are_configurable_and_the_usual_ones_stay_removed() {
        let names = vec![(Fact::Username, Some("x-user".to_owned())), (Fact::Kind, None)];
        let headers =
            CallerHeaders::new(&config::Headers { names, strip_authorization: true, ..settings() });
        let caller = caller(&json!({"preferred_username": "user@example.com"}));
        let mutation = headers.mutation(Some(&caller), &["x_user"]);
        assert!(pairs(&mutation).contains(&("x-user".into(), "user@example.com".into())));
        for name in ["x-caller-kind", "x-caller-username", "x_user", "authorization"] {
            assert!(mutation.remove.iter().any(|removed| removed == name), "{name}");
        }
        assert!(headers.is_ours("X_User") && !headers.is_ours("x-users"));
    }

    #[test]
    fn spellings_of_our_names_are_recognised() {
        let headers = CallerHeaders::new(&settings());
        for name in [
            "x-caller-kind",
            "X-Caller-Kind",
            "x_caller_kind",
            "x-caller_kind",
            "x-caller-",
            "x_caller_anything",
        ] {
            assert!(headers.is_ours(name), "{name}");
        }
        for name in ["", "x-caller", "x-call", "y-caller-kind", "xx-caller-kind"] {
            assert!(!headers.is_ours(name), "{name}");
        }
    }

    #[test]
    fn facts_about_users_are_not_told_of_applications() {
        let headers = CallerHeaders::new(&settings());
        let application =
            caller(&json!({"idtyp": "app", "scp": null, "name": "x", "NAVident": "Z990000"}));
        let names: Vec<_> = pairs(&headers.mutation(Some(&application), &[]))
            .into_iter()
            .map(|(name, _)| name)
            .collect();
        assert!(!names.iter().any(|name| name == "x-caller-name" || name == "x-caller-navident"));
    }

    proptest! {
        #[test]
        fn every_value_becomes_visible_ascii_and_can_be_turned_back(value in any::<String>(), in_list: bool) {
            let encoded = encode(&value, in_list);
            prop_assert!(encoded.bytes().all(|c| c.is_ascii_graphic() || c == b' '));
            prop_assert_eq!(encoded.trim(), encoded.as_str());
            prop_assert!(!in_list || !encoded.contains(','));
            prop_assert_eq!(percent_decode_str(&encoded).decode_utf8().unwrap(), value);
        }
    }
}
