//! What the pages about gateways say.

crate::words::words! {
    /// What the pages about gateways say.
    Gateways {
        lead: "A gateway asks Gatematch whether somebody may sign in: an RD Gateway, a VPN, a program of yours. Each has a key of its own, so that one can be taken away without touching the others.", "Ein Gateway fragt Gatematch, ob sich jemand anmelden darf: ein RD-Gateway, ein VPN, ein eigenes Programm. Jedes hat einen eigenen Schlüssel, damit eines wegfallen kann, ohne die anderen zu berühren.";
        add: "Add a gateway", "Gateway hinzufügen";
        removed: "The gateway is gone: its key is refused, and what was waiting there has ended.", "Das Gateway ist entfernt: Sein Schlüssel wird abgelehnt, und was dort wartete, ist beendet.";
        list: "Gateways", "Gateways";
        name: "Name", "Name";
        application: "Application", "Anwendung";
        number: "Number", "Zahl";
        number_itself: "shows it itself", "zeigt es selbst";
        number_page: "on the connect page", "auf der Anmeldeseite";
        address: "Client's address", "Adresse des Geräts";
        address_trusted: "counts in rules", "zählt in Regeln";
        address_shown: "is only shown", "wird nur gezeigt";
        made: "Made", "Angelegt";
        let_in: "Let in, 24 hours", "Eingelassen, 24 Stunden";
        at_least: "at least {}", "mindestens {}";
        built_in: "built in", "eingebaut";
        none_yet: "There is no gateway of yours yet. Nobody is asked for a desktop before there is one.", "Es gibt noch kein eigenes Gateway. Vorher wird für keinen Desktop jemand gefragt.";
        built_in_why: "The two that are built in are this server itself: as these it asks phones when somebody signs in here. Rules can name them. Nobody has their keys, and they cannot be removed.", "Die zwei eingebauten sind dieser Server selbst: Als diese fragt er Telefone, wenn sich hier jemand anmeldet. Regeln können sie nennen. Ihre Schlüssel hat niemand, und sie lassen sich nicht entfernen.";
        name_hint: "Phones show it with each request. Choose one that people recognise, such as Oslo gateway. 1 to 64 characters.", "Telefone zeigen ihn bei jeder Anfrage. Nehmen Sie einen, den die Leute wiedererkennen, etwa Gateway Oslo. 1 bis 64 Zeichen.";
        application_hint: "What people open there, such as Remote Desktop. Phones show it. 1 to 64 characters.", "Was man dort öffnet, etwa Remotedesktop. Telefone zeigen es. 1 bis 64 Zeichen.";
        length_fault: "1 to 64 characters, please.", "Bitte 1 bis 64 Zeichen.";
        display: "It can show a number to the person who signs in", "Es kann der Person, die sich anmeldet, eine Zahl zeigen";
        display_hint: "Leave it empty for RD Gateway: it has no screen, and the connect page shows the number. Tick it for a VPN that shows a text and asks for a second field, or for a program that speaks HTTP.", "Für RD-Gateway leer lassen: Es hat keinen Bildschirm, und die Anmeldeseite zeigt die Zahl. Ankreuzen für ein VPN, das einen Text zeigt und nach einem zweiten Feld fragt, oder für ein Programm, das HTTP spricht.";
        address_label: "The client's address that it tells", "Die Adresse des Geräts, die es nennt";
        address_hint: "RD Gateway tells none, so it makes no difference there. Choose \"is only shown\" where a client could make up its own.", "RD-Gateway nennt keine, dort ist es also gleich. Wählen Sie \"wird nur gezeigt\", wo ein Gerät sie erfinden könnte.";
        address_fault: "Choose one of the two.", "Wählen Sie eines von beiden.";
        lines_title: "For the lines that you get next", "Für die Zeilen, die Sie gleich bekommen";
        lines_lead: "For an RD Gateway. They are put into the lines and kept nowhere; you may leave them empty.", "Für ein RD-Gateway. Sie kommen in die Zeilen und werden nirgends behalten; Sie können sie leer lassen.";
        gateway_address: "Address of the RD Gateway", "Adresse des RD-Gateways";
        gateway_address_hint: "From which its requests come, such as 10.0.0.10", "Von der seine Anfragen kommen, etwa 10.0.0.10";
        server_address: "Address of this server, as the RD Gateway reaches it", "Adresse dieses Servers, wie das RD-Gateway ihn erreicht";
        server_address_hint: "Such as 10.0.0.20; the address rather than a name, so that sign-ins do not depend on DNS", "Etwa 10.0.0.20; die Adresse statt eines Namens, damit Anmeldungen nicht am DNS hängen";
        no_address: "That is no IP address.", "Das ist keine IP-Adresse.";
        made_title: "{} is there", "{} ist angelegt";
        key_title: "Its key", "Sein Schlüssel";
        key_once: "It is shown only now. Whoever has it can make phones ring in the name of this gateway. If you lose it, remove the gateway and add it anew.", "Er wird nur jetzt gezeigt. Wer ihn hat, kann im Namen dieses Gateways Telefone klingeln lassen. Geht er verloren, entfernen Sie das Gateway und legen Sie es neu an.";
        go_on: "I have kept the key: go on", "Ich habe den Schlüssel aufgehoben: weiter";
        facts: "What it is", "Was es ist";
        id: "Id", "Kennung";
        for_others: "How it asks", "Wie es fragt";
        for_others_why: "This gateway shows numbers itself, so it is no RD Gateway. A program asks POST /v1/challenges with the key as its bearer token. A VPN asks by RADIUS: an entry [[radius.client]] in the settings file with style = \"challenge\" and the key in gateway_key_file. docs/rd-gateway.md and docs/protocol.md say how.", "Dieses Gateway zeigt Zahlen selbst, ist also kein RD-Gateway. Ein Programm ruft POST /v1/challenges mit dem Schlüssel als Bearer-Token auf. Ein VPN fragt über RADIUS: ein Eintrag [[radius.client]] in der Einstellungsdatei mit style = \"challenge\" und dem Schlüssel in gateway_key_file. docs/rd-gateway.md und docs/protocol.md sagen, wie.";
        remove: "Remove this gateway", "Dieses Gateway entfernen";
        remove_why: "Its key is refused from then on, and sign-ins that wait there end: nobody opens a desktop through {} any more. It cannot be taken back; added anew, it gets another key.", "Sein Schlüssel wird ab dann abgelehnt, und Anmeldungen, die dort warten, enden: Über {} öffnet niemand mehr einen Desktop. Das lässt sich nicht zurücknehmen; neu angelegt bekommt es einen anderen Schlüssel.";
        remove_sure: "Yes, nobody shall sign in through {} any more", "Ja, über {} soll sich niemand mehr anmelden";
        cannot_remove: "It is built in and cannot be removed.", "Es ist eingebaut und lässt sich nicht entfernen.";
    }
}
