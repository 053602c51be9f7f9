//! An explanation for a terminal of eighty columns.

use std::fmt;

use super::{Explanation, Ground, Remedy, StepExplained, why::By};
use crate::{finding::Place, printable::Printable};

const COLUMNS: usize = 80;

/// Where values begin: behind the names of what a step looked at, and in the head.
const INPUTS: usize = 28;
const HEAD: usize = 16;

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.head(f)?;
        writeln!(f, "\nSteps")?;
        self.steps.iter().try_for_each(|step| write_step(f, step))?;
        if self.steps.iter().any(|step| step.refused) {
            writeln!(f, "  No further step was taken; another may refuse as well.")?;
        }
        if !self.decided_by.is_empty() {
            writeln!(f, "\nDecided by")?;
            self.decided_by.iter().try_for_each(|ground| write_ground(f, ground))?;
        }
        let opposite = match (self.mode, self.is_allowed()) {
            (Some(_), _) => "let it in when it is enforced",
            (None, true) => "keep it out",
            (None, false) => "let it in",
        };
        writeln!(f, "\nWhat would {opposite}")?;
        self.remedies.iter().try_for_each(|remedy| write_remedy(f, remedy))?;
        if !self.notes.is_empty() {
            writeln!(f, "\nNotes")?;
            self.notes.iter().try_for_each(|note| wrapped(f, "  - ", note))?;
        }
        Ok(())
    }
}

impl Explanation {
    fn head(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = match (self.mode, self.is_allowed()) {
            (Some(_), _) => "LET THROUGH IN SHADOW",
            (None, true) => "ALLOWED",
            (None, false) => "DENIED",
        };
        if !self.certain {
            writeln!(f, "CANNOT SAY (see the notes). As far as it can be told:")?;
        }
        write!(f, "{verdict}: {}", self.reason)?;
        match self.status {
            Some(status) => writeln!(f, " ({status})")?,
            None => writeln!(f)?,
        }
        if let Some(detail) = &self.detail {
            wrapped(f, "  ", detail)?;
        }
        if let Some(application) = &self.application {
            named(f, HEAD, "  ", "application", application)?;
        }
        if let Some(caller) = &self.caller {
            let known = caller.application.as_deref().unwrap_or("of no known application");
            named(
                f,
                HEAD,
                "  ",
                "caller",
                &format!("{} {known} {}", caller.kind, caller.client_id),
            )?;
        }
        if let Some(recorded) = &self.recorded {
            let then = format!("{} {} {}", recorded.time, recorded.decision, recorded.reason);
            named(f, HEAD, "  ", "recorded", &then)?;
            let now = match recorded.differs {
                true => "DIFFERS from what was recorded",
                false => "the same as recorded",
            };
            named(f, HEAD, "  ", "now", now)?;
        }
        Ok(())
    }
}

fn write_step(f: &mut fmt::Formatter<'_>, step: &StepExplained) -> fmt::Result {
    writeln!(f, "  {} {}", if step.refused { "✗" } else { "✓" }, step.step)?;
    step.inputs.iter().try_for_each(|input| named(f, INPUTS, "    ", input.name, &input.value))
}

fn write_ground(f: &mut fmt::Formatter<'_>, ground: &Ground) -> fmt::Result {
    wrapped(f, "  - ", &ground.what)?;
    write_places(f, &ground.at)
}

fn write_remedy(f: &mut fmt::Formatter<'_>, remedy: &Remedy) -> fmt::Result {
    let by = match remedy.by {
        By::Caller => "Caller",
        By::Team => "API's team",
        By::Operator => "Operator",
    };
    wrapped(f, "  - ", &format!("{by}: {}", remedy.what))?;
    write_places(f, &remedy.at)?;
    let text = remedy.text.iter().flat_map(|text| text.lines());
    text.into_iter().try_for_each(|line| writeln!(f, "        {}", Printable(line)))
}

fn write_places(f: &mut fmt::Formatter<'_>, places: &[Place]) -> fmt::Result {
    places.iter().try_for_each(|place| writeln!(f, "    at {place}"))
}

/// A name and its value in `column`, or below where it is too long for what is left of a line.
fn named(
    f: &mut fmt::Formatter<'_>,
    column: usize,
    indent: &str,
    name: &str,
    value: &str,
) -> fmt::Result {
    let width = column.saturating_sub(indent.len());
    let longest = value.split_whitespace().map(|word| word.chars().count()).max();
    if column + longest.unwrap_or_default() > COLUMNS {
        writeln!(f, "{indent}{name}")?;
        return wrapped(f, &format!("{indent} "), value);
    }
    wrapped(f, &format!("{indent}{name:<width$}"), value)
}

/// A text behind `first`, its other lines below where it began. What is too long for a line by
/// itself is never cut: it is there to be copied.
fn wrapped(f: &mut fmt::Formatter<'_>, first: &str, text: &str) -> fmt::Result {
    let indent = first.chars().count();
    let mut line = first.to_owned();
    let mut is_begun = false;
    for word in text.split_whitespace().map(|word| Printable(word).to_string()) {
        let wanted = line.chars().count() + usize::from(is_begun) + word.chars().count();
        if is_begun && wanted > COLUMNS {
            writeln!(f, "{}", line.trim_end())?;
            line = " ".repeat(indent);
            is_begun = false;
        }
        if is_begun {
            line.push(' ');
        }
        line.push_str(&word);
        is_begun = true;
    }
    writeln!(f, "{}", line.trim_end())
}
