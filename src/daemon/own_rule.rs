//! The operator's own rule for one column, between the engine's cells and the rule's values.

use std::sync::Arc;

use crate::config::rule::{Answer, Case, Failed, Rule};
use crate::config::settings::Link;
use crate::daemon::showing::Showing;
use crate::daemon::table::UnfitLink;
use crate::engine::conflict::{self, OwnRule, Ruling};
use crate::model::rule::Policy;
use crate::model::schema::Column;
use crate::model::value::Value;
use crate::sheet::codec;

/// The rule that the link gives a column, if it gives one, tried on it.
pub(super) fn serve(
    link: &Link,
    table: &str,
    at: usize,
    columns: &Arc<[Column]>,
    showing: &Showing,
) -> Result<Option<Arc<dyn OwnRule>>, UnfitLink> {
    let column = &columns[at].name;
    let Some(rule) = link.own_rule(column) else { return Ok(None) };
    match Served::new(rule.clone(), at, Arc::clone(columns), showing.clone()) {
        Ok(served) => Ok(Some(Arc::new(served))),
        Err(why) => Err(UnfitLink::Rule { table: table.to_owned(), column: column.clone(), why }),
    }
}

/// One column of a link and the rule that serves it.
#[derive(Debug)]
struct Served {
    rule: Rule,
    /// The column's place among the link's columns.
    at: usize,
    columns: Arc<[Column]>,
    showing: Showing,
}

impl Served {
    /// Lets a rule serve a column, after it was tried on it.
    ///
    /// # Errors
    /// It does not work there.
    fn new(rule: Rule, at: usize, columns: Arc<[Column]>, showing: Showing) -> Result<Self, Failed> {
        rule.try_on(&columns[at], &columns)?;
        Ok(Self { rule, at, columns, showing })
    }

    /// The cell that shows a value of the rule, if the value comes back from it: the table takes what the cell means.
    fn shown(&self, value: &Value) -> Option<crate::model::cell::Cell> {
        let (column, context) = (&self.columns[self.at], self.showing.context());
        let cell = codec::shown(column, value, &context);
        codec::meaning(column, &cell, &context).is_ok().then_some(cell)
    }
}

impl OwnRule for Served {
    fn decide(&self, case: &conflict::Case<'_>) -> Ruling {
        let column = &self.columns[self.at];
        let Ok(sheet) = codec::meaning(column, case.sheet, &self.showing.context()) else {
            // It is refused in the words that every column has for that.
            return Ruling::Policy(Policy::Sheet);
        };
        let row: Vec<(&str, &Value)> = if case.row.len() == self.columns.len() {
            self.columns
                .iter()
                .map(|column| column.name.as_str())
                .zip(case.row.iter().map(|cell| &cell.value))
                .collect()
        } else {
            Vec::new()
        };
        let decided = self.rule.decide(&Case {
            column,
            db: &case.database.value,
            sheet: &sheet,
            base: case.base.map(|cell| &cell.value),
            row: &row,
            db_time: case.commit,
            sheet_time: case.edit.1,
            editor: case.editor.unwrap_or_default(),
        });
        match decided {
            Ok(Answer::Database) => Ruling::Policy(Policy::Database),
            Ok(Answer::Sheet) => Ruling::Policy(Policy::Sheet),
            Ok(Answer::Newest) => Ruling::Policy(Policy::Newest),
            Ok(Answer::Hold) => Ruling::Policy(Policy::Hold),
            Ok(Answer::Value(value)) => self.shown(&value).map_or(Ruling::Failed, Ruling::Value),
            Err(Failed { .. }) => Ruling::Failed,
        }
    }
}
