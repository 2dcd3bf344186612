//! What the page says that explains a sign-in.

crate::words::words! {
    /// What the page says that explains a sign-in.
    Explaining {
        title: "Why was that?", "Warum war das so?";
        lead: "What becomes of a sign-in, and the rules read aloud. It signs nobody in and counts nothing.", "Was aus einer Anmeldung wird, und die Regeln laut vorgelesen. Es meldet niemanden an und zählt nichts.";
        imagined: "A sign-in as it could be", "Eine Anmeldung, wie sie sein könnte";
        user: "Person", "Person";
        user_hint: "The user name. Groups, phones and passes are those of the account now.", "Der Benutzername. Gruppen, Telefone und Pässe sind die des Kontos jetzt.";
        user_fault: "Type a user name.", "Geben Sie einen Benutzernamen ein.";
        gateway: "Gateway", "Gateway";
        any_gateway: "any", "irgendeines";
        gateway_fault: "There is no such gateway any more.", "Dieses Gateway gibt es nicht mehr.";
        ip: "Client's address", "Adresse des Geräts";
        ip_hint: "As a gateway tells it whose word counts. Leave it empty for RD Gateway.", "Wie ein Gateway sie nennt, dessen Wort zählt. Für RD-Gateway leer lassen.";
        page_ip: "Address of the connect page", "Adresse der Anmeldeseite";
        page_ip_hint: "Where the browser with the connect page is. It proves nothing, and only makes things stricter.", "Wo der Browser mit der Anmeldeseite ist. Sie beweist nichts und macht nur strenger.";
        ip_fault: "That is no IP address.", "Das ist keine IP-Adresse.";
        client_name: "Computer's name", "Name des Computers";
        client_name_fault: "1 to 64 characters, please.", "Bitte 1 bis 64 Zeichen.";
        at: "When", "Wann";
        at_hint: "Such as 2027-01-15T08:30+01:00. Empty: now.", "Etwa 2027-01-15T08:30+01:00. Leer: jetzt.";
        at_fault: "That is no time with a zone, such as 2027-01-15T08:30+01:00.", "Das ist keine Zeit mit Zone, etwa 2027-01-15T08:30+01:00.";
        factor_required: "The gateway has checked no password", "Das Gateway hat kein Passwort geprüft";
        explain: "Explain", "Erklären";
        past: "A sign-in that was", "Eine Anmeldung, die war";
        event: "Id of the audit event with which it began", "Kennung des Protokolleintrags, mit dem sie begann";
        event_hint: "challenge.created; or challenge.approved or challenge.denied, where it was decided at once.", "challenge.created; oder challenge.approved oder challenge.denied, wo sofort entschieden wurde.";
        event_unknown: "There is no such event.", "Einen solchen Eintrag gibt es nicht.";
        event_of_none: "No rule was read for this event. Only the one with which a sign-in began can be explained, and not where the person is unknown, disabled or locked.", "Für diesen Eintrag wurde keine Regel gelesen. Erklären lässt sich nur der, mit dem eine Anmeldung begann, und nicht, wo die Person unbekannt, abgeschaltet oder gesperrt ist.";
        of_event: "The sign-in of {}", "Die Anmeldung von {}";
        of_imagined: "A sign-in of {}", "Eine Anmeldung von {}";
        at_gateway: "at {}", "bei {}";
        asked: "The person is asked.", "Die Person wird gefragt.";
        allowed: "The person passes without a second factor.", "Die Person kommt ohne zweiten Faktor durch.";
        denied: "The sign-in is refused.", "Die Anmeldung wird abgelehnt.";
        would_be_refused: "The sign-in would be refused all the same.", "Die Anmeldung würde trotzdem abgelehnt.";
        reason: "Reason", "Grund";
        decides: "The rule {} of version {} decides.", "Die Regel {} von Version {} entscheidet.";
        decides_none: "No rule is asked.", "Keine Regel wird gefragt.";
        terms: "What must be brought", "Was nötig ist";
        trace: "The rules, up to the one that decides", "Die Regeln, bis zu der, die entscheidet";
        rule: "Rule", "Regel";
        matches: "Matches", "Passt";
        why: "Why", "Warum";
        decided: "decides", "entscheidet";
        notes: "What else there is to know", "Was man sonst noch wissen muss";
        faulty: "Look at what is marked below.", "Sehen Sie sich an, was unten markiert ist.";
    }
}
