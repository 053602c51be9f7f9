//! The patch that takes out what is not used.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use similar::TextDiff;

use super::{
    Unused, What,
    removal::{Cut, Remaining, without},
};

/// Lines around a change.
const CONTEXT: usize = 3;

/// What is to be done about what is not used.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Patch {
    /// A unified diff of the files as they were named, for `patch -p0`.
    pub text: String,
    by_hand: BTreeSet<Cut>,
}

impl Patch {
    /// Takes rules and groups out, and makes `allowAllUsers` false. `read` gives a file's text.
    pub fn of(unused: &[Unused], read: impl Fn(&str) -> Option<String>) -> Self {
        let mut files: BTreeMap<Arc<str>, BTreeSet<Cut>> = BTreeMap::new();
        for cut in unused.iter().filter_map(cut_of) {
            let (Cut::Item(place) | Cut::Falsify(place)) = &cut;
            files.entry(Arc::clone(&place.source)).or_default().insert(cut);
        }
        let mut patch = Self::default();
        for (file, cuts) in files {
            let before = read(&file).unwrap_or_default();
            let Remaining { text: after, by_hand } = without(&file, &before, &cuts);
            let diff = TextDiff::from_lines(&before, &after);
            let unified =
                diff.unified_diff().context_radius(CONTEXT).header(&file, &file).to_string();
            patch.text.push_str(&unified);
            patch.by_hand.extend(by_hand);
        }
        patch
    }

    /// Whether it is in the files still, because it takes a person.
    pub fn leaves(&self, unused: &Unused) -> bool {
        cut_of(unused).is_some_and(|cut| self.by_hand.contains(&cut))
    }
}

/// An application is nobody's to take out: others may know of it what no document says.
fn cut_of(unused: &Unused) -> Option<Cut> {
    let place = unused.place.clone();
    match unused.what {
        What::Application => None,
        What::Rule(_) | What::Group(_) => Some(Cut::Item(place)),
        What::Everyone => Some(Cut::Falsify(place)),
    }
}
