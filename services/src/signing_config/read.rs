//! Reads the document of a signing config.

use bytes::Bytes;
use countersign_formats::json::{Kind, Reader};
use countersign_formats::{Document, Error, ErrorKind, Limits, UnixTime, Window, clipped};

use super::{Selector, Service, SigningConfig};

/// The media type of version 0.2, in both spellings.
const MEDIA_TYPES: [&str; 2] = [
    "application/vnd.dev.sigstore.signingconfig.v0.2+json",
    "application/vnd.dev.sigstore.signingconfig+json;version=0.2",
];

/// Reads a signing config; members it does not know are passed over.
pub(super) fn read(bytes: &Bytes, limits: &Limits) -> Result<SigningConfig, Error> {
    let cap = ("trusted_root_bytes", limits.trusted_root_bytes);
    let mut reader = Reader::from_bytes(Document::Json, bytes, cap, limits)?;
    let mut media_type = None;
    let mut config = SigningConfig {
        certificate_authorities: Vec::new(),
        issuers: Vec::new(),
        logs: Vec::new(),
        log_selector: Selector::Unspecified,
        timestamp_authorities: Vec::new(),
        timestamp_selector: Selector::Unspecified,
    };
    reader.object(|reader, name| {
        match name {
            "mediaType" => media_type = Some(read_media_type(reader)?),
            "caUrls" => config.certificate_authorities = read_services(reader, limits)?,
            "oidcUrls" => config.issuers = read_services(reader, limits)?,
            "rekorTlogUrls" => config.logs = read_services(reader, limits)?,
            "tsaUrls" => config.timestamp_authorities = read_services(reader, limits)?,
            "rekorTlogConfig" => config.log_selector = read_selector(reader)?,
            "tsaConfig" => config.timestamp_selector = read_selector(reader)?,
            _ => reader.ignore()?,
        }
        Ok(())
    })?;
    reader.required("mediaType", media_type)?;
    for (services, selector, member) in [
        (&config.logs, config.log_selector, "rekorTlogConfig"),
        (
            &config.timestamp_authorities,
            config.timestamp_selector,
            "tsaConfig",
        ),
    ] {
        let said = services.is_empty() || selector != Selector::Unspecified;
        reader.required(member, said.then_some(()))?;
    }
    reader.end()?;
    Ok(config)
}

fn read_media_type(reader: &mut Reader<'_>) -> Result<(), Error> {
    let text = reader.string()?;
    if MEDIA_TYPES.contains(&text.as_ref()) {
        return Ok(());
    }
    Err(reader.error(ErrorKind::Unsupported {
        what: "signing config media type",
        found: clipped(&text, 120),
    }))
}

fn read_services(reader: &mut Reader<'_>, limits: &Limits) -> Result<Vec<Service>, Error> {
    reader.capped_list(("trust_instances", limits.trust_instances), |reader| {
        let name_cap = ("name_bytes", limits.name_bytes);
        let (mut url, mut major_version, mut operator) = (None, None, String::new());
        let mut valid = Window::ALWAYS;
        reader.object(|reader, name| {
            match name {
                "url" => url = Some(reader.capped_string(name_cap)?.into_owned()),
                "majorApiVersion" => major_version = Some(reader.whole_number()?),
                "operator" => operator = reader.capped_string(name_cap)?.into_owned(),
                "validFor" => valid = read_window(reader)?,
                _ => reader.ignore()?,
            }
            Ok(())
        })?;
        Ok(Service {
            url: reader.required("url", url)?,
            major_version: reader.required("majorApiVersion", major_version)?,
            valid,
            operator,
        })
    })
}

fn read_window(reader: &mut Reader<'_>) -> Result<Window, Error> {
    let mut window = Window::ALWAYS;
    reader.object(|reader, name| {
        let place = match name {
            "start" => &mut window.start,
            "end" => &mut window.end,
            _ => return reader.ignore(),
        };
        let text = reader.string()?;
        *place = Some(
            UnixTime::parse_rfc3339(&text).map_err(|error| error.in_document(Document::Json))?,
        );
        Ok(())
    })?;
    Ok(window)
}

fn read_selector(reader: &mut Reader<'_>) -> Result<Selector, Error> {
    let (mut selector, mut count) = (String::new(), 0);
    reader.object(|reader, name| {
        match name {
            "selector" => selector = reader.string()?.into_owned(),
            "count" if reader.peek()? == Kind::Null => reader.null()?,
            "count" => count = reader.whole_number()?,
            _ => reader.ignore()?,
        }
        Ok(())
    })?;
    match selector.as_str() {
        "ANY" => Ok(Selector::Any),
        "ALL" => Ok(Selector::All),
        "EXACT" if count > 0 => Ok(Selector::Exact(
            usize::try_from(count).unwrap_or(usize::MAX),
        )),
        "EXACT" => Err(reader.bad_value("a count of at least 1", "0")),
        // Protobuf JSON leaves zeros out, and UNDEFINED is zero: a config without services writes it so.
        "" | "SERVICE_SELECTOR_UNDEFINED" => Ok(Selector::Unspecified),
        other => Err(reader.error(ErrorKind::Unsupported {
            what: "service selector",
            found: clipped(other, 120),
        })),
    }
}
