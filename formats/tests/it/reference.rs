//! N-93: one canonical form for each reference, or an error.

use countersign_formats::{Reference, RegistryReference};
use proptest::prelude::*;

const DIGEST: &str = "sha256:97fc222cee7991b5b061d4d4afdb5f3428fcb0c9054e1690313786befa1e4e36";

fn registry(text: &str) -> RegistryReference {
    match Reference::parse(text).unwrap() {
        Reference::Registry(reference) => reference,
        other => panic!("{other}"),
    }
}

#[test]
fn accepted_references_have_one_canonical_form() {
    let d = DIGEST;
    for (text, canonical) in [
        // Docker Hub
        ("nginx", "docker.io/library/nginx:latest".to_owned()),
        ("nginx:1.27", "docker.io/library/nginx:1.27".to_owned()),
        ("library/nginx", "docker.io/library/nginx:latest".to_owned()),
        (
            "docker.io/nginx",
            "docker.io/library/nginx:latest".to_owned(),
        ),
        (
            "docker.io/library/nginx",
            "docker.io/library/nginx:latest".to_owned(),
        ),
        (
            "DOCKER.IO/nginx",
            "docker.io/library/nginx:latest".to_owned(),
        ),
        (
            "index.docker.io/nginx",
            "docker.io/library/nginx:latest".to_owned(),
        ),
        (
            "index.docker.io/library/nginx",
            "docker.io/library/nginx:latest".to_owned(),
        ),
        (
            "registry-1.docker.io/nginx",
            "docker.io/library/nginx:latest".to_owned(),
        ),
        (
            "docker.io:443/nginx",
            "docker.io/library/nginx:latest".to_owned(),
        ),
        (
            "docker.io:5000/nginx",
            "docker.io:5000/nginx:latest".to_owned(),
        ),
        (
            "hub.docker.io/nginx",
            "hub.docker.io/nginx:latest".to_owned(),
        ),
        ("acme/app", "docker.io/acme/app:latest".to_owned()),
        ("acme/team/app", "docker.io/acme/team/app:latest".to_owned()),
        ("docker.io/acme/app", "docker.io/acme/app:latest".to_owned()),
        ("ghcr/app", "docker.io/ghcr/app:latest".to_owned()),
        ("localhost", "docker.io/library/localhost:latest".to_owned()),
        (
            "localhost:5000",
            "docker.io/library/localhost:5000".to_owned(),
        ),
        (
            "example.com",
            "docker.io/library/example.com:latest".to_owned(),
        ),
        ("localhosts/x", "docker.io/localhosts/x:latest".to_owned()),
        // registries
        ("ghcr.io/acme/app", "ghcr.io/acme/app:latest".to_owned()),
        ("ghcr.io/acme/app:1.4", "ghcr.io/acme/app:1.4".to_owned()),
        ("GHCR.IO/acme/app", "ghcr.io/acme/app:latest".to_owned()),
        ("gHcR.io/acme/app:V1", "ghcr.io/acme/app:V1".to_owned()),
        ("ghcr.io:443/acme/app", "ghcr.io/acme/app:latest".to_owned()),
        (
            "ghcr.io:80/acme/app",
            "ghcr.io:80/acme/app:latest".to_owned(),
        ),
        (
            "ghcr.io:8443/acme/app",
            "ghcr.io:8443/acme/app:latest".to_owned(),
        ),
        ("ghcr.io:65535/a", "ghcr.io:65535/a:latest".to_owned()),
        ("ghcr.io/a", "ghcr.io/a:latest".to_owned()),
        ("ghcr.io/library/a", "ghcr.io/library/a:latest".to_owned()),
        ("localhost/x", "localhost/x:latest".to_owned()),
        ("LOCALHOST/x", "localhost/x:latest".to_owned()),
        ("localhost:5000/x", "localhost:5000/x:latest".to_owned()),
        ("localhost:443/x", "localhost/x:latest".to_owned()),
        // Without its port this would be a repository of Docker Hub.
        ("box:443/x", "box:443/x:latest".to_owned()),
        ("registry:5000/x", "registry:5000/x:latest".to_owned()),
        ("REGISTRY:5000/x", "registry:5000/x:latest".to_owned()),
        ("dir:5000/x", "dir:5000/x:latest".to_owned()),
        ("docker:5000/x", "docker:5000/x:latest".to_owned()),
        ("127.0.0.1:5000/x", "127.0.0.1:5000/x:latest".to_owned()),
        ("127.0.0.1/x", "127.0.0.1/x:latest".to_owned()),
        ("[::1]:5000/x", "[::1]:5000/x:latest".to_owned()),
        ("[::1]/x", "[::1]/x:latest".to_owned()),
        ("[0:0:0:0:0:0:0:1]:5000/x", "[::1]:5000/x:latest".to_owned()),
        ("[2001:DB8::A]/x:t", "[2001:db8::a]/x:t".to_owned()),
        ("[::1]:443/x", "[::1]/x:latest".to_owned()),
        (
            "xn--bcher-kva.example/x",
            "xn--bcher-kva.example/x:latest".to_owned(),
        ),
        ("a-b.c--d.example/x", "a-b.c--d.example/x:latest".to_owned()),
        // repositories
        (
            "r.io/a.b/c_d/e__f/g-h/i--j/k---l",
            "r.io/a.b/c_d/e__f/g-h/i--j/k---l:latest".to_owned(),
        ),
        ("r.io/0/1", "r.io/0/1:latest".to_owned()),
        // tags and digests
        ("r.io/a:_", "r.io/a:_".to_owned()),
        ("r.io/a:A.b-c_D", "r.io/a:A.b-c_D".to_owned()),
        (
            "r.io/a:sha256-97fc.sig",
            "r.io/a:sha256-97fc.sig".to_owned(),
        ),
        (
            &format!("nginx@{d}"),
            format!("docker.io/library/nginx@{d}"),
        ),
        (
            &format!("nginx:1@{d}"),
            format!("docker.io/library/nginx:1@{d}"),
        ),
        (&format!("ghcr.io:443/a@{d}"), format!("ghcr.io/a@{d}")),
        (
            &format!("r.io/a@sha512:{}", "a".repeat(128)),
            format!("r.io/a@sha512:{}", "a".repeat(128)),
        ),
        (
            &format!("r.io/a:{}", "t".repeat(128)),
            format!("r.io/a:{}", "t".repeat(128)),
        ),
        (
            &format!("r.io/{}", "a".repeat(255)),
            format!("r.io/{}:latest", "a".repeat(255)),
        ),
        (
            &format!("r.io/{}", "a".repeat(64)),
            format!("r.io/{}:latest", "a".repeat(64)),
        ),
        (
            &format!("{}.io/a", "h".repeat(63)),
            format!("{}.io/a:latest", "h".repeat(63)),
        ),
        // layouts and archives
        ("oci:dir", "oci:dir".to_owned()),
        ("oci:./dir:1.4", "oci:./dir:1.4".to_owned()),
        ("oci:/abs/dir", "oci:/abs/dir".to_owned()),
        ("oci:5000/x", "oci:5000/x".to_owned()),
        ("oci:a:b/c", "oci:a:b/c".to_owned()),
        ("oci:a:b/c:t", "oci:a:b/c:t".to_owned()),
        ("oci:dir with space", "oci:dir with space".to_owned()),
        ("oci:dir:not a tag", "oci:dir:not a tag".to_owned()),
        ("oci:C:\\images", "oci:C:\\images".to_owned()),
        ("oci:user@host/dir", "oci:user@host/dir".to_owned()),
        ("oci:größe", "oci:größe".to_owned()),
        ("oci:../dir", "oci:../dir".to_owned()),
        (&format!("oci:dir@{d}"), format!("oci:dir@{d}")),
        (&format!("oci:dir:t@{d}"), format!("oci:dir:t@{d}")),
        ("oci-archive:image.tar", "oci-archive:image.tar".to_owned()),
        (
            &format!("oci-archive:./image.tar:t@{d}"),
            format!("oci-archive:./image.tar:t@{d}"),
        ),
    ] {
        let reference = Reference::parse(text).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(reference.to_string(), canonical, "{text}");
        assert_eq!(
            Reference::parse(&canonical).unwrap(),
            reference,
            "{canonical} is not stable"
        );
    }
}

#[test]
fn everything_else_is_refused_with_its_reason() {
    for (text, code) in [
        ("", "reference-empty"),
        (" ", "reference-character"),
        (" nginx", "reference-character"),
        ("nginx ", "reference-character"),
        ("nginx\n", "reference-character"),
        ("nginx\0", "reference-character"),
        ("oci:dir\0x", "reference-character"),
        ("ghcr.io/acme/ngınx", "reference-character"),
        ("ghcr\u{200b}.io/acme/x", "reference-character"),
        ("ghcr．io/acme/x", "reference-character"),
        ("ghcr.io／acme", "reference-character"),
        ("https://ghcr.io/acme/app", "reference-scheme"),
        ("http://localhost:5000/x", "reference-scheme"),
        ("docker://ghcr.io/acme/app", "reference-scheme"),
        ("oci://ghcr.io/acme/app", "reference-scheme"),
        ("docker-archive:/tmp/x.tar", "reference-scheme"),
        ("dir:/tmp/x", "reference-scheme"),
        ("containers-storage:[overlay]x", "reference-scheme"),
        ("user@ghcr.io/acme/app", "reference-user-information"),
        ("user:pass@ghcr.io/acme/app", "reference-user-information"),
        (
            "evil.example@ghcr.io/acme/app",
            "reference-user-information",
        ),
        ("ghcr.io@evil.example/x", "reference-user-information"),
        ("ghcr.io./acme/app", "reference-host"),
        (".ghcr.io/acme/app", "reference-host"),
        ("ghcr..io/acme/app", "reference-host"),
        ("-ghcr.io/acme/app", "reference-host"),
        ("ghcr-.io/acme/app", "reference-host"),
        ("my_registry:5000/app", "reference-host"),
        ("gh%63r.io/app", "reference-host"),
        ("gh#cr.io/app", "reference-host"),
        ("ghcr.io?x/app", "reference-host"),
        ("ghcr.io\\evil/app", "reference-host"),
        ("*.io/app", "reference-host"),
        (":5000/app", "reference-host"),
        ("127.1/x", "reference-host"),
        ("127.0.0.01/x", "reference-host"),
        ("127.0.0.1.1/x", "reference-host"),
        ("0x7f.0x1/x", "reference-host"),
        ("2130706433:80/x", "reference-host"),
        ("256.0.0.1/x", "reference-host"),
        ("[::1/x", "reference-host"),
        ("[::1]x/y", "reference-host"),
        ("[fe80::1%eth0]/x", "reference-host"),
        ("[localhost]/x", "reference-host"),
        ("[]/x", "reference-host"),
        ("::1/x", "reference-host"),
        ("ghcr.io:/x", "reference-port"),
        ("ghcr.io:0/x", "reference-port"),
        ("ghcr.io:0443/x", "reference-port"),
        ("ghcr.io:65536/x", "reference-port"),
        ("ghcr.io:+80/x", "reference-port"),
        ("ghcr.io:80:80/x", "reference-port"),
        ("ghcr.io:http/x", "reference-port"),
        ("[::1]:x/y", "reference-port"),
        ("ghcr.io/", "reference-repository"),
        ("/acme/app", "reference-repository"),
        ("//acme/app", "reference-repository"),
        ("ghcr.io//app", "reference-repository"),
        ("ghcr.io/acme//app", "reference-repository"),
        ("ghcr.io/acme/app/", "reference-repository"),
        ("ghcr.io/../app", "reference-repository"),
        ("ghcr.io/acme/..", "reference-repository"),
        ("ghcr.io/./app", "reference-repository"),
        ("ghcr.io/acme/app.", "reference-repository"),
        ("ghcr.io/.app", "reference-repository"),
        ("ghcr.io/a..b", "reference-repository"),
        ("ghcr.io/a___b", "reference-repository"),
        ("ghcr.io/a._b", "reference-repository"),
        ("ghcr.io/a-.b", "reference-repository"),
        ("ghcr.io/-a", "reference-repository"),
        ("ghcr.io/a_", "reference-repository"),
        ("ghcr.io/a%2fb", "reference-repository"),
        ("ghcr.io/a?x=1", "reference-repository"),
        ("ghcr.io/a#x", "reference-repository"),
        ("ghcr.io/a*", "reference-repository"),
        ("ghcr.io/a+b", "reference-repository"),
        ("ghcr.io/Acme/app", "reference-upper-case"),
        ("Nginx", "reference-upper-case"),
        ("Acme/app", "reference-upper-case"),
        ("docker.io/NGINX", "reference-upper-case"),
        (OTHER_ID, "reference-image-id"),
        ("nginx:", "reference-tag"),
        ("nginx:-a", "reference-tag"),
        ("nginx:.a", "reference-tag"),
        ("nginx:a:b", "reference-tag"),
        ("nginx:a/b", "reference-port"),
        ("ghcr.io/a:b/c", "reference-tag"),
        ("ghcr.io/a:b+c", "reference-tag"),
        ("nginx@", "reference-digest"),
        ("nginx@sha256:abc", "reference-digest"),
        ("nginx@latest", "reference-digest"),
        (
            "nginx@md5:d41d8cd98f00b204e9800998ecf8427e",
            "reference-digest",
        ),
        ("oci:", "reference-path"),
        ("oci:dir:", "reference-path"),
        ("oci::tag", "reference-path"),
        ("oci-archive:", "reference-path"),
        ("oci:dir@sha256:abc", "reference-digest"),
    ] {
        let error = Reference::parse(text)
            .err()
            .unwrap_or_else(|| panic!("{text} was accepted"));
        assert_eq!(error.code(), code, "{error}");
    }
    let upper = DIGEST.to_ascii_uppercase().replace("SHA256", "sha256");
    for (text, code) in [
        (format!("nginx@{upper}"), "reference-digest"),
        (format!("nginx@{DIGEST}@{DIGEST}"), "reference-digest"),
        (format!("nginx@{DIGEST}:tag"), "reference-digest"),
        (format!("nginx:{}", "t".repeat(129)), "reference-tag"),
        (format!("r.io/{}", "a".repeat(256)), "reference-too-long"),
        ("a".repeat(255), "reference-too-long"),
        (format!("{}.io/a", "h".repeat(64)), "reference-host"),
        (format!("{}io/a", "h.".repeat(130)), "reference-host"),
        ("a".repeat(10 << 10), "reference-too-long"),
        (format!("oci:{}", "a".repeat(4097)), "reference-too-long"),
    ] {
        let error = Reference::parse(&text).unwrap_err();
        assert_eq!(error.code(), code, "{error}");
        assert!(error.to_string().len() < 400);
    }
    assert!(
        Reference::parse("https://ghcr.io/x")
            .unwrap_err()
            .hint()
            .unwrap()
            .contains("without a scheme")
    );
}

const OTHER_ID: &str = "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";

#[test]
fn parts_of_a_reference_are_what_registries_ask_for() {
    let reference = registry(&format!("ghcr.io:8443/acme/app:1.4@{DIGEST}"));
    assert_eq!(reference.registry(), "ghcr.io:8443");
    assert_eq!(reference.repository(), "acme/app");
    assert_eq!(reference.tag(), Some("1.4"));
    assert_eq!(reference.digest().unwrap().to_string(), DIGEST);
    assert_eq!(reference.name(), "ghcr.io:8443/acme/app");
    let pinned = registry("nginx").with_digest(*reference.digest().unwrap());
    assert_eq!(
        pinned.to_string(),
        format!("docker.io/library/nginx@{DIGEST}")
    );
    assert_eq!(registry(&format!("nginx@{DIGEST}")).tag(), None);
    assert_eq!(registry("nginx").tag(), Some("latest"));
    let layout: Reference = format!("oci:a/b:t@{DIGEST}").parse().unwrap();
    assert_eq!((layout.tag(), layout.digest().is_some()), (Some("t"), true));
    assert!(matches!(&layout, Reference::Layout(layout) if layout.path() == "a/b"));
    assert_eq!(Reference::parse("oci-archive:x.tar").unwrap().tag(), None);
}

proptest! {
    #[test]
    fn the_canonical_form_is_stable(text in "(oci:|oci-archive:)?[a-zA-Z0-9.:/@_\\[\\]-]{0,40}(:[a-z0-9]{1,5})?") {
        if let Ok(reference) = Reference::parse(&text) {
            let canonical = reference.to_string();
            prop_assert_eq!(Reference::parse(&canonical).unwrap().to_string(), canonical);
        }
    }

    #[test]
    fn arbitrary_text_never_panics(text: String) {
        let _ = Reference::parse(&text);
    }
}
