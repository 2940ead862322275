//! A table as the server describes it.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A table's name, never quoted here; quoting is the statement builder's work.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TableName {
    /// The database.
    pub schema: String,
    /// The table.
    pub table: String,
}

impl fmt::Display for TableName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.schema, self.table)
    }
}

/// What a column holds, as far as conversion depends on it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ColumnKind {
    /// TINYINT to BIGINT; `bits` is 8, 16, 24, 32 or 64.
    Integer {
        /// Width in bits.
        bits: u8,
        /// UNSIGNED.
        unsigned: bool,
    },
    /// TINYINT(1) or BIT(1) shown as a checkbox.
    Boolean,
    /// DECIMAL(precision, scale).
    Decimal {
        /// All digits.
        precision: u8,
        /// Digits after the point.
        scale: u8,
        /// UNSIGNED.
        unsigned: bool,
    },
    /// FLOAT.
    Float,
    /// DOUBLE.
    Double,
    /// CHAR, VARCHAR and the TEXT types; `length` in characters.
    Text {
        /// Longest content, in characters.
        length: u64,
    },
    /// ENUM with its members in order.
    Enum(Vec<String>),
    /// SET with its members in order.
    Set(Vec<String>),
    /// BINARY (`fixed`), VARBINARY and the BLOB types; also types that we carry as bytes.
    Bytes {
        /// Longest content, in bytes.
        length: u64,
        /// BINARY(n): padded with zero bytes to its length.
        fixed: bool,
    },
    /// BIT(n), n over 1 or not shown as a checkbox.
    Bit {
        /// Width in bits.
        bits: u8,
    },
    /// DATE.
    Date,
    /// DATETIME(fsp): wall time.
    DateTime {
        /// Digits of fractional seconds.
        fsp: u8,
    },
    /// TIMESTAMP(fsp): an instant, in UTC here.
    Timestamp {
        /// Digits of fractional seconds.
        fsp: u8,
    },
    /// TIME(fsp).
    Time {
        /// Digits of fractional seconds.
        fsp: u8,
    },
    /// YEAR.
    Year,
    /// JSON of MySQL, or MariaDB's LONGTEXT with a `json_valid` check.
    Json,
    /// MariaDB's UUID, INET4, INET6: text in our hands.
    Named(String),
    /// A type that we do not carry (GEOMETRY columns are bytes, this is for the unknown): the column cannot be linked.
    Unsupported(String),
}

/// One column.
// Four independent facts of the server's own catalogue: no state machine hides in them.
#[allow(clippy::struct_excessive_bools)]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Column {
    /// The name as the server spells it.
    pub name: String,
    /// What it holds.
    pub kind: ColumnKind,
    /// NULL allowed.
    pub nullable: bool,
    /// `AUTO_INCREMENT`.
    pub auto_increment: bool,
    /// An INSERT may leave it out: nullable, a default, auto-increment or generated.
    pub optional: bool,
    /// VIRTUAL or STORED generated: never written.
    pub generated: bool,
    /// The character set's name for text kinds (`utf8mb4`, `latin1`, `binary`).
    pub charset: Option<String>,
    /// The collation's name for text kinds.
    pub collation: Option<String>,
}

impl Column {
    /// A plain column that has to be filled: NOT NULL, no default, no character set. Other facts are set over these.
    pub fn required(name: impl Into<String>, kind: ColumnKind) -> Self {
        Self {
            name: name.into(),
            kind,
            nullable: false,
            auto_increment: false,
            optional: false,
            generated: false,
            charset: None,
            collation: None,
        }
    }

    /// A plain column that may be left out: NULL is its default.
    pub fn nullable(name: impl Into<String>, kind: ColumnKind) -> Self {
        Self { nullable: true, optional: true, ..Self::required(name, kind) }
    }
}

/// A table, its columns in the server's order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableSchema {
    /// The name.
    pub name: TableName,
    /// All columns, invisible ones included: the order of row images.
    pub columns: Vec<Column>,
    /// The primary key (or the unique NOT NULL key that stands for it): positions in `columns`, in key order.
    pub key: Vec<usize>,
    /// The storage engine is transactional (InnoDB): else the table is read-only from the sheet.
    pub transactional: bool,
}

impl TableSchema {
    /// The position of a column by name, letter case ignored as MySQL does.
    pub fn position(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column.name.eq_ignore_ascii_case(name))
    }
}
