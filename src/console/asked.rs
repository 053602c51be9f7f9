//! What an address asks for: its parameters, whose faults are told in plain words.

use std::ops::RangeInclusive;

use axum::{
    extract::FromRequestParts,
    http::{StatusCode, request::Parts},
    response::{IntoResponse, Response},
};
use url::form_urlencoded;

/// The longest part of an unknown name that is told back, in characters.
const TOLD: usize = 40;

/// What is asked for, read from the parameters of an address.
pub trait Asked: Sized {
    /// The names of all parameters that there are.
    const NAMES: &'static [&'static str];

    /// Reads them.
    ///
    /// # Errors
    /// A value that is none of those that the parameter takes.
    fn read(parameters: &Parameters) -> Result<Self, Misstated>;
}

/// Hands a handler what is asked for; 400 where that cannot be read.
#[derive(Debug)]
pub struct Query<T>(pub T);

impl<T: Asked, S: Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Misstated;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Misstated> {
        let parameters = Parameters::of(parts.uri.query().unwrap_or_default(), T::NAMES)?;
        T::read(&parameters).map(Self)
    }
}

/// Parameters by their names, each of them known and there once at most.
#[derive(Debug)]
pub struct Parameters(Vec<(String, String)>);

/// What is wrong with a parameter, and what it takes: a sentence. Values are not told back.
#[derive(Debug, PartialEq, Eq)]
pub struct Misstated(String);

impl Parameters {
    fn of(query: &str, names: &[&str]) -> Result<Self, Misstated> {
        let mut read: Vec<(String, String)> = Vec::new();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            if !names.contains(&&*name) {
                let (name, known): (String, _) =
                    (name.chars().take(TOLD).collect(), names.join(", "));
                let sentence = format!("There is no parameter {name:?} here; there are: {known}.");
                return Err(Misstated(sentence));
            }
            if read.iter().any(|(earlier, _)| *earlier == name) {
                return Err(Misstated(format!("The parameter {name} may be stated once only.")));
            }
            read.push((name.into_owned(), value.into_owned()));
        }
        Ok(Self(read))
    }

    /// A text; empty where it is not stated.
    pub fn text(&self, name: &str) -> String {
        self.stated(name).unwrap_or_default().to_owned()
    }

    /// A text that there must be.
    ///
    /// # Errors
    /// It is missing, or empty.
    pub fn needed(&self, name: &str, what: &str) -> Result<String, Misstated> {
        let stated = self.stated(name).filter(|value| !value.is_empty());
        stated.map(str::to_owned).ok_or_else(|| misstated(name, &format!("is needed: {what}")))
    }

    /// A whole number; `otherwise` where none is stated.
    ///
    /// # Errors
    /// It is no number, or too small or too large.
    pub fn number(
        &self,
        name: &str,
        takes: RangeInclusive<u64>,
        otherwise: u64,
    ) -> Result<u64, Misstated> {
        let Some(stated) = self.stated(name) else { return Ok(otherwise) };
        let number = stated.parse().ok().filter(|number| takes.contains(number));
        number.ok_or_else(|| match (*takes.start(), *takes.end()) {
            (least, u64::MAX) => misstated(name, &format!("takes a whole number from {least}")),
            (least, most) => {
                misstated(name, &format!("takes a whole number from {least} to {most}"))
            }
        })
    }

    /// One of some words; empty where none is stated.
    ///
    /// # Errors
    /// It is another one.
    pub fn word(&self, name: &str, takes: &[&'static str]) -> Result<&'static str, Misstated> {
        let stated = self.stated(name).unwrap_or_default();
        if stated.is_empty() {
            return Ok("");
        }
        let word = takes.iter().find(|word| **word == stated).copied();
        word.ok_or_else(|| match takes {
            [only] => misstated(name, &format!("takes nothing but {only}")),
            words => misstated(name, &format!("takes one of {}", words.join(", "))),
        })
    }

    fn stated(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(stated, _)| stated == name).map(|(_, value)| &**value)
    }
}

fn misstated(name: &str, takes: &str) -> Misstated {
    Misstated(format!("The parameter {name} {takes}."))
}

impl IntoResponse for Misstated {
    fn into_response(self) -> Response {
        (StatusCode::BAD_REQUEST, self.0 + "\n").into_response()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Eq)]
    struct Question(String, u64, &'static str);

    impl Asked for Question {
        const NAMES: &'static [&'static str] = &["of", "days", "decision"];

        fn read(parameters: &Parameters) -> Result<Self, Misstated> {
            let of = parameters.needed("of", "the name of an application")?;
            let days = parameters.number("days", 1..=90, 30)?;
            Ok(Self(of, days, parameters.word("decision", &["allow", "deny"])?))
        }
    }

    fn read(query: &str) -> Result<Question, String> {
        let parameters = Parameters::of(query, Question::NAMES);
        parameters.and_then(|it| Question::read(&it)).map_err(|Misstated(sentence)| sentence)
    }

    #[test]
    fn what_is_wrong_is_told_by_the_parameters_name_and_what_it_takes() {
        let whole = |days, decision| Ok(Question("a b".to_owned(), days, decision));
        let wrong = |sentence: &str| Err(sentence.to_owned());
        for (query, expected) in [
            ("of=a+b", whole(30, "")),
            ("of=a%20b&days=7&decision=deny", whole(7, "deny")),
            ("of=a+b&decision=", whole(30, "")),
            ("", wrong("The parameter of is needed: the name of an application.")),
            ("of=", wrong("The parameter of is needed: the name of an application.")),
            ("of=a&days=0", wrong("The parameter days takes a whole number from 1 to 90.")),
            ("of=a&days=x", wrong("The parameter days takes a whole number from 1 to 90.")),
            ("of=a&days=", wrong("The parameter days takes a whole number from 1 to 90.")),
            ("of=a&decision=no", wrong("The parameter decision takes one of allow, deny.")),
            ("of=a&of=b", wrong("The parameter of may be stated once only.")),
            (
                "of=a&d%0aay=7",
                wrong(r#"There is no parameter "d\nay" here; there are: of, days, decision."#),
            ),
        ] {
            assert_eq!(read(query), expected, "{query}");
        }
    }
}
