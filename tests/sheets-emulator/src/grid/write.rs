//! Putting entered values down, and titles of tabs.

use serde_json::json;

use super::{Refusal, SheetId, Spreadsheet, Value};
use crate::entry::Entered;

impl Spreadsheet {
    /// Puts what typing came to into a cell; the format that comes with it is taken only where the cell has none.
    pub fn put_entered(
        &mut self,
        id: SheetId,
        row: u32,
        column: u32,
        entered: Entered,
    ) -> Result<(), Refusal> {
        self.has_formulas |= matches!(entered.value, Value::Formula(_));
        let tab = self.grid_mut(id)?;
        if tab.is_swallowed(row, column) {
            return Ok(());
        }
        tab.set_value(row, column, entered.value);
        if let Some((kind, pattern)) = entered.format
            && tab.cell(row, column).number_format().is_none()
        {
            let format = json!({"type": kind, "pattern": pattern});
            tab.rows.change_cell(row, column, |cell| {
                cell.change_look(|look| drop(look.format.insert("numberFormat".into(), format)));
            });
        }
        Ok(())
    }

    /// May a tab (`except` itself) be called so?
    pub fn check_title(&self, title: &str, except: Option<SheetId>) -> Result<(), Refusal> {
        if title.is_empty() {
            return Err(Refusal::new("The sheet name cannot be empty."));
        }
        if self.tab_titled(title).is_some_and(|tab| Some(tab.id) != except) {
            return Err(Refusal(format!(
                "A sheet with the name \"{title}\" already exists. Please enter another name."
            )));
        }
        Ok(())
    }

    /// Gives a tab another title. References in formulas follow.
    pub fn rename_tab(&mut self, id: SheetId, title: &str) -> Result<(), Refusal> {
        self.check_title(title, Some(id))?;
        let old = self.grid(id)?.title.clone();
        title.clone_into(&mut self.grid_mut(id)?.title);
        if self.has_formulas {
            self.rename_in_formulas(&old, title);
        }
        Ok(())
    }

    fn rename_in_formulas(&mut self, old: &str, new: &str) {
        for tab in &mut self.tabs {
            tab.rows.change_where(
                |row| row.iter().any(super::structure::is_formula),
                |_, row| {
                    for cell in row.iter_mut() {
                        if let Value::Formula(text) = &cell.value
                            && let Some(text) = crate::formula::after_rename(text, old, new)
                        {
                            cell.value = Value::Formula(text.into());
                        }
                    }
                },
            );
        }
    }
}
