//! The style `challenge`: the person is asked by Access-Challenge, and answers on the phone or with a code.

use gatematch_protocol::challenge::ChallengeView;
use gatematch_protocol::id::GatewayId;
use gatematch_protocol::passcode;
use gatematch_protocol::secret::Secret;

use super::call::CODES;
use super::fingerprint::Fingerprint;
use super::passcode::password;
use super::refusal::Refusal;
use super::{Answer, Login, Open};
use crate::door::Cause;
use crate::settings::{ClientSettings, Style};
use crate::state::{Bound, Spent, TooMany};

/// How often one login may type what is no code where nothing but a code can help.
const MOST_MISSES: u8 = 5;
/// What goes before the question after a wrong code.
const NOT_RIGHT: &str = "That code was not right. ";

/// The ways in which a challenge can be met, as far as they change what the person is asked.
#[derive(Clone, Debug)]
pub(super) struct Ways {
    /// The number to be typed in the phone.
    number: Option<Secret>,
    /// Whether a phone was asked.
    phone: bool,
    /// Whether a code can be given instead.
    code: bool,
}

/// What the person typed in answer to an Access-Challenge.
enum Typed {
    Code(Secret),
    /// Nothing to judge: the phone decides.
    Phone,
    /// No code, and there is no phone that could decide.
    Nothing,
}

impl Ways {
    pub(super) fn of(view: &ChallengeView) -> Self {
        let has = |way: &str| view.methods.iter().any(|method| method == way);
        Self {
            number: view.number.clone().map(Secret::new),
            phone: view.number.is_some() || has("push"),
            code: CODES.into_iter().any(has),
        }
    }

    /// Whether there is something to ask the person. A phone that needs no number says by itself what it wants.
    const fn ask(&self) -> bool {
        self.number.is_some() || (self.code && !self.phone)
    }

    /// The question. A number is its only run of digits (contract section 8); `None` for a number that is none.
    fn question(&self) -> Option<String> {
        let Some(number) = self.number.as_ref().map(Secret::reveal) else {
            return Some("Type the code from your authenticator app or a backup code".to_owned());
        };
        if !(1..=10).contains(&number.len()) || !number.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let code = if self.code { ". No phone? Type a backup code." } else { "" };
        Some(format!("Enter {number} in your phone{code}"))
    }

    /// Reads the password field of an answer. Where no code can help, none is looked for.
    fn read(&self, field: Option<&[u8]>) -> Typed {
        let text = field.filter(|_| self.code).and_then(|octets| std::str::from_utf8(octets).ok());
        match text.and_then(passcode::read) {
            // Somebody typed here what belongs in the phone.
            Some((_, code)) if self.number.as_ref() != Some(&code) => Typed::Code(code),
            _ if self.phone => Typed::Phone,
            _ => Typed::Nothing,
        }
    }
}

impl Login {
    /// What the first request's password field holds. Some clients send it once more by themselves, and some people out
    /// of habit: it might look like a code, and would be counted as a wrong one.
    pub(super) fn first_field(&self, client: &ClientSettings) -> Result<Option<Fingerprint>, Refusal> {
        if client.style != Style::Challenge {
            return Ok(None);
        }
        // A password that only CHAP proves, say, comes as no text later, either.
        let Ok(Some(field)) = password(&self.request, &client.secret) else { return Ok(None) };
        self.fingerprint(&field).map(Some)
    }

    fn fingerprint(&self, field: &[u8]) -> Result<Fingerprint, Refusal> {
        let fingerprint = self.shared.fingerprints.of(field, &self.shared.edge);
        fingerprint.map_err(|_| Refusal::NotServed(Cause::NoEntropy))
    }

    /// The answer to the first request: a question, where there is one to ask.
    pub(super) async fn first_question(
        &self,
        client: &ClientSettings,
        gateway: GatewayId,
        open: &Open,
    ) -> Result<Answer, Refusal> {
        if open.ways.ask() { self.ask(open.clone(), "") } else { self.hold(client, gateway, open).await }
    }

    /// Access-Challenge: the question, and the State that the next request brings back.
    fn ask(&self, open: Open, before: &str) -> Result<Answer, Refusal> {
        let question = open.ways.question().ok_or(Refusal::NotServed(Cause::ServerUnavailable))?;
        let random = self.shared.edge.random().map_err(|_| Refusal::NotServed(Cause::NoEntropy))?;
        let (client, user, expires_at) = (self.request.head.client, self.request.user.clone(), open.expires_at);
        let mut states = self.shared.states();
        // Challenges whose State nobody brought back have died by themselves.
        drop(states.sweep(self.shared.edge.now()));
        let issued = states.issue(random, Bound { client, user, payload: open }, expires_at);
        let state = issued.map_err(|too_many| match too_many {
            TooMany::All => Refusal::NotServed(Cause::Overloaded),
            TooMany::OfClient => Refusal::NotServed(Cause::ClientOverloaded),
        })?;
        Ok(Answer::Challenge { message: format!("{before}{question}"), state })
    }

    /// A request that answers an Access-Challenge.
    pub(super) async fn second(&self, client: &ClientSettings, state: &[u8]) -> Result<Answer, Refusal> {
        if client.style != Style::Challenge {
            return Err(Refusal::State);
        }
        let now = self.shared.edge.now();
        let spent = self.shared.states().take(state, self.request.head.client, &self.request.user, now);
        match spent {
            Spent::Ours(open) => self.ending(&open, self.judge(client, &open)).await,
            Spent::Others(bound) => {
                self.delete(bound.client, bound.payload.id).await;
                Err(Refusal::State)
            }
            Spent::Unknown => Err(Refusal::State),
        }
    }

    async fn judge(&self, client: &ClientSettings, open: &Open) -> Result<Answer, Refusal> {
        let typed = match password(&self.request, &client.secret) {
            // As if nothing stood there.
            Ok(Some(field)) if open.first_field == Some(self.fingerprint(&field)?) => open.ways.read(None),
            Ok(field) => open.ways.read(field.as_ref().map(|field| field.as_slice())),
            // What CHAP hides is no code, and need be none.
            Err(_) if open.ways.phone => Typed::Phone,
            Err(refusal) => return Err(refusal),
        };
        match typed {
            Typed::Phone => self.hold(client, self.gateway().await?, open).await,
            Typed::Code(code) => match self.spend(client, self.gateway().await?, open, code).await? {
                Some(answer) => Ok(answer),
                None => self.ask(open.clone(), NOT_RIGHT),
            },
            Typed::Nothing if open.misses >= MOST_MISSES => Err(Refusal::NoCode),
            Typed::Nothing => self.ask(Open { misses: open.misses + 1, ..open.clone() }, ""),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ways(number: Option<&str>, phone: bool, code: bool) -> Ways {
        Ways { number: number.map(Secret::new), phone, code }
    }

    fn typed(ways: &Ways, field: Option<&[u8]>) -> String {
        match ways.read(field) {
            Typed::Code(code) => code.reveal().to_owned(),
            Typed::Phone => "phone".to_owned(),
            Typed::Nothing => "nothing".to_owned(),
        }
    }

    #[test]
    fn the_number_is_the_only_run_of_digits_whatever_its_length() {
        for length in 1..=10 {
            let number = &"0471935826"[..length];
            for (code, before) in [(false, ""), (true, ""), (true, NOT_RIGHT)] {
                let message = format!("{before}{}", ways(Some(number), true, code).question().unwrap());
                let runs = message.split(|c: char| !c.is_ascii_digit()).filter(|run| !run.is_empty());
                assert_eq!(runs.collect::<Vec<_>>(), [number], "{message}");
            }
        }
    }

    #[test]
    fn the_question_names_what_helps_and_has_no_digits_but_the_number() {
        let asked = |number, phone, code| ways(number, phone, code).question();
        assert_eq!(asked(Some("047"), true, false).as_deref(), Some("Enter 047 in your phone"));
        let both = asked(Some("047"), true, true);
        assert_eq!(both.as_deref(), Some("Enter 047 in your phone. No phone? Type a backup code."));
        let code = asked(None, false, true).unwrap();
        assert_eq!(code, "Type the code from your authenticator app or a backup code");
        assert!(!code.contains(|c: char| c.is_ascii_digit()) && !NOT_RIGHT.contains(|c: char| c.is_ascii_digit()));
        for number in ["", "04a", "01234567890", "٠٤٧"] {
            assert_eq!(asked(Some(number), true, true), None, "{number}");
        }
    }

    #[test]
    fn a_phone_without_number_and_nobody_at_all_are_not_asked_about() {
        assert!(ways(Some("047"), true, false).ask() && ways(None, false, true).ask());
        assert!(!ways(None, true, true).ask() && !ways(None, true, false).ask() && !ways(None, false, false).ask());
    }

    #[test]
    fn a_code_is_one_and_anything_else_leaves_it_to_the_phone() {
        let both = ways(Some("047"), true, true);
        for (field, is) in [
            (&b""[..], "phone"),
            (b"047", "phone"),
            (b"ok", "phone"),
            (b"hunter2", "phone"),
            (b"\xff123456", "phone"),
            (b" 123 456 ", "123456"),
            (b"abcde-fghjk", "ABCDEFGHJK"),
            (b"0123-4567-89ab-cdef", "0123456789ABCDEF"),
        ] {
            assert_eq!(typed(&both, Some(field)), is, "{field:?}");
        }
        assert_eq!(typed(&both, None), "phone");
        let six = ways(Some("123456"), true, true);
        assert_eq!((typed(&six, Some(b"123456")), typed(&six, Some(b"123 456"))), ("phone".into(), "phone".into()));
        assert_eq!(typed(&six, Some(b"123457")), "123457");
    }

    #[test]
    fn where_there_is_no_phone_only_a_code_helps() {
        let code = ways(None, false, true);
        for field in [None, Some(&b""[..]), Some(b"ok"), Some(b"12345"), Some(&[0xff; 16]), Some(&[b'1'; 128])] {
            assert_eq!(typed(&code, field), "nothing", "{field:?}");
        }
        assert_eq!(typed(&code, Some(b"123456")), "123456");
    }

    #[test]
    fn a_password_that_looks_like_a_code_is_none_where_no_code_helps() {
        assert_eq!(typed(&ways(Some("047"), true, false), Some(b"Passw0rd12")), "phone");
        assert!(!format!("{:?}", ways(Some("047"), true, true)).contains("047"));
    }
}
