//! Refused requests and the error bodies of the specification ("Error Codes").

use std::io;

use http::{HeaderName, HeaderValue, Response, StatusCode, header};
use serde_json::json;

use crate::body::{Body, full};

/// Error codes of the specification, and what it has no word for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Code {
    BlobUnknown,
    BlobUploadInvalid,
    BlobUploadUnknown,
    Denied,
    DigestInvalid,
    ManifestBlobUnknown,
    ManifestInvalid,
    ManifestUnknown,
    NameInvalid,
    NameUnknown,
    PreconditionFailed,
    SizeInvalid,
    TagInvalid,
    TooManyRequests,
    Unauthorized,
    Unknown,
    Unsupported,
}

impl Code {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::BlobUnknown => "BLOB_UNKNOWN",
            Self::BlobUploadInvalid => "BLOB_UPLOAD_INVALID",
            Self::BlobUploadUnknown => "BLOB_UPLOAD_UNKNOWN",
            Self::Denied => "DENIED",
            Self::DigestInvalid => "DIGEST_INVALID",
            Self::ManifestBlobUnknown => "MANIFEST_BLOB_UNKNOWN",
            Self::ManifestInvalid => "MANIFEST_INVALID",
            Self::ManifestUnknown => "MANIFEST_UNKNOWN",
            Self::NameInvalid => "NAME_INVALID",
            Self::NameUnknown => "NAME_UNKNOWN",
            Self::PreconditionFailed => "PRECONDITION_FAILED",
            Self::SizeInvalid => "SIZE_INVALID",
            Self::TagInvalid => "TAG_INVALID",
            Self::TooManyRequests => "TOOMANYREQUESTS",
            Self::Unauthorized => "UNAUTHORIZED",
            Self::Unknown => "UNKNOWN",
            Self::Unsupported => "UNSUPPORTED",
        }
    }
}

/// A request that is not fulfilled: what the client is told, and apart from it what only the operator is told.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) status: StatusCode,
    code: Code,
    message: String,
    headers: Vec<(HeaderName, HeaderValue)>,
    /// What happened on the server's own side.
    pub(crate) fault: Option<String>,
}

impl Refusal {
    pub(crate) fn new(status: StatusCode, code: Code, message: impl Into<String>) -> Self {
        const MESSAGE_CHARACTERS: usize = 1024;
        let message: String = message.into();
        let message = match message.char_indices().nth(MESSAGE_CHARACTERS) {
            Some((end, _)) => message.get(..end).unwrap_or_default().to_owned(),
            None => message,
        };
        Self {
            status,
            code,
            message,
            headers: Vec::new(),
            fault: None,
        }
    }

    pub(crate) fn bad(code: Code, message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, message)
    }

    pub(crate) fn absent(code: Code, message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, code, message)
    }

    /// The server's own fault; clients learn no paths.
    pub(crate) fn storage(what: &str, error: impl std::fmt::Display) -> Self {
        let mut refusal = Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            Code::Unknown,
            "storage failed; see the server's log",
        );
        refusal.fault = Some(format!("{what}: {error}"));
        refusal
    }

    pub(crate) fn io(what: &str, error: &io::Error) -> Self {
        let mut refusal = Self::storage(what, error);
        if matches!(
            error.kind(),
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
        ) {
            refusal.status = StatusCode::INSUFFICIENT_STORAGE;
            refusal.message = "storage is full".to_owned();
        }
        if error.kind() == io::ErrorKind::ResourceBusy {
            refusal.status = StatusCode::SERVICE_UNAVAILABLE;
            refusal.message = "repository is being changed by another program".to_owned();
            return refusal.with(header::RETRY_AFTER, "5");
        }
        refusal
    }

    pub(crate) fn with(mut self, name: HeaderName, value: impl AsRef<str>) -> Self {
        if let Ok(value) = HeaderValue::from_str(value.as_ref()) {
            self.headers.push((name, value));
        }
        self
    }

    pub(crate) fn is(&self, code: Code) -> bool {
        self.code == code
    }

    pub(crate) fn closing(self) -> Self {
        self.with(header::CONNECTION, "close")
    }

    pub(crate) fn into_response(self) -> Response<Body> {
        let body = json!({ "errors": [{ "code": self.code.as_str(), "message": self.message }] })
            .to_string();
        let mut response = Response::new(full(body));
        *response.status_mut() = self.status;
        response.headers_mut().insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        );
        for (name, value) in self.headers {
            response.headers_mut().append(name, value);
        }
        response
    }
}
