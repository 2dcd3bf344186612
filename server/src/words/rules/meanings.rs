//! What each setting means: a word for each key of the file, by its name.

crate::words::words! {
    /// What each setting means.
    Meanings {
        listen: "Where everything is served. On this machine alone: plain HTTP. An address that other machines reach needs TLS, or a reverse proxy that is named in trusted_proxies.", "Wo alles bedient wird. Nur auf dieser Maschine: einfaches HTTP. Eine Adresse, die andere Maschinen erreichen, braucht TLS oder einen Reverse Proxy, der in trusted_proxies steht.";
        public_listen: "A second listener for what phones and browsers need, and nothing else: this one may be open to the internet. The console is not on it.", "Ein zweiter Zugang für das, was Telefone und Browser brauchen, und nichts sonst: Er darf zum Internet offen sein. Die Konsole ist dort nicht.";
        tls_certificate: "A certificate with those that certify it. It is read again when it changes.", "Ein Zertifikat samt denen, die es beglaubigen. Es wird neu gelesen, wenn es sich ändert.";
        tls_key: "The key of the certificate: a file; what is in it is never shown.", "Der Schlüssel des Zertifikats: eine Datei; ihr Inhalt wird nie gezeigt.";
        issuer: "What phones and gateways call this server. Every token names it, so phones must be enrolled anew after a change.", "Wie Telefone und Gateways diesen Server nennen. Jedes Token nennt ihn, darum müssen Telefone nach einer Änderung neu angemeldet werden.";
        name: "The company, as people know it. Phones show it.", "Die Firma, wie die Leute sie kennen. Telefone zeigen sie.";
        trusted_proxies: "Reverse proxies on whose word (X-Forwarded-For) the address of a browser or phone is taken. Behind one that is not named, everybody shares its address, and the limits that go by address.", "Reverse Proxys, deren Wort (X-Forwarded-For) für die Adresse eines Browsers oder Telefons gilt. Hinter einem, der hier fehlt, teilen sich alle seine Adresse und die Grenzen, die nach Adressen gehen.";
        data_dir: "Where the master key and, by default, the database are.", "Wo der Hauptschlüssel und, als Vorgabe, die Datenbank liegen.";
        database_url: "The database: a file of this machine, or a PostgreSQL server that several nodes may share.", "Die Datenbank: eine Datei dieser Maschine oder ein PostgreSQL-Server, den sich mehrere Knoten teilen können.";
        database_unsafe_fsync_off: "Whether a PostgreSQL server may run with fsync=off, and lose what it has acknowledged.", "Ob ein PostgreSQL-Server mit fsync=off laufen und verlieren darf, was er bestätigt hat.";
        master_key: "It seals what the database keeps of secrets. It never stands in the settings file.", "Er versiegelt, was die Datenbank an Geheimnissen hält. Er steht nie in der Einstellungsdatei.";
        domains: "Domains of user names. Without any, DOMAIN\\alice, alice@domain and alice are one account. With some, names of other domains are unknown.", "Domänen der Benutzernamen. Ohne solche sind DOMÄNE\\alice, alice@domäne und alice ein Konto. Mit solchen sind Namen anderer Domänen unbekannt.";
        protected_groups: "Members of these groups are managed by the role admin only, never by the helpdesk.", "Mitglieder dieser Gruppen verwaltet nur die Rolle admin, nie der Helpdesk.";
        require_device_confirmation: "Whether somebody else must confirm a new phone by a code that only the phone shows.", "Ob jemand anderes ein neues Telefon mit einem Code bestätigen muss, den nur das Telefon zeigt.";
        require_reasons: "Whether administrators and the helpdesk must say why, whenever they give or take away what somebody signs in with.", "Ob Administratoren und Helpdesk sagen müssen, warum, wann immer sie geben oder nehmen, womit sich jemand anmeldet.";
        dormant_after_days: "After how long without a sign-in an account is locked at its next one, until somebody unlocks it.", "Nach wie langer Zeit ohne Anmeldung ein Konto bei der nächsten gesperrt wird, bis es jemand entsperrt.";
        max_devices: "How many phones a person may have.", "Wie viele Telefone eine Person haben darf.";
        push_allowed_hosts: "Push services beside the public ones.", "Push-Dienste neben den öffentlichen.";
        push_proxy: "The proxy through which push services are called.", "Der Proxy, über den Push-Dienste gerufen werden.";
        push_ca_file: "Certificates that push services may be certified by, beside those that the system trusts.", "Zertifikate, die Push-Dienste beglaubigen dürfen, neben denen, denen das System vertraut.";
        push_subject: "Whom a push service may write to about pushes of this server. Apple's wants mailto: or https.", "An wen ein Push-Dienst wegen Nachrichten dieses Servers schreiben kann. Der von Apple will mailto: oder https.";
        places_file: "A file that knows where addresses are, for rules and for what phones show. It is read again within a minute of changing.", "Eine Datei, die weiß, wo Adressen sind, für Regeln und für das, was Telefone zeigen. Sie wird binnen einer Minute neu gelesen, wenn sie sich ändert.";
        desktop_link: "Where the button \"Start my desktop\" of the connect page leads.", "Wohin der Knopf \"Meinen Desktop starten\" der Anmeldeseite führt.";
        desktop_rdp_file: "The .rdp file that this button fetches in place of a link. Everybody may read it.", "Die .rdp-Datei, die dieser Knopf statt eines Links holt. Jeder darf sie lesen.";
        audit_checkpoint_minutes: "How often what the audit log ends in is signed.", "Wie oft unterschrieben wird, worin das Protokoll endet.";
        audit_checkpoint_file: "The file to which each signature is added. Keep it, or a copy, where nobody who can change the database reaches it.", "Die Datei, an die jede Unterschrift angehängt wird. Bewahren Sie sie oder eine Kopie auf, wo niemand hinkommt, der die Datenbank ändern kann.";
        audit_syslog: "The syslog receiver that is sent every event of the audit log.", "Der Syslog-Empfänger, der jedes Ereignis des Protokolls bekommt.";
        audit_syslog_ca_file: "Only who is certified by these is that receiver.", "Nur wer von diesen beglaubigt ist, ist dieser Empfänger.";
        audit_syslog_format: "json: as the log has it. ocsf: the Open Cybersecurity Schema Framework.", "json: wie das Protokoll es hat. ocsf: das Open Cybersecurity Schema Framework.";
        audit_file: "The file to which every event of the audit log is added.", "Die Datei, an die jedes Ereignis des Protokolls angehängt wird.";
        audit_file_format: "As audit_syslog_format, for the file.", "Wie audit_syslog_format, für die Datei.";
        log_format: "How the server's log lines look: text for people, json for machines.", "Wie die Log-Zeilen des Servers aussehen: text für Menschen, json für Maschinen.";
        log: "What the server logs, and from which level on.", "Was der Server ins Log schreibt, und ab welcher Stufe.";
    }
}
