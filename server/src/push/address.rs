//! Guards the addresses that push calls: a name is looked up once, and only what is on the public internet is called.
//!
//! The list of allowed hosts is the first bolt. This is the second, for a name on the list whose addresses somebody
//! else sets: what is checked is the very address that is connected to, so nothing changes in between.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs as _};
use std::sync::{Arc, Mutex, PoisonError};

use gatematch_domain::address::is_global;
use gatematch_domain::push::PushHosts;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

use crate::edge::Pending;

/// How many names of one entry of the list of hosts are looked up at a time: each takes a thread for as long as the
/// system's resolver likes. Names below a wildcard that are slow hold up no other entry.
const MAX_LOOKUPS: usize = 8;

/// Finds the addresses of a name.
pub trait Names: Send + Sync {
    /// The addresses of `host` now.
    fn addresses(&self, host: String) -> Pending<'static, io::Result<Vec<IpAddr>>>;
}

/// The system's own resolver.
pub struct SystemNames;

impl Names for SystemNames {
    fn addresses(&self, host: String) -> Pending<'static, io::Result<Vec<IpAddr>>> {
        Box::pin(async move {
            let looked_up = spawn_blocking(move || {
                (host.as_str(), 0).to_socket_addrs().map(|found| found.map(|at| at.ip()).collect())
            });
            looked_up.await.map_err(io::Error::other)?
        })
    }
}

/// The name leads only to addresses that must not be called.
#[derive(Debug, thiserror::Error)]
#[error("the push service's name leads to no public address")]
pub struct NotPublic;

/// The resolver of the push client. An address that stands in an endpoint itself never comes here: those are allowed
/// only where the configuration names them.
pub struct AddressGuard {
    names: Arc<dyn Names>,
    hosts: PushHosts,
    proxy: Option<String>,
    /// By entry of the list; that of the proxy is its name. So there are as many as the configuration says.
    places: Mutex<HashMap<String, Arc<Semaphore>>>,
}

impl AddressGuard {
    /// Lets the hosts that the configuration names, and the proxy's, be private.
    #[must_use]
    pub fn new(names: Arc<dyn Names>, hosts: PushHosts, proxy: Option<String>) -> Self {
        Self { names, hosts, proxy, places: Mutex::default() }
    }

    fn may_be_private(&self, host: &str) -> bool {
        self.hosts.names(host) || self.proxy.as_deref() == Some(host)
    }

    fn places(&self, host: &str) -> Arc<Semaphore> {
        let proxy = self.proxy.as_deref().filter(|proxy| *proxy == host);
        // The client asks for no name that neither covers, so all others share.
        let entry = proxy.or_else(|| self.hosts.entry_of_host(host)).unwrap_or_default();
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(places.entry(entry.to_owned()).or_insert_with(|| Arc::new(Semaphore::new(MAX_LOOKUPS))))
    }
}

impl Resolve for AddressGuard {
    fn resolve(&self, name: Name) -> Resolving {
        let host = name.as_str().to_owned();
        let any = self.may_be_private(&host);
        let (places, names) = (self.places(&host), Arc::clone(&self.names));
        Box::pin(async move {
            let place = places.acquire_owned().await?;
            // A task of its own: the place is given back when the look-up ends, also where nobody waits for it any more.
            let looked_up = tokio::spawn(async move {
                let found = names.addresses(host).await;
                drop(place);
                found
            });
            let mut addresses = looked_up.await??;
            addresses.retain(|address| any || is_global(*address));
            if addresses.is_empty() {
                return Err(NotPublic.into());
            }
            // Port 0 stands for the port of the endpoint.
            Ok(Box::new(addresses.into_iter().map(|address| SocketAddr::new(address, 0))) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;
    use crate::push::trial::ChangingNames;

    async fn resolved(guard: &AddressGuard, host: &str) -> Option<Vec<String>> {
        let found = guard.resolve(host.parse().unwrap()).await.ok()?;
        Some(found.map(|at| at.to_string()).collect())
    }

    fn names(answers: &[&[&str]]) -> Arc<ChangingNames> {
        let read = |answer: &&[&str]| answer.iter().map(|text| text.parse().unwrap()).collect();
        Arc::new(ChangingNames(Mutex::new(answers.iter().map(read).collect())))
    }

    #[tokio::test]
    async fn pu_01_only_public_addresses_of_a_name_are_handed_out() {
        let inside: &[&str] = &["127.0.0.1", "10.0.0.1", "::1", "fe80::1", "::ffff:192.168.0.1", "169.254.169.254"];
        let mixed: &[&str] = &["10.0.0.1", "17.57.12.1", "::1", "2620:149:208::1"];
        let guard = AddressGuard::new(names(&[inside, mixed, &[]]), PushHosts::default(), None);
        assert_eq!(resolved(&guard, "web.push.apple.com").await, None);
        let public = vec!["17.57.12.1:0".to_owned(), "[2620:149:208::1]:0".to_owned()];
        assert_eq!(resolved(&guard, "web.push.apple.com").await, Some(public));
        assert_eq!(resolved(&guard, "web.push.apple.com").await, None, "a name without addresses");
    }

    #[tokio::test]
    async fn pu_01_a_name_that_changes_is_judged_by_each_answer() {
        let answers = names(&[&["17.57.12.1"], &["192.168.1.1"], &["17.57.12.1"]]);
        let guard = AddressGuard::new(Arc::clone(&answers) as Arc<dyn Names>, PushHosts::default(), None);
        assert!(resolved(&guard, "web.push.apple.com").await.is_some());
        assert_eq!(resolved(&guard, "web.push.apple.com").await, None);
        assert!(resolved(&guard, "web.push.apple.com").await.is_some());
        assert!(answers.0.lock().unwrap().is_empty(), "each connection asks once");
    }

    #[tokio::test]
    async fn a_host_that_the_configuration_names_and_the_proxy_may_be_private() {
        let hosts = PushHosts::from_entries(&["push.contoso.example:8443"]).unwrap();
        let inside: &[&str] = &["10.0.0.1"];
        let proxy = Some("proxy.contoso.example".to_owned());
        let guard = AddressGuard::new(names(&[inside, inside, inside]), hosts, proxy);
        assert!(resolved(&guard, "push.contoso.example").await.is_some());
        assert!(resolved(&guard, "proxy.contoso.example").await.is_some());
        assert_eq!(resolved(&guard, "fcm.googleapis.com").await, None);
    }

    /// A resolver that never ends for names below Apple's.
    struct SlowApple;

    impl Names for SlowApple {
        fn addresses(&self, host: String) -> Pending<'static, io::Result<Vec<IpAddr>>> {
            Box::pin(async move {
                if host.ends_with("apple.com") {
                    std::future::pending::<()>().await;
                }
                Ok(vec!["17.57.12.1".parse().unwrap()])
            })
        }
    }

    #[tokio::test]
    async fn slow_names_below_a_wildcard_hold_up_no_other_entry() {
        let guard = AddressGuard::new(Arc::new(SlowApple), PushHosts::default(), None);
        for number in 0..200 {
            let asked = guard.resolve(format!("{number}.push.apple.com").parse().unwrap());
            // It is begun, and then nobody waits for it any more.
            assert!(asked.now_or_never().is_none());
        }
        tokio::task::yield_now().await;
        assert_eq!(guard.places("any.push.apple.com").available_permits(), 0);
        assert!(resolved(&guard, "fcm.googleapis.com").await.is_some());
        assert_eq!(guard.places.lock().unwrap().len(), 2, "one for each entry, not for each name");
    }

    #[tokio::test]
    async fn the_system_finds_this_machine() {
        let found = SystemNames.addresses("localhost".to_owned()).await.unwrap();
        assert!(!found.is_empty() && found.iter().all(IpAddr::is_loopback), "{found:?}");
    }
}
