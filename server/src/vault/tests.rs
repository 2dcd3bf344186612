use std::fs;

use super::*;

fn master(byte: u8) -> MasterKey {
    MasterKey::from_text(&gatematch_protocol::base64url::encode([byte; 32]), "a test").unwrap()
}

/// A vault with one data key, and how it is stored.
fn vault(byte: u8) -> (Vault, SealedKey) {
    let vault = Vault::new(&master(byte), Source::Given, Edge::system()).unwrap();
    let key = vault.new_key(1, Timestamp::from_micros(0)).unwrap();
    vault.learn(std::slice::from_ref(&key)).unwrap();
    (vault, key)
}

#[test]
fn a_secret_opens_under_its_own_label_and_key_only() {
    let (vault, key) = vault(1);
    let sealed = vault.seal("number:1", b"047").unwrap();
    assert!(sealed.starts_with("v2.1."));
    assert_eq!(vault.open("number:1", &sealed).unwrap().as_slice(), b"047");
    assert_eq!(vault.open("number:2", &sealed), Err(DoesNotOpen::Spoilt));
    for broken in ["", "v1.", "v1.AA", "v2.", "v2.1", "v2.1.", "v2.1.AA", "v3.AAAA", &sealed[..sealed.len() - 2]] {
        assert_eq!(vault.open("number:1", broken), Err(DoesNotOpen::Spoilt), "{broken}");
    }
    let (other, _) = self::vault(2);
    assert_eq!(other.open("number:1", &sealed), Err(DoesNotOpen::Spoilt));
    assert_eq!(other.learn(&[SealedKey { number: 2, ..key }]), Err(DoesNotOpen::Spoilt));
}

#[test]
fn a_vault_without_a_data_key_seals_nothing() {
    let vault = Vault::new(&master(1), Source::Given, Edge::system()).unwrap();
    assert_eq!(vault.seal("number:1", b"047"), Err(NotSealed));
    assert_eq!((vault.active(), vault.is_current("v1.AA")), (None, false));
}

#[test]
fn what_was_sealed_under_the_master_key_itself_still_opens() {
    let (vault, _) = vault(1);
    let old = master(1).cipher().unwrap().seal("code:1", b"123456", &Edge::system()).unwrap();
    let old = format!("v1.{old}");
    assert_eq!(vault.open("code:1", &old).unwrap().as_slice(), b"123456");
    assert!(!vault.is_current(&old) && key_of(&old) == Some(None));
}

#[test]
fn the_number_of_a_key_cannot_be_swapped() {
    let (vault, first) = vault(1);
    let under_first = vault.seal("number:1", b"047").unwrap();
    let second = vault.new_key(2, Timestamp::from_micros(0)).unwrap();
    vault.learn(&[first.clone(), second.clone()]).unwrap();
    let under_second = vault.seal("number:1", b"047").unwrap();
    assert!(under_second.starts_with("v2.2.") && vault.is_current(&under_second) && !vault.is_current(&under_first));
    // In what is sealed:
    for (sealed, from, to) in [(&under_first, "v2.1.", "v2.2."), (&under_second, "v2.2.", "v2.1.")] {
        assert!(vault.open("number:1", sealed).is_ok());
        assert_eq!(vault.open("number:1", &sealed.replacen(from, to, 1)), Err(DoesNotOpen::Spoilt));
    }
    assert_eq!(vault.open("number:1", &under_first.replacen("v2.1.", "v2.3.", 1)), Err(DoesNotOpen::UnknownKey(3)));
    // In the other way to write it:
    for number in ["01", "+1", "0", "1 ", "4294967297", ""] {
        let sealed = under_first.replacen("v2.1.", &format!("v2.{number}."), 1);
        assert_eq!(vault.open("number:1", &sealed), Err(DoesNotOpen::Spoilt), "{number}");
    }
    // In the keys themselves:
    let fresh = Vault::new(&master(1), Source::Given, Edge::system()).unwrap();
    let swapped = [SealedKey { number: 2, ..first.clone() }, SealedKey { number: 1, ..second.clone() }];
    assert_eq!(fresh.learn(&swapped), Err(DoesNotOpen::Spoilt));
    // And a data key is no secret that some other row could hold.
    assert_eq!(fresh.open("code:1", &first.sealed), Err(DoesNotOpen::Spoilt));
    fresh.learn(&[first, second]).unwrap();
    assert!(fresh.open("number:1", &under_first).is_ok() && fresh.open("number:1", &under_second).is_ok());
}

#[test]
fn data_keys_move_to_another_master_key_at_once_or_by_way_of_both() {
    let (vault, key) = vault(1);
    let sealed = vault.seal("code:1", b"123456").unwrap();
    assert_eq!(vault.seal_anew(&key, &master(1), false), Ok(None), "the same one");
    let opens = |byte, key: &SealedKey| {
        let vault = Vault::new(&master(byte), Source::Given, Edge::system()).unwrap();
        vault.learn(std::slice::from_ref(key)).and_then(|()| vault.open("code:1", &sealed)).is_ok()
    };
    let moved = |keep_old| {
        let sealed = vault.seal_anew(&key, &master(2), keep_old).unwrap().unwrap();
        SealedKey { sealed, ..key.clone() }
    };
    let (alone, both) = (moved(false), moved(true));
    assert_eq!((opens(1, &alone), opens(2, &alone), opens(3, &alone)), (false, true, false));
    assert_eq!((opens(1, &both), opens(2, &both), opens(3, &both)), (true, true, false));
    assert!(both.is_between_masters() && !alone.is_between_masters());
    // Only who holds the new one ends it.
    assert_eq!(vault.without_old(&both), None);
    let new = Vault::new(&master(2), Source::Given, Edge::system()).unwrap();
    let rest = SealedKey { sealed: new.without_old(&both).unwrap(), ..both };
    assert_eq!((opens(1, &rest), opens(2, &rest)), (false, true));
    assert_eq!(new.without_old(&rest), None);
}

#[test]
fn a_vault_that_meets_another_master_key_reads_the_file_again() {
    let directory = tempfile::tempdir().unwrap();
    let edge = Edge::system();
    let old = MasterKey::create(directory.path(), &edge).unwrap();
    let source = Source::Directory(directory.path().to_owned());
    let vault = Vault::new(&old, source.clone(), edge.clone()).unwrap();
    let first = vault.new_key(1, Timestamp::from_micros(0)).unwrap();
    vault.learn(std::slice::from_ref(&first)).unwrap();

    // Another process makes a second data key and changes the master key; our vault has seen neither.
    let other = Vault::new(&old, source.clone(), edge.clone()).unwrap();
    let second = other.new_key(2, Timestamp::from_micros(0)).unwrap();
    other.learn(std::slice::from_ref(&second)).unwrap();
    let sealed = other.seal("code:1", b"123456").unwrap();
    let new = MasterKey::generate(&edge).unwrap();
    new.write_next(directory.path()).unwrap();
    let moved =
        |key: &SealedKey| SealedKey { sealed: other.seal_anew(key, &new, false).unwrap().unwrap(), ..key.clone() };
    let keys = [moved(&second)];
    // A file of ours that never came to be is not taken.
    let lock = other.try_lock_change().unwrap().unwrap();
    assert!(!other.is_change_unfinished(std::slice::from_ref(&second)));
    assert_eq!(other.finish_change(&lock, std::slice::from_ref(&second)).unwrap(), None);
    assert!(directory.path().join(NEXT_FILE).exists());
    // And one that is all there is stays, whoever comes.
    assert!(other.is_change_unfinished(&keys) && vault.try_lock_change().unwrap().is_none());
    assert!(matches!(other.clear_next(&lock, &keys), Err(MasterKeyFault::NextInUse(_))));
    assert!(matches!(other.clear_next(&lock, &[]), Err(MasterKeyFault::NextInUse(_))));
    assert!(matches!(old.write_next(directory.path()), Err(MasterKeyFault::NextInUse(_))));

    // Before the file is in its place, and after.
    assert_eq!(vault.open("code:1", &sealed), Err(DoesNotOpen::UnknownKey(2)));
    vault.learn(&keys).unwrap();
    assert_eq!(vault.open("code:1", &sealed).unwrap().as_slice(), b"123456");
    let late = Vault::new(&old, source.clone(), edge.clone()).unwrap();
    let kept = late.finish_change(&lock, &keys).unwrap().unwrap();
    assert!(MasterKey::read_file(kept).unwrap().unwrap().is_same(&old));
    assert_eq!(late.finish_change(&lock, &keys).unwrap(), None);
    assert!(!directory.path().join(NEXT_FILE).exists(), "it is in its place");
    late.learn(&keys).unwrap();
    assert_eq!(late.open("code:1", &sealed).unwrap().as_slice(), b"123456");
    assert_eq!(late.check_master(&keys), Ok(()));
    assert_eq!(late.check_master(&[second]), Err(DoesNotOpen::Spoilt), "the old one is gone");

    // What never came to be makes room for the next one.
    old.write_next(directory.path()).unwrap();
    late.clear_next(&lock, &keys).unwrap();
    assert!(!directory.path().join(NEXT_FILE).exists());

    fs::remove_file(directory.path().join(KEY_FILE)).unwrap();
    assert_eq!(Vault::new(&old, source, edge).unwrap().learn(&keys), Err(DoesNotOpen::Spoilt));
}

#[test]
fn an_older_data_key_that_is_damaged_is_left_out_and_the_active_one_is_not() {
    let (vault, first) = vault(1);
    let under_first = vault.seal("number:1", b"047").unwrap();
    let second = vault.new_key(2, Timestamp::from_micros(0)).unwrap();
    vault.learn(&[first.clone(), second.clone()]).unwrap();
    let under_second = vault.seal("number:1", b"047").unwrap();
    let damaged = |key: &SealedKey| SealedKey { sealed: "v1.AAAA".to_owned(), ..key.clone() };
    let fresh = || Vault::new(&master(1), Source::Given, Edge::system()).unwrap();

    let without = fresh();
    let keys = [damaged(&first), second.clone()];
    without.learn(&keys).unwrap();
    without.check_master(&keys).unwrap();
    assert!(without.open("number:1", &under_second).is_ok());
    assert_eq!(without.open("number:1", &under_first), Err(DoesNotOpen::Spoilt), "nobody looks for it again");
    // Restored meanwhile.
    without.learn(&[first.clone(), second.clone()]).unwrap();
    assert!(without.open("number:1", &under_first).is_ok());

    let none = fresh();
    assert_eq!(none.learn(&[first, damaged(&second)]), Err(DoesNotOpen::Spoilt));
    assert_eq!(none.active(), None);
}

#[test]
fn a_new_master_key_that_waits_makes_way_for_another_one() {
    let (vault, key) = vault(1);
    let moved = |key: &SealedKey, to: u8| {
        let sealed = vault.seal_anew(key, &master(to), true).unwrap().unwrap();
        SealedKey { sealed, ..key.clone() }
    };
    let lost = moved(&key, 2);
    let other = moved(&lost, 3);
    let of = |byte| Vault::new(&master(byte), Source::Given, Edge::system()).unwrap();
    let opens = |byte, key: &SealedKey| of(byte).learn(std::slice::from_ref(key)).is_ok();
    assert_eq!((opens(1, &other), opens(2, &other), opens(3, &other)), (true, false, true));
    assert!(vault.holds_old(&other) && !of(3).holds_old(&other) && other.is_between_masters());
    // Who holds the one that waits cannot bring another one in.
    assert_eq!(of(2).seal_anew(&lost, &master(3), true), Err(DoesNotOpen::Spoilt));
    assert!(of(3).without_old(&other).is_some());
}
