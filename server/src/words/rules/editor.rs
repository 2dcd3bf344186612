//! What the editor of the policy says.

crate::words::words! {
    /// What the editor of the policy says.
    Editor {
        title: "Edit the rules", "Regeln bearbeiten";
        lead: "This is the policy as gatematch policy show --toml writes it. docs/policy.md says what rules may hold, and has whole policies to begin with. Check says what would change and changes nothing.", "Das sind die Regeln, wie gatematch policy show --toml sie schreibt. docs/policy.md sagt, was Regeln enthalten dürfen, und hat ganze Regelwerke für den Anfang. Prüfen sagt, was sich ändern würde, und ändert nichts.";
        rules: "The rules, as TOML", "Die Regeln, als TOML";
        replaces: "It takes the place of version {}.", "Es tritt an die Stelle von Version {}.";
        comment: "Comment", "Kommentar";
        check: "Check", "Prüfen";
        save: "Save", "Speichern";
        save_why: "Save lets these rules hold at once, on every node, for all sign-ins that begin from then on.", "Speichern lässt diese Regeln sofort gelten, auf jedem Knoten, für alle Anmeldungen, die ab dann beginnen.";
        can_hold: "These rules can hold. Nothing was changed yet.", "Diese Regeln können gelten. Noch wurde nichts geändert.";
        changes: "What they would change", "Was sie ändern würden";
        changes_nothing: "They change nothing.", "Sie ändern nichts.";
        warnings: "What looks like a mistake", "Was nach einem Irrtum aussieht";
        unreadable: "These rules cannot be read. What you typed is still there.", "Diese Regeln sind nicht lesbar. Was Sie geschrieben haben, steht noch da.";
        unsound: "These rules must not hold. What you typed is still there.", "Diese Regeln dürfen nicht gelten. Was Sie geschrieben haben, steht noch da.";
        line: "Line {}", "Zeile {}";
        stale: "Somebody else was faster: version {} holds by now. Nothing was saved, and what you typed is still there. See what version {} changed; if you save now, your text takes its place.", "Jemand war schneller: Inzwischen gilt Version {}. Nichts wurde gespeichert, und was Sie geschrieben haben, steht noch da. Sehen Sie, was Version {} geändert hat; wenn Sie jetzt speichern, tritt Ihr Text an ihre Stelle.";
        theirs: "What has changed since you began", "Was sich geändert hat, seit Sie begonnen haben";
        their_text: "The rules that hold now, as TOML", "Die Regeln, die jetzt gelten, als TOML";
        too_long: "These rules are too long for this page: forms take 64 KiB. On the server, gatematch policy show --toml and gatematch policy apply take up to 1 MiB.", "Diese Regeln sind zu lang für diese Seite: Formulare fassen 64 KiB. Auf dem Server nehmen gatematch policy show --toml und gatematch policy apply bis zu 1 MiB.";
    }
}
