//! `x-forwarded-client-cert`: whom a proxy that is asked through forwards for.
//!
//! Source: Envoy's documentation of HTTP headers, "x-forwarded-client-cert".

/// The URI of the client certificate that the nearest proxy saw: that of the last element. `None`
/// where there is none, or more than one, or it is not plain.
///
/// Elements before the last are what the proxy was told, and not what it saw.
pub fn client_uri(header: &str) -> Option<&str> {
    let element = parts(header, ',').last()?;
    let mut uris = parts(element, ';').filter_map(|pair| {
        let (key, value) = pair.split_once('=')?;
        key.trim().eq_ignore_ascii_case("uri").then_some(value.trim())
    });
    let uri = uris.next().filter(|_| uris.next().is_none())?;
    let uri = uri.strip_prefix('"').and_then(|uri| uri.strip_suffix('"')).unwrap_or(uri);
    (!uri.is_empty() && !uri.contains(['"', '\\'])).then_some(uri)
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
            (format!("By=spiffe://w;Hash=ab;Subject=\"\";URI={CLIENT}"), Some(CLIENT)),
            (format!("By=spiffe://w;uri=\"{CLIENT}\""), Some(CLIENT)),
            (format!("URI=spiffe://told/ns/a/sa/b,By=spiffe://w; URI={CLIENT}"), Some(CLIENT)),
            (format!("Subject=\"CN=a,URI={CLIENT}\""), None),
            (format!("Subject=\"CN=\\\",URI={CLIENT}\""), None),
            (format!("URI={CLIENT},Subject=\"CN=a;URI=x\""), None),
            (format!("URI={CLIENT},"), None),
            (format!("URI={CLIENT};URI={CLIENT}"), None),
            (format!("Subject=\"CN=a;URI={CLIENT}"), None),
            (format!("URI=\"{CLIENT}"), None),
            ("URI=".to_owned(), None),
            ("URI".to_owned(), None),
            (String::new(), None),
        ] {
            assert_eq!(client_uri(&header), expected, "{header}");
        }
    }
}
