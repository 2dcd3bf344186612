//! Keeps the certificate: looks at its files from time to time, and takes what is new and good.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum_server::tls_rustls::RustlsConfig;
use gatematch_protocol::time::Timestamp;
use prometheus::IntGauge;
use tokio::sync::{Notify, oneshot};

use super::certificate::{Certificate, days_until};
use super::chain::Chain;
use super::tls::{Contents, Pair, TlsFault, is_open_to_others};
use crate::edge::Edge;
use crate::http::Metrics;
use crate::settings::TlsFiles;

/// How often the files are looked at, in seconds.
const LOOK_SECONDS: i64 = 60;
/// How long a look may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// From how many days before its end on the certificate's age is told.
const WARN_DAYS: i64 = 14;

/// What `/metrics` tells about the certificate.
pub(super) struct Gauges {
    days_left: IntGauge,
    reload_failed: IntGauge,
}

impl Gauges {
    /// At zero, and known to `metrics`.
    pub(super) fn new(metrics: &Metrics) -> Result<Self, prometheus::Error> {
        let gauges = Self {
            days_left: IntGauge::new(
                "gatematch_tls_certificate_days_left",
                "Whole days until the first certificate of the chain ends; negative afterwards.",
            )?,
            reload_failed: IntGauge::new(
                "gatematch_tls_reload_failed",
                "1 where the files hold nothing good and an earlier certificate is served with, else 0.",
            )?,
        };
        metrics.register(Box::new(gauges.days_left.clone()))?;
        metrics.register(Box::new(gauges.reload_failed.clone()))?;
        Ok(gauges)
    }
}

/// Keeps the certificate that listeners serve with.
pub(crate) struct Keeper {
    files: TlsFiles,
    config: RustlsConfig,
    edge: Edge,
    issuer: String,
    gauges: Gauges,
    state: Mutex<State>,
    asked: Notify,
}

struct State {
    /// All that is sent holds until then.
    until: Timestamp,
    /// Of the files that are served with.
    digest: String,
    /// What was said last about files that are no good, and their digest.
    told: Option<(Option<String>, String)>,
    /// The day on which the certificate's end was told.
    warned: Option<i64>,
}

/// What is read meanwhile.
type Reading = oneshot::Receiver<Result<Contents, TlsFault>>;

/// Reads in a thread of its own: the program can end while that hangs.
fn begin_to_read(files: TlsFiles) -> Reading {
    let (tells, reading) = oneshot::channel();
    let thread = std::thread::Builder::new().name("certificate".to_owned());
    if let Err(error) = thread.spawn(move || tells.send(Contents::read(&files)).is_ok()) {
        tracing::error!(%error, "the certificate's files cannot be looked at");
    }
    reading
}

/// What was found in the files.
enum Found {
    /// What is served with.
    Same,
    /// Something new and good.
    New(Pair, String),
    /// Nothing to serve with; the digest, where there was something to read.
    Bad(Option<String>, TlsFault),
}

impl Keeper {
    /// Reads the files for the first time.
    ///
    /// # Errors
    /// [`TlsFault`]: with these files, nothing is served.
    pub(super) fn open(files: TlsFiles, issuer: &str, edge: Edge, gauges: Gauges) -> Result<Self, TlsFault> {
        let contents = Contents::read(&files)?;
        let Pair { config, chain } = Pair::of(&contents, &files, edge.now())?;
        if is_open_to_others(&files.key) {
            tracing::warn!(file = %files.key.display(), "everybody on this machine can read the private key of the certificate");
        }
        let state = State { until: chain.not_after, digest: contents.digest(), told: None, warned: None };
        let keeper = Self {
            files,
            config: RustlsConfig::from_config(config),
            edge,
            issuer: issuer.to_owned(),
            gauges,
            state: Mutex::new(state),
            asked: Notify::new(),
        };
        let mut state = keeper.state.lock().unwrap_or_else(PoisonError::into_inner);
        keeper.tell(&chain);
        keeper.tell_age(&mut state);
        drop(state);
        Ok(keeper)
    }

    /// What listeners serve with; it changes with the files.
    pub(super) fn config(&self) -> RustlsConfig {
        self.config.clone()
    }

    /// Looks at the files now, and not only when the minute is over.
    pub(crate) fn look_now(&self) {
        self.asked.notify_one();
    }

    /// Looks at the files again and again.
    pub(crate) async fn watch(self: Arc<Self>) {
        let mut reading = None;
        loop {
            let next = self.edge.now().plus_seconds(LOOK_SECONDS);
            tokio::select! {
                () = self.edge.clock.sleep_until(next) => {}
                () = self.asked.notified() => {}
            }
            self.look(&mut reading, PATIENCE).await;
        }
    }

    /// Looks once. Files may be on a disk that is gone, so nobody waits for them longer than `patience`; a reading
    /// that takes longer is waited for the next time, and no other is begun.
    async fn look(&self, reading: &mut Option<Reading>, patience: Duration) {
        let mut under_way = reading.take().unwrap_or_else(|| begin_to_read(self.files.clone()));
        let read = match tokio::time::timeout(patience, &mut under_way).await {
            Ok(Ok(read)) => read,
            // The thread has ended without a word, or there was none.
            Ok(Err(_)) => Err(TlsFault::TooSlow(self.files.certificate.clone())),
            Err(_) => {
                *reading = Some(under_way);
                Err(TlsFault::TooSlow(self.files.certificate.clone()))
            }
        };
        self.take(read);
    }

    /// Takes what was read, if it is new and good.
    fn take(&self, read: Result<Contents, TlsFault>) {
        let now = self.edge.now();
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match self.judge(read, &state.digest, now) {
            Found::Same => {
                state.told = None;
                self.gauges.reload_failed.set(0);
            }
            Found::New(pair, digest) => {
                self.config.reload_from_config(pair.config);
                self.tell(&pair.chain);
                tracing::info!(until = %pair.chain.not_after, "a new certificate is served with");
                *state = State { until: pair.chain.not_after, digest, told: None, warned: None };
                self.gauges.reload_failed.set(0);
            }
            Found::Bad(digest, fault) => {
                self.gauges.reload_failed.set(1);
                let told = Some((digest, fault.to_string()));
                if state.told != told {
                    let todo = fault.todo();
                    tracing::error!(%fault, todo, "the certificate's files have changed and are no good; the old one is served with");
                    state.told = told;
                }
            }
        }
        self.tell_age(&mut state);
    }

    fn judge(&self, read: Result<Contents, TlsFault>, served: &str, now: Timestamp) -> Found {
        let contents = match read {
            Ok(contents) => contents,
            Err(fault) => return Found::Bad(None, fault),
        };
        let digest = contents.digest();
        if digest == served {
            return Found::Same;
        }
        match Pair::of(&contents, &self.files, now) {
            Ok(pair) => Found::New(pair, digest),
            Err(fault) => Found::Bad(Some(digest), fault),
        }
    }

    /// Tells what phones may not like about a certificate that can be served with.
    fn tell(&self, chain: &Chain) {
        let file = self.files.certificate.display();
        self.tell_names(&chain.own);
        if !chain.has_issuer {
            tracing::warn!(%file, "the file holds no certificate of the authority that has issued the server's: phones will refuse it; use the full chain");
        }
        if !chain.own.has_common_key {
            tracing::warn!(%file, "the certificate's key is neither RSA nor on P-256 or P-384: many phones will refuse it");
        }
        for what in &chain.skipped {
            tracing::warn!(%what, "a part of the certificate's file was left out");
        }
    }

    /// Phones look for the issuer's name in the certificate.
    fn tell_names(&self, certificate: &Certificate) {
        let issuer = &self.issuer;
        if !issuer.starts_with("https:") {
            tracing::warn!(%issuer, "the issuer is not https, and phones call it by TLS: set issuer to the https address");
        } else if !certificate.covers(issuer) {
            let names = certificate.told_names();
            tracing::warn!(%issuer, names, "the certificate is not for the issuer's name: phones will refuse it, unless another machine stands before this one");
        }
    }

    fn tell_age(&self, state: &mut State) {
        let now = self.edge.now();
        let days_left = days_until(state.until, now);
        self.gauges.days_left.set(days_left);
        let today = now.numeric_date().div_euclid(86_400);
        if days_left > WARN_DAYS || state.warned == Some(today) {
            return;
        }
        state.warned = Some(today);
        let (file, until) = (self.files.certificate.display(), state.until);
        tracing::warn!(%file, %until, days_left, "the certificate ends soon, or has: renew it");
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, KeyPair};

    use super::*;

    #[tokio::test]
    async fn a_disk_that_does_not_answer_is_told_and_waited_for() {
        let dir = tempfile::tempdir().unwrap();
        let both = dir.path().join("both.pem");
        let write = || {
            let key = KeyPair::generate().unwrap();
            let own = CertificateParams::new(Vec::new()).unwrap().self_signed(&key).unwrap();
            std::fs::write(&both, format!("{}{}", key.serialize_pem(), own.pem())).unwrap();
        };
        write();
        let files = TlsFiles { certificate: both.clone(), key: both.clone() };
        let gauges = Gauges::new(&Metrics::new().unwrap()).unwrap();
        let keeper = Keeper::open(files.clone(), "https://x", Edge::system(), gauges).unwrap();
        let served = || keeper.state.lock().unwrap().digest.clone();
        let first = served();

        let (answers, hangs) = oneshot::channel();
        let mut reading = Some(hangs);
        for _ in 0..2 {
            keeper.look(&mut reading, Duration::ZERO).await;
            assert!(reading.is_some(), "no second one is begun");
            assert_eq!((keeper.gauges.reload_failed.get(), served()), (1, first.clone()));
        }
        write();
        assert!(answers.send(Contents::read(&files)).is_ok());
        keeper.look(&mut reading, PATIENCE).await;
        assert!(reading.is_none());
        assert_eq!((keeper.gauges.reload_failed.get(), served() == first), (0, false));
        write();
        let second = served();
        keeper.look(&mut reading, PATIENCE).await;
        assert_ne!(served(), second, "a thread has read it");
    }
}
