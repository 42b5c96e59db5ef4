//! Edges of what a certificate may say, each beside what it may not.

use crate::lab::{builder, code, image, prove};
use countersign_proof::{CertificateFault, RejectReason, Signer};
use countersign_testdata::certificate::{CertificateSpec, extended_key_usage, extension};
use countersign_testdata::certificate_log::SctSpec;
use countersign_testdata::der_writer::{integer, tlv};
use countersign_testdata::lab::{Lab, NOW, SIGNED_AT};

fn outcome(bend: impl Fn(&mut CertificateSpec)) -> &'static str {
    let lab = Lab::new();
    let evidence = lab
        .keyless("dev@lab.example")
        .certificate(bend)
        .rekor_v1()
        .build();
    code(prove(&evidence, &image(), builder(&lab)))
}

// RFC 5280 §4.1.2.2: positive, at most 20 bytes.
#[test]
fn a_serial_has_at_most_twenty_bytes() {
    let lab = Lab::new();
    for (serial, expected) in [
        (vec![0x7f; 20], "accepted"),
        (vec![0x80; 20], "accepted"),
        (vec![0x7f; 21], "certificate-malformed"),
        (vec![0x80; 21], "certificate-malformed"),
    ] {
        let found = outcome(|certificate| certificate.serial = integer(&serial));
        assert_eq!(found, expected, "{serial:02x?}");
    }
    let evidence = lab
        .keyless("dev@lab.example")
        .certificate(|certificate| certificate.serial = integer(&[0x9a, 0x0b, 0xc0]))
        .rekor_v1()
        .build();
    let verified = prove(&evidence, &image(), builder(&lab)).unwrap();
    let Signer::Fulcio(identity) = verified.signer() else {
        panic!("{:?}", verified.signer())
    };
    assert_eq!(identity.serial, "9a0bc0");
}

#[test]
fn a_certificate_may_be_valid_for_one_second_and_not_for_less() {
    let window = |not_before: i64, not_after: i64| {
        outcome(|certificate| {
            (certificate.not_before, certificate.not_after) = (not_before, not_after);
        })
    };
    assert_eq!(window(SIGNED_AT, SIGNED_AT), "accepted");
    assert_eq!(window(SIGNED_AT + 1, SIGNED_AT), "certificate-malformed");
    assert_eq!(
        window(SIGNED_AT + 1, SIGNED_AT - 1),
        "certificate-malformed"
    );
}

// RFC 5280 §4.2.1.3: nine bits; digitalSignature is the first. X.690 §11.2.1: those that are not used are zero.
#[test]
fn a_key_usage_is_a_short_list_of_bits() {
    for (bits, expected) in [
        (&[7, 0x80][..], "accepted"),
        (&[0, 0x81], "accepted"),
        (&[7, 0x80, 0x80], "accepted"),
        (&[8, 0x80], "certificate-malformed"),
        (&[8, 0], "certificate-malformed"),
        (&[0xff, 0x80], "certificate-malformed"),
        (&[0, 0x80, 0, 0], "certificate-malformed"),
        (&[0], "certificate-malformed"),
        (&[], "certificate-malformed"),
        (&[7, 0x81], "certificate-malformed"),
        (&[7, 0x80, 0x40], "certificate-malformed"),
        (&[6, 0x40], "certificate-key-usage"),
    ] {
        let found = outcome(|certificate| {
            certificate.replace(extension("2.5.29.15", true, tlv(3, bits)));
        });
        assert_eq!(found, expected, "{bits:02x?}");
    }
}

#[test]
fn basic_constraints_are_two_values_in_their_order() {
    for (content, expected) in [
        (&[][..], "accepted"),
        (&[1, 1, 0], "accepted"),
        (&[1, 1, 0xff], "certificate-is-authority"),
        (&[1, 1, 1], "certificate-malformed"),
        (&[2, 1, 0, 1, 1, 0xff], "certificate-malformed"),
        (&[5, 0], "certificate-malformed"),
    ] {
        let found = outcome(|certificate| {
            certificate.replace(extension("2.5.29.19", true, tlv(0x30, content)));
        });
        assert_eq!(found, expected, "{content:02x?}");
    }
}

#[test]
fn a_rejection_names_the_use_that_is_wanted() {
    let lab = Lab::new();
    let evidence = lab
        .keyless("dev@lab.example")
        .certificate(|certificate| {
            certificate.replace(extension(
                "2.5.29.37",
                false,
                extended_key_usage(&["1.3.6.1.5.5.7.3.1"]),
            ));
        })
        .rekor_v1()
        .build();
    let rejected = prove(&evidence, &image(), builder(&lab)).unwrap_err();
    let RejectReason::Certificate {
        fault: CertificateFault::ExtendedKeyUsage { wanted },
        ..
    } = rejected.reason()
    else {
        panic!("{rejected}")
    };
    assert_eq!(*wanted, "code signing");
}

// TOB-SIGSTORE-7: not even by a second, and not a second too early either.
#[test]
fn a_certificate_timestamp_may_be_as_young_as_now() {
    let lab = Lab::new();
    for (time, expected) in [(NOW, "accepted"), (NOW + 1, "sct-future")] {
        let evidence = lab
            .keyless("dev@lab.example")
            .certificate(|certificate| {
                certificate.scts = vec![SctSpec::new(&lab.certificate_log, time)];
                certificate.not_after = NOW + 600;
            })
            .rekor_v1()
            .integrated_at(NOW)
            .build();
        assert_eq!(code(prove(&evidence, &image(), builder(&lab))), expected);
    }
}
