//! What knocking takes: the gateway that the server itself is, the phones that ring, and a number where none does.

use std::net::IpAddr;

use axum::http::HeaderMap;
use gatematch_domain::audit::Actor;
use gatematch_domain::challenge::Challenge;
use gatematch_domain::course::Rules;
use gatematch_domain::gateway::{ClientAddress, Gateway};
use gatematch_domain::login::Login;
use gatematch_domain::number::Number;
use gatematch_domain::redemption::result_claims;
use gatematch_domain::text::cut_unknown_user;
use gatematch_domain::visit::{Entry, KNOCK_SECONDS, Knock, Place, Stage, Visit, nobodys_digits};
use gatematch_protocol::challenge::ChallengeView;
use gatematch_protocol::id::{ChallengeId, VisitId};
use gatematch_protocol::secret::{Secret, sha256};

use super::Guest;
use super::cookie::Cookie;
use crate::http::app::Inner;
use crate::http::problem::{Answer, Problem};

impl Inner {
    /// Asks the phones of whoever has the name `given`, as the gateway of `place`; what it answers is for the server alone.
    pub(super) async fn ring(&self, place: Place, given: &str, from: (Knock, IpAddr)) -> Answer<ChallengeView> {
        let gateway = self.own_gateway(place).await?;
        let login = self.visit_login(place, given, from).await?;
        self.open(&gateway, login, None).await
    }

    /// [`Inner::ring`], where anybody would hear it: the challenge with a number that became of it. A stranger who is over his
    /// limit, or knows no name, makes no event.
    pub(super) async fn ring_unless_limited(
        &self,
        place: Place,
        given: &str,
        from: (Knock, IpAddr),
    ) -> Answer<Option<ChallengeId>> {
        let Ok(name) = self.settings.domains.canonical(given) else { return Ok(None) };
        let Some(account) = self.store.account(name).await? else { return Ok(None) };
        let limits = &account.user.limits;
        let may_knock = limits.may_knock(place.gateway(), Some(from.0.client_name()), 0, self.now());
        let is_limited = from.0 == Knock::Stranger && may_knock.is_err();
        if is_limited || account.active_devices().next().is_none() {
            return Ok(None);
        }
        let asked = self.ring(place, given, from).await?;
        Ok(asked.number.is_some().then_some(asked.id))
    }

    /// The login that a visit is.
    pub(super) async fn visit_login(&self, place: Place, given: &str, from: (Knock, IpAddr)) -> Answer<Login> {
        let gateway = self.own_gateway(place).await?;
        let id = ChallengeId::new(self.now(), self.edge.random()?);
        Ok(Login::of_knock((given, &self.settings.domains), id, &gateway, from, self.now()))
    }

    /// The gateway of `place`. It is kept when it is first needed; nobody has a key of it.
    async fn own_gateway(&self, place: Place) -> Answer<Gateway> {
        if let Some(gateway) = self.store.gateway(place.gateway()).await? {
            return Ok(gateway);
        }
        let name = place.gateway_name();
        let gateway = Gateway {
            id: place.gateway(),
            name: name.to_owned(),
            application: name.to_owned(),
            can_display: true,
            client_address: ClientAddress::Trusted,
            created_at: self.now(),
        };
        let nobodys_key = Secret::from_random("", &self.edge.random()?);
        let made = self.store.create_gateway(self.act(Actor::System), gateway.clone(), nobodys_key.digest());
        match made.await {
            Ok(()) => Ok(gateway),
            // Somebody else was first.
            Err(error) => self.store.gateway(place.gateway()).await?.ok_or_else(|| Problem::from(error)),
        }
    }

    /// The signed result of an approval, for the write that spends it.
    pub(super) fn result_of(&self, challenge: &Challenge) -> Answer<String> {
        match result_claims(challenge, &self.issuer, self.now()) {
            Some(claims) => Ok(self.keys.sign_result(&claims)?),
            None => Ok(String::new()),
        }
    }

    /// A knock that nobody hears yet.
    pub(super) fn knock_visit(&self, place: Place, given: &str, (token, address): (&Secret, IpAddr)) -> Answer<Visit> {
        let now = self.now();
        Ok(Visit {
            id: VisitId::new(now, self.edge.random()?),
            place,
            name: self
                .settings
                .domains
                .canonical(given)
                .map_or_else(|_| cut_unknown_user(given), |name| name.to_string()),
            user: None,
            token_digest: token.digest(),
            address,
            challenge: None,
            stage: Stage::Knocking,
            created_at: now,
            seen_at: now,
            expires_at: now.plus_seconds(KNOCK_SECONDS),
        })
    }

    /// A number for a knock that nobody hears: the same, however often the page is shown.
    pub(super) async fn nobodys_number(&self, visit: &Visit, cookie: &str) -> Answer<String> {
        let mut login = self.visit_login(visit.place, &visit.name, (Knock::Stranger, visit.address)).await?;
        login.now = visit.created_at;
        let (policy, atlas) = (self.store.policy().await?, self.atlas());
        let digits = nobodys_digits(&login, Rules { policy: &policy, atlas: atlas.as_ref() });
        let draw = sha256(format!("number {cookie}")).bytes().fold(0_u64, |draw, byte| {
            draw.wrapping_mul(0x0100_0000_01b3).wrapping_add(u64::from(byte)).rotate_left(17)
        });
        Ok(Number::draw(digits, &[], draw).reveal().to_owned())
    }

    /// The name of who was last signed in with this browser.
    pub(super) async fn remembered(&self, place: Place, headers: &HeaderMap) -> Answer<String> {
        let Some(digest) = Cookie::Visit(place).digest_of(headers) else { return Ok(String::new()) };
        let visit = self.store.visit(digest).await?.filter(|visit| visit.user.is_some());
        Ok(visit.map(|visit| visit.name).unwrap_or_default())
    }

    /// Who knocks: a browser in which this person was signed in before, or anybody.
    pub(super) async fn knock_of(&self, place: Place, given: &str, headers: &HeaderMap) -> Answer<Knock> {
        let (Some(digest), Ok(name)) =
            (Cookie::Visit(place).digest_of(headers), self.settings.domains.canonical(given))
        else {
            return Ok(Knock::Stranger);
        };
        let visit = self.store.visit(digest).await?.filter(|visit| visit.place == place);
        let account = self.store.account(name).await?;
        let is_known = visit.zip(account).is_some_and(|(visit, account)| visit.knows(&account, self.now()));
        Ok(if is_known { Knock::Known } else { Knock::Stranger })
    }

    /// Somebody who comes in now, and the cookie that he has from then on.
    pub(super) fn entry(&self, address: IpAddr) -> Answer<(Secret, Entry)> {
        let token = Secret::from_random("", &self.edge.random()?);
        let id = VisitId::new(self.now(), self.edge.random()?);
        let entry = Entry { id, token_digest: token.digest(), address, now: self.now() };
        Ok((token, entry))
    }
}

impl Guest {
    /// Whether he has a phone that can be asked, so that he can prove who he is.
    pub(in crate::http) fn has_phone(&self) -> bool {
        self.account.active_devices().next().is_some()
    }
}
