//! Which column of the grid holds which column of the link, pure.
//!
//! A column is found by its anchor (column metadata `sb.col`), which follows it through moves and lets people rename the
//! header; where the anchor is lost, by its header text. Where both are lost, or two columns answer, nothing is guessed.

use crate::fault::{Classify, Fault};
use crate::model::cell::Cell;
use crate::model::grid::{Anchor, GridCell};
use crate::model::link::LinkName;

/// Where a link's columns stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Per column of the link, the grid's column.
    pub columns: Vec<u32>,
    /// Positions of the key's columns among the link's, in the key's order.
    pub key: Vec<usize>,
}

impl Layout {
    /// The same columns a moment later, when row 1 shows `now` where it showed `before`. A column whose heading stands somewhere
    /// else has moved with it. A heading that is gone was retyped, or the whole row 1 was deleted: neither moves a column.
    #[must_use]
    pub fn followed(mut self, before: &[GridCell], now: &[GridCell]) -> Self {
        let shown = |cells: &[GridCell], at: u32| {
            cells.get(at as usize).map_or(Cell::Blank, |cell| cell.value.clone())
        };
        for column in &mut self.columns {
            let heading = shown(before, *column);
            if heading.is_blank() || shown(now, *column) == heading {
                continue;
            }
            let mut elsewhere = (0u32..).zip(now).filter(|(_, cell)| cell.value == heading);
            if let (Some((place, _)), None) = (elsewhere.next(), elsewhere.next()) {
                *column = place;
            }
        }
        self
    }
}

/// Why a tab's columns cannot be told. The link waits for a person.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LayoutFault {
    /// No header shows a column's name: row 1 was deleted, overwritten or sorted away.
    #[error("row 1 shows none of the column names")]
    HeaderLost,
    /// Neither an anchor nor a header.
    #[error("no column of the tab is `{0}`")]
    Missing(String),
    /// Two headers, or two anchors, for one column.
    #[error("more than one column of the tab is `{0}`")]
    Doubled(String),
    /// One grid column answers for two of the link's.
    #[error("`{0}` and `{1}` are the same column of the tab")]
    Shared(String, String),
    /// A link must show the whole key.
    #[error("the key column `{0}` is not among the link's columns")]
    KeyNotLinked(String),
}

impl Classify for LayoutFault {
    fn fault(&self) -> Fault {
        Fault::NeedsOperator
    }

    fn advice(&self) -> &'static str {
        match self {
            Self::HeaderLost => {
                "Undo the change of row 1 in the sheet, or put the column names back into it."
            }
            Self::Missing(_) => {
                "Undo the deletion of the column in the sheet, or type its name into row 1 of the right column."
            }
            Self::Doubled(_) => "Rename or delete the copied column in the sheet: one column per name.",
            Self::Shared(..) => "Type each column's name into row 1 of its own column.",
            Self::KeyNotLinked(_) => "Add the key column to the link's columns.",
        }
    }
}

/// The value of a column's anchor.
pub fn anchor_text(link: &LinkName, column: &str) -> String {
    format!("{link}.{column}")
}

/// Finds the link's columns. `header` is row 1, `key` the names of the table's key columns.
pub fn layout(
    header: &[GridCell],
    anchors: &[Anchor],
    link: &LinkName,
    columns: &[&str],
    key: &[&str],
) -> Result<Layout, LayoutFault> {
    let position = |name: &&str| {
        let found = columns.iter().position(|column| column.eq_ignore_ascii_case(name));
        found.ok_or_else(|| LayoutFault::KeyNotLinked((*name).to_owned()))
    };
    let key = key.iter().map(position).collect::<Result<Vec<_>, _>>()?;
    // With no name left, the anchors alone could take a row of data for the header.
    if columns.iter().all(|name| titled(header, name).next().is_none()) {
        return Err(LayoutFault::HeaderLost);
    }
    let mut places: Vec<u32> = Vec::with_capacity(columns.len());
    for name in columns {
        let place = place(header, anchors, link, name)?;
        if let Some(taken) = places.iter().position(|other| *other == place) {
            return Err(LayoutFault::Shared(columns[taken].to_owned(), (*name).to_owned()));
        }
        places.push(place);
    }
    Ok(Layout { columns: places, key })
}

fn place(header: &[GridCell], anchors: &[Anchor], link: &LinkName, name: &str) -> Result<u32, LayoutFault> {
    let text = anchor_text(link, name);
    let anchored: Vec<u32> = anchors.iter().filter(|a| a.text == text).map(|a| a.column).collect();
    let titled: Vec<u32> = titled(header, name).collect();
    match (anchored.as_slice(), titled.as_slice()) {
        ([one], _) | ([], [one]) => Ok(*one),
        ([], []) => Err(LayoutFault::Missing(name.to_owned())),
        // A copied column brings its anchor along or not; the one that kept its name stands.
        (several, [one]) if several.contains(one) => Ok(*one),
        _ => Err(LayoutFault::Doubled(name.to_owned())),
    }
}

/// The columns whose header is the name, outer spaces and letter case aside.
pub(super) fn titled<'a>(header: &'a [GridCell], name: &'a str) -> impl Iterator<Item = u32> + 'a {
    (0u32..).zip(header).filter_map(move |(column, cell)| match &cell.value {
        Cell::Text(text) if text.trim().to_lowercase() == name.to_lowercase() => Some(column),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(texts: &[&str]) -> Vec<GridCell> {
        texts.iter().map(|text| GridCell::plain(Cell::Text((*text).into()))).collect()
    }

    fn anchors(of: &[(u32, &str)]) -> Vec<Anchor> {
        of.iter().map(|(column, name)| Anchor { column: *column, text: format!("orders.{name}") }).collect()
    }

    fn find(texts: &[&str], anchored: &[(u32, &str)]) -> Result<Vec<u32>, LayoutFault> {
        let link = LinkName("orders".into());
        layout(&header(texts), &anchors(anchored), &link, &["id", "name", "price"], &["ID"])
            .map(|l| l.columns)
    }

    #[test]
    fn the_anchor_holds_over_the_header_and_the_header_where_it_is_lost() {
        let all = [(0, "id"), (1, "name"), (2, "price")];
        assert_eq!(find(&["id", "name", "price"], &all), Ok(vec![0, 1, 2]));
        // Renamed: the new text is a label.
        assert_eq!(find(&["id", "Customer", "price"], &all), Ok(vec![0, 1, 2]));
        // Moved, with a column of the people's own in front.
        let moved = [(3, "id"), (1, "name"), (2, "price")];
        assert_eq!(find(&["note", "name", "price", "id"], &moved), Ok(vec![3, 1, 2]));
        // Anchors lost, as when the tab was copied back.
        assert_eq!(find(&[" Price", "ID", "name "], &[]), Ok(vec![1, 2, 0]));
        // Another link's anchors say nothing.
        assert_eq!(find(&["id", "name", "price"], &[(0, "x.price")]), Ok(vec![0, 1, 2]));
        // A copied column: the one with its name stands.
        let copied = [(0, "id"), (1, "name"), (2, "price"), (3, "price")];
        assert_eq!(find(&["id", "name", "Copy of price", "price"], &copied), Ok(vec![0, 1, 3]));
    }

    #[test]
    fn columns_are_followed_through_a_change_of_row_1() {
        let read = Layout { columns: vec![0, 1, 2], key: vec![0] };
        let before = header(&["id", "Customer", "price"]);
        let followed = |texts: &[&str]| read.clone().followed(&before, &header(texts)).columns;
        assert_eq!(followed(&["id", "Customer", "price"]), [0, 1, 2]);
        // Somebody inserted one in front, or moved the key to the end.
        assert_eq!(followed(&["", "id", "Customer", "price"]), [1, 2, 3]);
        assert_eq!(followed(&["Customer", "price", "id"]), [2, 0, 1]);
        // Somebody typed another heading, or deleted row 1: the columns stand where they stood.
        assert_eq!(followed(&["id", "Client", "price"]), [0, 1, 2]);
        assert_eq!(followed(&["17", "Ann", "9.50"]), [0, 1, 2]);
        assert_eq!(followed(&[]), [0, 1, 2]);
        // A copied column shows the heading twice: the one that stood there is meant.
        assert_eq!(followed(&["id", "Customer", "price", "price"]), [0, 1, 2]);
    }

    #[test]
    fn nothing_is_guessed() {
        let two = [(0, "id"), (1, "name")];
        assert_eq!(find(&["id", "name", "cost"], &two), Err(LayoutFault::Missing("price".into())));
        assert_eq!(find(&["id", "name", "price", "price"], &two), Err(LayoutFault::Doubled("price".into())));
        let all = [(0, "id"), (1, "name"), (2, "price")];
        assert_eq!(find(&["17", "Ann", "9.50"], &all), Err(LayoutFault::HeaderLost));
        assert_eq!(find(&[], &all), Err(LayoutFault::HeaderLost));
        let same = [(0, "id"), (0, "name"), (2, "price")];
        assert_eq!(find(&["id", "x", "price"], &same), Err(LayoutFault::Shared("id".into(), "name".into())));
        let link = LinkName("orders".into());
        let no_key = layout(&header(&["name"]), &[], &link, &["name"], &["id"]);
        assert_eq!(no_key, Err(LayoutFault::KeyNotLinked("id".into())));
    }
}
