//! Pastes as a whole: where a link says `paste = "all"`, the rows of one edit go into the table in one transaction or not at all.
//!
//! An announced edit tells its rows. Without an announcement, changed rows that stand next to each other in one read are taken
//! for one paste. Rows of records and new rows come in two transactions, because a new row rests and is claimed first.
//!
//! When one row is refused all of them are, each with the row that was the reason in its note, and they are remembered as one
//! paste. A row that is refused already is not tried again by itself; it is, together with its paste, when any other row of that
//! was changed.

use std::collections::{BTreeMap, BTreeSet};

use crate::engine::Engine;
use crate::engine::LOOK_AGAIN;
use crate::engine::effect::{Outcome, TableWrite, WriteAim};
use crate::engine::filter::OUTSIDE;
use crate::engine::input::{EditHint, Micros, WriteOutcome};
use crate::engine::inspect::LOOKED_AT_AGAIN;
use crate::engine::writing::{Queued, Writing};
use crate::model::digest::Digest;
use crate::model::key::Key;
use crate::model::mark::{ClaimId, EffectId};
use crate::model::rule::Paste;

/// What tells a row of a paste again when it was changed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Member {
    /// Its key.
    Key(Key),
    /// The claim on a new row that has none.
    Claim(ClaimId),
}

/// A write that was refused as it stands.
#[derive(Clone, Debug)]
pub(super) struct Shelved {
    pub(super) table: usize,
    pub(super) row: u32,
    pub(super) aim: WriteAim,
    pub(super) content: Option<Digest>,
    /// It was refused only because another row of its paste was.
    pub(super) is_beside: bool,
}

/// How the reason of such a row begins.
pub(super) const BESIDE: &str = "not taken over, because ";

/// An edit as it was announced: who and when, and its rows.
type Announced<'a> = ((Option<Micros>, Option<&'a str>), u32, u32);

/// The member that a write is for; `None` for one that belongs to no paste.
fn member(aim: &WriteAim) -> Option<Member> {
    match aim {
        WriteAim::Columns { key, .. } | WriteAim::Insert { key: Some(key), .. } => {
            Some(Member::Key(key.clone()))
        }
        WriteAim::Insert { claim, .. } => claim.map(Member::Claim),
        WriteAim::Delete { .. }
        | WriteAim::Mark { .. }
        | WriteAim::Tie { .. }
        | WriteAim::Recreate { .. }
        | WriteAim::Rename(_) => None,
    }
}

impl Engine {
    /// Puts the writes of one paste together.
    pub(super) fn gather(&mut self, writing: &mut Writing) {
        for index in 0..self.tables.len() {
            if self.tables[index].plan.rules.paste == Paste::All {
                self.gather_rows(index, writing);
            }
        }
    }

    fn gather_rows(&mut self, index: usize, writing: &mut Writing) {
        let is_new = |queued: &Queued| matches!(queued.write.aim, WriteAim::Insert { .. });
        // Rows of records and new rows apart, by their places.
        let mut fresh: [BTreeMap<u32, Queued>; 2] = Default::default();
        for together in std::mem::take(&mut writing.queue) {
            match <[Queued; 1]>::try_from(together) {
                Ok([queued @ Queued { row: Some(row), .. }])
                    if queued.write.table == index && member(&queued.write.aim).is_some() =>
                {
                    fresh[usize::from(is_new(&queued))].insert(row, queued);
                }
                Ok(other) => writing.queue.push_back(other.into()),
                Err(together) => writing.queue.push_back(together),
            }
        }
        let shelved = std::mem::take(&mut writing.shelved);
        let (mut shelved, others) = shelved.into_iter().partition(|shelved| shelved.table == index);
        writing.shelved = others;
        self.forget_pastes(index, &fresh, &shelved, writing);
        for queued in self.orphans(index, &mut shelved) {
            let at = usize::from(is_new(&queued));
            fresh[at].extend(queued.row.map(|row| (row, queued)));
        }
        let undecided = self.undecided(index, writing);
        for mut fresh in fresh {
            let rows: BTreeSet<u32> = fresh.keys().copied().collect();
            let looked: BTreeSet<u32> = rows.union(&undecided).copied().collect();
            for paste in pastes(&looked, &announced(&writing.hints, index)) {
                let mut together: Vec<Queued> = paste.iter().filter_map(|row| fresh.remove(row)).collect();
                if together.is_empty() {
                    continue;
                }
                if paste.is_disjoint(&undecided) {
                    together.extend(self.join(index, &together, &mut shelved));
                    writing.queue.push_back(together);
                    continue;
                }
                for row in together.iter().filter_map(|queued| queued.row) {
                    writing.judge(index, row, Outcome::Waiting, None, LOOKED_AT_AGAIN.into());
                }
                self.tables[index].wakes.insert(self.clock + LOOK_AGAIN);
            }
        }
    }

    /// Rows of records that this read does not decide: a paste that has one waits for it.
    fn undecided(&self, index: usize, writing: &Writing) -> BTreeSet<u32> {
        let table = &self.tables[index];
        let Some(Ok(tab)) = writing.view.tabs.get(index) else { return BTreeSet::new() };
        let key = |row: u32| tab.rows.key(tab.rows.place(row)?);
        let open = writing.open.iter().filter(|(table, _)| *table == index).map(|(_, row)| *row);
        open.filter(|row| key(*row).is_some_and(|key| table.base.contains_key(&key))).collect()
    }

    /// Rows whose paste is forgotten, as after a restart, with those that they stand next to: they are tried again together.
    fn orphans(&mut self, index: usize, shelved: &mut Vec<Shelved>) -> Vec<Queued> {
        let pasted = &self.tables[index].pasted;
        let is_known =
            |shelved: &Shelved| member(&shelved.aim).is_some_and(|member| pasted.contains_key(&member));
        let (known, forgotten): (Vec<_>, Vec<_>) = std::mem::take(shelved).into_iter().partition(is_known);
        let rows = |of: &dyn Fn(&Shelved) -> bool| -> BTreeSet<u32> {
            forgotten.iter().filter(|shelved| of(shelved)).map(|shelved| shelved.row).collect()
        };
        let beside = rows(&|shelved| shelved.is_beside);
        let runs = pastes(&rows(&|_| true), &[]);
        let again: BTreeSet<u32> =
            runs.into_iter().filter(|run| !run.is_disjoint(&beside)).flatten().collect();
        let (orphans, alone): (Vec<_>, Vec<_>) =
            forgotten.into_iter().partition(|shelved| again.contains(&shelved.row));
        shelved.extend(known.into_iter().chain(alone));
        orphans.into_iter().map(|orphan| self.queued_again(orphan)).collect()
    }

    fn queued_again(&mut self, Shelved { table, row, aim, content, .. }: Shelved) -> Queued {
        let write = TableWrite { effect: self.next_effect_id(), table, aim, cause: None, pays: None };
        Queued { write, row: Some(row), content, alone: false }
    }

    /// The refused rows of the pastes that these writes belong to.
    fn join(&mut self, index: usize, fresh: &[Queued], shelved: &mut Vec<Shelved>) -> Vec<Queued> {
        let pasted = &self.tables[index].pasted;
        let paste = |aim: &WriteAim| member(aim).and_then(|member| pasted.get(&member).copied());
        let pastes: BTreeSet<EffectId> = fresh.iter().filter_map(|queued| paste(&queued.write.aim)).collect();
        let (joined, left) = std::mem::take(shelved)
            .into_iter()
            .partition(|shelved| paste(&shelved.aim).is_some_and(|paste| pastes.contains(&paste)));
        *shelved = left;
        let joined: Vec<Shelved> = joined;
        joined.into_iter().map(|shelved| self.queued_again(shelved)).collect()
    }

    /// A paste of which nothing is refused any more is none.
    fn forget_pastes(
        &mut self,
        index: usize,
        fresh: &[BTreeMap<u32, Queued>],
        shelved: &[Shelved],
        writing: &Writing,
    ) {
        if !writing.looked[index] || self.tables[index].pasted.is_empty() {
            return;
        }
        let undecided = self.undecided(index, writing);
        let table = &mut self.tables[index];
        let tab = writing.view.tabs.get(index).and_then(|tab| tab.as_ref().ok());
        let key = |row: u32| tab.and_then(|tab| Some(tab.rows.key(tab.rows.place(row)?)?.into_owned()));
        let open = undecided.into_iter().filter_map(key).map(Member::Key);
        let aims = fresh.iter().flat_map(|rows| rows.values()).map(|queued| &queued.write.aim);
        let aims = aims.chain(shelved.iter().map(|shelved| &shelved.aim)).filter_map(member);
        let live: BTreeSet<EffectId> =
            aims.chain(open).filter_map(|member| table.pasted.get(&member).copied()).collect();
        table.pasted.retain(|_, paste| live.contains(paste));
    }

    /// What became of the writes of one transaction.
    pub(super) fn take_outcomes(
        &mut self,
        together: Vec<Queued>,
        outcomes: Vec<WriteOutcome>,
        writing: &mut Writing,
    ) {
        let blamed = together.iter().zip(&outcomes).find_map(|(queued, outcome)| blame(queued, outcome));
        let is_done = outcomes.iter().all(|outcome| matches!(outcome, WriteOutcome::Done { .. }));
        if let Some(Queued { write: TableWrite { effect, table, .. }, .. }) = together.first() {
            let pasted = &mut self.tables[*table].pasted;
            for member in together.iter().filter_map(|queued| member(&queued.write.aim)) {
                if is_done {
                    pasted.remove(&member);
                } else if blamed.is_some() && together.len() > 1 {
                    pasted.insert(member, *effect);
                }
            }
        }
        for (queued, outcome) in together.into_iter().zip(outcomes) {
            let outcome = match (outcome, &blamed) {
                (WriteOutcome::Undone, Some(reason)) => {
                    WriteOutcome::Refused { column: None, reason: reason.clone() }
                }
                (WriteOutcome::Undone, None) => WriteOutcome::Failed,
                (outcome, _) => outcome,
            };
            self.take_outcome(queued, outcome, writing);
        }
    }
}

/// What the other rows of a paste are told of the one that was refused.
fn blame(queued: &Queued, outcome: &WriteOutcome) -> Option<String> {
    let reason = match outcome {
        WriteOutcome::Refused { reason, .. } => reason,
        WriteOutcome::Outside => OUTSIDE,
        WriteOutcome::Done { .. } | WriteOutcome::Exists | WriteOutcome::Undone | WriteOutcome::Failed => {
            return None;
        }
    };
    let row = queued.row? + 1;
    Some(format!("{BESIDE}row {row} of the same paste was refused: {reason}"))
}

/// The edits of a tab in the order in which they came; the script cuts a large one in pieces that follow each other.
fn announced(hints: &[EditHint], table: usize) -> Vec<Announced<'_>> {
    let mut edits: Vec<Announced<'_>> = Vec::new();
    for hint in hints.iter().filter(|hint| hint.table == table) {
        let (Some((first, last)), who) = (hint.rows, (hint.at, hint.editor.as_deref())) else { continue };
        match edits.last_mut() {
            Some((before, _, end)) if *before == who && end.saturating_add(1) == first => *end = last,
            _ => edits.push((who, first, last)),
        }
    }
    edits
}

/// Which of these rows belong together: those of one announced edit, and of the others those that stand next to each other.
fn pastes(rows: &BTreeSet<u32>, edits: &[Announced<'_>]) -> Vec<BTreeSet<u32>> {
    let mut pastes: Vec<BTreeSet<u32>> = Vec::new();
    let mut others = rows.clone();
    for (_, first, last) in edits {
        let mut paste: BTreeSet<u32> = rows.range(first..=last.max(first)).copied().collect();
        others.retain(|row| !paste.contains(row));
        pastes.retain(|earlier| {
            let apart = earlier.is_disjoint(&paste);
            if !apart {
                paste.extend(earlier);
            }
            apart
        });
        if !paste.is_empty() {
            pastes.push(paste);
        }
    }
    let mut end = None;
    for row in others {
        match pastes.last_mut().filter(|_| end == Some(row)) {
            Some(paste) => drop(paste.insert(row)),
            None => pastes.push(BTreeSet::from([row])),
        }
        end = Some(row + 1);
    }
    pastes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grouped(rows: &[u32], edits: &[Announced<'_>]) -> Vec<Vec<u32>> {
        let rows = rows.iter().copied().collect();
        pastes(&rows, edits).into_iter().map(|paste| paste.into_iter().collect()).collect()
    }

    const ANN: (Option<Micros>, Option<&str>) = (Some(7), Some("ann@example.com"));

    #[test]
    fn an_edit_tells_its_rows_and_others_belong_together_where_they_touch() {
        assert_eq!(grouped(&[3, 4, 6], &[]), [vec![3, 4], vec![6]]);
        assert_eq!(grouped(&[3, 4, 6], &[(ANN, 2, 9)]), [vec![3, 4, 6]]);
        assert_eq!(grouped(&[3, 4, 5, 6], &[(ANN, 4, 4), (ANN, 5, 5)]), [vec![4], vec![5], vec![3], vec![6]]);
        assert_eq!(
            grouped(&[3, 4, 5], &[(ANN, 3, 4), (ANN, 4, 5)]),
            [vec![3, 4, 5]],
            "one row has one write"
        );
        assert_eq!(grouped(&[], &[(ANN, 3, 4)]), Vec::<Vec<u32>>::new());
    }

    #[test]
    fn a_large_edit_that_came_in_pieces_is_one() {
        let hint = |edit, rows, editor: &str| EditHint {
            edit,
            table: 0,
            rows: Some(rows),
            at: Some(7),
            editor: Some(editor.into()),
        };
        let hints = [hint(1, (1, 40), "ann"), hint(2, (41, 90), "ann"), hint(3, (91, 91), "bob")];
        let edits: Vec<(u32, u32)> =
            announced(&hints, 0).iter().map(|(_, first, last)| (*first, *last)).collect();
        assert_eq!(edits, [(1, 90), (91, 91)]);
    }
}
