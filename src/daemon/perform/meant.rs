//! What the cells of a row mean for the table, and which of them cannot mean anything there.

use crate::daemon::table::Table;
use crate::engine::effect::Want;
use crate::engine::guard::Meant;
use crate::model::cell::Cell;
use crate::model::grid::GridCell;
use crate::model::value::Value;

/// A new row of a person.
#[derive(Debug, Default)]
pub(super) struct NewRow {
    /// Every column that base gets.
    pub(super) meant: Vec<Meant>,
    /// What the INSERT sets: column of the table, and value.
    pub(super) sets: Vec<(usize, Value)>,
}

/// A cell that the codec refuses, with the sentence for the person.
#[derive(Debug)]
pub(super) struct Refused {
    /// The link's column.
    pub(super) column: usize,
    /// Why.
    pub(super) reason: String,
}

pub(super) fn mean(table: &Table, want: &Want) -> Result<Meant, String> {
    let asked = want.instead.as_ref().unwrap_or(&want.cell);
    let value = table.meaning(want.column, asked).map_err(|refusal| refusal.to_string())?;
    let shown = table.show_value(want.column, &value);
    Ok(Meant { want: want.clone(), value, shown })
}

/// The values of a new row: what is blank is left to the table's defaults, which then come back as a change of the database.
pub(super) fn meant_row(
    table: &Table,
    cells: &[GridCell],
    server_makes_key: bool,
) -> Result<NewRow, Refused> {
    let mut row = NewRow::default();
    for (at, cell) in cells.iter().enumerate() {
        let column = &table.plan.columns[at];
        if column.key && server_makes_key {
            continue;
        }
        let want = Want { calculated: cell.formula.is_some(), ..Want::of(at, cell.value.clone()) };
        if cell.value.is_blank() || table.column(at).generated {
            let cell = Cell::Blank;
            let want = if table.column(at).generated { want } else { Want { cell: cell.clone(), ..want } };
            row.meant.push(Meant { shown: want.cell.clone(), want, value: Value::Null });
            continue;
        }
        let one = mean(table, &want).map_err(|reason| Refused { column: at, reason })?;
        row.sets.push((table.place(at), one.value.clone()));
        row.meant.push(one);
    }
    Ok(row)
}
