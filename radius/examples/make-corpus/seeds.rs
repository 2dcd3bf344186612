//! The seeds: one small input for each thing that is to be told apart.

/// A file's name and its octets.
pub(crate) type Seed = (&'static str, Vec<u8>);

/// RFC 2865, section 7: three requests with their answers, and the request that follows a challenge.
const RFC_2865: [(&str, &str); 7] = [
    (
        "rfc2865-login",
        "010000380f403f9473978057bd83d5cb98f4227a01066e656d6f02120dbe708d93d413ce3196e43f782a0aee0406c0a80110050600000003",
    ),
    ("rfc2865-login-accept", "0200002686fe220e7624ba2a1005f6bf9b55e0b20606000000010f06000000000e06c0a80103"),
    (
        "rfc2865-chap",
        "010100472aee86f08d0d55969ca5978e0d3367a20108666c6f707379031316e97557c316185895f293ff634407727504\
         06c0a80110050600000014060600000002070600000001",
    ),
    (
        "rfc2865-chap-accept",
        "0201003815efbc7dab26cfa3dc34d9c03c8601a40606000000020706000000010806fffffffe0a06000000020d06000000010c06000005dc",
    ),
    (
        "rfc2865-challenge",
        "0b02004e36f3c8764ae8c71157403c0c71ff9c4512304368616c6c656e67652033323736393433302e2020456e746572\
         20726573706f6e73652061742070726f6d70742e180a3332373639343330",
    ),
    (
        "rfc2865-state",
        "01030043b122556d428a13d0d6253807c457ecf001076d6f707379\
         0212692c1f205fc081b919b95195f561a5810406c0a80110050600000007180a3332373639343330",
    ),
    ("rfc2865-reject", "03030014a42f4fca45916c4e09c8340f9e746aa0"),
];

/// What radclient of FreeRADIUS 3.2.1 sends for the attributes of RD Gateway.
const RADCLIENT: &str = "0160009002014a32be0488f390aab7158818b5bc0110434f4e544f534f5c616c696365630222fbfd227edce12ff756bc08\
     383f6f87442ff12e8181583dabe2ef41094d17d7b61e115573657241757468547970653a50573d06000000051a11000001\
     37320b434c49454e542d50431a0c000001372f0600000001210438345012f1c860079a66ab4ea09373a08193f7ee";

/// What FreeRADIUS 3.2.1 answers with a key and a tunnel password in it.
const FREERADIUS: &str = "0207007d8764f916bad7006ecd8a358bdd01d7861a3a00000137103485d3d9b3828db2b77fdadafcf4b14c3036c76058c8\
     e00ba1051c7f2b289b21d9c74f8b064bbab2454c062382a817f972ab0e4515018f5c122bff4b31177828917de1746bba\
     f7de1904010250126e75f3007303b716e395c39f1061446a21043834";

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> =
        text.chars().filter_map(|digit| digit.to_digit(16)).filter_map(|digit| u8::try_from(digit).ok()).collect();
    digits.as_chunks::<2>().0.iter().map(|[high, low]| high << 4 | low).collect()
}

/// An Access-Request with these attribute octets and this Length, whatever they are.
fn request(length: usize, attributes: &[u8]) -> Vec<u8> {
    let length = u16::try_from(length).unwrap_or(u16::MAX).to_be_bytes();
    [&[1, 7], length.as_slice(), &[9; 16], attributes].concat()
}

fn whole(attributes: &[u8]) -> Vec<u8> {
    request(20 + attributes.len(), attributes)
}

fn attribute(kind: u8, value: &[u8]) -> Vec<u8> {
    let length = u8::try_from(value.len() + 2).unwrap_or(u8::MAX);
    [&[kind, length], value].concat()
}

/// One datagram each.
pub(crate) fn packet() -> Vec<Seed> {
    let mut seeds: Vec<Seed> = RFC_2865.iter().map(|(name, text)| (*name, hex(text))).collect();
    seeds.extend([
        ("radclient-rd-gateway", hex(RADCLIENT)),
        ("freeradius-keys", hex(FREERADIUS)),
        ("empty", vec![]),
        ("one-octet", vec![1]),
        ("nineteen-octets", vec![1, 7, 0, 19, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
        ("bare", whole(&[])),
        ("length-0", request(0, &[])),
        ("length-19", request(19, &[])),
        ("length-4097", request(4097, &attribute(1, b"alice"))),
        ("length-beyond-end", request(60, &attribute(1, b"alice"))),
        ("padded", request(20, b"padding")),
        ("attribute-length-0", whole(&[1, 0])),
        ("attribute-length-1", whole(&[1, 1])),
        ("attribute-length-2", whole(&[1, 2])),
        ("attribute-length-255-cut", whole(&[1, 255, 65])),
        ("attribute-cut-after-type", whole(&[1, 3, 65, 2])),
        ("vendor-empty", whole(&attribute(26, &[]))),
        ("vendor-cut", whole(&attribute(26, &[0, 0, 1]))),
        ("vendor-part-length-0", whole(&attribute(26, &[0, 0, 1, 55, 50, 0]))),
        ("vendor-part-too-long", whole(&attribute(26, &[0, 0, 1, 55, 50, 255, 65]))),
        ("vendor-two-parts", whole(&attribute(26, &[0, 0, 1, 55, 47, 6, 0, 0, 0, 1, 50, 4, 80, 67]))),
        ("two-signatures", whole(&[attribute(80, &[0; 16]), attribute(80, &[1; 16])].concat())),
        ("short-signature", whole(&attribute(80, &[0; 15]))),
        ("eap", whole(&[attribute(79, &[2, 0, 0, 4]), attribute(80, &[0; 16])].concat())),
        ("a-thousand-attributes", whole(&attribute(33, b"p").repeat(1_000))),
        ("longest", whole(&[attribute(25, &[7; 253]).repeat(15), attribute(25, &[7; 249])].concat())),
    ]);
    seeds
}

/// The source and the octets of a step that makes a datagram arrive: `tests/exercise/door.rs` has the form.
fn arrives(step: u8, source: u8, octets: &[u8]) -> Vec<u8> {
    let length = u16::try_from(octets.len()).unwrap_or(u16::MAX).to_be_bytes();
    [&[step, source], length.as_slice(), octets].concat()
}

fn raw(source: u8, octets: &[u8]) -> Vec<u8> {
    arrives(0, source, octets)
}

fn signed(source: u8, code: u8, identifier: u8, filler: u8, attributes: &[Vec<u8>]) -> Vec<u8> {
    arrives(1, source, &[&[code, identifier, filler], attributes.concat().as_slice()].concat())
}

/// A login of RD Gateway.
fn login(source: u8, identifier: u8, filler: u8) -> Vec<u8> {
    let machine = attribute(26, &[&[0, 0, 1, 55], attribute(50, b"CLIENT-PC").as_slice()].concat());
    let attributes =
        [attribute(1, b"CONTOSO\\alicec"), attribute(30, b"UserAuthType:PW"), machine, attribute(33, b"84")];
    signed(source, 1, identifier, filler, &attributes)
}

fn wait(seconds: u8) -> Vec<u8> {
    vec![2, seconds]
}

fn answer(which: u8, length: u8) -> Vec<u8> {
    vec![3, which, length]
}

fn forget(which: u8) -> Vec<u8> {
    vec![4, which]
}

/// Steps in front of a door each.
pub(crate) fn door() -> Vec<Seed> {
    let name = || attribute(1, b"alice");
    let odd = |attributes: &[Vec<u8>]| signed(0, 1, 1, 1, attributes);
    let unsigned = whole(&name());
    let proxied = whole(&[name(), attribute(33, b"84")].concat());
    vec![
        ("login-answered", [login(0, 1, 1), wait(7), answer(0, 20)].concat()),
        (
            "login-repeated",
            [login(0, 1, 1), login(0, 1, 1), answer(0, 20), login(0, 1, 1), wait(29), login(0, 1, 1)].concat(),
        ),
        ("answer-forgotten-after-30-s", [login(0, 1, 1), answer(0, 0), wait(30), login(0, 1, 1)].concat()),
        ("superseded", [login(0, 1, 1), login(0, 1, 2), answer(0, 3), login(0, 1, 3)].concat()),
        (
            "authenticator-reused",
            [login(0, 1, 1), odd(&[name()]), answer(0, 3), odd(&[name()]), login(0, 1, 1), wait(30), odd(&[name()])]
                .concat(),
        ),
        ("refused-repeated", [odd(&[]), odd(&[]), odd(&[name()]), wait(30), odd(&[])].concat()),
        ("refused-in-the-place-of-a-login", [login(0, 1, 2), odd(&[]), login(0, 1, 3), answer(0, 3)].concat()),
        ("given-up", [login(0, 1, 1), forget(0), login(0, 1, 1)].concat()),
        ("two-ports", [login(0, 1, 1), login(1, 1, 1), answer(1, 3), login(0, 1, 1), login(1, 1, 1)].concat()),
        ("client-full", (0..5).flat_map(|identifier| login(0, identifier, 1)).collect()),
        ("table-full", (0..16).flat_map(|identifier| [login(0, identifier, 1), answer(0, 0)].concat()).collect()),
        (
            "table-full-then-old-answers-go",
            (0..16).flat_map(|identifier| [login(0, identifier, 1), answer(0, 0), wait(1)].concat()).collect(),
        ),
        ("status", signed(0, 12, 1, 1, &[attribute(33, b"84")])),
        ("stranger", login(3, 1, 1)),
        ("unsigned-at-strict", raw(0, &unsigned)),
        ("unsigned-at-relaxed", [raw(2, &unsigned), answer(0, 9), raw(2, &unsigned)].concat()),
        ("unsigned-proxy-state", raw(2, &proxied)),
        ("another-secret", raw(0, &hex(RADCLIENT))),
        ("accounting", signed(0, 4, 1, 1, &[name()])),
        ("no-user", odd(&[])),
        ("empty-user", odd(&[attribute(1, b"")])),
        ("two-users", odd(&[name(), attribute(1, b"bob")])),
        ("user-not-utf-8", odd(&[attribute(1, b"al\xffce")])),
        ("eap", odd(&[name(), attribute(79, &[2, 0, 0, 4])])),
        ("password", odd(&[name(), attribute(2, &[5; 16])])),
        ("password-of-odd-length", odd(&[name(), attribute(2, &[5; 15])])),
        ("state", odd(&[name(), attribute(24, &[5; 16])])),
        ("long-proxy-states", odd(&[name(), attribute(33, &[5; 253]).repeat(8)])),
        ("too-long-proxy-states", odd(&[name(), attribute(33, &[5; 253]).repeat(9)])),
    ]
}
