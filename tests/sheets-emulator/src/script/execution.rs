//! The record of one run of a script function: what Google's "Executions" page shows, and what a person saw of it.

use serde::{Deserialize, Serialize};

/// Number of an execution, counted from 1 in each script.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ExecutionId(pub u64);

/// Why a function ran.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trigger {
    /// The spreadsheet was opened (simple trigger `onOpen`).
    Open,
    /// A person chose a menu item.
    Menu,
    /// Cells were edited.
    Edit,
    /// Structure changed.
    Change,
    /// Time passed.
    Clock,
}

/// How an execution ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "outcome", content = "why")]
pub enum Outcome {
    /// It returned.
    Completed,
    /// It threw; Google mails the owner a summary.
    Failed(String),
    /// It was killed from outside; nothing in the script noticed.
    Killed,
    /// `Exceeded maximum execution time`.
    TimedOut,
    /// The event never became a run: lost or beyond the queue's end.
    Dropped(String),
}

/// One line that the script logged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// `info`, `warn` or `error`.
    pub level: String,
    /// Its text.
    pub text: String,
}

/// What the script showed to the person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Shown {
    /// A message in the corner.
    Toast {
        /// Heading.
        title: String,
        /// Message.
        text: String,
    },
    /// A box that waits for a button.
    Alert {
        /// Heading.
        title: String,
        /// Message.
        text: String,
    },
    /// A box that asks for a text.
    Prompt {
        /// Heading.
        title: String,
        /// Question.
        text: String,
    },
}

impl Shown {
    /// The message or question.
    pub fn text(&self) -> &str {
        match self {
            Self::Toast { text, .. } | Self::Alert { text, .. } | Self::Prompt { text, .. } => text,
        }
    }
}

/// What the person does with a dialog.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub struct Reply {
    /// `OK`, `CANCEL`, `YES`, `NO` or `CLOSE`.
    #[serde(default = "ok")]
    pub button: String,
    /// What was typed into a prompt.
    #[serde(default)]
    pub text: String,
}

fn ok() -> String {
    "OK".into()
}

impl Reply {
    /// Types this and presses OK.
    pub fn text(text: impl Into<String>) -> Self {
        Self { button: ok(), text: text.into() }
    }

    /// Presses this button.
    pub fn button(button: impl Into<String>) -> Self {
        Self { button: button.into(), text: String::new() }
    }
}

/// One request that the script sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sent {
    /// Where.
    pub url: String,
    /// The answer's status; `None` if there was no answer.
    pub status: Option<u16>,
}

/// One run of a script function.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub struct Execution {
    /// Its number.
    pub id: ExecutionId,
    /// The function.
    pub function: String,
    /// Why it ran.
    pub trigger: Trigger,
    /// How it ended.
    #[serde(flatten)]
    pub outcome: Outcome,
    /// When it began, milliseconds since 1970 by the script's clock.
    pub started: i64,
    /// How long it took, `Utilities.sleep` included.
    pub took_ms: u64,
    /// What it logged.
    pub lines: Vec<Line>,
    /// What it showed.
    pub shown: Vec<Shown>,
    /// What it sent.
    pub sent: Vec<Sent>,
}
