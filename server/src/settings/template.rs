//! The file that `gatematch init` writes.

/// A file with every key at its default, commented out.
pub const TEMPLATE: &str = r#"# Gatematch. Every line here is a comment or a default: an empty file works as well.
# Each key can be overruled by an environment variable: GATEMATCH_ and the key in capitals
# (GATEMATCH_LISTEN). Flags overrule both.

# Where HTTP is served. This version has no TLS of its own: it listens on this machine only, and a
# reverse proxy on the same machine stands before it.
#listen = "127.0.0.1:8080"

# What phones and gateways call this server: the address of the reverse proxy, without a slash at the
# end. Every token names it, so phones must be enrolled anew after a change. Default: http://<listen>.
#issuer = "https://mfa.example.com"

# The company, as people know it. Phones show it.
#name = "Gatematch"

# Where the master key and the database are. Belongs to the account that runs the server.
#data_dir = "/var/lib/gatematch"

# The database. Default: gatematch.db in the data directory.
#database_url = "sqlite:///var/lib/gatematch/gatematch.db"

# Domains of usernames. Without any, DOMAIN\alice, alice@domain and alice are one account. With some,
# names of other domains are unknown. The accounts of the first have bare names; "ALIAS=NAME" lets two
# spellings share their accounts.
#domains = ["contoso", "contoso.com=contoso"]

# Members of these groups are enrolled and unlocked by the role admin only, never by the helpdesk.
#protected_groups = ["Domain Admins"]

# Whether somebody else must confirm a new phone by a code that only the phone shows.
#require_device_confirmation = false

# How many phones a person may have.
#max_devices = 5

# Push services beside the public ones: host, or host:port. An entry may be private, and http.
#push_allowed_hosts = ["push.example.com:8443"]

# Log lines on stderr: text or json, and from which level on.
#log_format = "text"
#log = "info"

# The master key can be given as GATEMATCH_MASTER_KEY (32 bytes, base64url) in place of the file
# master.key in the data directory. It never stands in this file.
"#;
