//! The endpoint at which the script's deliveries arrive: hyper behind the operator's TLS proxy, loopback by default.
//!
//! hyper leaves time to its caller, and without a timer it waits for half a header for ever; so every stage has its limit
//! here: headers, body, the whole request, connections at a time, deliveries a second. What is delivered is made durable
//! behind the [`Door`] before anything is answered.

use std::future::Future;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, UnixListener};

use crate::model::link::{LinkName, SpreadsheetId};
use crate::sheet::listen::edit::{Delivery, EditAnswer, EditId};
use crate::sheet::listen::gate::Gate;
use crate::sheet::signature::WebhookSecret;

pub mod accept;
pub mod edit;
mod gate;
mod reply;

/// Where deliveries arrive.
#[derive(Debug)]
pub enum Listener {
    /// An address and port.
    Tcp(TcpListener),
    /// A socket in the file system.
    Unix(UnixListener),
}

/// Bounds on what a stranger can make us hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a body.
    pub body: usize,
    /// Connections at a time.
    pub connections: usize,
    /// From the first byte, or the last answer, to the end of the headers.
    pub header_timeout: Duration,
    /// From the end of the headers to the end of the body.
    pub body_timeout: Duration,
    /// All of it, the answer of the door included.
    pub whole_request: Duration,
    /// Deliveries of one link a second, in the long run.
    pub per_second: NonZeroU32,
    /// Deliveries of one link at once.
    pub burst: NonZeroU32,
    /// How long open requests may go on after the stop.
    pub drain: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body: 256 * 1024,
            connections: 128,
            header_timeout: Duration::from_secs(5),
            body_timeout: Duration::from_secs(10),
            whole_request: Duration::from_secs(15),
            per_second: NonZeroU32::new(10).expect("ten is not zero"),
            burst: NonZeroU32::new(50).expect("fifty is not zero"),
            drain: Duration::from_secs(10),
        }
    }
}

/// Whose deliveries a link takes.
#[derive(Clone, Debug)]
pub struct LinkKey {
    /// The spreadsheet that the secret was given to.
    pub spreadsheet: SpreadsheetId,
    /// The present secret, and the previous one while it is being replaced.
    pub secrets: Vec<WebhookSecret>,
}

/// A delivery with a good signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// The link of its path.
    pub link: LinkName,
    /// Its `webhook-id`.
    pub message: EditId,
    /// Its body.
    pub delivery: Delivery,
    /// It was signed with the previous secret, which is being replaced.
    pub is_previous: bool,
}

/// What the daemon answers to a delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// All is decided: 200.
    Decided(Vec<EditAnswer>),
    /// All is durable and decided later: 202.
    AcceptedForLater,
    /// Nothing was kept: 503, the script comes again.
    Unavailable,
}

/// What stands behind the endpoint.
pub trait Door: Send + Sync + 'static {
    /// The keys of a link; `None` for a link that does not exist or takes no deliveries.
    fn key(&self, link: &LinkName) -> Option<LinkKey>;

    /// Makes a delivery durable, then answers. The future may be dropped when the request's time is over; what it had
    /// committed by then comes again under the same ids.
    fn deliver(&self, accepted: Accepted) -> impl Future<Output = Answer> + Send;
}

/// Serves until `shutdown` is done, then lets open requests end within `limits.drain`.
pub async fn serve<D: Door>(
    listener: Listener,
    door: Arc<D>,
    limits: Limits,
    shutdown: impl Future<Output = ()>,
) {
    let gate = Arc::new(Gate::new(door, limits));
    let answer = move |request| {
        let gate = Arc::clone(&gate);
        async move { gate.answer(request).await }
    };
    accept::accept(listener, limits, shutdown, answer).await;
}
