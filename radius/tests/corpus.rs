//! Every file of `corpus/` and any other input through what the fuzz targets do; what must hold stands there.

#![expect(clippy::unwrap_used, reason = "a test ends at the first thing that is not as it should be")]

mod exercise;
#[path = "../examples/make-corpus/seeds.rs"]
mod seeds;

use std::path::{Path, PathBuf};

use proptest::prelude::*;

fn corpus(target: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target)
}

fn replay(target: &str, exercise: fn(&[u8])) -> usize {
    let files = std::fs::read_dir(corpus(target)).unwrap().map(|file| file.unwrap().path());
    files.inspect(|path| exercise(&std::fs::read(path).unwrap())).count()
}

#[test]
fn every_packet_of_the_corpus_holds() {
    assert!(replay("packet", exercise::packet) >= seeds::packet().len());
}

#[test]
fn every_door_of_the_corpus_holds() {
    assert!(replay("door", exercise::door) >= seeds::door().len());
}

#[test]
fn the_seeds_are_those_that_are_made() {
    for (target, seeds) in [("packet", seeds::packet()), ("door", seeds::door())] {
        for (name, octets) in seeds {
            assert_eq!(std::fs::read(corpus(target).join(name)).ok(), Some(octets), "{target}/{name}");
        }
    }
}

/// Octets that are a packet more often than random ones: attributes in a frame that mostly fits.
fn datagrams() -> impl Strategy<Value = Vec<u8>> {
    let kinds = prop_oneof![Just(1_u8), Just(2), Just(24), Just(26), Just(33), Just(79), Just(80), any::<u8>()];
    let attributes = proptest::collection::vec((kinds, proptest::collection::vec(any::<u8>(), 0..40), 0_u8..20), 0..12);
    (0_u8..16, any::<[u8; 17]>(), attributes, 0_u16..20).prop_map(|(code, head, attributes, off)| {
        let mut octets = vec![code];
        octets.extend(head);
        octets.splice(2..2, [0, 0]);
        for (kind, value, wrong) in attributes {
            let length = u8::try_from(value.len() + 2).unwrap();
            octets.extend([kind, if wrong == 0 { length.wrapping_add(1) } else { length }]);
            octets.extend(value);
        }
        let length = u16::try_from(octets.len()).unwrap() - if off == 0 { 1 } else { 0 };
        octets.splice(2..4, length.to_be_bytes());
        octets
    })
}

/// Steps whose octets are likely to be read as they were meant.
fn steps() -> impl Strategy<Value = Vec<u8>> {
    let seeds: Vec<Vec<u8>> = seeds::door().into_iter().map(|(_, octets)| octets).collect();
    let arrives = (0_u8..4, datagrams()).prop_map(|(source, datagram)| {
        let length = u16::try_from(datagram.len()).unwrap().to_be_bytes();
        [&[0, source], length.as_slice(), &datagram].concat()
    });
    let login = (0_u8..4, 0_u8..3, 0_u8..3)
        .prop_map(|(source, identifier, filler)| vec![1, source, 0, 8, 1, identifier, filler, 1, 5, b'b', b'o', b'b']);
    let other = proptest::collection::vec(2_u8..5, 2).prop_map(|step| step.repeat(2));
    let step = prop_oneof![2 => arrives, 4 => login, 4 => other, 2 => proptest::sample::select(seeds)];
    proptest::collection::vec(step, 0..40).prop_map(|steps| steps.concat())
}

proptest! {
    #[test]
    fn any_octets_hold_as_a_packet(octets in proptest::collection::vec(any::<u8>(), 0..4200)) {
        exercise::packet(&octets);
    }

    #[test]
    fn any_near_packet_holds(octets in datagrams()) {
        exercise::packet(&octets);
    }

    #[test]
    fn any_octets_hold_at_the_door(octets in proptest::collection::vec(any::<u8>(), 0..1000)) {
        exercise::door(&octets);
    }

    #[test]
    fn any_steps_hold_at_the_door(octets in steps()) {
        exercise::door(&octets);
    }
}
