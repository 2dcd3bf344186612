//! What a RADIUS request says about the client, in the limits of the API (contract section 1).

use std::net::IpAddr;

use gatematch_protocol::challenge::CreateClient;

/// The longest name of a client, in characters and in bytes of UTF-8.
const NAME_CHARS: usize = 64;
const NAME_BYTES: usize = 128;

/// The member `client` of a challenge: the computer's name, cut to what the API takes, and its address.
/// `calling_station` is given only for clients whose word is trusted. Controls in the name are made visible by the
/// server.
#[must_use]
pub fn client_of(machine: Option<&str>, calling_station: Option<&str>) -> Option<CreateClient> {
    let name = machine.map(cut).filter(|name| !name.is_empty());
    let ip = calling_station.and_then(|text| text.parse::<IpAddr>().ok()).map(|ip| ip.to_canonical().to_string());
    (name.is_some() || ip.is_some()).then_some(CreateClient { ip, name })
}

fn cut(text: &str) -> String {
    let mut name = String::new();
    for character in text.chars().take(NAME_CHARS) {
        if name.len() + character.len_utf8() > NAME_BYTES {
            break;
        }
        name.push(character);
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_cut_to_what_the_api_takes() {
        let name = |text: &str| client_of(Some(text), None).and_then(|client| client.name);
        assert_eq!(name("CLIENT-PC").as_deref(), Some("CLIENT-PC"));
        assert_eq!(name(&"x".repeat(65)).map(|name| name.len()), Some(64));
        assert_eq!(name(&"€".repeat(60)).map(|name| name.len()), Some(126));
        assert_eq!(name(""), None);
    }

    #[test]
    fn an_address_is_one_or_absent() {
        let ip = |text: &str| client_of(None, Some(text)).and_then(|client| client.ip);
        assert_eq!(ip("192.0.2.7").as_deref(), Some("192.0.2.7"));
        assert_eq!(ip("::ffff:192.0.2.7").as_deref(), Some("192.0.2.7"));
        assert_eq!(ip("2001:DB8::1").as_deref(), Some("2001:db8::1"));
        for text in ["", "192.0.2.7:5", "00-11-22-33-44-55", "host"] {
            assert_eq!(ip(text), None, "{text}");
        }
        assert_eq!(client_of(None, None), None);
    }
}
