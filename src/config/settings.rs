//! The checked settings: what the daemon runs with.

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;
use xxhash_rust::xxh3::xxh3_64;

use crate::config::policy::OwnRules;
use crate::config::rule::Rule;
use crate::database::load::Bounds;
use crate::model::filter::Condition;
use crate::model::link::SpreadsheetId;
use crate::model::rule::LinkRules;
use crate::model::schema::TableName;
use crate::store::StateSchema;

/// All of them. Its Debug shows no secret.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The database server.
    pub mysql: Mysql,
    /// The way to Google.
    pub google: Google,
    /// Who may talk to us.
    pub endpoint: Endpoint,
    /// At least one; names and tabs are all different.
    pub links: Vec<Link>,
}

/// `[mysql]`
#[derive(Clone, Debug)]
pub struct Mysql {
    /// Where it listens.
    pub address: ServerAddress,
    /// The account.
    pub user: String,
    /// None where the server knows us by our unix user.
    pub password: Option<SecretString>,
    /// How the way there is protected.
    pub tls: Tls,
    /// Our own schema.
    pub state_schema: StateSchema,
    /// What the tail calls itself as a replica; derived where it is not set.
    pub server_id: Option<NonZeroU32>,
    /// Above these, reads of whole tables wait.
    pub bounds: Bounds,
    /// The time between two looks at everything.
    pub audit_interval: Duration,
}

/// Where a server listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServerAddress {
    /// A host's name or address, and a port.
    Tcp {
        /// Name or address.
        host: String,
        /// Port.
        port: u16,
    },
    /// A unix socket.
    Socket(PathBuf),
}

/// TLS towards the database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tls {
    /// None.
    Off,
    /// Encrypted, the server's certificate is not looked at: safe from listeners, not from impostors.
    Encrypt,
    /// Encrypted, and the certificate must be valid for the host.
    Verify {
        /// A PEM file of authorities to trust instead of the usual ones.
        ca: Option<PathBuf>,
    },
}

/// `[google]`
#[derive(Clone, Debug)]
pub struct Google {
    /// The service accounts' key files, whole: JSON. There is at least one.
    pub keys: Vec<SecretString>,
    /// Where the Sheets API is instead of at Google: on this machine only.
    pub base_address: Option<String>,
    /// Where tokens are fetched instead of at Google: on this machine only.
    pub token_url: Option<String>,
    /// The quota of reads of one account.
    pub reads_per_minute: NonZeroU32,
    /// The quota of writes of one account.
    pub writes_per_minute: NonZeroU32,
    /// The quota of either that the accounts of one project share.
    pub project_per_minute: NonZeroU32,
    /// Tabs with more cells than this are not read in one call.
    pub cells_per_read: u32,
}

/// `[endpoint]`
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Endpoint {
    /// Where edits of the scripts come in; without it the daemon only polls.
    pub listen: Option<Listen>,
    /// Where health, readiness and numbers are told.
    pub status: Option<Listen>,
}

/// Where we listen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Listen {
    /// An address and port.
    Tcp(SocketAddr),
    /// A unix socket.
    Unix(PathBuf),
    /// The socket that systemd opens for us (`sheetbridge.socket`).
    Systemd,
}

/// `[[link]]`
#[derive(Clone, Debug)]
pub struct Link {
    /// How its rows are treated; its name is in here.
    pub rules: LinkRules,
    /// The table.
    pub table: TableName,
    /// The spreadsheet.
    pub spreadsheet: SpreadsheetId,
    /// The rows that the tab shows: all of these must hold. Empty: every row.
    pub filter: Vec<Condition>,
    /// The operator's own rules for conflicts.
    pub own_rules: OwnRules,
    /// The tab's title when the link is made; later it is known by its id.
    pub tab: String,
    /// Secrets of its script, `whsec_…`: none for a link without a script, two while one is exchanged.
    pub secrets: Vec<SecretString>,
    /// Dropdowns, checkboxes, limits and warnings by the schema are put on the tab's columns.
    pub rules_in_sheet: bool,
    /// The tab `Log` of the spreadsheet tells of the link's changes.
    pub log_tab: bool,
    /// The header of a column of the tab that takes what cannot be said in a note.
    pub status_column: Option<String>,
    /// The IANA zone in which TIMESTAMP columns are shown; the spreadsheet's own where it is not set.
    pub time_zone: Option<String>,
}

impl Link {
    /// The operator's own rule for a column.
    pub fn own_rule(&self, column: &str) -> Option<&Rule> {
        if self.rules.columns.is_empty() {
            return self.own_rules.everywhere.as_ref();
        }
        let at = self.rules.columns.iter().position(|rule| rule.name.eq_ignore_ascii_case(column))?;
        self.own_rules.listed.get(at)?.as_ref()
    }

    /// Tells whether a link ties the same things together as when it last ran: table, tab, columns in their order, zone.
    /// Another one waits for an operator before anything is written. Headers are no part of it: the tab follows them. Policies,
    /// times, secrets and the filter may change freely too.
    #[expect(clippy::missing_panics_doc, reason = "it cannot: names and words are always JSON")]
    pub fn configuration(&self) -> u64 {
        let columns: Vec<_> = self.rules.columns.iter().map(|c| (&c.name, c.direction)).collect();
        let tied = (&self.table, &self.spreadsheet, &self.tab, &self.time_zone, columns);
        let text = serde_json::to_vec(&tied).expect("names and words are always JSON");
        xxh3_64(&text)
    }
}
