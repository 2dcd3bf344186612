//! What the pages say that show something once.

crate::words::words! {
    /// What the pages say that show something once.
    Once {
        only_now: "It is shown only now.", "Es wird nur jetzt gezeigt.";
        print: "Print", "Drucken";
        copy: "Copy the link", "Link kopieren";
        copied: "Copied", "Kopiert";
        link: "The link", "Der Link";
        qr: "The link as a QR code", "Der Link als QR-Code";
        done: "Done, back to {}", "Fertig, zurück zu {}";
        done_me: "Done", "Fertig";
        works_until: "It works once, until", "Er gilt einmal, bis";
        shut_disabled: "{} is disabled, and cannot sign in before an administrator enables the account.", "{} ist ausgeschaltet und kann sich nicht anmelden, bevor ein Administrator das Konto einschaltet.";
        shut_locked: "{} is locked, and cannot sign in before somebody unlocks.", "{} ist gesperrt und kann sich nicht anmelden, bevor jemand entsperrt.";
        shut_dormant: "{} is dormant: the next sign-in locks the account. Wake it first.", "{} ruht: Die nächste Anmeldung sperrt das Konto. Wecken Sie es zuerst.";

        enroll: "Enroll a phone of {}", "Ein Telefon von {} einrichten";
        enroll_me: "Enroll your phone", "Ihr Telefon einrichten";
        enroll_lead: "Whoever scans this becomes {}'s phone: show it to nobody else.", "Wer das einliest, wird zum Telefon von {}: Zeigen Sie es sonst niemandem.";
        enroll_lead_me: "Whoever scans this becomes your phone: show it to nobody.", "Wer das einliest, wird zu Ihrem Telefon: Zeigen Sie es niemandem.";
        enroll_step_1: "Open the camera of the phone and hold it over this code. Or open the link on the phone.", "Öffnen Sie die Kamera des Telefons und halten Sie es über diesen Code. Oder öffnen Sie den Link auf dem Telefon.";
        enroll_step_2: "On an iPhone, put the page on the Home Screen as it says there, open it from there, and scan once more.", "Auf einem iPhone legen Sie die Seite auf den Home-Bildschirm, wie es dort steht, öffnen sie von dort und lesen den Code noch einmal ein.";
        enroll_step_3: "Press \"Add this phone\" and allow notifications. If the phone shows six digits, they are typed here.", "Drücken Sie „Telefon hinzufügen“ und erlauben Sie Mitteilungen. Zeigt das Telefon sechs Ziffern, werden sie hier eingegeben.";
        enroll_me_then: "When the phone says that it is ready, press the button. From then on it lets you in here.", "Wenn das Telefon sagt, dass es bereit ist, drücken Sie den Knopf. Von da an lässt es Sie hier ein.";

        pass: "The pass of {}", "Der Pass von {}";
        pass_spelled: "Spelled", "Buchstabiert";
        pass_until: "It works until", "Er gilt bis";
        pass_once: "for one sign-in", "für eine Anmeldung";
        pass_times: "for {} sign-ins", "für {} Anmeldungen";
        pass_tell: "Tell it to nobody but {}. Capitals, blanks and hyphens do not matter.", "Sagen Sie ihn niemandem außer {}. Großschreibung, Leerzeichen und Bindestriche sind gleichgültig.";
        pass_say: "Say this, in this order", "Sagen Sie das, in dieser Reihenfolge";
        pass_step_1: "Open the sign-in page on your PC and type your user name. Do not start the desktop yet.", "Öffnen Sie am PC die Anmeldeseite und geben Sie Ihren Benutzernamen ein. Starten Sie den Desktop noch nicht.";
        pass_step_2: "Press \"Use a backup code\", type the pass, press \"Use this code\".", "Drücken Sie „Ersatzcode benutzen“, geben Sie den Pass ein, drücken Sie „Diesen Code benutzen“.";
        pass_step_3: "Start your desktop within one minute, with your password as always.", "Starten Sie innerhalb einer Minute den Desktop, mit Ihrem Passwort wie immer.";

        codes: "The recovery codes of {}", "Die Notfallcodes von {}";
        codes_lead: "Each works once in place of the phone. Keep them on paper, away from the PC.", "Jeder ersetzt das Telefon einmal. Bewahren Sie sie auf Papier auf, nicht beim PC.";
        codes_void: "Earlier codes are void.", "Frühere Codes gelten nicht mehr.";
        codes_made: "Made", "Erstellt";

        app: "Set up the app of {}", "App von {} einrichten";
        app_lead: "Scan this with the authenticator app, or type the secret there.", "Lesen Sie das mit der Authenticator-App ein, oder geben Sie dort das Geheimnis ein.";
        app_secret: "Secret", "Geheimnis";
        app_terms: "6 digits, 30 seconds, SHA-1", "6 Ziffern, 30 Sekunden, SHA-1";
        app_qr: "The secret as a QR code", "Das Geheimnis als QR-Code";
        app_link: "As a link, for an app on a PC", "Als Link, für eine App am PC";
        app_confirm: "Then type the six digits that the app shows", "Dann geben Sie die sechs Ziffern ein, die die App zeigt";

        invited: "An invitation for {}", "Eine Einladung für {}";
        invited_lead: "It lets {} into the portal once, without a phone. Hand it over in person or where only {} reads.", "Sie lässt {} einmal ohne Telefon ins Portal. Übergeben Sie sie persönlich oder dort, wo nur {} liest.";
        sheet: "For {}", "Für {}";
        sheet_lead: "With your phone you prove from now on that it is you who signs in. Set it up like this; it takes five minutes.", "Mit Ihrem Telefon zeigen Sie von nun an, dass Sie es sind, der sich anmeldet. Richten Sie es so ein; es dauert fünf Minuten.";
        sheet_step_1: "Open this link on your PC, or scan the code with your phone. Press \"Come in\".", "Öffnen Sie diesen Link am PC, oder lesen Sie den Code mit dem Telefon ein. Drücken Sie „Eintreten“.";
        sheet_step_2: "Press \"Add your phone\" and follow the page.", "Drücken Sie „Ihr Telefon hinzufügen“ und folgen Sie der Seite.";
        sheet_step_3: "Make recovery codes and keep them on paper: they help when the phone is lost.", "Erstellen Sie Notfallcodes und bewahren Sie sie auf Papier auf: Sie helfen, wenn das Telefon verloren geht.";
        sheet_end: "The link works once, until", "Der Link gilt einmal, bis";
        sheet_help: "Nobody from the helpdesk ever asks for your password, for a number on a screen or for a code.", "Niemand vom Helpdesk fragt je nach Ihrem Passwort, nach einer Zahl auf einem Bildschirm oder nach einem Code.";
    }
}
