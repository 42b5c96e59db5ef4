//! Fulcio's table of extensions (`docs/oid-info.md` of sigstore/fulcio), row by row: the last arc of 1.3.6.1.4.1.57264.1, the name, how
//! the text stands in the certificate, and whether it may be empty.

use countersign_formats::{Limits, UnixTime};
use countersign_proof::{
    FulcioExtensions, Image, Origin, Signer, StorageForm, Subject, SubjectAlternativeName,
    TrustMaterial, Unverified, verify,
};
use countersign_testdata::certificate::{
    Extension, claim, other_name, raw_claim, subject_alternative_name,
};
use countersign_testdata::lab::{Lab, NOW};

#[derive(Clone, Copy, PartialEq)]
enum Form {
    /// The bytes of the text.
    Raw,
    /// A DER UTF8String.
    Der,
}
use Form::{Der, Raw};

const TABLE: &[(u8, &str, Form, bool)] = &[
    (1, "issuer_v1", Raw, false),
    (2, "github_workflow_trigger", Raw, false),
    (3, "github_workflow_sha", Raw, false),
    (4, "github_workflow_name", Raw, false),
    (5, "github_workflow_repository", Raw, false),
    (6, "github_workflow_ref", Raw, false),
    // 1.7 is the type of a name, not an extension.
    (8, "issuer_v2", Der, false),
    (9, "build_signer_uri", Der, false),
    (10, "build_signer_digest", Der, false),
    (11, "runner_environment", Der, false),
    (12, "source_repository_uri", Der, false),
    (13, "source_repository_digest", Der, false),
    (14, "source_repository_ref", Der, false),
    (15, "source_repository_identifier", Der, true),
    (16, "source_repository_owner_uri", Der, true),
    (17, "source_repository_owner_identifier", Der, true),
    (18, "build_config_uri", Der, false),
    (19, "build_config_digest", Der, false),
    (20, "build_trigger", Der, false),
    (21, "run_invocation_uri", Der, false),
    (22, "source_repository_visibility_at_signing", Der, true),
    (23, "deployment_environment", Der, true),
    (24, "token_subject", Der, false),
];

/// The identity of evidence whose certificate has these extensions in place of the lab's own claims; or the code of its refusal.
fn identity(
    extensions: &[Extension],
    name: Option<Vec<u8>>,
) -> Result<(FulcioExtensions, Option<String>, SubjectAlternativeName), String> {
    let lab = Lab::new();
    let evidence = lab
        .keyless("a@b.c")
        .rekor_v1()
        .certificate(|certificate| {
            certificate.remove("1.3.6.1.4.1.57264.1.1");
            certificate.remove("1.3.6.1.4.1.57264.1.8");
            certificate.extensions.extend_from_slice(extensions);
            if let Some(name) = &name {
                certificate.replace(subject_alternative_name(std::slice::from_ref(name)));
            }
        })
        .build();
    let limits = Limits::DEFAULT;
    let root = bytes::Bytes::from(lab.trusted_root().to_string());
    let root = countersign_formats::TrustedRoot::parse(&root, &limits).unwrap();
    let trust = TrustMaterial::builder()
        .trusted_root(&root)
        .build()
        .unwrap();
    let piece = Unverified::bundle(
        bytes::Bytes::from(evidence.bundle.to_string()),
        Origin::new(StorageForm::BundleFile),
        &limits,
    )
    .unwrap();
    let subject = Subject::Image(Image::pinned(
        countersign_formats::Digest::parse(&Lab::image()).unwrap(),
    ));
    match verify(&piece, &subject, &trust, UnixTime(NOW)) {
        Err(rejected) => Err(rejected.code().to_owned()),
        Ok(verified) => match verified.signer() {
            Signer::Fulcio(identity) => Ok((
                identity.extensions.clone(),
                identity.issuer.clone(),
                identity.san.clone(),
            )),
            other => panic!("{other:?}"),
        },
    }
}

fn written(arc: u8, form: Form, text: &str) -> Extension {
    match form {
        Raw => raw_claim(arc, text),
        Der => claim(arc, text),
    }
}

#[test]
fn each_row_is_read_under_its_name_and_in_its_form_alone() {
    for &(arc, name, form, may_be_empty) in TABLE {
        let value = format!("value of {arc}");
        let (extensions, issuer, _) = identity(&[written(arc, form, &value)], None).unwrap();
        let present: Vec<_> = extensions.present().collect();
        assert_eq!(present, [(arc, name, value.as_str())]);
        assert_eq!(extensions.get(name), Some(value.as_str()));
        let is_issuer = [1, 8].contains(&arc);
        assert_eq!(issuer.is_some(), is_issuer, "{name}");
        // The other form: tag and length of a string are no text, and text is no string.
        let other = if form == Raw { Der } else { Raw };
        assert_eq!(
            identity(&[written(arc, other, &value)], None).unwrap_err(),
            "certificate-extension",
            "{name}"
        );
        let empty = identity(&[written(arc, form, "")], None);
        match may_be_empty {
            true => assert_eq!(empty.unwrap().0.present().count(), 0, "{name}"),
            false => assert_eq!(empty.unwrap_err(), "certificate-extension", "{name}"),
        }
    }
}

#[test]
fn all_rows_stand_together_and_what_is_in_no_row_says_nothing() {
    let all: Vec<Extension> = TABLE
        .iter()
        .map(|(arc, _, form, _)| {
            let value = match arc {
                1 | 8 => "https://issuer.example".to_owned(),
                _ => format!("value of {arc}"),
            };
            written(*arc, *form, &value)
        })
        .chain([claim(25, "a row of tomorrow"), raw_claim(127, "x")])
        .collect();
    let (extensions, issuer, _) = identity(&all, None).unwrap();
    let names: Vec<_> = extensions
        .present()
        .map(|(arc, name, _)| (arc, name))
        .collect();
    let table: Vec<_> = TABLE.iter().map(|row| (row.0, row.1)).collect();
    assert_eq!(names, table);
    assert_eq!(issuer.as_deref(), Some("https://issuer.example"));
}

#[test]
fn a_user_name_is_a_name_of_type_1_7() {
    let (_, _, name) = identity(
        &[claim(8, "https://issuer.example")],
        Some(other_name("jdoe!acme.example")),
    )
    .unwrap();
    assert_eq!(
        name,
        SubjectAlternativeName::OtherName("jdoe!acme.example".to_owned())
    );
}
