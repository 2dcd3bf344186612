use std::sync::Arc;

use gatematch_protocol::secret::Secret;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::cookie::{self, Cookie};
use super::events::Parser;
use super::*;

fn names(jar: &[Cookie]) -> Vec<(&str, &str, bool)> {
    jar.iter().map(|cookie| (cookie.name.as_str(), cookie.value.reveal(), cookie.is_lasting)).collect()
}

#[test]
fn cookies_are_kept_replaced_and_forgotten() {
    let mut jar = Vec::new();
    cookie::keep(&mut jar, "__Host-session=abc=; HttpOnly; Secure; SameSite=Strict; Path=/");
    cookie::keep(&mut jar, "__Host-browser=def; secure; path=/; max-age=15552000");
    assert_eq!(names(&jar), [("__Host-session", "abc=", false), ("__Host-browser", "def", true)]);
    cookie::keep(&mut jar, "__Host-session=new;Path=/;Secure");
    assert_eq!(names(&jar), [("__Host-session", "new", false), ("__Host-browser", "def", true)]);
    cookie::keep(&mut jar, "__Host-session=; Path=/; Secure; Max-Age=0");
    assert_eq!(names(&jar), [("__Host-browser", "def", true)]);
}

#[test]
fn a_host_cookie_that_a_browser_would_not_take_is_not_kept() {
    let mut jar = Vec::new();
    for header in [
        "__Host-a=x; Path=/",
        "__Host-a=x; Secure",
        "__Host-a=x; Secure; Path=/connect",
        "__Host-a=x; Secure; Path=/; Domain=example.com",
        "=x; Secure; Path=/",
        "no pair",
        "",
    ] {
        cookie::keep(&mut jar, header);
        assert!(jar.is_empty(), "{header}");
    }
    cookie::keep(&mut jar, "plain=x");
    assert_eq!(names(&jar), [("plain", "x", false)]);
}

#[test]
fn cookies_go_back_together_and_only_lasting_ones_outlive_the_window() {
    let cookie = |name: &str, is_lasting| Cookie { name: name.to_owned(), value: Secret::new("v"), is_lasting };
    let api = Api::new("http://127.0.0.1:9").unwrap();
    let browser = Browser::with_cookies(api, vec![cookie("a", false), cookie("b", true)]);
    assert_eq!(browser.cookie_header().as_deref(), Some("a=v; b=v"));
    assert_eq!(browser.headers(Some("a=v")), [("sec-fetch-site", "same-origin"), ("cookie", "a=v")]);
    assert!(!format!("{browser:?}").contains("\"v\""));
    assert_eq!(browser.reopened().cookie_header().as_deref(), Some("b=v"));
}

#[test]
fn events_are_found_wherever_the_stream_is_cut() {
    let stream = "\u{feff}: hello\r\n\r\nevent: view\r\nid: 7\r\ndata: {\"state\":\ndata:  \"armed\"}\r\rdata:æ\n\n: still here\n\nretry: 5\n\ndata: half";
    let wanted = ["{\"state\":\n \"armed\"}", "æ"];
    for size in 1..stream.len() {
        let mut parser = Parser::default();
        stream.as_bytes().chunks(size).for_each(|chunk| parser.feed(chunk));
        let found: Vec<_> = std::iter::from_fn(|| parser.next()).collect();
        assert_eq!(found, wanted, "in pieces of {size}");
    }
}

/// One request, with the whole of its body.
async fn read(stream: &mut TcpStream) -> String {
    let (mut request, mut part) = (String::new(), [0; 4096]);
    loop {
        let length = stream.read(&mut part).await.unwrap();
        request.push_str(std::str::from_utf8(&part[..length]).unwrap());
        let Some((head, body)) = request.split_once("\r\n\r\n") else { continue };
        let told = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        if body.len() >= told.map_or(0, |length| length.parse().unwrap()) {
            return request;
        }
    }
}

/// Plays a server of one session that goes from `armed` over `confirm` to `approved`, one step at each `confirm` and
/// at each stream of events; and gives back what was asked.
async fn server() -> (Api, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let api = Api::new(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
    let asked = Arc::new(Mutex::new(Vec::new()));
    let heard = Arc::clone(&asked);
    tokio::spawn(async move {
        let mut step = 0;
        while let Ok((mut stream, _)) = listener.accept().await {
            let request = read(&mut stream).await;
            let view = |step: usize| format!(r#"{{"state":"{}"}}"#, ["armed", "confirm", "approved"][step.min(2)]);
            let (kind, cookie, body) = if request.starts_with("POST /connect/sessions HTTP") {
                let armed = r#"{"state":"armed","expires_at":"2027-01-15T08:00:00Z"}"#;
                ("application/json", "__Host-session=s; Path=/; Secure; HttpOnly", armed.to_owned())
            } else if request.starts_with("GET /connect/sessions/current/events") {
                step += 1;
                ("text/event-stream", "", format!(": hello\n\ndata: {}\n\n", view(step)))
            } else {
                step += usize::from(request.starts_with("POST /connect/sessions/current/confirm"));
                let cookie = if step > 1 { "__Host-browser=b; Path=/; Secure; Max-Age=9" } else { "x=; Max-Age=0" };
                ("application/json", cookie, view(step))
            };
            heard.lock().unwrap().push(request);
            let length = body.len();
            let answer = format!(
                "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-type: {kind}\r\nset-cookie: {cookie}\r\n\
                 content-length: {length}\r\n\r\n{body}"
            );
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    (api, asked)
}

#[tokio::test]
async fn a_code_is_given_on_the_page() {
    let (api, asked) = server().await;
    let browser = Browser::new(api);
    browser.arm("alice").await.unwrap();
    let view = browser.passcode("123 456").await.unwrap();
    assert_eq!((view.state.as_str(), view.open_until), ("armed", None));
    let asked = asked.lock().unwrap();
    assert!(asked[1].starts_with("POST /connect/sessions/current/passcode HTTP"));
    assert!(asked[1].contains("cookie: __Host-session=s") && asked[1].ends_with(r#"{"passcode":"123 456"}"#));
}

#[tokio::test]
async fn a_page_is_armed_confirmed_and_known_again() {
    let (api, asked) = server().await;
    let browser = Browser::new(api);
    assert_eq!(browser.arm("CONTOSO\\alice").await.unwrap().state, "armed");
    let view = browser.wait_for(|view| view.state != "armed").await.unwrap();
    assert_eq!((view.state.as_str(), view.number), ("confirm", None));
    assert_eq!(browser.confirm(true).await.unwrap().state, "approved");
    let ended = browser.wait_for(|view| view.state == "number").await.unwrap_err();
    assert!(ended.to_string().contains("approved"), "{ended}");
    assert_eq!(names(&browser.cookies()), [("__Host-session", "s", false), ("__Host-browser", "b", true)]);
    assert_eq!(names(&browser.reopened().cookies()), [("__Host-browser", "b", true)]);
    let asked = asked.lock().unwrap();
    assert!(
        asked[0].contains("content-type: application/json\r\n") && asked[0].ends_with(r#"{"user":"CONTOSO\\alice"}"#)
    );
    assert!(asked.iter().all(|request| request.contains("sec-fetch-site: same-origin\r\n")));
    assert!(asked[1..].iter().all(|request| request.contains("cookie: __Host-session=s")));
    assert!(asked.iter().any(|request| request.ends_with(r#"{"mine":true}"#)));
}
