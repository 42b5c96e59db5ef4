//! The same vectors and mutants judged by sigstore for Python: `just interop` runs it.

mod rules;

#[cfg(test)]
#[expect(
    clippy::print_stdout,
    reason = "the suite says what it compared and under which rules"
)]
mod tests {
    use super::rules::{REQUIRED, TAKEN_HERE, VECTORS};
    use crate::mutants::each;
    use crate::mutants::json::Json;
    use crate::mutants::pins::{self, Observed, Pin};
    use crate::mutants::seeds::{Corpus, Form, Ours, Seed};
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use countersign_testdata::lab::Lab;
    use serde_json::{Value, json};
    use std::collections::BTreeMap;
    use std::io::{BufRead as _, BufReader, Write as _};
    use std::path::{Path, PathBuf};
    use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
    use std::sync::Mutex;
    use std::time::Instant;

    /// Mutants of one kind at one place that are judged, the first ones; the others differ in where a byte is bent.
    const EACH: usize = 2;

    /// The other verifier, in a process of its own.
    struct Other {
        child: Child,
        input: Option<ChildStdin>,
        output: BufReader<ChildStdout>,
        root: String,
    }

    impl Other {
        /// The Python that has `sigstore`: the one that `COUNTERSIGN_SIGSTORE_PYTHON` names, else the installed peer.
        fn python() -> Option<String> {
            let python = std::env::var("COUNTERSIGN_SIGSTORE_PYTHON")
                .unwrap_or_else(|_| "sigstore-python".to_owned());
            let probe = Command::new(&python)
                .args(["-c", "import sigstore; print(sigstore.__version__)"])
                .stderr(Stdio::null())
                .output();
            let probe = probe.ok().filter(|probe| probe.status.success());
            let Some(probe) = probe else {
                countersign_tests::skipped("differential::python", "sigstore-python");
                return None;
            };
            let version = String::from_utf8_lossy(&probe.stdout);
            println!("sigstore for Python {}", version.trim());
            Some(python)
        }

        fn start(python: &str) -> Self {
            let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("peers/sigstore_oracle.py");
            let mut child = Command::new(python)
                .arg(program)
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .spawn()
                .unwrap();
            let (input, output) = (child.stdin.take(), child.stdout.take().unwrap());
            Self {
                child,
                input,
                output: BufReader::new(output),
                root: String::new(),
            }
        }

        /// What it says about a bundle; `asked` is a member `digest` or `file`.
        fn judge(&mut self, root: &str, bundle: &[u8], asked: (&str, &str)) -> Result<(), String> {
            let mut case = json!({"bundle": STANDARD.encode(bundle), asked.0: asked.1});
            if self.root != root {
                self.root = root.to_owned();
                case["root"] = root.into();
            }
            let input = self.input.as_mut().unwrap();
            writeln!(input, "{case}").unwrap();
            input.flush().unwrap();
            let mut line = String::new();
            self.output.read_line(&mut line).unwrap();
            let answer: Value = serde_json::from_str(&line).unwrap();
            match answer["accepted"].as_bool().unwrap() {
                true => Ok(()),
                false => Err(answer["why"].as_str().unwrap().to_owned()),
            }
        }

        fn judge_mutant(
            &mut self,
            corpus: &Corpus,
            seed: &Seed,
            document: &Json,
        ) -> Result<(), String> {
            let asked = match seed.about_file {
                true => ("file", STANDARD.encode(Lab::artifact())),
                false => ("digest", Lab::image().replace("sha256:", "")),
            };
            let bundle = document.to_string();
            self.judge(&corpus.root, bundle.as_bytes(), (asked.0, &asked.1))
        }
    }

    impl Drop for Other {
        fn drop(&mut self) {
            drop(self.input.take());
            let _ = self.child.wait();
        }
    }

    #[test]
    fn vectors_on_which_python_differs_show_a_listed_rule() {
        let Some(python) = Other::python() else {
            return;
        };
        let mut other = Other::start(&python);
        let (mut count, mut observed) = (0, BTreeMap::new());
        for folder in folders(&vectors()).iter().flat_map(|group| folders(group)) {
            let text = std::fs::read_to_string(folder.join("expect.toml")).unwrap();
            let expected: toml::Table = text.parse().unwrap();
            if !comparable(&expected) {
                continue;
            }
            count += 1;
            let text = |name: &str| expected[name].as_str().unwrap();
            let root = match text("trusted_root") {
                "shared" => vectors().join("trusted_root.json"),
                _ => folder.join("trusted_root.json"),
            };
            let root = std::fs::read_to_string(root).unwrap();
            let asked = match text("subject").split_once("sha256:") {
                Some((_, digest)) => ("digest", digest.to_owned()),
                None => {
                    let file = std::fs::read(folder.join(text("subject"))).unwrap();
                    ("file", STANDARD.encode(file))
                }
            };
            let bundle = std::fs::read(folder.join("input.json")).unwrap();
            let theirs = other.judge(&root, &bundle, (asked.0, &asked.1));
            let outcome = match (expected["accept"].as_bool().unwrap(), theirs) {
                (true, Err(why)) => ("accepted".to_owned(), why),
                (false, Ok(())) => (text("code").to_owned(), String::new()),
                _ => continue,
            };
            let name = folder.file_name().unwrap().to_str().unwrap();
            observed.insert(name.to_owned(), outcome);
        }
        println!(
            "{count} vectors: {} verdicts alike, {} under {} rules",
            count - observed.len(),
            observed.len(),
            VECTORS.len()
        );
        assert!(count > 280, "only {count} vectors");
        let mut wrong = Vec::new();
        for (name, (outcome, why)) in &observed {
            let listed = VECTORS
                .iter()
                .any(|rule| rule.outcome == outcome && rule.vectors.contains(&name.as_str()));
            if !listed {
                wrong.push(format!("not listed: {name}\t{outcome}: {why:?}"));
            }
        }
        for rule in VECTORS {
            for name in rule.vectors {
                let seen = observed.get(*name).map(|(outcome, _)| outcome.as_str());
                if seen != Some(rule.outcome) {
                    wrong.push(format!(
                        "no longer so: {name}\t{}: {}",
                        rule.outcome, rule.reason
                    ));
                }
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }

    #[test]
    fn where_verdicts_on_mutants_differ_from_python_s_this_verifier_s_rule_is_listed() {
        let Some(python) = Other::python() else {
            return;
        };
        let begun = Instant::now();
        let corpus = Corpus::new();
        let (corpus, ours) = (&corpus, &Ours::new(&corpus));
        let seeds = &Mutex::new(keyless(corpus));
        let results = &Mutex::new((0, 0, Observed::new()));
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    let mut other = Other::start(&python);
                    loop {
                        let Some(seed) = seeds.lock().unwrap().pop() else {
                            return;
                        };
                        if TAKEN_HERE.iter().any(|(name, _)| *name == seed.name) {
                            continue;
                        }
                        let (count, alike, differing) = differing(corpus, ours, &mut other, seed);
                        let mut results = results.lock().unwrap();
                        results.0 += count;
                        results.1 += alike;
                        results.2.extend(differing);
                    }
                });
            }
        });
        let results = results.lock().unwrap();
        let rules: std::collections::BTreeSet<_> =
            REQUIRED.iter().map(|pin: &Pin| pin.reason).collect();
        println!(
            "{} mutants in {} s, of each kind at each place the first {EACH}: {} verdicts alike, {} kinds under {} rules",
            results.0,
            begun.elapsed().as_secs(),
            results.1,
            results.2.len(),
            rules.len()
        );
        assert!(results.0 > 10_000, "only {} mutants", results.0);
        pins::compare(REQUIRED, &results.2);
    }

    #[test]
    fn honest_evidence_that_python_does_not_take_is_listed() {
        let Some(python) = Other::python() else {
            return;
        };
        let corpus = Corpus::new();
        let (ours, mut other) = (Ours::new(&corpus), Other::start(&python));
        for seed in keyless(&corpus) {
            let verdict = ours.judge(seed, &seed.document).unwrap();
            assert!(verdict.is_ok(), "{}: {verdict:?}", seed.name);
            let listed = TAKEN_HERE.iter().any(|(name, _)| *name == seed.name);
            let theirs = other.judge_mutant(&corpus, seed, &seed.document);
            assert_eq!(theirs.is_err(), listed, "{}: {theirs:?}", seed.name);
        }
    }

    /// Bundles with a certificate: it has no trusted keys.
    fn keyless(corpus: &Corpus) -> Vec<&Seed> {
        let seeds = corpus.seeds.iter();
        seeds
            .filter(|seed| seed.form == Form::Bundle && !seed.managed)
            .collect()
    }

    fn differing(
        corpus: &Corpus,
        ours: &Ours,
        other: &mut Other,
        seed: &Seed,
    ) -> (usize, usize, Observed) {
        let (mut count, mut alike, mut differing) = (0, 0, Observed::new());
        let mut judged: BTreeMap<(String, &'static str), usize> = BTreeMap::new();
        each(
            &seed.document,
            &corpus.peers(seed),
            &mut |place, way, document| {
                let judged = judged.entry((place.to_owned(), way)).or_default();
                *judged += 1;
                if *judged > EACH {
                    return;
                }
                let Some(verdict) = ours.judge(seed, &document) else {
                    return;
                };
                count += 1;
                let theirs = other.judge_mutant(corpus, seed, &document);
                let (outcome, what) = match (verdict, theirs) {
                    (Ok(_), Err(why)) => ("accepted", why),
                    (Err(rejected), Ok(())) => (rejected.code(), rejected.to_string()),
                    _ => {
                        alike += 1;
                        return;
                    }
                };
                differing
                    .entry((seed.name, place.to_owned(), way, outcome))
                    .or_insert(what);
            },
        );
        (count, alike, differing)
    }

    fn vectors() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata/vectors")
    }

    fn folders(path: &Path) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(path).unwrap();
        let mut folders: Vec<_> = entries
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.is_dir())
            .collect();
        folders.sort();
        folders
    }

    /// Whether a vector is a bundle that is judged under a trusted root alone, as the other verifier does. What a statement says
    /// is the caller's to judge there.
    fn comparable(expected: &toml::Table) -> bool {
        let text = |name: &str| expected[name].as_str().unwrap();
        let more = ["keys", "dangers", "own_authority", "witnesses"];
        text("form") == "bundle"
            && text("trusted_root") != "none"
            && !more.iter().any(|name| expected.contains_key(*name))
    }
}
