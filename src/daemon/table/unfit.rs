//! What keeps a link from being worked on, found as it is put together.

use crate::config::rule::Failed;
use crate::daemon::soft::UnfitMark;
use crate::model::filter::UnfitCondition;
use crate::model::rule::LinkRules;
use crate::model::schema::{Column, ColumnKind, TableSchema};

/// Why a link cannot be worked on at all: the operator must mend it, the other links go on.
#[derive(Debug, thiserror::Error)]
pub enum UnfitLink {
    /// The configuration names a column that the table does not have.
    #[error("{table} has no column `{column}`: correct `columns` of the link")]
    NoColumn {
        /// The table.
        table: String,
        /// The missing column.
        column: String,
    },
    /// Rows cannot find their records by this column.
    #[error("{table}: `match_on` of the link names `{column}`, {why}")]
    Match {
        /// The table.
        table: String,
        /// The column.
        column: String,
        /// Why, and the cure.
        why: &'static str,
    },
    /// The column of a soft delete cannot be one.
    #[error("{table}: `deletes` names `{column}` as its `soft` column: {why}")]
    Soft {
        /// The table.
        table: String,
        /// The column.
        column: String,
        /// Why.
        why: UnfitMark,
    },
    /// A condition of the filter that the table cannot answer.
    #[error("{table}: the link's `filter` does not fit: {why}")]
    Filter {
        /// The table.
        table: String,
        /// What is wrong.
        why: UnfitCondition,
    },
    /// The operator's own rule does not work for a column.
    #[error(
        "{table}: the `policy` by which conflicts of column `{column}` are decided: its `cel` expression {why}"
    )]
    Rule {
        /// The table.
        table: String,
        /// The column.
        column: String,
        /// What is wrong.
        why: Failed,
    },
    /// A time zone that neither we nor the system know.
    #[error("the time zone `{0}` is unknown: correct it, or install the system's time zones (tzdata)")]
    Zone(String),
    /// Rows cannot be told apart.
    #[error("{0} has no primary key: add one, a link cannot tell its rows apart without")]
    NoKey(String),
    /// A key column is of a type that cannot be a key here.
    #[error("{table}.{column} is part of the key and of a type that cannot identify a row ({kind})")]
    BadKey {
        /// The table.
        table: String,
        /// The column.
        column: String,
        /// The type.
        kind: String,
    },
    /// A column of a type that we do not carry.
    #[error("{table}.{column} has the type {kind}, which cannot be linked: leave it out of `columns`")]
    Unsupported {
        /// The table.
        table: String,
        /// The column.
        column: String,
        /// The type.
        kind: String,
    },
}

/// The columns by which rows without a key find their records: of the table, linked, and none of the key, which such rows lack.
pub(super) fn check_match(table: &str, rules: &LinkRules, schema: &TableSchema) -> Result<(), UnfitLink> {
    for column in &rules.match_on {
        let why = match schema.position(column) {
            None => "which the table does not have: correct it",
            Some(place) if schema.key.contains(&place) => {
                "which is part of the key: rows that show it need nothing else to be found by, take it out"
            }
            Some(_) if rules.column(column).is_none() => "which is not linked: add it to `columns`",
            Some(_) => continue,
        };
        return Err(UnfitLink::Match { table: table.to_owned(), column: column.clone(), why });
    }
    Ok(())
}

pub(super) fn check_column(table: &str, column: &Column, key: bool) -> Result<(), UnfitLink> {
    let (table, name) = (table.to_owned(), column.name.clone());
    match &column.kind {
        ColumnKind::Unsupported(kind) => {
            Err(UnfitLink::Unsupported { table, column: name, kind: kind.clone() })
        }
        kind @ (ColumnKind::Float | ColumnKind::Double | ColumnKind::Json) if key => {
            Err(UnfitLink::BadKey { table, column: name, kind: format!("{kind:?}") })
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::model::link::LinkName;
    use crate::model::rule::{
        ColumnRule, Deletes, Direction, FirstMatch, Formulas, KeyEdits, Paste, Policy, Tie,
    };
    use crate::model::schema::TableName;

    fn people() -> TableSchema {
        let number = || ColumnKind::Integer { bits: 64, unsigned: false };
        TableSchema {
            name: TableName { schema: "s".into(), table: "people".into() },
            columns: vec![
                Column::required("id", number()),
                Column::required("mail", number()),
                Column::nullable("town", number()),
            ],
            key: vec![0],
            transactional: true,
        }
    }

    fn rules(columns: &[&str], match_on: &str) -> LinkRules {
        let column = |name: &&str| ColumnRule {
            name: (*name).to_owned(),
            header: (*name).to_owned(),
            policy: Policy::Newest,
            direction: Direction::Both,
        };
        LinkRules {
            name: LinkName("people".into()),
            columns: columns.iter().map(column).collect(),
            policy: Policy::Newest,
            deletes: Deletes::Hold,
            first_match: FirstMatch::Database,
            match_on: vec![match_on.to_owned()],
            tie: Tie::Database,
            paste: Paste::Rows,
            key_edits: KeyEdits::Refuse,
            formulas: Formulas::Hold,
            insert_after: Duration::ZERO,
            delete_grace: Duration::ZERO,
            second_look: Duration::ZERO,
            sweep_interval: Duration::ZERO,
        }
    }

    #[test]
    fn rows_find_their_records_by_linked_columns_beside_the_key() {
        let fits = |columns: &[&str], match_on| {
            check_match("s.people", &rules(columns, match_on), &people()).map_err(|unfit| unfit.to_string())
        };
        assert_eq!(fits(&[], "MAIL"), Ok(()));
        assert_eq!(fits(&["id", "mail"], "mail"), Ok(()));
        for (columns, match_on, why) in [
            (&["id"][..], "mail", "`mail`, which is not linked"),
            (&[], "name", "`name`, which the table does not have"),
            (&[], "id", "`id`, which is part of the key"),
        ] {
            let told = fits(columns, match_on).unwrap_err();
            assert!(
                told.starts_with("s.people: `match_on` of the link names ") && told.contains(why),
                "{told}"
            );
        }
    }
}
