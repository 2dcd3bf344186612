//! `gatematch completions`.

use clap::{Args, Command, ValueEnum};
use clap_complete::Shell as Generator;
use clap_complete::aot::generate;

use super::fault::Fault;
use super::terminal::Terminal;

/// `gatematch completions`.
#[derive(Debug, Args)]
pub struct Completions {
    /// For which shell
    shell: Shell,
}

/// The shells of Debian whose completions are tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Shell {
    /// bash, with the package bash-completion
    Bash,
    /// zsh
    Zsh,
    /// fish
    Fish,
}

impl Completions {
    /// Writes what the shell needs, to stdout. `command` is the whole command line of the program.
    ///
    /// # Errors
    /// [`Fault`] when nobody reads it.
    pub fn run(&self, command: Command, terminal: &mut Terminal) -> Result<(), Fault> {
        terminal.text(&script(self.shell, command))
    }
}

/// What the shell reads.
#[must_use]
pub fn script(shell: Shell, mut command: Command) -> String {
    let name = command.get_name().to_owned();
    let generator = match shell {
        Shell::Bash => Generator::Bash,
        Shell::Zsh => Generator::Zsh,
        Shell::Fish => Generator::Fish,
    };
    let mut bytes = Vec::new();
    generate(generator, &mut command, name, &mut bytes);
    String::from_utf8_lossy(&bytes).into_owned()
}
