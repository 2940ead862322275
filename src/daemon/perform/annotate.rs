//! The people in the sheet are told: notes at refused cells, at cells of a conflict and at the header of a paused link.
//!
//! What is to be said follows from one read and from the conflicts that are remembered; what stands there is in the same read.
//! The difference is written. So a note that was lost, or that a sort carried away from its cause, is right after the next
//! read, and what has no cause any more goes. Every text is stored before it is written: only texts that are stored are ours.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use crate::daemon::perform::Performer;
use crate::daemon::perform::saying::Saying;
use crate::daemon::table::Table;
use crate::engine::effect::Remarks;
use crate::engine::input::TabView;
use crate::model::grid::{Snapshot, TabRead};
use crate::model::link::SheetId;
use crate::sheet::annotate::{Annotation, Form};
use crate::sheet::quota::Lane;
use crate::store::note::{Cause, Note};
use crate::store::{self, StoreError};

/// Annotations in one call; what is more has its turn with the next read.
const MOST: usize = 500;

/// What one pass over the tabs leads to.
#[derive(Default)]
struct Pass {
    annotations: Vec<Annotation>,
    /// Texts that are said now and were not known.
    new: Vec<Note>,
    /// Conflicts that have ended as they should: from now on only that end counts.
    settled: Vec<Note>,
    /// What is said no more and stands nowhere.
    over: Vec<Note>,
}

impl Performer {
    pub(super) async fn annotate(&self, remarks: &Remarks) {
        let mut notes = self.said.lock().await;
        if let Err(error) = self.recollect(&mut notes).await {
            return self.log("what is said in the sheet is not known now", &error);
        }
        let (Some(known), Some(snapshot)) = (notes.as_mut(), self.last_rows()) else { return };
        if known.is_empty() && remarks.said.is_empty() && remarks.headers.iter().all(Option::is_none) {
            return;
        }
        let mut pass = self.look_over(&snapshot, remarks, known);
        pass.annotations.truncate(MOST);
        let stored = async {
            if pass.new.is_empty() && pass.settled.is_empty() && pass.over.is_empty() {
                return Ok::<(), StoreError>(());
            }
            let mut tx = self.begin_memory().await?;
            store::note::insert(&mut *tx, &pass.new).await?;
            store::note::insert(&mut *tx, &pass.settled).await?;
            store::note::delete(&mut *tx, &pass.over).await?;
            tx.commit().await
        };
        if let Err(error) = stored.await {
            *notes = None;
            return self.log("notes in the sheet wait", &error);
        }
        let gone: HashSet<&Note> = pass.over.iter().collect();
        known.retain(|note| !gone.contains(note) && !pass.settled.iter().any(|settled| same(settled, note)));
        known.extend(pass.settled.into_iter().chain(pass.new));
        if pass.annotations.is_empty() {
            return;
        }
        match self.client.annotate(Lane::Edit, &self.spreadsheet, &pass.annotations).await {
            Ok(()) => tracing::info!(
                SHEET = self.spreadsheet.0.as_str(),
                cells = pass.annotations.len(),
                "notes in the sheet changed"
            ),
            Err(error) => self.log("notes in the sheet wait", &error),
        }
    }

    /// A tab that cannot be made ready says so in its corner. The first read of it, once it is mended, takes that away.
    pub(super) async fn say_unready(&self, table: &Table, sheet: SheetId, reason: &str) {
        let note = standing(table, &super::wording::ours(&format!("paused: {reason}")));
        let headers = match self.client.headers(&self.spreadsheet, &[sheet], None).await {
            Ok(headers) => headers,
            Err(error) => return self.log("a tab that is not ready does not say so yet", &error),
        };
        let notes = headers.tabs.first().map_or(&[][..], |tab| &tab.notes);
        let there = notes.iter().find(|(row, column, _)| (*row, *column) == (0, 0)).map(|(.., text)| text);
        match self.is_to_be_said(&note, there).await {
            Ok(false) => return,
            Ok(true) => {}
            Err(error) => return self.log("a tab that is not ready does not say so yet", &error),
        }
        let annotation = Annotation { place: (sheet, 0, 0), form: Form::Note, text: Some(note.text) };
        if let Err(error) = self.client.annotate(Lane::Edit, &self.spreadsheet, &[annotation]).await {
            self.log("a tab that is not ready does not say so yet", &error);
        }
    }

    /// Stores a text before it is written. False where it stands already, or where a person's note does: that stays.
    async fn is_to_be_said(&self, note: &Note, there: Option<&String>) -> Result<bool, StoreError> {
        let mut notes = self.said.lock().await;
        self.recollect(&mut notes).await?;
        let known = notes.get_or_insert_default();
        let is_ours = |text: &String| known.iter().any(|note| note.text == *text);
        if there.is_some_and(|text| *text == note.text || !is_ours(text)) {
            return Ok(false);
        }
        let mut tx = self.begin_memory().await?;
        store::note::insert(&mut *tx, std::slice::from_ref(note)).await?;
        tx.commit().await?;
        if !known.contains(note) {
            known.push(note.clone());
        }
        Ok(true)
    }

    /// What was said in earlier lives, and what commits have added since.
    async fn recollect(&self, notes: &mut Option<Vec<Note>>) -> Result<(), StoreError> {
        if notes.is_none() {
            let links: Vec<_> = self.tables.iter().map(|table| table.link.rules.name.clone()).collect();
            let mut conn = self.pool.get_conn().await?;
            *notes = Some(store::note::list(&mut conn, &links).await?);
        }
        Ok(())
    }

    fn look_over(&self, snapshot: &Snapshot, remarks: &Remarks, known: &[Note]) -> Pass {
        let mut pass = Pass::default();
        for (index, table) in self.tables.iter().enumerate() {
            let Some(tab) = snapshot.tabs.iter().find(|tab| Some(tab.sheet) == table.sheet()) else {
                continue;
            };
            let name = &table.link.rules.name;
            let mine: Vec<&Note> = known.iter().filter(|note| note.link == *name).collect();
            let looked = remarks.looked.get(index).copied().unwrap_or(false);
            let undecided: BTreeSet<u32> = remarks
                .undecided
                .iter()
                .filter(|(sheet, _)| *sheet == tab.sheet)
                .map(|(_, row)| *row)
                .collect();
            let mut said = BTreeMap::new();
            for remark in remarks.said.iter().filter(|remark| remark.table == index) {
                said.insert((remark.place.1, remark.place.2), super::wording::ours(&remark.text));
            }
            let decided = mine.iter().any(|note| matches!(note.cause, Cause::Conflict { .. }));
            if looked
                && decided
                && let Ok(view) = table.view(tab)
            {
                said.extend(conflicts(table, &view, &mine, &undecided, &mut pass));
            }
            if let Some(Some(reason)) = remarks.headers.get(index) {
                said.insert((0, first_column(tab)), super::wording::ours(&format!("paused: {reason}")));
            }
            let ours: HashSet<&str> = mine.iter().map(|note| note.text.as_str()).collect();
            let saying = Saying {
                tab,
                said: &said,
                ours: &ours,
                looked,
                undecided: &undecided,
                status: table.status_column(tab),
            };
            pass.annotations.extend(saying.changes());
            let texts: BTreeSet<&String> =
                said.values().filter(|text| !ours.contains(text.as_str())).collect();
            pass.new.extend(texts.into_iter().map(|text| standing(table, text)));
            if looked && undecided.is_empty() {
                let there: HashSet<String> = saying.there().collect();
                let said: HashSet<&str> = said.values().map(String::as_str).collect();
                let over = |note: &&&Note| !there.contains(&note.text) && !said.contains(note.text.as_str());
                pass.over.extend(mine.iter().filter(over).map(|note| Note::clone(note)));
            }
        }
        pass
    }
}

fn standing(table: &Table, text: &str) -> Note {
    let (link, text) = (table.link.rules.name.clone(), text.to_owned());
    Note { link, cause: Cause::Standing, row: String::new(), column: String::new(), text }
}

fn same(one: &Note, other: &Note) -> bool {
    (&one.link, &one.row, &one.column, &one.text) == (&other.link, &other.row, &other.column, &other.text)
}

/// A paused link speaks at its first column, or in the corner where the columns are lost.
fn first_column(tab: &TabRead) -> u32 {
    tab.anchors.iter().map(|anchor| anchor.column).min().unwrap_or(0)
}

/// The conflicts that are still to be read at their cells: the newest of each cell, while nobody has changed it since.
fn conflicts(
    table: &Table,
    view: &TabView,
    known: &[&Note],
    undecided: &BTreeSet<u32>,
    pass: &mut Pass,
) -> BTreeMap<(u32, u32), String> {
    let mut said = BTreeMap::new();
    let decided = known.iter().filter(|note| matches!(note.cause, Cause::Conflict { .. }));
    let wanted: HashSet<&str> = decided.clone().map(|note| note.row.as_str()).collect();
    let mut rows = BTreeMap::new();
    for at in 0..view.rows.len() {
        if let Some(key) =
            view.rows.key(at).map(|key| key.to_string()).filter(|key| wanted.contains(key.as_str()))
        {
            rows.entry(key).or_insert_with(|| view.rows.get(at));
        }
    }
    for note in decided {
        let Cause::Conflict { winner, loser } = note.cause else { continue };
        let at = table.plan.columns.iter().position(|column| column.rule.name == note.column);
        let (Some(at), Some(row)) = (at, rows.get(&note.row)) else { continue };
        let (Some(cell), Some(column)) = (row.cells.get(at), view.columns.get(at)) else { continue };
        let digest = cell.value.digest();
        if digest == winner && loser != winner {
            pass.settled.push(Note { cause: Cause::Conflict { winner, loser: winner }, ..Note::clone(note) });
        }
        if digest == winner || digest == loser || undecided.contains(&row.row) {
            said.insert((row.row, *column), note.text.clone());
        }
    }
    said
}
