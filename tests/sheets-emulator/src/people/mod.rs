//! People at the grid: what they do, what can be undone, and which trigger events Google fires for it.

mod act;
mod action;
mod moving;
mod reversal;
mod taking_back;
mod trigger;
mod typing;
mod undo;

pub(crate) use act::act;
pub use action::Action;
pub use trigger::{ChangeType, Person, TriggerEvent, TriggerSink};
pub use undo::UndoStack;
