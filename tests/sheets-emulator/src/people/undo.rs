//! What people can take back: of each action the spreadsheet before it and after it. Both share their cells with the
//! spreadsheet itself, so that remembering costs little more than what the action changed.

use std::sync::Arc;

use super::Person;
use crate::grid::Spreadsheet;

/// One action: what it found and what it left.
#[derive(Debug, Clone)]
pub(crate) struct Deed {
    /// Whose.
    person: Person,
    /// The spreadsheet just before it.
    pub(super) before: Arc<Spreadsheet>,
    /// The spreadsheet just after it.
    pub(super) after: Arc<Spreadsheet>,
}

impl Deed {
    pub(super) fn new(person: Person, before: Spreadsheet, after: &Spreadsheet) -> Self {
        // What could be undone then is of no use, and would keep every earlier state alive.
        let alone = |mut spreadsheet: Spreadsheet| {
            spreadsheet.undo = UndoStack::default();
            Arc::new(spreadsheet)
        };
        Self { person, before: alone(before), after: alone(after.clone()) }
    }
}

/// How many actions are remembered for a spreadsheet.
const DEPTH: usize = 100;

/// What can be taken back and what can be done again, the latest last.
#[derive(Debug, Clone, Default)]
pub struct UndoStack {
    done: Arc<Vec<Deed>>,
    undone: Arc<Vec<Deed>>,
}

impl UndoStack {
    /// Remembers an action. What this person had taken back before cannot be done again.
    pub(super) fn push(&mut self, deed: Deed) {
        if self.undone.iter().any(|undone| undone.person == deed.person) {
            Arc::make_mut(&mut self.undone).retain(|undone| undone.person != deed.person);
        }
        push(&mut self.done, deed);
    }

    /// This person's last action, to be taken back.
    pub(super) fn undo(&mut self, person: &Person) -> Option<Deed> {
        let deed = pop(&mut self.done, person)?;
        push(&mut self.undone, deed.clone());
        Some(deed)
    }

    /// The action that this person took back last, to be done again.
    pub(super) fn redo(&mut self, person: &Person) -> Option<Deed> {
        let deed = pop(&mut self.undone, person)?;
        push(&mut self.done, deed.clone());
        Some(deed)
    }
}

fn push(deeds: &mut Arc<Vec<Deed>>, deed: Deed) {
    let deeds = Arc::make_mut(deeds);
    if deeds.len() == DEPTH {
        deeds.remove(0);
    }
    deeds.push(deed);
}

fn pop(deeds: &mut Arc<Vec<Deed>>, person: &Person) -> Option<Deed> {
    let place = deeds.iter().rposition(|deed| deed.person == *person)?;
    Some(Arc::make_mut(deeds).remove(place))
}
