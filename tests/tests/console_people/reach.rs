//! Who reaches what: each role against each route, and people whom the helpdesk must leave alone.

use gatematch_domain::role::Role;
use gatematch_protocol::user::PutUser;
use gatematch_server::http::site::{Admits, Does, pages};
use gatematch_tests::Site;
use gatematch_tests::guest::Browser;
use gatematch_tests::moves::count;

use super::{WHY, account, done, held, read, shown};

/// What a form may have, for all of them together.
const FIELDS: [(&str, &str); 7] = [
    WHY,
    ("life", "4"),
    ("uses", "2"),
    ("role", "helpdesk"),
    ("code", "123456"),
    ("display_name", "Changed"),
    ("name", "newcomer"),
];

/// The routes about people: what is done, the path with alice in it, and who may.
async fn routes(site: &Site) -> Vec<(Does, String, Admits)> {
    let device = account(site, "alice").await.devices[0].id.to_string();
    let own = pages()
        .into_iter()
        .filter(|page| page.path.starts_with("/console/people") || page.path.starts_with("/console/me"));
    let path = |path: &str| path.replace("{name}", "alice").replace("{id}", &device);
    own.map(|page| (page.method, path(page.path), page.admits)).collect()
}

fn may(admits: Admits, role: Role) -> bool {
    matches!(admits, Admits::Operators(roles) if roles.contains(&role))
}

async fn ask(browser: &mut Browser, does: Does, path: &str) -> gatematch_tests::guest::Seen {
    match does {
        Does::Show => browser.get(path).await,
        Does::Act => browser.post(path, &FIELDS).await,
    }
}

#[tokio::test]
async fn the_helpdesk_reaches_nothing_that_is_for_administrators() {
    let site = Site::start().await;
    site.person("alice").await;
    let mut dora = site.operator("dora", Role::Helpdesk).await;
    let (routes, before) = (routes(&site).await, account(&site, "alice").await);
    assert!(routes.len() > 35, "{}", routes.len());
    let refused: Vec<_> = routes.iter().filter(|(.., admits)| !may(*admits, Role::Helpdesk)).collect();
    assert_eq!(refused.len(), 4, "to enable and to give a role");
    for (does, path, _) in &refused {
        assert_eq!(ask(&mut dora, *does, path).await.status, 403, "{does:?} {path}");
    }
    // Groups are an administrator's, whatever form they come by.
    for path in ["/console/people", "/console/people/alice/change"] {
        let seen = dora.post(path, &[("name", "newcomer"), ("groups", "Domain Admins")]).await;
        assert_eq!(seen.status, 403, "{path}");
    }
    assert_eq!(account(&site, "alice").await, before);
    assert!(site.admin.get_user("newcomer").await.is_err());
    assert_eq!(count(&site.audit().await, "request.refused"), refused.len() + 2 + 1);
    for (does, path, _) in routes.iter().filter(|(does, _, admits)| *does == Does::Show && may(*admits, Role::Helpdesk))
    {
        let seen = ask(&mut dora, *does, path).await;
        // Of those with an id, each is for another kind of thing.
        let is_there = seen.status == 200 || (seen.status == 404 && path.contains("/0"));
        assert!(is_there, "{path}: {}", seen.status);
    }
}

#[tokio::test]
async fn an_auditor_and_a_stranger_reach_nothing_of_it() {
    let site = Site::start().await;
    site.person("alice").await;
    let before = account(&site, "alice").await;
    let mut vera = site.operator("vera", Role::Auditor).await;
    shown(&mut vera, "/console/me").await;
    for (does, path, admits) in routes(&site).await {
        let seen = site.browser().get(&path).await;
        if does == Does::Show {
            assert!(seen.location.unwrap().starts_with("/console/sign-in?next="), "{path}");
        }
        let seen = site.browser().post(&path, &FIELDS).await;
        let to_the_door = seen.location.as_deref() == Some("/console/sign-in?over=1");
        assert!(to_the_door || seen.status == 405, "{path}: {}", seen.status);
        if !may(admits, Role::Auditor) {
            assert_eq!(ask(&mut vera, does, &path).await.status, 403, "{does:?} {path}");
        }
    }
    assert_eq!(account(&site, "alice").await, before);
    assert!(site.admin.get_user("newcomer").await.is_err());
}

#[tokio::test]
async fn a_form_of_another_site_does_nothing() {
    let site = Site::start().await;
    site.person("alice").await;
    let mut dora = site.operator("dora", Role::Helpdesk).await;
    let before = account(&site, "alice").await;
    for (does, path, _) in routes(&site).await {
        if does == Does::Act {
            let seen = dora.send(&path, &FIELDS, &[("sec-fetch-site", "cross-site")]).await;
            assert_eq!(seen.status, 403, "{path}");
            let seen = dora.send(&path, &FIELDS, &[("sec-fetch-site", "same-origin")]).await;
            assert_eq!(seen.status, 403, "{path}, without the token");
        }
    }
    assert_eq!(account(&site, "alice").await, before);
}

/// The helpdesk may look at the person, lock and disable; nothing else.
async fn is_left_alone(site: &Site, name: &str) {
    let mut dora = site.operator("dora", Role::Helpdesk).await;
    let (before, kinds) = (account(site, name).await, held(site, name).await);
    let page = shown(&mut dora, &format!("/console/people/{name}")).await;
    assert!(page.says("Only administrators manage this person"), "{}", page.text);
    for step in ["pass", "codes", "app", "bypass", "change", "delete", "unlock", "enroll", "invite", "remove"] {
        assert!(!page.says(&format!("/console/people/{name}/{step}")), "{step}");
    }
    let device = before.devices[0].id;
    let steps = ["pass", "codes", "app", "bypass", "change", "delete", "unlock", "enroll", "invite"];
    let paths = steps.into_iter().map(|step| format!("/console/people/{name}/{step}"));
    let removal =
        [format!("/console/people/{name}/remove/{device}"), format!("/console/people/{name}/phones/{device}")];
    for path in paths.chain(removal) {
        let seen = dora.post(&path, &FIELDS).await;
        assert_eq!(seen.status, 403, "{path}");
        assert!(seen.says("Your role does not allow this.") && seen.says("Nothing was changed."), "{path}");
    }
    let after = account(site, name).await;
    assert_eq!((after.user, after.devices, held(site, name).await), (before.user, before.devices, kinds));
    done(&mut dora, &format!("/console/people/{name}/lock"), &[WHY]).await;
    done(&mut dora, &format!("/console/people/{name}/disable"), &[WHY]).await;
    let user = account(site, name).await.user;
    assert_eq!((user.locked.as_deref(), user.state()), (Some(WHY.1), "disabled"));
}

#[tokio::test]
async fn the_helpdesk_leaves_protected_people_alone_but_for_locking() {
    let site = Site::start_with(|settings| settings.protected_groups = vec!["Domain Admins".to_owned()]).await;
    site.person("chief").await;
    let groups = Some(vec!["domain admins".to_owned()]);
    site.admin.put_user("chief", &PutUser { groups, ..PutUser::default() }).await.unwrap();
    is_left_alone(&site, "chief").await;
}

#[tokio::test]
async fn the_helpdesk_leaves_operators_alone_but_for_locking() {
    let site = Site::start().await;
    site.person("vera").await;
    site.give_role("vera", Some(Role::Auditor)).await;
    is_left_alone(&site, "vera").await;
}

#[tokio::test]
async fn nobody_manages_himself_here() {
    let site = Site::start().await;
    for (name, role) in [("dora", Role::Helpdesk), ("root", Role::Admin)] {
        site.person(name).await;
        site.give_role(name, Some(role)).await;
        let mut browser = site.invited(name, gatematch_domain::visit::Place::Console).await;
        let before = account(&site, name).await;
        let page = shown(&mut browser, &format!("/console/people/{name}")).await;
        assert!(page.says("Your own phones and codes are in your portal") && page.says("href=\"/portal\""));
        assert!(!page.says(&format!("/console/people/{name}/")), "{}", page.text);
        let device = before.devices[0].id;
        let mut steps = vec!["pass", "codes", "app", "bypass", "change", "delete", "unlock", "enroll", "invite"];
        let removal = format!("remove/{device}");
        steps.push(&removal);
        if role == Role::Admin {
            steps.extend(["role", "enable"]);
        }
        for step in steps {
            let seen = browser.post(&format!("/console/people/{name}/{step}"), &FIELDS).await;
            assert_eq!(seen.status, 403, "{name} {step}");
            assert!(seen.says("Nobody does this to his own account."), "{name} {step}");
        }
        assert_eq!(account(&site, name).await, before);
    }
}

#[tokio::test]
async fn what_is_not_there_is_not_found() {
    let site = Site::start().await;
    site.person("alice").await;
    let mut root = site.operator("root", Role::Admin).await;
    let nothing = "00000000-0000-7000-8000-000000000000";
    let strange = ["nobody", "a%20b", "%ff", "%00", "..%2f", "a%2Fb", "alice%2e", &"a".repeat(300)];
    for name in strange {
        assert_eq!(root.get(&format!("/console/people/{name}")).await.status, 404, "{name}");
    }
    shown(&mut root, "/console/people/alice").await;
    for name in strange {
        assert_eq!(root.post(&format!("/console/people/{name}/lock"), &[WHY]).await.status, 404, "{name}");
    }
    for step in ["remove", "bypasses", "browsers", "phones", "apps"] {
        for id in [nothing, "x", "%ff", "..%2f"] {
            let path = format!("/console/people/alice/{step}/{id}");
            assert_eq!(root.get(&path).await.status, 404, "{path}");
            assert_eq!(root.post(&path, &FIELDS).await.status, 404, "{path}");
        }
    }
    let page = shown(&mut root, "/console/people/ALICE").await;
    assert!(read(&page).contains("/console/people/alice/lock"), "any spelling leads to the one account");
    for query in ["show=all&show=all", "show=none", "after=%ff", "after=!"] {
        assert_eq!(root.get(&format!("/console/people?{query}")).await.status, 400, "{query}");
    }
}
