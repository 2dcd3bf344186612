#!/usr/bin/env bash
# The RADIUS front door beside FreeRADIUS, in one run on one machine: requests a second, and CPU time for each. Then
# sign-ins by the codes of an authenticator app, in one request and in two, and how long they take.
#   benches/beside-freeradius.sh [REQUESTS] [IN FLIGHT] [SECONDS FOR EACH LINE WITH CODES]
# Needs `cargo build --release --workspace --bins`, and fetches FreeRADIUS from Debian where it is not there.
set -euo pipefail
cd "$(dirname "$0")/.."
requests=${1:-100000} flight=${2:-64} seconds=${3:-8}
bin=${CARGO_TARGET_DIR:-target}/release
secret=a-secret-for-the-benchmark
dir=$(mktemp -d)
pids=()
trap 'kill "${pids[@]}" 2>/dev/null || true; wait; rm -rf "$dir"' EXIT

if [ ! -x /usr/sbin/freeradius ]; then
    if [ "$(id -u)" -eq 0 ]; then as_root=(); else as_root=(sudo); fi
    # Debian asks this file whether to start what it installs. The service is not wanted, now or at boot.
    policy=/usr/sbin/policy-rc.d ours=''
    [ -e "$policy" ] || { printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee "$policy" >/dev/null && ours=1; }
    [ -z "$ours" ] || "${as_root[@]}" chmod 755 "$policy"
    { "${as_root[@]}" apt-get update -qq && "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -qq --no-install-recommends freeradius >/dev/null; } || failed=1
    [ -z "$ours" ] || "${as_root[@]}" rm -f "$policy"
    [ -z "${failed:-}" ] || exit 1
    "${as_root[@]}" systemctl disable --quiet freeradius.service 2>/dev/null || true
fi

# Gatematch with the front door in the same process. Which way it takes is by the client's address: 127.0.0.1 waits for
# the phone, 127.0.0.2 brings the code with the first request, 127.0.0.3 is asked for it.
mkdir "$dir/data"
key=$("$bin/gatematch" --data-dir "$dir/data" gateway add bench --application "Remote Desktop" --can-display --json |
    sed 's/.*"key": *"\([^"]*\)".*/\1/')
cat >"$dir/gatematch.toml" <<CONF
listen = "127.0.0.1:28080"
data_dir = "$dir/data"
log = "warn"
[radius]
listen = "127.0.0.1:31812"
CONF
address=0
for style in hold passcode challenge; do
    address=$((address + 1))
    cat >>"$dir/gatematch.toml" <<CONF
[[radius.client]]
name = "$style"
network = "127.0.0.$address/32"
secret = "$secret"
gateway_key = "$key"
style = "$style"
CONF
done
"$bin/gatematch" --config "$dir/gatematch.toml" serve >"$dir/out" 2>&1 &
gatematch=$!
pids+=("$gatematch")

# answers PORT: waits until somebody answers there.
answers() {
    for _ in $(seq 100); do
        "$bin/gatematch-sim" radius status --server "127.0.0.1:$1" --secret "$secret" --allow-unsigned >/dev/null 2>&1 &&
            return
        sleep 0.1
    done
    echo "Nobody answers on port $1." >&2
    cat "$dir/out" "$dir/fr/out" "$dir/fr/log" >&2 || true
    exit 1
}
answers 31812
python3 -B benches/beside/gatematch.py --url http://127.0.0.1:28080 --bin "$bin" --config "$dir/gatematch.toml" \
    --server "$gatematch" --concurrency "$flight" --seeds "$dir/seeds"

# FreeRADIUS: one client, its users in the `files` module, nothing logged, all of its threads. PAP on the first port, a
# code in the password field on the second, a code that is asked for on the third, after Debian's examples.
mkdir "$dir/fr"
printf 'bob\tCleartext-Password := "hello"\n' >"$dir/fr/users"
python3 - "$dir/seeds" >>"$dir/fr/users" <<'PY'
import base64, sys
for name, seed, _ in map(str.split, open(sys.argv[1])):
    print(f'{name}\tTOTP-Secret := "{base64.b32encode(bytes.fromhex(seed)).decode()}"')
PY
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
    totp {
    }
    always handled {
        rcode = handled
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
server code {
    listen {
        type = auth
        ipaddr = 127.0.0.1
        port = 21813
    }
    authorize {
        files
        update control {
            Auth-Type := Code
        }
    }
    authenticate {
        Auth-Type Code {
            update request {
                TOTP-Password := "%{User-Password}"
            }
            totp
        }
    }
}
server asks {
    listen {
        type = auth
        ipaddr = 127.0.0.1
        port = 21814
    }
    authorize {
        files
        if (!&State) {
            update control {
                Auth-Type := Ask
            }
        }
        else {
            update control {
                Auth-Type := Code
            }
        }
    }
    authenticate {
        Auth-Type Ask {
            update session-state {
                Tmp-Integer-0 := 1
            }
            update reply {
                Reply-Message := "Type the code from your authenticator app"
            }
            update control {
                Response-Packet-Type := Access-Challenge
            }
            handled
        }
        Auth-Type Code {
            update request {
                TOTP-Password := "%{User-Password}"
            }
            totp
        }
    }
}
CONF
freeradius -f -d "$dir/fr" -n radiusd >"$dir/fr/out" 2>&1 &
freeradius=$!
pids+=("$freeradius")
answers 21812

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

# codes NAME PID PORT FLAGS...: the client is Python, and slower than both servers; look at the CPU time.
codes() {
    local name=$1 pid=$2 port=$3
    shift 3
    python3 -B benches/beside/radius.py --what "$name" --server "127.0.0.1:$port" --secret "$secret" --process "$pid" \
        --seeds "$dir/seeds" --concurrency "$flight" --seconds "$seconds" "$@"
}

freeradius -v | sed -n 1p
printf '%s requests each, %s in flight\n' "$requests" "$flight"
measure "FreeRADIUS: PAP from files (Access-Accept)" "$freeradius" 21812 "$requests" --pap hello --user bob
measure "FreeRADIUS: Status-Server" "$freeradius" 21812 "$requests" --status
measure "Gatematch: Status-Server (socket and codec)" "$gatematch" 31812 "$requests" --status
measure "Gatematch: login refused at once (whole path, durable)" "$gatematch" 31812 "$((requests / 10))" --refused
printf 'whole sign-ins by a code, %s at a time\n' "$flight"
# FreeRADIUS takes a code as often as it comes.
codes "FreeRADIUS: code in the password field" "$freeradius" 21813 --again
codes "FreeRADIUS: asks for the code (two requests)" "$freeradius" 21814 --again --two-steps
codes "Gatematch: code in the password field (durable)" "$gatematch" 31812 --source 127.0.0.2
codes "Gatematch: asks for the code (two requests, durable)" "$gatematch" 31812 --source 127.0.0.3 --two-steps \
    --half second
