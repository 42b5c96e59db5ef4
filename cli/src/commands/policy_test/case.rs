//! One case: a record judged by policies, compared with what was expected.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use countersign::{Verifier, load_policies};
use countersign_formats::Limits;
use countersign_policy::{Decision, PolicySet, RuleOutcome, Status, TestCase, Verdict};

use super::CaseDone;
use crate::escape::field;
use crate::explain;
use crate::failure::Failure;
use crate::packs::Records;

/// What several cases share: packs and policies are read once.
#[derive(Default)]
pub(super) struct Shared {
    packs: Once<PathBuf, Arc<Records>>,
    policies: Once<Vec<PathBuf>, PolicySet>,
}

/// Values that are made once for each key, failures too.
struct Once<K, V>(Mutex<BTreeMap<K, Result<V, Failure>>>);

impl<K, V> Default for Once<K, V> {
    fn default() -> Self {
        Self(Mutex::new(BTreeMap::new()))
    }
}

impl<K: Ord, V: Clone> Once<K, V> {
    fn get(&self, key: K, make: impl FnOnce(&K) -> Result<V, Failure>) -> Result<V, Failure> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(value) = known.get(&key) {
            return value.clone();
        }
        let value = make(&key);
        known.insert(key, value.clone());
        value
    }
}

/// Judges the case of the table in `path`.
pub(super) fn judge(shared: &Shared, path: &Path, case: &TestCase) -> CaseDone {
    match decide(shared, path, case) {
        Ok(decision) => CaseDone {
            differences: differences(case, &decision),
            verdict: Some(verdict(&decision).as_str()),
            failure: None,
        },
        Err(failure) => CaseDone {
            differences: Vec::new(),
            verdict: None,
            failure: Some(failure),
        },
    }
}

fn decide(shared: &Shared, path: &Path, case: &TestCase) -> Result<Decision, Failure> {
    let folder = path.parent().unwrap_or(Path::new(""));
    let policies = case.policies.iter().map(|file| folder.join(file)).collect();
    let policies = shared.policies.get(policies, |paths| {
        Ok(load_policies(paths, &Limits::DEFAULT)?)
    })?;
    let pack = shared.packs.get(folder.join(&case.pack), |path| {
        Records::open(path).map(Arc::new)
    })?;
    let chosen = match &case.image {
        Some(name) => pack.of(name)?,
        None => pack.sole()?,
    };
    let builder = Verifier::builder().policy(policies);
    let verifier = pack.trusting(chosen.record, builder)?.build()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .map_err(|error| {
            Failure::internal(
                "runtime",
                format!(
                    "cannot start the runtime: {}",
                    crate::failure::words(&error)
                ),
            )
        })?;
    let chosen = pack.platform(chosen, case.platform.as_ref(), &runtime)?;
    let now = case.now.unwrap_or(chosen.record.recorded_at);
    Ok(pack.verify(&chosen, &verifier, &runtime, now)?.decision)
}

fn verdict(decision: &Decision) -> Status {
    match &decision.verdict {
        Verdict::Pass => Status::Pass,
        Verdict::Fail(_) => Status::Fail,
        Verdict::Unknown(_) => Status::Unknown,
    }
}

/// What differs from what was expected, and then what it came to.
fn differences(case: &TestCase, decision: &Decision) -> Vec<String> {
    let mut lines = Vec::new();
    let mut differ = |what: &str, expected: &str, found: &str| {
        if expected != found {
            lines.push(format!("{what}: expected {expected}, came to {found}"));
        }
    };
    differ("verdict", case.verdict.as_str(), verdict(decision).as_str());
    if let Some(action) = case.action {
        differ("action", action.as_str(), decision.action.as_str());
    }
    if let Some(code) = case.exit_code {
        let found = explain::status(decision).code().to_string();
        differ("exit code", &code.to_string(), &found);
    }
    let codes = codes(decision);
    for code in &case.codes {
        if !codes.contains(code.as_str()) {
            let found: Vec<&str> = codes.iter().copied().collect();
            let found = if found.is_empty() {
                "none".to_owned()
            } else {
                found.join(", ")
            };
            lines.push(format!("code: expected {}, found {found}", field(code)));
        }
    }
    let reasons = reasons(decision);
    for text in &case.reasons {
        if !reasons.iter().any(|reason| reason.contains(text.as_str())) {
            lines.push(format!("reason: no reason says `{}`", field(text)));
        }
    }
    if !lines.is_empty() {
        lines.extend(
            reasons
                .iter()
                .map(|reason| format!("because: {}", field(reason))),
        );
        lines.extend(nearest(decision));
    }
    lines
}

/// The codes of reasons, causes, mismatches and rejections.
fn codes(decision: &Decision) -> BTreeSet<&str> {
    let mut codes: BTreeSet<&str> = BTreeSet::new();
    match &decision.verdict {
        Verdict::Pass => {}
        Verdict::Fail(reasons) => codes.extend(reasons.iter().map(|reason| reason.code)),
        Verdict::Unknown(causes) => codes.extend(causes.iter().map(|cause| cause.class.code())),
    }
    codes.extend(decision.rejected.iter().map(|piece| piece.code()));
    codes.extend(decision.unusable.iter().map(|piece| piece.code));
    for policy in &decision.policies {
        mismatches(&policy.rule, &mut codes);
    }
    codes
}

fn mismatches<'a>(rule: &'a RuleOutcome, codes: &mut BTreeSet<&'a str>) {
    if rule.status == Status::Pass {
        return;
    }
    for candidate in &rule.candidates {
        codes.extend(
            candidate
                .mismatches
                .iter()
                .map(|mismatch| mismatch.kind.code()),
        );
    }
    for child in &rule.children {
        mismatches(child, codes);
    }
}

/// The words of reasons and causes, and of what the pieces miss that are of the right kind.
fn reasons(decision: &Decision) -> Vec<String> {
    let mut words: Vec<String> = match &decision.verdict {
        Verdict::Pass => Vec::new(),
        Verdict::Fail(reasons) => reasons
            .iter()
            .map(|reason| reason.message.clone())
            .collect(),
        Verdict::Unknown(causes) => causes.iter().map(ToString::to_string).collect(),
    };
    if let Some(miss) = decision.explain_nearest() {
        words.extend(
            miss.candidate
                .mismatches
                .iter()
                .map(|mismatch| mismatch.message.clone()),
        );
    }
    words
}

fn nearest(decision: &Decision) -> Option<String> {
    let miss = decision.explain_nearest()?;
    Some(format!("nearest miss: {}", explain::place(miss.origin())))
}
