//! Settings with which nothing is served: the reason is told, and nothing is made.

use std::fs;
use std::net::TcpListener;

use gatematch_server::edge::Edge;
use gatematch_server::settings::{Settings, TlsFiles};
use gatematch_server::start::serve;

use super::{Tls, certificate};
use crate::machine::Machine;

/// What a start with these settings says; nothing is made by it.
async fn refusal(change: impl FnOnce(&mut Settings)) -> String {
    let dir = tempfile::tempdir().unwrap();
    let mut settings = Settings::for_data_dir(&dir.path().join("data"));
    settings.issuer = Some("https://localhost".to_owned());
    change(&mut settings);
    let outcome = serve(settings, Edge::system()).await;
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0, "nothing is made");
    outcome.map(|_| ()).unwrap_err().to_string()
}

#[tokio::test]
async fn plain_http_for_everybody() {
    for address in ["0.0.0.0:0", "[::]:0"] {
        let told = refusal(|settings| settings.listen = address.parse().unwrap()).await;
        assert!(told.contains("listen is ") && told.contains("which other machines can reach"), "{told}");
        let told = refusal(|settings| settings.public_listen = Some(address.parse().unwrap())).await;
        assert!(told.contains("public_listen is "), "{told}");
        let near = ["127.0.0.1", "::1"].map(|proxy| proxy.parse().unwrap());
        let told = refusal(|settings| {
            settings.listen = address.parse().unwrap();
            settings.trusted_proxies = near.to_vec();
        });
        assert!(told.await.contains("listen is "), "a proxy on this machine does not call from another");
    }
}

#[tokio::test]
async fn two_listeners_that_are_one_or_have_no_name() {
    let told = refusal(|settings| {
        settings.listen = "127.0.0.1:9".parse().unwrap();
        settings.public_listen = Some(settings.listen);
    });
    assert_eq!(told.await, "public_listen is 127.0.0.1:9, and listen is 127.0.0.1:9: both would take the same port");
    let tls = Tls::new();
    let told = refusal(|settings| {
        tls.serve(settings);
        settings.issuer = None;
    });
    assert!(told.await.starts_with("issuer is not set, and public_listen is 127.0.0.1:0"));
}

#[tokio::test]
async fn a_certificate_that_is_none() {
    let tls = Tls::new();
    let (good, key) = certificate(2020, 2100);
    let other = certificate(2020, 2100).1;
    for (text, reason) in [
        (format!("{good}{other}"), "is not that of the certificate"),
        (certificate(2010, 2011).0, "holds no private key"),
        (key.clone(), "holds no certificate"),
        (String::new(), "holds no private key"),
        (format!("{key}{}", good.replace('M', "N")), "cannot be understood"),
    ] {
        tls.write(&text);
        let told = refusal(|settings| tls.serve(settings)).await;
        assert!(told.contains(reason) && told.contains("both.pem"), "{told}");
    }
    for (from, until, reason) in
        [(2010, 2011, "has ended at 2011-01-01"), (2090, 2100, "does not hold before 2090-01-01")]
    {
        let (pem, key) = certificate(from, until);
        tls.write(&format!("{pem}{key}"));
        let told = refusal(|settings| tls.serve(settings)).await;
        assert!(told.contains(reason), "{told}");
    }
    let wide: Vec<u8> = format!("{good}{key}").encode_utf16().flat_map(u16::to_le_bytes).collect();
    fs::write(tls.dir.path().join("both.pem"), wide).unwrap();
    assert!(refusal(|settings| tls.serve(settings)).await.contains("both.pem is written in UTF-16"));
    let nowhere = tls.dir.path().join("nowhere.pem");
    let told = refusal(|settings| {
        tls.serve(settings);
        settings.tls = Some(TlsFiles { certificate: nowhere.clone(), key: nowhere });
    });
    assert!(told.await.contains("nowhere.pem cannot be read"));
}

#[tokio::test]
async fn an_address_that_is_taken() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let dir = tempfile::tempdir().unwrap();
    for (setting, public) in [("listen", None), ("public_listen", taken.local_addr().ok())] {
        let mut settings = Settings::for_data_dir(dir.path());
        settings.listen = if public.is_some() { "127.0.0.1:0".parse().unwrap() } else { taken.local_addr().unwrap() };
        settings.public_listen = public;
        let told = serve(settings, Edge::system()).await.map(|_| ()).unwrap_err().to_string();
        assert!(told.starts_with(&format!("{setting} is {}, and", taken.local_addr().unwrap())), "{told}");
    }
}

#[tokio::test]
async fn the_program_says_what_to_do() {
    let mut machine = Machine::new();
    machine.set("GATEMATCH_LISTEN", "0.0.0.0:0");
    for line in ["serve", "admin-key create --role admin --name x"] {
        let (code, told) = machine.refused(line).await;
        assert_eq!(code, 2, "{told}");
        for word in ["GATEMATCH_LISTEN is 0.0.0.0:0", "tls_certificate", "trusted_proxies", "reverse proxy"] {
            assert!(told.contains(word), "{told}");
        }
    }
    let (pem, key) = certificate(2010, 2011);
    let both = machine.path().join("both.pem");
    fs::write(&both, format!("{pem}{key}")).unwrap();
    machine.set("GATEMATCH_TLS_CERTIFICATE", both.to_str().unwrap());
    let (code, told) = machine.refused("serve").await;
    assert!(code == 2 && told.contains("GATEMATCH_TLS_CERTIFICATE is set, and tls_key is not"), "{told}");
    machine.set("GATEMATCH_TLS_KEY", both.to_str().unwrap());
    let (code, told) = machine.refused("serve").await;
    assert!(code == 3 && told.contains("has ended at 2011-01-01") && told.contains("Renew it"), "{told}");
    machine.set("GATEMATCH_ISSUER", "");
    let (code, told) = machine.refused("serve").await;
    assert!(code == 2 && told.contains("issuer is not set"), "{told}");
}
