//! What is said about each refusal: to the person before the screen, and to those who have to put it right.
//!
//! `docs/errors.md` is written from this table. A code without an entry does not compile.

use super::Code;

/// The words about one [`Code`]. `cause` and `cure` have code spans between backticks, as in Markdown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Words {
    /// What the person is told by whatever stands in front of him: plain, and what to do next. Where he cannot do
    /// anything, it names the code for his helpdesk.
    pub person: &'static str,
    /// Why it happens, for administrators and engineers.
    pub cause: &'static str,
    /// What they do about it.
    pub cure: &'static str,
}

macro_rules! words {
    ($($variant:ident { person: $person:literal, cause: $cause:literal, cure: $cure:literal $(,)? })+) => {
        impl Code {
            /// What is said about it, to the person and to those who put it right.
            #[must_use]
            pub const fn words(self) -> Words {
                match self { $(Self::$variant => Words { person: $person, cause: $cause, cure: $cure }),+ }
            }
        }
    };
}

words! {
    MalformedBody {
        person: "That did not work, and nothing was changed. Tell your helpdesk: malformed-body.",
        cause: "The software that asked sent a body that is not JSON, lacks a member, has one too many or one twice, \
            or one of the wrong type. Or the body did not arrive in time.",
        cure: "`detail` names the member. Correct the software by `openapi.yaml`; the same again is refused again. If \
            `detail` says that the body did not arrive or ended early, look at the network and the proxy.",
    }
    MalformedQuery {
        person: "That did not work, and nothing was changed. Tell your helpdesk: malformed-query.",
        cause: "A parameter after the `?` is not what the operation takes: a `wait` or `limit` out of range, a \
            `cursor` that no answer gave, or one parameter twice.",
        cure: "`detail` names the parameter. Correct the software that asked.",
    }
    MalformedHeader {
        person: "Sign-in is not possible now. Tell your helpdesk: malformed-header.",
        cause: "The gateway sent an `Idempotency-Key` that is empty, longer than 128 characters, not visible ASCII, or \
            there twice.",
        cure: "Correct the gateway's software: one key for each sign-in, such as a UUID.",
    }
    MalformedResponse {
        person: "Your answer was not accepted, and nothing was opened. Tell your helpdesk: malformed-response.",
        cause: "The phone's app sent something that is not a signed response: not a compact JWS in its one form, a \
            claim missing, twice or of the wrong type, or a decision that does not exist.",
        cure: "It is a fault of the app. Ours: load it anew, so that it fits the server. Another one: try it against \
            `protocol/vectors`. The sign-in still waits, and a sound answer is taken.",
    }
    CredentialMissing {
        person: "Open the page again. If that does not help, tell your helpdesk: credential-missing.",
        cause: "The request has neither a key (`Authorization: Bearer`) nor a phone's proof (`DPoP`). On the connect \
            page: no cookie of a session. A proxy that takes these headers away does the same.",
        cure: "Send the credential that `openapi.yaml` names for the operation, and let the proxy pass it on. For the \
            connect page: the browser must take cookies, and the page be opened by `https`.",
    }
    CredentialInvalid {
        person: "This phone or page is not known any more. Open it again; if that does not help, ask your helpdesk.",
        cause: "The key is unknown, revoked or mistyped; the phone was removed; the connect page's session is over; or \
            a proof does not fit its request, because it was made with another key or for another address than \
            `issuer`. The answer does not say which. The server's log does, as `cause`.",
        cure: "Read `cause` in the log. A gateway: `gatematch gateway list`, and look at its key file. A tool: \
            `gatematch admin-key list`. A phone: `gatematch device list NAME`; if it is gone, enroll it anew. All \
            phones at once: `issuer` is not the address that they use.",
    }
    StaleProof {
        person: "The clock of this phone is wrong. Let the phone set it by itself, then try again.",
        cause: "A phone's proof was made more than 60 seconds before or after the server's time, so one of the two \
            clocks is off. Our app corrects itself by `server_time` and asks again; people rarely see this.",
        cure: "One phone: let it set its clock by itself. Many phones: the server's clock is off, see `timedatectl`.",
    }
    ProofReplayed {
        person: "That did not work. Try again.",
        cause: "A proof with this `jti` was accepted before. Something sends requests twice: a proxy that tries again \
            by itself, or an app that uses a proof again. Or somebody has recorded one and tries it.",
        cure: "Switch off retries in the proxy. An app makes a new proof for each request. If neither repeats \
            anything, see in the log from which `source` the phone's requests come.",
    }
    ResponseNotAuthentic {
        person: "This phone can no longer sign you in. If you did not expect this, ask your helpdesk.",
        cause: "The answer's signature does not hold, or its phone was removed, is not confirmed yet, or is none of \
            this server's. The phone is not told which. The server's log says it, as `cause`.",
        cure: "`gatematch device list NAME`: is the phone there, and active? If not, enroll it anew. If it is and this \
            comes again, its key is damaged: remove it and enroll it anew.",
    }
    WrongParty {
        person: "That did not work, and nothing was changed. Tell your helpdesk: wrong-party.",
        cause: "The credential is valid and of the wrong kind: an administrator's key where a gateway's belongs, for \
            example. Gateways' keys begin with `gmg_`, administrators' with `gma_`.",
        cure: "Put the right key into the settings of the software that asked.",
    }
    RoleNotAllowed {
        person: "You may not do this. Ask an administrator.",
        cause: "Each administrator's key has one role. `helpdesk` manages people and phones, but no groups, no \
            gateways, and nobody in one of the `protected_groups`. `auditor` only reads. The rest takes `admin`.",
        cure: "Let somebody with the role `admin` do it. If it is needed every day, make a key with the role for it: \
            `gatematch admin-key create --role ROLE --name NAME`.",
    }
    OwnAccount {
        person: "You cannot do this to your own account. Ask a colleague.",
        cause: "Nobody gives himself a pass, and nobody unlocks or resets himself. Otherwise whoever has stolen one \
            thing from an administrator helps himself to the rest.",
        cure: "A second administrator does it. Where there is none, it is done on the server's own command line \
            (`gatematch user unlock NAME --reason TEXT`, for example), and the audit log names who did it.",
    }
    AccountLocked {
        person: "Your account is locked. Ask your helpdesk.",
        cause: "Somebody wanted to change something of his own account with his phone, and the account is locked (by \
            10 failures, or by an administrator) or disabled.",
        cure: "`gatematch user show NAME` says which, and the audit log why (`user.locked`, `user.disabled`). Talk to \
            the person first, then `gatematch user unlock NAME --reason TEXT`, or `gatematch user enable NAME`.",
    }
    CrossSite {
        person: "Open the sign-in page by its own address.",
        cause: "A page of another site asked for what only the connect page itself may ask for (`Sec-Fetch-Site` was \
            not `same-origin`). The page is embedded somewhere, a proxy changes the header, or a foreign page tries to \
            use the person's browser.",
        cure: "Link to `/connect`; do not embed it. The proxy must pass `Sec-Fetch-Site` on as it is. A program that \
            is no browser leaves it out. If none of these is yours, find out which site the person had open.",
    }
    NotFound {
        person: "This is not there any more. Go back and look again.",
        cause: "There is no such path, what it names is gone, or it belongs to somebody else: the answer is alike on \
            purpose. Challenges are kept for 24 hours. The `public_listen` address has only what phones and browsers \
            need.",
        cure: "Compare the id, and whose credential you use. If a whole path is missing: is it the right address of \
            the server, and does its version have it? For \"Start my desktop\": see `desktop_rdp_file`.",
    }
    MethodNotAllowed {
        person: "That did not work, and nothing was changed. Tell your helpdesk: method-not-allowed.",
        cause: "The path is there, but not with this method.",
        cure: "The header `Allow` names the methods that it takes. Correct the software that asked.",
    }
    AlreadyDecided {
        person: "This sign-in is over. It was answered on another phone, or refused.",
        cause: "Something else was quicker: the person on another phone, or the server, which refused it. Or one \
            answer was sent twice. `state` says how it ended, and `reason` tells the phone that decided. A gateway \
            gets it when it cancels, or tries a code, too late.",
        cure: "Nothing, if the person knows of the other answer. If he does not: `challenge.approved` or \
            `challenge.denied` in the audit log names the phone. Remove that phone and change his password.",
    }
    Expired {
        person: "The time ran out, and nothing was opened. Start your desktop again.",
        cause: "Nobody answered in time: 60 seconds, unless the gateway asked for another time. Or the gateway came \
            too late.",
        cure: "Once: nothing. Often: does the phone ring, does the number appear at once, and does the gateway wait \
            long enough (`time_limit`)?",
    }
    Cancelled {
        person: "This sign-in was called off, and nothing was opened by it. A newer one shows up by itself.",
        cause: "The gateway called it off, because the person gave up or its time was over; or a newer sign-in of the \
            same person took its place.",
        cure: "Nothing, once. If it happens at every sign-in, the gateway gives up or asks again before anybody can \
            answer: lengthen its times.",
    }
    AlreadyRedeemed {
        person: "Sign-in is not possible now. Tell your helpdesk: already-redeemed.",
        cause: "One approval opens one sign-in, and this one was redeemed under another `redemption_id`, or more than \
            10 minutes ago. Two programs share one gateway's key, a gateway has lost its id over a restart, or \
            somebody else has the key.",
        cure: "Do not let in. Look for `challenge.redeemed` in the audit log. If you cannot explain it, take the key \
            away (`gatematch gateway remove ID`), and add the gateway anew.",
    }
    DeviceExists {
        person: "This phone is there already, and nothing was changed. Remove it under its account before you add it \
            anew.",
        cause: "The key that the phone sent is registered already, to this person or another. Our app makes a new one \
            each time, so an app sent an old key again, or repeated a request whose answer was lost.",
        cure: "`gatematch device list NAME`: if the phone is there, all is done. If not, the app must make a new key. \
            The enrollment link is still good until its time is over.",
    }
    DeviceConfirmed {
        person: "This phone is confirmed already. There is nothing left to do.",
        cause: "Somebody else confirmed it a moment earlier, or the button was pressed twice.",
        cure: "Nothing. If nobody knows who did: `device.confirmed` in the audit log, and `gatematch device revoke \
            ID`.",
    }
    TooManyDevices {
        person: "You have too many phones. Remove one that you no longer use, or ask your helpdesk to do it.",
        cause: "The person has as many phones as `max_devices` allows: 5, unless you set another number.",
        cure: "`gatematch device list NAME` shows when each was last used, and `gatematch device revoke ID` removes \
            one. The enrollment link is still good until its time is over.",
    }
    TooManyAuthenticators {
        person: "You have as many of these as are allowed. Remove one that you no longer use, or ask your helpdesk to \
            do it.",
        cause: "An account has at most 5 authenticator apps and tokens, and 20 bypasses in force. Or it holds an app \
            or a token with the same seed already: each code would let in twice.",
        cure: "`gatematch authenticator list NAME` shows when each was last used, and `gatematch authenticator remove \
            NAME ID --reason TEXT` removes one. Bypasses: `gatematch bypass list NAME`. The same seed: nothing, it \
            works.",
    }
    AuthenticatorConfirmed {
        person: "This is confirmed already. There is nothing left to do.",
        cause: "A code was sent to confirm an authenticator app or token that had been confirmed before: the button \
            was pressed twice, or an answer was lost.",
        cure: "Nothing: it works. To begin anew, remove it and add it again.",
    }
    LastAdministrator {
        person: "This is the last key of an administrator, so it stays. Make another one first.",
        cause: "Without a key of the role `admin`, nobody could administer the server over the network any more.",
        cure: "`gatematch admin-key create --role admin --name NAME`, then revoke the old one. If that one was stolen, \
            do it at once, and see in the audit log what was done with it.",
    }
    IdempotencyInProgress {
        person: "One moment. Your sign-in is being prepared.",
        cause: "A gateway repeated a request before the first was answered.",
        cure: "The gateway waits a second and sends the same again. If this is frequent, it repeats too early, or the \
            server is slow: see `/metrics`.",
    }
    NothingToConfirm {
        person: "There is nothing to confirm now. Look at what the page shows.",
        cause: "Yes or No was pressed when the connect page no longer asked: twice, in a second window, or after the \
            sign-in had ended. Or a code was typed while it takes none: before Yes, a second time, or too late; such a \
            code was not looked at. `state` says what the page shows.",
        cure: "Nothing. If the page goes on asking, load it anew. No code is used up by this.",
    }
    EnrollmentGone {
        person: "This code is used or too old. Ask your helpdesk for a new one.",
        cause: "An enrollment link works once, for 10 minutes at most. This one was used, is too old or not complete, \
            belongs to a disabled account, or was made by a helpdesk for somebody who is protected by now. The answer \
            is alike for all.",
        cure: "`gatematch enroll NAME` makes a new one. If the person has not used the old one himself: `gatematch \
            device list NAME`, and remove the phone that he does not know.",
    }
    BodyTooLarge {
        person: "That did not work, and nothing was changed. Tell your helpdesk: body-too-large.",
        cause: "The body is over 64 KiB. Nothing that the API takes is so large.",
        cure: "Correct the software that asked. If it is not yours, see in the log from where it comes.",
    }
    UnsupportedMediaType {
        person: "That did not work, and nothing was changed. Tell your helpdesk: unsupported-media-type.",
        cause: "The request does not say `Content-Type: application/json`.",
        cure: "Correct the software that asked.",
    }
    InvalidValue {
        person: "One of the values cannot be taken. Correct it and try again.",
        cause: "A value is of the right type, but too long, too short or out of range.",
        cure: "`detail` names it and says what it may be. Correct it there, or in the settings of the gateway that \
            sent it.",
    }
    InvalidUsername {
        person: "No account can have this name. Look at how it is written.",
        cause: "A name has 1 to 128 letters, digits and `. _ - $ '`, with no dot at either end. Or its domain is not \
            one of `domains`. At a sign-in such a name is not refused like this: there it is `not-enrolled`.",
        cure: "Write the name as Windows has it. If the domain is yours, add it to `domains` and restart.",
    }
    InvalidKey {
        person: "This phone was not added. Tell your helpdesk: invalid-key.",
        cause: "A coordinate of the new phone's public key is not 32 bytes in canonical base64url: a leading zero is \
            cut off, or there is padding.",
        cure: "It is a fault of the app. The enrollment link is still good until its time is over.",
    }
    InvalidPushSubscription {
        person: "This phone cannot be made to ring. Open the app when you sign in.",
        cause: "The ringing (push) service of this browser is not one of the allowed ones, its address is a private \
            one, or its keys are damaged.",
        cure: "`detail` says which. To allow a service, add its host to `push_allowed_hosts` and restart. Sign-in \
            works without ringing.",
    }
    DisplayNotPossible {
        person: "Sign-in is not possible now. Tell your helpdesk: display-not-possible.",
        cause: "The gateway asked for a number to show, and was added as one that has no screen.",
        cure: "If it has one, add it anew with `--can-display`. If not, it must ask with `display` `none`, and people \
            open the connect page.",
    }
    WrongChallenge {
        person: "Your answer was not accepted, and nothing was opened. Tell your helpdesk: wrong-challenge.",
        cause: "The phone's answer was signed for another sign-in than the one that it was sent to, or for another \
            server: `jti`, `aud` or `challenge` does not fit. After a change of `issuer`, phones still sign for the \
            old one.",
        cure: "One phone: close the app and open it again. All phones: set `issuer` back, or enroll them anew.",
    }
    UvRequired {
        person: "This sign-in needs your fingerprint or the PIN of your phone. If the phone does not ask, ask your \
            helpdesk.",
        cause: "A rule asks that the phone verify the person, and its answer says that it did not. The sign-in still \
            waits.",
        cure: "Give the person an app that can (the web app cannot yet) or another way in, or change the rule.",
    }
    MalformedNumber {
        person: "The number is not complete. Type all of its digits.",
        cause: "The approval came without a number, or with one of another length. Nothing was counted, and the \
            sign-in still waits.",
        cure: "The app asks for the number again. Ours never sends such a one; another app takes the length from \
            `match.digits` of the challenge.",
    }
    InvalidPolicy {
        person: "The policy was not changed. Read what is said about the rule, and correct it.",
        cause: "A rule is out of range, or the rules together would lock everybody out, let in a login of which the \
            address is not known, or break what the profile holds to.",
        cure: "`detail` names the rule and the reason. `gatematch policy check FILE` says the same without changing \
            anything, and `docs/policy.md` has rules that are sound.",
    }
    PreconditionFailed {
        person: "Somebody else has changed the policy meanwhile, and nothing was overwritten. Look at it again.",
        cause: "`If-Match` names another version than the one that holds; `version` in the answer tells which does.",
        cure: "Read the policy anew, make the change to that, and send it with its `ETag`.",
    }
    PreconditionRequired {
        person: "The policy was not changed. Tell whoever made this tool: precondition-required.",
        cause: "The tool did not say in `If-Match` which version of the policy it replaces.",
        cure: "Send the `ETag` of `GET /v1/policy` as `If-Match`: so nobody overwrites a change that he has not seen.",
    }
    WrongCode {
        person: "The code is wrong. Look at it again and type it once more.",
        cause: "The code is mistyped, too old or used up. There are three places: confirming a new phone (three wrong \
            ones remove it), confirming an authenticator app or token (five end it), and a backup code on the connect \
            page (three end it). On the page the answer is alike for everybody, also where a right code is not looked \
            at: the account is locked, dormant or pauses after failures; the browser is not known, and browsers like \
            it have failed five times in an hour, or seven failures count already; the page is the fourth that was \
            opened for the name in 10 minutes at browsers that are not known, or stands beside one that is. So it is \
            without codes, and for a name that nobody has.",
        cure: "Let the person read the code again; the clock of an authenticator app must be right. For a backup code, \
            `gatematch user show NAME` says whether he can sign in, what he has, and how many failures count; if \
            it was he, `gatematch user unlock NAME --reason TEXT` forgets them. Where too many pages were opened, he \
            waits for 10 minutes and opens none. After the last try he begins anew: \
            another link, another app, or the page once more.",
    }
    IdempotencyKeyReused {
        person: "Sign-in is not possible now. Tell your helpdesk: idempotency-key-reused.",
        cause: "Within 10 minutes the gateway sent the `Idempotency-Key` of an earlier request with another body.",
        cure: "Correct the gateway's software: a new key for each sign-in, the same one only to repeat the same \
            request.",
    }
    TooManyFailures {
        person: "Too many tries have failed. Wait a minute, then try again.",
        cause: "300 wrong credentials or unknown enrollment links came from one address in a minute; valid ones are \
            still served. Or 300 codes on connect pages, of which the right ones count too: there even a right one \
            waits. Behind a proxy that `trusted_proxies` does not name, everybody has the proxy's address.",
        cure: "`credential.refused` in the audit log has the address and the count (codes of pages: `kind` \
            `page-code`): find out what sends them. Name the proxy in `trusted_proxies`. Clients wait as long as \
            `Retry-After` says.",
    }
    Internal {
        person: "Something went wrong, and nothing was opened. Try again; if it comes again, tell your helpdesk: \
            internal.",
        cause: "The server met what should not be, such as data that it cannot read. Its log has an `ERROR` under the \
            id of the request, with the `cause`.",
        cure: "Read `cause`. If it came after a restore, do database and master key belong together? Otherwise send us \
            that line: it is a fault of ours.",
    }
    Unavailable {
        person: "Sign-in is not possible now, and nothing was opened. Try again in a minute.",
        cause: "The server cannot decide: it starts or stops, or the database takes no writes, for example because the \
            disk is full. Nobody is let in meanwhile.",
        cure: "`/readyz` and `journalctl -u gatematch` say what it is. Clients wait as long as `Retry-After` says.",
    }
    Overloaded {
        person: "There is too much to do here right now. Try again in a minute.",
        cause: "More wait, write or watch at once than the server takes, or one phone or address asks too often: \
            `detail` says which. Or one phone has changed its person's account 20 times in 10 minutes, refused \
            tries among them. Behind a proxy that `trusted_proxies` does not name, everybody has the proxy's address.",
        cure: "Find out who asks so much: the log has the `source` of each request, `/metrics` the counts. Name the \
            proxy in `trusted_proxies`. Clients wait as long as `Retry-After` says: after 20 own changes some minutes. \
            If the person knows nothing of them, lock him, and look at what was added.",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_put_into_whole_sentences() {
        for code in Code::ALL {
            let Words { person, cause, cure } = code.words();
            for text in [person, cause, cure] {
                assert!(text.ends_with('.') || text.ends_with('?'), "{code}: {text}");
                assert!(!text.contains("  ") && !text.contains('!'), "{code}: {text}");
                assert_eq!(text.matches('`').count() % 2, 0, "{code}: {text}");
            }
            assert!(!person.contains('`') && person.len() <= 130, "{code}: {person}");
        }
    }

    #[test]
    fn a_person_who_is_sent_to_the_helpdesk_with_a_word_has_the_right_one() {
        let mut sent = 0;
        for code in Code::ALL {
            if let Some((_, word)) = code.words().person.split_once("helpdesk: ") {
                assert_eq!(word, format!("{code}."));
                sent += 1;
            }
        }
        assert!(sent > 10, "{sent}");
    }
}
