//! What stands in the file, as it stands there: everything optional, nothing believed, unknown keys refused.

use std::collections::BTreeMap;
use std::path::PathBuf;

use config::{Config, Value};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::config::complaint::Complaints;

/// The file's sections. A section that could not be read is `None`, and its complaint is made already.
#[derive(Debug, Default)]
pub struct Raw {
    /// `[mysql]`
    pub mysql: Option<RawMysql>,
    /// `[google]`
    pub google: Option<RawGoogle>,
    /// `[endpoint]`
    pub endpoint: Option<RawEndpoint>,
    /// `[[link]]`, in the file's order.
    pub links: Vec<Option<RawLink>>,
}

/// `[mysql]`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the keys are documented in sheetbridge.example.toml")]
pub struct RawMysql {
    pub host: Option<String>,
    pub port: Option<u16>,
    pub socket: Option<PathBuf>,
    pub user: Option<String>,
    pub password_file: Option<PathBuf>,
    pub password_credential: Option<String>,
    pub tls: Option<String>,
    pub ca_file: Option<PathBuf>,
    pub state_schema: Option<String>,
    pub server_id: Option<u32>,
    pub max_threads_running: Option<u64>,
    pub max_replica_lag: Option<String>,
    pub audit_interval: Option<String>,
}

/// `[google]`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the keys are documented in sheetbridge.example.toml")]
pub struct RawGoogle {
    pub key_file: Option<PathBuf>,
    pub key_credential: Option<String>,
    pub base_address: Option<String>,
    pub token_url: Option<String>,
    pub reads_per_minute: Option<u32>,
    pub writes_per_minute: Option<u32>,
    #[serde(default)]
    pub further_key_files: Vec<PathBuf>,
    pub project_per_minute: Option<u32>,
    pub cells_per_read: Option<u32>,
}

/// `[endpoint]`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the keys are documented in sheetbridge.example.toml")]
pub struct RawEndpoint {
    pub listen: Option<String>,
    pub status: Option<String>,
    pub exposed: Option<bool>,
}

/// `[[link]]`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the keys are documented in sheetbridge.example.toml")]
pub struct RawLink {
    pub name: Option<String>,
    pub table: Option<String>,
    pub spreadsheet: Option<String>,
    pub tab: Option<String>,
    pub columns: Option<Vec<Value>>,
    pub filter: Option<Vec<Value>>,
    pub policy: Option<Value>,
    pub deletes: Option<Value>,
    pub first_match: Option<String>,
    pub match_on: Option<Vec<String>>,
    pub tie: Option<String>,
    pub paste: Option<String>,
    pub key_edits: Option<String>,
    pub formulas: Option<String>,
    pub secret_files: Option<Vec<PathBuf>>,
    pub secret_credentials: Option<Vec<String>>,
    pub sweep_interval: Option<String>,
    pub insert_after: Option<String>,
    pub delete_grace: Option<String>,
    pub second_look: Option<String>,
    pub time_zone: Option<String>,
    pub status_column: Option<String>,
    pub rules_in_sheet: Option<bool>,
    pub log_tab: Option<bool>,
}

/// A column that is more than its name.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the keys are documented in sheetbridge.example.toml")]
pub struct RawColumn {
    pub name: Option<String>,
    pub header: Option<String>,
    pub policy: Option<Value>,
    pub direction: Option<String>,
}

/// One condition of `filter`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the keys are documented in sheetbridge.example.toml")]
pub struct RawCondition {
    pub column: String,
    pub op: String,
    pub value: Option<Value>,
}

/// `policy = { cel = "expression" }`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the keys are documented in sheetbridge.example.toml")]
pub struct RawRule {
    pub cel: String,
}

/// `deletes = { soft = "column", value = "text" }`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the keys are documented in sheetbridge.example.toml")]
pub struct RawSoft {
    pub soft: String,
    pub value: Option<String>,
}

/// Takes the merged tree apart, section by section and link by link, so that a slip in one does not hide those in others.
pub fn read(tree: Config, complaints: &mut Complaints) -> Raw {
    let mut sections: BTreeMap<String, Value> = match tree.try_deserialize() {
        Ok(sections) => sections,
        Err(error) => {
            complaints.add("the file", error, "correct it");
            return Raw::default();
        }
    };
    let mut take = |name: &str| sections.remove(name);
    let raw = Raw {
        mysql: section("mysql", take("mysql"), complaints),
        google: section("google", take("google"), complaints),
        endpoint: section("endpoint", take("endpoint"), complaints),
        links: links(take("link"), complaints),
    };
    for unknown in sections.keys() {
        let cure = "the sections are [mysql], [google], [endpoint] and [[link]]";
        complaints.add(unknown, "is no section", cure);
    }
    raw
}

/// A missing section is an empty one: what it must hold is asked for key by key.
fn section<T: DeserializeOwned + Default>(
    name: &str,
    value: Option<Value>,
    complaints: &mut Complaints,
) -> Option<T> {
    match value {
        None => Some(T::default()),
        Some(value) => part(name, value, complaints),
    }
}

fn links(value: Option<Value>, complaints: &mut Complaints) -> Vec<Option<RawLink>> {
    let Ok(links) = value.map(Value::into_array).transpose() else {
        complaints.add("link", "is not a list of links", "begin each link with [[link]]");
        return vec![None];
    };
    (1..)
        .zip(links.unwrap_or_default())
        .map(|(number, link)| part(&format!("link[{number}]"), link, complaints))
        .collect()
}

/// Reads one table of the tree.
pub(super) fn part<T: DeserializeOwned>(path: &str, value: Value, complaints: &mut Complaints) -> Option<T> {
    match value.try_deserialize() {
        Ok(part) => Some(part),
        Err(error) => {
            complaints.add(path, error, "correct it as in sheetbridge.example.toml");
            None
        }
    }
}
