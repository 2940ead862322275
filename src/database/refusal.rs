//! Why the server does not take a row: its own reason in plain words, the column named and the value never.

use std::fmt;

/// The reason. Its `Display` is the sentence that a person sees at the cell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Another row has the same values in a unique key.
    Duplicate {
        /// The key's name, `PRIMARY` for the primary key.
        key: String,
    },
    /// Text or bytes longer than the column.
    TooLong {
        /// The column.
        column: String,
    },
    /// A number or date beyond the column's range.
    OutOfRange {
        /// The column.
        column: String,
    },
    /// A value that the column's type does not know.
    WrongValue {
        /// The column, where the server names it.
        column: Option<String>,
    },
    /// NULL in a NOT NULL column.
    NotNull {
        /// The column.
        column: String,
    },
    /// A column without a default was left out.
    Missing {
        /// The column.
        column: String,
    },
    /// The row that a foreign key points at is not there.
    NoParent {
        /// The constraint's name.
        constraint: String,
    },
    /// Rows of another table point at this one.
    HasChildren {
        /// The constraint's name.
        constraint: String,
    },
    /// A CHECK constraint.
    Check {
        /// The constraint's name.
        constraint: String,
    },
    /// A trigger or procedure raised an error of its own.
    Signal {
        /// Its words, which the table's owner wrote.
        message: String,
    },
    /// The server is in read-only mode.
    ReadOnly,
}

impl Refusal {
    /// The column that the server names.
    pub fn column(&self) -> Option<&str> {
        match self {
            Self::TooLong { column }
            | Self::OutOfRange { column }
            | Self::NotNull { column }
            | Self::Missing { column } => Some(column),
            Self::WrongValue { column } => column.as_deref(),
            _ => None,
        }
    }

    /// Reads the server's error. `None` where it is not about the row.
    pub fn from_server(code: u16, message: &str) -> Option<Self> {
        let column = || column_of(message);
        Some(match code {
            1022 | 1062 | 1169 | 1586 => {
                Self::Duplicate { key: after_last(message, "for key ").unwrap_or_default() }
            }
            1406 => Self::TooLong { column: column()? },
            1264 | 1690 => match column() {
                Some(column) => Self::OutOfRange { column },
                None => Self::WrongValue { column: None },
            },
            1048 | 1263 => Self::NotNull { column: column()? },
            1364 => Self::Missing { column: quoted_after(message, "Field ")? },
            1265 | 1292 | 1366 | 1367 | 1411 | 3140 | 3988 | 4079 => Self::WrongValue { column: column() },
            1216 | 1452 => {
                Self::NoParent { constraint: quoted_after(message, "CONSTRAINT ").unwrap_or_default() }
            }
            1217 | 1451 => {
                Self::HasChildren { constraint: quoted_after(message, "CONSTRAINT ").unwrap_or_default() }
            }
            3819 => Self::Check { constraint: quoted_after(message, "constraint ").unwrap_or_default() },
            4025 => Self::Check { constraint: quoted_after(message, "CONSTRAINT ").unwrap_or_default() },
            1644 => Self::Signal { message: message.to_owned() },
            1290 | 1836 => Self::ReadOnly,
            _ => return None,
        })
    }
}

/// The column that a message names: `column 'c' at row 1`, MariaDB's ``column `s`.`t`.`c` at row 1``, `column 't.c'`,
/// `Column 'c' cannot be null`. Values stand before it, so the last mention counts.
fn column_of(message: &str) -> Option<String> {
    let at = message.rfind("olumn ")? + "olumn ".len();
    let name = quoted_after(&message[at..], "")?;
    Some(name.rsplit('.').next().unwrap_or(&name).to_owned())
}

/// The quoted name after the last mention of a word; `t.PRIMARY` gives `PRIMARY`.
fn after_last(message: &str, word: &str) -> Option<String> {
    let name = quoted_after(&message[message.rfind(word)? + word.len()..], "")?;
    Some(name.rsplit('.').next().unwrap_or(&name).to_owned())
}

/// What stands in quotes (`'…'`, `` `…` ``, or backquoted parts joined by points) right after a word.
fn quoted_after(message: &str, word: &str) -> Option<String> {
    let rest = &message[message.find(word)? + word.len()..];
    let quote = rest.chars().next().filter(|c| matches!(c, '\'' | '`'))?;
    let mut name = String::new();
    let mut inside = false;
    let mut characters = rest.chars().peekable();
    while let Some(c) = characters.next() {
        match c {
            _ if c == quote => inside = !inside,
            _ if inside => name.push(c),
            '.' if characters.peek() == Some(&quote) => name.push('.'),
            _ => break,
        }
    }
    Some(name)
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Duplicate { key } if key == "PRIMARY" => f.write_str("another row has this key already"),
            Self::Duplicate { key } => {
                write!(f, "another row has the same value, and {key} allows it once only")
            }
            Self::TooLong { column } => write!(f, "too long for {column}"),
            Self::OutOfRange { column } => write!(f, "out of range for {column}"),
            Self::WrongValue { column: Some(column) } => write!(f, "not a value that {column} can hold"),
            Self::WrongValue { column: None } => f.write_str("not a value that the column can hold"),
            Self::NotNull { column } => write!(f, "{column} must not be empty"),
            Self::Missing { column } => write!(f, "{column} must be filled in"),
            Self::NoParent { constraint } => write!(f, "it points at a row that is not there ({constraint})"),
            Self::HasChildren { constraint } => {
                write!(f, "rows of another table still point at it ({constraint})")
            }
            Self::Check { constraint } => write!(f, "the table's rule {constraint} does not allow it"),
            Self::Signal { message } => write!(f, "the table says: {message}"),
            Self::ReadOnly => f.write_str("the database takes no changes now (read-only)"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_servers_words_give_the_column_and_never_the_value() {
        let said = [
            (
                1366,
                "Incorrect integer value: 'secret' for column 'n' at row 1",
                "not a value that n can hold",
            ),
            (
                1366,
                "Incorrect integer value: 'secret' for column `s`.`t`.`n` at row 1",
                "not a value that n can hold",
            ),
            (1406, "Data too long for column 'name' at row 1", "too long for name"),
            (1264, "Out of range value for column 'n' at row 1", "out of range for n"),
            (1048, "Column 'c' cannot be null", "c must not be empty"),
            (1364, "Field 'c' doesn't have a default value", "c must be filled in"),
            (1062, "Duplicate entry 'secret' for key 't.PRIMARY'", "another row has this key already"),
            (
                1062,
                "Duplicate entry 'for key 'x' for key 'u'",
                "another row has the same value, and u allows it once only",
            ),
            (
                3140,
                "Invalid JSON text: \"Invalid value.\" at position 0 in value for column 't.j'.",
                "not a value that j can hold",
            ),
            (3819, "Check constraint 'positive' is violated.", "the table's rule positive does not allow it"),
            (4025, "CONSTRAINT `positive` failed for `s`.`t`", "the table's rule positive does not allow it"),
            (1292, "Truncated incorrect DOUBLE value: 'secret'", "not a value that the column can hold"),
        ];
        for (code, message, sentence) in said {
            let refusal = Refusal::from_server(code, message).map(|r| r.to_string());
            assert_eq!(refusal.as_deref(), Some(sentence), "{message}");
        }
        assert_eq!(Refusal::from_server(1146, "Table 's.t' doesn't exist"), None);
    }
}
