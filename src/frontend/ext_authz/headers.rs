//! The headers that tell the upstream who calls, and those that only pretend to.

use std::fmt::{self, Write as _};

use super::wire::Writer;
use crate::{
    config,
    policy::{Caller, Fact, FactValue},
    proto::{
        header_append_action::OVERWRITE_IF_EXISTS_OR_ADD, header_value, header_value_option,
        ok_http_response,
    },
};

/// Longer values are left out rather than cut: half a name would be another name.
const MAX_VALUE_BYTES: usize = 8 * 1024;

/// Which fact goes out under which name.
#[derive(Debug, Clone)]
pub struct CallerHeaders {
    prefix: String,
    named: Vec<(Fact, String)>,
    /// Names that are always removed unless set: ours, and ours with `_` for `-`. Each with the
    /// place in `named` of the fact that sets it.
    removable: Vec<(String, Option<usize>)>,
    strip_authorization: bool,
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
        let mut names: Vec<_> = ours.flat_map(|name| [name.replace('-', "_"), name]).collect();
        names.sort_unstable();
        names.dedup();
        let setter = |name: &String| named.iter().position(|(_, set)| set == name);
        let removable = names.into_iter().map(|name| (setter(&name), name));
        let removable = removable.map(|(setter, name)| (name, setter)).collect();
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

    /// Writes, into an `OkHttpResponse`, the headers for one caller and the removal of all others
    /// that are ours.
    ///
    /// Envoy removes after it sets, so that a name in both lists would end up missing.
    pub fn write(&self, caller: Option<&Caller>, impostors: &[&str], response: &mut Writer) {
        let mut is_set = [false; Fact::ALL.len()];
        if let Some(caller) = caller {
            for ((fact, name), is_set) in self.named.iter().zip(&mut is_set) {
                *is_set = write_fact(name, &caller.fact(*fact), response);
            }
        }
        let mut remove = |name: &str| response.text(ok_http_response::HEADERS_TO_REMOVE, name);
        for (name, setter) in &self.removable {
            if !setter.is_some_and(|place| is_set[place]) {
                remove(name);
            }
        }
        let is_known = |name: &str| self.removable.iter().any(|(known, _)| known == name);
        impostors.iter().filter(|name| !is_known(name)).for_each(|name| remove(name));
        if self.strip_authorization {
            remove("authorization");
        }
    }
}

/// Writes one header; returns whether it did.
fn write_fact(name: &str, value: &FactValue<'_>, response: &mut Writer) -> bool {
    if *value == FactValue::Absent {
        return false;
    }
    let before = response.len();
    let mut value_bytes = 0;
    overwrite(response, ok_http_response::HEADERS, name, |text| {
        let start = text.len();
        let mut is_first = true;
        value.for_each(|element| {
            // Writing to memory cannot fail.
            let _ = if is_first { Ok(()) } else { text.write_str(",") };
            let _ = encode(element, value.is_list(), text);
            is_first = false;
        });
        value_bytes = text.len() - start;
    });
    let fits = value_bytes <= MAX_VALUE_BYTES;
    if !fits {
        response.truncate(before);
    }
    fits
}

/// Writes a header that replaces whatever there is under that name.
pub fn overwrite(
    response: &mut Writer,
    field: u32,
    name: &str,
    write_value: impl FnOnce(&mut Writer),
) {
    response.nested(field, |option| {
        option.nested(header_value_option::HEADER, |header| {
            header.text(header_value::KEY, name);
            header.nested(header_value::VALUE, write_value);
        });
        option.number(header_value_option::APPEND_ACTION, OVERWRITE_IF_EXISTS_OR_ADD);
    });
}

/// Writes a value that is safe in a header and can be turned back: everything but visible ASCII is
/// percent-encoded, as is `%` itself, the comma within an element of a list, and blanks at either
/// end, which would be trimmed.
fn encode(value: &str, in_list: bool, out: &mut impl fmt::Write) -> fmt::Result {
    let last = value.len().saturating_sub(1);
    let is_plain = |(index, byte): (usize, u8)| match byte {
        b'%' => false,
        b',' => !in_list,
        b' ' => index != 0 && index != last,
        _ => byte.is_ascii_graphic(),
    };
    if value.bytes().enumerate().all(is_plain) {
        return out.write_str(value);
    }
    value.bytes().enumerate().try_for_each(|(index, byte)| match is_plain((index, byte)) {
        true => out.write_char(char::from(byte)),
        false => write!(out, "%{byte:02X}"),
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use envoy_types::pb::envoy::{
        config::core::v3::header_value_option::HeaderAppendAction,
        service::auth::v3::OkHttpResponse,
    };
    use percent_encoding::percent_decode_str;
    use proptest::prelude::*;
    use prost::Message;
    use serde_json::{Value, json};

    use super::*;
    use crate::token::Claims;

    const TENANT: &str = "62366534-1ec3-4962-8869-9b5535279d0b";

    fn caller(extra: &Value) -> Caller {
        let mut claims =
            json!({"azp": TENANT, "scp": "defaultaccess other", "oid": TENANT, "sub": "sub"});
        for (name, value) in extra.as_object().unwrap() {
            claims[name] = value.clone();
        }
        claims.as_object_mut().unwrap().retain(|_, value| !value.is_null());
        let claims = Claims::read(claims.to_string().as_bytes()).unwrap();
        Caller::from_claims(Arc::new(claims), TENANT.parse().unwrap()).unwrap()
    }

    fn settings() -> config::Headers {
        config::Headers {
            prefix: "x-caller-".into(),
            names: Vec::new(),
            strip_authorization: false,
        }
    }

    /// What Envoy's own types read of what is written.
    fn written(
        headers: &CallerHeaders,
        caller: Option<&Caller>,
        impostors: &[&str],
    ) -> OkHttpResponse {
        let mut writer = Writer::with_capacity(0);
        headers.write(caller, impostors, &mut writer);
        OkHttpResponse::decode(&*writer.into_bytes()).unwrap()
    }

    fn pairs(response: &OkHttpResponse) -> Vec<(String, String)> {
        let headers = response.headers.iter().map(|option| option.header.clone().unwrap());
        headers.map(|header| (header.key, header.value)).collect()
    }

    #[test]
    fn what_is_set_is_not_removed_and_everything_else_of_ours_is() {
        let headers = CallerHeaders::new(&settings());
        let caller = caller(&json!({"name": "Bjørn Å", "NAVident": "Z990000"}));
        let response =
            written(&headers, Some(&caller), &["x-caller-foo", "X_CALLER_KIND", "x-caller-kind"]);
        let set = pairs(&response);
        assert!(set.contains(&("x-caller-name".into(), "Bj%C3%B8rn %C3%85".into())));
        assert!(set.contains(&("x-caller-scopes".into(), "defaultaccess,other".into())));
        assert!(set.contains(&("x-caller-navident".into(), "Z990000".into())));
        for (name, value) in &set {
            assert!(!response.headers_to_remove.contains(name), "{name}");
            assert!(!value.is_empty(), "{name}");
        }
        for name in
            ["x-caller-groups", "x_caller_groups", "x_caller_kind", "x-caller-foo", "X_CALLER_KIND"]
        {
            assert!(response.headers_to_remove.iter().any(|removed| removed == name), "{name}");
        }
        for option in &response.headers {
            assert_eq!(option.append_action, HeaderAppendAction::OverwriteIfExistsOrAdd as i32);
        }
    }

    #[test]
    fn without_a_caller_everything_of_ours_is_removed() {
        let response = written(&CallerHeaders::new(&settings()), None, &[]);
        assert!(response.headers.is_empty());
        for fact in Fact::ALL {
            assert!(response.headers_to_remove.contains(&format!("x-caller-{}", fact.name())));
        }
    }

    #[test]
    fn names_are_configurable_and_the_usual_ones_stay_removed() {
        let names = vec![(Fact::Username, Some("x-user".to_owned())), (Fact::Kind, None)];
        let headers =
            CallerHeaders::new(&config::Headers { names, strip_authorization: true, ..settings() });
        let caller = caller(&json!({"preferred_username": "user@example.com"}));
        let response = written(&headers, Some(&caller), &["x_user"]);
        assert!(pairs(&response).contains(&("x-user".into(), "user@example.com".into())));
        for name in ["x-caller-kind", "x-caller-username", "x_user", "authorization"] {
            assert!(response.headers_to_remove.iter().any(|removed| removed == name), "{name}");
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
        let names: Vec<_> = pairs(&written(&headers, Some(&application), &[]))
            .into_iter()
            .map(|(name, _)| name)
            .collect();
        assert!(!names.iter().any(|name| name == "x-caller-name" || name == "x-caller-navident"));
    }

    #[test]
    fn a_value_that_is_too_long_is_left_out_and_removed() {
        let headers = CallerHeaders::new(&settings());
        let caller = caller(&json!({"name": "x".repeat(MAX_VALUE_BYTES + 1)}));
        let response = written(&headers, Some(&caller), &[]);
        assert!(!pairs(&response).iter().any(|(name, _)| name == "x-caller-name"));
        assert!(response.headers_to_remove.iter().any(|name| name == "x-caller-name"));
    }

    proptest! {
        #[test]
        fn every_value_becomes_visible_ascii_and_can_be_turned_back(value in any::<String>(), in_list: bool) {
            let mut encoded = String::new();
            encode(&value, in_list, &mut encoded).unwrap();
            prop_assert!(encoded.bytes().all(|c| c.is_ascii_graphic() || c == b' '));
            prop_assert_eq!(encoded.trim(), encoded.as_str());
            prop_assert!(!in_list || !encoded.contains(','));
            prop_assert_eq!(percent_decode_str(&encoded).decode_utf8().unwrap(), value);
        }
    }
}
