//! Every place of honest evidence is changed, removed, doubled and exchanged with other evidence, through every encoding:
//! nothing but what is unauthenticated by design may still be accepted, and then it proves nothing more.

#[cfg(test)]
mod free;
#[cfg(test)]
#[path = "../mutants/mod.rs"]
mod mutants;

#[cfg(test)]
mod tests {
    use crate::free::FREE;
    use crate::mutants::each;
    use crate::mutants::pins::{self, Observed};
    use crate::mutants::seeds::{Corpus, Ours, Seed};
    use countersign_proof::{Signer, Verified};

    #[test]
    fn what_is_accepted_after_a_mutation_is_unauthenticated_by_design() {
        let corpus = Corpus::new();
        let (corpus, ours) = (&corpus, &Ours::new(&corpus));
        let results = &std::sync::Mutex::new((0, Observed::new()));
        std::thread::scope(|scope| {
            for seed in &corpus.seeds {
                scope.spawn(move || {
                    let (count, accepted) = accepted(corpus, ours, seed);
                    let mut results = results.lock().unwrap();
                    results.0 += count;
                    results.1.extend(accepted);
                });
            }
        });
        let results = results.lock().unwrap();
        assert!(results.0 > 30_000, "only {} mutants", results.0);
        pins::compare(FREE, &results.1);
    }

    fn accepted(corpus: &Corpus, ours: &Ours, seed: &Seed) -> (usize, Observed) {
        let peers = corpus.peers(seed);
        let mut honest = vec![ours.judge(seed, &seed.document).unwrap().unwrap()];
        let by_key = matches!(honest[0].signer(), Signer::Key(_));
        assert_eq!(by_key, seed.managed, "{}", seed.name);
        // An exchange may give the whole of another honest piece, but never a mixture that proves more than either.
        honest.extend(peers.iter().filter_map(|peer| ours.judge(seed, peer)?.ok()));
        let (mut count, mut accepted) = (0, Observed::new());
        each(&seed.document, &peers, &mut |place, way, document| {
            let Some(outcome) = ours.judge(seed, &document) else {
                return;
            };
            count += 1;
            if let Ok(verified) = outcome {
                let more = honest.iter().all(|honest| proves_more(honest, &verified));
                assert!(
                    !more,
                    "{} {place} {way} proves more: {verified:?}",
                    seed.name
                );
                let key = (seed.name, place.to_owned(), way, "accepted");
                accepted.entry(key).or_insert_with(|| proven(&verified));
            }
        });
        (count, accepted)
    }

    fn proven(verified: &Verified) -> String {
        format!(
            "{} logs, {} timestamps, {} certificate logs",
            verified.logs().len(),
            verified.timestamps().len(),
            verified.scts().len()
        )
    }

    /// Whether signer, claim or subject differ, or a log, a timestamp or a certificate log was not proven before.
    fn proves_more(honest: &Verified, mutated: &Verified) -> bool {
        let said = |verified: &Verified| {
            // Who it is, not which of the certificates for the same key says so.
            let signer = match verified.signer() {
                Signer::Fulcio(identity) => {
                    format!(
                        "{:?} {:?} {:?}",
                        identity.san, identity.issuer, identity.extensions
                    )
                }
                signer => format!("{signer:?}"),
            };
            format!("{signer} {:?} {:?}", verified.claim(), verified.subject())
        };
        // Without its promise an entry still proves that it is in the log, and no longer when.
        let logged = mutated.logs().iter().all(|new| {
            honest.logs().iter().any(|old| {
                old.log == new.log
                    && new
                        .integrated_time
                        .is_none_or(|time| old.integrated_time == Some(time))
            })
        });
        let stamped = mutated.timestamps().iter().all(|new| {
            honest
                .timestamps()
                .iter()
                .any(|old| format!("{old:?}") == format!("{new:?}"))
        });
        let certified = mutated.scts().iter().all(|log| honest.scts().contains(log));
        said(honest) != said(mutated) || !logged || !stamped || !certified
    }
}
