//! Codes that stand in for the phone, as a person types them: which of them a text can be (contract section 10).
//!
//! A time-based code is six digits. Recovery codes and access passes are written in Crockford's base32: capital letters
//! and digits without I, L, O and U, in groups, and read without regard to case, blanks and hyphens, with O for 0 and I
//! or L for 1. The lengths differ, so a text is at most one of the three.

use crate::secret::Secret;

/// How many digits a time-based code has (RFC 6238; contract section 10).
pub const TOTP_DIGITS: usize = 6;
/// How many characters a recovery code has, without hyphens: 80 bits.
pub const RECOVERY_CODE_LENGTH: usize = 16;
/// How many characters an access pass has, without hyphens: 50 bits.
pub const ACCESS_PASS_LENGTH: usize = 10;
/// The longest text that is looked at, in bytes: nothing that anybody types as a code is longer.
pub const MAX_TEXT_BYTES: usize = 64;

/// The 32 symbols, by value.
const SYMBOLS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// What a text can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Shape {
    /// A time-based code.
    Totp,
    /// A recovery code.
    RecoveryCode,
    /// An access pass.
    AccessPass,
}

/// What `text` can be, and its one normal form; `None` where it is no code at all.
#[must_use]
pub fn read(text: &str) -> Option<(Shape, Secret)> {
    if text.len() > MAX_TEXT_BYTES {
        return None;
    }
    // Room from the start: a String that grows leaves copies behind.
    let mut normal = String::with_capacity(text.len());
    for typed in text.chars().filter(|c| !c.is_whitespace() && *c != '-') {
        normal.push(match typed.to_ascii_uppercase() {
            'O' => '0',
            'I' | 'L' => '1',
            symbol if symbol.is_ascii() && SYMBOLS.contains(&(symbol as u8)) => symbol,
            _ => {
                drop(Secret::new(normal));
                return None;
            }
        });
    }
    let shape = match normal.len() {
        TOTP_DIGITS if normal.bytes().all(|b| b.is_ascii_digit()) => Some(Shape::Totp),
        RECOVERY_CODE_LENGTH => Some(Shape::RecoveryCode),
        ACCESS_PASS_LENGTH => Some(Shape::AccessPass),
        _ => None,
    };
    let normal = Secret::new(normal);
    shape.map(|shape| (shape, normal))
}

/// The code of `LENGTH` characters, in groups of `group`, from as many random bytes: of each, five bits are used.
#[must_use]
pub fn write<const LENGTH: usize>(random: &[u8; LENGTH], group: usize) -> Secret {
    let mut text = String::with_capacity(2 * LENGTH);
    for (at, byte) in random.iter().enumerate() {
        if at > 0 && at % group.max(1) == 0 {
            text.push('-');
        }
        text.extend(SYMBOLS.get(usize::from(byte & 0x1f)).map(|symbol| char::from(*symbol)));
    }
    Secret::new(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(text: &str) -> Option<Shape> {
        read(text).map(|(shape, _)| shape)
    }

    #[test]
    fn what_is_written_is_read_back_however_it_is_typed() {
        let random: [u8; 16] = std::array::from_fn(|at| u8::try_from(at * 13).unwrap());
        let code = write(&random, 4);
        assert_eq!(code.reveal().len(), 19, "{}", code.reveal());
        let (shape, normal) = read(code.reveal()).unwrap();
        assert_eq!((shape, normal.reveal()), (Shape::RecoveryCode, code.reveal().replace('-', "").as_str()));
        let typed = format!(" {} ", code.reveal().to_lowercase().replace('-', " ").replace('0', "o").replace('1', "l"));
        assert_eq!(read(&typed).unwrap().1, normal);
        let pass = write(&[31; 10], 5);
        assert_eq!(pass.reveal(), "ZZZZZ-ZZZZZ");
        assert_eq!(read(pass.reveal()).unwrap().0, Shape::AccessPass);
    }

    #[test]
    fn six_digits_are_a_time_based_code() {
        assert_eq!(read("123 456").unwrap().1.reveal(), "123456");
        for text in ["123456", "123-456", " 000000 "] {
            assert_eq!(shape(text), Some(Shape::Totp), "{text}");
        }
    }

    #[test]
    fn what_is_no_code_is_none() {
        let long = "1 ".repeat(33);
        for text in ["", "12345", "1234567", "ABCDEF", "12345é", "１２３４５６", "U000000000", "hunter2hunter2!", &long]
        {
            assert_eq!(shape(text), None, "{text}");
        }
    }

    #[test]
    fn every_symbol_is_drawn_from_random_bytes() {
        let all: [u8; 32] = std::array::from_fn(|at| u8::try_from(at).unwrap() | 0xe0);
        assert_eq!(write(&all, 32).reveal().as_bytes(), SYMBOLS);
    }
}
