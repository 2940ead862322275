//! A person at the tab. What they do they do to the rows that they see: finding the row and acting is one step.

use sheets_emulator::display::{Locale, is_temporal, shown};
use sheets_emulator::formula::Book;
use sheets_emulator::grid::{Scalar, Spreadsheet, Tab};
use sheets_emulator::people::{self, Action};

use super::goods;
use super::rig::{Rig, TAB};

/// Somebody with the tab open.
pub(crate) struct Person<'a> {
    rig: &'a Rig,
    who: people::Person,
}

impl<'a> Person<'a> {
    pub(super) fn new(rig: &'a Rig, address: &str) -> Self {
        Self { rig, who: people::Person::new(address) }
    }

    /// Types into the cell of this key and column. False if there is no such row (any more).
    pub(crate) fn types(&self, key: impl ToString, column: &str, text: &str) -> bool {
        let key = key.to_string();
        self.acts(|sight| {
            let (row, column) = (sight.row_of("id", &key)?, sight.column(column)?);
            Some(Action::Type { sheet: TAB, row, column, text: text.to_owned() })
        })
    }

    /// Adds a row at the end: types cell by cell into the first row below everything. The first text must be one that no other
    /// row shows in its column, since the row may move meanwhile.
    pub(crate) fn adds(&self, cells: &[(&str, &str)]) {
        let [(first_column, mark), rest @ ..] = cells else { panic!("a row has at least one cell") };
        self.makes_room(1);
        let began = self.acts(|sight| {
            let (row, column) = (sight.end(), sight.column(first_column)?);
            Some(Action::Type { sheet: TAB, row, column, text: (*mark).to_owned() })
        });
        assert!(began, "there is no column {first_column}");
        for (column, text) in rest {
            self.acts(|sight| {
                let (row, column) = (sight.row_of(first_column, mark)?, sight.column(column)?);
                Some(Action::Type { sheet: TAB, row, column, text: (*text).to_owned() })
            });
        }
    }

    /// Deletes the row of this key.
    pub(crate) fn deletes(&self, key: impl ToString) -> bool {
        let key = key.to_string();
        self.acts(|sight| {
            let start = sight.row_of("id", &key)?;
            Some(Action::DeleteRows { sheet: TAB, start, end: start + 1 })
        })
    }

    /// Sorts the whole tab below its header by a column.
    pub(crate) fn sorts(&self, column: &str, descending: bool) -> bool {
        self.acts(|sight| {
            let column = sight.column(column)?;
            let area = Some(sight.below_header());
            Some(Action::SortByColumn { sheet: TAB, column, descending, area })
        })
    }

    /// Sorts one column below its header, and no other with it.
    pub(crate) fn sorts_alone(&self, column: &str, descending: bool) -> bool {
        self.acts(|sight| {
            let column = sight.column(column)?;
            let area = sheets_emulator::grid::Area {
                left: column,
                right: column + 1,
                bottom: sight.end(),
                ..sight.below_header()
            };
            Some(Action::SortByColumn { sheet: TAB, column, descending, area: Some(area) })
        })
    }

    /// Pastes a block of texts with its left upper cell at this key and column. False where it would reach beyond the grid, too.
    pub(crate) fn pastes(&self, key: impl ToString, column: &str, block: &[&[&str]]) -> bool {
        let key = key.to_string();
        self.acts(|sight| {
            let (row, column) = (sight.row_of("id", &key)?, sight.column(column)?);
            let fits = row as usize + block.len() <= sight.tab.row_count() as usize;
            fits.then_some(Action::PasteBlock { sheet: TAB, row, column, cells: texts(block) })
        })
    }

    /// Pastes whole new rows below everything, their first cell in this column.
    pub(crate) fn pastes_below(&self, column: &str, block: &[&[&str]]) -> bool {
        self.makes_room(block.len() as u32);
        self.acts(|sight| {
            let (row, column) = (sight.end(), sight.column(column)?);
            Some(Action::PasteBlock { sheet: TAB, row, column, cells: texts(block) })
        })
    }

    /// Inserts blank rows above the row of this key.
    pub(crate) fn inserts_above(&self, key: impl ToString, count: u32) -> bool {
        let key = key.to_string();
        self.acts(|sight| Some(Action::InsertRows { sheet: TAB, at: sight.row_of("id", &key)?, count }))
    }

    /// Drags the row of one key above that of another.
    pub(crate) fn moves(&self, key: impl ToString, above: impl ToString) -> bool {
        let (key, above) = (key.to_string(), above.to_string());
        self.acts(|sight| {
            let (start, to) = (sight.row_of("id", &key)?, sight.row_of("id", &above)?);
            (!(start..=start + 1).contains(&to)).then_some(Action::MoveRows {
                sheet: TAB,
                start,
                end: start + 1,
                to,
            })
        })
    }

    /// Takes back the last thing that they did. False if there is nothing.
    pub(crate) fn undoes(&self) -> bool {
        let world = self.rig.google.world();
        world.act(&self.rig.spreadsheet, &self.who, &Action::Undo).expect("the spreadsheet").is_ok()
    }

    /// Does what a note of ours asks for, the first of them that is not heeded yet, or finishes a new row without its name. Gives
    /// what it was. Notes that only tell ask for nothing.
    pub(crate) fn heeds_a_note(&self) -> Option<String> {
        let mut why = None;
        self.acts(|sight| {
            let (asked, action) = sight.asked()?;
            why = Some(asked);
            Some(action)
        });
        why
    }

    /// Renames a column, or gives it its name back.
    pub(crate) fn renames(&self, column: &str) -> bool {
        self.acts(|sight| {
            let at = sight.column(column)?;
            let text = if sight.text(0, at) == column {
                format!("{column}{}", goods::RENAMED)
            } else {
                column.to_owned()
            };
            Some(Action::Type { sheet: TAB, row: 0, column: at, text })
        })
    }

    /// Renames the tab.
    pub(crate) fn renames_tab(&self, title: &str) -> bool {
        self.acts(|sight| {
            let is_new = sight.tab.title != title;
            is_new.then(|| Action::RenameTab { sheet: TAB, title: title.to_owned() })
        })
    }

    /// Deletes the first row, taking it for one of theirs.
    pub(crate) fn deletes_header(&self) -> bool {
        self.acts(|sight| {
            sight.column("id")?;
            Some(Action::DeleteRows { sheet: TAB, start: 0, end: 1 })
        })
    }

    /// Writes a header of their own right of everything: a column that no link knows.
    pub(crate) fn adds_column(&self, header: &str) {
        self.acts(|sight| {
            let column = sight.tab.data_extent().1;
            Some(Action::Type { sheet: TAB, row: 0, column, text: header.to_owned() })
        });
    }

    /// Deletes a whole column.
    pub(crate) fn deletes_column(&self, header: &str) -> bool {
        self.acts(|sight| {
            let column = sight.column(header)?;
            Some(Action::DeleteColumns { sheet: TAB, start: column, end: column + 1 })
        })
    }

    /// Where a header stands, and whether it is grey.
    pub(crate) fn sees_header(&self, header: &str) -> Option<(u32, bool)> {
        let book = self.rig.google.world().spreadsheet(&self.rig.spreadsheet).expect("the spreadsheet");
        let sight = Sight::of(&book);
        let column = sight.column(header)?;
        let format = sight.tab.cell(0, column).look.as_ref().and_then(|look| look.format.get("textFormat"));
        Some((column, format.is_some_and(|text| text.get("foregroundColorStyle").is_some())))
    }

    /// What the cell of this key and column shows.
    pub(crate) fn sees(&self, key: impl ToString, column: &str) -> Option<String> {
        let book = self.rig.google.world().spreadsheet(&self.rig.spreadsheet).expect("the spreadsheet");
        let sight = Sight::of(&book);
        Some(sight.text(sight.row_of("id", &key.to_string())?, sight.column(column)?))
    }

    /// The note on the cell of this key and column.
    pub(crate) fn sees_note(&self, key: impl ToString, column: &str) -> Option<String> {
        let book = self.rig.google.world().spreadsheet(&self.rig.spreadsheet).expect("the spreadsheet");
        let sight = Sight::of(&book);
        let cell = sight.tab.cell(sight.row_of("id", &key.to_string())?, sight.column(column)?);
        cell.note().map(str::to_owned)
    }

    /// The same in the row that shows this text in that column, which may have no key yet.
    pub(crate) fn sees_note_by(&self, shows: &str, text: &str, column: &str) -> Option<String> {
        let book = self.rig.google.world().spreadsheet(&self.rig.spreadsheet).expect("the spreadsheet");
        let sight = Sight::of(&book);
        let cell = sight.tab.cell(sight.row_of(shows, text)?, sight.column(column)?);
        cell.note().map(str::to_owned)
    }

    /// Types into a cell of such a row.
    pub(crate) fn types_by(&self, shows: &str, text: &str, column: &str, typed: &str) -> bool {
        self.acts(|sight| {
            let (row, column) = (sight.row_of(shows, text)?, sight.column(column)?);
            Some(Action::Type { sheet: TAB, row, column, text: typed.to_owned() })
        })
    }

    /// The notes on the header's cells.
    pub(crate) fn sees_header_notes(&self) -> Vec<String> {
        let book = self.rig.google.world().spreadsheet(&self.rig.spreadsheet).expect("the spreadsheet");
        let sight = Sight::of(&book);
        let cells = (0..sight.tab.column_count()).map(|column| sight.tab.cell(0, column));
        cells.filter_map(|cell| cell.note().map(str::to_owned)).collect()
    }

    /// Puts a note of their own at the cell of this key and column, or takes it away with an empty text.
    pub(crate) fn notes(&self, key: impl ToString, column: &str, text: &str) -> bool {
        let key = key.to_string();
        self.acts(|sight| {
            let (row, column) = (sight.row_of("id", &key)?, sight.column(column)?);
            Some(Action::Note { sheet: TAB, row, column, text: text.to_owned() })
        })
    }

    /// The keys from top to bottom; a row without one shows as the empty text.
    pub(crate) fn sees_keys(&self) -> Vec<String> {
        let book = self.rig.google.world().spreadsheet(&self.rig.spreadsheet).expect("the spreadsheet");
        let sight = Sight::of(&book);
        let column = sight.column("id").expect("the key's column");
        (1..sight.end()).map(|row| sight.text(row, column)).collect()
    }

    /// Row by row from top to bottom, the key first: what the line above the grid shows of each cell, which has all fifteen
    /// digits of a number.
    pub(crate) fn reads_all(&self, columns: u32) -> Vec<Vec<String>> {
        let book = self.rig.google.world().spreadsheet(&self.rig.spreadsheet).expect("the spreadsheet");
        let sight = Sight::of(&book);
        (1..sight.end()).map(|row| (0..columns).map(|column| sight.line(row, column)).collect()).collect()
    }

    /// Adds rows at the end of the grid where too few are left, as the button below it does. With some to spare, since others
    /// add rows too.
    fn makes_room(&self, rows: u32) {
        self.acts(|sight| {
            let at = sight.tab.row_count();
            (sight.end() + rows + 20 > at).then_some(Action::InsertRows { sheet: TAB, at, count: rows + 40 })
        });
    }

    fn acts(&self, decide: impl FnOnce(&Sight<'_>) -> Option<Action>) -> bool {
        let world = self.rig.google.world();
        let done = world.act_on_sight(&self.rig.spreadsheet, &self.who, |book| decide(&Sight::of(book)));
        done.expect("the spreadsheet").expect("a possible action").is_some()
    }
}

fn texts(block: &[&[&str]]) -> Vec<Vec<String>> {
    block.iter().map(|row| row.iter().map(ToString::to_string).collect()).collect()
}

/// The tab as it is seen at one moment.
struct Sight<'a> {
    tab: &'a Tab,
    reader: Book<'a>,
    locale: Locale,
}

impl<'a> Sight<'a> {
    fn of(book: &'a Spreadsheet) -> Self {
        let tab = book.tab(TAB).expect("the tab");
        Self { tab, reader: Book::new(book), locale: Locale::named(&book.locale) }
    }

    fn text(&self, row: u32, column: u32) -> String {
        let scalar: Scalar = self.reader.scalar(self.tab, row, column);
        shown(&scalar, self.tab.cell(row, column), &self.locale)
    }

    fn line(&self, row: u32, column: u32) -> String {
        let cell = self.tab.cell(row, column);
        match self.reader.scalar(self.tab, row, column) {
            Scalar::Number(number) if !is_temporal(cell) => {
                let digits: f64 = format!("{number:.14e}").parse().expect("a number");
                digits.to_string()
            }
            // A text that its format would not keep one is shown, and has to be typed, with an apostrophe in front.
            Scalar::Text(text) if !cell.is_text_format() => format!("'{text}"),
            scalar => shown(&scalar, cell, &self.locale),
        }
    }

    fn column(&self, header: &str) -> Option<u32> {
        (0..self.tab.column_count()).find(|column| goods::heads(&self.text(0, *column), header))
    }

    fn row_of(&self, column: &str, text: &str) -> Option<u32> {
        let column = self.column(column)?;
        (1..self.end()).find(|row| self.text(*row, column) == text)
    }

    /// What is still to be done by people: why, and the act.
    fn asked(&self) -> Option<(String, Action)> {
        let (id, name) = (self.column("id")?, self.column("name")?);
        let types = |row, column, text: &str| Action::Type { sheet: TAB, row, column, text: text.to_owned() };
        for row in 1..self.end() {
            let key = self.text(row, id);
            for (header, _) in goods::COLUMNS {
                let column = self.column(header)?;
                let cell = self.tab.cell(row, column);
                let asks = |note: &&str| {
                    note.starts_with("sheetbridge: ") && !note.contains("changed on both sides")
                };
                let Some(note) = cell.note().filter(asks) else { continue };
                let said = || format!("{header} of {key:?}: {note}");
                if header != "id" {
                    let good = goods::good(header);
                    if self.text(row, column) != good {
                        return Some((
                            said(),
                            types(row, column, &format!("{}{good}", if header == "code" { "'" } else { "" })),
                        ));
                    }
                } else if !key.is_empty() && (!note.contains("several rows") || self.stands_twice(&key)) {
                    return Some((said(), types(row, column, "")));
                }
            }
            if key.is_empty() && self.text(row, name).is_empty() && self.has_content(row) {
                return Some((format!("row {row} is not finished"), types(row, name, goods::good("name"))));
            }
        }
        None
    }

    fn stands_twice(&self, key: &str) -> bool {
        self.column("id")
            .is_some_and(|id| (1..self.end()).filter(|row| self.text(*row, id) == key).count() > 1)
    }

    fn has_content(&self, row: u32) -> bool {
        let mut columns = goods::COLUMNS.iter().filter_map(|(header, _)| self.column(header));
        columns.any(|column| !self.text(row, column).is_empty())
    }

    /// The first row below everything that is shown.
    fn end(&self) -> u32 {
        self.tab.data_extent().0
    }

    fn below_header(&self) -> sheets_emulator::grid::Area {
        let whole = self.tab.whole();
        sheets_emulator::grid::Area { top: 1, ..whole }
    }
}
