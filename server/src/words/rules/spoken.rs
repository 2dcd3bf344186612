//! A rule in words: when, and what then.

crate::words::words! {
    /// A rule in words: when, and what then.
    Spoken {
        or: " or ", " oder ";
        and_more: "{} and {} more", "{} und {} weitere";
        always: "always", "immer";
        groups: "the account is in the group {}", "das Konto ist in der Gruppe {}";
        users: "the account is {}", "das Konto ist {}";
        gateways: "the sign-in is at {}", "die Anmeldung ist bei {}";
        networks: "the address is in {}", "die Adresse ist in {}";
        countries: "the country is {}", "das Land ist {}";
        hours: "it is {} from {} to {} ({})", "es ist {} von {} bis {} ({})";
        hours_over_night: "it is {} from {} to {} of the next day ({})", "es ist {} von {} bis {} am nächsten Tag ({})";
        dates_from: "it is {} or later ({})", "es ist der {} oder später ({})";
        dates_before: "it is before {} ({})", "es ist vor dem {} ({})";
        dates_between: "it is {} or later, and before {} ({})", "es ist der {} oder später, und vor dem {} ({})";
        client_names: "the computer calls itself {}", "der Computer nennt sich {}";
        signals: "something stands out: {}", "etwas fällt auf: {}";
        new_network: "a network that is new for the person", "ein Netz, das für die Person neu ist";
        new_country: "a country that is new for the person", "ein Land, das für die Person neu ist";
        recent_failures: "wrong or denied sign-ins of late", "zuletzt falsche oder abgelehnte Anmeldungen";
        new_phone: "a phone that is new", "ein neues Telefon";
        missing_matches: "also where that is not known", "auch wo das nicht bekannt ist";
        missing_skips: "not where that is not known", "nicht wo das nicht bekannt ist";
        every_day: "every day", "jeden Tag";
        mon: "Monday", "Montag";
        tue: "Tuesday", "Dienstag";
        wed: "Wednesday", "Mittwoch";
        thu: "Thursday", "Donnerstag";
        fri: "Friday", "Freitag";
        sat: "Saturday", "Samstag";
        sun: "Sunday", "Sonntag";
        ask: "is asked", "wird gefragt";
        allow: "passes without a second factor", "kommt ohne zweiten Faktor durch";
        deny: "is refused", "wird abgelehnt";
        digits: "a number of {} digits", "eine Zahl mit {} Stellen";
        only_by: "only by {}", "nur mit {}";
        push: "phone", "Telefon";
        totp: "app or token", "App oder Token";
        recovery_code: "recovery code", "Notfallcode";
        access_pass: "access pass", "Zugangspass";
        uv: "the phone must have verified the person", "das Telefon muss die Person geprüft haben";
        no_display_refuse: "refused where no number can be shown", "abgelehnt, wo keine Zahl gezeigt werden kann";
        no_display_approve: "a bare approval where no number can be shown", "bloßes Bestätigen, wo keine Zahl gezeigt werden kann";
        reuse: "one approval serves the same session for {} seconds", "eine Bestätigung gilt für dieselbe Sitzung {} Sekunden";
        off: "switched off", "ausgeschaltet";
        only_reports: "only reports", "meldet nur";
    }
}
