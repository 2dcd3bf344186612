//! The file that `gatematch init` writes.

/// A file with every key at its default, commented out.
pub const TEMPLATE: &str = r#"# Gatematch. Every line here is a comment or a default: an empty file works as well.
# Each key can be overruled by an environment variable: GATEMATCH_ and the key in capitals
# (GATEMATCH_LISTEN). Flags overrule both.

# Where everything is served. On this machine alone: plain HTTP. An address that other machines reach needs
# TLS (below), or a reverse proxy that is named in trusted_proxies and is then served alone (docs/https.md).
#listen = "127.0.0.1:8080"

# A second listener for what phones and browsers need, and nothing else: this one may be open to the
# internet. Default: none. With a certificate it always has TLS.
#public_listen = "0.0.0.0:443"

# A certificate with those that certify it, and its key (PEM; one file may hold both). They are read again
# when they change. Set issuer too.
#tls_certificate = "mfa.example.com.pem"
#tls_key = "mfa.example.com.key"

# What phones and gateways call this server: the name in the certificate, without a slash at the end.
# Every token names it, so phones must be enrolled anew after a change. Default: http://<listen>, where
# that is plain HTTP on this machine.
#issuer = "https://mfa.example.com"

# The company, as people know it. Phones show it.
#name = "Gatematch"

# Where the master key and the database are. Belongs to the account that runs the server.
#data_dir = "/var/lib/gatematch"

# The database. Default: gatematch.db in the data directory. On a PostgreSQL server, several nodes may share
# it (docs/scaling.md): "postgres://gatematch@db.example.com/gatematch?sslmode=verify-full". A password
# belongs into the variable GATEMATCH_DATABASE_URL, or into ~/.pgpass.
#database_url = "sqlite:///var/lib/gatematch/gatematch.db"

# Whether a PostgreSQL server may run with fsync=off, and lose what it has acknowledged.
#database_unsafe_fsync_off = false

# Domains of usernames. Without any, DOMAIN\alice, alice@domain and alice are one account. With some,
# names of other domains are unknown. The accounts of the first have bare names; "ALIAS=NAME" lets two
# spellings share their accounts.
#domains = ["contoso", "contoso.com=contoso"]

# Members of these groups are enrolled and unlocked by the role admin only, never by the helpdesk.
#protected_groups = ["Domain Admins"]

# Whether somebody else must confirm a new phone by a code that only the phone shows.
#require_device_confirmation = false

# Whether administrators and the helpdesk must say why, whenever they give or take away what somebody
# signs in with. A link for a new phone takes no reason.
#require_reasons = false

# After how many days without a sign-in an account is locked at its next one, until somebody unlocks it.
# 0: never.
#dormant_after_days = 0

# How many phones a person may have.
#max_devices = 5

# Push services beside the public ones: host, or host:port. An entry may be private, and http.
#push_allowed_hosts = ["push.example.com:8443"]

# Where push services are reached only through a proxy, or certified by a company's own authority (PEM).
#push_proxy = "http://proxy.example.com:3128"
#push_ca_file = "company-ca.pem"
# Whom a push service may write to about our pushes: mailto: or https. Default: the issuer. Apple's
# refuses one that is neither, so set it where the issuer is plain http.
#push_subject = "mailto:it@example.com"

# Reverse proxies on whose word (X-Forwarded-For) the address of a browser or phone is taken. Behind one
# that is not named here, everybody shares its address, and the limits that go by address.
#trusted_proxies = ["127.0.0.1", "::1"]

# A MaxMind DB (Country or City) that knows where addresses are, for policy and for what phones show. It is
# read again within a minute of changing.
#places_file = "places.mmdb"

# What "Start my desktop" on the connect page does: follow a link, or fetch an .rdp file. Default: no button.
#desktop_link = "https://rdweb.example.com/"
#desktop_rdp_file = "desktop.rdp"

# How often what the audit log ends in is signed, in minutes (0: only when somebody asks), and a file to which
# that is added, a line each time. Keep that file, or a copy, where nobody who can change the database reaches
# it: by it a log that was cut off is found out (docs/audit.md).
#audit_checkpoint_minutes = 60
#audit_checkpoint_file = "checkpoints.jsonl"

# Where the audit log is sent, every event at least once (docs/siem.md): to a syslog receiver (RFC 5424), by TLS
# or, inside the server room, by plain TCP; and to a file, a line each. json is an event as the log has it, ocsf
# is the Open Cybersecurity Schema Framework.
#audit_syslog = "tls://siem.example.com:6514"
#audit_syslog_ca_file = "siem-ca.pem"
#audit_syslog_format = "json"
#audit_file = "/var/log/gatematch/audit.jsonl"
#audit_file_format = "json"

# Log lines on stderr: text or json, and from which level on.
#log_format = "text"
#log = "info"

# The RADIUS front door, for RD Gateway and NPS (docs/rd-gateway.md).
#[radius]
#listen = "127.0.0.1:1812"
#when_unreachable = "reject"             # reject | silence, for logins while the server is away
#
#[[radius.client]]
#name = "rdg01"
#network = "192.0.2.10/32"
#secret_file = "rdg01.secret"
#gateway_key_file = "rdg01.key"          # gatematch gateway add rdg01 --application "Remote Desktop" --json
#first_factor = "gateway"                # gateway | radius | none
#style = "hold"                          # hold | challenge | passcode
#time_limit = 50                         # seconds; below what the client waits
#challenge_life = 120                    # seconds for the whole sign-in, all requests together; style "challenge" only
#require_message_authenticator = true
#no_display = "refuse"                   # refuse | approve_only, where nobody has the connect page open
#trust_calling_station_id = false
#accept = { "MS-RDG-Device-Redirection" = ["drives"] }   # sent with every Access-Accept
#max_waiting = 4096
#upstream = ["nps01"]                    # who checks the password where first_factor is "radius"
#
#[[radius.upstream]]
#name = "nps01"
#address = "192.0.2.20:1812"
#secret_file = "nps01.secret"
#timeout = 5                             # seconds for one try
#tries = 2
#status_server = true                    # false for NPS, which does not answer it (RFC 5997)
#revive_after = 30
#require_message_authenticator = true

# The master key can be given as GATEMATCH_MASTER_KEY (32 bytes, base64url) in place of the file
# master.key in the data directory. It never stands in this file.
"#;
