//! The Authorization header (RFC 9110, section 11.6.2; RFC 6750, section 2.1).

use crate::{
    decision::{Denial, DenyReason},
    request::Authorization,
};

/// Longer tokens are refused before they cost anything.
const MAX_TOKEN_BYTES: usize = 16 * 1024;

/// The scheme, a blank and a token of that length.
const MAX_VALUE_BYTES: usize = "Bearer ".len() + MAX_TOKEN_BYTES;

/// The token of a request: `Bearer`, one space, a `b64token`.
///
/// # Errors
/// `token_missing` without credentials or with those of another scheme; `credentials_malformed`
/// for several of them and for what the grammar does not know.
pub fn bearer_token<'a>(authorization: Authorization<'a>) -> Result<&'a str, Denial> {
    let value = match authorization {
        Authorization::Absent | Authorization::Value("") => {
            return Err(DenyReason::TokenMissing.into());
        }
        Authorization::Value(value) if value.len() > MAX_VALUE_BYTES => {
            return Err(malformed("The Authorization header is longer than 16 KiB."));
        }
        Authorization::Value(value) => value,
        Authorization::Unreadable => {
            return Err(malformed("There is more than one Authorization header."));
        }
    };
    let Some(credentials) = after_scheme(value) else {
        // Proxies join repeated headers with commas: the bearer token may stand second.
        let joined = value.split(',').skip(1).any(|part| after_scheme(part.trim_start()).is_some());
        return Err(match joined {
            true => malformed("There is more than one Authorization header."),
            false => Denial::new(
                DenyReason::TokenMissing,
                "A bearer token is needed; the Authorization header uses another scheme.",
            ),
        });
    };
    let token = credentials
        .strip_prefix(' ')
        .ok_or_else(|| malformed("There is no token after the scheme Bearer."))?;
    match is_b64token(token) {
        true => Ok(token),
        false if token.contains(',') => {
            Err(malformed("There is more than one Authorization header, or a comma in it."))
        }
        false => Err(malformed("The token holds characters that no bearer token holds.")),
    }
}

fn malformed(detail: &'static str) -> Denial {
    Denial::new(DenyReason::CredentialsMalformed, detail)
}

/// What follows the scheme `Bearer`, in whatever case it is written.
fn after_scheme(value: &str) -> Option<&str> {
    const SCHEME: &str = "Bearer";
    let (scheme, rest) = value.split_at_checked(SCHEME.len())?;
    let ends = rest.is_empty() || rest.starts_with([' ', '\t', ',']);
    (scheme.eq_ignore_ascii_case(SCHEME) && ends).then_some(rest)
}

/// `1*( ALPHA / DIGIT / "-" / "." / "_" / "~" / "+" / "/" ) *"="`
///
/// Every byte is looked at, without a branch for each: tokens are long, and nearly all are good.
fn is_b64token(token: &str) -> bool {
    let body = token.trim_end_matches('=');
    !body.is_empty() && body.bytes().fold(true, |all, byte| all & is_b64token_byte(byte))
}

fn is_b64token_byte(byte: u8) -> bool {
    let letter = (byte | 0x20).wrapping_sub(b'a') < 26;
    // In ASCII, `-`, `.`, `/` and the digits follow one another.
    let from_dash_to_nine = byte.wrapping_sub(b'-') <= b'9' - b'-';
    letter | from_dash_to_nine | (byte == b'_') | (byte == b'~') | (byte == b'+')
}

#[cfg(test)]
mod tests {
    use super::*;
    use Authorization::{Absent, Unreadable, Value};
    use DenyReason::{CredentialsMalformed, TokenMissing};

    #[test]
    fn the_bytes_of_a_token_are_those_of_the_grammar() {
        for byte in 0..=u8::MAX {
            let expected = byte.is_ascii_alphanumeric() || b"-._~+/".contains(&byte);
            assert_eq!(is_b64token_byte(byte), expected, "{byte:#x}");
        }
    }

    #[test]
    fn a_single_well_formed_bearer_token_is_taken_in_any_case_of_the_scheme() {
        for value in ["Bearer a.b.c", "bearer a.b.c", "BEARER a.b.c", "bEaReR a.b.c"] {
            assert_eq!(bearer_token(Value(value)), Ok("a.b.c"), "{value}");
        }
        assert_eq!(bearer_token(Value("Bearer a~b+c/d==")), Ok("a~b+c/d=="));
    }

    #[test]
    fn the_limit_comes_first_and_counts_the_whole_header() {
        let longest = format!("Bearer {}", "a".repeat(MAX_TOKEN_BYTES));
        assert_eq!(bearer_token(Value(&longest)).map(str::len), Ok(MAX_TOKEN_BYTES));
        // Of the many faults that each has, its length is the one that is told.
        for value in [
            format!("{longest}a"),
            format!("{longest},Bearer a.b.c"),
            "\0".repeat(1 << 20),
            ",".repeat(1 << 20),
            format!("Basic {}", "a".repeat(1 << 20)),
        ] {
            let denial = bearer_token(Value(&value)).unwrap_err();
            assert_eq!(denial.reason, CredentialsMalformed);
            assert!(denial.detail.contains("longer than 16 KiB"), "{}", denial.detail);
        }
    }

    #[test]
    fn everything_else_is_refused_for_a_reason() {
        let too_long = format!("Bearer {}", "a".repeat(MAX_TOKEN_BYTES + 1));
        let too_long_too = format!("Basic {}", "a".repeat(MAX_VALUE_BYTES));
        for (authorization, reason) in [
            (Absent, TokenMissing),
            (Value(""), TokenMissing),
            (Value("Basic dXNlcjpwYXNz"), TokenMissing),
            (Value("PoP a.b.c"), TokenMissing),
            (Value("DPoP a.b.c"), TokenMissing),
            (Value("Bearertoken"), TokenMissing),
            (Value("Digest username=\"x\", realm=\"y\""), TokenMissing),
            (Value("a.b.c"), TokenMissing),
            (Value(" Bearer a.b.c"), TokenMissing),
            (Unreadable, CredentialsMalformed),
            (Value("Bearer"), CredentialsMalformed),
            (Value("Bearer "), CredentialsMalformed),
            (Value("Bearer  a.b.c"), CredentialsMalformed),
            (Value("Bearer\ta.b.c"), CredentialsMalformed),
            (Value("Bearer a.b.c "), CredentialsMalformed),
            (Value("Bearer a.b.c,Bearer d.e.f"), CredentialsMalformed),
            (Value("Bearer a.b.c, Bearer d.e.f"), CredentialsMalformed),
            (Value("Bearer,Bearer d.e.f"), CredentialsMalformed),
            (Value("Basic dXNlcjpwYXNz,Bearer a.b.c"), CredentialsMalformed),
            (Value("Basic dXNlcjpwYXNz, bearer a.b.c"), CredentialsMalformed),
            (Value("Bearer a b"), CredentialsMalformed),
            (Value("Bearer \"a\""), CredentialsMalformed),
            (Value("Bearer =="), CredentialsMalformed),
            (Value("Bearer a=b"), CredentialsMalformed),
            (Value("Bearer bjørn"), CredentialsMalformed),
            (Value("Bearer a\0"), CredentialsMalformed),
            (Value(&too_long), CredentialsMalformed),
            (Value(&too_long_too), CredentialsMalformed),
        ] {
            let denial = bearer_token(authorization).unwrap_err();
            assert_eq!(denial.reason, reason, "{authorization:?}");
        }
    }
}
