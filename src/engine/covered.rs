//! Values that a write of ours covered: typed between its read and its send, known from the receipt, judged like any conflict.

use crate::engine::conflict::{Case, Verdict};
use crate::engine::effect::{Background, Conflict, TableWrite, Want, Winner, WriteAim};
use crate::engine::owed::{Owed, OwedId};
use crate::engine::writing::{Queued, Writing};
use crate::engine::{Engine, LOOK_AGAIN, conflict};
use crate::model::cell::Cell;
use crate::model::key::Key;

impl Engine {
    /// Values that a write of ours covered are judged like any conflict: they were typed after the read that the write rested on.
    pub(super) fn judge_covered_edits(&mut self, writing: &mut Writing) {
        let covered: Vec<(OwedId, Owed)> = self.owed.iter().map(|(id, owed)| (*id, owed.clone())).collect();
        for (id, owed) in covered {
            let Owed::Edit { link, key, column, cell, typed } = owed else {
                continue;
            };
            let Some(index) = self.table_named(&link) else {
                continue;
            };
            let table = &self.tables[index];
            if table.is_fetching(&key)
                || writing.queue.iter().flatten().any(|queued| queued.key() == Some(&key))
            {
                self.tables[index].wakes.insert(self.clock + LOOK_AGAIN);
                continue;
            }
            let plan = table.plan.columns.get(column).cloned();
            let (Some(plan), Some(base)) = (plan, table.base.get(&key)) else {
                lose(writing, id, (index, key, column), cell.value, "the row is gone");
                continue;
            };
            let pending = table.pending.get(&key);
            let commit = pending.map_or(0, |pending| pending.commit);
            let known = pending.and_then(|pending| pending.state.row()).cloned();
            let tie = table.plan.rules.tie;
            let seen = known.as_ref().and_then(|row| Some((row, row.get(column)?)));
            let verdict = if let Some((row, database)) = seen {
                let (sheet, base, edit, editor) = (&cell.value, None, typed, None);
                conflict::settle(&plan, tie, &Case { database, sheet, base, row, commit, edit, editor })
            } else {
                // Nothing but our own write stands against it.
                let (winner, rule) =
                    conflict::judge(plan.rule.policy, plan.rule.direction, tie, commit, typed);
                Verdict { winner, rule, value: None }
            };
            let Verdict { winner, rule: why, value: instead } = verdict;
            if !matches!(winner, Winner::Sheet | Winner::Rule) || cell.formula.is_some() {
                lose(writing, id, (index, key, column), cell.value, why);
                continue;
            }
            writing.conflicts.push(Conflict {
                table: index,
                key: Some(key.clone()),
                column: Some(column),
                database: known.as_ref().and_then(|row| row.get(column)).map(|cell| cell.shown.clone()),
                sheet: Some(cell.value.clone()),
                winner,
                rule: format!("typed while we wrote; {why}"),
                background: Background::default(),
            });
            let wants = vec![Want {
                column,
                cell: cell.value,
                instead,
                wins: true,
                stands: false,
                form_stands: false,
                calculated: false,
            }];
            let effect = self.next_effect_id();
            let aim = WriteAim::Columns { key, base, known, wants };
            let write = TableWrite { effect, table: index, aim, cause: None, pays: Some(id) };
            writing.push(write, None, None);
        }
    }
}

/// A covered value that does not win is listed.
fn lose(
    writing: &mut Writing,
    id: OwedId,
    (table, key, column): (usize, Key, usize),
    sheet: Cell,
    why: &str,
) {
    let (key, column, sheet) = (Some(key), Some(column), Some(sheet));
    let rule = format!("typed while we wrote; {why}");
    writing.conflicts.push(Conflict {
        table,
        key,
        column,
        database: None,
        sheet,
        winner: Winner::Database,
        rule,
        background: Background::default(),
    });
    writing.paid.push(id);
}

/// A covered edit that does not reach the table stands nowhere any more: it is listed.
pub(crate) fn list_covered(queued: &Queued, reason: &str, writing: &mut Writing) {
    let WriteAim::Columns { key, wants, .. } = &queued.write.aim else {
        return;
    };
    let covered = wants.iter().filter(|want| !want.stands);
    writing.conflicts.extend(covered.map(|want| Conflict {
        table: queued.write.table,
        key: Some(key.clone()),
        column: Some(want.column),
        database: None,
        sheet: Some(want.cell.clone()),
        winner: Winner::Database,
        rule: format!("typed while we wrote; {reason}"),
        background: Background::default(),
    }));
}
