//! What the pages about the policy say.

crate::words::words! {
    /// What the pages about the policy say.
    Policies {
        holds: "Version {} holds, with the profile {}.", "Version {} gilt, mit dem Profil {}.";
        since: "Since", "Seit";
        by: "by {}", "von {}";
        shipped: "as it ships", "wie ausgeliefert";
        now_holds: "Version {} holds from now on, on every node, for sign-ins that begin from here on.", "Version {} gilt ab jetzt, auf jedem Knoten, für Anmeldungen, die ab hier beginnen.";
        closed: "The rules of version {} cannot be read, so nobody is let in. Put others in their place: edit them below, or let an earlier version hold again.", "Die Regeln von Version {} sind nicht lesbar, darum wird niemand eingelassen. Setzen Sie andere an ihre Stelle: Bearbeiten Sie sie, oder lassen Sie eine frühere Version wieder gelten.";
        edit: "Edit the rules", "Regeln bearbeiten";
        why: "Why was that?", "Warum war das so?";
        rules: "The rules", "Die Regeln";
        rules_lead: "They are read from the top. The first that matches decides, and no later one is read.", "Sie werden von oben gelesen. Die erste, die passt, entscheidet, und keine spätere wird gelesen.";
        place: "No.", "Nr.";
        rule: "Rule", "Regel";
        when: "When", "Wenn";
        and: "and", "und";
        then: "Then the person", "Dann: die Person";
        warnings: "What looks like a mistake", "Was nach einem Irrtum aussieht";
        reports: "Rules that only report", "Regeln, die nur melden";
        reports_lead: "Over the last 7 days, and at most over the latest {} events of each kind with which sign-ins begin. {} sign-ins were looked at.", "Über die letzten 7 Tage, und höchstens über die letzten {} Ereignisse jeder Art, mit der Anmeldungen beginnen. {} Anmeldungen wurden angesehen.";
        reports_from: "There were more than that. All are looked at since", "Es waren mehr. Alle sind angesehen seit";
        reports_none: "No rule only reports now. Add report_only = true to a new rule, and this page says what it would have done before you let it decide.", "Keine Regel meldet gerade nur. Schreiben Sie report_only = true in eine neue Regel, und diese Seite sagt, was sie getan hätte, bevor Sie sie entscheiden lassen.";
        matched: "Matched", "Passte";
        otherwise: "Would have decided otherwise", "Hätte anders entschieden";
        same: "The same decision", "Dieselbe Entscheidung";
        same_hint: "Where both ask, digits and ways may still differ: Explain says it.", "Wo beide fragen, können Stellen und Wege sich noch unterscheiden: Erklären sagt es.";
        examples: "The latest", "Die letzten";
        time: "Time", "Zeit";
        person: "Person", "Person";
        gateway: "Gateway", "Gateway";
        would_have: "It would have said", "Sie hätte gesagt";
        was: "What was decided", "Was entschieden wurde";
        explain: "Explain", "Erklären";
        explain_of: "Explain the sign-in of {}", "Die Anmeldung von {} erklären";
        ask: "ask", "fragen";
        allow: "let in", "einlassen";
        deny: "refuse", "ablehnen";
        history: "History", "Verlauf";
        version: "Version", "Version";
        changed: "Changed", "Geändert";
        who: "By", "Von";
        comment: "Comment", "Kommentar";
        what_changed: "What it changed", "Was sie geändert hat";
        changes_of: "{} changes", "{} Änderungen";
        change_of: "1 change", "1 Änderung";
        no_change: "nothing", "nichts";
        look: "Version {}", "Version {}";
        earlier: "Earlier versions", "Frühere Versionen";
        latest: "The latest versions", "Die neuesten Versionen";
        version_title: "Version {} of the policy", "Version {} der Regeln";
        version_holds: "This is the version that holds.", "Das ist die Version, die gilt.";
        profile: "Profile", "Profil";
        roll_back: "Let this version hold again", "Diese Version wieder gelten lassen";
        roll_back_why: "A new version with these rules and this profile takes the place of version {}, at once and on every node, for sign-ins that begin from then on. Nothing is taken out of the history.", "Eine neue Version mit diesen Regeln und diesem Profil tritt an die Stelle von Version {}, sofort und auf jedem Knoten, für Anmeldungen, die ab dann beginnen. Aus dem Verlauf wird nichts entfernt.";
        roll_back_changes: "What that changes", "Was das ändert";
        roll_back_nothing: "It changes nothing: the rules that hold are the same.", "Es ändert nichts: Die geltenden Regeln sind dieselben.";
        comment_hint: "Why. At most 64 characters; it stays in the history.", "Warum. Höchstens 64 Zeichen; er bleibt im Verlauf.";
        comment_fault: "At most 64 characters and 128 bytes, please.", "Bitte höchstens 64 Zeichen und 128 Bytes.";
        stale: "Version {} holds by now. Look at it before you go on.", "Inzwischen gilt Version {}. Sehen Sie sie sich an, bevor Sie weitermachen.";
        must_not_hold: "These rules must not hold.", "Diese Regeln dürfen nicht gelten.";
        mark_new: "new", "neu";
        mark_gone: "gone", "entfällt";
        mark_changed: "changed", "geändert";
        mark_order: "order", "Reihenfolge";
        mark_profile: "profile", "Profil";
        before: "before", "vorher";
        after: "after", "nachher";
        same_meaning: "It is written otherwise, and means the same.", "Sie ist anders geschrieben und bedeutet dasselbe.";
    }
}
