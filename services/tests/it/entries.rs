//! Rekor's answers: what is asked, and which entries are taken.

use bytes::Bytes;
use countersign_formats::{Envelope, EnvelopeSignature, LogEntry, UnixTime};
use countersign_proof::Scheme;
use countersign_proof::digest::sha256;
use countersign_services::rekor::LoggedContent;
use countersign_services::{ErrorClass, Rekor, RekorVersion, ServiceError, Submission};
use serde_json::{Value, json};

use super::fixtures::{KEY, OTHER_KEY, base64, client, pem};
use super::server::{Server, Step};

const SIGNATURE: &[u8] = b"signature";

fn envelope() -> Envelope {
    Envelope {
        payload_type: "application/vnd.in-toto+json".to_owned(),
        payload: Bytes::from_static(b"{}"),
        signatures: vec![EnvelopeSignature {
            keyid: None,
            signature: Bytes::from_static(SIGNATURE),
        }],
    }
}

fn message() -> LoggedContent<'static> {
    LoggedContent::Message {
        digest: sha256(b"artifact"),
        signature: SIGNATURE,
    }
}

async fn enter(
    server: &Server,
    version: RekorVersion,
    content: LoggedContent<'_>,
) -> Result<LogEntry, ServiceError> {
    let submission = Submission {
        content,
        key: KEY.public_key(),
        scheme: Scheme::EcdsaP256Sha256,
        certificate: None,
    };
    Rekor::new(&client(), &server.url, version)?
        .enter(&submission)
        .await
}

fn our_pem() -> String {
    base64(pem("PUBLIC KEY", KEY.public_key().spki()).as_bytes())
}

fn hashedrekord_1() -> Value {
    json!({ "apiVersion": "0.0.1", "kind": "hashedrekord", "spec": {
        "data": { "hash": { "algorithm": "sha256", "value": sha256(b"artifact").hex() } },
        "signature": { "content": base64(SIGNATURE), "publicKey": { "content": our_pem() } },
    } })
}

fn dsse_1() -> Value {
    let hash = |bytes: &[u8]| json!({ "algorithm": "sha256", "value": sha256(bytes).hex() });
    json!({ "apiVersion": "0.0.1", "kind": "dsse", "spec": {
        "envelopeHash": hash(&envelope().to_json()),
        "payloadHash": hash(b"{}"),
        "signatures": [{ "signature": base64(SIGNATURE), "verifier": our_pem() }],
    } })
}

fn hashedrekord_2(signed: &[u8]) -> Value {
    json!({ "apiVersion": "0.0.2", "kind": "hashedrekord", "spec": { "hashedRekordV002": {
        "data": { "algorithm": "SHA2_256", "digest": base64(sha256(signed).as_bytes()) },
        "signature": { "content": base64(SIGNATURE), "verifier": {
            "publicKey": { "rawBytes": base64(KEY.public_key().spki()) },
            "keyDetails": "PKIX_ECDSA_P256_SHA_256",
        } },
    } } })
}

fn answer_1(body: &Value) -> Value {
    json!({ "ab".repeat(40): {
        "body": base64(body.to_string().as_bytes()),
        "integratedTime": 1_795_532_401, "logID": "cd".repeat(32), "logIndex": 7,
        "verification": {
            "inclusionProof": { "checkpoint": "note", "hashes": ["ef".repeat(32)], "logIndex": 1, "rootHash": "01".repeat(32), "treeSize": 2 },
            "signedEntryTimestamp": base64(b"promise"),
        },
    } })
}

fn entry_of(answer: &mut Value) -> &mut Value {
    answer.as_object_mut().unwrap().values_mut().next().unwrap()
}

fn answer_2(body: &Value) -> Value {
    json!({
        "logIndex": "0", "logId": { "keyId": base64(&[5; 32]) },
        "kindVersion": { "kind": "hashedrekord", "version": "0.0.2" },
        "integratedTime": "0", "inclusionPromise": null,
        "inclusionProof": { "logIndex": "0", "rootHash": base64(&[6; 32]), "treeSize": "1", "hashes": [], "checkpoint": { "envelope": "note" } },
        "canonicalizedBody": base64(body.to_string().as_bytes()),
    })
}

#[tokio::test]
async fn an_entry_of_version_1_is_taken_with_promise_and_proof() {
    let server = Server::always(201, answer_1(&hashedrekord_1()).to_string());
    let entry = enter(&server, RekorVersion::V1, message()).await.unwrap();
    assert_eq!(
        (entry.log_index, entry.log_id.as_ref()),
        (7, &[0xcd; 32][..])
    );
    assert_eq!(entry.integrated_time, Some(UnixTime(1_795_532_401)));
    assert_eq!(entry.promise.unwrap(), &b"promise"[..]);
    assert_eq!(
        (entry.kind.as_str(), entry.version.as_str()),
        ("hashedrekord", "0.0.1")
    );
    let proof = entry.proof.unwrap();
    assert_eq!(
        (proof.log_index, proof.tree_size, proof.checkpoint.as_str()),
        (1, 2, "note")
    );
    assert_eq!(
        (proof.root_hash.as_ref(), proof.hashes[0].as_ref()),
        (&[1; 32][..], &[0xef; 32][..])
    );

    let [request] = server.requests().try_into().unwrap();
    assert_eq!(request.target, "/api/v1/log/entries");
    assert_eq!(request.json(), hashedrekord_1());
}

#[tokio::test]
async fn an_envelope_is_proposed_to_version_1_as_dsse() {
    let server = Server::always(201, answer_1(&dsse_1()).to_string());
    let envelope = envelope();
    let entry = enter(
        &server,
        RekorVersion::V1,
        LoggedContent::Envelope(&envelope),
    )
    .await;
    assert_eq!(entry.unwrap().kind, "dsse");
    let [request] = server.requests().try_into().unwrap();
    let proposed = &request.json()["spec"]["proposedContent"];
    let sent = proposed["envelope"].as_str().unwrap().as_bytes();
    assert_eq!(sent, envelope.to_json());
    assert_eq!(proposed["verifiers"], json!([our_pem()]));
}

#[tokio::test]
async fn an_entry_of_version_2_is_taken_and_an_envelope_is_hashed_with_its_type() {
    let server = Server::always(201, answer_2(&hashedrekord_2(b"artifact")).to_string());
    let entry = enter(&server, RekorVersion::V2, message()).await.unwrap();
    assert_eq!(
        (entry.log_index, entry.integrated_time, entry.promise),
        (0, None, None)
    );

    let envelope = envelope();
    let encoded = countersign_formats::pae(&envelope.payload_type, &envelope.payload);
    let server = Server::always(201, answer_2(&hashedrekord_2(&encoded)).to_string());
    let content = LoggedContent::Envelope(&envelope);
    assert!(enter(&server, RekorVersion::V2, content).await.is_ok());
    let [request] = server.requests().try_into().unwrap();
    assert_eq!(request.target, "/api/v2/log/entries");
    let sent = &request.json()["hashedRekordRequestV002"];
    assert_eq!(sent["digest"], base64(sha256(&encoded).as_bytes()));
    assert_eq!(
        sent["signature"]["verifier"]["keyDetails"],
        "PKIX_ECDSA_P256_SHA_256"
    );
}

#[tokio::test]
async fn a_conflict_is_answered_by_fetching_the_entry_from_the_same_log() {
    let elsewhere = Server::always(200, answer_1(&hashedrekord_1()).to_string());
    let identifier = "ab".repeat(40);
    let location = |host: &str| {
        vec![(
            "Location",
            format!("{host}/api/v1/log/entries/{identifier}"),
        )]
    };
    for host in ["", elsewhere.url.as_str()] {
        let server = Server::start(vec![
            Step::Answer(
                409,
                location(host),
                br#"{"code":409,"message":"exists"}"#.to_vec(),
            ),
            Step::Answer(
                200,
                vec![],
                answer_1(&hashedrekord_1()).to_string().into_bytes(),
            ),
        ]);
        let entry = enter(&server, RekorVersion::V1, message()).await.unwrap();
        assert_eq!(entry.log_index, 7);
        let requests = server.requests();
        assert_eq!(requests[1].method, "GET");
        assert_eq!(
            requests[1].target,
            format!("/api/v1/log/entries/{identifier}")
        );
    }
    assert!(elsewhere.requests().is_empty());
}

async fn find(
    server: &Server,
    version: RekorVersion,
    content: LoggedContent<'_>,
) -> Result<Option<LogEntry>, ServiceError> {
    let submission = Submission {
        content,
        key: KEY.public_key(),
        scheme: Scheme::EcdsaP256Sha256,
        certificate: None,
    };
    Rekor::new(&client(), &server.url, version)?
        .find(&submission)
        .await
}

#[tokio::test]
async fn a_log_of_version_1_is_searched_for_what_it_is_shown() {
    let envelope = envelope();
    for (content, body) in [
        (message(), hashedrekord_1()),
        (LoggedContent::Envelope(&envelope), dsse_1()),
    ] {
        // Entering and searching show the log the same.
        let first = Server::always(201, answer_1(&body).to_string());
        enter(&first, RekorVersion::V1, content).await.unwrap();
        let entered: Value = serde_json::from_slice(&first.requests()[0].body).unwrap();

        let server = Server::always(200, json!([answer_1(&body)]).to_string());
        let entry = find(&server, RekorVersion::V1, content).await.unwrap();
        assert_eq!(entry.unwrap().log_index, 7);
        let asked = &server.requests()[0];
        assert_eq!(asked.method, "POST");
        assert_eq!(asked.target, "/api/v1/log/entries/retrieve");
        let query: Value = serde_json::from_slice(&asked.body).unwrap();
        assert_eq!(query, json!({ "entries": [entered] }));

        let server = Server::always(200, "[]");
        assert_eq!(
            find(&server, RekorVersion::V1, content).await.unwrap(),
            None
        );
        // The answer of a conflict that names no entry is the same search.
        let server = Server::start(vec![
            Step::Answer(409, vec![], vec![]),
            Step::Answer(
                200,
                vec![],
                json!([answer_1(&body)]).to_string().into_bytes(),
            ),
        ]);
        let entry = enter(&server, RekorVersion::V1, content).await.unwrap();
        assert_eq!(entry.log_index, 7);
        assert_eq!(server.requests()[1].target, "/api/v1/log/entries/retrieve");
    }
}

#[tokio::test]
async fn a_search_that_is_not_answered_is_not_taken_for_absence() {
    let other = bent(
        &hashedrekord_1(),
        &sha256(b"artifact").hex(),
        &sha256(b"x").hex(),
    );
    let unproven = {
        let mut answer = answer_1(&hashedrekord_1());
        entry_of(&mut answer)["verification"] = json!({});
        json!([answer])
    };
    for (status, body, code) in [
        (404, "{}".to_owned(), "request-refused"),
        (422, "{}".to_owned(), "request-refused"),
        (200, "{}".to_owned(), "malformed-answer"),
        (200, "null".to_owned(), "malformed-answer"),
        (200, "[{}]".to_owned(), "malformed-answer"),
        (200, String::new(), "malformed-answer"),
        (
            200,
            json!(vec![answer_1(&hashedrekord_1()); 17]).to_string(),
            "malformed-answer",
        ),
        (
            200,
            json!([answer_1(&other)]).to_string(),
            "entry-for-another-artifact",
        ),
        (200, unproven.to_string(), "entry-incomplete"),
    ] {
        let server = Server::always(status, body.clone());
        let error = find(&server, RekorVersion::V1, message())
            .await
            .unwrap_err();
        assert_eq!(error.code(), code, "{status} {body:.60}: {error}");
    }
    // One for each shard of the log: the same entry.
    let many = json!(vec![answer_1(&hashedrekord_1()); 16]).to_string();
    let server = Server::always(200, many);
    assert!(
        find(&server, RekorVersion::V1, message())
            .await
            .unwrap()
            .is_some()
    );
    let server = Server::always(200, "[]");
    let error = find(&server, RekorVersion::V2, message())
        .await
        .unwrap_err();
    assert_eq!(error.class(), ErrorClass::Configuration);
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn a_conflict_that_leads_nowhere_or_to_another_entry_is_an_error() {
    let other = hashedrekord_1()
        .to_string()
        .replace(&sha256(b"artifact").hex(), &sha256(b"x").hex());
    let other: Value = serde_json::from_str(&other).unwrap();
    let location = vec![(
        "Location",
        format!("/api/v1/log/entries/{}", "ab".repeat(40)),
    )];
    for (first, second, code) in [
        (
            vec![],
            Step::Answer(200, vec![], b"[]".to_vec()),
            "entry-exists",
        ),
        (
            vec![],
            Step::Answer(200, vec![], vec![]),
            "malformed-answer",
        ),
        (vec![], Step::Answer(404, vec![], vec![]), "request-refused"),
        (
            vec![],
            Step::Answer(
                200,
                vec![],
                json!([answer_1(&other)]).to_string().into_bytes(),
            ),
            "entry-for-another-artifact",
        ),
        (
            location.clone(),
            Step::Answer(404, vec![], vec![]),
            "request-refused",
        ),
        (
            location,
            Step::Answer(200, vec![], answer_1(&other).to_string().into_bytes()),
            "entry-for-another-artifact",
        ),
    ] {
        let server = Server::start(vec![Step::Answer(409, first, vec![]), second]);
        let error = enter(&server, RekorVersion::V1, message())
            .await
            .unwrap_err();
        assert_eq!(error.code(), code, "{error}");
    }
    let server = Server::always(409, "");
    let error = enter(&server, RekorVersion::V2, message())
        .await
        .unwrap_err();
    assert_eq!(error.code(), "entry-exists");
}

/// The body with one text replaced by another.
fn bent(body: &Value, from: &str, to: &str) -> Value {
    let text = body.to_string();
    assert!(text.contains(from), "{from}");
    serde_json::from_str(&text.replace(from, to)).unwrap()
}

#[tokio::test]
async fn an_entry_for_another_submission_is_refused_whatever_part_differs() {
    let other_pem = base64(pem("PUBLIC KEY", OTHER_KEY.public_key().spki()).as_bytes());
    let other_spki = base64(OTHER_KEY.public_key().spki());
    let envelope = envelope();
    let hex = |bytes: &[u8]| sha256(bytes).hex();
    let digest_text = |bytes: &[u8]| base64(sha256(bytes).as_bytes());
    let ours = hashedrekord_2(b"artifact");
    let of_message = [
        (
            bent(&hashedrekord_1(), &hex(b"artifact"), &hex(b"other")),
            RekorVersion::V1,
        ),
        (
            bent(&hashedrekord_1(), &base64(SIGNATURE), &base64(b"other")),
            RekorVersion::V1,
        ),
        (
            bent(&hashedrekord_1(), &our_pem(), &other_pem),
            RekorVersion::V1,
        ),
        (
            bent(&ours, &digest_text(b"artifact"), &digest_text(b"other")),
            RekorVersion::V2,
        ),
        (
            bent(&ours, &base64(SIGNATURE), &base64(b"other")),
            RekorVersion::V2,
        ),
        (
            bent(&ours, &base64(KEY.public_key().spki()), &other_spki),
            RekorVersion::V2,
        ),
        (
            bent(&ours, "PKIX_ECDSA_P256_SHA_256", "PKIX_ECDSA_P384_SHA_256"),
            RekorVersion::V2,
        ),
        // A good entry of another kind.
        (dsse_1(), RekorVersion::V1),
    ];
    for (body, version) in of_message {
        let answer = match version {
            RekorVersion::V1 => answer_1(&body),
            RekorVersion::V2 => answer_2(&body),
        };
        let server = Server::always(201, answer.to_string());
        let error = enter(&server, version, message()).await.unwrap_err();
        assert_eq!(
            error.code(),
            "entry-for-another-artifact",
            "{body}: {error}"
        );
        assert_eq!(error.class(), ErrorClass::Answer);
    }
    for body in [
        bent(&dsse_1(), &hex(b"{}"), &hex(b"[]")),
        bent(&dsse_1(), &hex(&envelope.to_json()), &hex(b"[]")),
        bent(&dsse_1(), &base64(SIGNATURE), &base64(b"other")),
        bent(&dsse_1(), &our_pem(), &other_pem),
        hashedrekord_1(),
    ] {
        let server = Server::always(201, answer_1(&body).to_string());
        let content = LoggedContent::Envelope(&envelope);
        let error = enter(&server, RekorVersion::V1, content).await.unwrap_err();
        assert_eq!(
            error.code(),
            "entry-for-another-artifact",
            "{body}: {error}"
        );
    }
}

#[tokio::test]
async fn an_entry_without_what_proves_it_is_refused() {
    let good = answer_1(&hashedrekord_1());
    let without = |bend: fn(&mut Value)| {
        let mut answer = good.clone();
        bend(entry_of(&mut answer));
        answer
    };
    for answer in [
        without(|entry| entry["verification"] = json!({})),
        without(|entry| {
            entry.as_object_mut().unwrap().remove("verification");
        }),
        without(|entry| entry["verification"]["signedEntryTimestamp"] = json!("")),
        without(|entry| entry["verification"]["inclusionProof"]["checkpoint"] = json!("")),
        without(|entry| entry["integratedTime"] = json!(0)),
    ] {
        let server = Server::always(201, answer.to_string());
        let error = enter(&server, RekorVersion::V1, message())
            .await
            .unwrap_err();
        assert_eq!(error.code(), "entry-incomplete", "{answer}: {error}");
    }
    let mut answer = answer_2(&hashedrekord_2(b"artifact"));
    answer["inclusionProof"] = Value::Null;
    let server = Server::always(201, answer.to_string());
    let error = enter(&server, RekorVersion::V2, message())
        .await
        .unwrap_err();
    assert_eq!(error.code(), "entry-incomplete", "{error}");
}

#[tokio::test]
async fn entries_with_impossible_numbers_are_refused() {
    let good = answer_1(&hashedrekord_1());
    let with = |bend: fn(&mut Value)| {
        let mut answer = good.clone();
        bend(entry_of(&mut answer));
        answer
    };
    for answer in [
        with(|entry| entry["logIndex"] = json!(-1)),
        with(|entry| entry["logIndex"] = json!(1.5)),
        with(|entry| entry["logID"] = json!("abcd")),
        with(|entry| entry["logID"] = json!("é".repeat(32))),
        with(|entry| entry["verification"]["inclusionProof"]["logIndex"] = json!(2)),
        with(|entry| entry["verification"]["inclusionProof"]["rootHash"] = json!("00")),
        with(|entry| {
            entry["verification"]["inclusionProof"]["hashes"] = json!(vec!["ef".repeat(32); 65]);
        }),
        with(|entry| entry["body"] = json!("AAAA")),
        json!({}),
        json!({ "a": entry_of(&mut good.clone()), "b": entry_of(&mut good.clone()) }),
    ] {
        let server = Server::always(201, answer.to_string());
        let error = enter(&server, RekorVersion::V1, message())
            .await
            .unwrap_err();
        assert_eq!(error.code(), "malformed-answer", "{answer}: {error}");
    }
}

#[tokio::test]
async fn what_a_log_cannot_take_is_said_before_anything_is_sent() {
    let server = Server::always(201, "{}");
    let mut two = envelope();
    two.signatures.push(two.signatures[0].clone());
    let one = envelope();
    let both: &[RekorVersion] = &[RekorVersion::V1, RekorVersion::V2];
    for (content, scheme, versions) in [
        (LoggedContent::Envelope(&two), Scheme::EcdsaP256Sha256, both),
        (message(), Scheme::Ed25519, both),
        (message(), Scheme::EcdsaP384Sha384, both),
        (
            LoggedContent::Envelope(&one),
            Scheme::EcdsaP384Sha384,
            &[RekorVersion::V1],
        ),
        (
            LoggedContent::Envelope(&one),
            Scheme::Ed25519,
            &[RekorVersion::V2],
        ),
    ] {
        for version in versions.iter().copied() {
            let rekor = Rekor::new(&client(), &server.url, version).unwrap();
            let submission = Submission {
                content,
                key: KEY.public_key(),
                scheme,
                certificate: None,
            };
            let error = rekor.enter(&submission).await.unwrap_err();
            assert_eq!(error.class(), ErrorClass::Configuration, "{error}");
        }
    }
    assert!(server.requests().is_empty());
}

/// A log whose entry exists already, and which is read from tiles of a tree of `size` leaves.
fn tiled(index: u64, size: u64, leaf: Vec<u8>) -> (Server, Vec<u8>) {
    let node = |prefix: u8, parts: &[&[u8]]| {
        let bytes = [&[prefix][..], &parts.concat()].concat();
        sha256(&bytes).as_bytes().to_vec()
    };
    let bodies: Vec<Vec<u8>> = (0..size)
        .map(|number| match number == index {
            true => leaf.clone(),
            false => format!("entry {number}").into_bytes(),
        })
        .collect();
    let leaves: Vec<Vec<u8>> = bodies.iter().map(|body| node(0, &[body])).collect();
    let root = root_of(&leaves, &|left, right| node(1, &[left, right]));
    let upper: Vec<Vec<u8>> = leaves
        .chunks_exact(256)
        .map(|tile| root_of(tile, &|left, right| node(1, &[left, right])))
        .collect();
    let checkpoint = format!(
        "log.example\n{size}\n{}\n\n\u{2014} log.example AAAAAAAA\n",
        base64(&root)
    );
    let make = move |request: &super::server::Request| -> super::server::Whole {
        let row =
            |row: &[Vec<u8>], number: usize| row.chunks(256).nth(number).map(|tile| tile.concat());
        let Some(path) = request.target.strip_prefix("/api/v2/") else {
            return (404, vec![], vec![]);
        };
        let (tile, width) = path.split_once(".p/").unwrap_or((path, "256"));
        let number = tile
            .rsplit('/')
            .next()
            .and_then(|number| number.parse().ok());
        let found = match (path, tile.rsplit_once('/').map(|(row, _)| row)) {
            ("log/entries", _) => return (409, vec![("X-Log-Index", index.to_string())], vec![]),
            ("checkpoint", _) => Some(checkpoint.clone().into_bytes()),
            (_, Some("tile/0")) => row(&leaves, number.unwrap()),
            (_, Some("tile/1")) => row(&upper, number.unwrap()),
            (_, Some("tile/entries")) => bodies.chunks(256).nth(number.unwrap()).map(|bundle| {
                assert_eq!(bundle.len().to_string(), width);
                let entries = bundle.iter().map(|body| {
                    let length = u16::try_from(body.len()).unwrap().to_be_bytes();
                    [&length[..], body].concat()
                });
                entries.collect::<Vec<_>>().concat()
            }),
            _ => None,
        };
        found.map_or((404, vec![], vec![]), |found| (200, vec![], found))
    };
    (Server::start(vec![Step::MakeWhole(Box::new(make))]), root)
}

type Join<'a> = &'a dyn Fn(&[u8], &[u8]) -> Vec<u8>;

fn root_of(hashes: &[Vec<u8>], join: Join<'_>) -> Vec<u8> {
    match hashes {
        [only] => only.clone(),
        _ => {
            let middle = 1 << (hashes.len() - 1).ilog2();
            let (left, right) = hashes.split_at(middle);
            join(&root_of(left, join), &root_of(right, join))
        }
    }
}

/// The root that a proof leads to (RFC 9162 §2.1.3.2).
fn root_by(proof: &countersign_formats::InclusionProof, body: &[u8]) -> Vec<u8> {
    let hash = |parts: &[&[u8]]| sha256(&parts.concat()).as_bytes().to_vec();
    let (mut node, mut last) = (proof.log_index, proof.tree_size - 1);
    let mut root = hash(&[&[0], body]);
    for sibling in &proof.hashes {
        if node % 2 == 1 || node == last {
            root = hash(&[&[1], sibling, &root]);
            while node % 2 == 0 && node != 0 {
                (node, last) = (node >> 1, last >> 1);
            }
        } else {
            root = hash(&[&[1], &root, sibling]);
        }
        (node, last) = (node >> 1, last >> 1);
    }
    assert_eq!(last, 0);
    root
}

async fn enter_known(server: &Server) -> Result<LogEntry, ServiceError> {
    let submission = Submission {
        content: message(),
        key: KEY.public_key(),
        scheme: Scheme::EcdsaP256Sha256,
        certificate: None,
    };
    Rekor::new(&client(), &server.url, RekorVersion::V2)?
        .with_log_id(Bytes::from_static(&[5; 32]))
        .enter(&submission)
        .await
}

#[tokio::test]
async fn a_conflict_of_version_2_is_answered_from_the_tiles() {
    let body = hashedrekord_2(b"artifact").to_string().into_bytes();
    for (index, size) in [
        (0, 1),
        (0, 2),
        (4, 7),
        (6, 7),
        (255, 256),
        (3, 300),
        (299, 300),
        (256, 700),
        (511, 513),
    ] {
        let (server, root) = tiled(index, size, body.clone());
        let entry = enter_known(&server).await.unwrap();
        assert_eq!((entry.log_index, &entry.body[..]), (index, &body[..]));
        assert_eq!(entry.log_id, &[5; 32][..]);
        let proof = entry.proof.unwrap();
        assert_eq!(proof.root_hash, root);
        assert_eq!(root_by(&proof, &body), root, "{index} of {size}");
    }
}

#[tokio::test]
async fn tiles_that_are_missing_short_or_of_another_entry_are_refused() {
    let (server, _) = tiled(4, 7, b"another entry".to_vec());
    assert_eq!(
        enter_known(&server).await.unwrap_err().code(),
        "malformed-answer"
    );
    let other = hashedrekord_2(b"other").to_string().into_bytes();
    let (server, _) = tiled(4, 7, other);
    assert_eq!(
        enter_known(&server).await.unwrap_err().code(),
        "entry-for-another-artifact"
    );

    let conflict = || Step::Answer(409, vec![("X-Log-Index", "4".to_owned())], vec![]);
    let checkpoint = |size: u64| {
        let root = base64(&[0; 32]);
        let note = format!("log.example\n{size}\n{root}\n\n\u{2014} log.example AAAAAAAA\n");
        Step::Answer(200, vec![], note.into_bytes())
    };
    let tile = |bytes: &[u8]| Step::Answer(200, vec![], bytes.to_vec());
    for (steps, code) in [
        (
            vec![conflict(), Step::Answer(501, vec![], vec![])],
            "entry-exists",
        ),
        (vec![conflict(), tile(b"no note")], "entry-exists"),
        (vec![conflict(), checkpoint(4)], "entry-exists"),
        (
            vec![conflict(), checkpoint(7), Step::Answer(404, vec![], vec![])],
            "request-refused",
        ),
        (
            vec![conflict(), checkpoint(7), tile(b"")],
            "malformed-answer",
        ),
        (
            vec![conflict(), checkpoint(7), tile(b"\x00\x01a")],
            "malformed-answer",
        ),
        (
            vec![
                conflict(),
                checkpoint(u64::MAX / 2),
                tile(b"\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02{}"),
            ],
            "malformed-answer",
        ),
        (vec![conflict(), Step::Endless], "entry-exists"),
        (vec![conflict(), checkpoint(7), Step::Endless], "over-limit"),
    ] {
        let error = enter_known(&Server::start(steps)).await.unwrap_err();
        assert_eq!(error.code(), code, "{error}");
    }
}
