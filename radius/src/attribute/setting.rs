//! Attributes in the settings file: from a name and a value, as an administrator writes them, to octets.

use std::net::Ipv4Addr;

use super::VENDOR_SPECIFIC;
use super::names::{NAMED, Named, OF_THE_PROTOCOL, Shape, Taken, Words};
use crate::packet::{ATTRIBUTE_HEAD_LENGTH, MAX_VALUE_LENGTH};

/// A value as the settings file has it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(untagged)]
pub enum Setting {
    /// A text; where octets are meant, also `0x` and hexadecimal digits.
    Text(String),
    /// A whole number.
    Integer(i64),
    /// Several words, or several attributes of the same type.
    List(Vec<String>),
}

/// How the value of an attribute without a name of ours is encoded (RFC 2865, section 5).
#[derive(Clone, Debug, PartialEq, Eq)]
enum Encoding {
    /// UTF-8 text.
    Text(String),
    /// A number of 32 bits.
    Integer(u32),
    /// Octets as hexadecimal digits, with or without `0x`.
    Hex(String),
}

/// Why a setting makes no attribute.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WrongSetting {
    /// There is no attribute of that name here.
    #[error(
        "there is no attribute {0:?} here: write a name such as MS-RDG-Device-Redirection, a type such as 25, or \
         VENDOR/TYPE such as 311/63"
    )]
    UnknownName(String),
    /// The protocol itself, or a secret hidden per packet, is in that attribute.
    #[error("the attribute {0} cannot be set: the protocol itself fills it")]
    OfTheProtocol(String),
    /// The value does not fit the attribute.
    #[error("{name} takes {wanted}")]
    Value {
        /// The attribute.
        name: String,
        /// What it takes.
        wanted: String,
    },
    /// The value has no octet, or more than an attribute can hold.
    #[error("the value of {0} is empty or too long: an attribute holds 253 octets, a vendor's 247")]
    Length(String),
}

/// The attributes, as types and values, that this name and value stand for.
///
/// The name is one of the standards' (letter case does not matter), or the number of a type, or `VENDOR/TYPE`.
/// With a number, whole numbers are written as 32 bits, `0x...` as octets, other text as it stands.
///
/// # Errors
/// [`WrongSetting`].
pub fn from_setting(name: &str, value: &Setting) -> Result<Vec<(u8, Vec<u8>)>, WrongSetting> {
    if let Some((vendor, kind)) = numbered(name) {
        return each(value, |value| from_number(vendor, kind, &plain(name, value)?));
    }
    if let Some(known) = OF_THE_PROTOCOL.iter().find(|known| known.name.eq_ignore_ascii_case(name)) {
        return Err(WrongSetting::OfTheProtocol(known.name.to_owned()));
    }
    let named = NAMED
        .iter()
        .find(|named| named.names.iter().any(|known| known.eq_ignore_ascii_case(name)))
        .ok_or_else(|| WrongSetting::UnknownName(name.to_owned()))?;
    if let Shape::Flags(words) = named.shape {
        return Ok(vec![attribute(name, named.vendor, named.kind, &flags(name, words, value)?)?]);
    }
    each(value, |value| Ok(vec![attribute(name, named.vendor, named.kind, &octets(name, named, value)?)?]))
}

/// The attribute of this type, of this vendor if one is named.
fn from_number(vendor: Option<u32>, kind: u8, value: &Encoding) -> Result<Vec<(u8, Vec<u8>)>, WrongSetting> {
    let name = vendor.map_or_else(|| kind.to_string(), |vendor| format!("{vendor}/{kind}"));
    if let Some(known) = taken(vendor, kind) {
        return Err(WrongSetting::OfTheProtocol(known.name.to_owned()));
    }
    let octets = match value {
        Encoding::Text(text) => text.clone().into_bytes(),
        Encoding::Integer(number) => number.to_be_bytes().to_vec(),
        Encoding::Hex(text) => {
            let digits = text.strip_prefix("0x").unwrap_or(text);
            hex(digits).ok_or_else(|| wrong(&name, "octets as pairs of hexadecimal digits"))?
        }
    };
    Ok(vec![attribute(&name, vendor, kind, &octets)?])
}

/// Whether nobody sets this type, of this vendor if one is named, because the protocol itself fills it.
#[must_use]
pub fn is_of_the_protocol(vendor: Option<u32>, kind: u8) -> bool {
    taken(vendor, kind).is_some()
}

fn taken(vendor: Option<u32>, kind: u8) -> Option<&'static Taken> {
    OF_THE_PROTOCOL.iter().find(|known| (known.vendor, known.kind) == (vendor, kind))
}

/// Type, or vendor and type, where the name is a number.
fn numbered(name: &str) -> Option<(Option<u32>, u8)> {
    if let Some((vendor, kind)) = name.split_once('/') {
        return Some((Some(vendor.parse().ok()?), kind.parse().ok()?));
    }
    Some((None, name.parse().ok().filter(|kind| *kind != 0)?))
}

/// Each element of a list makes attributes of its own.
fn each(
    value: &Setting,
    make: impl Fn(&Setting) -> Result<Vec<(u8, Vec<u8>)>, WrongSetting>,
) -> Result<Vec<(u8, Vec<u8>)>, WrongSetting> {
    let Setting::List(texts) = value else { return make(value) };
    let mut made = Vec::with_capacity(texts.len());
    for text in texts {
        made.extend(make(&Setting::Text(text.clone()))?);
    }
    Ok(made)
}

fn plain(name: &str, value: &Setting) -> Result<Encoding, WrongSetting> {
    match value {
        Setting::Integer(number) => Ok(Encoding::Integer(number_of_32_bits(name, *number)?)),
        Setting::Text(text) if text.starts_with("0x") => Ok(Encoding::Hex(text.clone())),
        Setting::Text(text) => Ok(Encoding::Text(text.clone())),
        Setting::List(_) => Err(wrong(name, "a text or a whole number")),
    }
}

fn octets(name: &str, named: &Named, value: &Setting) -> Result<Vec<u8>, WrongSetting> {
    match (named.shape, value) {
        (Shape::Text, Setting::Text(text)) => Ok(text.clone().into_bytes()),
        (Shape::Octets, Setting::Text(text)) => match text.strip_prefix("0x") {
            Some(digits) => hex(digits).ok_or_else(|| wrong(name, "text, or 0x and pairs of hexadecimal digits")),
            None => Ok(text.clone().into_bytes()),
        },
        (Shape::Integer, Setting::Integer(number)) => Ok(number_of_32_bits(name, *number)?.to_be_bytes().to_vec()),
        (Shape::Address, Setting::Text(text)) => {
            let address: Ipv4Addr = text.parse().map_err(|_| wrong(name, "an IPv4 address"))?;
            Ok(address.octets().to_vec())
        }
        (Shape::Choice(words) | Shape::TaggedChoice(words), _) => {
            let number = choice(name, words, value)?.to_be_bytes();
            // RFC 2868, section 3.1: the first octet is the tag, zero for none.
            let fits = !matches!(named.shape, Shape::TaggedChoice(_)) || number.first() == Some(&0);
            fits.then(|| number.to_vec()).ok_or_else(|| wrong(name, "a number below 16777216"))
        }
        (shape, _) => Err(wrong(name, shape.wanted())),
    }
}

fn choice(name: &str, words: Words, value: &Setting) -> Result<u32, WrongSetting> {
    let known =
        |text: &String| words.iter().find(|(word, _)| word.eq_ignore_ascii_case(text)).map(|(_, number)| *number);
    match value {
        Setting::Integer(number) => number_of_32_bits(name, *number),
        Setting::Text(text) => known(text).ok_or_else(|| wrong_word(name, words)),
        Setting::List(_) => Err(wrong_word(name, words)),
    }
}

/// Words stand for bits, which come together in one number.
fn flags(name: &str, words: Words, value: &Setting) -> Result<Vec<u8>, WrongSetting> {
    let number = match value {
        Setting::List(texts) if texts.is_empty() => Err(wrong_word(name, words)),
        Setting::List(texts) => {
            texts.iter().try_fold(0, |bits, text| Ok(bits | choice(name, words, &Setting::Text(text.clone()))?))
        }
        single => choice(name, words, single),
    }?;
    Ok(number.to_be_bytes().to_vec())
}

fn attribute(name: &str, vendor: Option<u32>, kind: u8, value: &[u8]) -> Result<(u8, Vec<u8>), WrongSetting> {
    let too_long = || WrongSetting::Length(name.to_owned());
    let (kind, whole) = match vendor {
        None => (kind, value.to_vec()),
        Some(vendor) => {
            let length = u8::try_from(value.len() + ATTRIBUTE_HEAD_LENGTH).map_err(|_| too_long())?;
            (VENDOR_SPECIFIC, [&vendor.to_be_bytes(), [kind, length].as_slice(), value].concat())
        }
    };
    if value.is_empty() || whole.len() > MAX_VALUE_LENGTH { Err(too_long()) } else { Ok((kind, whole)) }
}

fn number_of_32_bits(name: &str, number: i64) -> Result<u32, WrongSetting> {
    u32::try_from(number).map_err(|_| wrong(name, "a whole number from 0 to 4294967295"))
}

fn hex(digits: &str) -> Option<Vec<u8>> {
    let digits: Vec<u8> = digits
        .chars()
        .map(|digit| digit.to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
        .collect::<Option<_>>()?;
    let (pairs, rest) = digits.as_chunks::<2>();
    rest.is_empty().then(|| pairs.iter().map(|[high, low]| high << 4 | low).collect())
}

fn wrong(name: &str, wanted: &str) -> WrongSetting {
    WrongSetting::Value { name: name.to_owned(), wanted: wanted.to_owned() }
}

fn wrong_word(name: &str, words: Words) -> WrongSetting {
    let words: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
    wrong(name, &format!("a whole number or one of: {}", words.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::super::{CLASS, FILTER_ID, REPLY_MESSAGE, SESSION_TIMEOUT, TERMINATION_ACTION, TUNNEL_TYPE, microsoft};
    use super::*;

    fn text(text: &str) -> Setting {
        Setting::Text(text.to_owned())
    }

    fn list(texts: &[&str]) -> Setting {
        Setting::List(texts.iter().map(|text| (*text).to_owned()).collect())
    }

    /// MS-RDG-Device-Redirection as it stands in Vendor-Specific.
    fn redirection(bits: u32) -> Vec<(u8, Vec<u8>)> {
        vec![(VENDOR_SPECIFIC, [&[0, 0, 1, 55, 63, 6], bits.to_be_bytes().as_slice()].concat())]
    }

    #[test]
    fn device_redirection_is_bits_behind_words() {
        let name = "MS-RDG-Device-Redirection";
        for (value, bits) in [
            (Setting::Integer(8), 8),
            (list(&["drives"]), 1),
            (list(&["drives", "printers", "serial", "clipboard", "pnp"]), 31),
            (list(&["clipboard", "clipboard"]), 8),
            (list(&["all-off"]), 1 << 29),
            (text("all-on"), 1 << 30),
        ] {
            assert_eq!(from_setting(name, &value), Ok(redirection(bits)), "{value:?}");
        }
        assert_eq!(from_setting("ms-tsg-device-redirection", &Setting::Integer(1)), Ok(redirection(1)));
        assert_eq!(from_setting("311/63", &Setting::Integer(8)), Ok(redirection(8)));
        assert_eq!(from_number(Some(311), 63, &Encoding::Integer(8)), Ok(redirection(8)));
        for value in [list(&[]), list(&["drive"]), text("clip board"), Setting::Integer(-1), Setting::Integer(1 << 32)]
        {
            assert!(matches!(from_setting(name, &value), Err(WrongSetting::Value { .. })), "{value:?}");
        }
    }

    #[test]
    fn each_shape_has_its_octets() {
        for (name, value, kind, octets) in [
            ("Session-Timeout", Setting::Integer(3600), SESSION_TIMEOUT, &[0, 0, 14, 16][..]),
            ("session-timeout", Setting::Integer(1), SESSION_TIMEOUT, &[0, 0, 0, 1]),
            ("Termination-Action", text("RADIUS-Request"), TERMINATION_ACTION, &[0, 0, 0, 1]),
            ("Class", text("0xDEAD"), CLASS, &[0xde, 0xad]),
            ("Class", text("staff"), CLASS, b"staff"),
            ("Filter-Id", text("0x00"), FILTER_ID, b"0x00"),
            ("Framed-IP-Address", text("192.0.2.1"), 8, &[192, 0, 2, 1]),
            ("Tunnel-Type", text("vlan"), TUNNEL_TYPE, &[0, 0, 0, 13]),
            ("Tunnel-Type", Setting::Integer(13), TUNNEL_TYPE, &[0, 0, 0, 13]),
            ("25", text("staff"), CLASS, b"staff"),
            ("25", text("0x01ff"), CLASS, &[1, 255]),
            ("200", Setting::Integer(1), 200, &[0, 0, 0, 1]),
        ] {
            assert_eq!(from_setting(name, &value), Ok(vec![(kind, octets.to_vec())]), "{name} {value:?}");
        }
        let avpair = [&[0, 0, 0, 9, 1, 5], b"a=b".as_slice()].concat();
        assert_eq!(from_setting("Cisco-AVPair", &text("a=b")), Ok(vec![(VENDOR_SPECIFIC, avpair)]));
    }

    #[test]
    fn a_list_makes_several_attributes() {
        let made = from_setting("Reply-Message", &list(&["one", "two"]));
        assert_eq!(made, Ok(vec![(REPLY_MESSAGE, b"one".to_vec()), (REPLY_MESSAGE, b"two".to_vec())]));
    }

    #[test]
    fn what_the_protocol_fills_cannot_be_set() {
        for known in OF_THE_PROTOCOL {
            let refused = Err(WrongSetting::OfTheProtocol(known.name.to_owned()));
            assert_eq!(from_setting(known.name, &text("x")), refused);
            assert_eq!(from_setting(&known.name.to_lowercase(), &text("x")), refused);
            assert_eq!(from_number(known.vendor, known.kind, &Encoding::Text("x".to_owned())), refused);
        }
        for (name, kind) in [("State", "24"), ("MS-MPPE-Send-Key", "311/16"), ("Vendor-Specific", "26")] {
            let refused = Err(WrongSetting::OfTheProtocol(name.to_owned()));
            assert_eq!(from_setting(kind, &text("x")), refused);
        }
    }

    #[test]
    fn what_cannot_be_written_is_refused() {
        for name in ["", "0", "256", "-1", "Klass", "311/", "/63", "311/256", "4294967296/1", "1/2/3"] {
            assert_eq!(from_setting(name, &text("x")), Err(WrongSetting::UnknownName(name.to_owned())), "{name}");
        }
        for (name, value) in [
            ("Session-Timeout", text("1h")),
            ("Session-Timeout", Setting::Integer(-1)),
            ("Framed-IP-Address", text("2001:db8::1")),
            ("Class", text("0xabc")),
            ("Class", text("0x+1")),
            ("Class", Setting::Integer(1)),
            ("Tunnel-Type", Setting::Integer(1 << 24)),
            ("Termination-Action", text("later")),
        ] {
            assert!(matches!(from_setting(name, &value), Err(WrongSetting::Value { .. })), "{name} {value:?}");
        }
        for (name, length) in [("Class", 0), ("Class", 254), ("Cisco-AVPair", 248), ("9/1", 254)] {
            assert!(matches!(from_setting(name, &text(&"x".repeat(length))), Err(WrongSetting::Length(_))), "{name}");
        }
        assert!(from_setting("Class", &text(&"x".repeat(253))).is_ok());
        assert!(from_setting("Cisco-AVPair", &text(&"x".repeat(247))).is_ok());
    }

    #[test]
    fn the_name_of_a_number_is_known_once() {
        let mut names = std::collections::HashSet::new();
        let known = NAMED.iter().flat_map(|named| named.names).copied().chain(OF_THE_PROTOCOL.iter().map(|of| of.name));
        for name in known {
            assert!(names.insert(name.to_lowercase()), "{name}");
        }
        assert!(NAMED.iter().any(|named| named.vendor == Some(microsoft::VENDOR)));
    }
}
