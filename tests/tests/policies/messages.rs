//! Ten ways to break the policy of the release managers, and the messages, which the page quotes word for word.

use countersign_formats::Limits;
use countersign_policy::PolicySet;

use crate::{folder, source};

/// What is broken, and what it is broken with.
const BROKEN: [(&str, &str); 10] = [
    ("  signers:\n", "  signer:\n"),
    ("repository: acme/app, ", ""),
    (
        "\"^refs/(heads/main|tags/.+)$\"",
        "\"refs/(heads/main|tags/.+)\"",
    ),
    (
        "issuer: https://issuer.lab.example, identity: ann@",
        "identity: ann@",
    ),
    ("compromisedSince: 2026-03-01", "compromisedSince: March"),
    ("count: 2", "count: 4"),
    ("type: slsaprovenance1", "type: slsa"),
    ("{by: ben}", "{by: bem}"),
    ("      - atLeast:", "      - atleast:"),
    ("    build: {github", "    ann: {github"),
];

/// The page: each mistake with its message.
fn page() -> String {
    let path = folder().join("examples/managers.yaml");
    let good = std::fs::read_to_string(path).expect("the example");
    assert!(good.lines().count() < 25, "a policy of under 25 lines");
    let mut page = HEAD.to_owned();
    for (text, broken) in BROKEN {
        assert_eq!(good.matches(text).count(), 1, "`{text}` stands once");
        let policy = good.replace(text, broken);
        let parsed = PolicySet::parse(&[source("managers.yaml", &policy)], &Limits::DEFAULT);
        let Err(error) = parsed else {
            panic!("`{broken}` is taken")
        };
        let hint = error
            .hint
            .clone()
            .unwrap_or_else(|| panic!("{error}: what next?"));
        assert!(error.line.is_some() && error.column.is_some(), "{error}");
        let place = error.to_string();
        let place = place
            .strip_suffix(&error.message)
            .expect("place, then message");
        let instead = if broken.is_empty() {
            "nothing".to_owned()
        } else {
            format!("`{}`", broken.trim())
        };
        page.push_str(&format!(
            "\n{instead} in place of `{}`:\n\n```text\n{place}error: {} [{}]\n  hint: {hint}\n```\n",
            text.trim(),
            error.message,
            error.code()
        ));
    }
    page
}

const HEAD: &str = "# Ten mistakes

The policy [managers.yaml](examples/managers.yaml) asks that an image was built by our GitHub workflow from main or a tag, that two of three release managers
signed it, and that nothing the old key signed after March counts. Here it is broken in ten ways, with what
`countersign policy check` answers. A test makes this page: `UPDATE_MISTAKES=1 cargo test -p countersign-tests --test policies messages`.
";

#[test]
fn ten_broken_policies_say_where_what_and_what_next_as_the_page_quotes_them() {
    let path = folder().join("mistakes.md");
    let page = page();
    if std::env::var_os("UPDATE_MISTAKES").is_some() {
        std::fs::write(&path, &page).expect("the page is written");
    }
    let written = std::fs::read_to_string(path).expect("the page");
    assert_eq!(written, page, "`UPDATE_MISTAKES=1` writes the page anew");
}
