//! The same evidence judged by this verifier and by others: where they disagree, the lists say what this one requires.

#[cfg(test)]
#[path = "../mutants/mod.rs"]
mod mutants;
#[cfg(all(test, feature = "interop"))]
mod python;
#[cfg(test)]
mod required;

#[cfg(test)]
mod tests {
    use crate::mutants::each;
    use crate::mutants::json::Json;
    use crate::mutants::pins::{self, Observed};
    use crate::mutants::seeds::{Corpus, Form, Ours, Seed};
    use crate::required::{REFUSED_HERE, REQUIRED, TAKEN_HERE};
    use countersign_testdata::lab::Lab;
    use serde_json::Value;
    use sigstore_verify::trust_root::TrustedRoot;
    use sigstore_verify::types::{Artifact, Bundle, DerPublicKey, Sha256Hash};
    use sigstore_verify::{PublicKeyVerificationPolicy, VerificationPolicy, Verifier};

    /// The other verifier with the corpus's trust.
    struct Other {
        verifier: Verifier,
        key: PublicKeyVerificationPolicy,
        certificate: VerificationPolicy,
    }

    impl Other {
        fn new(corpus: &Corpus) -> Self {
            let key = DerPublicKey::from_pem(&corpus.key).unwrap();
            Self {
                verifier: Verifier::new(&TrustedRoot::from_json(&corpus.root).unwrap()).unwrap(),
                key: PublicKeyVerificationPolicy::new(key),
                certificate: VerificationPolicy::any_identity(),
            }
        }

        fn judge(&self, seed: &Seed, document: &Json) -> Result<(), String> {
            let bundle =
                Bundle::from_json(&document.to_string()).map_err(|error| error.to_string())?;
            let file = Lab::artifact();
            let artifact = if seed.about_file {
                Artifact::from(file.as_slice())
            } else {
                let digest = Lab::image().replace("sha256:", "");
                Artifact::from(Sha256Hash::from_hex(&digest).unwrap())
            };
            let outcome = if seed.managed {
                self.verifier.verify(artifact, &bundle, &self.key)
            } else {
                self.verifier.verify(artifact, &bundle, &self.certificate)
            };
            outcome.map(|_| ()).map_err(|error| error.to_string())
        }
    }

    #[test]
    fn where_verdicts_on_mutants_differ_this_verifier_s_rule_is_listed() {
        let corpus = Corpus::new();
        let (corpus, ours, other) = (&corpus, &Ours::new(&corpus), &Other::new(&corpus));
        let results = &std::sync::Mutex::new((0, Observed::new()));
        std::thread::scope(|scope| {
            for seed in bundles(corpus) {
                if TAKEN_HERE.iter().any(|(name, _)| *name == seed.name) {
                    continue;
                }
                scope.spawn(move || {
                    let (count, differing) = differing(corpus, ours, other, seed);
                    let mut results = results.lock().unwrap();
                    results.0 += count;
                    results.1.extend(differing);
                });
            }
        });
        let results = results.lock().unwrap();
        assert!(results.0 > 10_000, "only {} mutants", results.0);
        pins::compare(REQUIRED, &results.1);
    }

    #[test]
    fn honest_evidence_that_only_this_verifier_takes_is_listed() {
        let corpus = Corpus::new();
        let (ours, other) = (Ours::new(&corpus), Other::new(&corpus));
        for seed in bundles(&corpus) {
            let verdict = ours.judge(seed, &seed.document).unwrap();
            assert!(verdict.is_ok(), "{}: {verdict:?}", seed.name);
            let listed = TAKEN_HERE.iter().any(|(name, _)| *name == seed.name);
            let theirs = other.judge(seed, &seed.document);
            assert_eq!(theirs.is_err(), listed, "{}: {theirs:?}", seed.name);
        }
    }

    #[test]
    fn an_inclusion_proof_is_required_whatever_version_a_bundle_says_it_is() {
        let corpus = Corpus::new();
        let (ours, other) = (Ours::new(&corpus), Other::new(&corpus));
        for (name, code, rule) in REFUSED_HERE {
            let seed = bundles(&corpus).find(|seed| seed.name == *name).unwrap();
            let mut bundle: Value = serde_json::from_str(&seed.document.to_string()).unwrap();
            bundle["mediaType"] = "application/vnd.dev.sigstore.bundle+json;version=0.1".into();
            assert!(
                ours.judge(seed, &Json::from(&bundle)).unwrap().is_ok(),
                "{rule}"
            );
            let entry = &mut bundle["verificationMaterial"]["tlogEntries"][0];
            entry
                .as_object_mut()
                .unwrap()
                .remove("inclusionProof")
                .unwrap();
            let bent = Json::from(&bundle);
            let rejected = ours.judge(seed, &bent).unwrap().unwrap_err();
            assert_eq!(rejected.code(), *code, "{rule}");
            assert_eq!(other.judge(seed, &bent), Ok(()), "no longer so: {rule}");
        }
    }

    fn bundles(corpus: &Corpus) -> impl Iterator<Item = &Seed> {
        corpus.seeds.iter().filter(|seed| seed.form == Form::Bundle)
    }

    fn differing(corpus: &Corpus, ours: &Ours, other: &Other, seed: &Seed) -> (usize, Observed) {
        let (mut count, mut differing) = (0, Observed::new());
        each(
            &seed.document,
            &corpus.peers(seed),
            &mut |place, way, document| {
                // The certificate's elements are bent where the bundle has it; inside of a body, which is hashed as a whole,
                // they are left to the test of this verifier alone.
                if place.contains("canonicalizedBody > ") && place.contains("> certificate.") {
                    return;
                }
                let Some(verdict) = ours.judge(seed, &document) else {
                    return;
                };
                count += 1;
                let (outcome, what) = match (verdict, other.judge(seed, &document)) {
                    (Ok(_), Err(error)) => ("accepted", error),
                    (Err(rejected), Ok(())) => (rejected.code(), rejected.to_string()),
                    _ => return,
                };
                differing
                    .entry((seed.name, place.to_owned(), way, outcome))
                    .or_insert(what);
            },
        );
        (count, differing)
    }
}
