//! What the page about settings, and about who manages others, says.

crate::words::words! {
    /// What the page about settings, and about who manages others, says.
    Settings {
        lead: "What this server runs with. It is changed in the settings file on the server (/etc/gatematch/gatematch.toml, unless --config or GATEMATCH_CONFIG names another), or by a variable: GATEMATCH_ and the key in capitals. Then restart it: systemctl restart gatematch. Each node has a file of its own.", "Womit dieser Server läuft. Geändert wird es in der Einstellungsdatei auf dem Server (/etc/gatematch/gatematch.toml, wenn nicht --config oder GATEMATCH_CONFIG eine andere nennt) oder durch eine Variable: GATEMATCH_ und der Schlüssel in Großbuchstaben. Dann neu starten: systemctl restart gatematch. Jeder Knoten hat eine eigene Datei.";
        no_secrets: "Secrets are never shown here, only whether they are set.", "Geheimnisse stehen hier nie, nur ob sie gesetzt sind.";
        who: "Who manages others", "Wer andere verwaltet";
        who_lead: "People with a role at the console. Roles are given and taken on the page of a person.", "Personen mit einer Rolle an der Konsole. Rollen gibt und nimmt man auf der Seite einer Person.";
        name: "Name", "Name";
        role: "Role", "Rolle";
        account: "Account", "Konto";
        active: "active", "aktiv";
        locked: "locked", "gesperrt";
        disabled: "disabled", "abgeschaltet";
        nobody: "Nobody has a role at the console now.", "Zurzeit hat niemand eine Rolle an der Konsole.";
        keys: "Administrators' keys", "Schlüssel von Administratoren";
        keys_lead: "For programs, and for calls over HTTP. Nobody has the keys themselves but who was given them; here they are only named. gatematch admin-key create makes one.", "Für Programme und für Aufrufe über HTTP. Die Schlüssel selbst hat nur, wer sie bekommen hat; hier werden sie nur genannt. gatematch admin-key create macht einen.";
        keys_none: "There is none.", "Es gibt keinen.";
        user: "Whose", "Wessen";
        made: "Made", "Gemacht";
        revoke: "Revoke", "Widerrufen";
        revoke_of: "Revoke the key of {}", "Den Schlüssel von {} widerrufen";
        revoke_why: "It is refused from then on, in everything that uses it. It cannot be taken back; a new one is made on the server.", "Er wird ab dann abgelehnt, in allem, was ihn benutzt. Das lässt sich nicht zurücknehmen; einen neuen macht man auf dem Server.";
        revoke_sure: "Yes, the key of {} shall be refused from now on", "Ja, der Schlüssel von {} soll ab jetzt abgelehnt werden";
        revoked: "The key is gone: it is refused from now on.", "Der Schlüssel ist weg: Er wird ab jetzt abgelehnt.";
        last_key: "This is the last key with the role admin. Without it nobody could administer the server over its API. Make another one first: gatematch admin-key create --role admin --name NAME", "Das ist der letzte Schlüssel mit der Rolle admin. Ohne ihn könnte niemand den Server über seine API verwalten. Machen Sie zuerst einen anderen: gatematch admin-key create --role admin --name NAME";
        key: "Key", "Schlüssel";
        value: "Value", "Wert";
        origin: "Origin", "Herkunft";
        meaning: "What it means", "Was es bedeutet";
        default: "default", "Vorgabe";
        set: "set", "gesetzt";
        none: "none", "keine";
        never: "never", "nie";
        on_request: "only when somebody asks", "nur wenn jemand fragt";
        days: "{} days", "{} Tage";
        minutes: "every {} minutes", "alle {} Minuten";
        bytes: "set: {} bytes, served at /connect/desktop.rdp", "gesetzt: {} Bytes, abrufbar unter /connect/desktop.rdp";
        with_password: "{}, with a name and password (not shown)", "{}, mit Name und Passwort (nicht gezeigt)";
        without_password: "{} (a password is not shown)", "{} (ein Passwort wird nicht gezeigt)";
        by_issuer: "the issuer", "der Issuer";
        by_listen: "http:// and where it listens", "http:// und wo er lauscht";
        key_of_variable: "set, by the variable GATEMATCH_MASTER_KEY", "gesetzt, durch die Variable GATEMATCH_MASTER_KEY";
        key_of_file: "set, in the file master.key of the data directory", "gesetzt, in der Datei master.key des Datenverzeichnisses";
        bare_names: "{} (bare names)", "{} (Namen ohne Zusatz)";
        names_with: "{} (names with @{})", "{} (Namen mit @{})";
        here: "Where it is reached", "Wo er erreichbar ist";
        data: "Data", "Daten";
        people: "People and phones", "Personen und Telefone";
        push: "Push", "Push";
        sign_in: "Signing in", "Anmelden";
        audit: "The audit log, and who has a copy", "Das Protokoll, und wer eine Kopie hat";
        log: "The server's own log", "Das Log des Servers";
        radius: "The RADIUS front door", "Der RADIUS-Dienst";
        radius_none: "There is no section [radius] here: this server takes no RADIUS requests itself. A front door that runs as a process of its own has a file of its own.", "Hier gibt es keinen Abschnitt [radius]: Dieser Server nimmt selbst keine RADIUS-Anfragen an. Läuft der RADIUS-Dienst als eigener Prozess, hat er eine eigene Datei.";
        radius_lead: "What stands in the section [radius] of the settings file; what is left out there has its default. docs/rd-gateway.md explains each key.", "Was im Abschnitt [radius] der Einstellungsdatei steht; was dort fehlt, hat seine Vorgabe. docs/rd-gateway.md erklärt jeden Schlüssel.";
        radius_whole: "For all clients", "Für alle Clients";
        radius_client: "Client {}", "Client {}";
        radius_upstream: "Upstream {}", "Upstream {}";
        secret_here: "set, in the settings file itself", "gesetzt, in der Einstellungsdatei selbst";
        secret_file: "set, in a file of its own", "gesetzt, in einer eigenen Datei";
        secret_variable: "set, by a variable", "gesetzt, durch eine Variable";
        not_shown: "not shown", "nicht gezeigt";
    }
}
