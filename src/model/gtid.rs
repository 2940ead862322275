//! Sets of global transaction ids as MySQL keeps them: per source (a server's uuid and, since 8.3, a tag) a list of intervals.
//!
//! Gaps are kept: closing `1-7:9-10` to `1-10` would claim a transaction that was never seen. The algebra agrees with the
//! server's own `GTID_SUBSET` and `GTID_SUBTRACT` (tests compare them on random sets).

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The largest transaction number of a source (MySQL: `GNO_END` - 1, 2^63 - 2).
const LAST: u64 = i64::MAX as u64 - 1;

/// A text that is no GTID or no set of them.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a GTID set: {0}")]
pub struct NotAGtidSet(pub String);

/// Where transaction numbers come from. Sources order as the server prints them: by uuid, untagged first.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Source {
    /// The server's uuid.
    pub uuid: Uuid,
    /// `[a-z_][a-z0-9_]{0,31}`, or empty for none.
    pub tag: String,
}

/// One transaction of MySQL.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Gtid {
    /// Who numbered it.
    pub source: Source,
    /// Its number, from 1.
    pub number: u64,
}

impl fmt::Display for Gtid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.source.uuid)?;
        if !self.source.tag.is_empty() {
            write!(f, ":{}", self.source.tag)?;
        }
        write!(f, ":{}", self.number)
    }
}

/// Inclusive intervals, sorted, with a gap of at least one between neighbours.
type Intervals = Vec<(u64, u64)>;

/// A set of transactions. Parses what the server prints (line breaks included) and prints it without them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct GtidSet {
    sources: BTreeMap<Source, Intervals>,
}

impl GtidSet {
    /// True for the set of nothing.
    pub fn is_empty(&self) -> bool {
        self.sources.is_empty()
    }

    /// Every source with its inclusive intervals, in the order of printing.
    pub fn sources(&self) -> impl Iterator<Item = (&Source, &[(u64, u64)])> {
        self.sources.iter().map(|(source, spans)| (source, spans.as_slice()))
    }

    /// Takes one transaction in.
    pub fn add(&mut self, gtid: &Gtid) {
        self.add_interval(gtid.source.clone(), gtid.number, gtid.number);
    }

    /// Takes in the transactions `first` to `last` of a source; touching intervals become one.
    pub fn add_interval(&mut self, source: Source, first: u64, last: u64) {
        let spans = self.sources.entry(source).or_default();
        let from = spans.partition_point(|&(_, end)| end.saturating_add(1) < first);
        let to = spans.partition_point(|&(start, _)| start <= last.saturating_add(1));
        let merged =
            spans[from..to].iter().fold((first, last), |(a, b), &(start, end)| (a.min(start), b.max(end)));
        spans.splice(from..to, [merged]);
    }

    /// True if the transaction is in the set.
    pub fn contains(&self, gtid: &Gtid) -> bool {
        self.sources.get(&gtid.source).is_some_and(|spans| {
            let at = spans.partition_point(|&(_, end)| end < gtid.number);
            spans.get(at).is_some_and(|&(start, _)| start <= gtid.number)
        })
    }

    /// What is in either.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        let mut all = self.clone();
        for (source, spans) in &other.sources {
            let ours = all.sources.entry(source.clone()).or_default();
            *ours = merged(ours, spans);
        }
        all
    }

    /// What is here and not in `other`.
    #[must_use]
    pub fn subtract(&self, other: &Self) -> Self {
        let left = self.sources.iter().filter_map(|(source, spans)| {
            let rest = match other.sources.get(source) {
                Some(holes) => without(spans, holes),
                None => spans.clone(),
            };
            (!rest.is_empty()).then(|| (source.clone(), rest))
        });
        Self { sources: left.collect() }
    }

    /// True if all of it is in `other`.
    pub fn is_subset(&self, other: &Self) -> bool {
        self.subtract(other).is_empty()
    }
}

/// Both lists as one, in one pass.
fn merged(ours: &[(u64, u64)], theirs: &[(u64, u64)]) -> Intervals {
    let mut all = Intervals::with_capacity(ours.len() + theirs.len());
    let (mut left, mut right) = (ours.iter().peekable(), theirs.iter().peekable());
    while let Some(&next) = match (left.peek(), right.peek()) {
        (Some(a), Some(b)) if a <= b => left.next(),
        (_, Some(_)) => right.next(),
        (_, None) => left.next(),
    } {
        match all.last_mut() {
            Some(last) if next.0 <= last.1.saturating_add(1) => last.1 = last.1.max(next.1),
            _ => all.push(next),
        }
    }
    all
}

/// The parts of `spans` that no hole covers.
fn without(spans: &[(u64, u64)], holes: &[(u64, u64)]) -> Intervals {
    let mut rest = Intervals::new();
    for &(mut first, last) in spans {
        let skip = holes.partition_point(|&(_, end)| end < first);
        for &(hole, end) in &holes[skip..] {
            if hole > last || first > last {
                break;
            }
            if hole > first {
                rest.push((first, hole - 1));
            }
            first = end.saturating_add(1);
        }
        if first <= last {
            rest.push((first, last));
        }
    }
    rest
}

/// `uuid:1-7:9:tag:3,uuid:5`: a uuid once, its untagged numbers first.
impl fmt::Display for GtidSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut uuid = None;
        for (source, spans) in &self.sources {
            if uuid != Some(source.uuid) {
                let comma = if uuid.is_some() { "," } else { "" };
                write!(f, "{comma}{}", source.uuid)?;
                uuid = Some(source.uuid);
            }
            if !source.tag.is_empty() {
                write!(f, ":{}", source.tag)?;
            }
            for (first, last) in spans {
                if first == last {
                    write!(f, ":{first}")?;
                } else {
                    write!(f, ":{first}-{last}")?;
                }
            }
        }
        Ok(())
    }
}

impl FromStr for GtidSet {
    type Err = NotAGtidSet;

    fn from_str(s: &str) -> Result<Self, NotAGtidSet> {
        let mut set = Self::default();
        for part in s.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            let wrong = || NotAGtidSet(part.to_owned());
            let mut items = part.split(':').map(str::trim);
            let uuid = items.next().and_then(|id| Uuid::try_parse(id).ok()).ok_or_else(wrong)?;
            let mut tag = String::new();
            let mut numbers = 0;
            for item in items {
                if item.starts_with(|c: char| c.is_ascii_digit()) {
                    let (first, last) = parse_interval(item).ok_or_else(wrong)?;
                    let source = Source { uuid, tag: tag.clone() };
                    set.add_interval(source, first, last);
                    numbers += 1;
                } else {
                    tag = parse_tag(item).ok_or_else(wrong)?;
                }
            }
            if numbers == 0 {
                return Err(wrong());
            }
        }
        Ok(set)
    }
}

fn parse_interval(item: &str) -> Option<(u64, u64)> {
    let (first, last) = item.split_once('-').unwrap_or((item, item));
    let (first, last) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
    (1 <= first && first <= last && last <= LAST).then_some((first, last))
}

fn parse_tag(item: &str) -> Option<String> {
    let tag = item.to_ascii_lowercase();
    let legal = tag.len() <= 32
        && tag.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
        && tag.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    legal.then_some(tag)
}

impl From<GtidSet> for String {
    fn from(set: GtidSet) -> Self {
        set.to_string()
    }
}

impl TryFrom<String> for GtidSet {
    type Error = NotAGtidSet;

    fn try_from(s: String) -> Result<Self, NotAGtidSet> {
        s.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    const A: &str = "3e11fa47-71ca-11e1-9e33-c80aa9429562";
    const B: &str = "4e11fa47-71ca-11e1-9e33-c80aa9429562";

    fn set(text: &str) -> GtidSet {
        text.parse().unwrap_or_else(|e| panic!("{e}"))
    }

    #[test]
    fn a_gap_is_kept_through_print_and_parse() {
        let text = format!("{A}:1-7:9-10");
        assert_eq!(set(&text).to_string(), text);
    }

    #[test]
    fn line_breaks_spaces_capitals_and_tags_of_the_server_are_read() {
        let text = format!(" {}:1-3:5:Blue:7-8:red:1 ,\n{B}:4 ", A.to_uppercase());
        assert_eq!(set(&text).to_string(), format!("{A}:1-3:5:blue:7-8:red:1,{B}:4"));
    }

    #[test]
    fn neighbours_grow_together() {
        assert_eq!(set(&format!("{A}:5:1-2:3:4")).to_string(), format!("{A}:1-5"));
        assert_eq!(set(&format!("{A}:1-3,{A}:2-9")).to_string(), format!("{A}:1-9"));
    }

    #[test]
    fn what_is_no_set_is_refused() {
        for bad in
            ["x:1", A, &format!("{A}:0"), &format!("{A}:3-1"), &format!("{A}:1:9tag"), &format!("{A}:tag")]
        {
            assert!(bad.parse::<GtidSet>().is_err(), "{bad}");
        }
        assert!(set("").is_empty());
    }

    fn numbers(set: &GtidSet) -> BTreeSet<(Source, u64)> {
        set.sources()
            .flat_map(|(source, spans)| {
                let all = spans.iter().flat_map(|&(first, last)| first..=last);
                all.map(|n| (source.clone(), n)).collect::<Vec<_>>()
            })
            .collect()
    }

    fn arbitrary() -> impl Strategy<Value = GtidSet> {
        let one = (0_u8..2, 0_u8..2, 1_u64..30, 0_u64..6);
        prop::collection::vec(one, 0..12).prop_map(|spans| {
            let mut set = GtidSet::default();
            for (uuid, tag, first, length) in spans {
                let uuid = if uuid == 0 { A } else { B }.parse().expect("a uuid");
                let tag = if tag == 0 { "" } else { "t" }.to_owned();
                set.add_interval(Source { uuid, tag }, first, first + length);
            }
            set
        })
    }

    /// Every second number of ten thousand, and the numbers between them.
    #[test]
    fn sets_of_ten_thousand_intervals_add_up_and_take_apart() {
        let source = || Source { uuid: A.parse().expect("a uuid"), tag: String::new() };
        let (mut odd, mut even) = (GtidSet::default(), GtidSet::default());
        for n in (1..20_000).step_by(2) {
            odd.add_interval(source(), n, n);
            even.add_interval(source(), n + 1, n + 1);
        }
        assert_eq!(set(&odd.to_string()), odd);
        let all = set(&format!("{A}:1-20000"));
        assert_eq!(odd.union(&even), all);
        assert_eq!(all.subtract(&odd), even);
        assert!(odd.is_subset(&all) && !all.is_subset(&odd));
    }

    proptest! {
        #[test]
        fn the_algebra_is_that_of_plain_sets(a in arbitrary(), b in arbitrary()) {
            let (left, right) = (numbers(&a), numbers(&b));
            prop_assert_eq!(numbers(&a.union(&b)), &left | &right);
            prop_assert_eq!(numbers(&a.subtract(&b)), &left - &right);
            prop_assert_eq!(a.is_subset(&b), left.is_subset(&right));
            prop_assert_eq!(set(&a.to_string()), a.clone());
            for (source, number) in right {
                let gtid = Gtid { source, number };
                prop_assert_eq!(a.contains(&gtid), left.contains(&(gtid.source.clone(), number)));
            }
        }
    }
}
