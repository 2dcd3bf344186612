//! What the portal says: at home, about phones, and about what else somebody signs in with.

super::words! {
    /// What the portal says at home.
    Portal {
        hello: "Hello, {}", "Guten Tag, {}";
        lead: "Here you look after what you sign in with.", "Hier verwalten Sie, womit Sie sich anmelden.";
        protected: "Administrators look after your account. Here you can look, and give your phones other names; for anything else, ask an administrator.", "Ihr Konto verwalten Administratoren. Hier können Sie nachsehen und Ihre Telefone umbenennen; alles andere erledigt ein Administrator.";

        next_phone_title: "Next: add your phone", "Als Nächstes: Telefon hinzufügen";
        next_phone: "You sign in by typing on your phone a number that the screen shows. For that it has to be known here. It takes two minutes.", "Bei der Anmeldung geben Sie auf Ihrem Telefon eine Zahl ein, die der Bildschirm zeigt. Dafür muss es hier bekannt sein. Es dauert zwei Minuten.";
        next_confirm_title: "Next: confirm your new phone", "Als Nächstes: neues Telefon bestätigen";
        next_confirm: "It shows six digits, and is asked for nothing before they were compared.", "Es zeigt sechs Ziffern und wird nach nichts gefragt, bevor sie verglichen sind.";
        next_codes_title: "Next: make recovery codes", "Als Nächstes: Notfallcodes erstellen";
        next_codes: "They let you in when your phone is lost, broken or empty. Without them you have to call the helpdesk then.", "Damit kommen Sie hinein, wenn Ihr Telefon weg, kaputt oder leer ist. Ohne sie müssen Sie dann den Helpdesk anrufen.";
        next_nothing_title: "All is ready", "Alles ist bereit";
        next_nothing: "You have a phone, and a way in if it is lost. There is nothing to do.", "Sie haben ein Telefon, und einen Weg hinein, falls es verloren geht. Es ist nichts zu tun.";

        phones: "Phones", "Telefone";
        no_phones: "You have none yet.", "Sie haben noch keines.";
        add_phone: "Add a phone", "Telefon hinzufügen";
        add_first_phone: "Add your phone", "Ihr Telefon hinzufügen";
        phones_full: "You have {} phones, which is as many as are allowed. Remove one before you add another one.", "Sie haben {} Telefone, mehr sind nicht erlaubt. Entfernen Sie eines, bevor Sie ein weiteres hinzufügen.";
        is_active: "is asked", "wird gefragt";
        is_waiting: "waits to be confirmed", "wartet auf Bestätigung";
        let_you_in: "let you in here", "hat Sie hier eingelassen";
        added: "Added", "Hinzugefügt";
        last_used: "Last used", "Zuletzt benutzt";
        never_used: "not yet", "noch nicht";
        rings: "Notifications", "Benachrichtigungen";
        rings_yes: "on", "an";
        rings_no: "off: open the app when you sign in", "aus: Öffnen Sie die App, wenn Sie sich anmelden";
        rename: "Give it another name", "Umbenennen";
        new_name: "Name", "Name";
        keep_name: "Keep this name", "Namen speichern";
        remove_phone: "Remove this phone", "Dieses Telefon entfernen";
        remove_phone_what: "It is not asked any more from this moment on, and what it has approved and nobody has used yet is refused. Your other phones are told.", "Es wird ab sofort nicht mehr gefragt, und was es erlaubt hat und noch niemand benutzt hat, wird abgelehnt. Ihre anderen Telefone erfahren es.";
        ends_visit: "It let you in here, so this visit ends with it.", "Damit sind Sie hier hereingekommen, also endet auch diese Sitzung.";
        remove_last: "Nothing is left then that you sign in with: you need the helpdesk to come in again.", "Danach haben Sie nichts mehr, womit Sie sich anmelden: Sie brauchen dann den Helpdesk.";
        remove_now: "Remove it", "Entfernen";
        confirm_digits: "The six digits that it shows", "Die sechs Ziffern, die es zeigt";
        confirm_digits_hint: "The third wrong try removes the phone.", "Beim dritten falschen Versuch wird das Telefon entfernt.";
        confirm_now: "Confirm this phone", "Dieses Telefon bestätigen";
        confirm_helpdesk: "The helpdesk confirms it: call there and read the six digits that it shows. Here somebody confirms a phone who came in by another phone of his.", "Der Helpdesk bestätigt es: Rufen Sie dort an und lesen Sie die sechs Ziffern vor, die es zeigt. Hier bestätigt ein Telefon, wer mit einem anderen seiner Telefone hereingekommen ist.";

        backups: "If your phone is not at hand", "Wenn Ihr Telefon nicht zur Hand ist";
        codes: "Recovery codes", "Notfallcodes";
        codes_what: "Ten codes on paper. Each works once, in place of your phone.", "Zehn Codes auf Papier. Jeder gilt einmal, anstelle Ihres Telefons.";
        codes_left: "{} of 10 are left", "{} von 10 sind übrig";
        no_codes: "You have none.", "Sie haben keine.";
        codes_made: "Made", "Erstellt";
        make_codes: "Make recovery codes", "Notfallcodes erstellen";
        make_codes_anew: "Make new ones", "Neue erstellen";
        codes_replace: "The ones that you have now stop working.", "Die bisherigen gelten dann nicht mehr.";
        remove_codes: "Remove the codes", "Codes entfernen";
        remove_codes_what: "None of them works any more from this moment on. Your phones are told.", "Ab sofort gilt keiner mehr davon. Ihre Telefone erfahren es.";
        apps: "Authenticator apps", "Authenticator-Apps";
        apps_what: "An app or a small device that shows six digits. They do in place of your phone where a sign-in asks for a code, but not here.", "Eine App oder ein kleines Gerät, das sechs Ziffern zeigt. Sie gelten anstelle Ihres Telefons, wo eine Anmeldung nach einem Code fragt, aber nicht hier.";
        no_apps: "You have none. With a phone and recovery codes you need none.", "Sie haben keine. Mit Telefon und Notfallcodes brauchen Sie keine.";
        app_unnamed: "Authenticator app", "Authenticator-App";
        app_active: "shows codes", "zeigt Codes";
        app_waiting: "waits to be confirmed", "wartet auf Bestätigung";
        app_unreadable: "does not work any more", "funktioniert nicht mehr";
        add_app: "Add an authenticator app", "Authenticator-App hinzufügen";
        app_name: "What you call it", "Wie Sie sie nennen";
        app_name_hint: "Such as the phone that it is on. You may leave it empty.", "Etwa das Telefon, auf dem sie läuft. Das Feld darf leer bleiben.";
        app_digits: "The six digits that it shows now", "Die sechs Ziffern, die sie jetzt zeigt";
        app_confirm: "Confirm the app", "App bestätigen";
        app_lost: "You do not see its picture any more? Add the app anew; that takes the place of this one.", "Sie sehen das Bild nicht mehr? Fügen Sie die App neu hinzu; das ersetzt diese hier.";
        remove_app: "Remove it", "Entfernen";
        remove_app_what: "Its codes do not work any more from this moment on. Your phones are told.", "Ihre Codes gelten ab sofort nicht mehr. Ihre Telefone erfahren es.";
        pass: "Pass of the helpdesk", "Pass des Helpdesks";
        pass_works: "works", "gilt";
        pass_not_yet: "does not work yet", "gilt noch nicht";
        pass_over: "does not work any more", "gilt nicht mehr";
        pass_left: "Sign-ins left", "Noch übrige Anmeldungen";
        pass_from: "From", "Ab";
        pass_until: "Until", "Bis";
        end_pass: "End the pass", "Pass beenden";
        end_pass_what: "It does not work any more from this moment on. Your phones are told. Do it when your new phone works.", "Er gilt ab sofort nicht mehr. Ihre Telefone erfahren es. Beenden Sie ihn, sobald Ihr neues Telefon funktioniert.";

        done_phone: "The phone is added.", "Das Telefon ist hinzugefügt.";
        done_renamed: "The phone has its new name.", "Das Telefon hat seinen neuen Namen.";
        done_phone_removed: "The phone is removed. It is not asked any more.", "Das Telefon ist entfernt. Es wird nicht mehr gefragt.";
        done_confirmed: "The phone is confirmed. It is asked from now on.", "Das Telefon ist bestätigt. Es wird ab jetzt gefragt.";
        done_app: "The app is confirmed. Its codes work from now on.", "Die App ist bestätigt. Ihre Codes gelten ab jetzt.";
        done_removed: "It is removed, and does not work any more.", "Das ist entfernt und gilt nicht mehr.";
        fault_locked: "Your account is locked, so nothing was changed. Call the helpdesk.", "Ihr Konto ist gesperrt, darum wurde nichts geändert. Rufen Sie den Helpdesk an.";
        fault_protected: "Administrators look after your account, so nothing was changed. Ask one of them.", "Ihr Konto verwalten Administratoren, darum wurde nichts geändert. Fragen Sie dort.";
        fault_too_often: "Much was changed of late, or the server has much to do, so nothing was changed now. Try again in ten minutes. If it was not you who changed so much, call the helpdesk.", "Es wurde zuletzt viel geändert, oder der Server hat viel zu tun, darum wurde jetzt nichts geändert. Versuchen Sie es in zehn Minuten noch einmal. Waren das nicht Sie, rufen Sie den Helpdesk an.";
        fault_too_many: "You have as many of these as are allowed, so nothing was added. Remove one first.", "Sie haben schon so viele davon, wie erlaubt sind. Entfernen Sie zuerst eines.";
        fault_name: "A name has 1 to 64 characters.", "Ein Name hat 1 bis 64 Zeichen.";
        fault_wrong_code: "That was not the code that is shown now. Look again and type the one that you see.", "Das war nicht der Code, der jetzt angezeigt wird. Sehen Sie noch einmal nach und geben Sie ihn ein.";
        fault_wrong_last: "That was not the code, and it was the last try: it is removed. Add it anew.", "Das war nicht der Code, und es war der letzte Versuch: Es ist entfernt. Fügen Sie es neu hinzu.";
        fault_confirmed: "It was confirmed before. There is nothing more to do.", "Das war schon bestätigt. Es ist nichts mehr zu tun.";
    }
}

super::words! {
    /// What the portal says while something is made, and shows once.
    Making {
        phone_title: "Add a phone", "Telefon hinzufügen";
        phone_step_scan: "Point the camera of the phone at this picture, and open the link that appears.", "Richten Sie die Kamera des Telefons auf dieses Bild und öffnen Sie den Link, der erscheint.";
        phone_step_follow: "Do what the phone says. It takes a minute.", "Folgen Sie dem Telefon. Es dauert eine Minute.";
        phone_step_back: "Come back here.", "Kommen Sie hierher zurück.";
        phone_picture: "A picture to scan with the phone", "Ein Bild zum Scannen mit dem Telefon";
        phone_until: "It works once, until", "Es gilt einmal, bis";
        phone_tell: "Whoever opens it becomes your phone: show it to nobody, and send it to nobody.", "Wer es öffnet, wird Ihr Telefon: Zeigen und senden Sie es niemandem.";
        phone_here: "Are you reading this on the phone itself?", "Lesen Sie das auf dem Telefon selbst?";
        phone_link: "The link itself", "Der Link selbst";
        phone_open: "Open it on this phone", "Auf diesem Telefon öffnen";
        phone_waiting: "Waiting for your phone", "Warten auf Ihr Telefon";
        phone_done: "My phone is ready", "Mein Telefon ist bereit";
        phone_confirm_own: "Then your phone shows six digits. Type them on the next page.", "Danach zeigt Ihr Telefon sechs Ziffern. Geben Sie sie auf der nächsten Seite ein.";
        phone_confirm_helpdesk: "Then your phone shows six digits. Read them to the helpdesk; before that it is not asked.", "Danach zeigt Ihr Telefon sechs Ziffern. Lesen Sie sie dem Helpdesk vor; vorher wird es nicht gefragt.";

        app_title: "Add an authenticator app", "Authenticator-App hinzufügen";
        app_step_scan: "Scan this picture with the app, or type the secret there.", "Scannen Sie dieses Bild mit der App, oder geben Sie dort den Schlüssel ein.";
        app_step_code: "Type here the six digits that the app shows then.", "Geben Sie hier die sechs Ziffern ein, die die App dann zeigt.";
        app_picture: "A picture to scan with the app", "Ein Bild zum Scannen mit der App";
        app_secret: "Secret, to be typed into the app", "Schlüssel, zum Eintippen in die App";
        app_settings: "Kind: time-based, 6 digits, 30 seconds", "Art: zeitbasiert, 6 Ziffern, 30 Sekunden";
        app_once: "Picture and secret are shown only now. Show them to nobody.", "Bild und Schlüssel werden nur jetzt gezeigt. Zeigen Sie sie niemandem.";
        app_open: "Open it in an app on this device", "In einer App auf diesem Gerät öffnen";
        app_again_title: "Confirm the authenticator app", "Authenticator-App bestätigen";
        app_again: "The picture and the secret are not shown again. If the app has them, type what it shows now.", "Bild und Schlüssel werden nicht noch einmal gezeigt. Wenn die App sie hat, geben Sie ein, was sie jetzt zeigt.";
        app_tries: "The fifth wrong code removes the app.", "Der fünfte falsche Code entfernt die App.";
        code: "Six digits", "Sechs Ziffern";
        app_confirm: "Confirm the app", "App bestätigen";

        codes_title: "Your recovery codes", "Ihre Notfallcodes";
        codes_once: "They are shown only now. Print them, or write them down, and keep them away from this computer.", "Sie werden nur jetzt gezeigt. Drucken Sie sie aus oder schreiben Sie sie ab, und bewahren Sie sie nicht bei diesem Computer auf.";
        codes_each: "Each works once. Cross out the one that you have used.", "Jeder gilt einmal. Streichen Sie den benutzten durch.";
        codes_earlier: "Codes that you had before do not work any more.", "Codes, die Sie vorher hatten, gelten nicht mehr.";
        codes_of: "Recovery codes of {}", "Notfallcodes von {}";
        codes_where: "Where a sign-in asks for your phone: \"Use a backup code\". At the portal: \"Use a pass or a recovery code\".", "Wo eine Anmeldung Ihr Telefon verlangt: „Ersatzcode benutzen“. Am Portal: „Zugangspass oder Notfallcode benutzen“.";
        codes_tell: "Tell them to nobody, not even to the helpdesk.", "Sagen Sie sie niemandem, auch nicht dem Helpdesk.";
        print: "Print", "Drucken";
        codes_kept: "I have them on paper", "Ich habe sie auf Papier";
        made_at: "Made", "Erstellt";

        copy: "Copy", "Kopieren";
        copied: "Copied", "Kopiert";
        later: "Not now", "Nicht jetzt";

        gone_title: "Removed, and this visit is over", "Entfernt, und diese Sitzung ist zu Ende";
        gone: "What you have removed had let you in here. It lets nobody in any more.", "Was Sie entfernt haben, hat Sie hier eingelassen. Es lässt niemanden mehr ein.";
        gone_then: "Sign in again with another phone, a pass or a recovery code. If you have none of these, call the helpdesk.", "Melden Sie sich mit einem anderen Telefon, einem Pass oder einem Notfallcode wieder an. Haben Sie nichts davon, rufen Sie den Helpdesk an.";
        gone_sign_in: "Sign in again", "Wieder anmelden";
    }
}

super::words! {
    /// What the portal says of sign-ins of late, and of what somebody reports.
    Recent {
        title: "Recent sign-ins", "Letzte Anmeldungen";
        lead: "If you do not know one of them, say so.", "Wenn Sie eine davon nicht kennen, sagen Sie es.";
        none: "There are none yet.", "Es gibt noch keine.";
        from: "from {}", "von {}";
        from_unknown: "from a computer that is not known", "von einem unbekannten Computer";
        at: "at {}", "an {}";
        at_portal: "at this portal", "an diesem Portal";
        at_console: "at the console", "an der Konsole";
        at_gone: "at a gateway that is gone", "an einem Gateway, das es nicht mehr gibt";
        known_browser: "a browser that you used before", "einem Browser, den Sie schon benutzt haben";
        new_browser: "a browser that was not known", "einem unbekannten Browser";
        let_in_phone: "Let in, by your phone {}", "Eingelassen, mit Ihrem Telefon {}";
        let_in_phone_gone: "Let in, by a phone that is removed", "Eingelassen, mit einem entfernten Telefon";
        let_in_totp: "Let in, by a code of an app", "Eingelassen, mit einem Code aus einer App";
        let_in_recovery: "Let in, by a recovery code", "Eingelassen, mit einem Notfallcode";
        let_in_pass: "Let in, by the pass of the helpdesk", "Eingelassen, mit dem Pass des Helpdesks";
        let_in_bypass: "Let in without a phone: the helpdesk had allowed it", "Ohne Telefon eingelassen: Der Helpdesk hatte es erlaubt";
        let_in_policy: "Let in without a phone: a rule allows it there", "Ohne Telefon eingelassen: Eine Regel erlaubt es dort";
        let_in_reuse: "Let in by your approval of a moment before", "Eingelassen mit Ihrer Freigabe von kurz davor";
        let_in_invitation: "Let in, by an invitation", "Eingelassen, mit einer Einladung";
        let_in: "Let in", "Eingelassen";
        approved: "Approved, and not used yet", "Freigegeben, noch nicht benutzt";
        waiting: "Waits for your phone", "Wartet auf Ihr Telefon";
        refused_user: "Refused: you said no", "Abgelehnt: Sie haben Nein gesagt";
        refused_reported: "Refused: you said that it was not you", "Abgelehnt: Sie haben gesagt, dass Sie es nicht waren";
        refused_number: "Refused: the number was wrong", "Abgelehnt: Die Zahl war falsch";
        refused_codes: "Refused: the codes were wrong", "Abgelehnt: Die Codes waren falsch";
        refused_policy: "Refused by a rule", "Durch eine Regel abgelehnt";
        refused_locked: "Refused: the account was locked", "Abgelehnt: Das Konto war gesperrt";
        refused_nothing: "Refused: you had nothing to sign in with", "Abgelehnt: Sie hatten nichts, womit Sie sich anmelden";
        refused_often: "Refused without asking you: there were too many", "Ohne Sie zu fragen abgelehnt: Es waren zu viele";
        refused_superseded: "Ended: another sign-in took its place", "Beendet: Eine andere Anmeldung trat an die Stelle";
        refused_revoked: "Ended: a phone or a gateway was removed meanwhile", "Beendet: Ein Telefon oder Gateway wurde inzwischen entfernt";
        refused: "Refused", "Abgelehnt";
        expired: "Nobody answered in time", "Niemand hat rechtzeitig geantwortet";
        cancelled: "Taken back by the gateway", "Vom Gateway zurückgenommen";
        reported: "You reported it", "Von Ihnen gemeldet";
        not_me: "This wasn't me", "Das war ich nicht";
        not_me_what: "The administrators see it, and your phones are told. Sign-ins from this computer at this gateway are not asked for 15 minutes.", "Die Administratoren sehen es, und Ihre Telefone erfahren es. Anmeldungen von diesem Computer an diesem Gateway werden 15 Minuten lang abgelehnt.";
        not_me_now: "Report it", "Melden";

        done: "It is reported, and nothing was opened. Only somebody with your password comes that far: change it, and tell the helpdesk.", "Es ist gemeldet, und nichts wurde geöffnet. So weit kommt nur, wer Ihr Passwort hat: Ändern Sie es, und sagen Sie es dem Helpdesk.";
        done_knock: "It is reported, and nobody was let in. Nobody needs your password to try that; tell the helpdesk if it goes on.", "Es ist gemeldet, und niemand wurde eingelassen. Für diesen Versuch braucht niemand Ihr Passwort; sagen Sie es dem Helpdesk, wenn es weitergeht.";
        alarm_title: "Somebody was let in. Do this now", "Jemand wurde eingelassen. Tun Sie jetzt Folgendes";
        alarm_call: "Call the helpdesk. Say that somebody was let in with your account, and when.", "Rufen Sie den Helpdesk an. Sagen Sie, dass mit Ihrem Konto jemand eingelassen wurde, und wann.";
        alarm_password: "Change your password.", "Ändern Sie Ihr Passwort.";
        alarm_look: "Look through this page, and remove what you do not know.", "Sehen Sie diese Seite durch, und entfernen Sie, was Sie nicht kennen.";
        alarm_not_undone: "Your report is recorded, and does not undo the sign-in: what was opened may still be open. Only the helpdesk and the administrators can close it.", "Ihre Meldung ist festgehalten, macht die Anmeldung aber nicht rückgängig: Was geöffnet wurde, ist vielleicht noch offen. Schließen können es nur der Helpdesk und die Administratoren.";
        fault_again: "You have reported this one before.", "Diese haben Sie schon gemeldet.";
        fault_too_many: "You have reported very many today. Call the helpdesk.", "Sie haben heute schon sehr viele gemeldet. Rufen Sie den Helpdesk an.";
    }
}
