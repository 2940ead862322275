//! What is wrong with a configuration, for the person who mends it.

use std::fmt;

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Complaint {
    /// Where: `mysql.port`, `link[orders].deletes`.
    pub path: String,
    /// What is wrong there.
    pub what: String,
    /// What to do.
    pub cure: String,
}

impl fmt::Display for Complaint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}; {}", self.path, self.what, self.cure)
    }
}

/// Everything that is wrong, in the order of the sections.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Complaints(pub Vec<Complaint>);

impl Complaints {
    /// Adds one.
    pub fn add(&mut self, path: impl fmt::Display, what: impl fmt::Display, cure: impl fmt::Display) {
        self.0.push(Complaint { path: path.to_string(), what: what.to_string(), cure: cure.to_string() });
    }
}

/// One line each.
impl fmt::Display for Complaints {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, complaint) in self.0.iter().enumerate() {
            if i > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{complaint}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Complaints {}
