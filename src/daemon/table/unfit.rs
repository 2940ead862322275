//! What keeps a link from being worked on, found as it is put together.

use crate::config::rule::Failed;
use crate::daemon::soft::UnfitMark;
use crate::model::filter::UnfitCondition;
use crate::model::schema::{Column, ColumnKind};

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
