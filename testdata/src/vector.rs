//! One vector: a claim, an input, the trust it is judged under, and what must come out.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

use serde_json::Value;

use crate::keys::LabKey;
use crate::lab::{Evidence, Lab, NOW};

/// A vector before it is written; the folder it makes is `vectors/GROUP/NAME/`.
#[derive(Clone, Debug)]
pub struct Vector {
    /// Folder above.
    pub group: &'static str,
    /// Folder; says the claim in short, unique over all groups.
    pub name: &'static str,
    /// What the vector shows, one sentence.
    pub claim: &'static str,
    /// Rows of the attack catalogue.
    pub rows: Vec<&'static str>,
    /// The code of the rejection; `None` when the input must be accepted.
    pub code: Option<&'static str>,
    /// The accepted vector of the same group that differs in the named part only.
    pub twin: Option<&'static str>,
    /// How the input is stored.
    pub form: Form,
    /// The input's bytes.
    pub input: Vec<u8>,
    /// Annotations of a legacy layer.
    pub annotations: BTreeMap<String, String>,
    /// What it is asked about.
    pub subject: VectorSubject,
    /// When it is judged, seconds since 1970.
    pub now: i64,
    /// The trusted root.
    pub root: RootChoice,
    /// Trusted keys.
    pub keys: Vec<VectorKey>,
    /// Named dangers: `ignore-sct`, `ignore-log`, `judge-certificates-now`.
    pub dangers: Vec<&'static str>,
    /// The dangers that an accepted input must name as what weakened its proof.
    pub weakened: Vec<&'static str>,
    /// An own certificate authority.
    pub own_authority: Option<OwnAuthority>,
    /// Trusted witnesses: name and key.
    pub witnesses: Vec<(&'static str, LabKey)>,
    /// What an accepted input must have proven: logs, timestamps, certificate transparency logs.
    pub proven: Option<(usize, usize, usize)>,
    /// Which of the trusted witnesses must have been found.
    pub witnessed: Vec<&'static str>,
}

/// Which storage form the input has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A Sigstore bundle.
    Bundle,
    /// A simple signing layer with annotations.
    SimpleSigning,
    /// A DSSE layer with annotations.
    Dsse,
}

/// What a vector is asked about.
#[derive(Clone, Debug)]
pub enum VectorSubject {
    /// An image, by digest.
    Image(String),
    /// A file, whole.
    File(Vec<u8>),
    /// A file of which only the SHA-256 digest is known.
    FileDigest(String),
}

/// Which trusted root a vector is judged under.
#[derive(Clone, Debug)]
pub enum RootChoice {
    /// The lab's.
    Shared,
    /// One of its own.
    Own(Value),
    /// None: keys alone are trusted.
    None,
}

/// A certificate authority that is trusted by hand.
#[derive(Clone, Debug)]
pub struct OwnAuthority {
    /// Its roots, DER.
    pub roots: Vec<Vec<u8>>,
    /// Intermediates below them, DER.
    pub intermediates: Vec<Vec<u8>>,
}

/// A trusted key of a vector.
#[derive(Clone, Debug)]
pub struct VectorKey {
    /// PEM of the public key.
    pub pem: String,
    /// First second of validity, RFC 3339.
    pub start: Option<String>,
    /// Last second of validity, RFC 3339.
    pub end: Option<String>,
}

impl Vector {
    /// Evidence that must be accepted.
    pub fn accepted(group: &'static str, name: &'static str, claim: &'static str) -> Self {
        Self {
            group,
            name,
            claim,
            rows: Vec::new(),
            code: None,
            twin: None,
            form: Form::Bundle,
            input: Vec::new(),
            annotations: BTreeMap::new(),
            subject: VectorSubject::Image(Lab::image()),
            now: NOW,
            root: RootChoice::Shared,
            keys: Vec::new(),
            dangers: Vec::new(),
            weakened: Vec::new(),
            own_authority: None,
            witnesses: Vec::new(),
            proven: None,
            witnessed: Vec::new(),
        }
    }

    /// Evidence that must be rejected with `code`, while `twin` is accepted.
    pub fn rejected(
        group: &'static str,
        name: &'static str,
        claim: &'static str,
        code: &'static str,
        twin: &'static str,
    ) -> Self {
        Self {
            code: Some(code),
            twin: Some(twin),
            ..Self::accepted(group, name, claim)
        }
    }

    /// Names the rows of the attack catalogue that this vector covers.
    pub fn rows(mut self, rows: &[&'static str]) -> Self {
        self.rows = rows.to_vec();
        self
    }

    /// Takes the bundle as input.
    pub fn bundle(mut self, evidence: &Evidence) -> Self {
        self.input = evidence.bundle.to_string().into_bytes();
        self
    }

    /// Takes layer and annotations as input.
    pub fn layer(mut self, form: Form, evidence: &Evidence) -> Self {
        self.form = form;
        self.input = evidence.layer.clone();
        self.annotations = evidence.annotations.clone();
        self
    }

    /// Bends the input's text.
    pub fn text(mut self, bend: impl Fn(&str) -> String) -> Self {
        self.input = bend(&String::from_utf8_lossy(&self.input)).into_bytes();
        self
    }

    /// Bends the input's bytes.
    pub fn bytes(mut self, bend: impl Fn(&mut Vec<u8>)) -> Self {
        bend(&mut self.input);
        self
    }

    /// Bends a legacy layer's annotations.
    pub fn annotate(mut self, bend: impl Fn(&mut BTreeMap<String, String>)) -> Self {
        bend(&mut self.annotations);
        self
    }

    /// Asks about the lab's file.
    pub fn about_file(mut self) -> Self {
        self.subject = VectorSubject::File(Lab::artifact());
        self
    }

    /// Asks about something else.
    pub fn about(mut self, subject: VectorSubject) -> Self {
        self.subject = subject;
        self
    }

    /// Judges at another time.
    pub fn at(mut self, now: i64) -> Self {
        self.now = now;
        self
    }

    /// Judges under a bent trusted root.
    pub fn trust(mut self, lab: &Lab, bend: impl Fn(&mut Value)) -> Self {
        let mut root = lab.trusted_root();
        bend(&mut root);
        self.root = RootChoice::Own(root);
        self
    }

    /// Trusts this key alone, no trusted root.
    pub fn key(mut self, key: &LabKey) -> Self {
        self.root = RootChoice::None;
        self.and_key(key)
    }

    /// Trusts this key besides the trusted root.
    pub fn and_key(mut self, key: &LabKey) -> Self {
        self.keys.push(VectorKey {
            pem: key.public_pem(),
            start: None,
            end: None,
        });
        self
    }

    /// Judges under the shared trusted root as well.
    pub fn and_root(mut self) -> Self {
        self.root = RootChoice::Shared;
        self
    }

    /// Limits the last key's validity, RFC 3339, both ends included.
    pub fn key_window(mut self, start: Option<&str>, end: Option<&str>) -> Self {
        if let Some(key) = self.keys.last_mut() {
            key.start = start.map(str::to_owned);
            key.end = end.map(str::to_owned);
        }
        self
    }

    /// Weakens the checks by name.
    pub fn danger(mut self, name: &'static str) -> Self {
        self.dangers.push(name);
        self.weakened.push(name);
        self
    }

    /// Allows to weaken the checks by name, although this input needs no such thing.
    pub fn idle_danger(mut self, name: &'static str) -> Self {
        self.dangers.push(name);
        self
    }

    /// Trusts an own certificate authority.
    pub fn own_authority(mut self, roots: &[&[u8]], intermediates: &[&[u8]]) -> Self {
        let owned = |list: &[&[u8]]| list.iter().map(|der| der.to_vec()).collect();
        self.own_authority = Some(OwnAuthority {
            roots: owned(roots),
            intermediates: owned(intermediates),
        });
        self
    }

    /// Trusts a witness.
    pub fn witness(mut self, name: &'static str, key: &LabKey) -> Self {
        self.witnesses.push((name, key.clone()));
        self
    }

    /// States which witnesses must have been found.
    pub fn witnessed(mut self, names: &[&'static str]) -> Self {
        self.witnessed = names.to_vec();
        self
    }

    /// States what must have been proven: logs, timestamps, certificate transparency logs.
    pub fn proven(mut self, logs: usize, timestamps: usize, scts: usize) -> Self {
        self.proven = Some((logs, timestamps, scts));
        self
    }

    /// Writes the vector's folder below `vectors`.
    ///
    /// # Errors
    /// Whatever the file system reports.
    pub fn write(&self, vectors: &Path) -> io::Result<()> {
        let folder = vectors.join(self.group).join(self.name);
        if folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        fs::create_dir_all(&folder)?;
        fs::write(folder.join("input.json"), &self.input)?;
        if self.form != Form::Bundle {
            let text = serde_json::to_string_pretty(&self.annotations)?;
            fs::write(folder.join("annotations.json"), text + "\n")?;
        }
        if let RootChoice::Own(root) = &self.root {
            let text = serde_json::to_string_pretty(root)?;
            fs::write(folder.join("trusted_root.json"), text + "\n")?;
        }
        if let VectorSubject::File(bytes) = &self.subject {
            fs::write(folder.join("artifact.bin"), bytes)?;
        }
        for (number, key) in self.keys.iter().enumerate() {
            fs::write(folder.join(format!("key-{number}.pub")), &key.pem)?;
        }
        for (number, (_, key)) in self.witnesses.iter().enumerate() {
            fs::write(
                folder.join(format!("witness-{number}.pub")),
                key.public_pem(),
            )?;
        }
        if let Some(OwnAuthority {
            roots,
            intermediates,
        }) = &self.own_authority
        {
            let pem = |list: &[Vec<u8>]| -> String {
                list.iter()
                    .map(|der| crate::pem("CERTIFICATE", der))
                    .collect()
            };
            fs::write(folder.join("own-roots.pem"), pem(roots))?;
            if !intermediates.is_empty() {
                fs::write(folder.join("own-intermediates.pem"), pem(intermediates))?;
            }
        }
        fs::write(folder.join("expect.toml"), self.expect())
    }

    /// The text of `expect.toml`.
    pub fn expect(&self) -> String {
        let quoted = |values: &[&str]| {
            let values: Vec<_> = values.iter().map(|value| format!("{value:?}")).collect();
            format!("[{}]", values.join(", "))
        };
        let mut out = format!("claim = {:?}\nrows = {}\n", self.claim, quoted(&self.rows));
        let form = match self.form {
            Form::Bundle => "bundle",
            Form::SimpleSigning => "simple-signing",
            Form::Dsse => "dsse",
        };
        out.push_str(&format!("form = {form:?}\n"));
        match &self.subject {
            VectorSubject::Image(digest) => out.push_str(&format!("subject = {digest:?}\n")),
            VectorSubject::File(_) => out.push_str("subject = \"artifact.bin\"\n"),
            VectorSubject::FileDigest(digest) => {
                out.push_str(&format!("subject = \"file:{digest}\"\n"));
            }
        }
        let now = countersign_formats::UnixTime(self.now);
        out.push_str(&format!("now = \"{now}\"\n"));
        let root = match &self.root {
            RootChoice::Shared => "shared",
            RootChoice::Own(_) => "own",
            RootChoice::None => "none",
        };
        out.push_str(&format!("trusted_root = {root:?}\n"));
        if !self.dangers.is_empty() {
            out.push_str(&format!("dangers = {}\n", quoted(&self.dangers)));
        }
        if self.code.is_none() && !self.weakened.is_empty() {
            let mut weakened = self.weakened.clone();
            weakened.sort_unstable();
            out.push_str(&format!("weakened = {}\n", quoted(&weakened)));
        }
        if self.own_authority.is_some() {
            out.push_str("own_authority = true\n");
        }
        if !self.witnesses.is_empty() {
            out.push_str(&format!("witnessed = {}\n", quoted(&self.witnessed)));
        }
        out.push_str(&format!("accept = {}\n", self.code.is_none()));
        if let Some(code) = self.code {
            out.push_str(&format!("code = {code:?}\n"));
        }
        if let Some(twin) = self.twin {
            out.push_str(&format!("twin = {twin:?}\n"));
        }
        for (number, key) in self.keys.iter().enumerate() {
            out.push_str(&format!("\n[[keys]]\nfile = \"key-{number}.pub\"\n"));
            if let Some(start) = &key.start {
                out.push_str(&format!("start = {start:?}\n"));
            }
            if let Some(end) = &key.end {
                out.push_str(&format!("end = {end:?}\n"));
            }
        }
        for (number, (name, _)) in self.witnesses.iter().enumerate() {
            out.push_str(&format!(
                "\n[[witnesses]]\nname = {name:?}\nfile = \"witness-{number}.pub\"\n"
            ));
        }
        if let Some((logs, timestamps, scts)) = self.proven {
            out.push_str(&format!(
                "\n[proven]\nlogs = {logs}\ntimestamps = {timestamps}\nscts = {scts}\n"
            ));
        }
        out
    }
}
