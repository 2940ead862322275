//! Connections: how to reach the server, and the session that every statement of ours runs in.

use std::path::PathBuf;
use std::time::Duration;

use mysql_async::prelude::Queryable;
use mysql_async::{Conn, Opts, OptsBuilder, Pool, PoolConstraints, PoolOpts, SslOpts};
use secrecy::{ExposeSecret, SecretString};

use crate::database::error::{Error, Result};

/// How long a connection may take to be there.
const CONNECT: Duration = Duration::from_secs(10);

/// A session that nobody used for so long is closed.
const IDLE_SESSION: Duration = Duration::from_secs(60);

/// The server's refusal for want of a right of administration (`ER_SPECIFIC_ACCESS_DENIED_ERROR`).
const ACCESS_DENIED: u16 = 1227;

/// Where the server listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// TCP.
    Tcp {
        /// Name or IP address.
        host: String,
        /// Port.
        port: u16,
    },
    /// A unix socket; TLS is not used on it.
    Socket(PathBuf),
}

/// How TLS is used over TCP. What is asked for is never given up: a server without TLS is an error then.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Tls {
    /// Plain text.
    #[default]
    Disabled,
    /// Encrypted, the server's certificate is not looked at.
    Required,
    /// The certificate must come from an authority in this PEM file, or from one of the built-in roots, and name the host
    /// that we connect to. (To look at the authority alone is not offered: the driver cannot, and certificates without any
    /// name, as MySQL makes for itself, say nothing about who shows them.)
    VerifyIdentity(Option<PathBuf>),
}

/// A server and our account on it.
#[derive(Clone, Debug)]
pub struct Server {
    /// Where.
    pub address: Address,
    /// The account's name.
    pub user: String,
    /// Its password, empty for none.
    pub password: SecretString,
    /// Encryption.
    pub tls: Tls,
}

impl Server {
    fn options(&self) -> OptsBuilder {
        let password = self.password.expose_secret();
        let options = OptsBuilder::default()
            .user(Some(self.user.as_str()))
            .pass((!password.is_empty()).then(|| password.to_owned()))
            .prefer_socket(false)
            .tcp_keepalive(Some(Duration::from_secs(30)))
            .tcp_nodelay(true);
        match &self.address {
            Address::Tcp { host, port } => {
                options.ip_or_hostname(host.as_str()).tcp_port(*port).ssl_opts(self.tls.options())
            }
            Address::Socket(path) => options.socket(Some(path.to_string_lossy())),
        }
    }

    /// The options of ordinary sessions: strict, UTC, short lock waits, UTF-8 both ways; affected rows count what was found.
    fn session_options(&self) -> OptsBuilder {
        self.session_options_and(None)
    }

    fn session_options_and(&self, more: Option<&str>) -> OptsBuilder {
        let always = [
            "SET NAMES utf8mb4",
            "SET SESSION sql_mode='STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION', SESSION time_zone='+00:00', \
             SESSION innodb_lock_wait_timeout=1",
        ];
        self.options().client_found_rows(true).setup(always.into_iter().chain(more).collect::<Vec<_>>())
    }

    /// The options of a dump: packets of up to 1 GiB, and no session settings of ours.
    pub(crate) fn dump_options(&self) -> Opts {
        self.options().max_allowed_packet(Some(1 << 30)).into()
    }
}

impl Tls {
    fn options(&self) -> Option<SslOpts> {
        match self {
            Self::Disabled => None,
            Self::Required => Some(
                SslOpts::default()
                    .with_danger_accept_invalid_certs(true)
                    .with_danger_skip_domain_validation(true),
            ),
            Self::VerifyIdentity(None) => Some(SslOpts::default()),
            Self::VerifyIdentity(Some(ca)) => Some(
                SslOpts::default().with_root_certs(vec![ca.clone().into()]).with_disable_built_in_roots(true),
            ),
        }
    }
}

/// Opens an ordinary session. Ends with [`Error::Silent`] if the server does not answer within 10 s.
pub async fn session(server: &Server) -> Result<Conn> {
    connect(server.session_options().into()).await
}

/// A pool of at most `connections` ordinary sessions with this default schema; it connects when first used.
pub fn pool(server: &Server, connections: usize, schema: Option<&str>) -> Pool {
    kept(server.session_options(), connections, schema)
}

/// The same for transactions that write our own state and none of the user's tables: their row images name the key and what
/// changed, and on MariaDB the statement is not written beside them, where the account may ask for that (the optional right
/// in `sql/grants-*.sql`). `None` where it may not.
pub async fn memory_pool(server: &Server, connections: usize, schema: Option<&str>) -> Result<Option<Pool>> {
    let mut conn = session(server).await?;
    let brief = match Version::of(&mut conn).await?.flavor {
        Flavor::MySql => "SET SESSION binlog_row_image='MINIMAL', SESSION binlog_rows_query_log_events=OFF",
        Flavor::MariaDb => "SET SESSION binlog_row_image='MINIMAL', SESSION binlog_annotate_row_events=OFF",
    };
    let asked = conn.query_drop(brief).await;
    conn.disconnect().await?;
    match asked {
        Ok(()) => Ok(Some(kept(server.session_options_and(Some(brief)), connections, schema))),
        Err(mysql_async::Error::Server(refusal)) if refusal.code == ACCESS_DENIED => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn kept(options: OptsBuilder, connections: usize, schema: Option<&str>) -> Pool {
    let constraints = PoolConstraints::new(0, connections.max(1)).unwrap_or_default();
    // Without a time to live a pool of no least size closes every session that is given back. Nothing changes a session of
    // ours, so it needs no reset either; an open transaction is rolled back all the same.
    let kept = PoolOpts::default()
        .with_constraints(constraints)
        .with_inactive_connection_ttl(IDLE_SESSION)
        .with_reset_connection(false);
    Pool::new(options.db_name(schema).pool_opts(kept))
}

pub(crate) async fn connect(options: Opts) -> Result<Conn> {
    let connecting = tokio::time::timeout(CONNECT, Conn::new(options));
    Ok(connecting.await.map_err(|_| Error::Silent(CONNECT))??)
}

/// Which of the two families a server is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Flavor {
    /// MySQL and its builds.
    MySql,
    /// MariaDB.
    MariaDb,
}

/// A server's family and version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Version {
    /// The family.
    pub flavor: Flavor,
    /// Major, minor, patch.
    pub number: (u16, u16, u16),
}

impl Version {
    /// Asks the server.
    pub async fn of(conn: &mut Conn) -> Result<Self> {
        let text: Option<String> = conn.query_first("SELECT VERSION()").await?;
        Ok(Self::parse(&text.unwrap_or_default()))
    }

    /// Reads `8.4.3`, `9.7.4-2`, `10.11.19-MariaDB-0+deb12u1-log`.
    pub fn parse(text: &str) -> Self {
        let mut numbers = text.split(|c: char| !c.is_ascii_digit()).map(|part| part.parse().unwrap_or(0));
        let mut next = || numbers.next().unwrap_or(0);
        let flavor = if text.contains("MariaDB") { Flavor::MariaDb } else { Flavor::MySql };
        Self { flavor, number: (next(), next(), next()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_both_families_are_read() {
        let maria = Version::parse("10.11.19-MariaDB-0+deb12u1-log");
        assert_eq!((maria.flavor, maria.number), (Flavor::MariaDb, (10, 11, 19)));
        let mysql = Version::parse("9.7.4-2");
        assert_eq!((mysql.flavor, mysql.number), (Flavor::MySql, (9, 7, 4)));
    }

    #[test]
    fn a_password_is_not_printed() {
        let server = Server {
            address: Address::Socket("/run/s".into()),
            user: "u".into(),
            password: "hunter2".to_owned().into(),
            tls: Tls::Required,
        };
        assert!(!format!("{server:?}").contains("hunter2"));
    }
}
