//! Where the parts of a policy stand in its text, for findings that come after reading.

use std::collections::BTreeMap;

/// Places of the parts of one policy; part names are paths such as `require.allOf[0]` and `signers.release`.
#[derive(Debug, Clone, Default)]
pub(crate) struct Places {
    /// Name of the source; empty for a policy that flags amount to.
    pub(crate) file: String,
    at: BTreeMap<String, (u64, u64)>,
}

impl Places {
    pub(crate) fn of(file: &str) -> Self {
        Self {
            file: file.to_owned(),
            at: BTreeMap::new(),
        }
    }

    pub(crate) fn note(&mut self, part: String, line: u64, column: u64) {
        self.at.insert(part, (line, column));
    }

    /// Line and column of `part`, or of the nearest part around it that has a place.
    pub(crate) fn find(&self, part: &str) -> Option<(u64, u64)> {
        let mut part = part;
        loop {
            if let Some(place) = self.at.get(part) {
                return Some(*place);
            }
            part = part.get(..part.rfind(['.', '['])?)?;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_without_a_place_has_that_of_the_part_around_it() {
        let mut places = Places::of("p.yaml");
        places.note("require".to_owned(), 9, 3);
        places.note("require.allOf[1]".to_owned(), 12, 7);
        assert_eq!(places.find("require.allOf[1]"), Some((12, 7)));
        assert_eq!(places.find("require.allOf[1].anyOf[0]"), Some((12, 7)));
        assert_eq!(places.find("require.allOf[0]"), Some((9, 3)));
        assert_eq!(places.find("scope"), None);
    }
}
