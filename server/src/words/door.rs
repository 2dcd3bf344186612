//! What the pages say by which people come in.

use gatematch_domain::visit::Place;

super::words! {
    /// What the pages say by which people come in.
    Door {
        console_title: "Sign in to the console", "An der Konsole anmelden";
        portal_title: "Sign in to the portal", "Am Portal anmelden";
        lead: "Your phone asks you for a number that this page shows.", "Ihr Telefon fragt nach einer Zahl, die diese Seite zeigt.";
        name: "Your user name", "Ihr Benutzername";
        name_hint: "The one you use for Windows.", "Derselbe wie bei Windows.";
        go: "Continue", "Weiter";
        no_phone: "No phone yet, or not at hand?", "Noch kein Telefon, oder nicht zur Hand?";
        with_code: "Use a pass or a recovery code", "Zugangspass oder Notfallcode benutzen";
        with_invitation: "If you were sent an invitation, open its link.", "Wenn Sie eine Einladung bekommen haben, öffnen Sie deren Link.";
        console_no_phone: "On the server, gatematch console-link makes a link that lets you in once.", "Auf dem Server macht gatematch console-link einen Link, der Sie einmal einlässt.";
        is_over: "Your visit was over, and nothing was changed. Sign in again.", "Ihre Sitzung war zu Ende, und nichts wurde geändert. Melden Sie sich wieder an.";
        has_left: "You are signed out, and this browser has forgotten you.", "Sie sind abgemeldet, und dieser Browser hat Sie vergessen.";
        not_let_in: "Nobody was let in. Either the number was not typed in time, or it was refused, or this account has no business here.", "Niemand wurde eingelassen. Die Zahl wurde nicht rechtzeitig eingegeben, oder es wurde abgelehnt, oder dieses Konto hat hier nichts zu tun.";
        number_title: "Type this on your phone", "Geben Sie das auf Ihrem Telefon ein";
        you_are: "You are {}", "Sie sind {}";
        not_you: "Not you?", "Nicht Sie?";
        number_lead: "Your phone asks for it now. If it does not ring, open the app.", "Ihr Telefon fragt jetzt danach. Wenn es nicht klingelt, öffnen Sie die App.";
        number_tell: "Tell it to nobody, not even to the helpdesk.", "Sagen Sie sie niemandem, auch nicht dem Helpdesk.";
        waiting: "Waiting for your phone", "Warten auf Ihr Telefon";
        time_over: "The time ran out. Nobody was let in.", "Die Zeit ist abgelaufen. Niemand wurde eingelassen.";
        again: "Start again", "Noch einmal beginnen";
        have_typed: "I have typed it", "Ich habe sie eingegeben";
        does_not_ring: "It does not ring?", "Es klingelt nicht?";
        does_not_ring_why: "A browser that is not known may ring a phone three times in an hour. Use a pass or a recovery code, or ask your helpdesk.", "Ein unbekannter Browser darf ein Telefon dreimal in der Stunde klingeln lassen. Benutzen Sie einen Zugangspass oder Notfallcode, oder fragen Sie Ihren Helpdesk.";
        does_not_ring_console: "A browser that is not known may ring a phone three times in an hour. On the server, gatematch console-link lets you in.", "Ein unbekannter Browser darf ein Telefon dreimal in der Stunde klingeln lassen. Auf dem Server lässt Sie gatematch console-link ein.";
        invited_title: "You are invited", "Sie sind eingeladen";
        invited_lead: "This link lets you in once. Press the button on the device that you want to use.", "Dieser Link lässt Sie einmal ein. Drücken Sie den Knopf auf dem Gerät, das Sie benutzen wollen.";
        invitation: "Invitation", "Einladung";
        invitation_hint: "It begins with gmi_ and stands in the link.", "Sie beginnt mit gmi_ und steht im Link.";
        come_in: "Come in", "Eintreten";
        not_invited: "This invitation does not hold: it was used, or its time is over. Ask for another one.", "Diese Einladung gilt nicht: Sie wurde benutzt, oder ihre Zeit ist vorbei. Bitten Sie um eine neue.";
        code_title: "Use a pass or a recovery code", "Zugangspass oder Notfallcode benutzen";
        code_lead: "It stands in for your phone once. Afterwards you can add a phone.", "Er ersetzt Ihr Telefon einmal. Danach können Sie ein Telefon hinzufügen.";
        code: "Pass or recovery code", "Zugangspass oder Notfallcode";
        code_hint: "Capitals, blanks and hyphens do not matter. The six digits of an app do not work here.", "Großschreibung, Leerzeichen und Bindestriche sind gleichgültig. Die sechs Ziffern einer App gelten hier nicht.";
        use_code: "Use this code", "Diesen Code benutzen";
        code_refused: "That did not let you in: the code was not right, or codes are not taken for this name now. Look at it again, or ask your helpdesk.", "Das hat Sie nicht eingelassen: Der Code war nicht richtig, oder für diesen Namen gelten gerade keine Codes. Sehen Sie noch einmal nach, oder fragen Sie Ihren Helpdesk.";
        prove_title: "Is it you?", "Sind Sie es?";
        prove_lead: "What you are about to do matters. Type this number on your phone; then it is done.", "Was Sie vorhaben, hat Gewicht. Geben Sie diese Zahl auf Ihrem Telefon ein; dann geschieht es.";
        prove_refused: "That was refused or took too long. Here is a new number.", "Das wurde abgelehnt oder dauerte zu lange. Hier ist eine neue Zahl.";
    }
}

impl Door {
    /// What the page is called by which people come in there.
    #[must_use]
    pub const fn title(&self, place: Place) -> &'static str {
        match place {
            Place::Console => self.console_title,
            Place::Portal => self.portal_title,
        }
    }
}
