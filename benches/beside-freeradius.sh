#!/usr/bin/env bash
# The RADIUS front door beside FreeRADIUS, in one run on one machine: requests a second, and CPU time per request.
#   benches/beside-freeradius.sh [REQUESTS] [IN FLIGHT]
# Needs Debian's freeradius package and `cargo build --release --workspace --bins`.
set -euo pipefail
cd "$(dirname "$0")/.."
requests=${1:-100000} flight=${2:-64}
bin=${CARGO_TARGET_DIR:-target}/release
secret=a-secret-for-the-benchmark
dir=$(mktemp -d)
pids=()
trap 'kill "${pids[@]}" 2>/dev/null || true; rm -rf "$dir"' EXIT

# FreeRADIUS: one client, one user in the `files` module, PAP, nothing logged, all of its threads.
mkdir "$dir/fr"
printf 'bob\tCleartext-Password := "hello"\n' >"$dir/fr/users"
cat >"$dir/fr/radiusd.conf" <<CONF
prefix = /usr
libdir = /usr/lib/freeradius
logdir = $dir/fr
run_dir = $dir/fr
pidfile = $dir/fr/pid
max_requests = 16384
log {
    destination = files
    file = $dir/fr/log
    auth = no
}
security {
    reject_delay = 0
    status_server = yes
}
thread pool {
    start_servers = 2
    max_servers = 8
    min_spare_servers = 1
    max_spare_servers = 4
}
client here {
    ipaddr = 127.0.0.1
    secret = $secret
}
modules {
    pap {
    }
    files {
        filename = $dir/fr/users
    }
}
server default {
    listen {
        type = auth
        ipaddr = 127.0.0.1
        port = 21812
    }
    authorize {
        files
        pap
    }
    authenticate {
        Auth-Type PAP {
            pap
        }
    }
}
CONF
freeradius -f -d "$dir/fr" -n radiusd >"$dir/fr/out" 2>&1 &
freeradius=$!
pids+=("$freeradius")

# Gatematch with the front door in the same process.
mkdir "$dir/data"
key=$("$bin/gatematch" --data-dir "$dir/data" gateway add bench --application "Remote Desktop" --json | sed 's/.*"key": *"\([^"]*\)".*/\1/')
cat >"$dir/gatematch.toml" <<CONF
listen = "127.0.0.1:28080"
data_dir = "$dir/data"
log = "warn"
[radius]
listen = "127.0.0.1:31812"
[[radius.client]]
name = "bench"
network = "127.0.0.1/32"
secret = "$secret"
gateway_key = "$key"
CONF
"$bin/gatematch" --config "$dir/gatematch.toml" serve >"$dir/out" 2>&1 &
gatematch=$!
pids+=("$gatematch")

for port in 21812 31812; do
    for _ in $(seq 100); do
        "$bin/gatematch-sim" radius status --server "127.0.0.1:$port" --secret "$secret" --allow-unsigned >/dev/null 2>&1 && break
        sleep 0.1
    done
done

ticks=$(getconf CLK_TCK)
cpu() { awk '{print $14 + $15}' "/proc/$1/stat"; }

# measure NAME PID PORT REQUESTS FLAGS...
measure() {
    local name=$1 pid=$2 port=$3 count=$4 before after report
    shift 4
    before=$(cpu "$pid")
    report=$("$bin/gatematch-sim" radius load --json --server "127.0.0.1:$port" --secret "$secret" --allow-unsigned \
        --logins "$count" --concurrency "$flight" "$@")
    after=$(cpu "$pid")
    python3 - "$name" "$count" "$((after - before))" "$ticks" "$report" <<'PY'
import json, sys
name, count, spent, ticks, report = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]), json.loads(sys.argv[5])
seconds = report.get("seconds") or 0
print(f"{name:<58} {count / seconds:>9.0f}/s {spent / ticks / count * 1e6:>8.1f} us CPU")
PY
}

printf '%s requests each, %s in flight\n' "$requests" "$flight"
measure "FreeRADIUS: PAP from files (Access-Accept)" "$freeradius" 21812 "$requests" --pap hello --user bob
measure "FreeRADIUS: Status-Server" "$freeradius" 21812 "$requests" --status
measure "Gatematch: Status-Server (socket and codec)" "$gatematch" 31812 "$requests" --status
measure "Gatematch: login refused at once (whole path, durable)" "$gatematch" 31812 "$((requests / 10))" --refused
