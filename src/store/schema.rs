//! The name of our schema.

use std::fmt;
use std::str::FromStr;

/// The state schema's name: one that both servers take between backticks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateSchema(String);

/// A text that cannot name our schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotASchema {
    /// Empty, too long, or with characters that a database's folder cannot carry.
    #[error("a schema's name has 1 to 64 letters, digits, `_`, `-` or `$`")]
    Form,
    /// The server's own.
    #[error("this schema belongs to the server")]
    System,
}

impl StateSchema {
    /// The plain name, as the tail compares it with the names in events.
    pub fn name(&self) -> &str {
        &self.0
    }

    /// The name as it stands in a statement. Nothing in it needs escaping: its form has no backtick.
    pub(super) fn quoted(&self) -> String {
        format!("`{}`", self.0)
    }
}

impl FromStr for StateSchema {
    type Err = NotASchema;

    fn from_str(name: &str) -> Result<Self, NotASchema> {
        let plain = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '$');
        if name.is_empty() || name.chars().count() > 64 || !name.chars().all(plain) {
            return Err(NotASchema::Form);
        }
        let servers = ["mysql", "sys", "information_schema", "performance_schema"];
        if servers.iter().any(|own| own.eq_ignore_ascii_case(name)) {
            return Err(NotASchema::System);
        }
        Ok(Self(name.to_owned()))
    }
}

impl Default for StateSchema {
    fn default() -> Self {
        Self("sheetbridge".to_owned())
    }
}

impl fmt::Display for StateSchema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_would_leave_their_backticks_are_refused() {
        assert_eq!("bridge-2".parse::<StateSchema>().map(|s| s.quoted()), Ok("`bridge-2`".into()));
        for bad in ["", "a`b", "a.b", "a/b", "a b", "a\0", &"x".repeat(65)] {
            assert_eq!(bad.parse::<StateSchema>(), Err(NotASchema::Form), "{bad}");
        }
        assert_eq!("MySQL".parse::<StateSchema>(), Err(NotASchema::System));
    }
}
