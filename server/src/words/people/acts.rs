//! What is asked before something is done for a person, what is said when it is done, and what was wrong with it.

crate::words::words! {
    /// What is asked before something is done for a person, what is said when it is done, and what was wrong with it.
    Acts {
        pass: "Give {} a pass", "{} einen Pass geben";
        pass_what: "It stands in for the phone. It is of no use without the password. An earlier pass is void from then on.", "Er ersetzt das Telefon. Ohne das Passwort nützt er nichts. Ein früherer Pass gilt von da an nicht mehr.";
        pass_life: "For how long", "Wie lange";
        hours: "{} hours", "{} Stunden";
        hour: "1 hour", "1 Stunde";
        until_then: "until a time that I say below", "bis zu einer Zeit, die ich unten nenne";
        until: "Until (UTC)", "Bis (UTC)";
        until_local: "Until (your time)", "Bis (Ihre Zeit)";
        until_hint: "Only where you chose that above. At most 30 days from now.", "Nur wenn Sie das oben gewählt haben. Höchstens 30 Tage ab jetzt.";
        uses: "For how many sign-ins", "Für wie viele Anmeldungen";
        pass_uses_hint: "A day's work with breaks is several.", "Ein Arbeitstag mit Pausen braucht mehrere.";
        pass_do: "Make the pass", "Pass erstellen";

        lock: "Lock {}", "{} sperren";
        lock_what: "{} cannot sign in any more, on any phone or with any code, until somebody unlocks. Open sign-ins end now.", "{} kann sich nicht mehr anmelden, mit keinem Telefon und keinem Code, bis jemand entsperrt. Offene Anmeldungen enden jetzt.";
        lock_do: "Lock", "Sperren";
        unlock: "Unlock {}", "{} entsperren";
        unlock_what: "Failures are forgotten, and {} can sign in again with what is listed on the page before. Do not unlock when the failures were not {}'s own.", "Fehlversuche werden vergessen, und {} kann sich mit dem wieder anmelden, was auf der Seite davor steht. Entsperren Sie nicht, wenn die Fehlversuche nicht von {} kamen.";
        unlock_do: "Unlock", "Entsperren";

        codes: "Make recovery codes for {}", "Notfallcodes für {} erstellen";
        codes_what: "Ten codes on paper; each works once in place of the phone. Earlier ones are void from then on.", "Zehn Codes auf Papier; jeder ersetzt das Telefon einmal. Frühere gelten von da an nicht mehr.";
        codes_do: "Make the codes", "Codes erstellen";

        app: "Add an authenticator app for {}", "Authenticator-App für {} hinzufügen";
        app_what: "The next page shows a code to scan, once. It works after six digits of the app were typed there.", "Die nächste Seite zeigt einmal einen Code zum Einlesen. Die App gilt, sobald dort sechs Ziffern von ihr eingegeben wurden.";
        app_name: "What the app is called", "Wie die App heißt";
        app_name_hint: "So that everybody knows which one it is. It may stay empty.", "Damit alle wissen, welche es ist. Es darf leer bleiben.";
        app_do: "Show the code", "Code zeigen";
        confirm_app: "Confirm the app of {}", "App von {} bestätigen";
        confirm_app_what: "Type the six digits that the app shows now. The fifth wrong code ends it.", "Geben Sie die sechs Ziffern ein, die die App jetzt zeigt. Der fünfte falsche Code beendet es.";
        confirm_phone: "Confirm the phone of {}", "Telefon von {} bestätigen";
        confirm_phone_what: "Type the six digits that the phone shows. The third wrong try removes the phone.", "Geben Sie die sechs Ziffern ein, die das Telefon zeigt. Der dritte falsche Versuch entfernt das Telefon.";
        code: "Six digits", "Sechs Ziffern";
        confirm_do: "Confirm", "Bestätigen";

        bypass: "Let {} in without a phone for a while", "{} eine Weile ohne Telefon einlassen";
        bypass_what: "The password alone opens the desktop of {} until then: whoever has it is in. A pass is better, where the person can type one.", "Bis dahin öffnet das Passwort allein den Desktop von {}: Wer es hat, ist drin. Ein Pass ist besser, wo die Person einen eingeben kann.";
        bypass_uses_hint: "Empty: as many as there are until then.", "Leer: so viele, wie es bis dahin sind.";
        bypass_do: "Let in without a phone", "Ohne Telefon einlassen";

        disable: "Disable {}", "{} ausschalten";
        disable_what: "{} cannot sign in any more, and open sign-ins end now. Only an administrator can enable the account again.", "{} kann sich nicht mehr anmelden, und offene Anmeldungen enden jetzt. Nur ein Administrator kann das Konto wieder einschalten.";
        disable_do: "Disable", "Ausschalten";
        enable: "Enable {}", "{} einschalten";
        enable_what: "{} can sign in again with everything that is listed on the page before.", "{} kann sich wieder mit allem anmelden, was auf der Seite davor steht.";
        enable_do: "Enable", "Einschalten";
        delete: "Delete {}", "{} löschen";
        delete_what: "The account goes with all its phones and codes, and open sign-ins end now. This cannot be undone; the audit log stays.", "Das Konto wird mit allen Telefonen und Codes gelöscht, und offene Anmeldungen enden jetzt. Das lässt sich nicht zurücknehmen; das Protokoll bleibt.";
        delete_do: "Delete", "Löschen";

        change: "Change {}", "{} ändern";
        change_what: "What policy does may change with the groups. Who comes into a protected group loses a pass and exceptions.", "Mit den Gruppen kann sich ändern, was Regeln tun. Wer in eine geschützte Gruppe kommt, verliert Pass und Ausnahmen.";
        change_do: "Save", "Speichern";
        role: "What {} may do here", "Was {} hier darf";
        role_phones: "These phones open the console from then on: {}. First ask which of them this person knows, and remove the others.", "Diese Telefone öffnen von da an die Konsole: {}. Fragen Sie zuerst, welche davon die Person kennt, und entfernen Sie die anderen.";
        role_what: "Whoever has a role signs in at this console by phone, and is managed by administrators alone. A pass and exceptions are void from then on.", "Wer eine Rolle hat, meldet sich mit dem Telefon an dieser Konsole an und wird nur von Administratoren verwaltet. Pass und Ausnahmen gelten von da an nicht mehr.";
        role_label: "Role", "Rolle";
        role_none: "none: manages nobody", "keine: verwaltet niemanden";
        role_helpdesk: "helpdesk: people and their phones, but for protected ones", "Helpdesk: Personen und ihre Telefone, außer geschützte";
        role_auditor: "auditor: reads the audit log, changes nothing", "Revision: liest das Protokoll, ändert nichts";
        role_admin: "administrator: everything", "Administrator: alles";
        role_do: "Set the role", "Rolle setzen";

        remove: "Remove {}", "{} entfernen";
        remove_phone_what: "The phone of {} is refused from now on. It gets a last notice.", "Das Telefon von {} wird von nun an abgewiesen. Es bekommt eine letzte Nachricht.";
        remove_what: "It is refused from now on, and {} cannot sign in with it any more.", "Es wird von nun an abgewiesen; {} kann sich damit nicht mehr anmelden.";
        remove_last: "Nothing else is left for {} to sign in with.", "Danach bleibt {} nichts mehr zum Anmelden.";
        remove_bypass: "Remove the exception of {}", "Ausnahme von {} entfernen";
        remove_bypass_what: "{} is asked for a second factor again.", "{} wird wieder nach einem zweiten Faktor gefragt.";
        remove_browser: "Remove a browser of {}", "Browser von {} entfernen";
        remove_browser_what: "The sign-in page does not know this browser any more. If the computer was lost, change the password too.", "Die Anmeldeseite kennt diesen Browser nicht mehr. Ging der Computer verloren, ändern Sie auch das Passwort.";
        remove_do: "Remove", "Entfernen";

        done_added: "{} is added. Next, the phone: enroll it, or invite the person to the portal.", "{} ist hinzugefügt. Als Nächstes das Telefon: Richten Sie es ein, oder laden Sie die Person ins Portal ein.";
        done_phone_removed: "The phone is removed and refused from now on. If it was stolen unlocked, lock {} and look at what is left below: whoever held it may have added some of it.", "Das Telefon ist entfernt und wird von nun an abgewiesen. Wurde es entsperrt gestohlen, sperren Sie {} und sehen Sie unten nach, was übrig ist: Wer es hatte, kann etwas davon hinzugefügt haben.";
        done_removed: "It is removed and refused from now on.", "Es ist entfernt und wird von nun an abgewiesen.";
        done_bypass_removed: "The exception is gone: {} is asked for a second factor again.", "Die Ausnahme ist weg: {} wird wieder nach einem zweiten Faktor gefragt.";
        done_browser_removed: "The browser is not known any more.", "Der Browser ist nicht mehr bekannt.";
        done_locked: "{} is locked; open sign-ins have ended.", "{} ist gesperrt; offene Anmeldungen sind beendet.";
        done_unlocked: "{} is unlocked, and failures are forgotten.", "{} ist entsperrt, und Fehlversuche sind vergessen.";
        done_not_locked: "{} was not locked and had no failures; a sleeping account is awake now.", "{} war nicht gesperrt und hatte keine Fehlversuche; ein ruhendes Konto ist jetzt wach.";
        done_disabled: "{} is disabled; open sign-ins have ended.", "{} ist ausgeschaltet; offene Anmeldungen sind beendet.";
        done_enabled: "{} is active again.", "{} ist wieder aktiv.";
        done_deleted: "The account is deleted, with its phones and codes.", "Das Konto ist gelöscht, mit seinen Telefonen und Codes.";
        done_changed: "Saved.", "Gespeichert.";
        done_role: "The role is set.", "Die Rolle ist gesetzt.";
        done_bypass: "{} passes without a phone until the time below. Remove it as soon as nobody needs it.", "{} kommt bis zur Zeit unten ohne Telefon hinein. Entfernen Sie es, sobald niemand es braucht.";
        done_confirmed: "It is confirmed, and works from now on.", "Es ist bestätigt und gilt von nun an.";

        fault_reason: "Give a reason of at most 64 characters, with a letter or a digit in it.", "Nennen Sie einen Grund mit höchstens 64 Zeichen, darin ein Buchstabe oder eine Ziffer.";
        fault_user_name: "That can be nobody's user name: letters, digits and . _ - $ ' are allowed, and a domain that is set up.", "So kann niemand heißen: Erlaubt sind Buchstaben, Ziffern und . _ - $ ', und eine eingerichtete Domäne.";
        fault_there: "Somebody of this name is here already.", "Jemand mit diesem Namen ist schon da.";
        fault_text: "At most 64 characters, and not empty where there was something.", "Höchstens 64 Zeichen, und nicht leer, wo etwas stand.";
        fault_email: "That is no e-mail address of at most 254 characters; and one that is there cannot be emptied.", "Das ist keine E-Mail-Adresse mit höchstens 254 Zeichen; und eine vorhandene lässt sich nicht leeren.";
        fault_groups: "At most 64 groups, each of at most 64 characters.", "Höchstens 64 Gruppen, jede mit höchstens 64 Zeichen.";
        fault_until: "Choose a time that is still to come, at most 30 days from now.", "Wählen Sie eine Zeit, die noch kommt, höchstens 30 Tage ab jetzt.";
        fault_uses: "A whole number from 1 to 1000.", "Eine ganze Zahl von 1 bis 1000.";
        fault_code: "That code is not the one that is shown now. Type the next one.", "Dieser Code ist nicht der, der jetzt gezeigt wird. Geben Sie den nächsten ein.";
        fault_gone: "That was one wrong code too many, and it is removed. Begin anew.", "Das war ein falscher Code zu viel, und es ist entfernt. Beginnen Sie von vorn.";
        fault_many: "There are as many of these as are allowed. Remove one first.", "Es gibt schon so viele davon, wie erlaubt sind. Entfernen Sie zuerst etwas.";
        fault_confirmed: "It was confirmed before, and works.", "Es wurde schon bestätigt und gilt.";
        fault_choice: "Choose one of these.", "Wählen Sie eines davon.";
    }
}
