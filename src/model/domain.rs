//! Positions as MariaDB keeps them: per replication domain the last transaction.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A text that is no list of MariaDB GTIDs.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a MariaDB GTID list: {0}")]
pub struct NotAGtidList(pub String);

/// One transaction of MariaDB: `domain-server-sequence`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DomainGtid {
    /// The replication domain.
    pub domain: u32,
    /// The server that committed it first.
    pub server: u32,
    /// Counts up within the domain.
    pub sequence: u64,
}

impl fmt::Display for DomainGtid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}-{}", self.domain, self.server, self.sequence)
    }
}

impl FromStr for DomainGtid {
    type Err = NotAGtidList;

    fn from_str(s: &str) -> Result<Self, NotAGtidList> {
        let wrong = || NotAGtidList(s.to_owned());
        let mut parts = s.trim().splitn(3, '-');
        let mut next = || parts.next().ok_or_else(wrong);
        Ok(Self {
            domain: next()?.parse().map_err(|_| wrong())?,
            server: next()?.parse().map_err(|_| wrong())?,
            sequence: next()?.parse().map_err(|_| wrong())?,
        })
    }
}

/// The last transaction of every domain. Several servers may write one domain (after a failover): the last one counts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct GtidList {
    last: BTreeMap<u32, (u32, u64)>,
}

impl GtidList {
    /// True if no transaction was seen in any domain.
    pub fn is_empty(&self) -> bool {
        self.last.is_empty()
    }

    /// The last transaction of a domain.
    pub fn last(&self, domain: u32) -> Option<DomainGtid> {
        let &(server, sequence) = self.last.get(&domain)?;
        Some(DomainGtid { domain, server, sequence })
    }

    /// Every domain's last transaction, by domain.
    pub fn iter(&self) -> impl Iterator<Item = DomainGtid> {
        self.last.iter().map(|(&domain, &(server, sequence))| DomainGtid { domain, server, sequence })
    }

    /// Moves a domain forward to this transaction; an older one changes nothing.
    pub fn add(&mut self, gtid: DomainGtid) {
        let last = self.last.entry(gtid.domain).or_insert((gtid.server, gtid.sequence));
        if last.1 <= gtid.sequence {
            *last = (gtid.server, gtid.sequence);
        }
    }

    /// The further one of each domain.
    #[must_use]
    pub fn merge(&self, other: &Self) -> Self {
        let mut all = self.clone();
        other.iter().for_each(|gtid| all.add(gtid));
        all
    }

    /// True if no domain of `other` is further than here.
    pub fn covers(&self, other: &Self) -> bool {
        other
            .iter()
            .all(|theirs| self.last(theirs.domain).is_some_and(|ours| ours.sequence >= theirs.sequence))
    }
}

impl fmt::Display for GtidList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, gtid) in self.iter().enumerate() {
            let comma = if i > 0 { "," } else { "" };
            write!(f, "{comma}{gtid}")?;
        }
        Ok(())
    }
}

impl FromStr for GtidList {
    type Err = NotAGtidList;

    fn from_str(s: &str) -> Result<Self, NotAGtidList> {
        let mut list = Self::default();
        for part in s.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            list.add(part.parse()?);
        }
        Ok(list)
    }
}

impl From<GtidList> for String {
    fn from(list: GtidList) -> Self {
        list.to_string()
    }
}

impl TryFrom<String> for GtidList {
    type Error = NotAGtidList;

    fn try_from(s: String) -> Result<Self, NotAGtidList> {
        s.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(text: &str) -> GtidList {
        text.parse().unwrap_or_else(|e| panic!("{e}"))
    }

    #[test]
    fn two_servers_of_one_domain_leave_one_position() {
        let mut position = list("0-1-100,1-1-7");
        position.add("0-2-101".parse().expect("a gtid"));
        assert_eq!(position.to_string(), "0-2-101,1-1-7");
        position.add("0-1-99".parse().expect("a gtid"));
        assert_eq!(position.to_string(), "0-2-101,1-1-7", "an older one changes nothing");
    }

    #[test]
    fn domains_are_compared_one_by_one() {
        assert!(list("0-1-5,1-1-5").covers(&list("0-2-5")));
        assert!(!list("0-1-5").covers(&list("0-1-5,1-1-1")));
        assert!(list("").covers(&list("")));
        assert_eq!(list("0-1-5,2-1-1").merge(&list("0-1-4,1-1-1")), list("0-1-5,1-1-1,2-1-1"));
    }

    #[test]
    fn what_is_no_list_is_refused() {
        for bad in ["0-1", "0-1-x", "a", "0-1-2-3", "-1-1-1"] {
            assert!(bad.parse::<GtidList>().is_err(), "{bad}");
        }
    }
}
