use proptest::prelude::*;

use super::*;
use crate::attribute::{USER_NAME, VENDOR_SPECIFIC};

/// A packet with these attribute octets, whatever they are.
fn packet(attributes: &[u8]) -> Vec<u8> {
    let length = u16::try_from(MIN_LENGTH + attributes.len()).unwrap().to_be_bytes();
    [&[code::ACCESS_REQUEST, 7], length.as_slice(), &[0; 16], attributes].concat()
}

fn with_length(length: u16, octets: usize) -> Vec<u8> {
    let mut datagram = vec![0; octets];
    datagram[..2].copy_from_slice(&[1, 7]);
    datagram[2..4].copy_from_slice(&length.to_be_bytes());
    datagram
}

#[test]
fn ra_02_lengths_are_checked_before_anything_is_read() {
    for (datagram, fault) in [
        (vec![], Malformed::TooShort),
        (vec![1], Malformed::TooShort),
        (vec![1, 0, 0, 19], Malformed::TooShort),
        (with_length(19, 19), Malformed::TooShort),
        (with_length(0, 20), Malformed::Length),
        (with_length(1, 20), Malformed::Length),
        (with_length(19, 20), Malformed::Length),
        (with_length(4097, 4096), Malformed::Length),
        (with_length(u16::MAX, 4096), Malformed::Length),
        (with_length(4096, 4097), Malformed::TooLong),
        (with_length(20, 4097), Malformed::TooLong),
        (with_length(4096, 4095), Malformed::Truncated),
        (with_length(21, 20), Malformed::Truncated),
        (with_length(21, 21), Malformed::Attribute),
    ] {
        assert_eq!(Packet::decode(&datagram), Err(fault), "{} octets", datagram.len());
    }
    assert!(Packet::decode(&with_length(20, 20)).is_ok());
}

#[test]
fn octets_after_length_are_padding() {
    let datagram = with_length(20, 4096);
    let packet = Packet::decode(&datagram).unwrap();
    assert_eq!((packet.bytes().len(), packet.attributes().count()), (20, 0));
}

#[test]
fn the_longest_packet_is_read() {
    let attributes = [&[25, 255], [7; 253].as_slice()].concat().repeat(15);
    let rest = [&[25, 251], [7; 249].as_slice()].concat();
    let datagram = packet(&[attributes, rest].concat());
    assert_eq!(datagram.len(), MAX_LENGTH);
    assert_eq!(Packet::decode(&datagram).unwrap().attributes().count(), 16);
}

#[test]
fn ra_02_attribute_lengths_are_checked() {
    for attributes in [
        &[1, 0][..],
        &[1, 1],
        &[1],
        &[1, 255],
        &[1, 3],
        &[1, 3, 65, 2],
        &[1, 3, 65, 1, 0],
        &[1, 3, 65, 1, 1],
        &[1, 3, 65, 1, 255, 0],
    ] {
        assert_eq!(Packet::decode(&packet(attributes)), Err(Malformed::Attribute), "{attributes:?}");
    }
    assert_eq!(Packet::decode(&packet(&[1, 2])).unwrap().first(USER_NAME), Some(&[][..]));
}

#[test]
fn ra_02_a_thousand_attributes_are_read() {
    let datagram = packet(&[1, 3, 65].repeat(1_000));
    let packet = Packet::decode(&datagram).unwrap();
    assert_eq!(packet.all(USER_NAME).filter(|value| *value == b"A").count(), 1_000);
    let last = packet.attributes().last().unwrap();
    assert_eq!(last.offset, 20 + 3 * 999);
}

#[test]
fn a_vendor_is_asked_by_number_and_type() {
    let of = |vendor: u32, parts: &[u8]| {
        let length = u8::try_from(parts.len() + 6).unwrap();
        [&[VENDOR_SPECIFIC, length], vendor.to_be_bytes().as_slice(), parts].concat()
    };
    let datagram =
        packet(&[of(9, &[50, 3, 1]), of(311, &[47, 6, 0, 0, 0, 1]), of(311, &[1, 2, 50, 4, 80, 67])].concat());
    let packet = Packet::decode(&datagram).unwrap();
    assert_eq!(packet.vendor(311, 50), Some(&b"PC"[..]));
    assert_eq!(packet.vendor(311, 1), Some(&[][..]));
    assert_eq!(packet.vendor(9, 50), Some(&[1][..]));
    assert_eq!((packet.vendor(311, 2), packet.vendor(310, 50)), (None, None));
}

#[test]
fn ra_02_a_broken_vendor_attribute_is_not_understood_and_breaks_nothing() {
    for value in [
        &[][..],
        &[0, 0, 1],
        &[0, 0, 1, 55],
        &[0, 0, 1, 55, 50],
        &[0, 0, 1, 55, 50, 0],
        &[0, 0, 1, 55, 50, 1],
        &[0, 0, 1, 55, 50, 255, 65],
        &[0, 0, 1, 55, 50, 3, 65, 9],
        &[0, 0, 1, 55, 50, 3, 65, 9, 1],
    ] {
        let length = u8::try_from(value.len() + 2).unwrap();
        let datagram = packet(&[&[VENDOR_SPECIFIC, length], value, &[1, 3, 65]].concat());
        let packet = Packet::decode(&datagram).unwrap();
        assert_eq!(packet.vendor(311, 50), None, "{value:?}");
        assert_eq!(packet.first(USER_NAME), Some(&b"A"[..]), "{value:?}");
    }
}

proptest! {
    #[test]
    fn what_is_read_is_what_was_written(
        attributes in proptest::collection::vec((any::<u8>(), proptest::collection::vec(any::<u8>(), 0..=253)), 0..16),
        padding in 0_usize..64,
    ) {
        let octets: Vec<u8> = attributes
            .iter()
            .flat_map(|(kind, value)| [&[*kind, u8::try_from(value.len() + 2).unwrap()], value.as_slice()].concat())
            .collect();
        prop_assume!(MIN_LENGTH + octets.len() + padding <= MAX_LENGTH);
        let mut datagram = packet(&octets);
        let length = datagram.len();
        datagram.resize(length + padding, 0xff);
        let packet = Packet::decode(&datagram).unwrap();
        let read: Vec<_> = packet.attributes().map(|attribute| (attribute.kind, attribute.value.to_vec())).collect();
        prop_assert_eq!(read, attributes);
        for attribute in packet.attributes() {
            prop_assert_eq!(packet.bytes()[attribute.offset], attribute.kind);
        }
    }
}
