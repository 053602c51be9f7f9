//! `x-forwarded-client-cert`: whom a proxy that is asked through forwards for.
//!
//! Source: Envoy's documentation of HTTP headers, "x-forwarded-client-cert".

use super::wire::Malformed;

/// The URI of the client certificate that the nearest proxy saw: that of the last element. Empty
/// where there is none.
///
/// Elements before the last are what the proxy was told, and not what it saw.
///
/// # Errors
/// [`Malformed`] where quotes stand amiss, for one that a caller leaves open swallows what the
/// proxy adds; and where there are several URIs. Nobody is to pass for a caller without a
/// certificate that way.
pub fn client_uri(header: &[u8]) -> Result<&str, Malformed> {
    let header = std::str::from_utf8(header).map_err(|_| Malformed)?;
    let (mut uri, mut uris) = ("", 0);
    for element in parts(header, ',') {
        (uri, uris) = ("", 0);
        for pair in parts(element, ';') {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            let value = unquoted(value.trim()).filter(|_| !key.contains('"')).ok_or(Malformed)?;
            if key.trim().eq_ignore_ascii_case("uri") {
                (uri, uris) = (value, uris + 1);
            }
        }
    }
    if uris > 1 || uri.contains('\\') { Err(Malformed) } else { Ok(uri) }
}

/// A value without the quotes around it. `None` where quotes stand elsewhere.
fn unquoted(value: &str) -> Option<&str> {
    let Some(rest) = value.strip_prefix('"') else {
        return (!value.contains('"')).then_some(value);
    };
    let mut is_escaped = false;
    let (inner, after) = rest.split_once(|character| {
        let ends = character == '"' && !is_escaped;
        is_escaped = character == '\\' && !is_escaped;
        ends
    })?;
    after.is_empty().then_some(inner)
}

/// The parts between separators that do not stand in quotes.
fn parts(text: &str, separator: char) -> impl Iterator<Item = &str> {
    let (mut is_quoted, mut is_escaped) = (false, false);
    text.split(move |character| {
        let ends = character == separator && !is_quoted;
        if character == '"' && !is_escaped {
            is_quoted = !is_quoted;
        }
        is_escaped = is_quoted && character == '\\' && !is_escaped;
        ends
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_element_tells() {
        const CLIENT: &str = "spiffe://cluster.local/ns/team-a/sa/shop";
        for (header, expected) in [
            (format!("By=spiffe://w;Hash=ab;Subject=\"\";URI={CLIENT}"), CLIENT),
            (format!("By=spiffe://w;uri=\"{CLIENT}\""), CLIENT),
            (format!("URI=spiffe://told/ns/a/sa/b,By=spiffe://w; URI={CLIENT}"), CLIENT),
            (format!("Subject=\"CN=\\\"a\\\",b;c\";URI={CLIENT}"), CLIENT),
            (format!("Subject=\"CN=a,URI={CLIENT}\""), ""),
            (format!("Subject=\"CN=\\\",URI={CLIENT}\""), ""),
            (format!("URI={CLIENT},Subject=\"CN=a;URI=x\""), ""),
            (format!("URI={CLIENT},"), ""),
            ("URI=".to_owned(), ""),
            ("URI".to_owned(), ""),
            (String::new(), ""),
        ] {
            assert_eq!(client_uri(header.as_bytes()).ok(), Some(expected), "{header}");
        }
    }

    #[test]
    fn a_caller_hides_nothing_of_what_the_proxy_adds() {
        for told in [
            "URI=told;Subject=\"",
            "URI=told;Subject=\"a",
            "URI=told;Subject=\"a\\",
            "URI=told;Subject=a\"",
            "URI=told;\"",
            "URI=told;Subject=\"\\\"",
        ] {
            for seen in [
                "By=w;URI=seen",
                "By=w;Subject=\"\";URI=seen",
                "By=w;Subject=\"CN=a\";URI=seen",
                "By=w;Subject=\"CN=\\\"a\\\"\";URI=seen",
                "By=w;Hash=ab",
            ] {
                let header = format!("{told},{seen}");
                assert!(client_uri(header.as_bytes()).is_err(), "{header}");
            }
        }
    }

    #[test]
    fn what_is_not_plain_names_nobody() {
        for header in [&b"URI=a;URI=b"[..], b"URI=\"a", b"URI=a\"", b"URI=\"a\\\\b\"", b"URI=\xff"]
        {
            assert!(client_uri(header).is_err(), "{header:?}");
        }
    }
}
