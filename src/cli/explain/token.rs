//! The token: from a file or standard input, and never from the command line.

use std::{
    io::{self, Read},
    path::{Path, PathBuf},
};

use clap::Args;

use crate::cli::input::{Input, Unreadable};

/// Far more than any token that would be accepted.
const MAX_BYTES: u64 = 1 << 20;

/// How the header of every token begins: `{"` in base64url.
const BEGINNING: &str = "eyJ";

#[derive(Debug, Args)]
pub struct TokenOption {
    /// A file that holds the token, or - for standard input. Without it, a request without token
    /// is explained.
    #[arg(long, value_name = "FILE", conflicts_with = "decisions")]
    token: Option<PathBuf>,
}

/// The token cannot be read. What it says is never part of the message.
#[derive(Debug, thiserror::Error)]
pub enum NoToken {
    #[error(
        "a token is never an argument: the shell remembers it, and everybody on the machine sees it in the list of processes. Write it into a file (--token FILE) or pipe it in (--token -)"
    )]
    Argument,
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    #[error("{file}: there is no token in it")]
    Empty { file: String },
    #[error("{file}:{line}: a token is one line, and here is another; give a file with one token")]
    Lines { file: String, line: usize },
    #[error("{file}: it is larger than 1 MiB and no token")]
    TooLarge { file: String },
}

impl TokenOption {
    /// # Errors
    /// [`NoToken::Argument`] where a token stands among the arguments, also as the name of a file.
    pub fn refuse_as_argument(&self, paths: &[PathBuf]) -> Result<(), NoToken> {
        match paths.iter().chain(&self.token).any(|argument| is_token(argument)) {
            true => Err(NoToken::Argument),
            false => Ok(()),
        }
    }

    /// The value of the Authorization header, if there is a token.
    ///
    /// # Errors
    /// See [`NoToken`].
    pub fn read(&self) -> Result<Option<String>, NoToken> {
        let Some(path) = &self.token else { return Ok(None) };
        let Input { name: file, reader } = Input::open(path)?;
        match limited(reader) {
            Err(error) => Err(Unreadable { name: file, error }.into()),
            Ok(text) if text.len() as u64 > MAX_BYTES => Err(NoToken::TooLarge { file }),
            Ok(text) => match (second_line(&text), header(&text)) {
                (Some(line), _) => Err(NoToken::Lines { file, line }),
                (None, None) => Err(NoToken::Empty { file }),
                (None, header) => Ok(header),
            },
        }
    }
}

fn limited(source: impl Read) -> io::Result<String> {
    let mut text = String::new();
    source.take(MAX_BYTES + 1).read_to_string(&mut text)?;
    Ok(text)
}

/// The number of the second line with something in it.
fn second_line(text: &str) -> Option<usize> {
    let mut numbered = (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty());
    numbered.nth(1).map(|(number, _)| number)
}

/// A token as it stands in a file, with or without what stands before it in a request: the name of
/// the header, and the scheme.
fn header(text: &str) -> Option<String> {
    const NAME: &str = "authorization:";
    let text = text.trim_start_matches('\u{feff}').trim();
    let is_named = text.get(..NAME.len()).is_some_and(|name| name.eq_ignore_ascii_case(NAME));
    let text = if is_named { text[NAME.len()..].trim_start() } else { text };
    match text.get(..7).is_some_and(|scheme| scheme.eq_ignore_ascii_case("bearer ")) {
        true => Some(text.to_owned()),
        false => (!text.is_empty()).then(|| format!("Bearer {text}")),
    }
}

/// Whether an argument is a token, whole or not. No path begins like that by chance.
fn is_token(argument: &Path) -> bool {
    let text = argument.to_string_lossy();
    let text = text.trim_start();
    let token = text.split_once(' ').map_or(text, |(_, token)| token.trim_start());
    token.starts_with(BEGINNING) && !argument.exists()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_among_the_arguments_is_known_by_its_beginning() {
        for (argument, expected) in [
            ("eyJhbGciOiJSUzI1NiJ9.eyJhIjoxfQ.c2ln", true),
            ("eyJhbGciOiJSUzI1NiJ9", true),
            (" eyJhbGciOiJSUzI1NiJ9.x", true),
            ("Bearer eyJhbGciOiJSUzI1NiJ9.x.y", true),
            ("-", false),
            ("applications/eyJ.yaml", false),
            ("portvakt.yaml", false),
        ] {
            assert_eq!(is_token(Path::new(argument)), expected, "{argument}");
        }
    }

    #[test]
    fn a_token_may_have_its_scheme_and_a_line_end() {
        for (text, expected) in [
            ("a.b.c\n", Some("Bearer a.b.c")),
            ("Bearer a.b.c\r\n", Some("Bearer a.b.c")),
            ("bearer a.b.c", Some("bearer a.b.c")),
            ("Authorization: Bearer a.b.c\n", Some("Bearer a.b.c")),
            ("authorization:a.b.c", Some("Bearer a.b.c")),
            ("\u{feff}a.b.c\n", Some("Bearer a.b.c")),
            ("Authorization: \n", None),
            ("  \n", None),
            ("", None),
        ] {
            assert_eq!(header(text).as_deref(), expected, "{text:?}");
        }
    }

    #[test]
    fn a_file_with_more_than_one_line_is_no_token() {
        for (text, expected) in [
            ("", None),
            ("a.b.c", None),
            ("\n\na.b.c\r\n \n", None),
            ("a.b.c\na.b.c\n", Some(2)),
            ("\na.b\n\n.c", Some(4)),
        ] {
            assert_eq!(second_line(text), expected, "{text:?}");
        }
    }
}
