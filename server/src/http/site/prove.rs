//! Before something dangerous: the person proves anew, with his phone, that it is he. What he has sent waits in the page
//! that shows the number, and is sent again by it.

use askama::Template;
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse as _, Response};
use gatematch_domain::challenge::State as Life;
use gatematch_domain::visit::{Entry, Knock, NoEntry};
use gatematch_protocol::problem::Code;

use super::Guest;
use super::door::grouped;
use super::form::Form;
use super::page::Shell;
use crate::http::app::App;
use crate::http::guard::Source;
use crate::http::problem::{Answer, Problem};
use crate::http::waiting;
use crate::store::Enter;
use crate::words::Language;
use crate::words::door::Door;

#[derive(Template)]
#[template(path = "site/prove.html")]
struct Prove<'a> {
    shell: Shell,
    words: &'static Door,
    number: String,
    spoken: String,
    action: &'a str,
    fields: Vec<&'a (String, String)>,
    refused: bool,
}

/// The page that asks for the proof; `None` once he has given it.
pub(super) async fn prove(
    app: &App,
    guest: &Guest,
    Source(address): Source,
    language: Language,
    (action, form): (&str, &Form),
) -> Answer<Option<Response>> {
    let place = guest.visit.place;
    if !guest.has_phone() {
        // He came without one, and that was too long ago.
        return Err(Problem::new(Code::CredentialInvalid, "Sign in anew: there is no phone that could be asked."));
    }
    let mut refused = false;
    let mut waits = None;
    if let Some(id) = guest.visit.challenge {
        let challenge = waiting::current(app, id).await?;
        match &challenge.state {
            Life::Pending => waits = challenge.number.as_ref().map(|number| number.reveal().to_owned()),
            Life::Approved { .. } => {
                let entry = Entry {
                    id: guest.visit.id,
                    token_digest: guest.visit.token_digest.clone(),
                    address,
                    now: app.now(),
                };
                let result = app.result_of(&challenge)?;
                let token_digest = guest.visit.token_digest.clone();
                match app.store.enter(Enter { entry, token_digest, place, result, replaces: None }).await? {
                    Ok(_) => return Ok(None),
                    Err(NoEntry::Waiting) => {}
                    Err(_) => refused = true,
                }
            }
            _ => refused = form.is_ticked("proving"),
        }
    }
    let number = match waits {
        Some(number) => number,
        None => {
            let asked = app.ring(place, guest.account.user.username.as_str(), (Knock::Known, address)).await?;
            let Some(number) = asked.number else {
                return Err(Problem::new(Code::Overloaded, "No phone can be asked now."));
            };
            if !app.store.prove(app.now(), guest.visit.token_digest.clone(), asked.id).await? {
                return Err(Problem::new(Code::CredentialInvalid, "The visit is over."));
            }
            number
        }
    };
    let words = Door::of(language);
    let page = Prove {
        shell: Shell::new(app, place, Some(guest), language, ("", words.prove_title)),
        words,
        spoken: number.chars().map(String::from).collect::<Vec<_>>().join(", "),
        number: grouped(&number),
        action,
        fields: form.own().filter(|(name, _)| name != "proving").collect(),
        refused,
    };
    let text = page.render().map_err(Problem::internal)?;
    Ok(Some((StatusCode::OK, Html(text)).into_response()))
}
