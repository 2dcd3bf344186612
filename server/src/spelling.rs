//! How secrets are shown so that they are easy to read aloud and to type.

use gatematch_protocol::secret::Secret;

/// The symbols apart from each other: easy to read aloud, and taken as it stands.
pub(crate) fn apart(pass: &Secret) -> Secret {
    let mut text = String::with_capacity(4 * pass.reveal().len());
    for (at, symbol) in pass.reveal().chars().enumerate() {
        if at > 0 {
            text.push(' ');
        }
        text.push(symbol);
    }
    Secret::new(text)
}

/// As it is spelled on the phone (the alphabet of ICAO); digits as they are.
pub(crate) fn spelled(pass: &Secret) -> Secret {
    let mut text = String::with_capacity(16 * pass.reveal().len());
    for (at, symbol) in pass.reveal().chars().enumerate() {
        if at > 0 {
            text.push(' ');
        }
        match WORDS.iter().find(|word| word.starts_with(symbol)) {
            Some(word) => text.push_str(word),
            None => text.push(symbol),
        }
    }
    Secret::new(text)
}

/// For the letters that there are in a pass.
const WORDS: [&str; 22] = [
    "Alfa", "Bravo", "Charlie", "Delta", "Echo", "Foxtrot", "Golf", "Hotel", "Juliett", "Kilo", "Mike", "November",
    "Papa", "Quebec", "Romeo", "Sierra", "Tango", "Victor", "Whiskey", "X-ray", "Yankee", "Zulu",
];

/// A secret that is typed, in groups of four.
pub(crate) fn in_fours(secret: &Secret) -> Secret {
    let mut text = String::with_capacity(2 * secret.reveal().len());
    for (at, symbol) in secret.reveal().chars().enumerate() {
        if at > 0 && at % 4 == 0 {
            text.push(' ');
        }
        text.push(symbol);
    }
    Secret::new(text)
}

#[cfg(test)]
mod tests {
    use gatematch_protocol::passcode::{self, Shape};

    use super::*;

    #[test]
    fn a_pass_is_spelled_and_still_read() {
        let pass = Secret::new("K7Q2M-0XW4Z");
        assert_eq!(apart(&pass).reveal(), "K 7 Q 2 M - 0 X W 4 Z");
        let (shape, normal) = passcode::read(apart(&pass).reveal()).unwrap();
        assert_eq!((shape, normal.reveal()), (Shape::AccessPass, "K7Q2M0XW4Z"));
        assert_eq!(spelled(&pass).reveal(), "Kilo 7 Quebec 2 Mike - 0 X-ray Whiskey 4 Zulu");
        let all: [u8; 32] = std::array::from_fn(|at| u8::try_from(at).unwrap());
        let all = passcode::write(&all, 32);
        let letters = all.reveal().chars().filter(char::is_ascii_alphabetic);
        assert_eq!(WORDS.map(|word| word.chars().next().unwrap()).to_vec(), letters.collect::<Vec<_>>());
    }

    #[test]
    fn a_secret_stands_in_groups_of_four() {
        assert_eq!(in_fours(&Secret::new("ABCDEFGHIJ")).reveal(), "ABCD EFGH IJ");
        assert_eq!(in_fours(&Secret::new("ABCDEFGH")).reveal(), "ABCD EFGH");
    }
}
