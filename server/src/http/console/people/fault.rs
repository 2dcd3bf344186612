//! What was wrong with a form, beside the field that it concerns.

use gatematch_protocol::problem::Code;

use crate::http::problem::Problem;
use crate::words::people::acts::Acts;

/// What was wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    /// With which field; with none where this is empty.
    pub(super) field: &'static str,
    /// In words.
    pub(super) text: &'static str,
}

/// What `problem` says of a form; `None` where it says something else.
pub(super) fn explained(words: &'static Acts, problem: &Problem) -> Option<Fault> {
    let (field, text) = match problem.code() {
        // It begins with what it is about.
        Code::InvalidValue => match problem.detail().split(' ').next().unwrap_or_default() {
            "reason" => ("reason", words.fault_reason),
            "display_name" => ("display_name", words.fault_text),
            "name" => ("label", words.fault_text),
            "email" => ("email", words.fault_email),
            "groups" => ("groups", words.fault_groups),
            "until" | "expires_in" | "starts_at" => ("until", words.fault_until),
            "life" => ("life", words.fault_choice),
            "role" => ("role", words.fault_choice),
            "max_uses" => ("uses", words.fault_uses),
            "code" => ("code", words.fault_code),
            "there" => ("name", words.fault_there),
            _ => return None,
        },
        Code::InvalidUsername => ("name", words.fault_user_name),
        Code::WrongCode => ("code", words.fault_code),
        Code::TooManyAuthenticators => ("", words.fault_many),
        Code::AuthenticatorConfirmed | Code::DeviceConfirmed => ("", words.fault_confirmed),
        _ => return None,
    };
    Some(Fault { field, text })
}

#[cfg(test)]
mod tests {
    use gatematch_domain::fault::Fault as DomainFault;
    use gatematch_domain::text::reason;
    use gatematch_domain::user::UserChange;
    use gatematch_protocol::user::PutUser;

    use super::*;
    use crate::words::Language;

    #[test]
    fn a_fault_stands_beside_its_field() {
        let words = Acts::of(Language::English);
        let field = |fault: DomainFault| explained(words, &Problem::from(fault)).map(|fault| fault.field);
        assert_eq!(field(reason("-").unwrap_err()), Some("reason"));
        assert_eq!(field(reason(&"a".repeat(65)).unwrap_err()), Some("reason"));
        let bad = |body: PutUser| UserChange::from_body(&body).unwrap_err();
        assert_eq!(field(bad(PutUser { email: Some("x".to_owned()), ..PutUser::default() })), Some("email"));
        let long = Some("a".repeat(65));
        assert_eq!(field(bad(PutUser { display_name: long, ..PutUser::default() })), Some("display_name"));
        let groups = Some(vec!["g".to_owned(); 65]);
        assert_eq!(field(bad(PutUser { groups, ..PutUser::default() })), Some("groups"));
        assert_eq!(explained(words, &Problem::not_found()), None);
        assert_eq!(explained(words, &Problem::new(Code::OwnAccount, "Somebody else must do this.")), None);
    }
}
