//! The emulator as a whole: started, reached, stopped.

use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle;

use serde_json::Value as Json;
use tokio::net::TcpListener;
use tokio::sync::{oneshot, watch};

use crate::accounts::NoKey;
use crate::calls::Calls;
use crate::control::Control;
use crate::faults::Faults;
use crate::script::Scripts;
use crate::serve::serve;
use crate::service::Service;
use crate::{Google, Knobs};

/// How to start.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where to listen; port 0 takes a free one. Loopback, unless somebody means otherwise.
    pub listen: SocketAddr,
    /// Is any bearer token taken, for the address of its user? For clients that cannot sign.
    pub open_door: bool,
    /// The knobs.
    pub knobs: Knobs,
}

impl Default for Options {
    fn default() -> Self {
        Self { listen: SocketAddr::from(([127, 0, 0, 1], 0)), open_door: false, knobs: Knobs::default() }
    }
}

/// Why it does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The port is taken, or may not be used.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// The system's reason.
        source: std::io::Error,
    },
    /// No thread.
    #[error("cannot start: {0}")]
    Thread(#[from] std::io::Error),
    /// The thread ended before it served.
    #[error("the emulator ended before it served")]
    Ended,
}

/// How far it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// The port is there; who connects waits.
    Bound,
    /// It answers.
    Open,
    /// It ends.
    Stopped,
}

/// A running emulator. It has threads and a runtime of its own, so that a test may stop its own clock. Dropping it
/// stops it.
#[derive(Debug)]
pub struct Emulator {
    address: SocketAddr,
    control: Arc<Control>,
    phase: watch::Sender<Phase>,
    thread: Option<JoinHandle<()>>,
}

impl Emulator {
    /// Starts; serves as soon as this returns.
    pub async fn start(options: Options) -> Result<Self, StartError> {
        let emulator = Self::bind(options).await?;
        emulator.open();
        Ok(emulator)
    }

    /// Takes the port and answers nobody yet, so that accounts and spreadsheets can be made first.
    pub async fn bind(options: Options) -> Result<Self, StartError> {
        let (phase, phases) = watch::channel(Phase::Bound);
        let (started, starting) = oneshot::channel();
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("sheets-emulator")
            .enable_all()
            .build()?;
        let thread = std::thread::Builder::new().name("sheets-emulator".into()).spawn(move || {
            runtime.block_on(run(options, started, phases));
        })?;
        let (address, control) = starting.await.map_err(|_| StartError::Ended)??;
        Ok(Self { address, control, phase, thread: Some(thread) })
    }

    /// Answers from now on, those first who came before.
    pub fn open(&self) {
        self.phase.send_replace(Phase::Open);
    }

    /// Where it serves: `http://127.0.0.1:PORT`.
    pub fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The token endpoint, as key files name it.
    pub fn token_url(&self) -> String {
        self.control.service.token_url().to_owned()
    }

    /// The spreadsheets.
    pub fn world(&self) -> &Arc<Google> {
        &self.control.service.google
    }

    /// The scripts.
    pub fn scripts(&self) -> &Arc<Scripts> {
        &self.control.scripts
    }

    /// What goes wrong.
    pub fn faults(&self) -> &Arc<Faults> {
        &self.control.service.faults
    }

    /// The log of calls.
    pub fn calls(&self) -> &Calls {
        &self.control.service.calls
    }

    /// Makes a service account in a project; gives its key file.
    pub fn create_account(&self, address: &str, project: &str) -> Result<Json, NoKey> {
        self.control.service.accounts.create(address, project, &self.token_url())
    }

    /// Takes a service account away.
    pub fn remove_account(&self, address: &str) -> bool {
        self.control.service.accounts.remove(address)
    }

    /// Ends all tokens now: the next call with one is a 401.
    pub fn revoke_tokens(&self) {
        self.control.service.accounts.revoke_tokens();
    }

    /// Stops, and waits until it has.
    pub async fn shutdown(mut self) {
        self.phase.send_replace(Phase::Stopped);
        if let Some(thread) = self.thread.take() {
            // Joining waits for a moment; not on the caller's runtime.
            let _ = tokio::task::spawn_blocking(move || thread.join()).await;
        }
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        self.phase.send_replace(Phase::Stopped);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

type Started = Result<(SocketAddr, Arc<Control>), StartError>;

async fn run(options: Options, started: oneshot::Sender<Started>, mut phases: watch::Receiver<Phase>) {
    let listening =
        TcpListener::bind(options.listen).await.and_then(|listener| Ok((listener.local_addr()?, listener)));
    let (address, listener) = match listening {
        Ok(listening) => listening,
        Err(source) => {
            let _ = started.send(Err(StartError::Listen { address: options.listen, source }));
            return;
        }
    };
    let google = Arc::new(Google::new(options.knobs));
    let scripts = Scripts::new(&google);
    let service = Service::new(google, options.open_door, format!("http://{address}/token"));
    let control = Arc::new(Control { service: Arc::new(service), scripts });
    let wanted = started.send(Ok((address, control.clone()))).is_ok();
    if wanted && phases.wait_for(|phase| *phase != Phase::Bound).await.is_ok() {
        serve(listener, control, phases).await;
    }
}
