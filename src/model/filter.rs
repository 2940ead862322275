//! Which rows of a table belong to a link.
//!
//! A filter is a list of conditions that must all hold. It stands here twice: as it is written ([`Condition`], values in
//! text), and fitted to a table ([`Check`], values of the columns' kinds). The fitted one is evaluated in two places that must
//! say the same of every row: by the server in the WHERE of a copy, and by the engine on every row that comes by otherwise.
//! So only such comparisons are taken as mean the same in both:
//!
//! | column | compared | operators |
//! |--|--|--|
//! | integers, booleans, BIT, YEAR | as numbers | all |
//! | DECIMAL | digit by digit | all |
//! | DATE, DATETIME, TIMESTAMP (in UTC), TIME | in time | all |
//! | CHAR, VARCHAR, TEXT | byte by byte in UTF-8: letter case, accents and blanks at the end count | all |
//! | ENUM | the member's name | `=`, `!=`, `in` |
//! | any | | `is null`, `is not null` |
//!
//! As in SQL, a comparison with NULL is unknown, and what is unknown is outside.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::model::literal::{Malformed, literal};
use crate::model::schema::{ColumnKind, TableSchema};
use crate::model::value::Value;

/// How two values are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Comparison {
    /// `=`
    Equal,
    /// `!=`
    Unequal,
    /// `<`
    Less,
    /// `<=`
    AtMost,
    /// `>`
    More,
    /// `>=`
    AtLeast,
}

/// What is asked of a column.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Test<V> {
    /// Compared with one value.
    Compare(Comparison, V),
    /// Equal to one of these.
    In(Vec<V>),
    /// NULL.
    Null,
    /// Not NULL.
    NotNull,
    /// Another value than this, or NULL: what a soft delete leaves in the tab. It has no operator in the configuration.
    IsNot(V),
}

/// One condition as it is written.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Condition {
    /// The column's name; it need not be a column of the tab.
    pub column: String,
    /// What is asked of it.
    pub test: Test<String>,
}

/// One condition fitted to a table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// The column's place in the table.
    pub place: usize,
    /// What is asked of it.
    pub test: Test<Value>,
}

/// Conditions that must all hold. Without any, every row is inside.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Filter(pub Vec<Check>);

/// Why a condition does not fit its table.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnfitCondition {
    /// No such column.
    #[error("there is no column `{0}`")]
    NoColumn(String),
    /// The server and we would not compare such values alike.
    #[error("column `{0}` is of a type that can only be asked for `is null` and `is not null`")]
    NotComparable(String),
    /// ENUM has two orders, by name and by number.
    #[error("column `{0}` is an ENUM: it can be compared with `=`, `!=` and `in` only")]
    NotOrdered(String),
    /// The value is none of the column's.
    #[error("the value for column `{column}` {why}")]
    Malformed {
        /// The column.
        column: String,
        /// What is wrong with the value.
        why: Malformed,
    },
}

/// What columns of a kind can be asked.
enum Comparable {
    /// Everything.
    Ordered,
    /// Whether they are equal.
    Equal,
    /// Whether they are NULL.
    Not,
}

impl Filter {
    /// Fits conditions to a table.
    ///
    /// # Errors
    /// The first condition that does not fit.
    pub fn fit(conditions: &[Condition], schema: &TableSchema) -> Result<Self, UnfitCondition> {
        conditions.iter().map(|condition| fit(condition, schema)).collect::<Result<_, _>>().map(Self)
    }

    /// The columns that it asks, by their places in the table.
    pub fn places(&self) -> impl Iterator<Item = usize> + '_ {
        self.0.iter().map(|check| check.place)
    }
}

fn fit(condition: &Condition, schema: &TableSchema) -> Result<Check, UnfitCondition> {
    let name = || condition.column.clone();
    let place = schema.position(&condition.column).ok_or_else(|| UnfitCondition::NoColumn(name()))?;
    let kind = &schema.columns[place].kind;
    let value =
        |text: &String| literal(kind, text).map_err(|why| UnfitCondition::Malformed { column: name(), why });
    let comparable = comparable(kind);
    let test = match (&condition.test, comparable) {
        (Test::Null, _) => Test::Null,
        (Test::NotNull, _) => Test::NotNull,
        (_, Comparable::Not) => return Err(UnfitCondition::NotComparable(name())),
        (Test::Compare(comparison, _), Comparable::Equal) if comparison.orders() => {
            return Err(UnfitCondition::NotOrdered(name()));
        }
        (Test::Compare(comparison, text), _) => Test::Compare(*comparison, value(text)?),
        (Test::In(texts), _) => Test::In(texts.iter().map(value).collect::<Result<_, _>>()?),
        (Test::IsNot(text), _) => Test::IsNot(value(text)?),
    };
    Ok(Check { place, test })
}

fn comparable(kind: &ColumnKind) -> Comparable {
    match kind {
        ColumnKind::Integer { .. }
        | ColumnKind::Boolean
        | ColumnKind::Bit { .. }
        | ColumnKind::Year
        | ColumnKind::Decimal { .. }
        | ColumnKind::Text { .. }
        | ColumnKind::Date
        | ColumnKind::DateTime { .. }
        | ColumnKind::Timestamp { .. }
        | ColumnKind::Time { .. } => Comparable::Ordered,
        ColumnKind::Enum(_) => Comparable::Equal,
        ColumnKind::Float
        | ColumnKind::Double
        | ColumnKind::Set(_)
        | ColumnKind::Bytes { .. }
        | ColumnKind::Json
        | ColumnKind::Named(_)
        | ColumnKind::Unsupported(_) => Comparable::Not,
    }
}

impl Comparison {
    /// True where more than equality counts.
    pub fn orders(self) -> bool {
        !matches!(self, Self::Equal | Self::Unequal)
    }
}

/// A text that is no comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a comparison")]
pub struct NotAComparison;

impl FromStr for Comparison {
    type Err = NotAComparison;

    fn from_str(s: &str) -> Result<Self, NotAComparison> {
        Ok(match s {
            "=" => Self::Equal,
            "!=" => Self::Unequal,
            "<" => Self::Less,
            "<=" => Self::AtMost,
            ">" => Self::More,
            ">=" => Self::AtLeast,
            _ => return Err(NotAComparison),
        })
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Equal => "=",
            Self::Unequal => "!=",
            Self::Less => "<",
            Self::AtMost => "<=",
            Self::More => ">",
            Self::AtLeast => ">=",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::schema::{Column, TableName};

    fn table() -> TableSchema {
        let kinds = [
            ("n", ColumnKind::Integer { bits: 8, unsigned: false }),
            ("e", ColumnKind::Enum(vec!["open".into(), "done".into()])),
            ("x", ColumnKind::Double),
        ];
        TableSchema {
            name: TableName { schema: "s".into(), table: "t".into() },
            columns: kinds.map(|(name, kind)| Column::nullable(name, kind)).into(),
            key: vec![0],
            transactional: true,
        }
    }

    fn fitted(column: &str, test: Test<String>) -> Result<Filter, String> {
        let condition = Condition { column: column.into(), test };
        Filter::fit(&[condition], &table()).map_err(|error| error.to_string())
    }

    #[test]
    fn a_condition_takes_its_columns_kind() {
        let filter = fitted("N", Test::In(vec!["5".into(), "-7".into()]));
        let test = Test::In(vec![Value::Int(5), Value::Int(-7)]);
        assert_eq!(filter, Ok(Filter(vec![Check { place: 0, test }])));
        assert!(fitted("x", Test::Null).is_ok(), "every column can be asked for NULL");
    }

    #[test]
    fn what_the_server_would_compare_otherwise_is_refused() {
        let less = |text: &str| Test::Compare(Comparison::Less, text.to_owned());
        for (column, test, why) in [
            ("gone", Test::Null, "there is no column `gone`"),
            ("x", less("1"), "can only be asked for `is null`"),
            ("e", less("open"), "is an ENUM"),
            ("e", Test::In(vec!["opne".into()]), "is no member"),
            ("n", less("1.5"), "is no whole number"),
        ] {
            let told = fitted(column, test).expect_err(column);
            assert!(told.contains(why), "{told}");
        }
    }

    #[test]
    fn comparisons_print_and_parse() {
        for sign in ["=", "!=", "<", "<=", ">", ">="] {
            assert_eq!(sign.parse::<Comparison>().map(|it| it.to_string()), Ok(sign.to_owned()));
        }
        assert_eq!("<>".parse::<Comparison>(), Err(NotAComparison));
    }
}
