//! Settings, and who manages others, at the console.

use gatematch_domain::audit::Actor;
use gatematch_domain::role::Role;
use gatematch_protocol::id::AdminKeyId;
use gatematch_protocol::secret::{Secret, prefix};
use gatematch_server::settings::RadiusTable;
use gatematch_server::store::{Act, admin_key};
use gatematch_tests::Site;
use gatematch_tests::moves::{count, only};

use super::{admin, says, shown};

const RADIUS: &str = r#"
listen = "127.0.0.1:0"
server_url = "http://who:h1dden-in-url@127.0.0.1:1"

[[client]]
name = "<rdg01>"
network = "10.0.0.10/32"
secret = "h1dden-shared-secret"
gateway_key = "gmg_h1dden"
unknown = "h1dden-unknown"
accept = { "Session-Timeout" = 3600 }

[[client]]
name = "vpn01"
network = "10.0.0.40/32"
secret_env = "H1DDEN_VARIABLE"
gateway_key_file = "/etc/gatematch/secrets/vpn01.key"
upstream = ["nps01"]

[[upstream]]
name = "nps01"
address = "10.0.0.30:1812"
secret_file = "nps01.secret"
"#;

#[tokio::test]
async fn what_holds_is_shown_and_no_secret_is() {
    let master = gatematch_protocol::base64url::encode([7; 32]);
    let site = Site::start_with(|settings| {
        settings.master_key = Some(Secret::new(master.clone()));
        settings.name = "<Contoso> & Söhne".to_owned();
        settings.push_proxy = "http://proxyuser:h1dden-proxy@proxy.example.com:3128".parse().ok();
        settings.protected_groups = vec!["Domain <Admins>".to_owned()];
        settings.dormant_after = Some(90 * 86_400);
        let file = settings.data_dir.join("gatematch.toml");
        settings.radius = Some(RadiusTable { table: RADIUS.parse().unwrap(), file });
    })
    .await;
    let mut root = admin(&site).await;
    let page = shown(&mut root, "/console/settings").await;
    for told in [
        "<Contoso> & Söhne",
        "http://proxy.example.com:3128/, with a name and password (not shown)",
        "Domain <Admins>",
        "90 days",
        "set, by the variable GATEMATCH_MASTER_KEY",
        "Client <rdg01>",
        "Session-Timeout = 3600",
        "set, in the settings file itself",
        "set, by a variable",
        "set, in a file of its own",
        "10.0.0.30:1812",
        "systemctl restart gatematch",
    ] {
        assert!(says(&page, told), "{told}: {}", page.text);
    }
    let lower = page.text.to_lowercase();
    for secret in ["h1dden", "proxyuser", "gmg_", "gma_", &master.to_lowercase()] {
        assert!(!lower.contains(secret), "{secret}: {}", page.text);
    }
    assert!(!page.says("<rdg01>") && !page.says("<Contoso>") && !page.says("<Admins>"));
    assert!(
        page.says("<span class=\"state good\">set</span>") && page.says("<span class=\"state idle\">default</span>")
    );
}

/// A further key of an administrator.
async fn key(site: &Site, name: &str, role: Role) -> AdminKeyId {
    let id = AdminKeyId::new(site.clock.now_plus(0), gatematch_client_sim::edge::random());
    let secret = Secret::from_random(prefix::ADMIN, &gatematch_client_sim::edge::random());
    let now = site.clock.now_plus(0);
    let act = Act::new(Actor::CommandLine("tests".to_owned()), now);
    let key = admin_key(id, name.to_owned(), role, now);
    site.store().create_admin_key(act, key, secret.digest()).await.unwrap();
    id
}

#[tokio::test]
async fn those_who_manage_others_are_listed_and_a_key_is_taken_away() {
    let site = Site::start().await;
    let mut root = admin(&site).await;
    site.user("o'neil$x").await;
    site.give_role("o'neil$x", Some(Role::Helpdesk)).await;
    let dora = key(&site, "<b>Dora</b>", Role::Helpdesk).await;
    let page = shown(&mut root, "/console/settings").await;
    assert!(
        page.says("href=\"/console/people/root\"") && page.says("href=\"/console/people/o%27neil%24x\""),
        "{}",
        page.text
    );
    assert!(says(&page, "<b>Dora</b>") && !page.says("<b>Dora"));
    let path = format!("/console/settings/keys/{dora}");
    assert!(says(&shown(&mut root, &path).await, "Yes, the key of <b>Dora</b> shall be refused from now on"));
    assert_eq!(root.post(&format!("{path}/revoke"), &[]).await.status, 422);
    let seen = root.post(&format!("{path}/revoke"), &[("sure", "1")]).await;
    assert_eq!(seen.location.as_deref(), Some("/console/settings?revoked=1"), "{}", seen.text);
    let events = site.audit().await;
    assert_eq!(only(&events, "admin_key.revoked").actor.as_deref(), Some("operator:root"));
    assert_eq!(root.get(&path).await.status, 404);
    let last = site.store().admin_keys().await.unwrap().remove(0).id;
    let refused = root.post(&format!("/console/settings/keys/{last}/revoke"), &[("sure", "1")]).await;
    assert_eq!(refused.status, 422);
    assert!(says(&refused, "This is the last key with the role admin."), "{}", refused.text);
    assert_eq!(count(&site.audit().await, "admin_key.revoked"), 1);
}
