//! `SpreadsheetApp.getUi()`: menus, dialogs and toasts. Replies come from whoever started the run.

use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use super::Thrown;
use crate::script::engine::Host;
use crate::script::execution::{Reply, Shown};
use crate::script::lock;

/// One item of a menu that the script has added.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MenuItem {
    /// What the person reads.
    pub label: String,
    /// The function that it runs.
    pub function: String,
}

/// A menu that the script has added.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Menu {
    /// Its title in the menu bar.
    pub title: String,
    /// Its items.
    pub items: Vec<MenuItem>,
}

#[derive(Deserialize)]
#[serde(tag = "call", rename_all = "camelCase")]
enum Call {
    Menu { title: String, items: Vec<MenuItem> },
    Toast { title: String, text: String },
    Alert { title: String, text: String, buttons: String },
    Prompt { title: String, text: String, buttons: String },
}

pub(super) fn answer(host: &Host, call: &str) -> Result<Json, Thrown> {
    Ok(match serde_json::from_str(call)? {
        Call::Menu { title, items } => {
            let mut menus = lock(&host.shared().menus);
            menus.retain(|menu| menu.title != title);
            menus.push(Menu { title, items });
            Json::Null
        }
        Call::Toast { title, text } => {
            host.show(Shown::Toast { title, text });
            Json::Null
        }
        Call::Alert { title, text, buttons } => {
            host.show(Shown::Alert { title, text });
            reply(host, first(&buttons), &buttons)?
        }
        Call::Prompt { title, text, buttons } => {
            host.show(Shown::Prompt { title, text });
            reply(host, "CLOSE", &buttons)?
        }
    })
}

/// The next reply, or what a person does who was told nothing: agree to an alert, close a prompt.
fn reply(host: &Host, otherwise: &str, buttons: &str) -> Result<Json, Thrown> {
    let Reply { button, text } = host.reply().unwrap_or_else(|| Reply::button(otherwise));
    if button != "CLOSE" && !buttons.split('_').any(|one| one == button) {
        return Err(Thrown(format!("this dialog has no button {button}, only {buttons}")));
    }
    Ok(json!({ "button": button, "text": text }))
}

fn first(buttons: &str) -> &str {
    buttons.split('_').next().unwrap_or("OK")
}
