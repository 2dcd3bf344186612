use super::*;

/// `12345678901234567890`, the seed of the RFCs.
const SEED: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

fn uri() -> String {
    format!("otpauth://totp/Contoso%20Ltd:alice?secret={SEED}&issuer=Contoso%20Ltd&algorithm=SHA1&digits=6&period=30")
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_numeric_date(second)
}

/// RFC 4226, appendix D: the counter is the step.
#[test]
fn the_vectors_of_rfc_4226() {
    let app = App::from_secret(SEED, 30).unwrap();
    let expected = ["755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871", "520489"];
    for (step, code) in (0..).zip(expected) {
        for second in [30 * step, 30 * step + 29] {
            assert_eq!(app.code(at(second)).reveal(), code, "{second}");
        }
    }
}

/// RFC 6238, appendix B, SHA-1: the last six of its eight digits.
#[test]
fn the_vectors_of_rfc_6238() {
    let app = App::from_uri(&uri()).unwrap();
    for (second, code) in [
        (59, "287082"),
        (1_111_111_109, "081804"),
        (1_111_111_111, "050471"),
        (1_234_567_890, "005924"),
        (2_000_000_000, "279037"),
        (20_000_000_000, "353130"),
    ] {
        assert_eq!(app.code(at(second)).reveal(), code, "{second}");
    }
}

#[test]
fn a_token_may_show_a_code_for_a_minute() {
    let (app, token) = (App::from_secret(SEED, 30).unwrap(), App::from_secret(SEED, 60).unwrap());
    assert_eq!(token.code(at(119)), app.code(at(59)));
    assert_eq!((token.seconds_left(at(119)), app.seconds_left(at(59)), app.seconds_left(at(60))), (1, 1, 30));
    assert!(App::from_secret(SEED, 45).is_err());
}

#[test]
fn a_link_says_whose_it_is_and_is_not_told() {
    let app = App::from_uri(&uri()).unwrap();
    assert_eq!((app.issuer(), app.account(), app.period()), (Some("Contoso Ltd"), Some("alice"), 30));
    assert!(!format!("{app:?}").contains(SEED) && !format!("{app:?}").contains("49, 50"));
    let minute = App::from_uri(&uri().replace("period=30", "period=60")).unwrap();
    assert_eq!(minute.period(), 60);
    let escaped = uri().replace("alice", "jos%C3%A9%27s%40contoso.com");
    assert_eq!(App::from_uri(&escaped).unwrap().account(), Some("josé's@contoso.com"));
}

#[test]
fn a_seed_is_read_as_people_type_it_but_only_whole() {
    let typed = "gezd gnbv gy3t qojq-gezd-gnbv-gy3t-qojq";
    assert_eq!(App::from_secret(typed, 30).unwrap().code(at(59)).reveal(), "287082");
    // 17 bytes have bits left over, and padding to be left away.
    assert!(App::from_secret("GEZDGNBVGY3TQOJQGEZDGNBVGY3Q====", 30).is_ok());
    for text in ["", "GEZDGNBVGY3TQOJQ", "GEZDGNBVGY3TQOJQGEZDGNBVGY3R", "1EZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", "é"] {
        assert!(App::from_secret(text, 30).is_err(), "{text}");
    }
    // One symbol more says no further byte.
    assert!(App::from_secret(&format!("{SEED}A"), 30).is_err());
}

#[test]
fn any_other_link_is_refused() {
    let sound = uri();
    for (from, to) in [
        ("otpauth:", "OTPAUTH:"),
        ("totp/", "hotp/"),
        ("Contoso%20Ltd:alice?", "alice?"),
        ("Contoso%20Ltd:", "Contoso%20Ltd%3A"),
        ("Contoso%20Ltd:alice", "Contoso+Ltd:alice"),
        ("Contoso%20Ltd:alice", "Contoso Ltd:alice"),
        ("Contoso%20Ltd:alice", ":alice"),
        (":alice", ":"),
        (":alice", ":%20alice"),
        (":alice", ":a%3Ab"),
        (":alice", ":%zz"),
        (":alice", ":%c3"),
        (":alice", ":a/b"),
        ("issuer=Contoso", "issuer=Other"),
        ("&issuer=Contoso%20Ltd", ""),
        ("algorithm=SHA1", "algorithm=SHA256"),
        ("&algorithm=SHA1", ""),
        ("digits=6", "digits=8"),
        ("&digits=6", ""),
        ("period=30", "period=45"),
        ("period=30", "period=030"),
        ("&period=30", ""),
        ("period=30", "period=30&period=60"),
        ("period=30", "period=30&counter=1"),
        ("period=30", "period=30#x"),
        ("digits=6", "digits"),
        (SEED, ""),
        (SEED, "GEZDGNBVGY3TQOJQ"),
        (SEED, "gezdgnbvgy3tqojqgezdgnbvgy3tqojq"),
        (SEED, "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQ==="),
    ] {
        let wrong = sound.replacen(from, to, 1);
        assert_ne!(wrong, sound, "{from}");
        assert!(App::from_uri(&wrong).is_err(), "{wrong}");
    }
    assert!(App::from_uri("").is_err());
}
