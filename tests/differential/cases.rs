//! The cases: tokens that are right, wrong, and nearly right.

use std::sync::Arc;

use super::{
    draft::{Draft, render},
    keys::{Key, encode},
    mutate::mutate,
    random::Random,
    trusted::Trusted,
};

/// An endless row of tokens, the same for the same seed but for the keys.
pub struct Cases {
    trusted: Arc<Trusted>,
    random: Random,
    /// Valid ones, signed once: what changes the text alone needs no other.
    valid: Vec<String>,
}

impl Cases {
    pub fn new(trusted: Arc<Trusted>, seed: u64) -> Self {
        let mut random = Random::new(seed);
        let keys = trusted.published.iter().cycle();
        let valid = keys.take(12).map(|key| sign(&Draft::valid(&key.kid, &mut random), key));
        let valid = valid.collect();
        Self { trusted, random, valid }
    }

    /// The next one. About a third is signed after it was changed, so that everything behind the
    /// signature is reached as well.
    pub fn next(&mut self) -> String {
        match self.random.below(100) {
            0..35 => self.signed_after(),
            35..65 => self.other_text(),
            65..80 => self.other_bytes(),
            80..90 => self.other_parts(),
            90..97 => self.other_signature(),
            _ => self.valid_token(),
        }
    }

    fn key(&mut self) -> &Key {
        &self.trusted.published[self.random.below(self.trusted.published.len())]
    }

    fn valid_token(&mut self) -> String {
        self.valid[self.random.below(self.valid.len())].clone()
    }

    /// Header or payload changed, then signed.
    fn signed_after(&mut self) -> String {
        let kid = self.key().kid.clone();
        let mut draft = Draft::valid(&kid, &mut self.random);
        for _ in 0..=self.random.below(3) {
            mutate(&mut draft.header, &mut draft.payload, &mut self.random);
        }
        let mut parts = [render(&draft.header).into_bytes(), render(&draft.payload).into_bytes()];
        match self.random.below(40) {
            0..6 => scramble(&mut parts[0], &mut self.random),
            6..14 => scramble(&mut parts[1], &mut self.random),
            14 => parts[1].insert(0, b' '),
            15 => parts[1].splice(0..0, *b"\xef\xbb\xbf").for_each(drop),
            16 => parts[1].push(b'}'),
            17 => parts[1].push(0xff),
            18 => self.lengthen(&mut parts[1]),
            19 => parts[1] = [b"[", &*parts[1], b"]"].concat(),
            _ => {}
        }
        let signed = format!("{}.{}", encode(&parts[0]), encode(&parts[1]));
        let foreign = self.random.percent(3);
        let key = if foreign { &self.trusted.foreign } else { self.named(&kid) };
        format!("{signed}.{}", encode(key.sign(&signed)))
    }

    fn named(&self, kid: &str) -> &Key {
        self.trusted.published.iter().find(|key| key.kid == kid).unwrap()
    }

    /// Up to about the greatest length of a token.
    fn lengthen(&mut self, payload: &mut Vec<u8>) {
        let filler = 11_000 + self.random.below(900);
        let filler = format!(",\"filler\":\"{}\"}}", "x".repeat(filler));
        payload.pop();
        payload.extend(filler.bytes());
    }

    /// Characters of the token changed: other spellings of base64url, and no base64url at all.
    fn other_text(&mut self) -> String {
        let token = self.valid_token();
        let mut text: Vec<char> = token.chars().collect();
        for _ in 0..=self.random.below(2) {
            let at = self.random.below(text.len());
            match self.random.below(7) {
                0 => text.insert(
                    at,
                    self.random.pick(&["=", "\n", " ", "\0", ".", "~"]).chars().next().unwrap(),
                ),
                1 => drop(text.remove(at)),
                2 => text[at] = '+',
                3 => text[at] = '/',
                4 => text.push(if self.random.percent(50) { '=' } else { 'A' }),
                // The last character of a part holds the spare bits.
                5 => {
                    let ends = |c: &usize| text.get(c + 1).is_none_or(|next| *next == '.');
                    let last: Vec<_> = (0..text.len()).filter(ends).collect();
                    let at = last[self.random.below(last.len())];
                    text[at] = self
                        .random
                        .pick(&["A", "B", "Q", "g", "w", "x", "_"])
                        .chars()
                        .next()
                        .unwrap();
                }
                _ => text[at] = char::from(b'A' + (self.random.byte() % 26)),
            }
        }
        text.into_iter().collect()
    }

    /// Bytes of header, payload or signature changed, and not signed anew.
    fn other_bytes(&mut self) -> String {
        use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

        let token = self.valid_token();
        let mut parts: Vec<_> =
            token.split('.').map(|part| URL_SAFE_NO_PAD.decode(part).unwrap()).collect();
        let part = self.random.below(parts.len());
        scramble(&mut parts[part], &mut self.random);
        parts.iter().map(encode).collect::<Vec<_>>().join(".")
    }

    /// Parts left out, repeated, exchanged or taken from another token.
    fn other_parts(&mut self) -> String {
        let (token, other) = (self.valid_token(), self.valid_token());
        let mut parts: Vec<&str> = token.split('.').collect();
        let others: Vec<&str> = other.split('.').collect();
        let at = self.random.below(parts.len());
        match self.random.below(7) {
            0 => drop(parts.remove(at)),
            1 => parts.insert(at, ""),
            2 => parts.insert(at, others[at]),
            3 => parts[at] = "",
            4 => parts.swap(at, 0),
            5 => parts.extend(["", ""]),
            _ => parts[at] = others[at],
        }
        parts.join(".")
    }

    /// Signatures of other lengths, keys and algorithms.
    fn other_signature(&mut self) -> String {
        let token = self.valid_token();
        let (signed, _) = token.rsplit_once('.').unwrap();
        let key = self.key();
        let mut signature = key.sign(signed);
        match self.random.below(8) {
            0 => signature.insert(0, 0),
            1 => signature.push(0),
            2 => drop(signature.pop()),
            3 => signature.clear(),
            4 => signature = vec![self.random.byte(); signature.len()],
            5 => signature = self.trusted.foreign.sign(signed),
            6 => return self.by_other_algorithm(),
            _ => signature.reverse(),
        }
        format!("{signed}.{}", encode(signature))
    }

    fn by_other_algorithm(&mut self) -> String {
        let kid = self.key().kid.clone();
        let mut draft = Draft::valid(&kid, &mut self.random);
        let is_none = self.random.percent(30);
        let algorithm = if is_none { "\"none\"" } else { "\"HS256\"" };
        super::draft::set(&mut draft.header, "alg", algorithm);
        let signed = signing_input(&draft);
        let signature = match is_none {
            true => Vec::new(),
            false => self.named(&kid).sign_with_public_half(&signed),
        };
        format!("{signed}.{}", encode(signature))
    }
}

fn signing_input(draft: &Draft) -> String {
    format!("{}.{}", encode(render(&draft.header)), encode(render(&draft.payload)))
}

fn sign(draft: &Draft, key: &Key) -> String {
    let signed = signing_input(draft);
    format!("{signed}.{}", encode(key.sign(&signed)))
}

/// Changes some bytes: one replaced, left out, repeated or exchanged.
fn scramble(bytes: &mut Vec<u8>, random: &mut Random) {
    for _ in 0..=random.below(2) {
        if bytes.is_empty() {
            return;
        }
        let at = random.below(bytes.len());
        match random.below(6) {
            0 => bytes[at] = random.byte(),
            1 => bytes[at] ^= 1 << random.below(8),
            2 => drop(bytes.remove(at)),
            3 => bytes.insert(at, bytes[at]),
            4 => bytes.truncate(at),
            _ => {
                let other = random.below(bytes.len());
                bytes.swap(at, other);
            }
        }
    }
}
