//! Table writes one after the other, and what their outcomes mean.

use crate::engine::covered::list_covered;
use crate::engine::effect::{Background, Conflict, Effect, Level, Outcome, Winner, WriteAim};
use crate::engine::filter::{LEAVES, OUTSIDE};
use crate::engine::held::{Held, news};
use crate::engine::input::{DbState, WriteOutcome};
use crate::engine::meeting::Meeting;
use crate::engine::writing::{Queued, Writing};
use crate::engine::{Engine, LOOK_AGAIN, Stage, guard};
use crate::model::base::RowBase;
use crate::model::key::Key;
use crate::model::mark::EffectId;

impl Engine {
    /// Makes the next table write, or goes on to the batch when all are made.
    pub(super) fn go_on_writing(&mut self) {
        self.put_off_new_rows();
        let Stage::Writing(writing) = &mut self.stage else {
            return;
        };
        if !writing.outstanding.is_empty() {
            return;
        }
        if writing.queue.front().into_iter().flatten().any(|queued| queued.is_fetched(&self.tables)) {
            return;
        }
        if let Some(together) = writing.next_together(&self.tables, self.together) {
            for queued in &together {
                let table = &mut self.tables[queued.write.table];
                for key in queued.keys() {
                    table.raise_fence(key, queued.write.effect);
                }
                if let WriteAim::Insert { key: None, claim, .. } = &queued.write.aim {
                    table.inserting = *claim;
                }
            }
            let writes = together.iter().map(|queued| queued.write.clone()).collect();
            writing.outstanding = together;
            self.out.push_back(Effect::Write(writes));
            return;
        }
        let Stage::Writing(mut writing) = std::mem::replace(&mut self.stage, Stage::Idle) else { return };
        self.call_those_behind(&writing);
        if !writing.has_read() {
            return self.end_without_batch(&mut writing);
        }
        let answers = writing.answers();
        if !answers.is_empty() {
            self.out.push_back(Effect::Answer(answers));
        }
        let told = writing.told(self.headers(), |index| self.tables[index].first_key());
        self.out.push_back(Effect::Annotate(told));
        self.flush(*writing);
    }

    pub(super) fn on_wrote(&mut self, outcomes: Vec<(EffectId, WriteOutcome)>) {
        let Stage::Writing(mut writing) = std::mem::replace(&mut self.stage, Stage::Idle) else {
            return;
        };
        self.tables.iter_mut().for_each(|table| table.inserting = None);
        let (effects, outcomes): (Vec<_>, Vec<_>) = outcomes.into_iter().unzip();
        if writing.outstanding.iter().map(|queued| queued.write.effect).eq(effects) {
            let together = std::mem::take(&mut writing.outstanding);
            if together.iter().any(Queued::is_new_with_key) {
                writing.new_rows_since.get_or_insert(self.clock);
            }
            if writing.share {
                self.take_shared(together, outcomes, &mut writing);
            } else {
                self.take_outcomes(together, outcomes, &mut writing);
            }
        }
        self.stage = Stage::Writing(writing);
    }

    pub(super) fn take_outcome(&mut self, queued: Queued, outcome: WriteOutcome, writing: &mut Writing) {
        let index = queued.write.table;
        let now = self.clock;
        match outcome {
            WriteOutcome::Done { after, key, base, left, refused, wrote } => {
                self.release(&queued);
                let is_outside = matches!(after, DbState::Outside(_));
                writing.follow(index, &key, base.as_ref());
                self.took(&queued, key, after, base, wrote);
                writing.paid.extend(queued.write.pays);
                if let (WriteAim::Tie { .. }, Some(row)) = (&queued.write.aim, queued.row) {
                    let text = "the row is tied to its record in a moment";
                    return writing.judge(index, row, Outcome::Waiting, None, text.into());
                }
                if let Some(row) = queued.row {
                    if wrote {
                        let leaves = if is_outside { LEAVES } else { "" };
                        writing.judge(index, row, Outcome::Applied, None, leaves.into());
                    }
                    for (column, reason) in &left {
                        writing.judge(index, row, Outcome::Conflict, Some(*column), reason.clone());
                    }
                    for (column, reason) in &refused {
                        writing.judge(index, row, Outcome::Refused, Some(*column), reason.clone());
                    }
                }
                self.hold_back(&queued, refused.iter().cloned());
                for (_, reason) in left.iter().chain(&refused) {
                    list_covered(&queued, reason, writing);
                }
                if !left.is_empty()
                    && let Some(key) = queued.key()
                {
                    self.tables[index].fetch(key, self.seq);
                }
            }
            WriteOutcome::Refused { column, reason } => {
                self.not_committed(&queued);
                let refused = queued.content.map(|content| (content, (column, reason.clone())));
                self.tables[index].refused.extend(refused);
                list_covered(&queued, &reason, writing);
                writing.paid.extend(queued.write.pays);
                if let Some(row) = queued.row.filter(|_| !matches!(queued.write.aim, WriteAim::Rename(_))) {
                    // Where the server names no column all that was carried stays back, and each cell says so.
                    let columns = match (&queued.write.aim, column) {
                        (WriteAim::Columns { wants, .. }, None) => {
                            wants.iter().map(|want| Some(want.column)).collect()
                        }
                        (_, column) => vec![column],
                    };
                    for column in columns {
                        writing.judge(index, row, Outcome::Refused, column, reason.clone());
                    }
                }
                match &queued.write.aim {
                    WriteAim::Columns { wants, .. } => {
                        self.hold_back(&queued, wants.iter().map(|want| (want.column, reason.clone())));
                    }
                    // The edit stays in the sheet, listed; the row stays deleted.
                    WriteAim::Recreate { key, .. } => {
                        if let Some(pending) = self.tables[index].pending.get_mut(key) {
                            pending.state = DbState::Gone(None);
                        }
                    }
                    WriteAim::Rename(_) => self.renaming_refused(&queued, &reason, writing),
                    WriteAim::Insert { .. } => self.tell_at_its_row(&queued),
                    WriteAim::Delete { .. } | WriteAim::Mark { .. } | WriteAim::Tie { .. } => {}
                }
            }
            WriteOutcome::Exists => {
                self.not_committed(&queued);
                if let Some(key) = queued.key() {
                    self.tables[index].fetch(key, self.seq);
                }
            }
            WriteOutcome::Outside => {
                self.not_committed(&queued);
                let place = Some(self.tables[index].first_key());
                let refused = queued.content.map(|content| (content, (place, OUTSIDE.to_owned())));
                self.tables[index].refused.extend(refused);
                writing.conflicts.push(Conflict {
                    table: index,
                    key: queued.key().cloned(),
                    column: None,
                    database: None,
                    sheet: None,
                    winner: Winner::Nobody,
                    rule: OUTSIDE.into(),
                    background: Background::default(),
                });
                if let Some(row) = queued.row {
                    writing.judge(index, row, Outcome::Refused, place, OUTSIDE.into());
                }
                self.tell_at_its_row(&queued);
            }
            // Of a transaction that failed as a whole nothing else is told.
            WriteOutcome::Undone | WriteOutcome::Failed => {
                self.not_committed(&queued);
                self.tables[index].wakes.insert(now + LOOK_AGAIN);
            }
        }
    }

    pub(super) fn not_committed(&mut self, queued: &Queued) {
        for key in queued.keys() {
            self.tables[queued.write.table].not_committed(key);
        }
    }

    /// What was refused once, and was taken with the rest of its paste now.
    fn release(&mut self, queued: &Queued) {
        let table = &mut self.tables[queued.write.table];
        if let Some(content) = queued.content {
            table.refused.remove(&content);
        }
        if let WriteAim::Columns { key, wants, .. } = &queued.write.aim {
            for want in wants {
                table.held.release(&(key.clone(), want.column));
            }
        }
    }

    /// Cells that stay as they are until either side changes.
    fn hold_back(&mut self, queued: &Queued, refused: impl IntoIterator<Item = (usize, String)>) {
        let WriteAim::Columns { key, base, known, wants } = &queued.write.aim else {
            return;
        };
        let table = &mut self.tables[queued.write.table];
        for (at, why) in refused {
            if let Some(want) = wants.iter().find(|want| want.column == at && want.stands) {
                let base = base.columns.get(at).copied().flatten();
                let value = news(base, known.as_ref().and_then(|row| row.get(at)));
                table.held.hold((key.clone(), at), Held { cell: want.cell.digest(), value, why });
            }
        }
    }

    /// A guarded transaction is done: base stands as it stored it, and what waits becomes the row that it read back.
    fn took(&mut self, queued: &Queued, key: Key, after: DbState, base: Option<RowBase>, wrote: bool) {
        if let WriteAim::Rename(renaming) = &queued.write.aim {
            return self.renamed(&queued.write, renaming, (after, base, wrote));
        }
        let (now, seq) = (self.clock, self.seq);
        let table = &mut self.tables[queued.write.table];
        let columns = base.iter().flat_map(|base| base.columns.iter().flatten().enumerate());
        let formed = columns.filter(|(_, column)| column.value == guard::UNDECIDED);
        let forms: Vec<_> = formed.map(|(at, column)| ((key.clone(), at), column.cell)).collect();
        let unlike = !forms.is_empty();
        table.forms.extend(forms);
        if let (WriteAim::Insert { .. }, Some(meeting)) = (&queued.write.aim, &mut table.meeting) {
            meeting.is_born(&key);
        }
        match &queued.write.aim {
            WriteAim::Tie { claim, .. } => {
                let Some(base) = base.filter(|_| wrote) else {
                    // It is another record by now, or none: what the row finds then is asked again.
                    table.not_committed(&key);
                    return table.fetch(&key, seq);
                };
                let claimed = crate::engine::table::Claim {
                    key: key.clone(),
                    base,
                    missing_since: None,
                    named_at: None,
                };
                table.fresh.remove(claim);
                table.claims.insert(*claim, claimed);
                table.wakes.insert(now);
                table.meeting.as_mut().into_iter().for_each(Meeting::is_tied);
                // The other columns are decided on the locked row, once the key stands in the tab.
                return table.committed(queued.write.effect, key, seq, now, |_| Some(after));
            }
            WriteAim::Insert { claim: Some(claim), .. } => {
                let base = base.unwrap_or_default();
                let left = matches!(after, DbState::Outside(_)).then(|| key.clone());
                let claimed = crate::engine::table::Claim { key, base, missing_since: None, named_at: None };
                table.fresh.remove(claim);
                table.claims.insert(*claim, claimed);
                table.wakes.insert(now);
                if let Some(left) = left {
                    // The stream may have told it already, of a key that nobody knew yet: it leaves once it is named.
                    table.fetch(&left, seq);
                    let text = format!("the new row {left}: {LEAVES}");
                    self.tell(Some(queued.write.table), Level::Info, text);
                }
                return;
            }
            WriteAim::Delete { .. } | WriteAim::Mark { .. } => {
                match &after {
                    DbState::Gone(_) => {
                        if !table.allowed.contains(&key) {
                            table.deleted.push(now);
                        }
                        table.forget(&key, true);
                    }
                    // It is marked as deleted.
                    DbState::Row(_) | DbState::Outside(_) if wrote => {
                        table.deleted.push(now);
                        table.forget(&key, false);
                    }
                    // The row is another one by now, or not the link's any more: the edit beats the delete.
                    DbState::Row(_) | DbState::Outside(_) => {
                        table.gone.remove(&key);
                        table.fetch(&key, seq);
                    }
                }
            }
            WriteAim::Columns { .. }
            | WriteAim::Insert { .. }
            | WriteAim::Recreate { .. }
            | WriteAim::Rename(_) => match base {
                Some(base) => {
                    table.meet(&key, now);
                    table.set_base(key.clone(), base, now);
                }
                None if matches!(after, DbState::Gone(_)) => table.fetch(&key, seq),
                None => {}
            },
        }
        if wrote {
            let recreated = matches!(queued.write.aim, WriteAim::Recreate { .. });
            table.committed(queued.write.effect, key, seq, now, |waiting| {
                (waiting.is_some() || recreated || unlike).then_some(after)
            });
        } else {
            let leaves = matches!(after, DbState::Outside(_)) && !table.pending.contains_key(&key);
            table.not_committed(&key);
            if unlike || leaves {
                table.fetch(&key, seq);
            }
        }
    }
}
