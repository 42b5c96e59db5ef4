//! The one table of caps on what comes from outside.

/// Caps on sizes and counts; each is named in the error of whoever hits it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of one image manifest or index.
    pub manifest_bytes: u64,
    /// Bytes of one page of a referrers or tag listing.
    pub listing_page_bytes: u64,
    /// Pages of one listing.
    pub listing_pages: usize,
    /// Referrers that are looked at for one image.
    pub referrers: usize,
    /// Bytes of one bundle, envelope or other evidence blob, and of all that are fetched and not proven yet.
    pub bundle_bytes: u64,
    /// Transparency log entries in one bundle.
    pub log_entries: usize,
    /// RFC 3161 timestamps in one bundle.
    pub timestamps: usize,
    /// Subjects in one statement.
    pub subjects: usize,
    /// Digests of one subject.
    pub subject_digests: usize,
    /// Bytes of one name: subject name, predicate type, payload type, annotation key of a subject.
    pub name_bytes: usize,
    /// Nesting depth of JSON; 128 is the most that the reader supports whatever stands here.
    pub json_depth: usize,
    /// Layers of one image manifest.
    pub layers: usize,
    /// Entries of one image index.
    pub index_entries: usize,
    /// Annotations of one manifest, descriptor or subject.
    pub annotations: usize,
    /// Certificates of one chain.
    pub certificates: usize,
    /// Bytes of one DER certificate.
    pub certificate_bytes: usize,
    /// Signatures on one signed note.
    pub note_signatures: usize,
    /// Bytes of one signed note (checkpoint).
    pub note_bytes: usize,
    /// Signatures of one DSSE envelope.
    pub envelope_signatures: usize,
    /// Hashes of one inclusion proof.
    pub proof_hashes: usize,
    /// Bytes of one signature.
    pub signature_bytes: usize,
    /// Bytes of the canonical body of one log entry.
    pub log_body_bytes: u64,
    /// Bytes of one key file.
    pub key_file_bytes: u64,
    /// Bytes of one trusted root.
    pub trusted_root_bytes: u64,
    /// Logs, or authorities, of one kind in a trusted root.
    pub trust_instances: usize,
    /// Bytes of one root of a TUF repository.
    pub tuf_root_bytes: u64,
    /// Bytes of one TUF timestamp.
    pub tuf_timestamp_bytes: u64,
    /// Bytes of one TUF snapshot.
    pub tuf_snapshot_bytes: u64,
    /// Bytes of the top-level TUF targets.
    pub tuf_targets_bytes: u64,
    /// Bytes of the cache of one TUF repository.
    pub tuf_cache_bytes: u64,
    /// New roots that are followed in one refresh.
    pub tuf_root_rotations: u64,
    /// Signatures of one file of TUF metadata.
    pub tuf_signatures: usize,
    /// Keys of one TUF root, and key ids of one role.
    pub tuf_keys: usize,
    /// Entries of one TUF snapshot or of the top-level targets.
    pub tuf_entries: usize,
    /// Bytes of all policy sources together.
    pub policy_bytes: u64,
    /// Bytes of all sections of one pack together; its images and referrers have the limits of any layout.
    pub pack_bytes: u64,
    /// Bytes of one answer of a token service.
    pub token_bytes: u64,
    /// Bytes of the body of an error answer.
    pub error_body_bytes: u64,
    /// Bytes of one DER timestamp response.
    pub timestamp_bytes: usize,
    /// Bytes of one Notary Project signature.
    pub notation_bytes: u64,
    /// Bytes of all headers of one HTTP answer.
    pub header_bytes: usize,
    /// Images that one command is about.
    pub images: usize,
    /// Images of one index that a rule about platforms looks at, that are recorded, or that one command is about.
    pub index_images: usize,
    /// Bytes of the record of one image in a pack.
    pub record_bytes: usize,
    /// Answers of one place in a record.
    pub record_answers: usize,
    /// Passes that one verifier remembers for policies with `unavailable: useCached`.
    pub remembered_passes: usize,
    /// Bytes of one list of images.
    pub image_list_bytes: u64,
    /// Bytes of one journal of signing.
    pub journal_bytes: u64,
    /// Manifests that are moved, or looked after, with one image: its own, its platforms' and all evidence's.
    pub moved_manifests: usize,
    /// How deep evidence about evidence, or an index in an index, may lie where an image is moved or looked after.
    pub moved_depth: usize,
    /// Bytes of one blob that is moved.
    pub moved_blob_bytes: u64,
}

impl Limits {
    /// The limits that hold unless somebody sets others.
    pub const DEFAULT: Self = Self {
        manifest_bytes: 4 << 20,
        listing_page_bytes: 4 << 20,
        listing_pages: 20,
        referrers: 1000,
        bundle_bytes: 64 << 20,
        log_entries: 32,
        timestamps: 32,
        subjects: 1024,
        subject_digests: 32,
        name_bytes: 8 << 10,
        json_depth: 128,
        layers: 1000,
        index_entries: 1000,
        annotations: 256,
        certificates: 10,
        certificate_bytes: 64 << 10,
        note_signatures: 32,
        note_bytes: 64 << 10,
        envelope_signatures: 16,
        proof_hashes: 64,
        signature_bytes: 16 << 10,
        log_body_bytes: 4 << 20,
        key_file_bytes: 64 << 10,
        trusted_root_bytes: 4 << 20,
        trust_instances: 64,
        tuf_root_bytes: 512 << 10,
        tuf_timestamp_bytes: 16 << 10,
        tuf_snapshot_bytes: 2 << 20,
        tuf_targets_bytes: 5 << 20,
        tuf_cache_bytes: 64 << 20,
        tuf_root_rotations: 256,
        tuf_signatures: 64,
        tuf_keys: 256,
        tuf_entries: 10_000,
        policy_bytes: 1 << 20,
        pack_bytes: 128 << 20,
        token_bytes: 64 << 10,
        error_body_bytes: 16 << 10,
        timestamp_bytes: 64 << 10,
        notation_bytes: 32 << 20,
        header_bytes: 64 << 10,
        images: 100_000,
        index_images: 256,
        record_bytes: 16 << 20,
        record_answers: 50_000,
        remembered_passes: 10_000,
        image_list_bytes: 32 << 20,
        journal_bytes: 4 << 30,
        moved_manifests: 10_000,
        moved_depth: 8,
        moved_blob_bytes: 1 << 40,
    };
}

impl Default for Limits {
    fn default() -> Self {
        Self::DEFAULT
    }
}
