//! The wire format of Protocol Buffers, as far as a check needs it: reading without copying, and
//! writing without messages in between.
//!
//! Source: Protocol Buffers Documentation, "Encoding".

use std::{fmt, io};

use prost::encoding::{WireType, decode_key, decode_varint, encode_varint};

/// The fields of a map's entry ("Maps", as above).
pub const MAP_KEY: u32 = 1;
/// See [`MAP_KEY`].
pub const MAP_VALUE: u32 = 2;

/// The bytes are no message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the bytes are no message of Protocol Buffers")]
pub struct Malformed;

/// The length-delimited fields of a message, texts and messages alike, in their order. Fields of
/// other kinds are passed over: a check reads none.
#[derive(Debug, Clone)]
pub struct Fields<'m>(&'m [u8]);

impl<'m> Fields<'m> {
    pub fn of(message: &'m [u8]) -> Self {
        Self(message)
    }

    fn read(&mut self) -> Result<Option<(u32, &'m [u8])>, Malformed> {
        while !self.0.is_empty() {
            let (number, kind) = decode_key(&mut self.0).map_err(|_| Malformed)?;
            match kind {
                WireType::LengthDelimited => {
                    let length = decode_varint(&mut self.0).map_err(|_| Malformed)?;
                    return self.take(length).map(|value| Some((number, value)));
                }
                WireType::Varint => drop(decode_varint(&mut self.0).map_err(|_| Malformed)?),
                WireType::SixtyFourBit => drop(self.take(8)?),
                WireType::ThirtyTwoBit => drop(self.take(4)?),
                WireType::StartGroup | WireType::EndGroup => return Err(Malformed),
            }
        }
        Ok(None)
    }

    fn take(&mut self, length: u64) -> Result<&'m [u8], Malformed> {
        let length = usize::try_from(length).map_err(|_| Malformed)?;
        let (value, rest) = self.0.split_at_checked(length).ok_or(Malformed)?;
        self.0 = rest;
        Ok(value)
    }
}

impl<'m> Iterator for Fields<'m> {
    type Item = Result<(u32, &'m [u8]), Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        self.read().transpose()
    }
}

/// A message that is being written.
#[derive(Debug)]
pub struct Writer(Vec<u8>);

impl Writer {
    /// A message that will most likely not be longer than `bytes`.
    pub fn with_capacity(bytes: usize) -> Self {
        Self(Vec::with_capacity(bytes))
    }

    /// What was written.
    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    /// A number. Zero is written too: a message that states it is not empty.
    pub fn number(&mut self, field: u32, value: u64) {
        self.key(field, WireType::Varint);
        self.varint(value);
    }

    /// A text.
    pub fn text(&mut self, field: u32, value: &str) {
        self.key(field, WireType::LengthDelimited);
        self.varint(value.len() as u64);
        self.0.extend_from_slice(value.as_bytes());
    }

    /// A message within this one, or a text that is written piece by piece.
    pub fn nested(&mut self, field: u32, write: impl FnOnce(&mut Self)) {
        self.key(field, WireType::LengthDelimited);
        // The length stands before what it is the length of, and is known only later. Most lengths
        // take one byte.
        let place = self.0.len();
        self.0.push(0);
        let start = self.0.len();
        write(self);
        let end = self.0.len();
        let mut length = [0; 10];
        let mut rest = &mut length[..];
        encode_varint((end - start) as u64, &mut rest);
        let bytes = 10 - rest.len();
        if bytes > 1 {
            self.0.resize(end + bytes - 1, 0);
            self.0.copy_within(start..end, place + bytes);
        }
        self.0[place..place + bytes].copy_from_slice(&length[..bytes]);
    }

    fn key(&mut self, field: u32, kind: WireType) {
        self.varint(u64::from(field << 3) | kind as u64);
    }

    fn varint(&mut self, value: u64) {
        match u8::try_from(value) {
            Ok(byte @ 0..0x80) => self.0.push(byte),
            _ => encode_varint(value, &mut self.0),
        }
    }

    /// How much was written so far, in bytes.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Takes back what was written after `len` bytes.
    pub fn truncate(&mut self, len: usize) {
        self.0.truncate(len);
    }
}

/// Writes a piece of a text that [`nested`](Writer::nested) writes. Never fails.
impl fmt::Write for Writer {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.extend_from_slice(text.as_bytes());
        Ok(())
    }
}

/// As above, for what writes bytes; they must be UTF-8 in a text.
impl io::Write for Writer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let long = "x".repeat(300);
        let mut writer = Writer::with_capacity(8);
        writer.number(1, 150);
        writer.text(2, "testing");
        writer.nested(3, |inner| {
            inner.text(1, &long);
            inner.nested(2, |innermost| innermost.write_str("a").unwrap());
        });
        let bytes = writer.into_bytes();
        assert_eq!(bytes[..3], [0x08, 0x96, 0x01], "the example of the documentation");
        let fields: Vec<_> = Fields::of(&bytes).collect::<Result<_, _>>().unwrap();
        let [(2, text), (3, inner)] = fields[..] else { panic!("{fields:?}") };
        assert_eq!(text, b"testing");
        let inner: Vec<_> = Fields::of(inner).collect::<Result<_, _>>().unwrap();
        assert_eq!(inner, [(1, long.as_bytes()), (2, b"a")]);
    }

    #[test]
    fn what_ends_too_early_or_is_no_field_is_malformed() {
        for bytes in [
            &[0x0a][..],
            &[0x0a, 0x02, 0x00],
            &[0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
            &[0x0b],
            &[0x0c],
            &[0x00, 0x00],
            &[0x09, 0x00],
            &[0x0d, 0x00],
            &[0xff],
        ] {
            assert!(Fields::of(bytes).any(|field| field == Err(Malformed)), "{bytes:?}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_reading_panic_or_go_on_for_ever(bytes in any::<Vec<u8>>()) {
            prop_assert!(Fields::of(&bytes).take_while(Result::is_ok).count() <= bytes.len());
        }
    }
}
