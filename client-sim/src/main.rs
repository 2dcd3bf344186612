//! `gatematch-sim`: the phone and the gateway at a person's disposal.

mod command;

use std::process::ExitCode;

use clap::Parser as _;

use command::arguments::Arguments;
use command::fault::Fault;
use command::say::Say;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let say = Say::new(arguments.json);
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(cause) => return say.fault(&Fault::from(cause)),
    };
    let outcome = runtime.block_on(command::run(&arguments, &say));
    // A thread may still be waiting for the keyboard.
    runtime.shutdown_background();
    match outcome {
        Ok(code) => code,
        Err(fault) => say.fault(&fault),
    }
}
