//! Puts the server together, and takes it apart again.

mod bell;
mod lock;
mod vault;

use std::fs::{self, File};
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use self::bell::Ringer;
pub use self::bell::Silent;
pub(crate) use self::lock::of as lock;
pub use self::vault::has_given_key;
pub(crate) use self::vault::open as open_vault;
use crate::edge::Edge;
use crate::http::Metrics;
use crate::http::app::{App, Inner};
use crate::hub::Hub;
use crate::jobs;
use crate::keys::{Keys, KeysFault};
use crate::listen::plan::PlanFault;
use crate::listen::{Limits, Place, Prepared, Serving, TlsFault};
use crate::phone::Phone;
use crate::places::{Look, Places};
use crate::push::Delivery;
use crate::push::address::SystemNames;
use crate::push::metrics::PushMetrics;
use crate::push::office::{self, Desk};
use crate::push::vapid::Vapid;
use crate::push::web::{self, WebPush, WebPushFault};
use crate::settings::Settings;
use crate::siem::{self, SiemFault};
use crate::store::sqlite::OpenFault;
use crate::store::{Bell, Store, StoreError, postgres, sqlite};
use crate::vault::{KEY_FILE, MasterKeyFault, NotSealed, Vault};

/// How long a server may take to stop, whatever runs beside it included (contract section 13: 5 s).
pub const TIME_TO_STOP: Duration = Duration::from_millis(4_500);
/// How much of it is kept for the database.
const LAST_WORDS: Duration = Duration::from_millis(1_500);
/// Why the server does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartFault {
    /// The data directory cannot be made or used.
    #[error("the data directory {path}: {source}")]
    DataDir {
        /// The directory.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Another server uses it.
    #[error("another gatematch serve uses the data directory {0}; stop it first, or name another directory")]
    InUse(PathBuf),
    /// The database cannot be opened.
    #[error(transparent)]
    Database(#[from] OpenFault),
    /// The database on a server cannot be opened.
    #[error(transparent)]
    Server(#[from] postgres::OpenFault),
    /// The database does not answer.
    #[error("the database: {0}")]
    Store(StoreError),
    /// There is no master key.
    #[error(transparent)]
    MasterKey(#[from] MasterKeyFault),
    /// The database was sealed under a master key that is not there.
    #[error(
        "the database is sealed under a master key, but {0} is missing; restore it from a backup, or give it as GATEMATCH_MASTER_KEY"
    )]
    MasterKeyLost(PathBuf),
    /// The database was sealed under another master key.
    #[error(
        "the database {database} was sealed under another master key than the one in {key} (or was changed by hand); restore the two from one backup"
    )]
    OtherMasterKey {
        /// The database.
        database: String,
        /// Where the master key is.
        key: String,
    },
    /// The environment gives another master key than the one that the database is sealed under, which is in a file.
    #[error(
        "the database {database} was sealed under another master key than the one in GATEMATCH_MASTER_KEY; the one in {directory} (master.key, or master.key.next) opens it: unset GATEMATCH_MASTER_KEY, or set it to that key and move the file to where your keys are kept"
    )]
    KeyIsInFile {
        /// The database.
        database: String,
        /// Where the file is.
        directory: PathBuf,
    },
    /// The vault cannot be made.
    #[error(transparent)]
    Vault(#[from] NotSealed),
    /// The server's keys cannot be opened or made.
    #[error(transparent)]
    Keys(#[from] KeysFault),
    /// The address cannot be listened on.
    #[error("{setting} is {address}, and nothing can listen there: {source}")]
    Listen {
        /// The setting that says so, as it stands in the file.
        setting: &'static str,
        /// The address.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
    /// The listeners would show secrets to the network, or not be found.
    #[error(transparent)]
    Plan(#[from] PlanFault),
    /// The certificate or its key is no good.
    #[error(transparent)]
    Tls(#[from] TlsFault),
    /// Push services cannot be called.
    #[error(transparent)]
    Push(#[from] WebPushFault),
    /// Nobody can be sent the audit log.
    #[error(transparent)]
    Siem(#[from] SiemFault),
    /// The metrics cannot be made.
    #[error(transparent)]
    Metrics(#[from] prometheus::Error),
}

/// Opens the data directory and the database; `serve` and every other command begin with this.
///
/// # Errors
/// [`StartFault`]; what was there is left as it was.
pub async fn open_store(
    settings: &Settings,
    edge: &Edge,
    bell: Arc<dyn Bell>,
) -> Result<(Arc<dyn Store>, Arc<Vault>), StartFault> {
    let dir = settings.data_dir.as_path();
    let fault = |source| StartFault::DataDir { path: dir.to_owned(), source };
    fs::DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(fault)?;
    if let Some(server) = &settings.database_server {
        let mut database = postgres::Database::at(server).await?;
        let vault = Arc::new(vault::open(settings, edge, database.conn()).await?);
        let store = database.serve(Arc::clone(&vault), edge.clone(), bell);
        return Ok((store, vault));
    }
    // The key is looked for first: who makes both at this moment makes the database first.
    let was_used = dir.join(KEY_FILE).try_exists().map_err(fault)?;
    let has_database = settings.database.try_exists().map_err(fault)?;
    if !has_database && was_used {
        return Err(OpenFault::Lost { path: settings.database.clone(), directory: dir.to_owned() }.into());
    }
    let mut database = sqlite::Database::at(&settings.database).await?;
    let vault = Arc::new(vault::open(settings, edge, database.conn()).await?);
    let store = database.serve(Arc::clone(&vault), edge.clone(), bell);
    Ok((store, vault))
}

fn keys_fault(fault: KeysFault, settings: &Settings) -> StartFault {
    let KeysFault::Sealed(_) = fault else { return fault.into() };
    vault::other_master_key(settings)
}

/// A server that is up.
pub struct Running {
    app: App,
    serving: Serving,
    jobs: Vec<JoinHandle<()>>,
    _lock: File,
}

/// Starts serving; returns when the listeners are bound and the server can decide.
///
/// # Errors
/// [`StartFault`].
pub async fn serve(settings: Settings, edge: Edge) -> Result<Running, StartFault> {
    serve_within(settings, edge, Limits::default()).await
}

/// [`serve`], with other limits on connections: for tests, which do not wait as long.
///
/// # Errors
/// [`StartFault`].
pub async fn serve_within(settings: Settings, edge: Edge, limits: Limits) -> Result<Running, StartFault> {
    serve_with(settings, edge, limits, None).await
}

/// [`serve_within`], with another way to push than Web Push: for tests, which look at what would be pushed.
///
/// # Errors
/// [`StartFault`].
pub async fn serve_with(
    settings: Settings,
    edge: Edge,
    limits: Limits,
    delivery: Option<Arc<dyn Delivery>>,
) -> Result<Running, StartFault> {
    let metrics = Metrics::new()?;
    let listeners = Prepared::of(&settings, &edge, &metrics)?;
    let hub = Arc::new(Hub::default());
    let (mailbox, post) = office::mailbox();
    let bell: Arc<dyn Bell> = Arc::new(Ringer { hub: Arc::clone(&hub), mailbox });
    // The lock comes before the database: two servers on one would each believe to be the only writer.
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&settings.data_dir)
        .map_err(|source| StartFault::DataDir { path: settings.data_dir.clone(), source })?;
    let lock = lock::of(&settings.data_dir).await?;
    let (store, vault) = open_store(&settings, &edge, bell).await?;
    let keys = Keys::open(store.as_ref(), &vault, &edge).await.map_err(|fault| keys_fault(fault, &settings))?;
    let keys = Arc::new(keys);
    vault::settle(&settings, store.as_ref(), &edge).await?;
    let listeners = listeners.bind().await?;
    let issuer = settings.issuer.clone().unwrap_or_else(|| format!("http://{}", listeners.address()));
    let desk = Desk {
        delivery: delivery.map_or_else(|| web_push(&settings, &issuer, &keys, &edge), Ok)?,
        store: Arc::clone(&store),
        hosts: settings.push_hosts.clone(),
        keys: Arc::clone(&keys),
        issuer: issuer.clone(),
        metrics: PushMetrics::new(&metrics)?,
        edge: edge.clone(),
    };
    let (places, fault) = Places::of(settings.places_file.as_deref());
    if let Some(fault) = fault {
        // Nobody gets in by that: no rule lets in whoever's place is not known.
        tracing::error!("{fault}; until it is put right, nobody knows where addresses are");
    }
    let places = Arc::new(places);
    let sinks = siem::sinks(&settings, &issuer)?;
    // The front door is started by the program, after this.
    let whole = AtomicBool::new(settings.radius.is_none());
    let app: App = Arc::new(Inner {
        store,
        keys,
        places: Arc::clone(&places),
        phone: Phone::of(&settings.name),
        whole,
        settings,
        issuer,
        edge,
        hub,
        strangers: crate::http::strangers::Strangers::default(),
        streams: crate::http::app::Streams::default(),
        in_progress: crate::http::app::InProgress::default(),
        proofs: crate::http::app::SpentProofs::default(),
        signed: std::sync::Mutex::default(),
        audit_readers: crate::http::app::AuditReaders::default(),
        tally: crate::tally::Tally::default(),
        lately: crate::tally::Lately::default(),
        census: crate::tally::Census::default(),
        watchers: crate::http::app::Watchers::default(),
        exports: crate::http::app::Watchers::default(),
        metrics,
        stopping: CancellationToken::new(),
    });
    let serving = listeners.serve(&app, limits);
    let mut jobs = jobs::start(&app);
    jobs.push(office::open(desk, post));
    jobs.extend(siem::start(&app, sinks)?);
    jobs.push(tokio::spawn(places.watch(app.edge.clone())));
    jobs.extend(serving.keeper().map(|keeper| tokio::spawn(Arc::clone(keeper).watch())));
    Ok(Running { app, serving, jobs, _lock: lock })
}

fn web_push(
    settings: &Settings,
    issuer: &str,
    keys: &Arc<Keys>,
    edge: &Edge,
) -> Result<Arc<dyn Delivery>, WebPushFault> {
    if settings.push_subject.is_none() && !issuer.starts_with("https:") {
        tracing::warn!(
            "push services are told of {issuer}, which some refuse: set push_subject, as mailto:it@example.com"
        );
    }
    let subject = settings.push_subject.clone().unwrap_or_else(|| issuer.to_owned());
    let vapid = Vapid::new(Arc::clone(keys), subject);
    let names = Arc::new(SystemNames);
    Ok(Arc::new(WebPush::new(settings, names, vapid, edge.clone(), web::Limits::default())?))
}

impl Running {
    /// Where everything is served.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.serving.main.address
    }

    /// Where everything is served, and by what.
    #[must_use]
    pub const fn place(&self) -> Place {
        self.serving.main
    }

    /// Where only that is served which phones and browsers need, if that is a listener of its own.
    #[must_use]
    pub const fn public_place(&self) -> Option<Place> {
        self.serving.public
    }

    /// Where what runs in the same process finds everything, by plain HTTP.
    #[must_use]
    pub fn inner_url(&self) -> String {
        self.serving.inner().to_string()
    }

    /// Looks at the certificate's files at once, and not only when the minute is over; whether there is a certificate.
    pub fn look_at_certificate(&self) -> bool {
        let keeper = self.serving.keeper();
        keeper.inspect(|keeper| keeper.look_now()).is_some()
    }

    /// Looks at the file of places at once, and not only when the minute is over.
    #[must_use]
    pub fn look_at_places(&self) -> Look {
        self.app.places.look()
    }

    /// What tokens and links name as the server.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.app.issuer
    }

    /// Every listener that is configured is bound: from now on the server says that it is ready.
    pub fn is_whole(&self) {
        self.app.whole.store(true, Ordering::Release);
    }

    /// Adds what `text` tells, in Prometheus' format, to `/metrics`.
    pub fn also_tell(&self, text: impl Fn() -> String + Send + Sync + 'static) {
        self.app.metrics.also_tell(Box::new(text));
    }

    /// What it remembers.
    #[must_use]
    pub fn store(&self) -> Arc<dyn Store> {
        Arc::clone(&self.app.store)
    }

    /// Stops: those who wait are answered with the state as it is, requests under way get some seconds, and
    /// everything acknowledged is kept.
    pub async fn stop(self) {
        self.stop_within(TIME_TO_STOP).await;
    }

    /// [`Running::stop`], within this time.
    pub async fn stop_within(mut self, time: Duration) {
        self.app.stopping.cancel();
        if !self.serving.stop(time.saturating_sub(LAST_WORDS)).await {
            tracing::warn!("requests were still under way when the server stopped");
        }
        self.jobs.iter().for_each(JoinHandle::abort);
        let rest = async {
            let unsaid = self.app.strangers.ended(self.app.now(), true);
            if !unsaid.is_empty() && self.app.store.record_events(unsaid).await.is_err() {
                tracing::error!("refusals of strangers could not be recorded");
            }
            self.app.store.close().await;
        };
        if tokio::time::timeout(LAST_WORDS, rest).await.is_err() {
            tracing::warn!("the database was not closed cleanly in time; nothing acknowledged is lost");
        }
    }
}
