//! A whole Sigstore on loopback, of the lab's keys: Fulcio, Rekor of both versions and a timestamp authority at one address.
//! It answers honestly, or bends one thing.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use countersign_formats::{decode_base64, encode_base64};
use countersign_testdata::certificate::{
    CertificateSpec, claim, email_name, raw_claim, subject_alternative_name,
};
use countersign_testdata::certificate_log::SctSpec;
use countersign_testdata::keys::{LabKey, sha256};
use countersign_testdata::lab::{ISSUER, Lab, chain_of};
use countersign_testdata::timestamp_authority::TimestampSpec;
use countersign_testdata::transparency_log::{
    EntrySpec, dsse_v1, hashedrekord_v1, hashedrekord_v2, hex,
};
use serde_json::{Value, json};

/// Whom the certificates name.
pub(crate) const EMAIL: &str = "a@b.c";

/// What one answer has that it must not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bend {
    Nothing,
    CertificateForAnotherKey,
    CertificateOfAStranger,
    CertificateOfAnotherIdentity,
    CertificateThatIsOver,
    EntryOfAnotherArtifact,
    EntryOfAnotherSigner,
    EntryOfAStrangersLog,
    PromiseBroken,
    CheckpointBroken,
    TreeOfAnotherRoot,
    TimestampOfAnotherImprint,
    TimestampBroken,
    TimestampOfAStranger,
    /// Entries that are read again later: another one, one without proof, one whose proof is of a tree that never was.
    LaterAnotherEntry,
    LaterWithoutProof,
    LaterAnotherTree,
}

/// How the log of version 1 answers to who asks for an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Search {
    /// It has one, of this time.
    Has(i64),
    /// It has none.
    HasNone,
    /// One of something else.
    HasAnother(i64),
    /// One whose promise nobody made.
    HasBroken(i64),
    /// A status, and words.
    Refuses(u16),
    /// What is no answer.
    Garbage,
}

/// The running services.
pub(crate) struct Sigstore {
    pub(crate) address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
}

/// What came to the services so far.
#[derive(Default)]
struct Seen {
    asked: Arc<Mutex<Vec<String>>>,
    /// Entries of the log of version 1.
    entries: Mutex<Vec<Value>>,
}

#[derive(Clone, Copy)]
struct Habits {
    bend: Bend,
    /// How long certificates are valid, in seconds.
    lifetime: i64,
    /// How the log of version 1 is searched.
    search: Search,
    /// Whether nobody learns what became of an entry of version 1.
    silent: bool,
}

const HONEST: Habits = Habits {
    bend: Bend::Nothing,
    lifetime: 600,
    search: Search::HasNone,
    silent: false,
};

impl Sigstore {
    pub(crate) fn start(bend: Bend) -> Self {
        Self::with(Habits { bend, ..HONEST })
    }

    /// The log of version 1 hangs up on whoever enters something.
    pub(crate) fn silent() -> Self {
        Self::with(Habits {
            silent: true,
            ..HONEST
        })
    }

    pub(crate) fn searched(search: Search) -> Self {
        Self::with(Habits { search, ..HONEST })
    }

    /// Certificates are valid for so many seconds.
    pub(crate) fn short_lived(lifetime: i64) -> Self {
        Self::with(Habits { lifetime, ..HONEST })
    }

    fn with(habits: Habits) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Seen::default());
        let asked = Arc::clone(&seen.asked);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let seen = Arc::clone(&seen);
                std::thread::spawn(move || serve(stream, habits, &seen));
            }
        });
        Self { address, asked }
    }

    /// How often a path was asked for that ends so.
    pub(crate) fn asked(&self, path: &str) -> usize {
        let asked = self.asked.lock().unwrap();
        asked.iter().filter(|seen| seen.ends_with(path)).count()
    }

    /// How often something was asked for in whose path this stands.
    pub(crate) fn asked_about(&self, part: &str) -> usize {
        let asked = self.asked.lock().unwrap();
        asked.iter().filter(|seen| seen.contains(part)).count()
    }
}

fn serve(mut stream: TcpStream, habits: Habits, seen: &Seen) -> Option<()> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    loop {
        let (mut path, mut length) = (String::new(), 0);
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line).ok()? == 0 {
                return None;
            }
            if path.is_empty() {
                path = line.split(' ').nth(1)?.to_owned();
            }
            let lower = line.to_ascii_lowercase();
            if let Some(value) = lower.strip_prefix("content-length:") {
                length = value.trim().parse().ok()?;
            }
            if line == "\r\n" {
                break;
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).ok()?;
        seen.asked.lock().unwrap().push(path.clone());
        let mut status = 201;
        let answer = match path.as_str() {
            "/api/v1/log/entries" if habits.silent => return None,
            "/api/v1/log/entries/retrieve" => {
                let found = search(&json_of(&body), habits.search);
                status = found.0;
                found.1
            }
            "/api/v2/signingCert" => certify(&json_of(&body), habits).to_string().into_bytes(),
            "/api/v1/log/entries" => {
                let entry = enter_1(&json_of(&body), habits.bend, now());
                seen.entries.lock().unwrap().push(entry.clone());
                entry.to_string().into_bytes()
            }
            _ if path.starts_with("/api/v1/log/entries?logIndex=") => {
                let index = path.rsplit('=').next().and_then(|index| index.parse().ok());
                later(&seen.entries.lock().unwrap(), index, habits.bend)
                    .to_string()
                    .into_bytes()
            }
            "/api/v2/log/entries" => enter_2(&json_of(&body), habits.bend)
                .to_string()
                .into_bytes(),
            "/api/v1/timestamp" => stamp(&body, habits.bend),
            _ => Vec::new(),
        };
        let head = format!(
            "HTTP/1.1 {status} Whatever\r\nContent-Length: {}\r\n\r\n",
            answer.len()
        );
        stream.write_all(head.as_bytes()).ok()?;
        stream.write_all(&answer).ok()?;
    }
}

fn json_of(body: &[u8]) -> Value {
    serde_json::from_slice(body).unwrap_or_default()
}

fn bytes_of(value: &Value) -> Vec<u8> {
    decode_base64(value.as_str().unwrap_or_default(), 1 << 20)
        .unwrap_or_default()
        .to_vec()
}

#[expect(
    clippy::disallowed_methods,
    reason = "the services' answers must be of the program's time, which reads the clock"
)]
fn now() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    i64::try_from(since.unwrap().as_secs()).unwrap()
}

fn certify(request: &Value, habits: Habits) -> Value {
    let lab = Lab::new();
    let stranger = chain_of("stranger").1;
    let issuer = if habits.bend == Bend::CertificateOfAStranger {
        &stranger
    } else {
        &lab.intermediate
    };
    let asked = &request["publicKeyRequest"]["publicKey"]["content"];
    let text: String = asked
        .as_str()
        .unwrap_or_default()
        .lines()
        .filter(|line| !line.starts_with("-----"))
        .collect();
    let other = LabKey::p256("other");
    let end = match habits.bend {
        Bend::CertificateThatIsOver => now() - 60,
        _ => now() + habits.lifetime,
    };
    let named = match habits.bend {
        Bend::CertificateOfAnotherIdentity => "other@b.c",
        _ => EMAIL,
    };
    let mut spec = CertificateSpec::code_signing(&other, issuer, (end - 600, end))
        .with(subject_alternative_name(&[email_name(named)]))
        .with(raw_claim(1, ISSUER))
        .with(claim(8, ISSUER));
    if habits.bend != Bend::CertificateForAnotherKey {
        spec.spki = bytes_of(&json!(text));
    }
    spec.scts = vec![SctSpec::new(&lab.certificate_log, now() - 1)];
    let chain = [&spec.sign(&issuer.key), &issuer.certificate]
        .map(|der| countersign_formats::write_pem("CERTIFICATE", der));
    json!({"signedCertificateEmbeddedSct": {"chain": {"certificates": chain}}})
}

/// What the log holds when it is asked for this, for a bent one something else.
fn bend_entry(entry: &mut EntrySpec, bend: Bend) {
    match bend {
        Bend::CheckpointBroken => {
            entry.checkpoint = Some(|checkpoint| checkpoint.signers[0].broken = true);
        }
        Bend::TreeOfAnotherRoot => {
            entry.checkpoint = Some(|checkpoint| checkpoint.root = vec![9; 32]);
        }
        Bend::PromiseBroken => entry.promise_override = Some(json!({"body": "e30="})),
        Bend::EntryOfAStrangersLog => entry.log.key = LabKey::p256("a stranger's log"),
        _ => {}
    }
}

/// `POST /api/v1/log/entries/retrieve`, asked for one entry.
fn search(request: &Value, search: Search) -> (u16, Vec<u8>) {
    let entries = request["entries"].as_array().unwrap();
    assert_eq!(entries.len(), 1);
    let found = match search {
        Search::Has(time) => vec![enter_1(&entries[0], Bend::Nothing, time)],
        Search::HasAnother(time) => vec![enter_1(&entries[0], Bend::EntryOfAnotherArtifact, time)],
        Search::HasBroken(time) => vec![enter_1(&entries[0], Bend::PromiseBroken, time)],
        Search::HasNone => Vec::new(),
        Search::Refuses(status) => return (status, b"{\"message\":\"no\"}".to_vec()),
        Search::Garbage => return (200, b"<html>".to_vec()),
    };
    (200, json!(found).to_string().into_bytes())
}

fn enter_1(request: &Value, bend: Bend, time: i64) -> Value {
    let spec = &request["spec"];
    let other_pem = LabKey::p256("other").public_pem();
    let body = if request["kind"] == "dsse" {
        let proposed = &spec["proposedContent"];
        let text = proposed["envelope"].as_str().unwrap_or_default();
        let envelope = json_of(text.as_bytes());
        let mut payload = bytes_of(&envelope["payload"]);
        if bend == Bend::EntryOfAnotherArtifact {
            payload = b"{}".to_vec();
        }
        let pem = match bend {
            Bend::EntryOfAnotherSigner => other_pem,
            _ => String::from_utf8(bytes_of(&proposed["verifiers"][0])).unwrap(),
        };
        dsse_v1(
            text.as_bytes(),
            &payload,
            &bytes_of(&envelope["signatures"][0]["sig"]),
            &pem,
        )
    } else {
        let signature = &spec["signature"];
        let digest = match bend {
            Bend::EntryOfAnotherArtifact => sha256(b"other").to_vec(),
            _ => {
                let hex = spec["data"]["hash"]["value"].as_str().unwrap();
                let digits: Vec<char> = hex.chars().collect();
                digits
                    .chunks(2)
                    .map(|two| u8::from_str_radix(&String::from_iter(two), 16).unwrap())
                    .collect()
            }
        };
        let pem = match bend {
            Bend::EntryOfAnotherSigner => other_pem,
            _ => String::from_utf8(bytes_of(&signature["publicKey"]["content"])).unwrap(),
        };
        hashedrekord_v1("sha256", &digest, &bytes_of(&signature["content"]), &pem)
    };
    let mut entry = Lab::new().rekor_v1.entry(&body, time);
    bend_entry(&mut entry, bend);
    let id = entry.log.id();
    let made = entry.log().bundle;
    let proof = &made["inclusionProof"];
    let number = |value: &Value| -> u64 { value.as_str().unwrap().parse().unwrap() };
    let hashes: Vec<String> = proof["hashes"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|hash| hex(&bytes_of(hash)))
        .collect();
    json!({ "ab".repeat(40): {
        "body": made["canonicalizedBody"], "integratedTime": number(&made["integratedTime"]),
        "logID": hex(&id), "logIndex": number(&made["logIndex"]),
        "verification": {
            "signedEntryTimestamp": made["inclusionPromise"]["signedEntryTimestamp"],
            "inclusionProof": {
                "checkpoint": proof["checkpoint"]["envelope"], "hashes": hashes, "logIndex": number(&proof["logIndex"]),
                "rootHash": hex(&bytes_of(&proof["rootHash"])), "treeSize": number(&proof["treeSize"]),
            },
        },
    }})
}

/// The entry at an index, as it is read afterwards.
fn later(entries: &[Value], index: Option<u64>, bend: Bend) -> Value {
    let at = |answer: &&Value| {
        let mut entries = answer.as_object().into_iter().flatten();
        entries.any(|(_, entry)| entry["logIndex"].as_u64() == index)
    };
    let Some(mut answer) = entries.iter().rev().find(at).cloned() else {
        return json!({});
    };
    for entry in answer.as_object_mut().into_iter().flatten() {
        let entry = entry.1;
        match bend {
            Bend::LaterAnotherEntry => {
                let pem = LabKey::p256("other").public_pem();
                let other = hashedrekord_v1("sha256", &sha256(b"other"), b"signature", &pem);
                entry["body"] = json!(encode_base64(other.to_string().as_bytes()));
            }
            Bend::LaterWithoutProof => {
                entry["verification"]["inclusionProof"].take();
                entry["verification"]
                    .as_object_mut()
                    .unwrap()
                    .remove("inclusionProof");
            }
            Bend::LaterAnotherTree => {
                let size = &mut entry["verification"]["inclusionProof"]["treeSize"];
                *size = json!(size.as_u64().unwrap() + 1);
            }
            _ => {}
        }
    }
    answer
}

fn enter_2(request: &Value, bend: Bend) -> Value {
    let request = &request["hashedRekordRequestV002"];
    let digest = match bend {
        Bend::EntryOfAnotherArtifact => sha256(b"other").to_vec(),
        _ => bytes_of(&request["digest"]),
    };
    let mut verifier = request["signature"]["verifier"].clone();
    if bend == Bend::EntryOfAnotherSigner {
        let other = encode_base64(LabKey::p256("other").spki());
        verifier =
            json!({"keyDetails": "PKIX_ECDSA_P256_SHA_256", "publicKey": {"rawBytes": other}});
    }
    let signature = bytes_of(&request["signature"]["content"]);
    let body = hashedrekord_v2("SHA2_256", &digest, &signature, verifier);
    let mut entry = Lab::new().rekor_v2.entry(&body, 0);
    bend_entry(&mut entry, bend);
    entry.log().bundle
}

/// RFC 3161 §2.4.1, of the shape that we send: version, SHA-256 imprint, nonce, certificates wanted.
fn stamp(request: &[u8], bend: Bend) -> Vec<u8> {
    let imprint = 2 + 3 + 2 + 15 + 2;
    let lab = Lab::new();
    let stranger = countersign_testdata::lab::timestamp_chain("stranger-tsa", &LabKey::p384("s")).1;
    let signer = match bend {
        Bend::TimestampOfAStranger => &stranger,
        _ => &lab.timestamp_leaf,
    };
    let mut spec = TimestampSpec::new(signer, now(), b"");
    spec.imprint = Some(match bend {
        Bend::TimestampOfAnotherImprint => sha256(b"other").to_vec(),
        _ => request[imprint..imprint + 32].to_vec(),
    });
    spec.nonce = request[imprint + 32..request.len() - 3].to_vec();
    spec.broken = bend == Bend::TimestampBroken;
    spec.sign()
}
