use proptest::prelude::*;

use super::*;
use crate::attribute::{TUNNEL_PASSWORD, USER_PASSWORD, microsoft};

fn octets(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex.chars().filter_map(|digit| digit.to_digit(16)).map(|digit| digit as u8).collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

/// The secret of RFC 2865, section 7.
fn rfc() -> Secret {
    Secret::new("xyzzy5461")
}

/// RFC 2865, section 7: requests and their answers. The State of the third request has its printed length corrected.
const EXAMPLES: [(&str, &str); 4] = [
    (
        "01000038 0f403f9473978057bd83d5cb98f4227a 01066e656d6f 02120dbe708d93d413ce3196e43f782a0aee \
         0406c0a80110 050600000003",
        "02000026 86fe220e7624ba2a1005f6bf9b55e0b2 060600000001 0f0600000000 0e06c0a80103",
    ),
    (
        "01010047 2aee86f08d0d55969ca5978e0d3367a2 0108666c6f707379 031316e97557c316185895f293ff634407727 \
         50406c0a80110 050600000014 060600000002 070600000001",
        "02010038 15efbc7dab26cfa3dc34d9c03c8601a4 060600000002 070600000001 0806fffffffe 0a0600000002 \
         0d0600000001 0c06000005dc",
    ),
    (
        "01020039 f3a47a1f6a6d76710b947ab93041a039 01076d6f707379 021233657573778289b570885e15084825c5 \
         0406c0a80110 050600000007",
        "0b02004e 36f3c8764ae8c71157403c0c71ff9c45 12304368616c6c656e67652033323736393433302e2020456e746572\
         20726573706f6e73652061742070726f6d70742e 180a3332373639343330",
    ),
    (
        "01030043 b122556d428a13d0d6253807c457ecf0 01076d6f707379 0212692c1f205fc081b919b95195f561a581 \
         0406c0a80110 050600000007 180a3332373639343330",
        "03030014 a42f4fca45916c4e09c8340f9e746aa0",
    ),
];

/// What FreeRADIUS 3.2.1 answered (the first) to a request of ours, and what its radclient sends for RD Gateway's
/// attributes; both with the secret "testing123".
const FREERADIUS_ANSWER: (&str, &str) = (
    "01070084101112131415161718191a1b1c1d1e1f0110434f4e544f534f5c616c696365630222d9e1ae356b8710db12f828c9dce9c7d78fc2\
     920db5e7c914aa15f93fbf58dd061e115573657241757468547970653a50573d06000000051a1100000137320b434c49454e542d5043\
     2104383450129a1fafedd21a18d8833e2086346d7d10",
    "0207007d8764f916bad7006ecd8a358bdd01d7861a3a00000137103485d3d9b3828db2b77fdadafcf4b14c3036c76058c8e00ba1051c7f2b\
     289b21d9c74f8b064bbab2454c062382a817f972ab0e4515018f5c122bff4b31177828917de1746bbaf7de1904010250126e75f3007303\
     b716e395c39f1061446a21043834",
);
const RADCLIENT_REQUEST: &str = "0160009002014a32be0488f390aab7158818b5bc0110434f4e544f534f5c616c696365630222fbfd227edce12ff756bc08383f6f87442ff1\
     2e8181583dabe2ef41094d17d7b61e115573657241757468547970653a50573d06000000051a1100000137320b434c49454e542d5043\
     1a0c000001372f0600000001210438345012f1c860079a66ab4ea09373a08193f7ee";
const FREERADIUS_PASSWORD: &[u8] = b"correct horse battery staple";

fn testing123() -> Secret {
    Secret::new("testing123")
}

#[test]
fn the_examples_of_rfc_2865_hold() {
    for (request, answer) in EXAMPLES {
        let (request, answer) = (octets(request), octets(answer));
        let (request, answer) = (Packet::decode(&request).unwrap(), Packet::decode(&answer).unwrap());
        assert_eq!(request_is_authentic(&request, &rfc()), MessageAuthenticator::Absent);
        let unsigned = Err(Unauthentic::Unsigned);
        assert_eq!(reply_is_authentic(&answer, request.authenticator(), &rfc()), unsigned);
        let forged = Err(Unauthentic::Response);
        assert_eq!(reply_is_authentic(&answer, request.authenticator(), &Secret::new("xyzzy5460")), forged);
        assert_eq!(reply_is_authentic(&answer, &[0; 16], &rfc()), forged);
    }
}

#[test]
fn the_passwords_of_rfc_2865_are_revealed() {
    for (index, password) in [(0, "arctangent"), (2, "challenge"), (3, "99101462")] {
        let request = octets(EXAMPLES[index].0);
        let request = Packet::decode(&request).unwrap();
        let hidden = request.first(USER_PASSWORD).unwrap();
        let revealed = reveal_password(hidden, request.authenticator(), &rfc()).unwrap();
        assert_eq!(String::from_utf8_lossy(&revealed), password);
        assert_eq!(hide_password(password.as_bytes(), request.authenticator(), &rfc()).as_deref(), Ok(hidden));
    }
}

#[test]
fn what_freeradius_signs_holds() {
    let (request, answer) = (octets(FREERADIUS_ANSWER.0), octets(FREERADIUS_ANSWER.1));
    let (request, answer) = (Packet::decode(&request).unwrap(), Packet::decode(&answer).unwrap());
    assert_eq!(request_is_authentic(&request, &testing123()), MessageAuthenticator::Valid);
    assert_eq!(reply_is_authentic(&answer, request.authenticator(), &testing123()), Ok(()));
    let sent = octets(RADCLIENT_REQUEST);
    let sent = Packet::decode(&sent).unwrap();
    assert_eq!(request_is_authentic(&sent, &testing123()), MessageAuthenticator::Valid);
    assert_eq!(request_is_authentic(&sent, &rfc()), MessageAuthenticator::Wrong);
    let revealed = reveal_password(sent.first(USER_PASSWORD).unwrap(), sent.authenticator(), &testing123()).unwrap();
    assert_eq!(revealed.as_slice(), FREERADIUS_PASSWORD);
}

#[test]
fn what_freeradius_hides_behind_a_salt_is_revealed() {
    let (request, answer) = (octets(FREERADIUS_ANSWER.0), octets(FREERADIUS_ANSWER.1));
    let (request, answer) = (Packet::decode(&request).unwrap(), Packet::decode(&answer).unwrap());
    let hidden = answer.vendor(microsoft::VENDOR, microsoft::MS_MPPE_SEND_KEY).unwrap();
    let key = reveal_salted(hidden, request.authenticator(), &testing123()).unwrap();
    assert_eq!(key.as_slice(), (0..32).collect::<Vec<u8>>());
    let salt = [hidden[0], hidden[1]];
    assert_eq!(hide_salted(&key, salt, request.authenticator(), &testing123()).as_deref(), Ok(hidden));
    let (tag, hidden) = answer.first(TUNNEL_PASSWORD).unwrap().split_first().unwrap();
    let password = reveal_salted(hidden, request.authenticator(), &testing123()).unwrap();
    assert_eq!((*tag, password.as_slice()), (1, b"tunnel secret".as_slice()));
}

#[test]
fn one_bit_anywhere_is_noticed() {
    let (request, answer) = (octets(FREERADIUS_ANSWER.0), octets(FREERADIUS_ANSWER.1));
    let authenticator = *Packet::decode(&request).unwrap().authenticator();
    for bit in 0..request.len() * 8 {
        let mut forged = request.clone();
        forged[bit / 8] ^= 1 << (bit % 8);
        let holds = Packet::decode(&forged)
            .is_ok_and(|forged| request_is_authentic(&forged, &testing123()) == MessageAuthenticator::Valid);
        assert!(!holds, "bit {bit} of the request");
    }
    for bit in 0..answer.len() * 8 {
        let mut forged = answer.clone();
        forged[bit / 8] ^= 1 << (bit % 8);
        let holds = Packet::decode(&forged)
            .is_ok_and(|forged| reply_is_authentic(&forged, &authenticator, &testing123()).is_ok());
        assert!(!holds, "bit {bit} of the answer");
    }
}

/// A request with these attribute octets, whose Message-Authenticator at `signed` (its value's place) is made right.
fn signed(attributes: &[u8], signed: usize) -> Vec<u8> {
    let length = u16::try_from(20 + attributes.len()).unwrap().to_be_bytes();
    let mut packet = [&[1, 7], length.as_slice(), &[9; 16], attributes].concat();
    let signature = message_authenticator(&[&packet], &testing123()).unwrap();
    packet[signed..signed + 16].copy_from_slice(&signature);
    packet
}

#[test]
fn a_signature_counts_once_and_whole() {
    let one = [&[80, 18], [0; 16].as_slice()].concat();
    let state = |attributes: &[u8], place| {
        let packet = signed(attributes, place);
        request_is_authentic(&Packet::decode(&packet).unwrap(), &testing123())
    };
    assert_eq!(state(&one, 22), MessageAuthenticator::Valid);
    assert_eq!(state(&[&[1, 3, 65], one.as_slice()].concat(), 25), MessageAuthenticator::Valid);
    assert_eq!(state(&[one.as_slice(), &one].concat(), 22), MessageAuthenticator::Repeated);
    assert_eq!(state(&[one.as_slice(), &[80, 2]].concat(), 22), MessageAuthenticator::Repeated);
    for length in [2_u8, 17, 19, 34] {
        let mut attributes = vec![0; length.into()];
        attributes[..2].copy_from_slice(&[80, length]);
        let packet = [&[1, 7, 0, 20 + length], [9; 16].as_slice(), &attributes].concat();
        let state = request_is_authentic(&Packet::decode(&packet).unwrap(), &testing123());
        assert_eq!(state, MessageAuthenticator::Wrong, "{length}");
    }
}

#[test]
fn eap_without_a_signature_is_not_believed() {
    let request_authenticator = [3; 16];
    let attributes = [79, 3, 1];
    let head = [2, 7, 0, 23];
    let authenticator = response_authenticator(&[&head, &request_authenticator, &attributes], &rfc());
    let reply = [head.as_slice(), &authenticator, &attributes].concat();
    let told = reply_is_authentic(&Packet::decode(&reply).unwrap(), &request_authenticator, &rfc());
    assert_eq!(told, Err(Unauthentic::MessageAuthenticator));
}

#[test]
fn hidden_values_have_a_form() {
    for length in [0, 1, 15, 17, 129, 144] {
        assert!(reveal_password(&vec![0; length], &[0; 16], &rfc()).is_err(), "{length}");
    }
    assert_eq!(hide_password(&[65; 129], &[0; 16], &rfc()), Err(Unhideable));
    assert_eq!(hide_password(b"", &[0; 16], &rfc()).map(|hidden| hidden.len()), Ok(16));
    for length in [0, 1, 2, 17, 19, 250, 258, 274] {
        assert!(reveal_salted(&vec![0x80; length], &[0; 16], &rfc()).is_err(), "{length}");
    }
    assert_eq!(hide_salted(&[65; 240], [0; 2], &[0; 16], &rfc()), Err(Unhideable));
    assert_eq!(hide_salted(&[65; 300], [0; 2], &[0; 16], &rfc()), Err(Unhideable));
    assert_eq!(hide_salted(&[65; 239], [0; 2], &[0; 16], &rfc()).map(|hidden| hidden.len()), Ok(242));
    let mut unsalted = hide_salted(b"key", [0; 2], &[0; 16], &rfc()).unwrap();
    assert_eq!(unsalted[0], 0x80);
    unsalted[0] = 0;
    assert!(reveal_salted(&unsalted, &[0; 16], &rfc()).is_err());
}

proptest! {
    #[test]
    fn what_is_hidden_is_revealed(
        password in proptest::collection::vec(1_u8.., 0..=128),
        key in proptest::collection::vec(any::<u8>(), 0..=239),
        salt in any::<[u8; 2]>(),
        authenticator in any::<[u8; 16]>(),
        secret in ".{1,80}",
    ) {
        let secret = Secret::new(secret);
        let hidden = hide_password(&password, &authenticator, &secret).unwrap();
        let revealed = reveal_password(&hidden, &authenticator, &secret).unwrap();
        prop_assert_eq!(revealed.as_slice(), password);
        let hidden = hide_salted(&key, salt, &authenticator, &secret).unwrap();
        let revealed = reveal_salted(&hidden, &authenticator, &secret).unwrap();
        prop_assert_eq!(revealed.as_slice(), key);
    }

    #[test]
    fn nothing_hidden_makes_it_panic(hidden in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = reveal_password(&hidden, &[0; 16], &rfc());
        let _ = reveal_salted(&hidden, &[0; 16], &rfc());
    }
}
