//! What is made for a package out of the command line: the manual page, and completions.

use std::io;

use clap::{Command, ValueEnum};
use clap_complete::Shell as Generator;
use clap_complete::aot::generate;
use clap_mangen::Man;

/// The shells whose completions are tried.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Shell {
    Bash,
    Zsh,
    Fish,
}

/// What the shell reads.
pub(crate) fn completions(shell: Shell, mut command: Command) -> Vec<u8> {
    let name = command.get_name().to_owned();
    let generator = match shell {
        Shell::Bash => Generator::Bash,
        Shell::Zsh => Generator::Zsh,
        Shell::Fish => Generator::Fish,
    };
    let mut text = Vec::new();
    generate(generator, &mut command, name, &mut text);
    text
}

/// The manual page.
pub(crate) fn page(command: Command) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    Man::new(command).manual("Gatematch").render(&mut text)?;
    Ok(text)
}
