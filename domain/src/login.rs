//! A login as a gateway asks for it, checked (contract section 6).

use std::net::IpAddr;

use gatematch_protocol::challenge::{ChallengeClaims, CreateChallenge, Match, MatchKind};
use gatematch_protocol::id::{ChallengeId, DeviceId, GatewayId};
use gatematch_protocol::time::Timestamp;
use serde_json::{Map, Value};

use crate::account::{Account, ended_event};
use crate::audit::Journal;
use crate::challenge::{Challenge, Client, Display, Reason, State};
use crate::course::{Course, Prompt};
use crate::fault::{Fault, seconds};
use crate::gateway::{ClientAddress, Gateway};
use crate::policy::{Method, NoDisplay};
use crate::text::{cut_unknown_user, outside, outside_if_given};
use crate::username::{Domains, Username};
use crate::visit::Knock;

/// How long a challenge lives unless the gateway says otherwise, in seconds.
pub const DEFAULT_LIFE_SECONDS: i64 = 60;

/// What a gateway asks for, checked.
#[derive(Clone, Debug, PartialEq)]
pub struct Login {
    /// The challenge that it will be.
    pub id: ChallengeId,
    /// The account's name, where the given one can have an account.
    pub username: Option<Username>,
    /// The name as given, fit to be shown.
    pub given: String,
    /// Who asks.
    pub gateway: GatewayId,
    /// Its name.
    pub gateway_name: String,
    /// Whether the address that it tells may satisfy a rule.
    pub address_counts: bool,
    /// Where the login comes from.
    pub client: Client,
    /// Where the number is to be shown.
    pub display: Display,
    /// What to do where none can be shown.
    pub no_display: NoDisplay,
    /// When it is made.
    pub now: Timestamp,
    /// When it dies.
    pub expires_at: Timestamp,
    /// Whether only a factor of the person will do, and no bypass.
    pub factor_required: bool,
    /// The ways that the gateway can take, where it says so.
    pub methods: Option<Vec<Method>>,
    /// Shown to the person as given.
    pub context: Map<String, Value>,
    /// Who knocks, where it is no login but a visit to the server itself, before which nobody has checked a password.
    pub knock: Option<Knock>,
}

impl Login {
    /// Checks the values of `body`.
    ///
    /// # Errors
    /// [`Fault`].
    pub fn from_body(
        body: &CreateChallenge,
        id: ChallengeId,
        gateway: &Gateway,
        domains: &Domains,
        now: Timestamp,
    ) -> Result<Self, Fault> {
        // Types come before ranges: the contract answers them with 400 and 422.
        let context = context_types(body.context.as_ref())?;
        let display = match body.display.as_deref() {
            Some("number") if !gateway.can_display => return Err(Fault::DisplayNotPossible),
            None if gateway.can_display => Display::Gateway,
            Some("number") => Display::Gateway,
            None | Some("none") => Display::None,
            Some(_) => return Err(Fault::range("display", "must be number or none")),
        };
        let no_display = match body.no_display.as_deref() {
            None | Some("refuse") => NoDisplay::Refuse,
            Some("approve_only") => NoDisplay::ApproveOnly,
            Some(_) => return Err(Fault::range("no_display", "must be refuse or approve_only")),
        };
        let life = seconds("expires_in", body.expires_in, DEFAULT_LIFE_SECONDS, 10..=600)?;
        Ok(Self {
            id,
            username: domains.canonical(&body.user).ok(),
            given: cut_unknown_user(&body.user),
            gateway: gateway.id,
            gateway_name: gateway.name.clone(),
            address_counts: gateway.client_address == ClientAddress::Trusted,
            client: client(body)?,
            display,
            no_display,
            now,
            expires_at: now.plus_seconds(life),
            factor_required: body.factor_required.unwrap_or(false),
            methods: body.methods.as_deref().map(methods).transpose()?,
            context: context_ranges(context)?,
            knock: None,
        })
    }

    /// The login by which somebody visits the server itself, from this address: by his phone, and by nothing else.
    #[must_use]
    pub fn of_knock(
        (given, domains): (&str, &Domains),
        id: ChallengeId,
        gateway: &Gateway,
        (knock, address): (Knock, IpAddr),
        now: Timestamp,
    ) -> Self {
        Self {
            id,
            username: domains.canonical(given).ok(),
            given: cut_unknown_user(given),
            gateway: gateway.id,
            gateway_name: gateway.name.clone(),
            address_counts: true,
            client: Client { ip: Some(address), name: Some(knock.client_name().to_owned()) },
            display: Display::Gateway,
            no_display: NoDisplay::Refuse,
            now,
            expires_at: now.plus_seconds(DEFAULT_LIFE_SECONDS),
            factor_required: true,
            methods: Some(vec![Method::Push]),
            context: Map::new(),
            knock: Some(knock),
        }
    }

    /// Whether its gateway takes this way.
    #[must_use]
    pub fn takes(&self, method: Method) -> bool {
        self.methods.as_ref().is_none_or(|methods| methods.contains(&method))
    }

    /// Whether its gateway takes codes itself and nothing else, so that no page has a part in it.
    #[must_use]
    pub fn takes_codes_alone(&self) -> bool {
        self.methods.is_some() && !self.takes(Method::Push)
    }

    /// The claims of the signed challenge by which the phone `device` is asked.
    #[must_use]
    pub fn claims(
        &self,
        issuer: &str,
        gateway: &Gateway,
        prompt: &Prompt,
        device: DeviceId,
        nonce: String,
    ) -> ChallengeClaims {
        ChallengeClaims {
            iss: issuer.to_owned(),
            aud: device,
            sub: self.username.as_ref().map_or_else(|| self.given.clone(), ToString::to_string),
            jti: self.id,
            iat: self.now.numeric_date(),
            exp: self.expires_at.numeric_date(),
            nonce,
            app: gateway.application.clone(),
            gateway: gateway.name.clone(),
            client: prompt.client.clone(),
            matching: prompt.digits.map(|digits| Match { kind: MatchKind::Number, digits }),
            uv: prompt.uv_required.then(|| "required".to_owned()),
            context: self.context.clone(),
        }
    }

    /// The challenge of this login in the state `state`, without number and methods. `course` is how it goes on, where
    /// policy was asked.
    pub(crate) fn challenge(&self, account: Option<&Account>, course: Option<&Course>, state: State) -> Challenge {
        let ruling = course.map(Course::ruling);
        Challenge {
            id: self.id,
            user: account.map(|account| account.user.id),
            // Where the name has no account it is still shown in its canonical form, if it has one.
            username: self.username.as_ref().map_or_else(|| self.given.clone(), ToString::to_string),
            gateway: self.gateway,
            client: self.client.clone(),
            origin: course.and_then(|course| course.origin),
            display: self.display,
            number: None,
            methods: Vec::new(),
            uv_required: ruling.is_some_and(|ruling| ruling.uv_required),
            rule: ruling.map(|ruling| ruling.rule.clone()),
            sent_to: Vec::new(),
            wrong_passcodes: 0,
            created_at: self.now,
            expires_at: self.expires_at,
            state,
        }
    }

    /// The refusal of a login that belongs to no account.
    #[must_use]
    pub fn refuse_unknown(&self, journal: &mut Journal) -> Challenge {
        let denied = State::Denied { at: self.now, reason: Reason::NotEnrolled, device: None };
        let challenge = self.challenge(None, None, denied);
        let mut event = ended_event(&challenge, journal).with("unknown_user", true);
        if self.username.is_none() {
            event.user = None;
            event = event.with("given", self.given.as_str());
        }
        journal.record(event);
        challenge
    }
}

fn client(body: &CreateChallenge) -> Result<Client, Fault> {
    let Some(client) = &body.client else { return Ok(Client::default()) };
    let ip = match client.ip.as_deref() {
        None => None,
        Some(text) => {
            let ip: IpAddr = text.parse().map_err(|_| Fault::range("client.ip", "must be an IP address"))?;
            Some(ip.to_canonical())
        }
    };
    Ok(Client { ip, name: outside_if_given("client.name", client.name.as_deref())? })
}

fn methods(given: &[String]) -> Result<Vec<Method>, Fault> {
    let known = |word: &String| Method::from_word(word).filter(|method| Method::FACTORS.contains(method));
    let methods: Option<Vec<Method>> = given.iter().map(known).collect();
    methods
        .filter(|methods| (1..=Method::FACTORS.len()).contains(&methods.len()))
        .ok_or_else(|| Fault::range("methods", "must be one to four of push, totp, recovery_code and access_pass"))
}

fn context_types(given: Option<&Map<String, Value>>) -> Result<Vec<(&str, &str)>, Fault> {
    let members = given.into_iter().flatten();
    members
        .map(|(name, value)| match value {
            Value::String(text) => Ok((name.as_str(), text.as_str())),
            _ => Err(Fault::of_type("context", "must have strings as values")),
        })
        .collect()
}

fn context_ranges(members: Vec<(&str, &str)>) -> Result<Map<String, Value>, Fault> {
    if members.len() > 8 {
        return Err(Fault::range("context", "must have at most 8 members"));
    }
    let mut context = Map::new();
    for (name, text) in members {
        let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        if !(1..=32).contains(&name.len()) || !name.chars().all(allowed) {
            return Err(Fault::range("context", "must have names of 1 to 32 of a-z, 0-9 and _"));
        }
        context.insert(name.to_owned(), outside("context", text)?.into());
    }
    Ok(context)
}
