//! `ScriptApp`: installable triggers.

use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use super::Thrown;
use crate::script::engine::Host;
use crate::script::lock;

/// As many triggers as one user may have in one script.
const MAX_TRIGGERS: usize = 20;

/// What an installable trigger waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum TriggerKind {
    /// Cells edited by a person.
    Edit,
    /// Structure changed by a person.
    Change,
    /// Time.
    Clock,
}

/// An installed trigger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstalledTrigger {
    /// Its id, which events carry as `triggerUid`.
    pub id: String,
    /// The function that it runs.
    pub function: String,
    /// What it waits for.
    pub kind: TriggerKind,
    /// How often, for [`TriggerKind::Clock`].
    pub minutes: u32,
    /// When a clock trigger runs next: milliseconds since 1970.
    #[serde(skip)]
    pub(in crate::script) due: i64,
}

#[derive(Deserialize)]
#[serde(tag = "call", rename_all = "camelCase")]
enum Call {
    Create { function: String, kind: TriggerKind, minutes: u32 },
    List,
    Delete { id: String },
}

pub(super) fn answer(host: &Host, call: &str) -> Result<Json, Thrown> {
    let mut installed = lock(&host.shared().triggers);
    Ok(match serde_json::from_str(call)? {
        Call::Create { .. } if installed.len() >= MAX_TRIGGERS => {
            let sentence = "This script has too many triggers. Triggers must be deleted from the script before more can be added.";
            return Err(Thrown(sentence.into()));
        }
        Call::Create { function, kind, minutes } => {
            let id = uuid::Uuid::new_v4().as_u128().to_string()[..19].to_owned();
            let due = host.now() + i64::from(minutes) * 60_000;
            let trigger = InstalledTrigger { id, function, kind, minutes, due };
            let answer = json!(trigger);
            installed.push(trigger);
            host.shared().queue.wake();
            answer
        }
        Call::List => json!(*installed),
        Call::Delete { id } => {
            installed.retain(|trigger| trigger.id != id);
            Json::Null
        }
    })
}
