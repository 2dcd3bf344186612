use super::*;
use crate::push::seal::{Sealer, seal};

// RFC 8291, appendix A.
const PRIVATE: &str = "q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94";
const PUBLIC: &str = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4";
const AUTH: &str = "BTBZMqHH6r4Tts7J_aSIgg";
const BODY: &str = "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN";
const PLAINTEXT: &str = "When I grow up, I want to be a watermelon";

fn rfc_keys() -> UserAgentKeys {
    let private = base64url::decode_array(PRIVATE).unwrap();
    UserAgentKeys::new(&private, base64url::decode_array(AUTH).unwrap()).unwrap()
}

#[test]
fn the_example_of_rfc_8291_opens() {
    let keys = rfc_keys();
    let told = keys.told();
    assert_eq!((told.p256dh.as_str(), told.auth.reveal()), (PUBLIC, AUTH));
    assert_eq!(keys.open(&base64url::decode(BODY).unwrap()).unwrap(), PLAINTEXT.as_bytes());
    assert!(!format!("{keys:?}").contains("BTBZ"));
}

#[test]
fn the_quick_keys_open_the_same_and_no_more() {
    let quick = rfc_keys().quick();
    let body = base64url::decode(BODY).unwrap();
    assert_eq!(quick.open(&body).unwrap(), PLAINTEXT.as_bytes());
    let mut off_curve = body.clone();
    off_curve[SALT_BYTES + RECORD_SIZE_BYTES + 40] ^= 1;
    assert_eq!(
        [quick.open(&off_curve), rfc_keys().open(&off_curve)],
        [Err(OpenFault::OffCurve), Err(OpenFault::OffCurve)]
    );
    assert_eq!(UserAgentKeys::random().quick().open(&body), Err(OpenFault::Tag));
}

#[test]
fn no_changed_bit_and_no_cut_of_it_opens() {
    let keys = rfc_keys();
    let body = base64url::decode(BODY).unwrap();
    for index in 0..body.len() {
        // The record size is not under the tag: what it may say is another test.
        if (SALT_BYTES..SALT_BYTES + RECORD_SIZE_BYTES).contains(&index) {
            continue;
        }
        for bit in [1, 0x80] {
            let mut changed = body.clone();
            changed[index] ^= bit;
            assert!(keys.open(&changed).is_err(), "byte {index}");
        }
        assert!(keys.open(&body[..index]).is_err(), "{index} bytes");
    }
    let longer = [body.as_slice(), &[0]].concat();
    assert_eq!(keys.open(&longer), Err(OpenFault::Tag));
}

#[test]
fn only_the_keys_that_it_was_sealed_for_open_it() {
    let body = base64url::decode(BODY).unwrap();
    let private = base64url::decode_array(PRIVATE).unwrap();
    let other_auth = UserAgentKeys::new(&private, [0; 16]).unwrap();
    let other_key = UserAgentKeys::new(&[9; 32], base64url::decode_array(AUTH).unwrap()).unwrap();
    for keys in [other_auth, other_key, UserAgentKeys::random()] {
        assert_eq!(keys.open(&body), Err(OpenFault::Tag));
    }
    assert!(UserAgentKeys::new(&[0; 32], [0; 16]).is_none());
}

#[test]
fn there_is_one_record_and_it_ends_as_the_last_one() {
    let keys = UserAgentKeys::random();
    let sealed = |sealer: Sealer| keys.open(&sealer.seal(&keys.told(), b"hello"));
    let padded = |padding: &[u8]| sealed(Sealer { padding: padding.to_vec(), ..Sealer::default() });
    let sized = |record_size| sealed(Sealer { record_size, ..Sealer::default() });
    assert_eq!(padded(&[2]).unwrap(), b"hello");
    assert_eq!(padded(&[2, 0, 0, 0]).unwrap(), b"hello");
    for padding in [&[][..], &[1], &[0], &[1, 0, 0], &[2, 1], &[3]] {
        assert_eq!(padded(padding), Err(OpenFault::Padding), "{padding:?}");
    }
    let all_zero = Sealer { padding: Vec::new(), ..Sealer::default() }.seal(&keys.told(), &[0; 9]);
    assert_eq!(keys.open(&all_zero), Err(OpenFault::Padding));
    // 5 bytes, the delimiter and the tag are 22.
    assert_eq!(sized(23).unwrap(), b"hello");
    assert_eq!(sized(u32::MAX).unwrap(), b"hello");
    for record_size in [0, 17, 18, 21, 22] {
        assert_eq!(sized(record_size), Err(OpenFault::RecordSize), "{record_size}");
    }
}

#[test]
fn the_sender_is_a_point_in_65_bytes() {
    let keys = UserAgentKeys::random();
    let body = seal(&keys.told(), b"hello");
    for length in [0, 33, 64, 66, 255] {
        let mut changed = body.clone();
        changed[20] = length;
        assert_eq!(keys.open(&changed), Err(OpenFault::KeyId), "{length}");
    }
    let mut off_curve = body;
    off_curve[22..86].fill(1);
    assert_eq!(keys.open(&off_curve), Err(OpenFault::OffCurve));
}

#[test]
fn a_message_may_be_empty_or_as_long_as_a_push_service_takes() {
    let keys = UserAgentKeys::random();
    let room = MAX_SEALED_BYTES - 86 - 17;
    for length in [0, 1, room] {
        let plaintext = vec![b'x'; length];
        assert_eq!(keys.open(&seal(&keys.told(), &plaintext)).unwrap(), plaintext);
    }
    assert_eq!(keys.open(&seal(&keys.told(), &vec![b'x'; room + 1])), Err(OpenFault::TooLong));
}
