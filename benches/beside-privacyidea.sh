#!/usr/bin/env bash
# Gatematch beside privacyIDEA, in one run on one machine: sign-ins a second, how long each takes, processor time and
# memory for them.
#   benches/beside-privacyidea.sh [--databases "mariadb postgresql sqlite"] [--pin] [--seconds N] [--concurrency N]
#                                 [--dir DIR] [--bin DIR]
# Fetches privacyIDEA from PyPI and its database from Debian; each database is a server of its own in the folder. --pin
# measures codes behind a PIN, too, which takes two minutes more. Gatematch is measured where --bin has its programs
# (after `cargo build --release --workspace --bins`). With --dir the folder stays, with what was installed: the next run
# with it installs nothing.
set -euo pipefail
cd "$(dirname "$0")/.."

version=${PRIVACYIDEA_VERSION:-3.14} gunicorn=${GUNICORN_VERSION:-23.0.0}
bin=${CARGO_TARGET_DIR:-target}/release
databases=mariadb seconds=15 concurrency=64 dir='' pin=''
while [ $# -gt 0 ]; do
    case $1 in
        --databases) databases=$2; shift ;;
        --seconds) seconds=$2; shift ;;
        --concurrency) concurrency=$2; shift ;;
        --dir) dir=$2; shift ;;
        --bin) bin=$2; shift ;;
        --pin) pin=--pin ;;
        *) sed -n '2,10s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
    esac
    shift
done

pids=() kept=$dir
[ -n "$dir" ] || dir=$(mktemp -d)
mkdir -p "$dir"
dir=$(cd "$dir" && pwd)
run=$(mktemp -d -p "$dir")
chmod 755 "$dir" "$run" # PostgreSQL will not be root
stop() {
    local pid
    for pid in "${pids[@]}"; do
        kill "$pid" 2>/dev/null || continue
        for _ in $(seq 100); do kill -0 "$pid" 2>/dev/null || break; sleep 0.1; done
        kill -9 "$pid" 2>/dev/null || true
    done
    pids=()
}
finish() {
    stop
    rm -rf "$run"
    [ -n "$kept" ] || rm -rf "$dir"
}
trap finish EXIT
trap 'exit 130' INT TERM

say() { printf '== %s\n' "$*" >&2; }
wait_for() { # COMMAND...: until it succeeds, for 30 s
    for _ in $(seq 300); do "$@" >/dev/null 2>&1 && return; sleep 0.1; done
    echo "This did not come up within 30 s: $*" >&2
    return 1
}

if [ "$(id -u)" -eq 0 ]; then as_root=(); else as_root=(sudo); fi
missing=()
python3 -c 'import ensurepip, venv' 2>/dev/null || missing+=(python3-venv)
# The package with the service around it is not needed, so nothing starts by itself.
if [[ " $databases " == *" mariadb "* ]]; then
    [ -x /usr/sbin/mariadbd ] || missing+=(mariadb-server-core)
    [ -x /usr/bin/my_print_defaults ] || missing+=(mariadb-client-core)
fi
postgres=$(echo /usr/lib/postgresql/*/bin | tr ' ' '\n' | tail -1)
if [[ " $databases " == *" postgresql "* ]] && [ ! -x "$postgres/initdb" ]; then
    echo "PostgreSQL is missing: install Debian's package postgresql first (it starts a server of its own)." >&2
    exit 1
fi
if [ "${#missing[@]}" -gt 0 ]; then
    say "installing ${missing[*]}"
    "${as_root[@]}" apt-get update -qq
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
fi

# privacyIDEA with the versions of everything else that it was tested with: they come in its own package.
venv=$dir/venv
if [ ! -e "$venv/installed-$version" ]; then
    say "installing privacyIDEA $version"
    python3 -m venv "$venv"
    "$venv/bin/pip" install -q --disable-pip-version-check --no-deps "privacyidea==$version"
    "$venv/bin/pip" install -q --disable-pip-version-check -r "$venv/lib/privacyidea/requirements.txt"
    "$venv/bin/pip" install -q --disable-pip-version-check "gunicorn==$gunicorn" psycopg2-binary
    touch "$venv/installed-$version"
fi

# database NAME: starts it in its own folder; sets uri, database_pid and shown.
database() {
    local db=$run/$1-data me socket=$run/$1.sock
    me=$(id -un)
    database_pid=''
    case $1 in
        sqlite)
            uri="sqlite:///$run/privacyidea.sqlite"
            shown="SQLite $("$venv/bin/python" -c 'import sqlite3; print(sqlite3.sqlite_version)')"
            ;;
        mariadb)
            mariadb-install-db --no-defaults --datadir="$db" --user="$me" --auth-root-authentication-method=normal \
                --skip-test-db >"$run/mariadb.log" 2>&1 || { cat "$run/mariadb.log" >&2; exit 1; }
            /usr/sbin/mariadbd --no-defaults --datadir="$db" --user="$me" --socket="$socket" --skip-networking \
                --pid-file="$run/mariadb.pid" >>"$run/mariadb.log" 2>&1 &
            database_pid=$!
            pids+=("$database_pid")
            wait_for "$venv/bin/python" -c "import pymysql; pymysql.connect(user='root', unix_socket='$socket')\
.cursor().execute('CREATE DATABASE pi CHARACTER SET utf8mb4')"
            uri="mysql+pymysql://root@localhost/pi?unix_socket=$socket&charset=utf8mb4"
            shown="MariaDB $(/usr/sbin/mariadbd --version | grep -o '[0-9.]*-MariaDB' | head -1 | cut -d- -f1)"
            ;;
        postgresql)
            local as=()
            mkdir "$db"
            if [ "$(id -u)" -eq 0 ]; then as=(runuser -u postgres --) && chown postgres "$db"; fi
            "${as[@]}" "$postgres/initdb" -D "$db/main" -U pi --auth=trust >"$run/postgresql.log"
            "${as[@]}" "$postgres/postgres" -D "$db/main" -k "$db" -c listen_addresses= >>"$run/postgresql.log" 2>&1 &
            pids+=("$!")
            wait_for test -S "$db/.s.PGSQL.5432"
            database_pid=$(head -1 "$db/main/postmaster.pid")
            wait_for "$postgres/createdb" -h "$db" -U pi pi
            uri="postgresql+psycopg2://pi@/pi?host=$db"
            shown="PostgreSQL $("$postgres/postgres" --version | grep -o '[0-9.]*' | head -1)"
            ;;
        *) echo "There is no database $1: mariadb, postgresql or sqlite." >&2; exit 2 ;;
    esac
}

letters() { "$venv/bin/python" -c 'import secrets; print(secrets.token_hex(16))'; }

# privacyidea DATABASE: as its documentation sets it up, with its own defaults.
privacyidea() {
    local port=28091 config=$run/pi.cfg url
    url=http://127.0.0.1:$port
    say "privacyIDEA $version on $1"
    database "$1"
    rm -f "$run"/enckey "$run"/*.pem
    cat >"$config" <<CONF
import logging
SUPERUSER_REALM = ['super']
SQLALCHEMY_DATABASE_URI = '$uri'
SECRET_KEY = '$(letters)'
PI_PEPPER = '$(letters)'
PI_ENCFILE = '$run/enckey'
PI_AUDIT_KEY_PRIVATE = '$run/private.pem'
PI_AUDIT_KEY_PUBLIC = '$run/public.pem'
PI_ENGINE_REGISTRY_CLASS = 'shared'
PI_AUDIT_POOL_SIZE = 20
PI_UUID_FILE = '$run/uuid.txt'
PI_LOGFILE = '$run/privacyidea.log'
PI_LOGLEVEL = logging.WARNING
CONF
    export PRIVACYIDEA_CONFIGFILE=$config PRIVACYIDEA_PASSWORD
    PRIVACYIDEA_PASSWORD=$(letters)
    {
        "$venv/bin/pi-manage" setup create_enckey
        "$venv/bin/pi-manage" setup create_audit_keys
        "$venv/bin/pi-manage" setup create_tables
        "$venv/bin/pi-manage" admin add bench -p "$PRIVACYIDEA_PASSWORD"
    } >"$run/pi-manage.log" 2>&1 || { cat "$run/pi-manage.log" >&2; exit 1; }
    # As its container does: two workers for each core and one more, but four at most.
    local workers=$(($(nproc) * 2 + 1))
    [ "$workers" -le 4 ] || workers=4
    "$venv/bin/gunicorn" --workers "${PI_WORKERS:-$workers}" --worker-tmp-dir /dev/shm --bind "127.0.0.1:$port" \
        --access-logfile "$run/access.log" --error-logfile "$run/error.log" \
        "privacyidea.app:create_app(config_name='production', config_file='$config')" >"$run/gunicorn.log" 2>&1 &
    local server=$!
    pids+=("$server")
    wait_for "$venv/bin/python" -c "import urllib.request; urllib.request.urlopen('$url/healthz/readyz')"
    # shellcheck disable=SC2086  # none, or one word
    "$venv/bin/python" -B benches/beside/privacyidea.py --url "$url" --admin bench --people "$run/people" --server "$server" \
        --database "$shown" ${database_pid:+--database-pid "$database_pid"} --concurrency "$concurrency" \
        --seconds "$seconds" $pin --out "$run/results" || { tail -20 "$run/privacyidea.log" "$run/error.log" >&2; exit 1; }
    stop
}

# gatematch DATABASE: as it ships.
gatematch() {
    local port=28092 url=''
    say "Gatematch out of $bin on $1"
    shown=SQLite
    database_pid=''
    if [ "$1" = postgresql ]; then
        rm -rf "$run/$1-data" # of the privacyIDEA before
        database "$1"
        url="database_url = \"postgres://pi@localhost/pi?host=$run/$1-data\""
    fi
    rm -rf "$run/data"
    mkdir "$run/data"
    cat >"$run/gatematch.toml" <<CONF
listen = "127.0.0.1:$port"
data_dir = "$run/data"
log = "warn"
$url
CONF
    "$bin/gatematch" --config "$run/gatematch.toml" serve >"$run/gatematch.log" 2>&1 &
    local server=$!
    pids+=("$server")
    wait_for python3 -c "import urllib.request; urllib.request.urlopen('http://127.0.0.1:$port/readyz')"
    python3 -B benches/beside/gatematch.py --url "http://127.0.0.1:$port" --bin "$bin" --config "$run/gatematch.toml" \
        --server "$server" --database "$shown" ${database_pid:+--database-pid "$database_pid"} \
        --concurrency "$concurrency" --seconds "$seconds" --out "$run/results"
    stop
}

for name in $databases; do privacyidea "$name"; done
if [ -x "$bin/gatematch" ] && [ -x "$bin/gatematch-sim" ]; then
    gatematch sqlite
    case " $databases " in *" postgresql "*) gatematch postgresql ;; esac
else say "no Gatematch in $bin: left out"; fi

printf 'privacyIDEA %s, gunicorn %s, %s; %s cores, %s at a time\n\n' \
    "$version" "$gunicorn" "$("$venv/bin/python" --version)" "$(nproc)" "$concurrency"
python3 -B benches/beside/table.py "$run/results"
