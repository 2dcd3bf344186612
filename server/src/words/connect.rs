//! What the connect page says.

use serde_json::Value;

super::words! {
    /// What the connect page says.
    Connect {
        site: "{} remote desktop", "Remotedesktop von {}";
        sign_in: "Sign in", "Anmelden";
        start_desktop: "Start my desktop", "Meinen Desktop starten";
        start_again: "Start again", "Neu beginnen";

        no_script_title: "This page needs JavaScript", "Diese Seite braucht JavaScript";
        no_script_text:
            "Your browser does not run scripts here, so the number cannot appear. Allow JavaScript for this address and reload the page, use another browser, or call the helpdesk.",
            "Ihr Browser führt hier keine Skripte aus, darum kann die Nummer nicht erscheinen. Erlauben Sie JavaScript für diese Adresse und laden Sie die Seite neu, nehmen Sie einen anderen Browser oder rufen Sie den Helpdesk an.";
        slow:
            "One moment. If nothing more appears here, reload the page.",
            "Einen Moment. Wenn hier nichts weiter erscheint, laden Sie die Seite neu.";

        form_title: "Before you start your desktop", "Bevor Sie Ihren Desktop starten";
        form_text:
            "Say who you are. The number to type on your phone then appears here.",
            "Sagen Sie, wer Sie sind. Dann erscheint hier die Nummer für Ihr Telefon.";
        form_text_known:
            "Continue, and the number to type on your phone appears here.",
            "Gehen Sie weiter, dann erscheint hier die Nummer für Ihr Telefon.";
        user_label: "Your user name", "Ihr Benutzername";
        user_hint: "The one you use for Windows.", "Der, den Sie für Windows benutzen.";
        user_missing: "Type your user name first.", "Geben Sie zuerst Ihren Benutzernamen ein.";
        user_refused:
            "The server did not take this name. Check it, or reload this page.",
            "Der Server hat diesen Namen nicht angenommen. Prüfen Sie ihn oder laden Sie diese Seite neu.";
        time_over:
            "Your time on this page ran out. Continue to begin again.",
            "Ihre Zeit auf dieser Seite ist abgelaufen. Gehen Sie weiter, um neu zu beginnen.";
        go_on: "Continue", "Weiter";

        you_are: "You are", "Sie sind";
        not_you: "not you?", "nicht Sie?";
        step_start: "Start your desktop now.", "Starten Sie jetzt Ihren Desktop.";
        step_number: "The number appears here.", "Hier erscheint die Nummer.";
        step_phone: "Type it on your phone.", "Geben Sie sie auf Ihrem Telefon ein.";
        step_done: "Done.", "Erledigt.";

        armed_title: "Waiting for your sign-in", "Wartet auf Ihre Anmeldung";
        armed_text: "Keep this page open.", "Lassen Sie diese Seite offen.";

        open_now: "Start your desktop now", "Starten Sie jetzt Ihren Desktop";
        open_title:
            "You have one minute: start your desktop now.",
            "Sie haben eine Minute: Starten Sie jetzt Ihren Desktop.";
        open_then:
            "You need no phone this time. When the minute is over, type a code again: a recovery code that was used works no more.",
            "Diesmal brauchen Sie kein Telefon. Ist die Minute um, geben Sie wieder einen Code ein: Ein benutzter Notfallcode gilt nicht mehr.";
        open_over:
            "The minute is over. Type a code again: a recovery code that was used works no more.",
            "Die Minute ist um. Geben Sie wieder einen Code ein: Ein benutzter Notfallcode gilt nicht mehr.";
        left_minute: "About a minute left.", "Noch etwa eine Minute.";
        left_seconds: "About {} seconds left.", "Noch etwa {} Sekunden.";
        left_little: "A few seconds left.", "Noch ein paar Sekunden.";

        confirm_title: "Is this you?", "Sind Sie das?";
        confirm_text:
            "Say yes only if you have just started your desktop yourself.",
            "Sagen Sie nur Ja, wenn Sie Ihren Desktop eben selbst gestartet haben.";
        confirm_yes: "Yes, that's mine", "Ja, das bin ich";
        confirm_no: "No", "Nein";

        client_at_gateway: "{} at {}", "{} über {}";
        someone_at_gateway: "A sign-in at {}", "Eine Anmeldung über {}";
        for_login: "For {}", "Für {}";
        for_someone_at_gateway: "a sign-in at {}", "eine Anmeldung über {}";
        began: "A sign-in began {}.", "Eine Anmeldung hat {} begonnen.";
        just_now: "just now", "gerade eben";
        minute_ago: "a minute ago", "vor einer Minute";
        minutes_ago: "{} minutes ago", "vor {} Minuten";

        number_now: "Type the number on your phone", "Nummer auf dem Telefon eingeben";
        number_title: "Type this on your phone", "Auf Ihrem Telefon eingeben";
        number_secret:
            "Tell it to nobody, not even to the helpdesk.",
            "Sagen Sie sie niemandem, auch nicht dem Helpdesk.";

        code_title: "Type your code", "Geben Sie Ihren Code ein";
        code_offered: "No phone at hand?", "Kein Telefon zur Hand?";
        code_open: "Use a backup code", "Ersatzcode benutzen";
        code_label: "Your backup code", "Ihr Ersatzcode";
        code_hint:
            "Six digits from your authenticator app, a recovery code, or a pass from your helpdesk.",
            "Sechs Ziffern aus Ihrer Authenticator-App, ein Notfallcode oder ein Zugangspass von Ihrem Helpdesk.";
        code_use: "Use this code", "Diesen Code benutzen";
        code_missing: "Type your code first.", "Geben Sie zuerst Ihren Code ein.";
        code_wrong:
            "That code was not right, or codes are not taken now. Look at it again.",
            "Dieser Code war nicht richtig, oder Codes werden jetzt nicht angenommen. Sehen Sie ihn noch einmal an.";
        code_closed:
            "Codes are not taken here any more for now. Ask your helpdesk for help.",
            "Codes werden hier vorerst nicht mehr angenommen. Bitten Sie Ihren Helpdesk um Hilfe.";
        code_unanswered:
            "No answer came. If nothing changes here, type your code again.",
            "Es kam keine Antwort. Wenn sich hier nichts ändert, geben Sie Ihren Code noch einmal ein.";
        code_later:
            "Codes are not taken at the moment. Wait {}, then type your code again.",
            "Codes werden im Moment nicht angenommen. Warten Sie {} und geben Sie Ihren Code dann noch einmal ein.";
        wait_moment: "a moment", "einen Augenblick";
        wait_minute: "a minute", "eine Minute";
        wait_minutes: "{} minutes", "{} Minuten";

        approved_title: "You are let in", "Sie sind angemeldet";
        approved_text: "You can close this page.", "Sie können diese Seite schließen.";
        approved_else:
            "If your own desktop does not open, somebody else may have signed in as you: tell your helpdesk now.",
            "Wenn sich Ihr eigener Desktop nicht öffnet, hat sich vielleicht jemand anderes als Sie angemeldet: Sagen Sie es jetzt Ihrem Helpdesk.";
        once_more: "Sign in once more", "Noch einmal anmelden";

        refused_title: "This sign-in was refused", "Diese Anmeldung wurde abgelehnt";
        refused_text:
            "Nothing was opened. Tell the helpdesk if you did not start it.",
            "Es wurde nichts geöffnet. Sagen Sie es dem Helpdesk, wenn Sie sie nicht begonnen haben.";

        collision_title: "Two sign-ins at once", "Zwei Anmeldungen zugleich";
        collision_text:
            "Somebody else may be using your password. Both were refused.",
            "Vielleicht benutzt jemand anderes Ihr Passwort. Beide wurden abgelehnt.";
        collision_then:
            "Nothing was opened. If you did not start both, tell the helpdesk now. If you did, start again with only one.",
            "Es wurde nichts geöffnet. Wenn Sie nicht beide begonnen haben, sagen Sie es jetzt dem Helpdesk. Sonst beginnen Sie neu, mit nur einer.";

        expired_title: "The time ran out", "Die Zeit ist abgelaufen";
        expired_text:
            "Nothing was opened. Start again here, then start your desktop.",
            "Es wurde nichts geöffnet. Beginnen Sie hier neu, dann starten Sie Ihren Desktop.";

        server_silent:
            "The server does not answer. This page tries again by itself.",
            "Der Server antwortet nicht. Diese Seite versucht es von selbst wieder.";
        offline:
            "This PC is offline. This page tries again by itself.",
            "Dieser PC ist offline. Diese Seite versucht es von selbst wieder.";
    }
}

/// The words of these names, as JSON by their names.
macro_rules! named {
    ($words:expr, $($key:ident)+) => { Value::from_iter([$((stringify!($key), $words.$key),)+]) };
}

impl Connect {
    /// What the page's script says, as JSON: each word by its name.
    #[must_use]
    pub fn of_script(&self) -> String {
        named!(self,
            sign_in armed_title open_now confirm_title number_now code_title approved_title refused_title collision_title
            expired_title form_text form_text_known user_label user_missing user_refused time_over you_are open_over
            left_minute left_seconds left_little client_at_gateway someone_at_gateway for_login
            for_someone_at_gateway began just_now minute_ago minutes_ago code_missing code_wrong code_closed
            code_unanswered code_later wait_moment wait_minute wait_minutes approved_else server_silent offline
        )
        .to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::Language;

    #[test]
    fn the_words_are_plain_and_each_language_has_its_own() {
        for (key, english, german) in Connect::all() {
            assert!(!english.contains('!') && !german.contains('!'), "{key}");
            assert_ne!(english, german, "{key}");
        }
    }

    #[test]
    fn the_script_says_what_the_catalogue_says() {
        let said: Value = serde_json::from_str(&Connect::of(Language::German).of_script()).unwrap();
        assert_eq!(said["confirm_title"], "Sind Sie das?");
        assert_eq!(said["minutes_ago"], "vor {} Minuten");
    }
}
