//! Clients that are slow, endless or try to get out of the directory (N-16, N-17, N-19).

use std::time::{Duration, Instant};

use http::{Method, StatusCode};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::client::{Registry, digest};

async fn converse(registry: &Registry, text: &str) -> String {
    let mut stream = TcpStream::connect(registry.address).await.unwrap();
    stream.write_all(text.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    // A reset after the answer is an end, too.
    drop(
        tokio::time::timeout(Duration::from_secs(20), stream.read_to_end(&mut answer))
            .await
            .unwrap(),
    );
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn a_request_head_that_does_not_end_is_cut_off() {
    let registry =
        Registry::start_with(|options| options.deadlines.head = Duration::from_millis(300)).await;
    let started = Instant::now();
    converse(&registry, "GET /v2/ HTTP/1.1\r\nhost: x\r\nx-y: z").await;
    assert!(started.elapsed() < Duration::from_secs(5));
    assert_eq!(registry.get("/v2/").await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_body_that_stalls_or_trickles_is_cut_off() {
    let registry = Registry::start_with(|options| {
        options.deadlines.idle = Duration::from_millis(300);
        options.deadlines.manifest = Duration::from_millis(900);
    })
    .await;
    let head = "PUT /v2/a/manifests/t HTTP/1.1\r\nhost: x\r\ncontent-type: application/vnd.oci.image.manifest.v1+json\r\ncontent-length: 100000\r\n\r\n{";
    let answer = converse(&registry, head).await;
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");

    let place = registry
        .send(Method::POST, "/v2/a/blobs/uploads/", &[], "")
        .await
        .header("location")
        .to_owned();
    let mut stream = TcpStream::connect(registry.address).await.unwrap();
    stream
        .write_all(
            format!("PATCH {place} HTTP/1.1\r\nhost: x\r\ncontent-length: 100000\r\n\r\n")
                .as_bytes(),
        )
        .await
        .unwrap();
    let started = Instant::now();
    let (mut reading, mut writing) = stream.into_split();
    let trickle = tokio::spawn(async move {
        while writing.write_all(b"x").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    });
    let mut answer = Vec::new();
    drop(
        tokio::time::timeout(Duration::from_secs(20), reading.read_to_end(&mut answer))
            .await
            .unwrap(),
    );
    assert!(started.elapsed() < Duration::from_secs(10));
    assert!(String::from_utf8_lossy(&answer).starts_with("HTTP/1.1 408"));
    trickle.abort();
}

#[tokio::test]
async fn an_endless_body_is_cut_at_its_cap() {
    let registry = Registry::start_with(|options| options.caps.blob_bytes = 1 << 20).await;
    let place = registry
        .send(Method::POST, "/v2/a/blobs/uploads/", &[], "")
        .await
        .header("location")
        .to_owned();
    let stream = TcpStream::connect(registry.address).await.unwrap();
    let (mut reading, mut writing) = stream.into_split();
    writing
        .write_all(
            format!("PATCH {place} HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n")
                .as_bytes(),
        )
        .await
        .unwrap();
    let sender = tokio::spawn(async move {
        let chunk = format!("10000\r\n{}\r\n", "x".repeat(0x10000));
        let mut sent = 0_u64;
        while writing.write_all(chunk.as_bytes()).await.is_ok() {
            sent += 0x10000;
        }
        sent
    });
    let mut answer = Vec::new();
    drop(
        tokio::time::timeout(Duration::from_secs(30), reading.read_to_end(&mut answer))
            .await
            .unwrap(),
    );
    assert!(String::from_utf8_lossy(&answer).starts_with("HTTP/1.1 413"));
    drop(reading);
    let sent = tokio::time::timeout(Duration::from_secs(30), sender)
        .await
        .unwrap()
        .unwrap();
    assert!(sent < 64 << 20, "{sent}");
}

#[tokio::test]
async fn an_answer_that_nobody_takes_does_not_hold_the_server() {
    let registry = Registry::start_with(|options| {
        options.deadlines.idle = Duration::from_millis(300);
        options.caps.connections = 1;
    })
    .await;
    let content = "x".repeat(32 << 20);
    let digest = registry.push_blob("a", &content).await;
    let mut stream = TcpStream::connect(registry.address).await.unwrap();
    stream
        .write_all(format!("GET /v2/a/blobs/{digest} HTTP/1.1\r\nhost: x\r\n\r\n").as_bytes())
        .await
        .unwrap();
    // The one place for connections is free again although the client is still there.
    let next = tokio::time::timeout(Duration::from_secs(10), registry.get("/v2/"))
        .await
        .unwrap();
    assert_eq!(next.status, StatusCode::OK);
    drop(stream);
}

#[tokio::test]
async fn heads_are_bounded() {
    let registry = Registry::start().await;
    let large = converse(
        &registry,
        &format!(
            "GET /v2/ HTTP/1.1\r\nhost: x\r\nx-y: {}\r\n\r\n",
            "z".repeat(1 << 20)
        ),
    )
    .await;
    assert!(
        large.is_empty() || large.starts_with("HTTP/1.1 431"),
        "{large}"
    );
    let many = converse(
        &registry,
        &format!(
            "GET /v2/ HTTP/1.1\r\nhost: x\r\n{}\r\n",
            "x-y: z\r\n".repeat(1000)
        ),
    )
    .await;
    assert!(
        many.is_empty() || many.starts_with("HTTP/1.1 431"),
        "{many}"
    );
}

#[tokio::test]
async fn no_path_leads_out_of_the_directory() {
    let registry = Registry::start().await;
    registry.push_artifact("a", "x/y", None, Some("t")).await;
    for path in [
        "/v2/../a/manifests/t",
        "/v2/%2e%2e/a/manifests/t",
        "/v2/a/..%2f..%2fetc/manifests/t",
        "/v2/a/blobs/sha256/manifests/t",
        "/v2/a%00/manifests/t",
        "/v2/a/blobs/sha256:../../index.json",
        "/v2/.countersign-uploads/manifests/t",
        "//v2/a/manifests/t",
        "/v2/a/blobs/uploads/../../index.json",
    ] {
        let status = registry.get(path).await.status.as_u16();
        assert!((400..500).contains(&status), "{path}: {status}");
    }
    for path in ["/", "/metrics", "/v2/_catalog", "/v1/", "/token"] {
        assert_eq!(
            registry.get(path).await.status,
            StatusCode::NOT_FOUND,
            "{path}"
        );
    }
    registry
        .send(
            Method::from_bytes(b"BREW").unwrap(),
            "/v2/a/manifests/t",
            &[],
            "",
        )
        .await
        .refused(405, "UNSUPPORTED");
}

#[tokio::test]
async fn a_shutdown_ends_what_runs_within_its_grace() {
    let registry =
        Registry::start_with(|options| options.deadlines.grace = Duration::from_millis(300)).await;
    let address = registry.address;
    let mut idle = TcpStream::connect(address).await.unwrap();
    let mut busy = TcpStream::connect(address).await.unwrap();
    let digest = digest(b"x");
    let head = format!(
        "POST /v2/a/blobs/uploads/?digest={digest} HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\nx"
    );
    busy.write_all(head.as_bytes()).await.unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    let started = Instant::now();
    drop(registry.stop().await);
    assert!(started.elapsed() < Duration::from_secs(3));
    assert!(TcpStream::connect(address).await.is_err());
    for stream in [&mut idle, &mut busy] {
        drop(
            tokio::time::timeout(Duration::from_secs(2), stream.read_to_end(&mut Vec::new()))
                .await
                .unwrap(),
        );
    }
}
