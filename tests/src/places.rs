//! Databases of places, made as their makers make them: the MaxMind DB format, version 2.0
//! (<https://maxmind.github.io/MaxMind-DB/>).

use std::net::IpAddr;

use serde_json::{Value, json};

/// The bits of a record in the tree.
const RECORD_BITS: u64 = 32;
/// Zero bytes between the tree and the data.
const SEPARATOR: usize = 16;

/// The places of the tests: 203.0.113.0/24 is Oslo, 198.51.100.0/24 Stockholm, 2001:db8:a::/48 somewhere in Norway.
#[must_use]
pub fn places() -> Vec<u8> {
    database(
        "Test-City",
        &[
            ("203.0.113.0", 24, json!({"country": {"iso_code": "NO"}, "city": {"names": {"en": "Oslo"}}})),
            ("198.51.100.0", 24, json!({"country": {"iso_code": "SE"}, "city": {"names": {"en": "Stockholm"}}})),
            ("2001:db8:a::", 48, json!({"country": {"iso_code": "NO"}})),
        ],
    )
}

/// A database of this type with these networks.
#[must_use]
pub fn database(kind: &str, networks: &[(&str, u8, Value)]) -> Vec<u8> {
    // A node has a place for each of the two bits that may follow: another node, or an entry of the data.
    let mut nodes: Vec<[Option<Place>; 2]> = vec![[None, None]];
    let mut data = Vec::new();
    for (address, bits, value) in networks {
        let address: IpAddr = address.parse().unwrap();
        // IPv4 is at the very beginning of IPv6.
        let (path, bits) = match address {
            IpAddr::V4(address) => (u128::from(u32::from(address)), 96 + usize::from(*bits)),
            IpAddr::V6(address) => (u128::from(address), usize::from(*bits)),
        };
        let offset = data.len();
        encode(value, 6, &mut data);
        let mut node = 0;
        for depth in 0..bits {
            let bit = usize::from(path >> (127 - depth) & 1 == 1);
            if depth + 1 == bits {
                nodes[node][bit] = Some(Place::Data(offset));
            } else {
                node = match nodes[node][bit] {
                    Some(Place::Node(next)) => next,
                    _ => {
                        nodes.push([None, None]);
                        nodes[node][bit] = Some(Place::Node(nodes.len() - 1));
                        nodes.len() - 1
                    }
                };
            }
        }
    }
    let count = nodes.len();
    let record = |place: &Option<Place>| match place {
        None => count,
        Some(Place::Node(node)) => *node,
        Some(Place::Data(offset)) => count + SEPARATOR + offset,
    };
    let tree = nodes.iter().flatten().flat_map(|place| u32::try_from(record(place)).unwrap().to_be_bytes());
    let mut file: Vec<u8> = tree.collect();
    file.extend([0; SEPARATOR]);
    file.extend(data);
    file.extend(b"\xab\xcd\xefMaxMind.com");
    encode(&metadata(kind, count), 5, &mut file);
    file
}

#[derive(Clone, Copy)]
enum Place {
    Node(usize),
    Data(usize),
}

fn metadata(kind: &str, nodes: usize) -> Value {
    json!({
        "binary_format_major_version": 2, "binary_format_minor_version": 0, "build_epoch": 1_800_000_000,
        "database_type": kind, "description": {"en": "places of the tests"}, "ip_version": 6, "languages": ["en"],
        "node_count": nodes, "record_size": RECORD_BITS,
    })
}

/// Values are a control byte, with the type in its first three bits and the size in the others, and what it announces.
/// Numbers are of the type `number`: 5, 6 and 9 are unsigned integers of 16, 32 and 64 bits.
fn encode(value: &Value, number: u8, out: &mut Vec<u8>) {
    let control = |kind: u8, size: usize, out: &mut Vec<u8>| {
        let size_bits = u8::try_from(size.min(29)).unwrap();
        // Types from 8 on stand in a byte of their own.
        let (first, extended) = if kind < 8 { (kind, None) } else { (0, Some(kind - 7)) };
        out.push(first << 5 | size_bits);
        out.extend(extended);
        if size >= 29 {
            out.push(u8::try_from(size - 29).unwrap());
        }
    };
    match value {
        Value::String(text) => {
            control(2, text.len(), out);
            out.extend(text.as_bytes());
        }
        Value::Number(digits) => {
            // Without leading zeros.
            let bytes = digits.as_u64().unwrap().to_be_bytes();
            let bytes: Vec<u8> = bytes.into_iter().skip_while(|byte| *byte == 0).collect();
            control(number, bytes.len(), out);
            out.extend(bytes);
        }
        Value::Object(members) => {
            control(7, members.len(), out);
            for (name, member) in members {
                encode(&Value::from(name.as_str()), number, out);
                let number = match name.as_str() {
                    "node_count" => 6,
                    "build_epoch" => 9,
                    _ => number,
                };
                encode(member, number, out);
            }
        }
        Value::Array(items) => {
            control(11, items.len(), out);
            items.iter().for_each(|item| encode(item, number, out));
        }
        other => panic!("{other} is not in a database of places"),
    }
}
