//! Where a value is found that stands on neither side any more.

use std::io::Read as _;

use flate2::read::DeflateDecoder;

use crate::bridge::rig::Rig;

/// Everything that the ledger keeps, as text: kind, and both values.
pub(super) struct Ledger(Vec<(String, String)>);

impl Ledger {
    /// As it stands.
    pub(super) async fn of(rig: &Rig) -> Self {
        let query = format!(
            "SELECT kind, IFNULL(before_packed, ''), IFNULL(after_packed, '') FROM {}.ledger
             WHERE kind IN ('write', 'insert', 'delete', 'conflict')",
            rig.state
        );
        let entries: Vec<(String, Vec<u8>, Vec<u8>)> = rig.server.rows(&query).await;
        let text =
            |(kind, before, after): (String, Vec<u8>, Vec<u8>)| (kind, unpacked(&before) + &unpacked(&after));
        Self(entries.into_iter().map(text).collect())
    }

    /// Is this value listed as one side of a conflict?
    pub(super) fn lists(&self, value: &str) -> bool {
        self.0.iter().any(|(kind, text)| kind == "conflict" && text.contains(&format!("\"{value}\"")))
    }

    /// Has it been in the table, or is it listed?
    pub(super) fn knows(&self, value: &str) -> bool {
        self.0.iter().any(|(_, text)| text.contains(&format!("\"{value}\"")))
    }
}

/// How many requests of mends the batches so far have carried.
pub(super) async fn mends(rig: &Rig) -> usize {
    let query = format!("SELECT plan_packed FROM {}.batch WHERE step = 'intended'", rig.state);
    let plans: Vec<Vec<u8>> = rig.server.rows(&query).await;
    let mends = |plan: &Vec<u8>| {
        let plan = unpacked(plan);
        ["MendCells", "MendRow"].iter().map(|mend| plan.matches(mend).count()).sum::<usize>()
    };
    plans.iter().map(mends).sum()
}

fn unpacked(packed: &[u8]) -> String {
    let mut text = String::new();
    // What is stored empty unpacks to nothing.
    let _ = DeflateDecoder::new(packed).read_to_string(&mut text);
    text
}
