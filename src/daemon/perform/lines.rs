//! The lines of the tab `Log`: who changed which row, and what became of it. Columns are named, values are not told.

use crate::daemon::perform::wording::{moment, zone};
use crate::daemon::perform::{Performer, now};
use crate::daemon::table::Table;
use crate::engine::effect::{Conflict, TableWrite, Winner, WriteAim};
use crate::engine::input::WriteOutcome;
use crate::engine::plan::{Aim, Plan, PlannedOp};
use crate::sheet::log_tab::LogLine;

/// A batch of more rows is told in one line: a copy would leave no room for anything else.
const ONE_BY_ONE: usize = 50;

/// Who changed the sheet, where nobody told.
const SOMEBODY: &str = "somebody in the sheet";

/// Who changed the table.
const TABLE: &str = "the table";

impl Performer {
    /// A change of the sheet on its way into the table.
    pub(super) fn log_write(&self, write: &TableWrite, outcome: &WriteOutcome) {
        let table = &self.tables[write.table];
        let (mut row, what) = match &write.aim {
            WriteAim::Columns { key, wants, .. } => {
                (key.to_string(), headers(table, wants.iter().map(|want| want.column)))
            }
            WriteAim::Insert { key, .. } => {
                (key.as_ref().map(ToString::to_string).unwrap_or_default(), "new row".to_owned())
            }
            WriteAim::Delete { key, .. } => (key.to_string(), "row deleted".to_owned()),
            WriteAim::Mark { key, .. } => (key.to_string(), "row marked as deleted".to_owned()),
            WriteAim::Tie { key, .. } => (key.to_string(), "row tied to its record".to_owned()),
            WriteAim::Recreate { key, .. } => (key.to_string(), "deleted row made again".to_owned()),
            WriteAim::Rename(renaming) => (renaming.from.to_string(), "another key".to_owned()),
        };
        let became = match outcome {
            WriteOutcome::Done { key, wrote, left, refused, .. } => {
                row = key.to_string();
                let left = left.iter().map(|(at, why)| format!("{}: {why}", header(table, *at)));
                let refused = refused.iter().map(|(_, why)| format!("refused: {why}"));
                let taken = wrote.then(|| "in the table".to_owned());
                taken.into_iter().chain(left).chain(refused).collect::<Vec<_>>().join("; ")
            }
            WriteOutcome::Refused { reason, .. } => format!("refused: {reason}"),
            WriteOutcome::Outside => "refused: a record that this tab does not show has this key".to_owned(),
            WriteOutcome::Undone => "refused with another row of its paste".to_owned(),
            // It is decided anew.
            WriteOutcome::Exists | WriteOutcome::Failed => return,
        };
        let editor = write.cause.as_ref().and_then(|(_, editor)| editor.clone());
        if !became.is_empty() {
            self.log_line(table, editor.unwrap_or_else(|| SOMEBODY.to_owned()), row, what, became);
        }
    }

    /// A batch of changes of the table that stands in the sheet.
    pub(super) fn log_batch(&self, plan: &Plan) {
        for table in &self.tables {
            let told = |op: &&PlannedOp| op.link == table.link.rules.name && op.aim.is_of_the_table();
            let ops: Vec<&PlannedOp> = plan.ops.iter().filter(told).collect();
            if ops.len() > ONE_BY_ONE {
                let what = format!("{} rows", ops.len());
                self.log_line(table, TABLE.to_owned(), String::new(), what, "in the sheet".to_owned());
                continue;
            }
            for op in ops {
                let what = match &op.aim {
                    Aim::Cells { columns, .. } => headers(table, columns.iter().map(|cell| cell.column)),
                    aim => aim.word().to_owned(),
                };
                let row = op.aim.key().map(ToString::to_string).unwrap_or_default();
                self.log_line(table, TABLE.to_owned(), row, what, "in the sheet".to_owned());
            }
        }
    }

    /// A change on both sides.
    pub(super) fn log_conflict(&self, conflict: &Conflict) {
        let Some(table) = self.tables.get(conflict.table) else { return };
        let who = conflict.background.editor.clone().unwrap_or_else(|| SOMEBODY.to_owned());
        let row = conflict.key.as_ref().map(ToString::to_string).unwrap_or_default();
        let what = conflict.column.map_or_else(|| "the row".to_owned(), |at| header(table, at));
        let became = match conflict.winner {
            Winner::Database => "the table's value stands",
            Winner::Sheet => "the sheet's value stands",
            Winner::Rule => "what the link's rule says stands",
            Winner::Nobody => "held until somebody decides",
        };
        self.log_line(table, who, row, what, format!("changed on both sides: {became} ({})", conflict.rule));
    }

    fn log_line(&self, table: &Table, who: String, row: String, what: String, outcome: String) {
        let Some(diary) = self.diary.as_ref().filter(|_| table.link.log_tab) else { return };
        let when = moment(now(), &zone(table)).unwrap_or_default();
        diary.note(LogLine { when, who, link: table.link.rules.name.0.clone(), row, what, outcome });
    }
}

fn header(table: &Table, at: usize) -> String {
    table.plan.columns.get(at).map(|column| column.rule.header.clone()).unwrap_or_default()
}

fn headers(table: &Table, columns: impl Iterator<Item = usize>) -> String {
    columns.map(|at| header(table, at)).collect::<Vec<_>>().join(", ")
}
