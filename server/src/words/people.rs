//! What the pages about people say.

pub mod acts;
pub mod once;

use gatematch_domain::challenge::Reason;

super::words! {
    /// What the list of people and a person's page say.
    People {
        search: "Part of a name", "Teil eines Namens";
        show: "Show", "Zeigen";
        all: "everybody", "alle";
        not_enrolled: "not enrolled", "nicht eingerichtet";
        locked: "locked", "gesperrt";
        disabled: "disabled", "ausgeschaltet";
        dormant: "dormant", "ruhend";
        with_role: "with a role here", "mit einer Rolle hier";
        dormant_lead: "With these accounts nobody has signed in for {} days.", "Mit diesen Konten hat sich seit {} Tagen niemand angemeldet.";
        user_name: "User name", "Benutzername";
        display_name: "Name", "Name";
        state: "State", "Zustand";
        phones: "Phones", "Telefone";
        last_sign_in: "Last sign-in", "Letzte Anmeldung";
        active: "active", "aktiv";
        without_phone: "no phone yet", "noch kein Telefon";
        nobody_yet: "Nobody is here yet. Add the first person above.", "Noch ist niemand da. Fügen Sie oben die erste Person hinzu.";
        nobody_found: "Nobody fits. Try a shorter part of the name, or show everybody.", "Niemand passt. Versuchen Sie einen kürzeren Teil des Namens, oder zeigen Sie alle.";
        from_beginning: "From the beginning", "Von vorn";
        add: "Add a person", "Person hinzufügen";
        add_hint: "The one that the person uses for Windows.", "Der, den die Person für Windows benutzt.";
        email: "E-mail", "E-Mail";
        groups: "Groups", "Gruppen";
        groups_hint: "One on each line. Rules and protection go by them.", "Eine je Zeile. Regeln und Schutz richten sich danach.";
        add_button: "Add", "Hinzufügen";

        can: "Can sign in now", "Kann sich jetzt anmelden";
        cannot: "Cannot sign in now", "Kann sich jetzt nicht anmelden";
        with_ways: "With: {}.", "Mit: {}.";
        way_push: "phone", "Telefon";
        way_totp: "app or token", "App oder Token";
        way_recovery_code: "recovery codes", "Notfallcodes";
        way_access_pass: "pass", "Pass";
        way_bypass: "exception", "Ausnahme";
        way_policy: "a rule", "eine Regel";
        way_reuse: "an earlier approval", "eine frühere Freigabe";
        way_number: "phone and number", "Telefon und Zahl";
        passes: "With the password alone: an exception holds.", "Mit dem Passwort allein: Es gilt eine Ausnahme.";
        passes_then: "Remove it below as soon as nobody needs it.", "Entfernen Sie sie unten, sobald niemand sie braucht.";
        is_disabled: "The account is disabled.", "Das Konto ist ausgeschaltet.";
        is_disabled_then: "An administrator can enable it.", "Ein Administrator kann es einschalten.";
        is_locked: "The account is locked: {}.", "Das Konto ist gesperrt: {}.";
        too_many_failures: "too many failures", "zu viele Fehlversuche";
        is_locked_then: "Find out whose failures they were, or ask whoever locked it, before you unlock.", "Finden Sie heraus, von wem die Fehlversuche kamen, oder fragen Sie, wer gesperrt hat, bevor Sie entsperren.";
        is_dormant: "Nobody has signed in for {} days, so the next sign-in locks the account.", "Seit {} Tagen hat sich niemand angemeldet; die nächste Anmeldung sperrt das Konto.";
        is_dormant_then: "Ask whether the person should still have the account. Then wake it.", "Fragen Sie, ob die Person das Konto noch haben soll. Dann wecken Sie es.";
        no_phone: "There is no phone yet, and no code or pass.", "Es gibt noch kein Telefon, und keinen Code oder Pass.";
        no_phone_then: "Enroll a phone, or give a pass until there is one.", "Richten Sie ein Telefon ein, oder geben Sie so lange einen Pass.";
        unconfirmed_phone: "No phone is confirmed yet, and there is no code or pass.", "Noch ist kein Telefon bestätigt, und es gibt keinen Code oder Pass.";
        unconfirmed_phone_then: "Confirm the phone below by the six digits that it shows.", "Bestätigen Sie das Telefon unten mit den sechs Ziffern, die es zeigt.";
        cools_down: "The account cools down after failures, for {} minutes at most.", "Das Konto ruht nach Fehlversuchen, höchstens {} Minuten.";
        cools_down_then: "That is over by itself. Ask why, all the same.", "Das geht von selbst vorbei. Fragen Sie trotzdem, warum.";
        asked_too_often: "Asked too often of late, for {} minutes at most.", "Zuletzt zu oft gefragt, höchstens {} Minuten.";
        denied_often: "Asked too often of late, and denied twice or more in a row, for {} minutes at most.", "Zuletzt zu oft gefragt und mindestens zweimal hintereinander abgelehnt, höchstens {} Minuten.";
        asked_too_often_then: "Ask whether it was the person. It is over by itself; unlocking does not help.", "Fragen Sie, ob es die Person war. Es geht von selbst vorbei; entsperren hilft nicht.";

        role: "Role here", "Rolle hier";
        failures: "Failures", "Fehlversuche";
        failures_of: "{}; the account is locked at {}", "{}; bei {} wird das Konto gesperrt";
        made: "Made", "Angelegt";
        himself: "This is you. Your own phones and codes are in your portal.", "Das sind Sie. Ihre eigenen Telefone und Codes finden Sie in Ihrem Portal.";
        my_portal: "Open my portal", "Mein Portal öffnen";
        reserved: "Only administrators manage this person: somebody of a protected group, or with a role here. You can look, lock and disable.", "Diese Person verwalten nur Administratoren: Sie gehört zu einer geschützten Gruppe oder hat hier eine Rolle. Sie können nachsehen, sperren und ausschalten.";

        do_what: "What do you want to do?", "Was möchten Sie tun?";
        more: "More", "Mehr";
        give_pass: "Give a pass for today", "Pass für heute geben";
        enroll: "Enroll a phone", "Telefon einrichten";
        remove_lost: "Remove a lost phone", "Verlorenes Telefon entfernen";
        lock: "Lock", "Sperren";
        unlock: "Unlock", "Entsperren";
        forget: "Forget failures", "Fehlversuche vergessen";
        wake: "Wake the account", "Konto wecken";
        make_codes: "Make recovery codes", "Notfallcodes erstellen";
        add_app: "Add an authenticator app", "Authenticator-App hinzufügen";
        invite: "Invite to the portal", "Ins Portal einladen";
        bypass: "Let in without a phone for a while", "Eine Weile ohne Telefon einlassen";
        change: "Change name or e-mail", "Name oder E-Mail ändern";
        change_all: "Change name, e-mail or groups", "Name, E-Mail oder Gruppen ändern";
        set_role: "May manage others", "Darf andere verwalten";
        disable: "Disable", "Ausschalten";
        enable: "Enable", "Einschalten";
        delete: "Delete", "Löschen";

        held: "Signs in with", "Meldet sich an mit";
        nothing_held: "Nothing yet.", "Noch nichts.";
        kind: "Kind", "Art";
        last_used: "Last used", "Zuletzt benutzt";
        ends: "Ends", "Endet";
        left: "{} left", "{} übrig";
        unconfirmed: "not confirmed", "nicht bestätigt";
        works: "works", "gilt";
        not_yet: "not yet", "noch nicht";
        from: "from", "ab";
        is_over: "used up or over", "verbraucht oder vorbei";
        unreadable: "damaged, remove it", "beschädigt, entfernen";
        remove: "Remove", "Entfernen";
        confirm: "Confirm", "Bestätigen";
        bypasses: "Exceptions in force", "Geltende Ausnahmen";
        bypasses_lead: "While one holds, the password alone opens the desktop.", "Solange eine gilt, öffnet das Passwort allein den Desktop.";
        by: "By", "Von";
        uses: "Sign-ins", "Anmeldungen";
        uses_of: "{} of {}", "{} von {}";
        browsers: "Browsers known to the sign-in page", "Browser, die die Anmeldeseite kennt";
        no_browser: "None.", "Keine.";
        computers: "Computers", "Computer";
        only_codes: "unnamed, only codes were used", "ohne Namen, nur Codes wurden benutzt";
        sign_ins: "Last ten sign-ins", "Die letzten zehn Anmeldungen";
        no_sign_in: "None so far.", "Bisher keine.";
        when: "When", "Wann";
        gateway: "At", "An";
        client: "From", "Von";
        how: "By", "Mit";
        outcome: "Outcome", "Ausgang";
        pending: "waiting", "wartet";
        let_in: "let in", "eingelassen";
        approved: "approved, not used", "freigegeben, nicht benutzt";
        denied: "refused", "abgelehnt";
        expired: "ran out of time", "abgelaufen";
        cancelled: "called off", "abgebrochen";
        why_user: "denied on the phone", "am Telefon abgelehnt";
        why_reported: "reported as not his own", "als fremd gemeldet";
        why_wrong_number: "wrong number", "falsche Zahl";
        why_passcode: "three wrong codes", "drei falsche Codes";
        why_policy: "a rule refused it", "eine Regel lehnte ab";
        why_locked: "locked or disabled", "gesperrt oder ausgeschaltet";
        why_not_enrolled: "nothing to sign in with", "nichts zum Anmelden";
        why_rate_limited: "asked too often", "zu oft gefragt";
        why_superseded: "another sign-in in its place", "eine andere trat an ihre Stelle";
        why_revoked: "phone or gateway removed", "Telefon oder Gateway entfernt";
        why_timeout: "nobody answered", "niemand antwortete";

        me: "Your own sign-in", "Ihre eigene Anmeldung";
        me_first: "A link let you in, and it worked once. Enroll your phone now: from then on it lets you in here.", "Ein Link hat Sie eingelassen, und er galt einmal. Richten Sie jetzt Ihr Telefon ein: Von da an lässt es Sie hier ein.";
        me_first_how: "It takes a minute: scan a code with the phone, follow it there, and come back here.", "Es dauert eine Minute: Lesen Sie mit dem Telefon einen Code ein, folgen Sie dem Telefon, und kommen Sie hierher zurück.";
        me_waits: "Your phone is not confirmed yet. Type the six digits that it shows.", "Ihr Telefon ist noch nicht bestätigt. Geben Sie die sechs Ziffern ein, die es zeigt.";
        me_done: "Your phone lets you in from now on: open the console, type your name, and type the number on the phone.", "Ihr Telefon lässt Sie von nun an ein: Konsole öffnen, Namen eingeben, die Zahl am Telefon eingeben.";
        me_phones: "Your phones", "Ihre Telefone";
        me_enroll: "Enroll my phone", "Mein Telefon einrichten";
        me_another: "Enroll another of my phones", "Ein weiteres Telefon von mir einrichten";
        me_rest: "Codes, names and old phones are looked after in your portal.", "Um Codes, Namen und alte Telefone kümmern Sie sich in Ihrem Portal.";
    }
}

impl People {
    /// Why a sign-in was refused; the word of the log where there is none of ours.
    #[must_use]
    pub fn reason<'a>(&self, word: &'a str) -> &'a str
    where
        Self: 'static,
    {
        match Reason::from_word(word) {
            Some(Reason::User) => self.why_user,
            Some(Reason::Reported) => self.why_reported,
            Some(Reason::WrongNumber) => self.why_wrong_number,
            Some(Reason::Passcode) => self.why_passcode,
            Some(Reason::Policy) => self.why_policy,
            Some(Reason::Locked) => self.why_locked,
            Some(Reason::NotEnrolled) => self.why_not_enrolled,
            Some(Reason::RateLimited) => self.why_rate_limited,
            Some(Reason::Superseded) => self.why_superseded,
            Some(Reason::Revoked) => self.why_revoked,
            Some(Reason::Timeout) => self.why_timeout,
            None => word,
        }
    }

    /// What a way of signing in is called.
    #[must_use]
    pub fn way(&self, word: &str) -> &'static str {
        match word {
            "number" => self.way_number,
            "push" | "phone" => self.way_push,
            "totp" => self.way_totp,
            "recovery_code" | "recovery_codes" => self.way_recovery_code,
            "access_pass" => self.way_access_pass,
            "bypass" => self.way_bypass,
            "policy" => self.way_policy,
            "reuse" => self.way_reuse,
            _ => "",
        }
    }
}
