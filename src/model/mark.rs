//! The marks by which effects are known again: in the ledger (and so in the binlog), and in the sheet's developer metadata.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A ledger entry's id. The tail hands the ids that a transaction carries to the engine: that opens fences (protocol C1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct EffectId(pub u64);

impl EffectId {
    /// The first id of a start of the daemon: starts are told apart by the upper bits, so that the rest may simply count
    /// up. 40 bits are 17 years at 2,000 effects a second.
    pub fn first_of(generation: u32) -> Self {
        Self(u64::from(generation) << 40)
    }

    /// The id after this one.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

/// An accepted edit's number in the inbox: the cause of the effects that it leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct EditId(pub u64);

/// A batch's number: the developer metadata id that the batch creates first, so that it applies at most once (protocol C7).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct BatchNumber(pub i32);

/// The id of a new row's claim: the value of the row metadata `sb.row`, and part of the insert's ledger entry (protocol C6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ClaimId(pub u64);

/// Who wrote a token: which installation, and which start of it. Printed `<installation>.<generation>`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Owner {
    /// A random word made once when our schema is made: letters and digits.
    pub installation: String,
    /// Counts up at every start of the daemon.
    pub generation: u32,
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.installation, self.generation)
    }
}

impl FromStr for Owner {
    type Err = ();

    fn from_str(s: &str) -> Result<Self, ()> {
        let (installation, generation) = s.rsplit_once('.').ok_or(())?;
        if installation.is_empty() {
            return Err(());
        }
        Ok(Self { installation: installation.to_owned(), generation: generation.parse().map_err(drop)? })
    }
}

impl fmt::Display for EffectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl fmt::Display for EditId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl fmt::Display for BatchNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl fmt::Display for ClaimId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}", self.0)
    }
}

impl FromStr for ClaimId {
    type Err = std::num::ParseIntError;

    fn from_str(s: &str) -> Result<Self, Self::Err> {
        u64::from_str_radix(s, 16).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn owners_and_claims_print_and_parse() {
        let owner = Owner { installation: "k3v9".into(), generation: 7 };
        assert_eq!(owner.to_string().parse(), Ok(owner));
        assert_eq!("void".parse::<Owner>(), Err(()));
        assert_eq!(ClaimId(0xdead_beef).to_string().parse(), Ok(ClaimId(0xdead_beef)));
    }
}
