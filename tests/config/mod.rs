//! The configuration, as an operator writes it.

mod complaints;
mod example;
mod secrets;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sheetbridge::config::load::{Surroundings, load};
use sheetbridge::config::{Complaints, Settings};
use tempfile::TempDir;

/// A key file as Google makes it, with a private key that can be searched for.
const KEY: &str = r#"{"type": "service_account", "client_email": "sb@example.iam.gserviceaccount.com",
  "private_key": "-----BEGIN PRIVATE KEY-----\nplantedkey\n-----END PRIVATE KEY-----\n"}"#;

/// A folder like /etc/sheetbridge.
struct Folder {
    folder: TempDir,
    surroundings: Surroundings,
}

impl Folder {
    /// With a Google key and a script's secret in it.
    fn new() -> Self {
        let made =
            Self { folder: tempfile::tempdir().expect("a folder"), surroundings: Surroundings::default() };
        made.secret("google.json", KEY);
        made.secret("orders.secret", &format!("whsec_{}\n", STANDARD.encode([7; 32])));
        made
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file that only its owner reads.
    fn secret(&self, name: &str, content: &str) {
        fs::write(self.path(name), content).expect("the folder is writable");
        set_mode(&self.path(name), 0o600);
    }

    fn variable(mut self, name: &str, value: &str) -> Self {
        self.surroundings.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    fn load(&self, text: &str) -> Result<Settings, Complaints> {
        let path = self.path("sheetbridge.toml");
        fs::write(&path, text).expect("the folder is writable");
        load(&path, &self.surroundings)
    }

    /// The settings of a file that is taken.
    fn right(&self, text: &str) -> Settings {
        self.load(text).expect("the file is taken")
    }

    /// What is wrong with a file that must not be taken: `path: what` of each complaint.
    fn wrong(&self, text: &str) -> Vec<String> {
        let complaints = self.load(text).expect_err("the file is taken");
        assert!(complaints.0.iter().all(|complaint| !complaint.cure.is_empty()));
        let told = complaints.0.iter().map(|complaint| format!("{}: {}", complaint.path, complaint.what));
        told.collect()
    }
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("the file is ours");
}

/// The least that is a configuration.
const SMALL: &str = r#"
[google]
key_file = "google.json"

[[link]]
name = "orders"
table = "shop.orders"
spreadsheet = "1aBcDeFgHiJkLmNoPqRsTuVwXyZ"
tab = "Orders"
deletes = "apply"
"#;

/// The small configuration with more keys in its link.
fn small_with(keys: &str) -> String {
    format!("{SMALL}{keys}\n")
}
