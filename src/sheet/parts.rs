//! Looks at tabs that are too large for one answer: Google ends a call after 180 s, and a million rows of nine columns are some
//! 600 MB of typed cells.
//!
//! Such a tab is read in parts, each as any other typed read, and then its key columns once more, plain and in one call. Every part
//! has to show the keys that stand in its rows by that call; one that does not is read again. So the whole has each key where it
//! stood at one moment, whatever people moved meanwhile, and a key that it lacks was missing then: absence is told by one read
//! of the whole key column (protocol C2). What the cells beside the keys show may be from any time of the look, as in a read that
//! takes long.
//!
//! None of our batches may be under way between the parts: each has to show the same tokens.

use serde::Serialize;

use crate::model::grid::{Snapshot, TabRead};
use crate::model::link::{SheetId, SpreadsheetId};
use crate::sheet::client::{Call, Client};
use crate::sheet::error::SheetError;
use crate::sheet::quota::Lane;
use crate::sheet::read::TabInfo;
use crate::sheet::request::to_json;
use crate::sheet::wire::{DataFilter, GridRange};

use self::columns::{ColumnKeys, Columns};
use self::cut::{Cut, Part};

mod columns;
mod cut;

/// The parts of a tab are read anew so often until they fit; people who sort without an end have the look put off.
const ROUNDS: u32 = 4;

/// What is wanted of one tab.
#[derive(Clone, Copy, Debug)]
pub struct Look<'a> {
    /// The tab.
    pub sheet: SheetId,
    /// The header and these rows; all of it without them.
    pub rows: Option<&'a [u32]>,
    /// How many cells its grid has, as far as is known.
    pub cells: u64,
}

/// One call of a look in parts.
#[derive(Debug, PartialEq, Eq)]
enum Piece<'a> {
    /// Tabs, each whole or its header and these rows.
    Tabs(Vec<(SheetId, Option<&'a [u32]>)>),
    /// A tab's header, and its rows from one on, up to another.
    Part(SheetId, u32, Option<u32>),
}

/// Where the key columns of a tab stand, by its header; nowhere if that cannot be told.
pub type KeyColumns<'a> = &'a (dyn Fn(&TabRead) -> Vec<u32> + Sync);

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ColumnsByFilter {
    data_filters: Vec<DataFilter>,
    major_dimension: &'static str,
    value_render_option: &'static str,
    date_time_render_option: &'static str,
}

/// Where a call goes, and what for.
#[derive(Clone, Copy)]
struct Errand<'a> {
    lane: Lane,
    spreadsheet: &'a SpreadsheetId,
    helper: Option<SheetId>,
}

impl Client {
    /// The tabs, the tokens, and the size of the helper tab: in one call where that is small enough, else in parts. A tab that is
    /// no more is missing from the answer, unless only rows of it were asked for: those Google refuses.
    ///
    /// # Errors
    /// [`SheetError::Moved`] where the tabs changed so much between the parts that they tell nothing.
    pub async fn look(
        &self,
        lane: Lane,
        spreadsheet: &SpreadsheetId,
        looks: &[Look<'_>],
        helper: Option<SheetId>,
        keys: KeyColumns<'_>,
    ) -> Result<Snapshot, SheetError> {
        let whole = || looks.iter().filter(|look| look.rows.is_none());
        if whole().map(|look| look.cells).sum::<u64>() > self.cells_per_read {
            return self.look_in_parts(Errand { lane, spreadsheet, helper }, looks, keys).await;
        }
        if whole().count() == looks.len() {
            let tabs: Vec<SheetId> = looks.iter().map(|look| look.sheet).collect();
            return self.snapshot(lane, spreadsheet, &tabs, helper).await;
        }
        let tabs: Vec<(SheetId, Option<&[u32]>)> = looks.iter().map(|look| (look.sheet, look.rows)).collect();
        self.excerpt(lane, spreadsheet, &tabs, helper).await
    }

    async fn look_in_parts(
        &self,
        errand: Errand<'_>,
        looks: &[Look<'_>],
        keys: KeyColumns<'_>,
    ) -> Result<Snapshot, SheetError> {
        let there = self.overview(errand.lane, errand.spreadsheet).await?;
        match self.gather(errand, looks, &there, keys).await {
            // Rows or a tab that were there a moment ago.
            Err(SheetError::Refused(_)) if self.overview(errand.lane, errand.spreadsheet).await? != there => {
                Err(moved("it, or another tab, became smaller or is gone"))
            }
            answer => answer,
        }
    }

    async fn gather(
        &self,
        errand: Errand<'_>,
        looks: &[Look<'_>],
        there: &[TabInfo],
        keys: KeyColumns<'_>,
    ) -> Result<Snapshot, SheetError> {
        let is_there = |id: &SheetId| there.iter().any(|tab| tab.sheet == *id);
        let errand = Errand { helper: errand.helper.filter(is_there), ..errand };
        let (mut all, mut cuts): (Option<Snapshot>, Vec<Cut>) = (None, Vec::new());
        for piece in pieces(looks, there, self.cells_per_read) {
            let mut read = self.piece(errand, &piece).await?;
            if let Piece::Part(sheet, from, to) = piece {
                let part = Part::of(&mut read, sheet, (from, to))?;
                match cuts.last_mut().filter(|cut| cut.sheet == sheet) {
                    Some(cut) => cut.parts.push(part),
                    None => cuts.push(Cut { sheet, parts: vec![part] }),
                }
            }
            match &mut all {
                Some(all) => join(all, read)?,
                None => all = Some(read),
            }
        }
        let mut all = all.unwrap_or_default();
        for mut cut in cuts {
            self.prove(errand, &mut cut, &mut all, keys).await?;
            all.tabs.extend(cut.joined());
        }
        Ok(all)
    }

    async fn piece(&self, errand: Errand<'_>, piece: &Piece<'_>) -> Result<Snapshot, SheetError> {
        let Errand { lane, spreadsheet, helper } = errand;
        match piece {
            Piece::Tabs(tabs) => self.excerpt(lane, spreadsheet, tabs, helper).await,
            Piece::Part(sheet, from, to) => {
                let rows = GridRange { end_row_index: *to, ..GridRange::rows(*sheet, *from, *from) };
                let header = (*from > 0).then(|| GridRange::rows(*sheet, 0, 1));
                let ranges = header.into_iter().chain([rows]).collect();
                self.read_ranges(lane, spreadsheet, &[*sheet], ranges, helper).await
            }
        }
    }

    /// Reads parts again until all of them show the keys that stand in their rows at one moment.
    async fn prove(
        &self,
        errand: Errand<'_>,
        cut: &mut Cut,
        all: &mut Snapshot,
        keys: KeyColumns<'_>,
    ) -> Result<(), SheetError> {
        for _ in 0..ROUNDS {
            let columns = cut.parts.first().map(|part| keys(&part.tab)).unwrap_or_default();
            if columns.is_empty() {
                // The link pauses for it: nothing is concluded from rows.
                return Ok(());
            }
            let seen = self.key_columns(errand, cut.sheet, &columns).await?;
            let moved = cut.moved(&columns, &seen)?;
            if moved.is_empty() {
                return Ok(());
            }
            for at in moved {
                let (from, to) = cut.parts[at].rows;
                let mut read = self.piece(errand, &Piece::Part(cut.sheet, from, to)).await?;
                cut.parts[at] = Part::of(&mut read, cut.sheet, (from, to))?;
                join(all, read)?;
            }
        }
        Err(moved("rows of it move faster than it can be read"))
    }

    /// Whole columns of a tab at one moment, plain: what is looked for there are places, not formulas.
    async fn key_columns(
        &self,
        errand: Errand<'_>,
        sheet: SheetId,
        columns: &[u32],
    ) -> Result<ColumnKeys, SheetError> {
        let filters = columns.iter().map(|at| GridRange::tab(sheet).columns(*at, at + 1));
        let body = to_json(&ColumnsByFilter {
            data_filters: filters.map(DataFilter::GridRange).collect(),
            major_dimension: "COLUMNS",
            value_render_option: "UNFORMATTED_VALUE",
            date_time_render_option: "SERIAL_NUMBER",
        });
        let mask = "valueRanges(valueRange(values),dataFilters)";
        let call = Call::post(format!("/values:batchGetByDataFilter?prettyPrint=false&fields={mask}"), body);
        let answer: Columns = self.read(errand.lane, errand.spreadsheet, &call).await?;
        Ok(answer.by_place(columns))
    }
}

fn moved(what: &str) -> SheetError {
    SheetError::Moved(format!("it is read in parts, and {what}"))
}

/// What belongs to the spreadsheet has to be the same in every call; tabs that were read whole come along.
fn join(all: &mut Snapshot, read: Snapshot) -> Result<(), SheetError> {
    let common = (&all.locale, &all.time_zone, &all.tokens);
    if common != (&read.locale, &read.time_zone, &read.tokens) {
        return Err(moved("the spreadsheet's tokens, locale or time zone are others now"));
    }
    all.helper = read.helper;
    all.tabs.extend(read.tabs);
    all.foreign.extend(read.foreign);
    all.foreign.sort_unstable();
    all.foreign.dedup();
    Ok(())
}

/// The calls of a look: what is small enough goes together, a tab that is too large goes alone and in parts. The last part has no
/// end, for what is added below meanwhile.
fn pieces<'a>(looks: &[Look<'a>], there: &[TabInfo], most: u64) -> Vec<Piece<'a>> {
    let (mut pieces, mut together, mut cells) = (Vec::new(), Vec::new(), 0);
    for look in looks {
        let Some(tab) = there.iter().find(|tab| tab.sheet == look.sheet) else { continue };
        if look.rows.is_some() {
            together.push((look.sheet, look.rows));
        } else if tab.size() <= most {
            if cells + tab.size() > most {
                pieces.push(Piece::Tabs(std::mem::take(&mut together)));
                cells = 0;
            }
            cells += tab.size();
            together.push((look.sheet, None));
        } else {
            let rows = u32::try_from(most / u64::from(tab.column_count.max(1))).unwrap_or(u32::MAX).max(1);
            let count = tab.row_count.div_ceil(rows);
            let to = |at: u32| (at + 1 < count).then_some((at + 1) * rows);
            pieces.extend((0..count).map(|at| Piece::Part(look.sheet, at * rows, to(at))));
        }
    }
    if !together.is_empty() {
        pieces.push(Piece::Tabs(together));
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tab(id: i32, row_count: u32, column_count: u32) -> TabInfo {
        TabInfo { sheet: SheetId(id), title: String::new(), row_count, column_count, hidden: false }
    }

    #[test]
    fn small_tabs_share_a_call_and_a_large_one_has_several() {
        let there = [tab(1, 10, 10), tab(2, 25, 40), tab(3, 30, 10), tab(4, 10, 10)];
        let look = |id: i32| Look { sheet: SheetId(id), rows: None, cells: 0 };
        let rows = [3, 4];
        let looks = [look(1), look(2), look(3), look(9), Look { rows: Some(&rows), ..look(4) }];
        let whole = |id| (SheetId(id), None);
        assert_eq!(
            pieces(&looks, &there, 400),
            [
                Piece::Part(SheetId(2), 0, Some(10)),
                Piece::Part(SheetId(2), 10, Some(20)),
                Piece::Part(SheetId(2), 20, None),
                Piece::Tabs(vec![whole(1), whole(3), (SheetId(4), Some(&rows[..]))]),
            ]
        );
        assert_eq!(
            pieces(&looks[..3], &there, 1_000),
            [Piece::Tabs(vec![whole(1)]), Piece::Tabs(vec![whole(2)]), Piece::Tabs(vec![whole(3)])]
        );
        assert_eq!(pieces(&looks[3..4], &there, 400), []);
    }
}
