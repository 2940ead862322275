//! How a link is shown, as far as the spreadsheet decides it: its tab, its locale and its time zone.

use std::sync::{Arc, Mutex, PoisonError};

use crate::model::link::SheetId;
use crate::sheet::codec::{Context, UnknownZone};

/// What is known of it.
#[derive(Clone, Debug, Default)]
pub(super) struct Shown {
    pub(super) sheet: Option<SheetId>,
    pub(super) locale: String,
    pub(super) time_zone: String,
    pub(super) context: Option<Arc<Context>>,
    pub(super) unready: Option<String>,
}

/// The same, for all who convert values: it is known once the tab is ready.
#[derive(Clone, Debug)]
pub(super) struct Showing {
    state: Arc<Mutex<Shown>>,
    plain: Arc<Context>,
}

impl Showing {
    /// Before the spreadsheet is known.
    ///
    /// # Errors
    /// The system knows no UTC.
    pub(super) fn new() -> Result<Self, UnknownZone> {
        let plain = Arc::new(Context::new("en_US", "Etc/UTC")?);
        Ok(Self { state: Arc::default(), plain })
    }

    pub(super) fn get(&self) -> Shown {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn set(&self, shown: Shown) {
        *self.state.lock().unwrap_or_else(PoisonError::into_inner) = shown;
    }

    pub(super) fn set_unready(&self, reason: String) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).unready = Some(reason);
    }

    /// Before the spreadsheet is known rows are shown in UTC: nobody writes them anywhere then.
    pub(super) fn context(&self) -> Arc<Context> {
        self.get().context.unwrap_or_else(|| Arc::clone(&self.plain))
    }
}
