//! A browser at the console or the portal, without a screen: it keeps cookies, reads pages and sends forms.

use std::collections::BTreeMap;

use gatematch_domain::audit::Actor;
use gatematch_domain::role::Role;
use gatematch_domain::username::Username;
use gatematch_domain::visit::{Invitation, LINK_SECONDS, Place};
use gatematch_protocol::id::InvitationId;
use gatematch_protocol::response::Decision;
use gatematch_protocol::secret::{Secret, prefix};
use gatematch_server::edge::Clock as _;
use gatematch_server::store::Act;
use reqwest::header::{ACCEPT_LANGUAGE, COOKIE, HeaderMap, LOCATION, SET_COOKIE};
use reqwest::redirect::Policy;
use reqwest::{Client, RequestBuilder};

use crate::{Person, Site};

/// A page, as it was answered.
#[derive(Clone, Debug)]
pub struct Seen {
    /// The HTTP status.
    pub status: u16,
    /// Where the browser is sent, where it is.
    pub location: Option<String>,
    /// The headers.
    pub headers: HeaderMap,
    /// The page.
    pub text: String,
}

impl Seen {
    /// The value of the first hidden or other field `name`.
    pub fn field(&self, name: &str) -> Option<String> {
        let at = self.text.find(&format!("name=\"{name}\""))?;
        let tag = self.text[..at].rfind('<')?;
        let end = at + self.text[at..].find('>')?;
        let value = self.text[tag..end].split_once("value=\"")?.1;
        Some(unescaped(value.split('"').next()?))
    }

    /// Whether it is a page with this text in it.
    pub fn says(&self, text: &str) -> bool {
        self.text.contains(text)
    }
}

/// What askama has escaped, as it was.
pub fn unescaped(text: &str) -> String {
    let pairs = [("&#60;", "<"), ("&#62;", ">"), ("&#34;", "\""), ("&#39;", "'"), ("&#38;", "&")];
    pairs.iter().fold(text.to_owned(), |text, (escaped, plain)| text.replace(escaped, plain))
}

/// A browser.
pub struct Browser {
    client: Client,
    base: String,
    /// What it keeps.
    pub cookies: BTreeMap<String, String>,
    /// The token of the forms on the last page that had one.
    pub form_token: String,
    /// The language that it asks for.
    pub language: &'static str,
}

impl Browser {
    /// A browser that was never here, at the server with this address.
    pub fn new(base: &str) -> Self {
        let client = Client::builder().redirect(Policy::none()).no_proxy().build().unwrap();
        let (cookies, form_token) = (BTreeMap::new(), String::new());
        Self { client, base: base.to_owned(), cookies, form_token, language: "en" }
    }

    /// Asks for a page.
    pub async fn get(&mut self, path: &str) -> Seen {
        let request = self.client.get(format!("{}{path}", self.base));
        self.ask(request).await
    }

    /// Sends a form with the token of the last page, as a browser does.
    pub async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Seen {
        let token = self.form_token.clone();
        let mut fields = fields.to_vec();
        fields.push(("form_token", &token));
        self.send(path, &fields, &[("sec-fetch-site", "same-origin")]).await
    }

    /// Sends just these fields with just these headers.
    pub async fn send(&mut self, path: &str, fields: &[(&str, &str)], headers: &[(&str, &str)]) -> Seen {
        let pairs: Vec<(String, String)> = fields.iter().map(|(name, value)| (escape(name), escape(value))).collect();
        let body: Vec<String> = pairs.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
        let mut request = self.client.post(format!("{}{path}", self.base)).body(body.join("&"));
        request = request.header("content-type", "application/x-www-form-urlencoded");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.ask(request).await
    }

    /// Goes where the answer sends it, again and again.
    pub async fn follow(&mut self, mut seen: Seen) -> Seen {
        for _ in 0..10 {
            match seen.location.clone() {
                Some(path) => seen = self.get(&path).await,
                None => return seen,
            }
        }
        panic!("the browser is sent around in a circle");
    }

    async fn ask(&mut self, request: RequestBuilder) -> Seen {
        let kept: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let mut request = request.header(ACCEPT_LANGUAGE, self.language);
        if !kept.is_empty() {
            request = request.header(COOKIE, kept.join("; "));
        }
        let answer = request.send().await.unwrap();
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        for set in headers.get_all(SET_COOKIE) {
            let (pair, terms) = set.to_str().unwrap().split_once(';').unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            for term in ["Path=/", "Secure", "HttpOnly", "SameSite=Strict"] {
                assert!(terms.split(';').any(|given| given.trim() == term), "{set:?} lacks {term}");
            }
            assert!(name.starts_with("__Host-") && !terms.contains("Domain"), "{set:?}");
            if terms.contains("Max-Age=0") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        let location = headers.get(LOCATION).map(|value| value.to_str().unwrap().to_owned());
        let seen = Seen { status, location, headers, text: answer.text().await.unwrap() };
        if let Some(token) = seen.field("form_token") {
            self.form_token = token;
        }
        seen
    }
}

/// A text as it stands in a form.
fn escape(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._*".contains(&byte);
    let escaped =
        text.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") });
    escaped.collect()
}

impl Site {
    /// A browser that was never here.
    pub fn browser(&self) -> Browser {
        Browser::new(self.api().base())
    }

    /// The token of an invitation of a user who is there.
    pub async fn invitation(&self, name: &str, place: Place) -> Secret {
        let account = self.store().account(Username::from_stored(name.to_owned())).await.unwrap().unwrap();
        let now = self.clock.now();
        let token = Secret::from_random(prefix::INVITATION, &gatematch_client_sim::edge::random());
        let invitation = Invitation {
            id: InvitationId::new(now, gatematch_client_sim::edge::random()),
            user: account.user.id,
            place,
            token_digest: token.digest(),
            by_admin: true,
            created_at: now,
            expires_at: now.plus_seconds(LINK_SECONDS),
        };
        let act = Act::new(Actor::CommandLine("test".to_owned()), now);
        assert!(self.store().invite(act, invitation).await.unwrap());
        token
    }

    /// A user who is there may do this at the console from now on.
    pub async fn give_role(&self, name: &str, role: Option<Role>) {
        let account = self.store().account(Username::from_stored(name.to_owned())).await.unwrap().unwrap();
        let act = Act::new(Actor::CommandLine("test".to_owned()), self.clock.now());
        self.store().set_role(act, account.user.id, role).await.unwrap().unwrap();
    }

    /// Somebody new with this role, signed in at the console by an invitation, without a phone.
    pub async fn operator(&self, name: &str, role: Role) -> Browser {
        self.user(name).await;
        self.give_role(name, Some(role)).await;
        self.invited(name, Place::Console).await
    }

    /// A user who is there, signed in by an invitation.
    pub async fn invited(&self, name: &str, place: Place) -> Browser {
        let token = self.invitation(name, place).await;
        let mut browser = self.browser();
        let path = format!("/{}/invitation", place.as_str());
        let seen = browser.post(&path, &[("invitation", token.reveal())]).await;
        assert_eq!(seen.location.as_deref(), Some(format!("/{}", place.as_str()).as_str()), "{}", seen.text);
        let home = browser.follow(seen).await;
        assert_eq!(home.status, 200, "{}", home.text);
        browser
    }

    /// Signs `person` in with his phone in `browser`, by the number that the page shows.
    pub async fn sign_in(&self, browser: &mut Browser, person: &Person, place: Place) -> Seen {
        let door = format!("/{}/sign-in", place.as_str());
        browser.get(&door).await;
        let seen = browser.post(&door, &[("name", person.name.as_str())]).await;
        let shown = browser.follow(seen).await;
        let waiting = person.phone.waiting(0).await.unwrap();
        let challenge = &waiting.last().expect("the phone is asked").challenge;
        person.phone.respond(challenge, Decision::Approve, Some(&number_of(&shown)), None).await.unwrap();
        let seen = browser.post(&format!("/{}/enter", place.as_str()), &[]).await;
        browser.follow(seen).await
    }
}

/// The number that a page shows.
pub fn number_of(shown: &Seen) -> String {
    let (_, rest) = shown.text.split_once("id=\"number\"").expect("the page shows a number");
    let text = rest.split_once('>').unwrap().1.split('<').next().unwrap();
    text.chars().filter(char::is_ascii_digit).collect()
}
