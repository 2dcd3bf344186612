//! What the commands do.

pub(crate) mod arguments;
mod challenge;
mod code;
mod connect;
mod enroll;
pub(crate) mod fault;
mod helpdesk;
mod listen;
mod load;
mod login;
mod misbehave;
mod own;
mod phones;
mod push;
mod radius;
pub(crate) mod say;
mod watch;

use std::io::{self, Write as _};
use std::process::ExitCode;

use clap::CommandFactory as _;
use clap_complete::aot::generate;
use gatematch_protocol::response::Decision;

use self::arguments::{Arguments, Command, GatewayCommand, PushCommand};
use self::challenge::Asked;
use self::fault::Fault;
use self::phones::{Browsers, Phones};
use self::say::Say;

/// The server, or the person, said no.
pub(crate) const REFUSED: u8 = 1;

pub(crate) async fn run(arguments: &Arguments, say: &Say) -> Result<ExitCode, Fault> {
    if arguments.list_misbehaviours {
        return misbehave::list(say);
    }
    let command = arguments.command.as_ref().ok_or(Fault::NoCommand)?;
    let wrong = arguments.misbehave.as_deref();
    // Over RADIUS, and for the push service, there are other catalogues.
    let over_http = wrong.filter(|_| !matches!(command, Command::Radius { .. } | Command::Push { .. }));
    let misbehaviour = over_http.map(misbehave::find).transpose()?;
    let phones = || Phones::read(arguments.state.as_deref(), arguments.phone.as_deref());
    let respond = async |id: &str, decision, number: Option<&str>, uv| {
        let asked = Asked { id, decision, number, uv };
        challenge::respond(&phones()?, &asked, misbehaviour, say).await
    };
    match command {
        Command::Completions { shell } => {
            let mut text = Vec::new();
            generate(*shell, &mut Arguments::command(), "gatematch-sim", &mut text);
            io::stdout().write_all(&text)?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Enroll(enroll) => enroll::run(phones()?, enroll, misbehaviour, say).await,
        Command::List => challenge::list(&phones()?, misbehaviour, say).await,
        Command::Approve { id, number, uv } => {
            respond(id, Decision::Approve, number.as_deref(), Some((*uv).into())).await
        }
        Command::Deny { id } => respond(id, Decision::Deny, None, None).await,
        Command::Report { id } => respond(id, Decision::Report, None, None).await,
        Command::Watch { uv, push } => {
            misbehave::none(misbehaviour)?;
            watch::run(&phones()?, (*uv).into(), push.as_deref(), say).await
        }
        Command::Gateway { command: GatewayCommand::Login(login) } => login::run(login, misbehaviour, say).await,
        Command::Load(load) => {
            misbehave::none(misbehaviour)?;
            load::run(load, say).await
        }
        Command::Push { command: PushCommand::Serve(serve) } => push::serve(serve, wrong, say).await,
        Command::Radius { command } => radius::run(command, wrong, say).await,
        Command::Code(arguments) => {
            misbehave::none(misbehaviour)?;
            code::run(arguments, say)
        }
        Command::Phones { command } => own::run(&phones()?, command, misbehaviour, say).await,
        Command::Helpdesk(arguments) => helpdesk::run(arguments, misbehaviour, say).await,
        Command::Connect(connect) => {
            misbehave::none(misbehaviour)?;
            let kept = || Browsers::at(arguments.state.as_deref(), &connect.user);
            let browsers = if connect.private { None } else { Some(kept()?) };
            connect::run(connect, browsers, say).await
        }
    }
}
