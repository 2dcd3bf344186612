//! What every page of the console and the portal says around what it is about.

super::words! {
    /// What every page of the console and the portal says around what it is about.
    Shell {
        console: "Console", "Konsole";
        portal: "My sign-in", "Meine Anmeldung";
        skip: "Skip to the content", "Zum Inhalt springen";
        sections: "Sections", "Bereiche";
        sign_out: "Sign out", "Abmelden";
        overview: "Overview", "Überblick";
        sign_ins: "Sign-ins", "Anmeldungen";
        people: "People", "Personen";
        gateways: "Gateways", "Gateways";
        policy: "Policy", "Regeln";
        audit: "Audit", "Protokoll";
        settings: "Settings", "Einstellungen";
        role_admin: "administrator", "Administrator";
        role_helpdesk: "helpdesk", "Helpdesk";
        role_auditor: "auditor", "Revision";
        none: "none", "keine";
        back: "Back", "Zurück";
        cancel: "Cancel", "Abbrechen";
        next: "Next page", "Nächste Seite";
        search: "Search", "Suchen";
        reason: "Reason", "Grund";
        reason_hint: "Who called, how you knew the person, what happened. It stays in the audit log.", "Wer anrief, woran Sie die Person erkannt haben, was geschehen ist. Es bleibt im Protokoll.";
        never: "never", "nie";
        yes: "yes", "ja";
        no: "no", "nein";
        refused_title: "That did not work", "Das ging nicht";
        refused_code: "For the helpdesk: {}", "Für den Helpdesk: {}";
        not_found: "There is no such page, or nothing of that name.", "Diese Seite oder etwas dieses Namens gibt es nicht.";
        not_found_then: "It may have been removed meanwhile. Go back and look again.", "Vielleicht wurde es inzwischen entfernt. Gehen Sie zurück und sehen Sie noch einmal nach.";
        role_refused: "Your role does not allow this.", "Ihre Rolle erlaubt das nicht.";
        role_refused_then: "Nothing was changed. An administrator can do it.", "Nichts wurde geändert. Ein Administrator kann es tun.";
        own_account: "Nobody does this to his own account.", "Das tut niemand am eigenen Konto.";
        own_account_then: "Nothing was changed. Ask a colleague. Your own phones are in your portal.", "Nichts wurde geändert. Bitten Sie eine Kollegin oder einen Kollegen. Ihre eigenen Telefone finden Sie im Portal.";
        cross_site: "This form did not come from a page of yours.", "Dieses Formular kam nicht von einer Ihrer Seiten.";
        cross_site_then: "Nothing was changed. Open the page anew and try again. If a link brought you here, tell the helpdesk.", "Nichts wurde geändert. Öffnen Sie die Seite neu und versuchen Sie es noch einmal. Hat ein Link Sie hergebracht, sagen Sie es dem Helpdesk.";
        over: "Your visit is over.", "Ihre Sitzung ist zu Ende.";
        over_then: "Nothing was changed. Sign in again.", "Nichts wurde geändert. Melden Sie sich wieder an.";
        locked: "The account is locked.", "Das Konto ist gesperrt.";
        locked_then: "Nothing was changed. The helpdesk can unlock it.", "Nichts wurde geändert. Der Helpdesk kann es entsperren.";
        wrong_code: "That code was not right.", "Dieser Code war nicht richtig.";
        wrong_code_then: "Look at it again and type the one that is shown now.", "Sehen Sie noch einmal nach und geben Sie den ein, der jetzt angezeigt wird.";
        wait: "Too much was tried of late.", "Es wurde zuletzt zu viel versucht.";
        wait_then: "Nothing was changed. Wait a minute and try again.", "Nichts wurde geändert. Warten Sie eine Minute und versuchen Sie es noch einmal.";
        broken: "The server could not do it.", "Der Server konnte es nicht tun.";
        broken_then: "Nothing was decided. Try again in a moment; the server's log tells more.", "Nichts wurde entschieden. Versuchen Sie es gleich noch einmal; mehr steht im Log des Servers.";
        invalid: "Something in the form is not right.", "Etwas im Formular stimmt nicht.";
        invalid_then: "Nothing was changed. Go back; what you typed is still there.", "Nichts wurde geändert. Gehen Sie zurück; Ihre Eingaben stehen noch da.";
    }
}
