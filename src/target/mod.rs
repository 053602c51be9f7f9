//! Which application a request is for.

mod claims;
mod find;
mod hosts;
mod index;
mod path;
mod sharded;

pub use claims::Claims;
pub use find::{NotFound, find};
pub use hosts::{Hosts, Lost};
pub use index::Index;
pub use path::PathPattern;

/// A Host header as hosts are compared: without port, lower case, without a trailing dot.
///
/// `None` where it is no host. IPv6 addresses keep their brackets.
pub fn normalise_host(host: &str) -> Option<String> {
    let name = match host.strip_prefix('[') {
        Some(rest) => {
            let end = rest.find(']')? + 2;
            let port = &host[end..];
            if !port.is_empty() && !is_port(port.strip_prefix(':')?) {
                return None;
            }
            &host[..end]
        }
        None => match host.split_once(':') {
            Some((name, port)) => is_port(port).then_some(name)?,
            None => host,
        },
    };
    let name = name.strip_suffix('.').unwrap_or(name);
    let is_host =
        |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'.' | b'_' | b':' | b'[' | b']');
    (!name.is_empty() && name.len() <= 253 && name.bytes().all(is_host))
        .then(|| name.to_ascii_lowercase())
}

fn is_port(text: &str) -> bool {
    !text.is_empty() && text.len() <= 5 && text.bytes().all(|c| c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_compared_without_port_case_and_trailing_dot() {
        for (host, normal) in [
            ("api.example.com", Some("api.example.com")),
            ("API.Example.com:8443", Some("api.example.com")),
            ("api.example.com.", Some("api.example.com")),
            ("[::1]:8080", Some("[::1]")),
            ("[2001:DB8::1]", Some("[2001:db8::1]")),
            ("api.example.com:", None),
            ("api.example.com:80:80", None),
            ("api.example.com:https", None),
            ("[::1", None),
            ("[::1]x", None),
            ("", None),
            (":80", None),
            ("a b", None),
            ("a,b", None),
            ("a/b", None),
            ("user@a", None),
        ] {
            assert_eq!(normalise_host(host).as_deref(), normal, "{host}");
        }
    }
}
