//! The person with the phone: types what he sees, or what whoever runs the demo types.

use std::io::{self, BufRead as _};

use gatematch_protocol::response::Decision;
use gatematch_server::cli::fault::Fault;
use gatematch_server::cli::terminal::Terminal;

/// What the person does on the phone.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) decision: Decision,
    pub(super) number: Option<String>,
}

impl Answer {
    pub(super) const fn approve(number: String) -> Self {
        Self { decision: Decision::Approve, number: Some(number) }
    }
}

/// Asks at the keyboard until the answer is one: Approve stays dead until the number is complete.
pub(super) async fn ask(digits: usize, terminal: &mut Terminal) -> Result<Answer, Fault> {
    loop {
        terminal.ask(&format!("\n  You hold the phone. Type the {digits} digits, or: deny, report >"))?;
        let line = read_line().await?;
        match understood(line.as_deref(), digits) {
            Some(answer) => return Ok(answer),
            None => terminal.line(&format!("  The number has {digits} digits."))?,
        }
    }
}

/// The next line from the keyboard; `None` when it is closed.
pub(super) async fn read_line() -> Result<Option<String>, Fault> {
    let read = || -> io::Result<Option<String>> {
        let mut line = String::new();
        let length = io::stdin().lock().read_line(&mut line)?;
        Ok((length > 0).then_some(line))
    };
    // A thread of its own: the server must go on meanwhile.
    let line = tokio::task::spawn_blocking(read).await;
    Ok(line.map_err(|cause| Fault::broken(format!("{cause}."), "", ""))??)
}

fn understood(line: Option<&str>, digits: usize) -> Option<Answer> {
    let word = |decision| Some(Answer { decision, number: None });
    // Whoever closes the keyboard has not approved.
    let Some(line) = line else { return word(Decision::Deny) };
    match line.trim().to_ascii_lowercase().as_str() {
        "deny" | "d" => word(Decision::Deny),
        "report" | "r" => word(Decision::Report),
        number if number.len() == digits && number.bytes().all(|byte| byte.is_ascii_digit()) => {
            Some(Answer::approve(number.to_owned()))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_whole_number_approves() {
        assert_eq!(understood(Some(" 047\n"), 3), Some(Answer::approve("047".to_owned())));
        for unclear in ["", "47", "0477", "yes", "04a", "\u{661}\u{662}"] {
            assert_eq!(understood(Some(unclear), 3), None, "{unclear}");
        }
        assert_eq!(understood(Some("Deny"), 3).map(|answer| answer.decision), Some(Decision::Deny));
        assert_eq!(understood(Some("r"), 3).map(|answer| answer.decision), Some(Decision::Report));
        assert_eq!(understood(None, 3).map(|answer| answer.decision), Some(Decision::Deny));
    }
}
