//! Lists of verdicts that are known and reasoned: what is not on one fails the test, and so does what is no longer true.

use std::collections::BTreeMap;

/// Places that share one reason.
pub(crate) struct Pin {
    /// Why, with the section.
    pub(crate) reason: &'static str,
    /// `accepted`, or the code of the rejection.
    pub(crate) outcome: &'static str,
    /// Names of the seeds, whole or ending in `*`.
    pub(crate) seeds: &'static [&'static str],
    /// A place, whole or ending in `*`, and the ways to bend it.
    pub(crate) places: &'static [(&'static str, &'static [&'static str])],
}

/// What was observed: seed, place, way and outcome, with a note on the first such mutant.
pub(crate) type Observed = BTreeMap<(&'static str, String, &'static str, &'static str), String>;

fn fits(pattern: &str, text: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(prefix) => text.starts_with(prefix),
        None => pattern == text,
    }
}

/// Fails unless every observation is on the list, and every seed, place and way of the list was observed.
pub(crate) fn compare(pins: &[Pin], observed: &Observed) {
    let mut wrong = Vec::new();
    for ((seed, place, way, outcome), what) in observed {
        let listed = pins.iter().any(|pin| {
            pin.outcome == *outcome
                && pin.seeds.iter().any(|pattern| fits(pattern, seed))
                && pin
                    .places
                    .iter()
                    .any(|(pattern, ways)| fits(pattern, place) && ways.contains(way))
        });
        if !listed {
            wrong.push(format!(
                "not listed: {seed}\t{place}\t{way}\t{outcome}: {what:?}"
            ));
        }
    }
    for pin in pins {
        let seen = |seed: &str, place: &str, way: &str| {
            observed.keys().any(|key| {
                fits(seed, key.0) && fits(place, &key.1) && way == key.2 && pin.outcome == key.3
            })
        };
        for seed in pin.seeds {
            for (place, ways) in pin.places {
                for way in ways.iter().filter(|way| !seen(seed, place, way)) {
                    let (outcome, reason) = (pin.outcome, pin.reason);
                    wrong.push(format!(
                        "no longer so: {seed}\t{place}\t{way}\t{outcome}: {reason}"
                    ));
                }
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "{} differences from the list:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}
