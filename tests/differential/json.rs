//! JSON by the letter of RFC 8259, read one character after the other. It shares nothing with
//! the reader under test, so that both would have to err in the same way.

use std::{iter::Peekable, str::Chars};

/// A value that is there once and without ambiguity.
#[derive(Debug, Clone, PartialEq)]
pub enum Json {
    Null,
    Boolean,
    /// As it is written.
    Number(String),
    Text(String),
    List(Vec<Json>),
    /// With distinct names.
    Object(Vec<(String, Json)>),
}

/// Deeper nesting is refused.
const MAX_DEPTH: usize = 127;

impl Json {
    /// A member of an object.
    pub fn get(&self, name: &str) -> Option<&Self> {
        let Self::Object(members) = self else { return None };
        members.iter().find(|(other, _)| other == name).map(|(_, value)| value)
    }

    /// A text.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }
}

/// One value and nothing else but white space around it; `None` for everything that is not JSON
/// in UTF-8, for repeated names, and for numbers that nobody can hold.
pub fn parse(bytes: &[u8]) -> Option<Json> {
    let text = std::str::from_utf8(bytes).ok()?;
    let mut parser = Parser { rest: text.chars().peekable() };
    let value = parser.value(MAX_DEPTH)?;
    parser.blanks();
    parser.rest.next().is_none().then_some(value)
}

struct Parser<'t> {
    rest: Peekable<Chars<'t>>,
}

impl Parser<'_> {
    fn blanks(&mut self) {
        while self.rest.next_if(|c| matches!(c, ' ' | '\t' | '\n' | '\r')).is_some() {}
    }

    fn take(&mut self, wanted: char) -> bool {
        self.rest.next_if_eq(&wanted).is_some()
    }

    fn word(&mut self, word: &str, value: Json) -> Option<Json> {
        word.chars().all(|c| self.take(c)).then_some(value)
    }

    fn value(&mut self, depth: usize) -> Option<Json> {
        self.blanks();
        match *self.rest.peek()? {
            'n' => self.word("null", Json::Null),
            't' => self.word("true", Json::Boolean),
            'f' => self.word("false", Json::Boolean),
            '"' => self.string().map(Json::Text),
            '[' => self.list(depth.checked_sub(1)?),
            '{' => self.object(depth.checked_sub(1)?),
            _ => self.number(),
        }
    }

    fn list(&mut self, depth: usize) -> Option<Json> {
        let mut elements = Vec::new();
        self.separated('[', ']', |parser| {
            elements.push(parser.value(depth)?);
            Some(())
        })?;
        Some(Json::List(elements))
    }

    fn object(&mut self, depth: usize) -> Option<Json> {
        let mut members: Vec<(String, Json)> = Vec::new();
        self.separated('{', '}', |parser| {
            parser.blanks();
            let name = parser.string()?;
            parser.blanks();
            let value = parser.take(':').then(|| parser.value(depth))??;
            let is_new = members.iter().all(|(other, _)| *other != name);
            is_new.then(|| members.push((name, value)))
        })?;
        Some(Json::Object(members))
    }

    fn separated(
        &mut self,
        open: char,
        close: char,
        mut element: impl FnMut(&mut Self) -> Option<()>,
    ) -> Option<()> {
        self.take(open).then_some(())?;
        self.blanks();
        if self.take(close) {
            return Some(());
        }
        loop {
            element(self)?;
            self.blanks();
            match self.rest.next()? {
                ',' => {}
                c if c == close => return Some(()),
                _ => return None,
            }
        }
    }

    fn string(&mut self) -> Option<String> {
        self.take('"').then_some(())?;
        let mut text = String::new();
        loop {
            match self.rest.next()? {
                '"' => return Some(text),
                '\\' => text.push(self.escape()?),
                c if c < ' ' => return None,
                c => text.push(c),
            }
        }
    }

    fn escape(&mut self) -> Option<char> {
        Some(match self.rest.next()? {
            c @ ('"' | '\\' | '/') => c,
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'u' => match self.four_digits()? {
                high @ 0xD800..=0xDBFF => {
                    (self.take('\\') && self.take('u')).then_some(())?;
                    let low = self.four_digits().filter(|low| (0xDC00..=0xDFFF).contains(low))?;
                    char::from_u32(0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00))?
                }
                unit => char::from_u32(unit)?,
            },
            _ => return None,
        })
    }

    fn four_digits(&mut self) -> Option<u32> {
        (0..4).try_fold(0, |number, _| Some(number * 16 + self.rest.next()?.to_digit(16)?))
    }

    fn number(&mut self) -> Option<Json> {
        let mut text = String::new();
        text.extend(self.rest.next_if_eq(&'-'));
        let whole = self.digits(&mut text)?;
        if whole > 1 && text.trim_start_matches('-').starts_with('0') {
            return None;
        }
        if let Some(point) = self.rest.next_if_eq(&'.') {
            text.push(point);
            self.digits(&mut text)?;
        }
        if let Some(e) = self.rest.next_if(|c| matches!(c, 'e' | 'E')) {
            text.push(e);
            text.extend(self.rest.next_if(|c| matches!(c, '+' | '-')));
            self.digits(&mut text)?;
        }
        text.parse::<f64>().ok().filter(|number| number.is_finite())?;
        Some(Json::Number(text))
    }

    fn digits(&mut self, text: &mut String) -> Option<usize> {
        let before = text.len();
        while let Some(digit) = self.rest.next_if(char::is_ascii_digit) {
            text.push(digit);
        }
        Some(text.len() - before).filter(|count| *count > 0)
    }
}
