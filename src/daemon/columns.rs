//! The columns that a link had when it last ran, beside those that it has now.
//!
//! A table's columns come and go while the link stands. What is remembered of a row is kept column by column, so only what
//! changed is compared anew; and the tab learns which columns are new, so that no column that a person deleted comes back.

use serde::{Deserialize, Serialize};

use crate::engine::carry::{Carry, Origin};
use crate::model::digest::Digest;
use crate::model::rule::Direction;
use crate::model::schema::Column;
use crate::sheet::setup::TabChanges;

/// A column of a link as it is remembered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Known {
    /// Its name in the table.
    pub name: String,
    /// Its header's text in the tab.
    pub header: String,
    /// Which way it travels.
    direction: Direction,
    /// Its place in the key.
    key: Option<usize>,
    /// Of all that the meaning of its values depends on.
    kind: Digest,
}

impl Known {
    /// A column as it is now; `key` is its place in the key.
    pub fn of(column: &Column, header: &str, direction: Direction, key: Option<usize>) -> Self {
        let meaning = format!("{:?} {} {}", column.kind, column.nullable, column.generated);
        Self {
            name: column.name.clone(),
            header: header.to_owned(),
            direction,
            key,
            kind: Digest::of(meaning.as_bytes()),
        }
    }

    fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }
}

/// What became of a link's columns since it last ran.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// How what is remembered is carried over; `None` where the key is another one, and nothing can be.
    pub carry: Option<Carry>,
    /// What the tab is to show of it.
    pub tab: TabChanges,
}

/// Compares. `renamed` are the table's own renames, as far as the stream told them; one counts only where it leaves no doubt
/// which column is meant.
pub fn changes(before: &[Known], now: &[Known], renamed: &[(String, String)]) -> Changes {
    let is_there = |columns: &[Known], name: &str| columns.iter().any(|column| column.is(name));
    let plain: Vec<&(String, String)> = renamed
        .iter()
        .filter(|(from, to)| !is_there(now, from) && is_there(now, to) && !is_there(before, to))
        .collect();
    let earlier = |column: &Known| {
        let from = plain.iter().find(|(_, to)| column.is(to)).map(|(from, _)| from.as_str());
        before.iter().position(|known| known.is(from.unwrap_or(&column.name)))
    };
    let origin = |column: &Known| match earlier(column) {
        Some(at) if before[at].direction != column.direction => Origin::New,
        Some(at) if before[at].kind != column.kind => Origin::Retyped(at),
        Some(at) => Origin::Same(at),
        None => Origin::New,
    };
    let carry = Carry(now.iter().map(origin).collect());
    let key = |columns: &[Known]| columns.iter().filter(|column| column.key.is_some()).count();
    let same_key = |(column, origin): (&Known, &Origin)| match *origin {
        Origin::Same(at) => before[at].key == column.key,
        Origin::Retyped(at) => before[at].key.is_none() && column.key.is_none(),
        Origin::New => column.key.is_none(),
    };
    let keyed = key(before) == key(now) && now.iter().zip(&carry.0).all(same_key);
    let moved = now.iter().filter_map(|column| {
        let old = &before[earlier(column)?].header;
        (*old != column.header).then(|| (old.clone(), column.header.clone()))
    });
    let tab = TabChanges {
        added: now
            .iter()
            .filter(|column| earlier(column).is_none())
            .map(|column| column.header.clone())
            .collect(),
        renamed: moved.collect(),
    };
    Changes { carry: keyed.then_some(carry), tab }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::schema::ColumnKind;

    fn known(names: &[&str]) -> Vec<Known> {
        let one = |name: &&str| {
            let (name, length) = name.split_once(' ').map_or((*name, 9), |(name, _)| (name, 99));
            let column = Column::nullable(name, ColumnKind::Text { length });
            Known::of(&column, name, Direction::Both, (name == "id").then_some(0))
        };
        names.iter().map(one).collect()
    }

    fn pair(from: &str, to: &str) -> (String, String) {
        (from.to_owned(), to.to_owned())
    }

    #[test]
    fn columns_that_come_and_go_leave_the_others_as_they_were() {
        let found = changes(&known(&["id", "name", "old"]), &known(&["first", "id", "name wide"]), &[]);
        let carry = Carry(vec![Origin::New, Origin::Same(0), Origin::Retyped(1)]);
        assert_eq!(found.carry, Some(carry));
        assert_eq!(found.tab.added, ["first"]);
        // Letter case is the server's own business.
        let same = changes(&known(&["id", "Name"]), &known(&["id", "name"]), &[]);
        assert_eq!(same.carry, Some(Carry(vec![Origin::Same(0), Origin::Same(1)])));
    }

    #[test]
    fn a_renamed_column_is_the_same_one_where_there_is_no_doubt() {
        let (before, now) = (known(&["id", "a"]), known(&["id", "b"]));
        let told = changes(&before, &now, &[pair("a", "b")]);
        assert_eq!((told.tab.added.len(), told.tab.renamed), (0, vec![pair("a", "b")]));
        assert_eq!(told.carry, Some(Carry(vec![Origin::Same(0), Origin::Same(1)])));
        // Nobody told it, or both names are there: one is gone and one is new.
        assert_eq!(changes(&before, &now, &[]).tab.added, ["b"]);
        let both = changes(&before, &known(&["id", "a", "b"]), &[pair("a", "b")]);
        assert_eq!((both.tab.added, both.tab.renamed), (vec!["b".to_owned()], vec![]));
    }

    #[test]
    fn another_key_is_another_memory() {
        let mut now = known(&["id", "name"]);
        now[1].key = Some(1);
        assert_eq!(changes(&known(&["id", "name"]), &now, &[]).carry, None);
        assert_eq!(changes(&known(&["name", "id"]), &known(&["name"]), &[]).carry, None);
    }
}
