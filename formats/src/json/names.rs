//! Which names an object has had so far.

use std::collections::HashSet;

/// Members up to which names are compared one by one; above, through a hash set.
const FEW_MEMBERS: usize = 16;

/// The names of one object that were seen so far.
pub(super) struct Names {
    fold_case: bool,
    few: Vec<String>,
    many: HashSet<String>,
}

impl Names {
    /// With `fold_case`, names that differ in the case of ASCII letters only are one name.
    pub(super) fn new(fold_case: bool) -> Self {
        Self {
            fold_case,
            few: Vec::new(),
            many: HashSet::new(),
        }
    }

    /// Whether `name` is new.
    pub(super) fn insert(&mut self, name: &str) -> bool {
        let name = if self.fold_case {
            name.to_ascii_lowercase()
        } else {
            name.to_owned()
        };
        if self.few.len() < FEW_MEMBERS {
            if self.few.contains(&name) {
                return false;
            }
            self.few.push(name);
            return true;
        }
        !self.few.contains(&name) && self.many.insert(name)
    }
}
