//! scratch
use countersign_testdata::lab::*;
fn main() {
    let d = std::path::PathBuf::from(std::env::args().nth(1).unwrap());
    let lab = Lab::new();
    std::fs::write(d.join("tr.json"), lab.trusted_root().to_string()).unwrap();
    std::fs::write(d.join("artifact.bin"), Lab::artifact()).unwrap();
    let w = |n: &str, r: Recipe<'_>| std::fs::write(d.join(n), r.build().bundle.to_string()).unwrap();
    w("dsse-v1.json", lab.keyless("user@example.org").rekor_v1());
    w("dsse-v1-intoto.json", lab.keyless("user@example.org").logged(lab.rekor_v1.clone(), "intoto"));
    w("dsse-v1-tsa.json", lab.keyless("user@example.org").rekor_v1().timestamped());
    w("dsse-v2-tsa.json", lab.keyless("user@example.org").rekor_v2().timestamped());
    w("dsse-v2b-rsatsa.json", lab.keyless("user@example.org").logged(lab.rekor_v2_p256.clone(), "").timestamped_by(&lab.rsa_timestamp_leaf, SIGNED_AT));
    w("msg-v1.json", lab.keyless("user@example.org").message(&Lab::artifact()).rekor_v1());
    w("msg-v2-tsa.json", lab.keyless("user@example.org").message(&Lab::artifact()).rekor_v2().timestamped());
    let e = lab.keyless("user@example.org").rekor_v1().timestamped().build();
    std::fs::write(d.join("leaf.der"), e.certificate.unwrap()).unwrap();
    std::fs::write(d.join("ts.der"), &e.timestamps[0]).unwrap();
    std::fs::write(d.join("sig.bin"), &e.signature).unwrap();
    std::fs::write(d.join("tsaroot.pem"), countersign_testdata::pem("CERTIFICATE", &lab.timestamp_root.certificate)).unwrap();
    std::fs::write(d.join("root.pem"), countersign_testdata::pem("CERTIFICATE", &lab.root.certificate)).unwrap();
    std::fs::write(d.join("int.pem"), countersign_testdata::pem("CERTIFICATE", &lab.intermediate.certificate)).unwrap();
}
