//! Which URLs may be asked.

use url::{Host, Url};

/// Whether what is fetched from a URL cannot be changed on its way: `https`, or `http` to this
/// very machine.
pub fn is_secure(url: &Url) -> bool {
    match url.scheme() {
        "https" => url.has_host(),
        "http" => match url.host() {
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            Some(Host::Domain(name)) => name == "localhost",
            None => false,
        },
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_leaves_this_machine_for_no_url() {
        for (url, secure) in [
            ("https://login.example/keys", true),
            ("http://127.0.0.1:8080/keys", true),
            ("http://127.9.9.9/keys", true),
            ("http://[::1]:8080/keys", true),
            ("http://localhost:8080/keys", true),
            ("http://localhost.evil.example/keys", false),
            ("http://login.example/keys", false),
            ("http://127.0.0.1@evil.example/", false),
            ("http://127.0.0.1.evil.example/", false),
            ("ftp://127.0.0.1/keys", false),
            ("file:///etc/keys", false),
        ] {
            assert_eq!(is_secure(&url.parse().unwrap()), secure, "{url}");
        }
    }
}
