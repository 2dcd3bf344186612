//! The connect page: sessions, and browsers that are bound.

use std::net::IpAddr;

use gatematch_domain::connect::{Browser, Opened, Session, Stage};
use serde_json::{Value, json};

use super::super::conn::Write;
use super::Pen;
use crate::store::StoreError;
use crate::store::world::{Difference, World};

const INSERT_SESSIONS: Write<'_> = Write {
    sql: "
    INSERT INTO connect_sessions (id, stage, challenge_id, confirmed, told, counted_at, expires_at, opened,
                                  wrong_passcodes, name,
                                  token_digest, browser_id, address, block, hears, armed_at)
    {rows}",
    kinds: "tttffnntntttttfn",
};

const UPDATE_SESSIONS: Write<'_> = Write {
    sql: "
    WITH v (was, was_told, id, stage, challenge_id, confirmed, told, counted_at, expires_at, opened, wrong_passcodes)
        AS ({rows})
    UPDATE connect_sessions
    SET stage = v.stage, challenge_id = v.challenge_id, confirmed = v.confirmed, told = v.told, counted_at = v.counted_at,
        expires_at = v.expires_at, opened = v.opened, wrong_passcodes = v.wrong_passcodes
    FROM v WHERE connect_sessions.id = v.id AND connect_sessions.stage = v.was AND connect_sessions.told = v.was_told",
    kinds: "tftttffnntn",
};

const DELETE_SESSIONS: Write<'_> = Write { sql: "DELETE FROM connect_sessions WHERE id IN ({rows})", kinds: "t" };

const INSERT_BROWSERS: Write<'_> = Write {
    sql: "
    INSERT INTO browsers (id, user_id, token_digest, client_names, created_at, expires_at, last_used_at)
    {rows}",
    kinds: "ttttnnn",
};

const UPDATE_BROWSERS: Write<'_> = Write {
    sql: "
    WITH v (id, was, client_names, last_used_at) AS ({rows})
    UPDATE browsers SET client_names = v.client_names, last_used_at = v.last_used_at
    FROM v WHERE browsers.id = v.id AND browsers.last_used_at = v.was",
    kinds: "tntn",
};

const DELETE_BROWSERS: Write<'_> = Write { sql: "DELETE FROM browsers WHERE id IN ({rows})", kinds: "t" };

impl Pen<'_> {
    pub(super) async fn save_pages(&mut self, before: &World, after: &World) -> Result<(), StoreError> {
        let (was, is) = (before.sessions(), after.sessions());
        let sessions = Difference::between(&was, &is);
        let gone = sessions.removed.iter().map(|id| json!([id]));
        self.run_guarded(&DELETE_SESSIONS, gone.collect()).await?;
        let rows = sessions.added.iter().map(|session| session_row(session)).collect();
        self.run(&INSERT_SESSIONS, rows).await?;
        let rows = sessions.changed.iter().map(|(was, is)| {
            let mut row = vec![json!(was.stage.as_str()), json!(is_told(was))];
            row.extend(changing_columns(is));
            Value::from(row)
        });
        self.run_guarded(&UPDATE_SESSIONS, rows.collect()).await?;
        let (was, is) = (before.browsers(), after.browsers());
        let browsers = Difference::between(&was, &is);
        let gone = browsers.removed.iter().map(|id| json!([id]));
        self.run_guarded(&DELETE_BROWSERS, gone.collect()).await?;
        self.run(&INSERT_BROWSERS, browsers.added.iter().map(|browser| browser_row(browser)).collect()).await?;
        let rows = browsers.changed.iter().map(|(was, is)| {
            let names = json!(is.client_names).to_string();
            json!([is.id, was.last_used_at.micros(), names, is.last_used_at.micros()])
        });
        self.run_guarded(&UPDATE_BROWSERS, rows.collect()).await
    }
}

const fn is_told(session: &Session) -> bool {
    matches!(session.stage, Stage::Serving { told: true, .. })
}

/// The columns `id`, `stage`, `challenge_id`, `confirmed`, `told`, `counted_at`, `expires_at`, `opened` and
/// `wrong_passcodes`.
fn changing_columns(session: &Session) -> [Value; 9] {
    let opened = session.opened.as_ref().map(|Opened { approval, at, until }| {
        let (method, authenticator) = (approval.method.as_str(), approval.authenticator);
        json!({"method": method, "authenticator": authenticator, "at": at.micros(), "until": until.micros()})
    });
    let confirmed = matches!(session.stage, Stage::Serving { confirmed: true, .. });
    [
        json!(session.id),
        json!(session.stage.as_str()),
        json!(session.challenge()),
        json!(confirmed),
        json!(is_told(session)),
        json!(session.counted_at.micros()),
        json!(session.expires_at.micros()),
        opened.map_or(Value::Null, |opened| json!(opened.to_string())),
        json!(session.wrong_passcodes),
    ]
}

fn session_row(session: &Session) -> Value {
    let address = |address: IpAddr| json!(address.to_string());
    let mut row = changing_columns(session).to_vec();
    row.extend([
        json!(session.name),
        json!(session.token_digest),
        json!(session.browser),
        address(session.address),
        address(session.block),
        json!(session.hears),
        json!(session.armed_at.micros()),
    ]);
    Value::from(row)
}

fn browser_row(browser: &Browser) -> Value {
    json!([
        browser.id,
        browser.user,
        browser.token_digest,
        json!(browser.client_names).to_string(),
        browser.created_at.micros(),
        browser.expires_at.micros(),
        browser.last_used_at.micros(),
    ])
}
