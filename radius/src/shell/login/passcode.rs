//! Codes in the password field: of the style `passcode` with the first request, of the style `challenge` with a later
//! one. A code is given to the server once, and never again in the same login.

use gatematch_protocol::id::GatewayId;
use gatematch_protocol::passcode;
use gatematch_protocol::secret::Secret;
use zeroize::Zeroizing;

use super::hold::Trouble;
use super::refusal::{Refusal, ended_after};
use super::{Answer, Login, Open, ids};
use crate::api::Failure;
use crate::attribute::{CHAP_PASSWORD, USER_PASSWORD, microsoft};
use crate::authenticator::reveal_password;
use crate::deadline::Pause;
use crate::door::{Cause, Request};
use crate::packet::Packet;
use crate::settings::{ClientSettings, FirstFactor, Style};

/// What the password field of the style `passcode` holds. There is no `Debug`: it would tell.
pub(super) struct Field {
    /// What goes to the upstream server, where one is asked.
    password: Option<Zeroizing<Vec<u8>>>,
    /// `None` where the person gave none: then only what the server approves by itself lets him in, such as a bypass.
    code: Option<Secret>,
}

impl Field {
    /// Reads `code`, or where an upstream server checks the password `password,code`; without a code behind a comma all of
    /// it is the password. `None` where the login ends here: without a password that could be checked (some directories
    /// take an empty one for nobody's, and let him in), or where the code would be all there is, and there is none.
    fn read(field: &[u8], first_factor: FirstFactor) -> Option<Self> {
        match first_factor {
            FirstFactor::Radius => {
                let (password, code) = parted(field).map_or((field, None), |(password, code)| (password, Some(code)));
                // Zeros at its end are filling to whoever reads it next.
                let is_empty = password.iter().all(|octet| *octet == 0);
                (!is_empty).then(|| Self { password: Some(Zeroizing::new(password.to_vec())), code })
            }
            FirstFactor::Gateway => Some(Self { password: None, code: code_in(field) }),
            FirstFactor::None => code_in(field).map(|code| Self { password: None, code: Some(code) }),
        }
    }

    /// What the upstream server is to see as the password.
    pub(super) fn password(&self) -> Option<&[u8]> {
        self.password.as_ref().map(|password| password.as_slice())
    }

    pub(super) fn into_code(self) -> Option<Secret> {
        self.code
    }
}

/// Password and code on both sides of the last comma; `None` where no code stands behind it.
fn parted(field: &[u8]) -> Option<(&[u8], Secret)> {
    let comma = field.iter().rposition(|octet| *octet == b',')?;
    let (password, rest) = field.split_at_checked(comma)?;
    Some((password, code_in(rest.get(1..)?)?))
}

fn code_in(text: &[u8]) -> Option<Secret> {
    passcode::read(std::str::from_utf8(text).ok()?).map(|(_, code)| code)
}

impl Login {
    /// What stands in the password field, where the client's style is `passcode`.
    pub(super) fn field(&self, client: &ClientSettings) -> Result<Option<Field>, Refusal> {
        if client.style != Style::Passcode {
            return Ok(None);
        }
        let field = password(&self.request, &client.secret)?;
        // A client that sends none never will; a person who leaves it empty may have pressed the wrong key.
        let field = field.ok_or(Refusal::NotServed(Cause::PasswordUnreadable))?;
        Field::read(&field, client.first_factor).map(Some).ok_or(Refusal::NoCode)
    }

    /// Gives the code to the server, and lets in where that decides the challenge; `None` where the code was wrong and
    /// the challenge is still open.
    ///
    /// The call is made once: it may have been counted, or the code spent, though no answer came. Then the challenge is
    /// asked how it stands.
    pub(super) async fn spend(
        &self,
        client: &ClientSettings,
        gateway: GatewayId,
        open: &Open,
        code: Secret,
    ) -> Result<Option<Answer>, Refusal> {
        let call = self.shared.api.passcode(&client.gateway_key, open.id, code);
        let view = match self.within(call).await.map_err(|ended| ended_after(ended, true))? {
            Ok(view) if view.id == open.id => view,
            Ok(_) => return Err(Refusal::NotServed(Cause::ResultUnbelievable)),
            Err(failure) => {
                // 409: decided meanwhile, on the phone perhaps.
                if failure != Failure::Refused(409) {
                    self.weigh(&failure)?;
                }
                return self.look(client, gateway, open).await.map(Some);
            }
        };
        match view.status.as_str() {
            "approved" => self.hold(client, gateway, open).await.map(Some),
            "pending" => Ok(None),
            _ => Err(Refusal::decided(&view)),
        }
    }

    /// Lets in where the challenge has been approved by now; else that is the end of it.
    async fn look(&self, client: &ClientSettings, gateway: GatewayId, open: &Open) -> Result<Answer, Refusal> {
        let redemption_id = ids::redemption_id(&self.request);
        let mut pause = Pause::new();
        loop {
            let redeem = self.shared.api.redeem(&client.gateway_key, open.id, &redemption_id, 0);
            let seen = self.within(redeem).await.map_err(|ended| ended_after(ended, true))?;
            match self.weigh_view(seen, client, gateway, open).await {
                Ok(answer) => return answer.ok_or(Refusal::CodeLost),
                Err(Trouble::Failed(failure)) => self.weigh(&failure)?,
                Err(Trouble::Refused(refusal)) => return Err(refusal),
            }
            self.rest(&mut pause).await.map_err(|ended| ended_after(ended, true))?;
        }
    }
}

/// The octets of User-Password; `None` where there is none.
///
/// # Errors
/// [`Cause::PasswordUnreadable`] where the client proves the password by CHAP or MS-CHAP instead of telling it.
pub(super) fn password(request: &Request, secret: &Secret) -> Result<Option<Zeroizing<Vec<u8>>>, Refusal> {
    let unreadable = Refusal::NotServed(Cause::PasswordUnreadable);
    let Ok(packet) = Packet::decode(&request.raw) else { return Err(unreadable) };
    let of_microsoft = |kind| packet.vendor(microsoft::VENDOR, kind).is_some();
    if packet.first(CHAP_PASSWORD).is_some()
        || of_microsoft(microsoft::MS_CHAP_RESPONSE)
        || of_microsoft(microsoft::MS_CHAP2_RESPONSE)
    {
        return Err(unreadable);
    }
    let Some(hidden) = packet.first(USER_PASSWORD) else { return Ok(None) };
    reveal_password(hidden, packet.authenticator(), secret).map(Some).map_err(|_| unreadable)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(field: &[u8], first_factor: FirstFactor) -> Option<(Option<Vec<u8>>, Option<String>)> {
        let field = Field::read(field, first_factor)?;
        let password = field.password().map(<[u8]>::to_vec);
        Some((password, field.into_code().map(|code| code.reveal().to_owned())))
    }

    #[test]
    fn the_last_comma_parts_password_and_code() {
        let latin = b"gr\xfc\xdfe,123456";
        let long = [&[b'x'; 121][..], b",123456"].concat();
        for (field, password, code) in [
            (&b"hunter2,123456"[..], &b"hunter2"[..], "123456"),
            (b"a,b,,123 456", b"a,b,", "123456"),
            (b",,123456", b",", "123456"),
            (b"123456,abcde-fghjk", b"123456", "ABCDEFGHJK"),
            (b" , 123456", b" ", "123456"),
            (latin, &latin[..5], "123456"),
            (&long, &long[..121], "123456"),
        ] {
            let read = read(field, FirstFactor::Radius);
            assert_eq!(read, Some((Some(password.to_vec()), Some(code.to_owned()))), "{field:?}");
        }
    }

    #[test]
    fn where_no_code_stands_behind_a_comma_all_of_it_is_the_password() {
        for field in [
            &b"hunter2"[..],
            b"123456",
            b",",
            b" ",
            b"hunter2,",
            b"hunter2, ",
            b"hunter2,12345",
            b"hunter2,123456,",
            b"hunter2,\xff23456",
            b"123456,hunter2",
            &[b','; 128],
            &[0xff; 128],
        ] {
            assert_eq!(read(field, FirstFactor::Radius), Some((Some(field.to_vec()), None)), "{field:?}");
        }
    }

    #[test]
    fn an_empty_password_is_never_one() {
        for field in [&b""[..], b"\0\0", b",123456", b"\0,123456", b"\0\0,abcde-fghjk"] {
            assert_eq!(read(field, FirstFactor::Radius), None, "{field:?}");
        }
    }

    #[test]
    fn where_nobody_checks_a_password_all_of_it_is_the_code() {
        for first_factor in [FirstFactor::Gateway, FirstFactor::None] {
            assert_eq!(read(b"123 456", first_factor), Some((None, Some("123456".to_owned()))));
            // Without one a gateway's person may have a bypass; a name alone never opens.
            let without = (first_factor == FirstFactor::Gateway).then_some((None, None));
            for field in [&b""[..], b"hunter2", b"hunter2,123456", b",123456", b"\xff\xff", &[b'1'; 128]] {
                assert_eq!(read(field, first_factor), without, "{field:?}");
            }
        }
    }
}
