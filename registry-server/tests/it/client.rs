//! A plain HTTP client and a server on loopback for each test.

use std::{net::SocketAddr, path::Path};

use bytes::Bytes;
use countersign_formats::HashAlgorithm;
use countersign_registry_server::{Options, Server};
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpStream, sync::oneshot, task::JoinHandle};

pub(crate) const IMAGE: &str = "application/vnd.oci.image.manifest.v1+json";
pub(crate) const INDEX: &str = "application/vnd.oci.image.index.v1+json";

/// A running server with its directory.
pub(crate) struct Registry {
    pub(crate) address: SocketAddr,
    pub(crate) directory: tempfile::TempDir,
    stop: oneshot::Sender<()>,
    running: JoinHandle<()>,
}

pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Registry {
    pub(crate) async fn start() -> Self {
        Self::start_with(|options| options.allow_delete = true).await
    }

    pub(crate) async fn start_with(change: impl FnOnce(&mut Options)) -> Self {
        Self::start_in(tempfile::tempdir().unwrap(), change).await
    }

    pub(crate) async fn start_in(
        directory: tempfile::TempDir,
        change: impl FnOnce(&mut Options),
    ) -> Self {
        let mut options = Options::new(directory.path());
        change(&mut options);
        let server = Server::bind("127.0.0.1:0", options).await.unwrap();
        let address = server.local_addr();
        let (stop, stopped) = oneshot::channel();
        let running = tokio::spawn(server.serve(async { drop(stopped.await) }));
        Self {
            address,
            directory,
            stop,
            running,
        }
    }

    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    pub(crate) async fn stop(self) -> tempfile::TempDir {
        drop(self.stop);
        self.running.await.unwrap();
        self.directory
    }

    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> Answer {
        self.send_to(self.address, method, path, headers, body)
            .await
    }

    async fn send_to(
        &self,
        address: SocketAddr,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> Answer {
        let stream = TcpStream::connect(address).await.unwrap();
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
            .await
            .unwrap();
        tokio::spawn(connection);
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", address.to_string());
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = sender
            .send_request(request.body(Full::new(body.into())).unwrap())
            .await
            .unwrap();
        let (head, body) = response.into_parts();
        Answer {
            status: head.status,
            headers: head.headers,
            body: body.collect().await.unwrap().to_bytes(),
        }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, &[], "").await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.send(Method::DELETE, path, &[], "").await
    }

    pub(crate) async fn put_manifest(
        &self,
        name: &str,
        reference: &str,
        document: &serde_json::Value,
    ) -> Answer {
        self.put_manifest_at(self.address, name, reference, document)
            .await
    }

    /// The same on another server.
    pub(crate) async fn put_manifest_at(
        &self,
        address: SocketAddr,
        name: &str,
        reference: &str,
        document: &serde_json::Value,
    ) -> Answer {
        let media_type = document["mediaType"].as_str().unwrap().to_owned();
        let path = format!("/v2/{name}/manifests/{reference}");
        self.send_to(
            address,
            Method::PUT,
            &path,
            &[("content-type", &media_type)],
            document.to_string(),
        )
        .await
    }

    /// Pushes a blob in one request and gives its digest.
    pub(crate) async fn push_blob(&self, name: &str, content: &str) -> String {
        let digest = digest(content.as_bytes());
        let answer = self
            .send(
                Method::POST,
                &format!("/v2/{name}/blobs/uploads/?digest={digest}"),
                &[],
                content.to_owned(),
            )
            .await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text());
        digest
    }

    /// Pushes an artifact without layers of its own and gives its digest.
    pub(crate) async fn push_artifact(
        &self,
        name: &str,
        kind: &str,
        subject: Option<&str>,
        tag: Option<&str>,
    ) -> String {
        self.push_blob(name, "{}").await;
        let document = artifact(kind, subject);
        let digest = digest(document.to_string().as_bytes());
        let answer = self
            .put_manifest(name, tag.unwrap_or(&digest), &document)
            .await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text());
        digest
    }
}

impl Answer {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    /// The code of an error body.
    pub(crate) fn code(&self) -> String {
        self.json()["errors"][0]["code"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    }

    pub(crate) fn refused(&self, status: u16, code: &str) {
        assert_eq!(
            (self.status.as_u16(), self.code().as_str()),
            (status, code),
            "{}",
            self.text()
        );
    }
}

pub(crate) fn digest(bytes: &[u8]) -> String {
    digest_by(HashAlgorithm::Sha256, bytes)
}

pub(crate) fn digest_by(algorithm: HashAlgorithm, bytes: &[u8]) -> String {
    countersign_proof::digest::of(algorithm, bytes).to_string()
}

/// A manifest whose config and only layer are `{}`.
pub(crate) fn artifact(kind: &str, subject: Option<&str>) -> serde_json::Value {
    let empty = serde_json::json!({
        "mediaType": "application/vnd.oci.empty.v1+json",
        "digest": digest(b"{}"),
        "size": 2,
    });
    let mut document = serde_json::json!({
        "schemaVersion": 2,
        "mediaType": IMAGE,
        "artifactType": kind,
        "config": empty,
        "layers": [empty],
    });
    if let Some(subject) = subject {
        document["subject"] =
            serde_json::json!({ "mediaType": IMAGE, "digest": subject, "size": 7 });
    }
    document
}
