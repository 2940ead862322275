//! A person's event as plain facts for a script; `triggers.js` makes Google's event object of them.

use serde_json::{Value as Json, json};

use super::execution::Trigger;
use super::services::TriggerKind;
use crate::grid::Area;
use crate::people::TriggerEvent;

/// Which triggers wait for this event.
pub(super) fn waits_for(event: &TriggerEvent) -> TriggerKind {
    match event {
        TriggerEvent::Edit { .. } => TriggerKind::Edit,
        TriggerEvent::Change { .. } => TriggerKind::Change,
    }
}

/// Why the run runs.
pub(super) fn cause(event: &TriggerEvent) -> Trigger {
    match event {
        TriggerEvent::Edit { .. } => Trigger::Edit,
        TriggerEvent::Change { .. } => Trigger::Change,
    }
}

/// The tab that the event names; a change names none.
pub(super) fn sheet(event: &TriggerEvent) -> Option<i32> {
    match event {
        TriggerEvent::Edit { sheet, .. } => Some(sheet.0),
        TriggerEvent::Change { .. } => None,
    }
}

/// The event's facts for one trigger. Absent values are left out, not null: a script asks whether they are there.
pub(super) fn facts(event: &TriggerEvent, trigger: &str, cleared_is_object: bool) -> Json {
    let mut facts = json!({ "authMode": "FULL", "triggerUid": trigger });
    match event {
        TriggerEvent::Edit { sheet, range, value, old_value, user } => {
            facts["kind"] = "edit".into();
            facts["sheet"] = sheet.0.into();
            facts["area"] = rectangle(*range);
            facts["user"] = user.0.as_ref().into();
            for (name, text) in [("value", value), ("oldValue", old_value)] {
                if let Some(text) = text {
                    facts[name] = text.as_str().into();
                }
            }
            if let (None, Some(old), true) = (value, old_value, cleared_is_object) {
                facts["value"] = json!({ "oldValue": old });
            }
        }
        TriggerEvent::Change { change, user } => {
            facts["kind"] = "change".into();
            facts["changeType"] = json!(change);
            facts["user"] = user.0.as_ref().into();
        }
    }
    facts
}

/// A rectangle in Apps Script's numbers: from 1, with counts.
pub(super) fn rectangle(area: Area) -> Json {
    json!({ "row": area.top + 1, "column": area.left + 1, "rows": area.height(), "columns": area.width() })
}
