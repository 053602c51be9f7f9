//! Changes of a token before it is signed.

use super::{
    draft::{Members, member, quoted, set},
    random::Random,
    trusted::{AUDIENCE, ISSUER, NOW, ORDER_DESK, REPORTS, TENANT, WEBSHOP},
};

/// Members that a header may have, and must not have.
const HEADER_VALUES: [(&str, &[&str]); 13] = [
    (
        "alg",
        &[
            r#""RS256""#,
            r#""none""#,
            r#""None""#,
            r#""HS256""#,
            r#""RS512""#,
            r#""PS256""#,
            r#""ES256""#,
            r#""rs256""#,
            r#""RS256 ""#,
            r#"["RS256"]"#,
            "null",
            r#""\u0052S256""#,
        ],
    ),
    (
        "typ",
        &[
            r#""JWT""#,
            r#""jwt""#,
            r#""at+jwt""#,
            r#""application/at+jwt""#,
            r#""AT+JWT""#,
            r#""dpop+jwt""#,
            r#""JWT ""#,
            "null",
            "1",
            "[]",
            r#""""#,
        ],
    ),
    (
        "kid",
        &[
            r#""first""#,
            r#""large""#,
            r#""second æ/\"""#,
            r#""second \u00e6\/\u0022""#,
            r#""First""#,
            r#""first ""#,
            r#""foreign""#,
            r#""""#,
            "null",
            "7",
            r#"["first"]"#,
            r#""../../etc/passwd""#,
            r#""' or 1=1 --""#,
        ],
    ),
    ("crit", &["[]", r#"["exp"]"#, "null"]),
    ("b64", &["true", "false"]),
    ("zip", &[r#""DEF""#]),
    ("enc", &[r#""A256GCM""#]),
    ("nonce", &[r#""n""#]),
    ("jku", &[r#""https://evil.example/keys""#, "7"]),
    ("x5u", &[r#""https://evil.example/x5u""#]),
    ("jwk", &[r#"{"kty":"RSA","n":"AQAB","e":"AQAB"}"#, r#"{"kty":"RSA","kty":"RSA"}"#]),
    ("x5c", &[r#"["MIIB"]"#]),
    ("cty", &[r#""JWT""#]),
];

/// Values that fit no claim, or only some.
const ODD_VALUES: [&str; 24] = [
    "null",
    "true",
    "false",
    "0",
    "-0",
    "-1",
    "1.5",
    "1e3",
    "1E400",
    "-1e400",
    "01",
    "+1",
    ".5",
    "1.",
    "[]",
    "{}",
    "[[]]",
    r#""""#,
    r#""\ud83d\ude00""#,
    r#""\ud800""#,
    r#""\u0000""#,
    r#""\x""#,
    r#"["a",1]"#,
    "nul",
];

/// Changes one thing about the header or the payload.
pub fn mutate(header: &mut Members, payload: &mut Members, random: &mut Random) {
    match random.below(10) {
        0 | 1 => header_value(header, random),
        2 => structure(header, random),
        3 => structure(payload, random),
        _ => claim(payload, random),
    }
}

fn header_value(header: &mut Members, random: &mut Random) {
    let (name, values) = HEADER_VALUES[random.below(HEADER_VALUES.len())];
    match (name, random.below(12)) {
        (_, 0) => header.retain(|(other, _)| other != name),
        ("kid", 1) => {
            let long = 126 + random.below(5);
            set(header, name, &quoted(&random.pick(&["k", "ø"]).repeat(long)));
        }
        _ => set(header, name, random.pick(values)),
    }
}

fn claim(payload: &mut Members, random: &mut Random) {
    let name = random.pick(&[
        "exp",
        "exp",
        "iat",
        "iat",
        "nbf",
        "nbf",
        "iss",
        "aud",
        "tid",
        "azp",
        "ver",
        "idtyp",
        "scp",
        "roles",
        "groups",
        "_claim_names",
        "cnf",
        "name",
        "preferred_username",
        "NAVident",
        "sub",
        "oid",
        "unheard_of",
    ]);
    match random.below(12) {
        0 => payload.retain(|(other, _)| other != name),
        1 => set(payload, name, random.pick(&ODD_VALUES)),
        _ => set(payload, name, &value(name, random)),
    }
}

/// A value at the edge of what a claim may be.
fn value(name: &str, random: &mut Random) -> String {
    match name {
        "exp" | "iat" | "nbf" => time(random),
        "iss" => spelled(ISSUER, random),
        "aud" => match random.below(4) {
            0 => quoted(&format!("api://{AUDIENCE}")),
            1 => format!("[\"{AUDIENCE}\"]"),
            _ => spelled(AUDIENCE, random),
        },
        "tid" => spelled(random.pick(&[TENANT, TENANT, AUDIENCE]), random),
        "azp" => spelled(random.pick(&[WEBSHOP, REPORTS, AUDIENCE, TENANT]), random),
        "ver" => random.pick(&[r#""2.0""#, r#""1.0""#, r#""2""#, "2.0", r#""2.0 ""#]).to_owned(),
        "idtyp" => random.pick(&[r#""app""#, r#""user""#, r#""App""#, r#""app ""#]).to_owned(),
        "scp" => random
            .pick(&[
                r#""defaultaccess""#,
                r#""other defaultaccess""#,
                r#""defaultaccess2""#,
                r#"" ""#,
                r#"["defaultaccess"]"#,
                r#""Defaultaccess""#,
                r#""x""#,
            ])
            .to_owned(),
        "roles" => random
            .pick(&[
                r#"["access_as_application"]"#,
                r#"["x","access_as_application"]"#,
                r#"["x"]"#,
                r#""access_as_application""#,
                r#"["access_as_application",null]"#,
                "[]",
                r#"["Access_As_Application"]"#,
            ])
            .to_owned(),
        "groups" => {
            let group = spelled(ORDER_DESK, random);
            random.pick(&["[G]", "[G,G]", r#"["x",G]"#, "G", "[G,7]", "[]"]).replace('G', &group)
        }
        "_claim_names" => random.pick(&[r#"{"groups":"src1"}"#, "{}", "[]"]).to_owned(),
        "cnf" => random.pick(&[r#"{"jkt":"x"}"#, "null", "{}"]).to_owned(),
        _ => random
            .pick(&[r#""x""#, r#""Bj\u00f8rn""#, r#""ø""#, r#"{"a":[1,{"b":null}]}"#])
            .to_owned(),
    }
}

/// A text that is a claim's, or nearly.
fn spelled(text: &str, random: &mut Random) -> String {
    let first = text.chars().next().unwrap_or_default();
    match random.below(10) {
        0 => quoted(&text.to_uppercase()),
        1 => quoted(&format!("{text}/")),
        2 => quoted(&format!(" {text}")),
        3 => quoted(&format!("{text}\\u0000")),
        4 => format!("\"\\u{:04x}{}\"", u32::from(first), &text[first.len_utf8()..]),
        5 => quoted(&text.replace('-', "")),
        6 => quoted(&text[..random.below(text.len())]),
        _ => quoted(text),
    }
}

/// Times around now, around the leeway, around the longest life, and what is none.
fn time(random: &mut Random) -> String {
    const DAY: u64 = 86_400;
    let near = [0, 1, 10, 59, 60, 61, 3600, DAY - 10, DAY - 9, DAY, DAY + 50, DAY + 51, DAY * 400];
    let distance = near[random.below(near.len())];
    let time = if random.percent(50) { NOW + distance } else { NOW - distance };
    match random.below(24) {
        0 => format!("{time}.0"),
        1 => format!("\"{time}\""),
        2 => format!("{time}e0"),
        3 => format!("-{time}"),
        4 => u64::MAX.to_string(),
        5 => format!("{}0", u64::MAX),
        6 => (u64::MAX - 60).to_string(),
        7 => "1e19".to_owned(),
        8 => format!("{time}.5"),
        9 => (time as u128 + (1 << 64)).to_string(),
        10 => (time + (1 << 32)).to_string(),
        _ => time.to_string(),
    }
}

/// The same object said in another way, or no longer one object.
fn structure(members: &mut Members, random: &mut Random) {
    let at = random.below(members.len().max(1));
    let Some((name, value)) = members.get(at).cloned() else { return };
    match random.below(9) {
        // A name twice, plainly or by an escape.
        0 => members.push((name, value)),
        1 => members.insert(0, (name, random.pick(&ODD_VALUES).to_owned())),
        2 => members.push((escaped(&name), value)),
        // The same name, only by an escape.
        3 => members[at].0 = escaped(&name),
        4 => members.push(member("nested", r#"{"a":1,"\u0061":2}"#)),
        5 => {
            let depth = [1, 2, 100, 125, 126, 127, 128, 200, 2000][random.below(9)];
            let (open, close) = random.pick(&[&("[", "]"), &("{\"a\":", "}")]);
            let core = if *open == "[" { "" } else { "1" };
            let deep = format!("{}{core}{}", open.repeat(depth), close.repeat(depth));
            members.push(member("deep", &deep));
        }
        6 => members[at].1 = format!(" \t\r\n{value}\n "),
        7 => {
            members[at].1 = format!("{value}{}", random.pick(&["\u{b}", ",", "//", "\u{a0}", "}"]))
        }
        _ => {
            let end = random.below(members.len() + 1);
            members.swap(at, end.saturating_sub(1));
        }
    }
}

/// A name with its first character written as an escape.
fn escaped(name: &str) -> String {
    let mut rest = name.chars();
    rest.next()
        .map_or_else(String::new, |first| format!("\\u{:04X}{}", u32::from(first), rest.as_str()))
}
