//! `gatematch`: the server, its command line, and a demo.

mod demo;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::{CommandFactory as _, Parser, Subcommand};
use gatematch_protocol::secret::Secret;
use gatematch_radius::edge::Edge;
use gatematch_radius::settings as radius;
use gatematch_radius::shell::{Front, StartFault};
use gatematch_radius::upstream::{self, ask_for_sign};
use gatematch_server::cli::completions::Completions;
use gatematch_server::cli::doctor::front_door::{FrontDoor, RadiusClient, RadiusServer, Sign};
use gatematch_server::cli::fault::Fault;
use gatematch_server::cli::man::Man;
use gatematch_server::cli::serve::{Beside, Companion};
use gatematch_server::cli::terminal::Terminal;
use gatematch_server::cli::{self, Globals};
use gatematch_server::edge::Pending;
use gatematch_server::settings::{Environment, Settings};
use gatematch_server::start::Running;

/// Much is allocated for each request, and let go by another thread than it was taken by; glibc's allocator takes an eighth
/// of the processor time for that more than this one does.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

const AFTER_HELP: &str = "\
Settings come from a flag, else from the environment (GATEMATCH_LISTEN, ...), else from the file, else they have a default.\n\
Every command but demo and restore works beside a running server, on the same settings.\n\
Exit codes: 0 done; 1 refused; 2 wrong usage or settings; 3 trouble with this machine or the database.";

/// Sign-ins to Remote Desktop, approved on a phone by number.
#[derive(Debug, Parser)]
#[command(name = "gatematch", version, after_help = AFTER_HELP, arg_required_else_help = true)]
struct Arguments {
    #[command(flatten)]
    globals: Globals,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Show a whole sign-in in half a minute, with a simulated phone, on a server of its own
    Demo(demo::Demo),
    #[command(flatten)]
    Cli(cli::Command),
    /// Write what a shell needs to complete these commands, to stdout
    Completions(Completions),
    /// Write the manual pages
    #[command(hide = true)]
    Man(Man),
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let environment = Environment::of_process();
    let mut terminal = Terminal::of_process(&environment, arguments.globals.json);
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(cause) => return terminal.fault(&Fault::from(cause)),
    };
    let outcome = runtime.block_on(run(&arguments, &environment, &mut terminal));
    // A thread may still be waiting for the keyboard.
    runtime.shutdown_background();
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => terminal.fault(&fault),
    }
}

async fn run(arguments: &Arguments, environment: &Environment, terminal: &mut Terminal) -> Result<(), Fault> {
    match &arguments.command {
        Command::Demo(demo) => demo::run(demo, terminal).await,
        Command::Completions(completions) => completions.run(Arguments::command(), terminal),
        Command::Man(man) => man.run(Arguments::command(), terminal),
        Command::Cli(command) => cli::run(command, &arguments.globals, environment, FRONT_DOOR, terminal).await,
    }
}

/// The RADIUS front door in the same process: the library of the server does not know it, and it knows the server by
/// its HTTP API alone.
const FRONT_DOOR: Companion = Companion { check: check_front_door, door: describe_front_door, start: start_front_door };

fn front_door(settings: &Settings, environment: &Environment) -> Result<Option<radius::Loaded>, Fault> {
    let Some(section) = &settings.radius else { return Ok(None) };
    let directory = section.file.parent().unwrap_or(Path::new(""));
    let variable = |name: &str| environment.get(name).map(str::to_owned);
    let loaded = radius::Settings::read(&section.table, &variable, directory);
    loaded.map(Some).map_err(|fault| Fault::usage(format!("{fault}."), "", fault.todo()))
}

fn check_front_door(settings: &Settings, environment: &Environment) -> Result<Vec<String>, Fault> {
    Ok(front_door(settings, environment)?.map(|loaded| loaded.warnings).unwrap_or_default())
}

fn describe_front_door(settings: &Settings, environment: &Environment) -> Result<Option<FrontDoor>, Fault> {
    let Some(radius::Loaded { settings, warnings }) = front_door(settings, environment)? else { return Ok(None) };
    let here = match settings.listen.ip() {
        ip if !ip.is_unspecified() => ip,
        IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
    };
    let own = settings.clients.iter().filter(|client| client.network.contains(here));
    let own = own.max_by_key(|client| client.network.prefix()).map(|client| client.secret.clone());
    let client = |client: radius::ClientSettings| RadiusClient {
        name: client.name,
        network: client.network.to_string(),
        secret: client.secret,
        gateway_key: client.gateway_key,
    };
    let server = |server: radius::UpstreamSettings| RadiusServer {
        name: server.name,
        address: server.address,
        secret: server.secret,
        gives_signs: server.status_server,
    };
    Ok(Some(FrontDoor {
        listen: settings.listen,
        is_beside: settings.server_url.is_none(),
        warnings,
        clients: settings.clients.into_iter().map(client).collect(),
        upstreams: settings.upstreams.into_iter().map(server).collect(),
        own_secret: own,
        ask: ask_front_door,
    }))
}

fn ask_front_door(address: SocketAddr, secret: Secret, patience: Duration, edge: Edge) -> Pending<'static, Sign> {
    let asked = radius::UpstreamSettings {
        name: "doctor".to_owned(),
        address,
        secret,
        timeout: patience,
        tries: 1,
        status_server: true,
        revive_after: patience,
        require_message_authenticator: true,
    };
    Box::pin(async move {
        match ask_for_sign(&asked, &edge).await {
            upstream::Sign::Answered => Sign::Answered,
            upstream::Sign::Unauthentic => Sign::Unauthentic,
            upstream::Sign::Silence => Sign::Silence,
        }
    })
}

/// An address that cannot be listened on is this machine's trouble; everything else was written into the settings.
fn not_started(fault: &StartFault) -> Fault {
    let what = format!("The RADIUS front door: {fault}.");
    match fault {
        StartFault::Listen { .. } => Fault::broken(what, "", "Stop what listens there, or set listen in [radius]."),
        StartFault::Server(_) | StartFault::Clients(_) => Fault::usage(what, "", "Correct the table [radius]."),
    }
}

fn start_front_door<'a>(
    settings: &'a Settings,
    environment: &'a Environment,
    running: &'a Running,
) -> Pending<'a, Result<Beside, Fault>> {
    Box::pin(async move {
        let Some(radius::Loaded { settings, .. }) = front_door(settings, environment)? else {
            return Ok(Beside { listens: Vec::new(), stop: Box::pin(async {}) });
        };
        let server = running.inner_url();
        let front = Front::start(settings, Edge::system(), &server).await;
        let front = Arc::new(front.map_err(|fault| not_started(&fault))?);
        let told = Arc::clone(&front);
        running.also_tell(move || told.metrics_text());
        Ok(Beside { listens: vec![("radius", front.address())], stop: Box::pin(async move { front.stop().await }) })
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::process;

    use gatematch_server::cli::completions::{Shell, script};
    use gatematch_server::cli::man;
    use gatematch_server::settings::variables;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Arguments::command().debug_assert();
        for line in [
            "gatematch serve --config g.toml --listen 127.0.0.1:0",
            "gatematch demo --interactive --keep",
            "gatematch demo --radius",
            "gatematch demo --web",
            "gatematch init",
            "gatematch doctor --data-dir /d",
            "gatematch doctor --network --json --config g.toml",
            "gatematch --data-dir /d admin-key create --role helpdesk --name Desk --json",
            "gatematch gateway add rdg01 --application Desktop --can-display --client-address shown --json",
            "gatematch user add alice --display-name A --email a@b --group G --group H",
            "gatematch user lock CONTOSO\\alice --reason lost",
            "gatematch device list alice",
            "gatematch enroll alice --expires-in 60 --json",
            "gatematch audit tail -n 5 --follow --user alice",
            "gatematch report sign-ins --since 2031-01-31T08:00Z --user alice --outcome denied --csv",
            "gatematch keys list --json",
            "gatematch backup b.db --json",
            "gatematch restore b.db --log a.jsonl --log b.jsonl --checkpoint c.json",
            "gatematch restore b.db --void",
            "gatematch restore b.db --check",
            "gatematch user list --dormant 60",
            "gatematch user unlock alice --reason called",
            "gatematch authenticator list alice",
            "gatematch device revoke 01234567-89ab-7def-8123-456789abcdef --reason lost",
            "gatematch pass alice --for 8h --uses 5 --starts 2031-01-31T08:00+01:00 --reason lost",
            "gatematch pass alice --end --reason found",
            "gatematch recovery-codes alice --reason paper --json",
            "gatematch totp add alice --label KeePass --reason PC",
            "gatematch totp import tokens.csv --dry-run",
            "gatematch bypass add alice --for 2h --uses 3 --reason outage",
            "gatematch bypass list",
            "gatematch keys rotate --master --new-key next.key",
            "gatematch policy show --of 3 --toml",
            "gatematch policy apply policy.toml --comment pilot --if 3",
            "gatematch policy explain alice --ip 203.0.113.7 --gateway rdg01 --at 2031-01-31T08:00+01:00 --group staff",
            "gatematch policy explain --event 01234567-89ab-7def-8123-456789abcdef",
            "gatematch policy rollback 2",
            "gatematch completions bash",
            "gatematch man /tmp/pages",
        ] {
            assert!(Arguments::try_parse_from(line.split(' ')).is_ok(), "{line}");
        }
        for line in [
            "gatematch",
            "gatematch admin-key create --role root --name x",
            "gatematch user lock alice",
            "gatematch enroll alice --expires-in 601",
            "gatematch demo --web --radius",
            "gatematch device revoke nonsense",
            "gatematch report everything",
            "gatematch restore",
            "gatematch restore b.db --check --void",
            "gatematch report locks --csv --json",
            "gatematch keys rotate --new-key next.key",
            "gatematch pass alice --for 8h",
            "gatematch pass alice --reason lost",
            "gatematch pass alice --for 31d --reason lost",
            "gatematch bypass add alice --reason outage",
            "gatematch bypass add alice --for 25h --reason outage",
            "gatematch policy explain",
            "gatematch completions csh",
            "gatematch policy explain alice --event 01234567-89ab-7def-8123-456789abcdef",
        ] {
            assert!(Arguments::try_parse_from(line.split(' ')).is_err(), "{line}");
        }
    }

    /// The commands that help shows, as their pages are named.
    fn commands(command: &clap::Command, name: &str, found: &mut BTreeSet<String>) {
        found.insert(format!("{name}.1"));
        for part in command.get_subcommands().filter(|part| !part.is_hide_set()) {
            commands(part, &format!("{name}-{}", part.get_name()), found);
        }
    }

    #[test]
    fn every_command_has_a_page_and_no_page_is_of_nothing() {
        let mut expected = BTreeSet::from(["gatematch.toml.5".to_owned()]);
        commands(&Arguments::command(), "gatematch", &mut expected);
        assert!(
            expected.contains("gatematch-policy-explain.1") && expected.contains("gatematch-demo.1"),
            "{expected:?}"
        );
        let pages = man::pages(Arguments::command()).unwrap();
        let found: BTreeSet<String> = pages.iter().map(|(name, _)| name.clone()).collect();
        assert_eq!(found, expected);
        assert_eq!(found.len(), pages.len(), "a page is there twice");
        for (name, text) in pages {
            let text = String::from_utf8(text).unwrap();
            assert!(text.contains(".SH NAME\n") && text.contains(".SH \"SEE ALSO\"\n"), "{name}: {text}");
        }
    }

    #[test]
    fn the_page_of_the_program_tells_files_variables_and_exit_codes() {
        let pages = man::pages(Arguments::command()).unwrap();
        let (_, text) = pages.iter().find(|(name, _)| name == "gatematch.1").unwrap();
        // A hyphen is written as \- in roff.
        let text = String::from_utf8(text.clone()).unwrap().replace('\\', "");
        for heading in [".SH ENVIRONMENT", ".SH FILES", ".SH \"EXIT STATUS\""] {
            assert!(text.contains(heading), "{heading} is missing in {text}");
        }
        for word in variables()
            .chain(["GATEMATCH_MASTER_KEY", "/etc/gatematch/gatematch.toml", "master.key"].map(str::to_owned))
        {
            assert!(text.contains(&word), "{word} is missing");
        }
        let codes = AFTER_HELP.split("Exit codes: ").nth(1).unwrap();
        for code in codes.split("; ").map(|told| told.split(' ').next().unwrap()) {
            assert!(text.contains(&format!("fB{code}fR")), "the exit code {code} is missing in {text}");
        }
    }

    #[test]
    fn a_shell_understands_the_completions() {
        for (shell, program) in [(Shell::Bash, "bash"), (Shell::Zsh, "zsh"), (Shell::Fish, "fish")] {
            let text = script(shell, Arguments::command());
            assert!(text.contains("recovery-codes") && text.contains("rollback"), "{program}: {text}");
            let directory = tempfile::tempdir().unwrap();
            let file = directory.path().join("completions");
            std::fs::write(&file, text).unwrap();
            match process::Command::new(program).arg("-n").arg(&file).output() {
                Ok(output) => {
                    assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
                }
                // Only bash is on every machine.
                Err(error) => assert_ne!(program, "bash", "{error}"),
            }
        }
    }
}
