//! Gateways at the console.

use gatematch_domain::visit::Place;
use gatematch_protocol::audit::AuditEvent;
use gatematch_tests::moves::{count, only};
use gatematch_tests::{Site, guest};

use super::{admin, gateways, says, shown};

/// The words of a page that begin with `prefix`.
fn words<'a>(text: &'a str, prefix: &str) -> Vec<&'a str> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    text.split(|c: char| !is_part(c)).filter(|word| word.starts_with(prefix) && word.len() > prefix.len()).collect()
}

fn fields<'a>() -> Vec<(&'a str, &'a str)> {
    vec![
        ("name", "Oslo gateway"),
        ("application", "Remote Desktop"),
        ("client_address", "shown"),
        ("gateway", "10.0.0.10"),
        ("server", "10.0.0.20"),
    ]
}

#[tokio::test]
async fn the_key_is_shown_once_and_opens_the_api() {
    let site = Site::start().await;
    let mut root = admin(&site).await;
    shown(&mut root, "/console/gateways/new").await;
    let made = root.post("/console/gateways/new", &fields()).await;
    assert_eq!(made.status, 200, "{}", made.text);
    assert_eq!(made.headers["cache-control"], "no-store");
    let text = guest::unescaped(&made.text);
    let keys = words(&text, "gmg_");
    assert_eq!(keys.len(), 2, "by itself, and in the line that keeps it: {text}");
    assert_eq!(keys[0], keys[1]);
    let bearer = format!("Bearer {}", keys[0]);
    let answer = site.api().raw("GET", "/v1/gateways/self", &[("authorization", &bearer)], Vec::new()).await.unwrap();
    assert_eq!(answer.status, 200, "{}", answer.text());
    let own = gateways(&site).await.remove(0);
    assert_eq!((own.name.as_str(), own.client_address.as_str(), own.can_display), ("Oslo gateway", "shown", false));
    for line in [
        "listen = \"10.0.0.20:1812\"",
        "network = \"10.0.0.10/32\"",
        "time_limit = 50",
        "require_message_authenticator = true",
        "gateway_key_file = \"/etc/gatematch/secrets/oslo-gateway.key\"",
        "address = 10.0.0.20 timeout = 60 blackout = 60 requireauthattrib = Yes",
        "Set-Item -Path 'RDS:\\GatewayServer\\CentralCAPEnabled' -Value 1",
        "netsh nps set requiremsgauth all = \"enable\"",
    ] {
        assert!(text.contains(line), "{line}: {text}");
    }
    let shared = text.split_once("' > oslo-gateway.secret").unwrap().0.rsplit('\'').next().unwrap().to_owned();
    assert!(shared.len() == 64 && shared.bytes().all(|byte| byte.is_ascii_hexdigit()), "{shared}");
    let page = format!("/console/gateways/{}?gateway=10.0.0.10&server=10.0.0.20", own.id);
    let again = shown(&mut root, &page).await;
    assert!(says(&again, "network = \"10.0.0.10/32\"") && again.says("/console/gateways/"));
    for path in [page.as_str(), "/console/gateways"] {
        let seen = shown(&mut root, path).await;
        assert!(!seen.says("gmg_") && !seen.says(&shared), "{path}");
    }
    let events = site.audit().await;
    let of_it = |event: &&AuditEvent| event.gateway == Some(own.id.to_string());
    let created = events.iter().find(of_it).unwrap();
    assert_eq!((created.kind.as_str(), created.actor.as_deref()), ("gateway.created", Some("operator:root")));
    let told = serde_json::to_string(&events).unwrap();
    assert!(!told.contains(keys[0]) && !told.contains(&shared));
}

#[tokio::test]
async fn what_makes_no_gateway_is_told_beside_its_field_and_what_was_typed_stays() {
    let site = Site::start().await;
    let mut root = admin(&site).await;
    shown(&mut root, "/console/gateways/new").await;
    let long = "n".repeat(65);
    for (name, value, told) in [
        ("name", "", "1 to 64 characters, please."),
        ("name", long.as_str(), "1 to 64 characters, please."),
        ("application", " ", "1 to 64 characters, please."),
        ("client_address", "Trusted", "Choose one of the two."),
        ("gateway", "10.0.0", "That is no IP address."),
        ("server", "'; rm -rf /", "That is no IP address."),
    ] {
        let mut sent = fields();
        sent.iter_mut().filter(|(field, _)| *field == name).for_each(|(_, field)| *field = value);
        let seen = root.post("/console/gateways/new", &sent).await;
        assert_eq!(seen.status, 422, "{name}: {}", seen.text);
        assert_eq!(seen.text.matches(told).count(), 1, "{name}: {}", seen.text);
        let other = if name == "application" { "name" } else { "application" };
        let typed = sent.iter().find(|(field, _)| *field == other).unwrap().1;
        assert_eq!(seen.field(other).as_deref(), Some(typed), "{name}");
    }
    assert!(gateways(&site).await.is_empty());
}

#[tokio::test]
async fn a_gateway_is_removed_by_who_says_that_he_means_it_and_those_that_are_built_in_stay() {
    let site = Site::start().await;
    let (mut root, person) = (admin(&site).await, site.person("bob").await);
    let gateway = site.gateway_named("rdg01", true).await;
    let id = gateway.id.unwrap();
    let waiting = gateway.create(&person.login(), None).await.unwrap();
    let page = format!("/console/gateways/{id}");
    assert!(says(&shown(&mut root, &page).await, "nobody opens a desktop through rdg01 any more"));
    let unsure = root.post(&format!("{page}/remove"), &[]).await;
    assert_eq!(unsure.status, 422);
    assert!(says(&unsure, "Tick the box to say that you mean it."));
    assert_eq!(gateway.get(waiting.id, 0).await.unwrap().status, "pending");
    let seen = root.post(&format!("{page}/remove"), &[("sure", "1")]).await;
    assert_eq!(seen.location.as_deref(), Some("/console/gateways?removed=1"));
    assert!(says(&root.follow(seen).await, "The gateway is gone"));
    assert!(gateway.get(waiting.id, 0).await.is_err());
    let events = site.audit().await;
    assert_eq!(only(&events, "gateway.deleted").actor.as_deref(), Some("operator:root"));
    assert_eq!(root.get(&page).await.status, 404);
    // By the phone, so that the gateway of the console is there.
    let mut browser = site.browser();
    site.sign_in(&mut browser, &person, Place::Portal).await;
    let built_in = format!("/console/gateways/{}", Place::Portal.gateway());
    assert!(!shown(&mut root, &built_in).await.says("/remove\""));
    let refused = root.post(&format!("{built_in}/remove"), &[("sure", "1")]).await;
    assert_eq!(refused.status, 422);
    assert!(says(&refused, "It is built in and cannot be removed."));
    assert_eq!(count(&site.audit().await, "gateway.deleted"), 1);
}

#[tokio::test]
async fn those_who_were_let_in_today_are_counted() {
    let site = Site::start().await;
    let (mut root, person) = (admin(&site).await, site.person("bob").await);
    let (oslo, _) = (site.gateway_named("Oslo", true).await, site.gateway_named("Bergen", true).await);
    for _ in 0..2 {
        let challenge = oslo.create(&person.login(), None).await.unwrap();
        person.approve(&challenge).await;
        oslo.redeem(challenge.id, "login", 0).await.unwrap();
        site.clock.advance(60);
    }
    let count = |text: &str, name: &str| {
        let row = text.split("<tr>").find(|row| row.contains(&format!("<bdi>{name}</bdi>"))).unwrap().to_owned();
        row.split_once("<td class=\"number\">").unwrap().1.split('<').next().unwrap().to_owned()
    };
    let list = shown(&mut root, "/console/gateways").await;
    assert_eq!((count(&list.text, "Oslo").as_str(), count(&list.text, "Bergen").as_str()), ("2", "0"));
    assert_eq!(count(&list.text, "Gatematch portal"), "0", "built in, and not used yet");
    site.clock.advance(86_400);
    let mut root = site.invited("root", Place::Console).await;
    assert_eq!(count(&shown(&mut root, "/console/gateways").await.text, "Oslo"), "0");
}

#[tokio::test]
async fn a_name_is_only_ever_text() {
    let site = Site::start().await;
    let mut root = admin(&site).await;
    let hostile = "<script>alert(1)</script>\"'`; $(id)";
    shown(&mut root, "/console/gateways/new").await;
    let sent = [("name", hostile), ("application", "<img src=x>"), ("client_address", "trusted")];
    let made = root.post("/console/gateways/new", &sent).await;
    assert_eq!(made.status, 200, "{}", made.text);
    let id = gateways(&site).await.remove(0).id;
    let paths =
        ["/console/gateways".to_owned(), format!("/console/gateways/{id}"), "/console/policy/explain".to_owned()];
    let mut pages = vec![made];
    for path in &paths {
        pages.push(shown(&mut root, path).await);
    }
    for seen in pages {
        assert!(!seen.says("<script>alert") && !seen.says("<img src=x") && !seen.says("onerror"), "{}", seen.text);
        assert!(says(&seen, hostile), "{}", seen.text);
        let lines = seen.text.split("<pre").skip(1).map(|rest| rest.split("</pre>").next().unwrap());
        for line in lines {
            assert!(!line.contains("$(id)") && !line.contains("alert(1)"), "{line}");
        }
    }
}
