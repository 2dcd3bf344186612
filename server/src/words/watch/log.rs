//! What the pages of sign-ins and of the audit log say.

super::super::words! {
    /// What the pages of sign-ins and of the audit log say.
    Log {
        filter: "Filter", "Filter";
        show: "Show", "Anzeigen";
        clear: "Without filter", "Ohne Filter";
        any: "any", "alle";
        user: "Person", "Person";
        user_hint: "The whole user name.", "Der ganze Benutzername.";
        gateway: "Gateway", "Gateway";
        outcome: "How it ended", "Wie es endete";
        method: "By what", "Womit";
        since: "From (UTC)", "Von (UTC)";
        until: "Before (UTC)", "Bis vor (UTC)";
        quick: "Quickly", "Schnell";
        last_hour: "last hour", "letzte Stunde";
        last_day: "last 24 hours", "letzte 24 Stunden";
        last_week: "last 7 days", "letzte 7 Tage";
        bad_time: "Write a day and a time, such as 2026-11-26T08:00.", "Schreiben Sie einen Tag und eine Zeit, etwa 2026-11-26T08:00.";
        bad_choice: "This choice does not exist.", "Diese Auswahl gibt es nicht.";
        bad_number: "This page does not exist. Begin again without it.", "Diese Seite gibt es nicht. Beginnen Sie ohne sie.";
        shown_utc: "Times are shown in your time zone; filters are in UTC.", "Zeiten erscheinen in Ihrer Zeitzone; Filter sind in UTC.";
        none_found: "Nothing was found.", "Nichts gefunden.";
        none_here: "Nothing was found as far as was looked. There may be more further back.", "Soweit gesucht wurde, nichts gefunden. Weiter zurück kann es mehr geben.";
        further: "Look further back", "Weiter zurück suchen";
        older: "Older", "Ältere";
        newer: "Newer", "Neuere";
        newest: "Newest", "Neueste";
        pages: "Pages", "Seiten";
        export_csv: "Save as CSV", "Als CSV speichern";
        export_lines: "Save as JSON lines", "Als JSON-Zeilen speichern";
        export_what: "All that fits the filter, oldest first; at most {}.", "Alles, was zum Filter passt, das Älteste zuerst; höchstens {}.";
        time: "Time", "Zeit";
        how: "How", "Wie";
        from: "From", "Von";
        why: "Why", "Warum";
        details: "Details", "Einzelheiten";
        began: "Began", "Begonnen";
        ended: "Ended", "Beendet";
        took: "Took", "Dauer";
        seconds: "{} s", "{} s";
        address: "Address", "Adresse";
        computer: "Computer", "Computer";
        phone: "Phone", "Telefon";
        rule: "Rule", "Regel";
        challenge: "Id", "Kennung";
        events: "Events", "Ereignisse";
        explain: "Why did the rules say so", "Warum sagten die Regeln das";
        of_person: "All sign-ins of this person", "Alle Anmeldungen dieser Person";
        kind: "Event", "Ereignis";
        kind_hint: "The whole word, such as user.locked.", "Das ganze Wort, etwa user.locked.";
        actor: "Done by", "Getan von";
        actor_hint: "A part of how the log names them, such as admin: or dora.", "Ein Teil davon, wie das Protokoll sie nennt, etwa admin: oder dora.";
        reason: "Reason", "Grund";
        number: "No.", "Nr.";
        event_title: "Event {}", "Ereignis {}";
        before_it: "The one before", "Das davor";
        after_it: "The one after", "Das danach";
        as_json: "As it is in the log", "Wie es im Protokoll steht";
        whole_title: "Does it still say what it said", "Steht noch darin, was darin stand";
        signed: "Signed last", "Zuletzt unterschrieben";
        signed_none: "nothing yet", "noch nichts";
        signed_size: "up to event", "bis Ereignis";
        signed_at: "on", "am";
        signed_by: "by key", "mit Schlüssel";
        signed_head: "it ended in", "es endete auf";
        verify: "Check the last {} events now", "Die letzten {} Ereignisse jetzt prüfen";
        verified: "It holds: events {} to {} are each as they were written, none is missing, and what was signed is there.", "Es hält: Die Ereignisse {} bis {} sind so, wie sie geschrieben wurden, keines fehlt, und was unterschrieben wurde, ist da.";
        verified_none: "There is nothing to check yet.", "Es gibt noch nichts zu prüfen.";
        broken: "It does not hold: {}. Keep the database as it is, do not prune and do not restore over it; audit.md tells what to do.", "Es hält nicht: {}. Lassen Sie die Datenbank, wie sie ist, kürzen Sie nichts und spielen Sie nichts darüber ein; was zu tun ist, steht in audit.md.";
        verify_all: "All of it is checked on the server, beside the running service:", "Alles prüft man auf dem Server, neben dem laufenden Dienst:";
        verify_cut: "Only a checkpoint that is kept elsewhere finds out whether its end was cut off.", "Ob das Ende abgeschnitten wurde, zeigt nur eine Unterschrift, die anderswo aufbewahrt wird.";
        outcome_success: "done", "getan";
        outcome_failure: "failed", "fehlgeschlagen";
        outcome_refused: "not allowed", "nicht erlaubt";
    }
}
