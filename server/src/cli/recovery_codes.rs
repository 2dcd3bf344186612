//! `gatematch recovery-codes`.

use clap::Args;
use gatematch_domain::factor::Kind;
use gatematch_domain::text::reason;
use gatematch_protocol::authenticator::RecoveryCodesCreated;
use gatematch_protocol::secret::Secret;

use super::fault::Fault;
use super::operator::Operator;
use super::standing;
use super::terminal::{Terminal, Tone, shown_time};

/// `gatematch recovery-codes`.
#[derive(Debug, Args)]
pub struct Codes {
    /// For whom
    name: String,
    /// Why; the audit log keeps it
    #[arg(long)]
    reason: String,
}

pub(super) async fn run(asked: &Codes, operator: &Operator, terminal: &mut Terminal) -> Result<(), Fault> {
    let account = operator.account(&asked.name).await?;
    let reason = reason(&asked.reason)?;
    let keys = operator.keys().await?;
    let (factor, codes) = operator.maker(&keys, account.user.id).recovery_codes().await?;
    let (id, made) = (factor.id, factor.created_at);
    operator.add(&account, factor, Some(reason)).await?;
    standing::note_shut(&account, operator, terminal);
    if terminal.is_json() {
        return terminal.json(&RecoveryCodesCreated { id, codes });
    }
    let name = &account.user.username;
    terminal.line(&format!("The recovery codes of {name}, made {}. They are shown only now:\n", shown_time(made)))?;
    for row in columns(&codes) {
        let row = terminal.toned(Tone::Bold, row.reveal());
        terminal.line(&row)?;
    }
    terminal.line("\nEach works once in place of the phone. Keep them on paper, away from the PC.")?;
    if account.factors.iter().any(|factor| matches!(factor.kind, Kind::RecoveryCodes(_))) {
        terminal.line("The earlier codes are void.")?;
    }
    Ok(())
}

/// Two columns, numbered downwards.
fn columns(codes: &[Secret]) -> Vec<Secret> {
    let half = codes.len().div_ceil(2);
    let cell = |at: usize| codes.get(at).map(|code| format!("  {:>2}  {}", at + 1, code.reveal()));
    let row = |at: usize| [cell(at), cell(at + half)].into_iter().flatten().collect::<Vec<_>>().join("  ");
    (0..half).map(row).map(Secret::new).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_stand_in_two_columns() {
        let codes: Vec<_> = (1..=10).map(|n| Secret::new(format!("{n:04}-AAAA"))).collect();
        let rows = columns(&codes);
        assert_eq!(rows.len(), 5);
        assert_eq!(rows[0].reveal(), "   1  0001-AAAA     6  0006-AAAA");
        assert_eq!(rows[4].reveal(), "   5  0005-AAAA    10  0010-AAAA");
        assert_eq!(columns(&codes[..3])[1].reveal(), "   2  0002-AAAA");
    }
}
