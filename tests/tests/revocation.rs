//! AP-08: from the answer to a revocation, a lock or a deletion on, nothing is approved or redeemed, whatever was
//! in flight.

use std::sync::Arc;

use gatematch_client_sim::gateway::Gateway;
use gatematch_protocol::challenge::ChallengeView;
use gatematch_protocol::problem::Code;
use gatematch_protocol::response::Decision;
use gatematch_protocol::user::PutUser;
use gatematch_tests::moves::{count, race, refusal, state};
use gatematch_tests::{Person, Site};

/// The ways in which somebody takes something away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    RevokePhone,
    RemovePhone,
    Disable,
    Lock,
    DeleteUser,
    DeleteGateway,
}

const ALL: [Way; 6] =
    [Way::RevokePhone, Way::RemovePhone, Way::Disable, Way::Lock, Way::DeleteUser, Way::DeleteGateway];

impl Way {
    async fn take(self, site: &Site, person: &Person, gateway: &Gateway) {
        match self {
            Self::RevokePhone => site.admin.delete_device(person.phone.device_id().unwrap()).await.unwrap(),
            Self::RemovePhone => person.phone.remove_self().await.unwrap(),
            Self::Disable => {
                let disabled = PutUser { status: Some("disabled".to_owned()), ..PutUser::default() };
                site.admin.put_user(&person.name, &disabled).await.unwrap();
            }
            Self::Lock => site.lock(&person.name).await,
            Self::DeleteUser => site.admin.delete_user(&person.name).await.unwrap(),
            Self::DeleteGateway => site.admin.delete_gateway(gateway.id.unwrap()).await.unwrap(),
        }
    }

    /// How what was open has ended.
    fn end(self) -> (&'static str, Option<&'static str>) {
        match self {
            Self::Disable | Self::Lock => ("denied", Some("locked")),
            _ => ("denied", Some("revoked")),
        }
    }

    /// What a new login of the same user is told.
    fn next(self) -> &'static str {
        match self {
            Self::Disable | Self::Lock => "locked",
            _ => "not-enrolled",
        }
    }

    /// What a sound response is told.
    fn response(self) -> Code {
        match self {
            Self::RevokePhone | Self::RemovePhone | Self::DeleteUser => Code::ResponseNotAuthentic,
            Self::Disable | Self::Lock | Self::DeleteGateway => Code::AlreadyDecided,
        }
    }
}

#[tokio::test]
async fn ap_08_what_is_pending_or_approved_ends_with_the_revocation() {
    for way in ALL {
        let site = Site::start().await;
        let gateway = site.gateway().await;
        let alice = site.person("alice").await;
        let pending = gateway.create(&alice.login_from("PC-1"), None).await.unwrap();
        let approved = gateway.create(&alice.login_from("PC-2"), None).await.unwrap();
        let redeemed = gateway.create(&alice.login_from("PC-3"), None).await.unwrap();
        let approval = alice.signed_approval(&pending).await;
        for login in [&approved, &redeemed] {
            alice.approve(login).await;
        }
        let result = gateway.redeem(redeemed.id, "r", 0).await.unwrap().result;
        way.take(&site, &alice, &gateway).await;

        let answer = alice.phone.post_response(&pending.id.to_string(), &approval).await.unwrap();
        assert_eq!(refusal(answer.success()), way.response(), "{way:?}");
        for login in [&pending, &approved] {
            assert_eq!(state(&site.admin.challenge(login.id).await.unwrap()), way.end(), "{way:?}");
        }
        if way == Way::DeleteGateway {
            assert_eq!(refusal(gateway.redeem(approved.id, "r", 0).await), Code::CredentialInvalid);
            assert_eq!(refusal(gateway.create(&alice.login(), None).await), Code::CredentialInvalid);
        } else {
            for login in [&pending, &approved] {
                let view = gateway.redeem(login.id, "r", 0).await.unwrap();
                assert_eq!((state(&view), &view.result), (way.end(), &None), "{way:?}");
            }
            // What was redeemed before is repeated, and nothing new begins.
            assert_eq!(gateway.redeem(redeemed.id, "r", 0).await.unwrap().result, result, "{way:?}");
            let next = gateway.create(&alice.login(), None).await.unwrap();
            assert_eq!(state(&next), ("denied", Some(way.next())), "{way:?}");
        }
        for login in [&pending, &approved] {
            let events = site.audit_of(login).await;
            let last = events.iter().rfind(|event| event.kind.starts_with("challenge.")).unwrap();
            assert_eq!((last.kind.as_str(), last.reason.as_deref()), ("challenge.denied", way.end().1), "{way:?}");
        }
    }
}

#[tokio::test]
async fn ap_08_of_two_phones_only_what_the_revoked_one_did_ends() {
    let site = Site::start().await;
    let gateway = site.gateway().await;
    let alice = site.person("alice").await;
    let tablet = site.phone_of("alice").await;
    let by_phone = gateway.create(&alice.login_from("PC-1"), None).await.unwrap();
    let by_tablet = gateway.create(&alice.login_from("PC-2"), None).await.unwrap();
    let pending = gateway.create(&alice.login_from("PC-3"), None).await.unwrap();
    let of_tablet = |login: &ChallengeView| {
        let id = login.id;
        let tablet = &tablet;
        async move { tablet.waiting(0).await.unwrap().into_iter().find(|waiting| waiting.id == id).unwrap().challenge }
    };
    let signed = of_tablet(&by_tablet).await;
    tablet.respond(&signed, Decision::Approve, by_tablet.number.as_deref(), None).await.unwrap();
    alice.approve(&by_phone).await;
    let signed = of_tablet(&pending).await;
    site.admin.delete_device(alice.phone.device_id().unwrap()).await.unwrap();

    assert_eq!(state(&gateway.redeem(by_phone.id, "r", 0).await.unwrap()), ("denied", Some("revoked")));
    assert_eq!(gateway.redeem(by_tablet.id, "r", 0).await.unwrap().status, "redeemed");
    assert_eq!(state(&gateway.get(pending.id, 0).await.unwrap()), ("pending", None));
    // A phone that came after the challenge does not keep it alive; the last one that was asked ends it.
    let late = site.phone_of("alice").await;
    site.admin.delete_device(tablet.device_id().unwrap()).await.unwrap();
    assert_eq!(state(&gateway.get(pending.id, 0).await.unwrap()), ("denied", Some("revoked")));
    let refused = tablet.respond(&signed, Decision::Approve, pending.number.as_deref(), None).await;
    assert_eq!(refusal(refused), Code::ResponseNotAuthentic);
    assert!(late.waiting(0).await.unwrap().is_empty());
    let next = gateway.create(&alice.login_from("PC-4"), None).await.unwrap();
    assert_eq!(late.waiting(0).await.unwrap()[0].id, next.id);
    assert_eq!(count(&site.audit().await, "device.deleted"), 2);
}

#[tokio::test]
async fn ap_08_one_gateway_or_user_does_not_take_others_with_it() {
    let site = Site::start().await;
    let (oslo, bergen) = (site.gateway().await, site.gateway_named("Bergen gateway", true).await);
    let (alice, bob) = (site.person("alice").await, site.person("bob").await);
    let mut kept = Vec::new();
    for person in [&alice, &bob] {
        oslo.create(&person.login(), None).await.unwrap();
        kept.push(bergen.create(&person.login(), None).await.unwrap());
    }
    site.admin.delete_gateway(oslo.id.unwrap()).await.unwrap();
    site.lock("alice").await;
    assert_eq!(state(&bergen.get(kept[0].id, 0).await.unwrap()), ("denied", Some("locked")));
    assert_eq!(state(&bergen.get(kept[1].id, 0).await.unwrap()), ("pending", None));
    bob.approve(&kept[1]).await;
    assert_eq!(bergen.redeem(kept[1].id, "r", 0).await.unwrap().status, "redeemed");
    let events = site.audit().await;
    assert_eq!((count(&events, "challenge.denied"), count(&events, "gateway.deleted")), (3, 1));
    // A lock is lifted for what comes, not for what was.
    site.unlock("alice").await;
    assert_eq!(state(&bergen.get(kept[0].id, 0).await.unwrap()), ("denied", Some("locked")));
    let login = bergen.create(&alice.login(), None).await.unwrap();
    alice.approve(&login).await;
    assert_eq!(bergen.redeem(login.id, "r", 0).await.unwrap().status, "redeemed");
}

/// Approvals, redemptions and one revocation at once; yields what the challenge was when the revocation was
/// answered, and what it is in the end.
async fn in_flight(site: &Arc<Site>, way: Way, name: &str, round: usize) -> (ChallengeView, ChallengeView) {
    let person = Arc::new(site.person(name).await);
    let gateway = Arc::new(site.gateway().await);
    let login = gateway.create(&person.login(), None).await.unwrap();
    let approval = person.signed_approval(&login).await;
    let seen = race(20, |index| {
        let (site, person, gateway) = (Arc::clone(site), Arc::clone(&person), Arc::clone(&gateway));
        let approval = approval.clone();
        async move {
            if index == (round * 7) % 20 {
                way.take(&site, &person, &gateway).await;
                let answered = site.admin.challenge(login.id).await.unwrap();
                // Whatever is sent from here on is too late.
                let late = person.phone.post_response(&login.id.to_string(), &approval).await.unwrap();
                assert_ne!(late.status, 200, "{way:?}: approved after the answer");
                return Some(answered);
            }
            if index % 2 == 0 {
                person.phone.post_response(&login.id.to_string(), &approval).await.unwrap();
            } else {
                // The gateway's own key may be gone by now.
                let _ = gateway.redeem(login.id, "r", if index % 4 == 1 { 60 } else { 0 }).await;
            }
            None
        }
    })
    .await;
    let answered = seen.into_iter().flatten().next().unwrap();
    (answered, site.admin.challenge(login.id).await.unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ap_08_a_hundred_and_twenty_revocations_with_responses_in_flight() {
    let site = Arc::new(Site::start().await);
    let mut ends = Vec::new();
    for round in 0..120 {
        let way = ALL[round % ALL.len()];
        let (answered, end) = in_flight(&site, way, &format!("user{round}"), round).await;
        assert!(["denied", "redeemed"].contains(&answered.status.as_str()), "{way:?}: {}", answered.status);
        assert_eq!(state(&answered), state(&end), "{way:?}: it moved after the answer");
        ends.push(end);
    }
    let events = site.audit().await;
    let redeemed = ends.iter().filter(|end| end.status == "redeemed").count();
    assert_eq!(count(&events, "challenge.redeemed"), redeemed);
    assert_eq!(count(&events, "challenge.denied"), 120 - redeemed);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ap_08_logins_that_begin_while_somebody_takes_it_away() {
    let site = Arc::new(Site::start().await);
    for round in 0..60 {
        let way = ALL[round % ALL.len()];
        let person = Arc::new(site.person(&format!("user{round}")).await);
        let gateway = Arc::new(site.gateway().await);
        let made = race(24, |index| {
            let (site, person, gateway) = (Arc::clone(&site), Arc::clone(&person), Arc::clone(&gateway));
            async move {
                if index == (round * 7) % 24 {
                    way.take(&site, &person, &gateway).await;
                    return None;
                }
                gateway.create(&person.login_from(&format!("PC-{index}")), None).await.ok()
            }
        })
        .await;
        for login in made.into_iter().flatten() {
            let end = site.admin.challenge(login.id).await.unwrap();
            assert_eq!(end.status, "denied", "{way:?}: a login that was answered {} lives on", login.status);
        }
    }
    let events = site.audit().await;
    let taken = ["device.deleted", "user.disabled", "user.locked", "user.deleted", "gateway.deleted"];
    assert_eq!(taken.iter().map(|kind| count(&events, kind)).sum::<usize>(), 60);
}

#[tokio::test]
async fn ap_08_whoever_waits_hears_of_it_at_once() {
    for way in ALL {
        let site = Site::start().await;
        let gateway = Arc::new(site.gateway().await);
        let alice = site.person("alice").await;
        let login = gateway.create(&alice.login(), None).await.unwrap();
        let waiting = [0, 1].map(|redeem| {
            let gateway = Arc::clone(&gateway);
            tokio::spawn(async move {
                if redeem == 1 { gateway.redeem(login.id, "r", 60).await } else { gateway.get(login.id, 60).await }
            })
        });
        while !site.api().raw("GET", "/metrics", &[], Vec::new()).await.unwrap().text().contains("gatematch_waiting 2")
        {
            tokio::task::yield_now().await;
        }
        way.take(&site, &alice, &gateway).await;
        for waiting in waiting {
            // One of them may not have been let in yet when its gateway went.
            match tokio::time::timeout(std::time::Duration::from_secs(20), waiting).await.unwrap().unwrap() {
                Ok(view) => assert_eq!((state(&view), &view.result), (way.end(), &None), "{way:?}"),
                gone => assert_eq!((refusal(gone), way), (Code::CredentialInvalid, Way::DeleteGateway)),
            }
        }
        assert_eq!(count(&site.audit_of(&login).await, "challenge.denied"), 1);
    }
}
