#!/usr/bin/env bash
# Installs what the tests need, checks the form of the code, and runs every test.
#   ./test.sh            everything
#   ./test.sh --quick    the tests alone, without those that wait a minute by the clock on the wall
#   ./test.sh --pictures    only takes a picture of each screen, for docs/images/
set -euo pipefail
cd "$(dirname "$0")"

say() { printf '\n== %s\n' "$*"; }

if [ "$(id -u)" -eq 0 ]; then as_root=(); else as_root=(sudo); fi

# need PROGRAM PACKAGE...: what is there already, from wherever, is taken as it is.
missing=()
need() { command -v "$1" >/dev/null 2>&1 || missing+=("${@:2}"); }

install_missing() {
    say "installing ${missing[*]}"
    if ! command -v apt-get >/dev/null 2>&1; then
        echo "This is no Debian: install ${missing[*]}, or what they are called here, then run this again." >&2
        exit 1
    fi
    # The tests run a FreeRADIUS of their own. Debian's package would start one as a service on ports 1812 and 1813 of
    # every address, now and at each boot. A policy-rc.d that answers 101 is how Debian is told not to start what it
    # installs; it is there for just this while, and one that was there before decides as before.
    local policy=/usr/sbin/policy-rc.d
    if [ ! -e "$policy" ]; then
        trap '"${as_root[@]}" rm -f /usr/sbin/policy-rc.d' EXIT
        printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee "$policy" >/dev/null
        "${as_root[@]}" chmod 755 "$policy"
    fi
    # PostgreSQL's package would also make a cluster "main", unless this file says otherwise. One that is there stays.
    local clusters=/etc/postgresql-common/createcluster.conf
    if [[ " ${missing[*]} " == *" postgresql "* ]] && [ ! -e "$clusters" ]; then
        "${as_root[@]}" mkdir -p "${clusters%/*}"
        local ours=yes
        printf 'create_main_cluster = false\n' | "${as_root[@]}" tee "$clusters" >/dev/null
    fi
    "${as_root[@]}" apt-get update -qq
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}"
    # Whoever installs PostgreSQL for himself later has it as Debian makes it.
    if [ -n "${ours:-}" ]; then "${as_root[@]}" rm -f "$clusters"; fi
    local service
    for service in freeradius rsyslog postgresql; do
        if [[ " ${missing[*]} " == *" $service "* ]] && command -v systemctl >/dev/null 2>&1; then
            # It was not here before, so nobody wants it at boot. Without systemd running there is nothing to disable.
            "${as_root[@]}" systemctl disable --quiet "$service.service" 2>/dev/null || true
        fi
    done
    if [ -n "$(trap -p EXIT)" ]; then
        "${as_root[@]}" rm -f "$policy"
        trap - EXIT
    fi
}

# The bundled SQLite and aws-lc are C; Debian's compiler builds them.
need cc gcc libc6-dev
# The allocator is built by make.
need make make
# One of the test-only crates, the oracle of push (docs/decisions/web-push-oracle.md), is built on OpenSSL.
[ -e /usr/include/openssl/ssl.h ] || missing+=(libssl-dev)
need pkg-config pkg-config
# The NPS before and behind the front door, and a plain RADIUS client.
need /usr/sbin/freeradius freeradius
need /usr/bin/radclient freeradius-utils
# The SIEM that is sent the audit log, and who checks that log without a line of ours.
need /usr/sbin/rsyslogd rsyslog
[ -e "$(echo /usr/lib/*/rsyslog/lmnsd_gtls.so)" ] || missing+=(rsyslog-gnutls)
need python3 python3
python3 -c 'import cryptography' >/dev/null 2>&1 || missing+=(python3-cryptography)
# The package is made and looked at.
need strip binutils
need dpkg-shlibdeps dpkg-dev
need systemd-analyze systemd
need man man-db
# The database of several nodes. Debian keeps its programs out of the search path, by version; 13 or newer will do.
initdb=$(command -v initdb || ls -d /usr/lib/postgresql/*/bin/initdb 2>/dev/null | tail -n 1 || true)
need "${initdb:-initdb}" postgresql
# What runs it as somebody else than root, and ends it with the tests.
need setpriv util-linux
# The connect page and the phone are looked at in a real browser, which Node drives.
need "${CHROMIUM:-/usr/bin/chromium}" chromium
need node nodejs
need npm npm
if [ "${#missing[@]}" -gt 0 ]; then install_missing; fi
command -v cargo >/dev/null 2>&1 || { echo "Rust is missing: install it from https://rustup.rs, then run this again." >&2; exit 1; }

# npm writes the second file when it has done what the first one says.
if [ tests/browser/package-lock.json -nt tests/browser/node_modules/.package-lock.json ]; then
    say "what drives the browser"
    (cd tests/browser && npm ci --no-audit --no-fund)
fi

if [ "${1:-}" = "--pictures" ]; then
    say "pictures"
    PHONE_TEST_PICTURES=docs/images cargo test -p gatematch-tests --locked there_is_a_picture
    exit
fi

if [ "${1:-}" != "--quick" ]; then
    say "form"
    cargo fmt --all --check
    cargo clippy --workspace --all-targets --locked -- -D warnings
    for part in tsconfig.json tsconfig.worker.json; do tests/browser/node_modules/.bin/tsc -p "phone/$part"; done
    say "what the tree is made of"
    .ci/check-dependencies
    # FreeRADIUS waits as long as a real RD Gateway does, and nobody touches the phone.
    export RADIUS_TEST_WINDOW="${RADIUS_TEST_WINDOW:-60}"
fi

say "programs for the tests"
cargo build --workspace --bins --locked

if [ "${1:-}" != "--quick" ]; then
    say "package"
    # It is installed into a copy of the machine, which only root can make, and not inside of every container.
    install=(--without-install)
    if [ "$(id -u)" -eq 0 ] && unshare --mount true 2>/dev/null; then
        install=()
    else
        echo "The package is made, and not installed: that takes root, and a machine where unshare --mount works."
    fi
    packaging/check "${install[@]}" "${CARGO_TARGET_DIR:-target}/debug"
fi

say "the phone without a page"
node --test tests/browser/*.test.mjs

say "tests"
if cargo nextest --version >/dev/null 2>&1; then
    cargo nextest run --workspace --locked --no-fail-fast
else
    cargo test --workspace --locked --no-fail-fast
fi
