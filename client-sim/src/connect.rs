//! The browser on the PC, on the connect page (contract section 9): it is armed before the desktop is started, is
//! asked whether the sign-in is this person's, and shows the number.

mod cookie;
mod events;

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use gatematch_protocol::challenge::Passcode;
use gatematch_protocol::connect::{ArmSession, Armed, Confirm, SessionView};
use gatematch_protocol::secret::Secret;

pub use self::cookie::Cookie;
pub use self::events::Events;
use crate::failure::Failure;
use crate::http::{Answer, Api, body};

const SESSIONS: &str = "/connect/sessions";
const CURRENT: &str = "/connect/sessions/current";
/// Before a stream that the server has ended is opened anew.
const PAUSE: Duration = Duration::from_millis(500);
/// The states that nothing follows.
const ENDS: [&str; 4] = ["approved", "refused", "collision", "expired"];

/// The browser in code. It keeps its cookies, in the clear too, which a real one does on loopback only. Shared by
/// reference: all its methods take `&self`.
#[derive(Debug)]
pub struct Browser {
    /// The connection.
    pub api: Api,
    /// What it says about where its requests come from (`Sec-Fetch-Site`); `None` for a browser that says nothing.
    pub fetch_site: Option<&'static str>,
    cookies: Mutex<Vec<Cookie>>,
}

impl Browser {
    /// A browser that has never been there.
    #[must_use]
    pub fn new(api: Api) -> Self {
        Self::with_cookies(api, Vec::new())
    }

    /// A browser that has cookies already.
    #[must_use]
    pub fn with_cookies(api: Api, cookies: Vec<Cookie>) -> Self {
        Self { api, fetch_site: Some("same-origin"), cookies: Mutex::new(cookies) }
    }

    /// The cookies that it has, in the order in which it got them.
    #[must_use]
    pub fn cookies(&self) -> Vec<Cookie> {
        self.jar().clone()
    }

    fn jar(&self) -> MutexGuard<'_, Vec<Cookie>> {
        self.cookies.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives the browser back as it is after somebody has closed and opened it: what was to last until then is gone.
    #[must_use]
    pub fn reopened(self) -> Self {
        self.jar().retain(|cookie| cookie.is_lasting);
        self
    }

    /// Sends a request with its cookies, and keeps those that come back.
    ///
    /// # Errors
    /// [`Failure::Transport`]; a refusal is an [`Answer`].
    pub async fn call(&self, method: &str, path: &str, body: Option<Vec<u8>>) -> Result<Answer, Failure> {
        let cookies = self.cookie_header();
        let answer = self.api.call(method, path, &self.headers(cookies.as_deref()), body).await?;
        self.keep(&answer);
        Ok(answer)
    }

    /// Keeps the cookies that an answer sets.
    pub fn keep(&self, answer: &Answer) {
        let mut jar = self.jar();
        for value in answer.headers.get_all("set-cookie") {
            if let Ok(text) = value.to_str() {
                cookie::keep(&mut jar, text);
            }
        }
    }

    fn cookie_header(&self) -> Option<String> {
        let pairs: Vec<_> =
            self.jar().iter().map(|cookie| format!("{}={}", cookie.name, cookie.value.reveal())).collect();
        (!pairs.is_empty()).then(|| pairs.join("; "))
    }

    fn headers<'a>(&self, cookies: Option<&'a str>) -> Vec<(&'static str, &'a str)> {
        let site = self.fetch_site.map(|site| ("sec-fetch-site", site));
        site.into_iter().chain(cookies.map(|cookies| ("cookie", cookies))).collect()
    }

    /// Says who is about to sign in.
    ///
    /// # Errors
    /// [`Failure`]; an unknown user is none.
    pub async fn arm(&self, user: &str) -> Result<Armed, Failure> {
        let message = ArmSession { user: user.to_owned() };
        self.call("POST", SESSIONS, Some(body(&message)?)).await?.json()
    }

    /// What the page shows now.
    ///
    /// # Errors
    /// [`Failure`], of which a 401 says that there is no session.
    pub async fn current(&self) -> Result<SessionView, Failure> {
        self.call("GET", CURRENT, None).await?.json()
    }

    /// Answers "Is this you?".
    ///
    /// # Errors
    /// [`Failure`], of which a 409 says that nobody asked.
    pub async fn confirm(&self, mine: bool) -> Result<SessionView, Failure> {
        self.call("POST", &format!("{CURRENT}/confirm"), Some(body(&Confirm { mine })?)).await?.json()
    }

    /// Tries a backup code in place of the phone.
    ///
    /// # Errors
    /// [`Failure`]; a wrong code is a 422 `wrong-code`, and one where none can be given a 409.
    pub async fn passcode(&self, code: &str) -> Result<SessionView, Failure> {
        let message = Passcode { passcode: Secret::new(code) };
        self.call("POST", &format!("{CURRENT}/passcode"), Some(body(&message)?)).await?.json()
    }

    /// What the page shows, now and whenever that changes. A page that is open keeps its session alive.
    ///
    /// # Errors
    /// As [`Browser::current`].
    pub async fn events(&self) -> Result<Events, Failure> {
        let cookies = self.cookie_header();
        let mut headers = self.headers(cookies.as_deref());
        headers.push(("accept", "text/event-stream"));
        let opened = self.api.open(&format!("{CURRENT}/events"), &headers, Events::LIFETIME).await?;
        if opened.status() == 200 {
            return Ok(Events::new(opened));
        }
        let answer = opened.read().await?;
        answer.success()?;
        Err(Failure::unexpected(answer.status, "there are no events in it"))
    }

    /// Waits until the page shows what `wanted` accepts. There is no time limit but the session's own.
    ///
    /// # Errors
    /// As [`Browser::current`]; and [`Failure::Unexpected`] when the session ends in another way.
    pub async fn wait_for(&self, mut wanted: impl FnMut(&SessionView) -> bool) -> Result<SessionView, Failure> {
        loop {
            let mut events = self.events().await?;
            // What was missed before the events began; and only this answer can set a cookie.
            let mut view = self.current().await?;
            loop {
                if wanted(&view) {
                    return Ok(view);
                }
                if ENDS.contains(&view.state.as_str()) {
                    return Err(Failure::unexpected(200, format!("the session ended: {}", view.state)));
                }
                if events.next().await?.is_none() {
                    break;
                }
                view = self.current().await?;
            }
            // The server has let the stream go, as it does when it is stopped.
            tokio::time::sleep(PAUSE).await;
        }
    }
}

#[cfg(test)]
mod tests;
