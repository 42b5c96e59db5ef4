# `just check` is what CI runs.
set shell := ["bash", "-euo", "pipefail", "-c"]

# List the recipes.
default:
    @just --list

# Everything CI asks for, in its order.
check: test format lint deny book doc interop

# The README's test command: needs cargo, a C compiler and nothing else.
test:
    cargo test --workspace --locked

# Formatting.
format:
    cargo fmt --all --check

# Clippy, warnings are errors.
lint:
    cargo clippy --workspace --all-targets --locked -- -D warnings

# Licences, bans and sources of every dependency. Needs no network.
deny:
    cargo deny --all-features --offline check licenses bans sources

# Known vulnerabilities. Fetches the advisory database.
advisories:
    cargo deny check advisories

# The API documentation, warnings are errors.
doc:
    RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --locked

# The book under docs/, built when mdbook is installed; its links are tested by `just test` either way.
book:
    @if command -v mdbook > /dev/null; then mdbook build docs; else echo "SKIPPED: mdbook is not installed; 'cargo install mdbook --locked' brings it"; fi

# Against real peers: cosign, oras, olareg, docker-registry, skopeo, sigstore for Python. Missing ones are named in the output.
interop:
    tests/peers/with-peers.sh cargo test -p countersign-tests --features interop --test interop --locked -- --nocapture --test-threads 1
    tests/peers/with-peers.sh cargo test -p countersign-tests --features interop --test differential --locked -- --nocapture --test-threads 1 python

# One report of speed and memory, as ratios (release build).
bench:
    cargo build --release --locked -p countersign-cli
    cargo run --release --locked -p countersign-benches

# Line and branch coverage of the pure crates, by their tests and the vectors. Branches need nightly; LLVM_COV and LLVM_PROFDATA
# may name tools of the compiler's own LLVM version (here 22) where the toolchain has none.
coverage:
    cargo +nightly llvm-cov --locked --branch -p countersign-formats -p countersign-proof -p countersign-testdata --lib --tests --summary-only -- --skip catalogue

# Bends each check of `proof` in turn: some test must notice. Arguments go to cargo-mutants: `just mutants -f proof/src/log.rs`.
mutants *arguments:
    cargo mutants -p countersign-proof --baseline skip {{ arguments }} -- -- --skip catalogue

# Write what is generated from the code and missing or stale: vectors, docs/attacks.md (arguments: --only NAME…, --all),
# and the rows of docs/errors.md.
generate *arguments:
    cargo run --locked -p countersign-testdata --example generate -- {{ arguments }}
    UPDATE_ERRORS=1 cargo test --locked -p countersign-tests --test errors

# Every fuzz target for SECONDS each.
fuzz seconds="60":
    for target in $(cargo fuzz list); do just fuzz-one "$target" {{ seconds }}; done

# One fuzz target for SECONDS.
fuzz-one target seconds="60":
    cargo +nightly fuzz run {{ target }} -- -max_total_time={{ seconds }} -rss_limit_mb=2048 -timeout=10 -max_len=65536
