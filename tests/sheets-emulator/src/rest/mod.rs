//! The Sheets v4 interface (and the little of Drive that clients use around it): Google's JSON over the grid.
//!
//! [`Route`] says what a call wants, [`perform`] does it against [`Google`](crate::Google). Sockets, tokens, quotas and faults are the
//! server's; nothing here waits.

mod address;
mod batch;
mod body;
mod cells;
mod discovery;
mod drive;
mod error;
mod fields;
mod mask;
mod perform;
mod print;
mod route;
mod show;
mod values;

pub use body::Body;
pub use cells::View;
pub(crate) use discovery::read;
pub use error::ApiError;
pub use mask::Mask;
pub use perform::{Answer, Ask, perform};
pub use print::{Style, print};
pub use route::{Kind, Query, Route};

use std::sync::LazyLock;

use serde_json::Value as Json;

/// The default format and theme of every spreadsheet, as recorded.
fn defaults() -> &'static Json {
    static DEFAULTS: LazyLock<Json> = LazyLock::new(|| {
        serde_json::from_str(include_str!("defaults.json")).expect("the recorded block is JSON")
    });
    &DEFAULTS
}
