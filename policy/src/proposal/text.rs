//! The proposed document, each line with the reason why it is there.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use countersign_formats::UnixTime;
use countersign_formats::predicate_types::aliases;
use countersign_formats::predicate_types::resolve;
use countersign_proof::{KeyId, Verified};

use crate::document::{API_VERSION, KIND};
use crate::proposal::holder::{self, Holder};
use crate::proposal::shared::{Cluster, Kind, Rule};
use crate::proposal::{KnownKey, NAMED_PIECES, Observed, ProposalError, idle, signers};
use crate::rules::{About, Demand};
use crate::write::quoted;

/// Most repositories that a scope lists one by one.
const LISTED: usize = 12;
/// Longest text of somebody else in a comment, in characters.
const COMMENT_CHARACTERS: usize = 300;

/// What a policy calls each signer, and the claims that it made.
type Names<'a> = BTreeMap<Holder, (String, Vec<&'a Verified>)>;

pub(super) fn write(
    clusters: &[Cluster<'_>],
    images: &[Observed],
    keys: &[KnownKey],
    now: UnixTime,
) -> Result<String, ProposalError> {
    let mut out = Text::default();
    head(&mut out, images, keys, now);
    let mut taken = BTreeSet::new();
    for (position, cluster) in clusters.iter().enumerate() {
        if position > 0 {
            out.line(0, "---");
        }
        document(&mut out, cluster, keys, &mut taken)?;
    }
    Ok(out.0)
}

/// What was looked at, and what a reader must know before the policy guards anything.
fn head(out: &mut Text, images: &[Observed], keys: &[KnownKey], now: UnixTime) {
    out.comment(
        0,
        &format!("Proposed by `countersign policy init` from what was signed at {now}:"),
    );
    for image in images {
        out.comment(0, &format!("  {}", image.name));
    }
    out.comment(0, "TRUST ON FIRST USE: the signers below are those who signed, and nobody has confirmed that they should have.");
    out.comment(0, "Compare each with what you know of your builds and people. DECIDE marks what only you can know.");
    for known in idle(images, keys) {
        let (name, id) = (&known.name, KeyId::of(&known.key));
        out.comment(
            0,
            &format!("The key `{name}` ({id}) signed none of them and is left out."),
        );
    }
    for image in images.iter().filter(|image| !image.left_out.is_empty()) {
        out.comment(
            0,
            &format!(
                "Found for {} and NOT used, since it proves nothing here:",
                image.name
            ),
        );
        for piece in image.left_out.iter().take(NAMED_PIECES) {
            let (piece, message, code) = (&piece.piece, &piece.message, piece.code);
            out.comment(0, &format!("  {piece}: {message} [{code}]"));
        }
        if let Some(more) = image
            .left_out
            .len()
            .checked_sub(NAMED_PIECES)
            .filter(|more| *more > 0)
        {
            out.comment(0, &format!("  and {more} more"));
        }
    }
}

fn document(
    out: &mut Text,
    cluster: &Cluster<'_>,
    keys: &[KnownKey],
    taken: &mut BTreeSet<String>,
) -> Result<(), ProposalError> {
    let repositories: Option<BTreeSet<&str>> = cluster
        .images
        .iter()
        .map(|image| image.repository.as_deref())
        .collect();
    let first = repositories.as_ref().and_then(|all| all.first());
    let path = first.and_then(|name| name.split_once('/'));
    let name = path.map_or_else(|| "proposed".to_owned(), |(_, path)| holder::plain(path));
    out.line(0, &format!("apiVersion: {API_VERSION}"));
    out.line(0, &format!("kind: {KIND}"));
    out.line(
        0,
        &format!("metadata: {{name: {}}}", quoted(&unique(name, taken))),
    );
    out.line(0, "spec:");
    out.comment(
        1,
        "DECIDE: `warn` admits with a warning, for a first rollout.",
    );
    out.line(1, "mode: enforce");
    scope(out, repositories.as_ref());
    let names = names(cluster, keys);
    out.line(1, "signers:");
    for (holder, (name, pieces)) in &names {
        signers::write(out, holder, name, pieces, keys)?;
    }
    trust(out, cluster);
    require(out, cluster, &names);
    Ok(())
}

fn scope(out: &mut Text, repositories: Option<&BTreeSet<&str>>) {
    let Some(repositories) = repositories else {
        out.comment(
            1,
            "The images came from a folder or a file, so that every image is asked for the same.",
        );
        out.comment(1, "DECIDE: `scope: {images: [HOST/REPOSITORY]}` for the repository that they are deployed from.");
        return;
    };
    let listed: Vec<String> = if repositories.len() <= LISTED {
        repositories.iter().map(|name| quoted(name)).collect()
    } else {
        let folders: BTreeSet<String> = repositories.iter().map(|name| folder(name)).collect();
        folders.iter().map(|folder| quoted(folder)).collect()
    };
    out.line(1, "scope:");
    if repositories.len() > LISTED {
        out.comment(2, "The folders of the repositories that were given. DECIDE: whether their other images are signed alike.");
    } else {
        let folders: BTreeSet<String> = repositories.iter().map(|name| folder(name)).collect();
        let folders: Vec<String> = folders.into_iter().collect();
        out.comment(2, "Exactly the repositories that were given; a set of policies admits no image of which none speaks.");
        out.comment(
            2,
            &format!(
                "DECIDE: `{}` to ask the same of all that lie beside them.",
                folders.join("`, `")
            ),
        );
    }
    out.line(2, &format!("images: [{}]", listed.join(", ")));
}

/// The repositories beside this one; never all of a host.
fn folder(repository: &str) -> String {
    match repository.rsplit_once('/') {
        Some((folder, _)) if folder.contains('/') => format!("{folder}/*"),
        _ => repository.to_owned(),
    }
}

fn names<'a>(cluster: &Cluster<'a>, keys: &[KnownKey]) -> Names<'a> {
    let mut taken = BTreeSet::new();
    let mut names = Names::new();
    for rule in &cluster.rules {
        for holder in &rule.by {
            let (_, pieces) = names.entry(holder.clone()).or_insert_with(|| {
                let suggested = match known(holder, keys) {
                    Some(known) => holder::plain(&known.name),
                    None => holder.suggested_name(),
                };
                (unique(suggested, &mut taken), Vec::new())
            });
            let own = |piece: &&&Verified| Holder::of(piece.signer()).as_ref() == Some(holder);
            pieces.extend(rule.pieces.iter().filter(own));
        }
    }
    names
}

pub(super) fn known<'a>(holder: &Holder, keys: &'a [KnownKey]) -> Option<&'a KnownKey> {
    let Holder::Key(id) = holder else { return None };
    keys.iter()
        .find(|known| KeyId::of(&known.key).to_string() == *id)
}

fn trust(out: &mut Text, cluster: &Cluster<'_>) {
    let least = |by_key: bool| {
        cluster
            .rules
            .iter()
            .filter(|rule| {
                rule.by
                    .iter()
                    .any(|holder| matches!(holder, Holder::Key(_)) == by_key)
            })
            .map(|rule| rule.demand)
            .reduce(|least: Demand, demand| least.least(&demand))
    };
    out.line(1, "trust:");
    if let Some(keys) = least(true) {
        out.comment(2, if keys.times == 0 {
            "No log and no timestamp stands behind each of these: nothing tells when they were made, so a stolen key can backdate."
        } else {
            "As much as stands behind each signature by a key."
        });
        let Demand {
            logs,
            timestamps,
            times,
            ..
        } = keys;
        out.line(
            2,
            &format!("keys: {{logs: {logs}, timestamps: {timestamps}, times: {times}}}"),
        );
    }
    if let Some(certificates) = least(false) {
        out.comment(
            2,
            "As much as stands behind each signature by a certificate.",
        );
        let Demand {
            logs,
            timestamps,
            scts,
            times,
            ..
        } = certificates;
        out.line(2, &format!("certificates: {{logs: {logs}, timestamps: {timestamps}, scts: {scts}, times: {times}}}"));
    }
}

fn require(out: &mut Text, cluster: &Cluster<'_>, names: &Names<'_>) {
    out.line(1, "require:");
    out.comment(
        2,
        "Everything that all of the images have; what is not required is not looked for.",
    );
    let about: BTreeSet<About> = cluster.rules.iter().map(|rule| rule.about).collect();
    if about.contains(&About::Index) {
        out.comment(2, "The claims lie on the index. DECIDE: `subject: platform, via: index` where one platform's digest is deployed by itself.");
    }
    out.line(2, "allOf:");
    for rule in &cluster.rules {
        self::rule(out, rule, names);
    }
    for (kind, holder, count) in &cluster.partly {
        let (what, of) = (words(kind), cluster.images.len());
        let who = who(holder);
        out.comment(3, &format!("Not required, since {count} of {of} images have it for all that is deployed: {what} by {who}"));
    }
}

fn rule(out: &mut Text, rule: &Rule<'_>, names: &Names<'_>) {
    let by: Vec<String> = rule
        .by
        .iter()
        .filter_map(|holder| names.get(holder))
        .map(|(name, _)| quoted(name))
        .collect();
    let subject = rule
        .about
        .as_str()
        .map(|word| format!(", subject: {word}"))
        .unwrap_or_default();
    let by = format!("by: [{}]{subject}", by.join(", "));
    match &rule.kind {
        Kind::Signature => out.line(3, &format!("- signature: {{{by}}}")),
        Kind::Statement(uri) => {
            if uri.contains("/provenance/") {
                out.comment(3, "Who built is what the signer's certificate says; what the provenance says of itself is not asked.");
            }
            if uri.contains("/vuln") {
                out.comment(
                    3,
                    "DECIDE: `select: latest, maxAge: 7d`, for scans that must be recent.",
                );
            }
            out.line(
                3,
                &format!("- statement: {{type: {}, {by}}}", quoted(short(uri))),
            );
        }
    }
}

/// The short name where it stands for exactly this type and nothing beside it.
fn short(uri: &str) -> &str {
    aliases()
        .filter(|alias| *alias != "slsaprovenance" && *alias != "spdx")
        .find(|alias| {
            resolve(alias).is_ok_and(|found| {
                found == countersign_formats::predicate_types::PredicateType::exact(uri)
            })
        })
        .unwrap_or(uri)
}

fn words(kind: &Kind) -> String {
    match kind {
        Kind::Signature => "a signature".to_owned(),
        Kind::Statement(uri) => format!("a statement of type {uri}"),
    }
}

fn who(holder: &Holder) -> String {
    match holder {
        Holder::Key(id) => format!("the key {id}"),
        Holder::Person { issuer, name } => format!("{name} ({issuer})"),
        Holder::Certificate { name } => name.clone(),
        Holder::Build(build) => format!(
            "{} for {} ({})",
            build.signer, build.repository, build.issuer
        ),
    }
}

fn unique(name: String, taken: &mut BTreeSet<String>) -> String {
    let mut number = 1_u32;
    let mut candidate = name.clone();
    while !taken.insert(candidate.clone()) {
        number += 1;
        candidate = format!("{name}-{number}");
    }
    candidate
}

/// A document in the making.
#[derive(Default)]
pub(super) struct Text(String);

impl Text {
    pub(super) fn line(&mut self, depth: usize, text: &str) {
        for _ in 0..depth {
            self.0.push_str("  ");
        }
        self.0.push_str(text);
        self.0.push('\n');
    }

    /// A comment; whatever it repeats of others stays on its line and looks like what it is.
    pub(super) fn comment(&mut self, depth: usize, text: &str) {
        let mut safe = String::from("# ");
        for character in text.chars().take(COMMENT_CHARACTERS) {
            let hides = matches!(character, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200b}'..='\u{200f}' | '\u{feff}');
            if character.is_control() || hides {
                let _ = write!(safe, "\\u{{{:x}}}", u32::from(character));
            } else {
                safe.push(character);
            }
        }
        if text.chars().nth(COMMENT_CHARACTERS).is_some() {
            safe.push('…');
        }
        self.line(depth, &safe);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comment_stays_a_comment_whatever_it_repeats() {
        let mut out = Text::default();
        for text in [
            "a\nspec: {}",
            "a\rspec: {}",
            "a\u{85}b",
            "a\u{2028}b",
            "a\u{202e}b",
        ] {
            out.comment(1, text);
        }
        out.comment(0, &"x".repeat(1_000));
        assert_eq!(out.0.lines().count(), 6);
        for line in out
            .0
            .split(['\n', '\r', '\u{85}', '\u{2028}'])
            .filter(|line| !line.is_empty())
        {
            assert!(line.trim_start().starts_with("# "), "{line}");
            assert!(line.len() < 330);
        }
    }

    #[test]
    fn a_short_name_is_written_only_where_it_is_not_wider() {
        assert_eq!(short("https://slsa.dev/provenance/v1"), "slsaprovenance1");
        assert_eq!(
            short("https://slsa.dev/provenance/v0.2"),
            "slsaprovenance02"
        );
        // `spdxjson` takes versions, too.
        assert_eq!(
            short("https://spdx.dev/Document"),
            "https://spdx.dev/Document"
        );
    }

    #[test]
    fn a_scope_is_never_all_of_a_host() {
        assert_eq!(folder("ghcr.io/acme/app"), "ghcr.io/acme/*");
        assert_eq!(folder("ghcr.io/acme/team/app"), "ghcr.io/acme/team/*");
        assert_eq!(folder("localhost:5000/app"), "localhost:5000/app");
    }
}
