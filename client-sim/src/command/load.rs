//! `gatematch-sim load`.

mod bar;
mod told;

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use gatematch_client_sim::admin::Admin;
use gatematch_client_sim::crypto::Checker;
use gatematch_client_sim::edge;
use gatematch_client_sim::failure::Failure;
use gatematch_client_sim::gateway::Gateway;
use gatematch_client_sim::http::Speaks;
use gatematch_client_sim::load::bell::Bell;
use gatematch_client_sim::load::fleet::Fleet;
use gatematch_client_sim::load::hold::{self, Hall};
use gatematch_client_sim::load::meter::Meter;
use gatematch_client_sim::load::{self, Door, Origin, Pace, Person, Plan, Tally, Waits};
use gatematch_client_sim::radius::Demand;
use gatematch_client_sim::radius::storm::Sockets;
use gatematch_protocol::gateway::{CreateGateway, GatewayCreated};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::time::Instant;

use self::bar::{Bar, Progress};
use super::arguments::{FrontDoor, Load};
use super::fault::Fault;
use super::login::{issuer, key_or_env};
use super::radius;
use super::say::Say;

/// How many sign-ins one connection of HTTP/2 carries: less than the server allows.
const STREAMS: u32 = 4_000;
/// How many connections of HTTP/2 there are where nothing waits.
const CONNECTIONS: u32 = 4;
/// How many sign-ins there are where none are asked for.
const LOGINS: u64 = 1_000;

pub(crate) async fn run(arguments: &Load, say: &Say) -> Result<ExitCode, Fault> {
    let stage = Stage::set(arguments, say).await?;
    let outcome = stage.play(arguments, say).await;
    if !arguments.keep {
        stage.clear(say).await;
    }
    outcome
}

/// What is there before the load begins.
struct Stage {
    fleet: Fleet,
    origin: Origin,
    gateways: Vec<GatewayCreated>,
    people: u32,
}

impl Stage {
    async fn set(arguments: &Load, say: &Say) -> Result<Self, Fault> {
        let fleet = fleet(arguments)?;
        let api = fleet.first().clone();
        let key = key_or_env(arguments.admin_key.as_deref(), "GATEMATCH_ADMIN_KEY", "--admin-key gma_...")?;
        let admin = Admin::new(api.clone(), key);
        let issuer = issuer(&api, say).await?;
        let run: String = edge::random::<4>().iter().map(|byte| format!("{byte:02x}")).collect();
        let prefix = format!("load-{run}");
        let clock = edge::system_clock();
        let bell = match arguments.push {
            Some(listen) => Some(Arc::new(Bell::start(listen, Arc::clone(&clock)).await?)),
            None => None,
        };
        let origin = Origin { fleet: Some(fleet.clone()), bell, ..Origin::new(admin, &issuer, &prefix, clock) };
        let people = arguments.hold.hold.map_or(arguments.phones, hold::people);
        let mut stage = Self { fleet, origin, gateways: Vec::new(), people };
        let gateways = if arguments.radius.is_some() { 0 } else { arguments.gateways };
        for number in 0..gateways {
            match stage.origin.admin.create_gateway(&gateway(&format!("{prefix}-{number}"))).await {
                Ok(made) => stage.gateways.push(made),
                Err(failure) => {
                    stage.clear(say).await;
                    return Err(failure.into());
                }
            }
        }
        Ok(stage)
    }

    async fn play(&self, arguments: &Load, say: &Say) -> Result<ExitCode, Fault> {
        let people = self.made(say).await?;
        match arguments.hold.hold {
            Some(logins) => self.hold(arguments, logins, people, say).await,
            None => self.load(arguments, people, say).await,
        }
    }

    async fn made(&self, say: &Say) -> Result<Vec<Person>, Fault> {
        let (count, prefix) = (self.people, &self.origin.prefix);
        say.line(&format!("Making {count} people with phones, named {prefix}-0 and on."))?;
        let made = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&made);
        let _bar = Bar::show("Making people", by_number(move || counted.load(Ordering::Relaxed), count.into()));
        let people = self.origin.people(count, |so_far| {
            made.store(u64::try_from(so_far).unwrap_or_default(), Ordering::Relaxed);
        });
        people.await.map_err(|failure| match (&self.origin.bell, failure) {
            (Some(bell), failure) if is_push_refused(&failure) => Fault::usage(
                "The server does not take the push service of this load.",
                format!("Start it with GATEMATCH_PUSH_ALLOWED_HOSTS={}", bell.host()),
            ),
            (_, failure) => failure.into(),
        })
    }

    async fn load(&self, arguments: &Load, people: Vec<Person>, say: &Say) -> Result<ExitCode, Fault> {
        let door = match &arguments.radius {
            Some(server) => radius_door(arguments, server).await?,
            None => self.http_door(arguments),
        };
        let plan = Plan {
            logins: arguments.logins.unwrap_or(if arguments.seconds.is_some() { u64::MAX } else { LOGINS }),
            pace: arguments.rate.map_or(Pace::AtOnce(arguments.concurrency), Pace::EachSecond),
        };
        say.line(&announced(arguments, plan))?;
        let tally = Arc::new(Tally::default());
        let bar = Bar::show("Signing in", so_far(Arc::clone(&tally), arguments));
        let meter = Meter::start(self.fleet.each()).await;
        let end = ended(arguments.seconds);
        let report = load::run(plan, door, people, tally, meter, end).await;
        drop(bar);
        told::logins(&report, say)
    }

    fn http_door(&self, arguments: &Load) -> Door {
        let each = |(line, made): (usize, &GatewayCreated)| {
            (0..self.fleet.nodes()).map(|node| self.gateway(made, node, line)).collect()
        };
        let gateways = self.gateways.iter().enumerate().map(each).collect();
        Door::Http { gateways, waits: if arguments.redeem_waits { Waits::InRedeem } else { Waits::First } }
    }

    fn gateway(&self, made: &GatewayCreated, node: usize, line: usize) -> Gateway {
        let api = self.fleet.line(node, line).clone();
        let gateway = Gateway::created(api, &self.origin.issuer, made, Arc::clone(&self.origin.clock));
        gateway.checking_by(Checker::Quick)
    }

    async fn hold(&self, arguments: &Load, logins: u32, people: Vec<Person>, say: &Say) -> Result<ExitCode, Fault> {
        let made = self.gateways.first().ok_or(Failure::Missing("there is no gateway"))?;
        let nodes = self.fleet.nodes();
        let places = (0..lines(arguments)).flat_map(|line| (0..nodes).map(move |node| (node, line)));
        let gateways =
            places.map(|(node, line)| Arc::new(self.gateway(made, node, usize::try_from(line).unwrap_or_default())));
        let hall = Arc::new(Hall {
            gateways: gateways.collect(),
            servers: self.fleet.each().cloned().collect(),
            opened: AtomicU64::new(0),
            decided: AtomicU64::new(0),
        });
        let plan = hold::Plan { logins, sample: arguments.hold.sample, across: arguments.hold.across };
        let how = if arguments.http2 { "HTTP/2" } else { "HTTP/1.1" };
        say.line(&format!("Opening {logins} sign-ins over {how}, which wait. Ctrl-C ends it."))?;
        let seen = Arc::clone(&hall);
        let sample = u64::from(plan.sample.min(logins));
        let done = move || seen.opened.load(Ordering::Relaxed) + seen.decided.load(Ordering::Relaxed);
        let bar = Bar::show("Opening and deciding", by_number(done, u64::from(logins) + sample));
        let report = hold::run(plan, hall, people, ended(None)).await;
        drop(bar);
        told::held(&report, say)
    }

    /// Takes away what was made. What cannot be is named and left.
    async fn clear(&self, say: &Say) {
        let Origin { admin, prefix, .. } = &self.origin;
        for made in &self.gateways {
            if let Err(failure) = admin.delete_gateway(made.gateway.id).await {
                say.note(&format!("The gateways {prefix}-... are left: {failure}"));
                break;
            }
        }
        forget(&self.origin, self.people, say).await;
    }
}

/// Takes the people away that were made. Whoever cannot be is left, and that is said.
pub(crate) async fn forget(origin: &Origin, people: u32, say: &Say) {
    if let Err(failure) = origin.forget(people).await {
        say.note(&format!("Some of the users {}-0 and on are left: {failure}", origin.prefix));
    }
}

fn is_push_refused(failure: &Failure) -> bool {
    failure.problem().is_some_and(|problem| problem.code == "invalid-push-subscription")
}

fn fleet(arguments: &Load) -> Result<Fleet, Fault> {
    if arguments.hold.across && arguments.server.len() < 2 {
        return Err(Fault::usage("There is one server, so nothing is across.", "Give --server twice."));
    }
    open_files_as_allowed();
    let authority = arguments.authority.as_ref().map(std::fs::read_to_string).transpose()?;
    let speaks = if arguments.http2 { Speaks::Http2 } else { Speaks::Http1 };
    Ok(Fleet::new(&arguments.server, authority.as_deref(), speaks, lines(arguments))?)
}

/// How many connections of HTTP/2 there are to each server.
fn lines(arguments: &Load) -> u32 {
    let each = |logins: u32| logins.div_ceil(STREAMS * u32::try_from(arguments.server.len()).unwrap_or(1).max(1));
    let usual = arguments.hold.hold.map_or(CONNECTIONS, |logins| each(logins).max(1));
    if arguments.http2 { arguments.connections.unwrap_or(usual) } else { 1 }
}

/// Thousands of connections need as many files: as many are asked for as this process may have.
fn open_files_as_allowed() {
    let limit = getrlimit(Resource::Nofile);
    // Where that fails, it was enough, or the connections will say so.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum });
}

async fn radius_door(arguments: &Load, server: &str) -> Result<Door, Fault> {
    let front_door = FrontDoor { server: server.to_owned(), secret: arguments.secret.clone(), allow_unsigned: false };
    let at_once = arguments.rate.map_or(arguments.concurrency, |_| arguments.phones);
    let (address, secret) = radius::place(&front_door).await?;
    let sockets = Sockets::open(address, &secret, Demand::Signed, at_once).await?;
    Ok(Door::Radius { sockets, timing: arguments.patience.timing() })
}

fn gateway(name: &str) -> CreateGateway {
    CreateGateway {
        name: name.to_owned(),
        application: "Load test".to_owned(),
        can_display: true,
        client_address: None,
    }
}

fn announced(arguments: &Load, plan: Plan) -> String {
    let count = if plan.logins == u64::MAX { String::new() } else { format!(" {} times", plan.logins) };
    let time = arguments.seconds.map(|seconds| format!(" for {seconds} s")).unwrap_or_default();
    let pace = match plan.pace {
        Pace::AtOnce(count) => format!("{count} at once"),
        Pace::EachSecond(rate) => format!("{rate} begin each second"),
    };
    format!("Signing in{count}{time}, {pace}. Ctrl-C ends it early.")
}

/// When it is to end before everything is done.
async fn ended(seconds: Option<u64>) {
    let time = async {
        match seconds {
            Some(seconds) => tokio::time::sleep(Duration::from_secs(seconds)).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        () = time => {}
        _ = tokio::signal::ctrl_c() => {}
    }
}

fn by_number(done: impl Fn() -> u64 + Send + 'static, all: u64) -> impl Fn() -> Progress + Send + 'static {
    let began = Instant::now();
    move || Progress { done: done(), all: Some(all), part: None, elapsed: began.elapsed() }
}

fn so_far(tally: Arc<Tally>, arguments: &Load) -> impl Fn() -> Progress + Send + 'static {
    let (logins, seconds) = (arguments.logins, arguments.seconds);
    let all = logins.or(seconds.is_none().then_some(LOGINS));
    move || {
        let (elapsed, (let_in, failed)) = (tally.elapsed(), tally.done());
        let done = let_in + failed;
        let by_time = seconds.map(|seconds| elapsed.as_secs_f64() / Duration::from_secs(seconds).as_secs_f64());
        let by_number = all.map(|all| done as f64 / all as f64);
        // Whichever comes to its end first.
        let part = by_time.into_iter().chain(by_number).reduce(f64::max);
        Progress { done, all, part, elapsed }
    }
}
