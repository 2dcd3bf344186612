use super::*;

const SEED: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

fn file(lines: &str) -> Tokens {
    read(format!("{HEADER}\n{lines}").as_bytes())
}

fn faults(bytes: &[u8]) -> Vec<(usize, String)> {
    let mut faults = read(bytes).faults;
    faults.sort_by_key(|fault| fault.line);
    faults.into_iter().map(|fault| (fault.line, fault.what)).collect()
}

#[test]
fn a_file_as_vendors_deliver_it() {
    let text = format!(
        "\u{feff}Model,UPN,SerialNumber, secret key ,TIME INTERVAL,note\r\nT-1,alice@contoso.com,0001,{SEED},30,x\r\n\
         \r\n\"T \"\"2\"\"\", bob ,\"0002\",\"mfrg gzdf-mztw qylk mnsg kztg m5ugc===\",60,\"a,\nb\"\r\n,,,,,\r\n\
         ,carol,0003,{SEED}GEZDGNBV,30,"
    );
    let tokens = read(text.as_bytes());
    assert_eq!(tokens.faults, []);
    let told = |token: &Token| (token.line, token.upn.clone(), token.name(), token.period, token.seed.reveal().len());
    let told: Vec<_> = tokens.sound.iter().map(told).collect();
    let expected = [
        (2, "alice@contoso.com", "T-1 0001", 30, 20),
        (4, "bob", "T \"2\" 0002", 60, 18),
        (7, "carol", "0003", 30, 25),
    ];
    assert_eq!(told, expected.map(|(line, upn, name, period, len)| (line, upn.into(), name.into(), period, len)));
    assert_eq!(tokens.sound[0].seed.reveal(), b"12345678901234567890");
}

#[test]
fn every_line_has_its_own_fault_and_none_tells_the_seed() {
    let long = "A".repeat(112);
    let wide = "9".repeat(65);
    for (line, what) in [
        (format!(",1,{SEED},30,,"), "no upn"),
        (format!("alice,,{SEED},30,,"), "no serial number"),
        (format!("alice,1 2,{SEED},30,,"), "has a blank or a control character"),
        (format!("alice,1\u{7},{SEED},30,,"), "has a blank or a control character"),
        (format!("alice,{wide},{SEED},30,,"), "is longer than 64 characters"),
        (format!("alice,{},{SEED},30,,", "\u{10348}".repeat(33)), "or 128 bytes"),
        (format!("alice,1,{SEED}1,30,,"), "not base32"),
        ("alice,1,,30,,".to_owned(), "has 0 bytes"),
        (format!("alice,1,{},30,,", &SEED[..24]), "has 15 bytes"),
        (format!("alice,1,{long},30,,"), "has 70 bytes"),
        (format!("alice,1,{SEED},45,,"), "neither 30 nor 60"),
        (format!("alice,1,{SEED},,,"), "neither 30 nor 60"),
        (format!("alice,1,{SEED},30,"), "5 values stand under 6 columns"),
        (format!("alice,1,{SEED},30,a,b,c"), "7 values stand under 6 columns"),
        (format!("alice,1,\"{SEED},30,,"), "never closed"),
        (format!("alice,1,\"{SEED}\" ,30,,"), "follows a closing quote"),
        (format!("alice,1,{SEED}\",30,,"), "in the middle of a value"),
    ] {
        let tokens = file(&format!("{line}\nbob,2,{SEED},30,,\n"));
        let [fault] = tokens.faults.as_slice() else { panic!("{line}: {:?}", tokens.faults) };
        assert!(fault.line == 2 && fault.what.contains(what), "{line}: {fault}");
        assert!(!fault.to_string().contains(&SEED[..8]), "{fault}");
    }
}

#[test]
fn the_separator_is_the_one_that_makes_the_columns() {
    for separator in [",", ";", "\t"] {
        for quote in ["", "\""] {
            let line = |fields: [&str; 6]| fields.map(|field| format!("{quote}{field}{quote}")).join(separator);
            let header = HEADER.split(',').collect::<Vec<_>>().try_into().unwrap();
            let rows = [line(header), line(["alice", "1", SEED, "60", "a.b", "C200"]), line([""; 6])];
            let tokens = read(format!("\u{feff}{}\r\n", rows.join("\r\n")).as_bytes());
            let [token] = tokens.sound.as_slice() else { panic!("{separator:?}: {:?}", tokens.faults) };
            assert_eq!((token.line, token.name(), token.period), (2, "C200 1".to_owned(), 60), "{separator:?}");
        }
    }
    let text = format!("upn;serial number;secret key;time interval;maker\nalice;1;{SEED};30;\"A; B, C\"\nbob;2");
    let tokens = read(text.as_bytes());
    assert_eq!((tokens.sound.len(), tokens.faults.len()), (1, 1));
    assert_eq!(tokens.faults[0].to_string(), "line 3: 2 values stand under 5 columns");
}

#[test]
fn faults_of_the_whole_file() {
    for (text, line, what) in [
        ("", 1, "empty"),
        ("\n\n", 1, "empty"),
        (HEADER, 1, "no token"),
        ("upn,serial number,secret key\n", 1, "\"time interval\""),
        ("upn;serial number;secret key;time interval\n", 1, "no token"),
        ("upn;serial number;secret key\n", 1, "\"time interval\""),
        ("upn|serial number|secret key|time interval\n", 1, "\"upn\""),
        ("\"upn;serial number\n", 1, "never closed"),
        ("upn,serial number,secret key,time interval\ra,1,x,30\r", 1, "carriage return alone"),
        ("upn,serial number,secret key,time interval,model\ra,1,x,30,\n", 1, "carriage return alone"),
        ("upn,serial number,secret key,time interval\r", 1, "no token"),
        ("\nupn,UPN,serial number,secret key,time interval\n", 2, "two columns"),
    ] {
        let found = faults(text.as_bytes());
        assert!(matches!(&found[..], [(at, told)] if *at == line && told.contains(what)), "{text:?}: {found:?}");
    }
    let bytes = [HEADER.as_bytes(), b"\nalice,1,\xff"].concat();
    assert!(matches!(&faults(&bytes)[..], [(2, told)] if told.contains("UTF-8")));
}

#[test]
fn nothing_stands_twice_and_nothing_is_endless() {
    let tokens = file(&format!("a,AB1,{SEED},30,,\nb,ab1,{SEED},30,,\nc,2,{SEED},30,,"));
    let told: Vec<_> = tokens.faults.iter().map(ToString::to_string).collect();
    let second = "line 3: the serial number stands on line 2 as well";
    assert_eq!(told, [second, "line 4: the secret key stands on line 2 as well"]);
    let lines: String = (0..10_001).map(|n| format!("a,{n},{n:0>32},30,,\n")).collect();
    assert_eq!(file(&lines).faults.last().unwrap().line, 10_002);
}

#[test]
fn a_name_keeps_the_serial_number_whole() {
    let name = |model: &str, serial: &str| {
        let (model, serial) = (model.to_owned(), serial.to_owned());
        Token { line: 2, upn: String::new(), serial, model, seed: Seed::new(&[]), period: 30 }.name()
    };
    assert_eq!(name("", "1"), "1");
    assert_eq!(name("C200", "1"), "C200 1");
    assert_eq!(name(&"m".repeat(99), "12"), format!("{} 12", "m".repeat(61)));
    assert_eq!(name("m", &"9".repeat(64)), "9".repeat(64));
    for (model, serial) in [("\u{10348}".repeat(40), "1".to_owned()), ("\u{7}".repeat(60), "\u{10348}".repeat(31))] {
        let name = name(&model, &serial);
        assert!(gatematch_domain::text::outside("name", &name).is_ok(), "{name}");
        assert_eq!(serial_in(&name), serial);
    }
}
