//! The editor of the policy: a text that is checked as often as one likes, and saved once.

use askama::Template;
use axum::extract::{Extension, State};
use axum::http::StatusCode;
use axum::response::Response;
use gatematch_domain::policy::{Names, Policy, PolicyFault};
use gatematch_protocol::policy::PutPolicy;

use super::faulty;
use super::policy::shell;
use super::spoken::{Change, changes};
use crate::http::app::{App, Inner};
use crate::http::problem::{Answer, Problem};
use crate::http::site::{Form, Guest, Shell, TheOperator, page, see};
use crate::policy::{self, file, local_warnings, replacement};
use crate::store::{self, Expected, PutRefusal};
use crate::words::rules::Rules;
use crate::words::rules::editor::Editor as Words;
use crate::words::rules::policy::Policies;
use crate::words::{Language, with};

/// The longest text that fits into a form, whatever characters it has: each byte may take three.
const MAX_BYTES: usize = 20_000;

/// What is wrong with the text.
struct Wrong {
    /// In our words.
    what: &'static str,
    /// Where, as far as that is known.
    line: Option<usize>,
    /// In English.
    told: String,
}

/// What the text would do.
struct Outcome {
    changes: Vec<Change>,
    warnings: Vec<String>,
}

/// What somebody else has done meanwhile.
struct Theirs {
    told: String,
    changes: Vec<Change>,
    text: String,
}

#[derive(Template)]
#[template(path = "console/rules/policy_edit.html")]
struct Editor {
    shell: Shell,
    words: &'static Words,
    policies: &'static Policies,
    common: &'static Rules,
    version: u64,
    replaces: String,
    text: String,
    comment: String,
    comment_fault: &'static str,
    is_too_long: bool,
    wrong: Option<Wrong>,
    at_line: String,
    result: Option<Outcome>,
    is_checked: bool,
    theirs: Option<Theirs>,
}

impl Editor {
    fn of(app: &Inner, guest: &Guest, (version, text): (u64, String), language: Language) -> Self {
        let words = Words::of(language);
        Self {
            shell: shell(app, guest, language, words.title),
            words,
            policies: Policies::of(language),
            common: Rules::of(language),
            version,
            replaces: with(words.replaces, &[&version.to_string()]),
            is_too_long: text.len() > MAX_BYTES && encoded_len(&text) > 60_000,
            text,
            comment: String::new(),
            comment_fault: "",
            wrong: None,
            at_line: String::new(),
            result: None,
            is_checked: false,
            theirs: None,
        }
    }

    fn wrong(mut self, wrong: Wrong) -> Self {
        self.at_line = wrong.line.map(|line| with(self.words.line, &[&line.to_string()])).unwrap_or_default();
        self.wrong = Some(wrong);
        self
    }
}

fn encoded_len(text: &str) -> usize {
    url::form_urlencoded::byte_serialize(text.as_bytes()).map(str::len).sum()
}

/// What was sent: the text, and the version that it is to replace.
struct Sent {
    text: String,
    version: u64,
    comment: Option<String>,
}

impl Sent {
    fn of(form: &Form) -> Self {
        // Browsers send line ends as CR LF (HTML, form submission); in the page they are told by LF alone.
        let text = form.raw("rules").unwrap_or_default().replace("\r\n", "\n");
        // Who does not say which version he replaces knows of none.
        let version = form.text("version").and_then(|text| text.parse().ok()).unwrap_or(0);
        Self { text, version, comment: form.text("comment").map(str::to_owned) }
    }

    /// The policy that the text is, if it may hold.
    fn checked(&self, app: &Inner, was: &Policy, words: &Words) -> Result<(PutPolicy, Policy, Vec<String>), Wrong> {
        let unreadable = |fault: file::Unreadable| Wrong { what: words.unreadable, line: fault.line, told: fault.what };
        let put = file::parsed(&self.text).map_err(unreadable)?;
        let unsound = |fault: PolicyFault| self.unsound(&fault, words);
        let profile = policy::profile(put.profile.as_deref()).map_err(unsound)?.unwrap_or(was.profile);
        let names = Names::Written(&app.settings.domains);
        let checked = Policy::of(was.version + 1, profile, &put.rules, names).map_err(unsound)?;
        Ok((put, checked.policy, checked.warnings))
    }

    fn unsound(&self, fault: &PolicyFault, words: &Words) -> Wrong {
        let told = fault.to_string();
        Wrong { what: words.unsound, line: rule_in(&told).and_then(|name| file::line_of_rule(&self.text, &name)), told }
    }

    fn editor(&self, app: &Inner, guest: &Guest, version: u64, language: Language) -> Editor {
        let mut editor = Editor::of(app, guest, (version, self.text.clone()), language);
        editor.comment = self.comment.clone().unwrap_or_default();
        editor
    }
}

/// The rule that a fault names: `rule "office": ...`.
fn rule_in(told: &str) -> Option<String> {
    let quoted = told.strip_prefix("rule ")?;
    let mut read = serde_json::Deserializer::from_str(quoted).into_iter::<String>();
    read.next()?.ok()
}

pub(super) async fn show(
    State(app): State<App>,
    Extension(language): Extension<Language>,
    TheOperator(guest, _): TheOperator,
) -> Answer<Response> {
    let policy = app.store.policy().await?;
    let text = file::written(&policy).map_err(Problem::internal)?;
    page(&Editor::of(&app, &guest, (policy.version, text), language))
}

pub(super) async fn check(
    State(app): State<App>,
    Extension(language): Extension<Language>,
    TheOperator(guest, _): TheOperator,
    form: Form,
) -> Answer<Response> {
    let words = Words::of(language);
    let current = app.store.policy().await?;
    let sent = Sent::of(&form);
    if sent.version != current.version {
        return app.stale(&guest, &sent, &current, language).await;
    }
    let editor = sent.editor(&app, &guest, sent.version, language);
    let (_, policy, warnings) = match sent.checked(&app, &current, words) {
        Ok(checked) => checked,
        Err(wrong) => return faulty(StatusCode::UNPROCESSABLE_ENTITY, &editor.wrong(wrong)),
    };
    let result = app.result(&current, &policy, warnings, language).await?;
    page(&Editor { result: Some(result), is_checked: true, ..editor })
}

pub(super) async fn save(
    State(app): State<App>,
    Extension(language): Extension<Language>,
    TheOperator(guest, admin): TheOperator,
    form: Form,
) -> Answer<Response> {
    let words = Words::of(language);
    let current = app.store.policy().await?;
    let sent = Sent::of(&form);
    if sent.version != current.version {
        return app.stale(&guest, &sent, &current, language).await;
    }
    let mut editor = sent.editor(&app, &guest, sent.version, language);
    let put = match sent.checked(&app, &current, words) {
        Ok((put, ..)) => put,
        Err(wrong) => return faulty(StatusCode::UNPROCESSABLE_ENTITY, &editor.wrong(wrong)),
    };
    // A comment in the text counts where the field is empty, as it does for the command.
    let Ok(comment) = policy::comment(sent.comment.as_deref().or(put.comment.as_deref())) else {
        editor.comment_fault = Policies::of(language).comment_fault;
        return faulty(StatusCode::UNPROCESSABLE_ENTITY, &editor);
    };
    let replacement = match replacement(put, &app.settings.domains) {
        Ok(replacement) => replacement,
        Err(fault) => return faulty(StatusCode::UNPROCESSABLE_ENTITY, &editor.wrong(sent.unsound(&fault, words))),
    };
    let expected = Expected::OneOf(vec![sent.version]);
    let put = store::PutPolicy { act: app.act_of(&admin), expected, replacement, comment };
    match app.store.put_policy(put).await? {
        Ok(checked) => Ok(see(&format!("/console/policy?now={}", checked.policy.version))),
        Err(PutRefusal::Fault(fault)) => {
            faulty(StatusCode::UNPROCESSABLE_ENTITY, &editor.wrong(sent.unsound(&fault, words)))
        }
        Err(PutRefusal::Stale(_)) => {
            let current = app.store.policy().await?;
            app.stale(&guest, &sent, &current, language).await
        }
    }
}

impl Inner {
    async fn result(
        &self,
        was: &Policy,
        is: &Policy,
        mut warnings: Vec<String>,
        language: Language,
    ) -> Answer<Outcome> {
        warnings.extend(local_warnings(is, self.store.as_ref(), self.places.are_known()).await?);
        Ok(Outcome { changes: changes(was, is, language), warnings })
    }

    /// Somebody else was faster: what he did, beside what was typed. What is saved next replaces his version.
    async fn stale(&self, guest: &Guest, sent: &Sent, current: &Policy, language: Language) -> Answer<Response> {
        let words = Words::of(language);
        let number = current.version.to_string();
        let began_with = self.readable(sent.version).await?;
        let theirs = Theirs {
            told: with(words.stale, &[&number, &number]),
            changes: began_with.map(|was| changes(&was, current, language)).unwrap_or_default(),
            text: file::written(current).map_err(Problem::internal)?,
        };
        let mut editor = sent.editor(self, guest, current.version, language);
        match sent.checked(self, current, words) {
            Ok((_, policy, warnings)) => {
                editor.result = Some(self.result(current, &policy, warnings, language).await?);
            }
            Err(wrong) => editor = editor.wrong(wrong),
        }
        faulty(StatusCode::PRECONDITION_FAILED, &Editor { theirs: Some(theirs), ..editor })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_names_its_rule() {
        assert_eq!(rule_in("rule \"of\\\"fice\": why").as_deref(), Some("of\"fice"));
        assert_eq!(rule_in("there are more than 500 rules"), None);
    }
}
