#!/usr/bin/env bash
# Installs what the tests need, checks the form of the code, and runs every test.
#   ./test.sh            everything
#   ./test.sh --quick    the tests alone
set -euo pipefail
cd "$(dirname "$0")"

say() { printf '\n== %s\n' "$*"; }

# The bundled SQLite and aws-lc are C; Debian's compiler builds them.
if ! command -v cc >/dev/null 2>&1; then
    say "installing a C compiler"
    if [ "$(id -u)" -eq 0 ]; then as_root=(); else as_root=(sudo); fi
    "${as_root[@]}" apt-get update -qq
    "${as_root[@]}" apt-get install -y -qq --no-install-recommends gcc libc6-dev
fi
command -v cargo >/dev/null 2>&1 || { echo "Rust is missing: install it from https://rustup.rs, then run this again." >&2; exit 1; }

if [ "${1:-}" != "--quick" ]; then
    say "form"
    cargo fmt --all --check
    cargo clippy --workspace --all-targets --locked -- -D warnings
    say "what the tree is made of"
    .ci/check-dependencies
fi

say "programs for the tests"
cargo build --workspace --bins --locked

say "tests"
if cargo nextest --version >/dev/null 2>&1; then
    cargo nextest run --workspace --locked --no-fail-fast
else
    cargo test --workspace --locked --no-fail-fast
fi
