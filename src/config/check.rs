//! From raw to checked, in one pure function that stops at nothing: every complaint is made in the same run.

use std::fmt::Display;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use jiff::SignedDuration;
use reqwest::Url;
use secrecy::{ExposeSecret, SecretString};
use serde::de::value::{Error as WordError, StrDeserializer};
use serde::{Deserialize, de::IntoDeserializer};

use crate::config::complaint::Complaints;
use crate::config::link;
use crate::config::raw::{Raw, RawEndpoint, RawGoogle, RawMysql};
use crate::config::secret::{Defect, SecretSource};
use crate::config::settings::{Endpoint, Google, Listen, Mysql, ServerAddress, Settings, Tls};
use crate::database::load::Bounds;
use crate::sheet::client::CELLS_PER_READ;
use crate::store::StateSchema;

/// How secrets are had; the disk stays outside of the check.
pub type ReadSecret<'a> = &'a dyn Fn(&SecretSource) -> Result<SecretString, Defect>;

/// The settings, or everything that is wrong. `complaints` holds what is already known to be.
///
/// # Errors
/// All complaints, those given included.
pub fn check(raw: Raw, secrets: ReadSecret<'_>, complaints: Complaints) -> Result<Settings, Complaints> {
    let mut checker = Checker { secrets, complaints };
    let mysql = raw.mysql.map(|raw| checker.mysql(raw));
    let google = raw.google.map(|raw| checker.google(raw));
    let endpoint = raw.endpoint.map(|raw| checker.endpoint(raw));
    let state_schema =
        mysql.as_ref().and_then(|mysql| mysql.as_ref().ok()).map(|mysql| mysql.state_schema.name());
    let links = link::check_all(&mut checker, raw.links, state_schema);
    match (mysql, google, endpoint, links) {
        (Some(Ok(mysql)), Some(Ok(google)), Some(endpoint), Ok(links)) if checker.complaints.0.is_empty() => {
            Ok(Settings { mysql, google, endpoint, links })
        }
        _ => Err(checker.complaints),
    }
}

/// Instead of a value that was refused: its complaint is made.
#[derive(Clone, Copy, Debug)]
pub(super) struct Refused;

/// A checked value.
pub(super) type Checked<T> = std::result::Result<T, Refused>;

/// What every check needs at hand.
pub(super) struct Checker<'a> {
    secrets: ReadSecret<'a>,
    pub(super) complaints: Complaints,
}

/// Google's limits for one account; an operator with a raised quota says so.
const PER_MINUTE: NonZeroU32 = NonZeroU32::new(60).expect("is not zero");

/// What the accounts of a project share before an increase was granted.
const PROJECT_PER_MINUTE: NonZeroU32 = NonZeroU32::new(300).expect("300 is not 0");

/// A smaller read of a tab takes more of the quota than it saves in time.
const LEAST_PER_READ: u32 = 1_000;

/// Every table is looked at from end to end once a day.
const AUDIT: Duration = Duration::from_secs(86_400);

const SOCKET: &str = "/run/mysqld/mysqld.sock";

impl Checker<'_> {
    /// Makes a complaint.
    pub(super) fn refuse<T>(
        &mut self,
        path: impl Display,
        what: impl Display,
        cure: impl Display,
    ) -> Checked<T> {
        self.complaints.add(path, what, cure);
        Err(Refused)
    }

    /// One of the words of an enum; its default where nothing stands.
    pub(super) fn word<T>(&mut self, path: impl Display, given: Option<&str>) -> Checked<T>
    where
        T: for<'de> Deserialize<'de> + Default,
    {
        let Some(given) = given else {
            return Ok(T::default());
        };
        let text: StrDeserializer<'_, WordError> = given.into_deserializer();
        match T::deserialize(text) {
            Ok(word) => Ok(word),
            Err(error) => self.refuse(path, error, "write one of these words"),
        }
    }

    /// A duration in words; its default where nothing stands.
    pub(super) fn duration(
        &mut self,
        path: impl Display,
        given: Option<String>,
        default: Duration,
    ) -> Checked<Duration> {
        let Some(given) = given else { return Ok(default) };
        let bounds = Duration::from_millis(100)..=Duration::from_secs(86_400);
        match given.parse::<SignedDuration>().map(Duration::try_from) {
            Ok(Ok(duration)) if bounds.contains(&duration) => Ok(duration),
            _ => self.refuse(
                path,
                format!("`{given}` is no duration from 100ms to 1 day"),
                "write one such as \"3s\" or \"1m 30s\"",
            ),
        }
    }

    /// A secret that stands in a file or is a credential, not both.
    fn secret(
        &mut self,
        path: &str,
        file: Option<PathBuf>,
        credential: Option<String>,
    ) -> Checked<Option<SecretString>> {
        let (suffix, source) = match (file, credential) {
            (None, None) => return Ok(None),
            (Some(file), None) => ("file", SecretSource::File(file)),
            (None, Some(name)) => ("credential", SecretSource::Credential(name)),
            (Some(_), Some(_)) => {
                return self.refuse(path, "has a file and a credential", "leave one of them out");
            }
        };
        self.read(format!("{path}_{suffix}"), &source).map(Some)
    }

    /// Reads a secret, or complains.
    pub(super) fn read(&mut self, path: impl Display, source: &SecretSource) -> Checked<SecretString> {
        match (self.secrets)(source) {
            Ok(secret) => Ok(secret),
            Err(defect) => self.refuse(path, defect.what, defect.cure),
        }
    }

    fn mysql(&mut self, raw: RawMysql) -> Checked<Mysql> {
        let address = match (raw.host, raw.socket) {
            (Some(_), Some(_)) => {
                self.refuse("mysql.host", "stands beside `socket`", "leave one of them out")
            }
            (Some(host), None) => Ok(ServerAddress::Tcp { host, port: raw.port.unwrap_or(3306) }),
            (None, _) if raw.port.is_some() => {
                self.refuse("mysql.port", "has no `host`", "add the host, or leave it out for the socket")
            }
            (None, socket) => Ok(ServerAddress::Socket(socket.unwrap_or_else(|| SOCKET.into()))),
        };
        let password = self.secret("mysql.password", raw.password_file, raw.password_credential);
        let tls = self.tls(raw.tls.as_deref(), raw.ca_file, address.as_ref().ok());
        let state_schema = match raw.state_schema.map(|name| name.parse::<StateSchema>()) {
            None => Ok(StateSchema::default()),
            Some(Ok(schema)) => Ok(schema),
            Some(Err(error)) => {
                self.refuse("mysql.state_schema", error, "choose another, such as sheetbridge")
            }
        };
        let server_id = match raw.server_id.map(NonZeroU32::new) {
            Some(None) => {
                self.refuse("mysql.server_id", "is 0", "leave it out, or choose one that no replica has")
            }
            given => Ok(given.flatten()),
        };
        let defaults = Bounds::default();
        let running = match raw.max_threads_running {
            Some(0) => {
                self.refuse("mysql.max_threads_running", "is 0", "our own session counts: write 2 or more")
            }
            given => Ok(given.unwrap_or(defaults.running)),
        };
        let lag = self.duration("mysql.max_replica_lag", raw.max_replica_lag, defaults.lag);
        let audit_interval = self.duration("mysql.audit_interval", raw.audit_interval, AUDIT);
        Ok(Mysql {
            bounds: Bounds { running: running?, lag: lag? },
            audit_interval: audit_interval?,
            address: address?,
            user: raw.user.unwrap_or_else(|| "sheetbridge".to_owned()),
            password: password?,
            tls: tls?,
            state_schema: state_schema?,
            server_id: server_id?,
        })
    }

    /// On this machine nobody is in between; towards another one the certificate is checked unless told otherwise.
    fn tls(
        &mut self,
        mode: Option<&str>,
        ca: Option<PathBuf>,
        address: Option<&ServerAddress>,
    ) -> Checked<Tls> {
        let far = matches!(address, Some(ServerAddress::Tcp { host, .. }) if !is_this_machine(host));
        match (mode, ca) {
            (Some("verify"), ca) => Ok(Tls::Verify { ca }),
            (None, ca) if far || ca.is_some() => Ok(Tls::Verify { ca }),
            (Some(mode @ ("off" | "encrypt")), Some(_)) => {
                let what = format!("is not looked at with tls = \"{mode}\"");
                self.refuse("mysql.ca_file", what, "leave it out, or write tls = \"verify\"")
            }
            (Some("encrypt"), None) => Ok(Tls::Encrypt),
            (Some("off") | None, _) => Ok(Tls::Off),
            (Some(other), _) => {
                self.refuse("mysql.tls", format!("is `{other}`"), "write off, encrypt or verify")
            }
        }
    }

    fn google(&mut self, raw: RawGoogle) -> Checked<Google> {
        let key = match self.secret("google.key", raw.key_file, raw.key_credential) {
            Ok(None) => {
                let cure = "name the JSON key of a service account, or a credential in key_credential";
                self.refuse("google.key_file", "is missing", cure)
            }
            Ok(Some(key)) => self.service_account(key),
            Err(refused) => Err(refused),
        };
        let further: Vec<Checked<SecretString>> =
            raw.further_key_files.into_iter().map(|file| self.further_key(file)).collect();
        let base_address = self.local_url("google.base_address", raw.base_address);
        let token_url = self.local_url("google.token_url", raw.token_url);
        let reads = self.per_minute("google.reads_per_minute", raw.reads_per_minute);
        let writes = self.per_minute("google.writes_per_minute", raw.writes_per_minute);
        let project = match raw.project_per_minute {
            None => Ok(PROJECT_PER_MINUTE),
            given => self.per_minute("google.project_per_minute", given),
        };
        let cells = self.cells_per_read(raw.cells_per_read);
        let keys: Checked<Vec<SecretString>> = std::iter::once(key).chain(further).collect();
        Ok(Google {
            keys: keys?,
            base_address: base_address?,
            token_url: token_url?,
            reads_per_minute: reads?,
            writes_per_minute: writes?,
            project_per_minute: project?,
            cells_per_read: cells?,
        })
    }

    /// A call takes one row at least, and a minute has few calls.
    fn cells_per_read(&mut self, given: Option<u32>) -> Checked<u32> {
        match given.unwrap_or(CELLS_PER_READ) {
            few @ ..LEAST_PER_READ => {
                let cure = format!("write {LEAST_PER_READ} or more, or leave it out");
                self.refuse("google.cells_per_read", format!("is {few}"), cure)
            }
            cells => Ok(cells),
        }
    }

    fn further_key(&mut self, file: PathBuf) -> Checked<SecretString> {
        match self.secret("google.further_key_files", Some(file), None)? {
            Some(key) => self.service_account(key),
            None => self.refuse("google.further_key_files", "is empty", "name a key file, or leave it out"),
        }
    }

    /// Only the form is looked at; nothing of the content is repeated in a complaint.
    fn service_account(&mut self, key: SecretString) -> Checked<SecretString> {
        #[derive(Deserialize)]
        struct Form {
            r#type: String,
            #[serde(rename = "client_email")]
            _email: String,
            #[serde(rename = "private_key")]
            _key: SecretString,
        }
        match serde_json::from_str::<Form>(key.expose_secret()) {
            Ok(form) if form.r#type == "service_account" => Ok(key),
            _ => self.refuse(
                "google.key_file",
                "is not a service account's key",
                "make one in the Google Cloud console: IAM, service accounts, keys, JSON",
            ),
        }
    }

    /// An address instead of Google's: tests and the demo have one, and nothing but this machine may be it, because the
    /// service account's signature goes there.
    fn local_url(&mut self, path: &str, given: Option<String>) -> Checked<Option<String>> {
        let Some(given) = given else { return Ok(None) };
        let cure = "leave it out, or give an address on this machine such as http://127.0.0.1:8080";
        match Url::parse(&given) {
            Ok(url) if url.host_str().is_some_and(is_this_machine) => Ok(Some(given)),
            Ok(_) => self.refuse(path, "is not on this machine", cure),
            Err(error) => self.refuse(path, format!("is no address: {error}"), cure),
        }
    }

    fn per_minute(&mut self, path: &str, given: Option<u32>) -> Checked<NonZeroU32> {
        match given.map(NonZeroU32::new) {
            None => Ok(PER_MINUTE),
            Some(Some(rate)) => Ok(rate),
            Some(None) => self.refuse(path, "is 0", "give the quota of the project, 60 by default"),
        }
    }

    fn endpoint(&mut self, raw: RawEndpoint) -> Endpoint {
        let exposed = raw.exposed.unwrap_or(false);
        Endpoint {
            listen: raw.listen.and_then(|given| self.listen("endpoint.listen", &given, exposed).ok()),
            status: raw.status.and_then(|given| self.listen("endpoint.status", &given, exposed).ok()),
        }
    }

    fn listen(&mut self, path: &str, given: &str, exposed: bool) -> Checked<Listen> {
        if given.starts_with('/') {
            return Ok(Listen::Unix(given.into()));
        }
        if given == "systemd" && path == "endpoint.listen" {
            return Ok(Listen::Systemd);
        }
        match given.parse::<SocketAddr>() {
            Ok(address) if exposed || address.ip().is_loopback() => Ok(Listen::Tcp(address)),
            Ok(_) => self.refuse(
                path,
                "is open to other machines, without TLS",
                "listen on 127.0.0.1 behind a TLS proxy, or write exposed = true if the proxy is elsewhere",
            ),
            Err(_) => self.refuse(
                path,
                format!("`{given}` is neither an address with a port nor a path"),
                "write 127.0.0.1:8765, /run/sheetbridge/edits.sock, or for edits \"systemd\"",
            ),
        }
    }
}

fn is_this_machine(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || address.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}
