//! Several service accounts: each has a quota of its own, and each spreadsheet is bound to one of them by hash.
//!
//! The binding is the account with the highest hash of the two names, so that an account that comes or goes moves only the
//! spreadsheets that are its own. Every spreadsheet is shared with every account.

use std::collections::BTreeMap;
use std::sync::Arc;

use xxhash_rust::xxh3::xxh3_64;

use crate::model::link::SpreadsheetId;
use crate::sheet::auth::ServiceAccount;
use crate::sheet::client::{Client, Google};
use crate::sheet::error::SheetError;
use crate::sheet::quota::Project;

/// The accounts.
#[derive(Debug)]
pub struct Pool {
    clients: Vec<Arc<Client>>,
}

impl Pool {
    /// Makes a client of each account; those of one project share its quota.
    ///
    /// # Errors
    /// A client cannot be built, or there is no account.
    pub fn new(accounts: Vec<ServiceAccount>, google: &Google) -> Result<Self, SheetError> {
        let mut projects: BTreeMap<String, Project> = BTreeMap::new();
        let mut clients = Vec::new();
        for account in accounts {
            let project = projects.entry(account.project().to_owned());
            let project = project.or_insert_with(|| Project::new(google.rates.project)).clone();
            clients.push(Arc::new(Client::of_project(account, google, project)?));
        }
        if clients.is_empty() {
            return Err(SheetError::KeyFile("there is none".into()));
        }
        Ok(Self { clients })
    }

    /// How many accounts there are.
    pub fn len(&self) -> usize {
        self.clients.len()
    }

    /// Are there none? There never are.
    pub fn is_empty(&self) -> bool {
        self.clients.is_empty()
    }

    /// The account that calls for a spreadsheet.
    pub fn of(&self, spreadsheet: &SpreadsheetId) -> &Arc<Client> {
        &self.clients[bound(spreadsheet, self.clients.iter().map(|client| client.email()))]
    }
}

/// The place of the account that a spreadsheet is bound to.
fn bound<'a>(spreadsheet: &SpreadsheetId, accounts: impl Iterator<Item = &'a str>) -> usize {
    let weight = |(_, email): &(usize, &str)| xxh3_64(format!("{email}\n{spreadsheet}").as_bytes());
    accounts.enumerate().max_by_key(weight).map_or(0, |(place, _)| place)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_account_takes_its_share_and_moves_nothing_else() {
        let books: Vec<SpreadsheetId> = (0..300).map(|n| SpreadsheetId(format!("book-{n}"))).collect();
        let place = |book, accounts: &[&str]| bound(book, accounts.iter().copied());
        let before: Vec<usize> = books.iter().map(|book| place(book, &["a@x", "b@x"])).collect();
        let after: Vec<usize> = books.iter().map(|book| place(book, &["a@x", "b@x", "c@x"])).collect();
        let moved: Vec<_> = before.iter().zip(&after).filter(|(before, after)| before != after).collect();
        assert!(moved.iter().all(|(_, after)| **after == 2));
        assert!((70..130).contains(&moved.len()), "{} moved", moved.len());
        assert!((100..200).contains(&before.iter().filter(|place| **place == 0).count()));
    }
}
