//! Private MariaDB and MySQL servers: in a folder of their own, on a free port and a socket of their own, with the
//! binary log on. Nothing touches a server that already runs on the machine.

mod kind;
mod shared;

use std::fmt;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use mysql_async::prelude::{FromRow, Queryable};
use mysql_async::{Conn, OptsBuilder};

pub(crate) use kind::Kind;
pub(crate) use shared::{for_each_server, shared};

use super::deadline::eventually;
use super::port;
use super::scratch::{Running, Scratch};

/// Both are ready in about two seconds on two quiet cores; a busy machine gets thirty times that.
const READY_WITHIN: Duration = Duration::from_secs(60);

/// A running server. It is killed and its folder removed when it is dropped, and when the test process dies.
pub(crate) struct Server {
    kind: Kind,
    port: u16,
    extra: Vec<String>,
    version: String,
    running: Mutex<Option<Running>>,
    scratch: Scratch,
}

impl Server {
    /// A new, empty server. `extra` are options as on its command line; they come last, so they win.
    pub(crate) async fn start(kind: Kind, extra: &[&str]) -> Self {
        let scratch = Scratch::new(kind.word());
        kind.initialise(&scratch.path().join("data")).await;
        let mut server = Self {
            kind,
            port: port::free(),
            extra: extra.iter().map(ToString::to_string).collect(),
            version: String::new(),
            running: Mutex::new(None),
            scratch,
        };
        // Between the choice of a port and its use somebody else may take it: then the server ends by itself.
        for attempt in 1.. {
            match server.launch().await {
                Ok(()) => break,
                Err(log) if attempt == 3 => panic!("{} does not start:\n{log}", kind.word()),
                Err(_) => server.port = port::free(),
            }
        }
        server.version = server.one("SELECT VERSION()").await;
        server
    }

    /// Which of the two it is.
    pub(crate) fn kind(&self) -> Kind {
        self.kind
    }

    /// The TCP port on 127.0.0.1; the same after a restart.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// The unix socket; the same after a restart.
    pub(crate) fn socket(&self) -> PathBuf {
        self.scratch.path().join("socket")
    }

    /// Where `root`, who has no password, gets in over TCP.
    pub(crate) fn root_url(&self) -> String {
        format!("mysql://root@127.0.0.1:{}", self.port)
    }

    /// What the server has written about itself.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.log_path()).unwrap_or_default()
    }

    /// A connection as root over the socket.
    pub(crate) async fn connect(&self) -> Conn {
        self.try_connect().await.unwrap_or_else(|error| panic!("no connection to {self}: {error}"))
    }

    /// Executes one or several statements as root.
    pub(crate) async fn sql(&self, statements: &str) {
        let done = self.connect().await.query_drop(statements).await;
        done.unwrap_or_else(|error| panic!("{self} refuses {statements}: {error}"));
    }

    /// All rows of a query, as root.
    pub(crate) async fn rows<Row: FromRow + Send + 'static>(&self, query: &str) -> Vec<Row> {
        let rows = self.connect().await.query(query).await;
        rows.unwrap_or_else(|error| panic!("{self} refuses {query}: {error}"))
    }

    /// The one row of a query, as root.
    pub(crate) async fn one<Row: FromRow + Send + 'static>(&self, query: &str) -> Row {
        let mut rows = self.rows(query).await;
        assert_eq!(rows.len(), 1, "{self}: one row was expected of {query}");
        rows.remove(0)
    }

    /// A database that no other test has, so that tests can share the server. Gives its name.
    pub(crate) async fn fresh_database(&self, story: &str) -> String {
        let name = shared::unique_name(story);
        self.sql(&format!("CREATE DATABASE `{name}` CHARACTER SET utf8mb4")).await;
        name
    }

    /// Ends the server without warning, as a power cut does to a process.
    pub(crate) fn kill9(&self) {
        drop(self.take_running());
    }

    /// Ends the server in good order.
    pub(crate) async fn stop(&self) {
        if let Some(mut running) = self.take_running() {
            running.terminate();
            running.end(READY_WITHIN).await;
        }
    }

    /// Stops the server if it runs, and starts it on the same data, port and socket.
    pub(crate) async fn restart(&self) {
        self.stop().await;
        self.launch().await.unwrap_or_else(|log| panic!("{self} does not start again:\n{log}"));
    }

    /// Starts the program and waits until it answers a query. An early end gives back its log.
    async fn launch(&self) -> Result<(), String> {
        let log = File::create(self.log_path()).expect("the scratch folder is writable");
        let errors = log.try_clone().expect("a file handle can be copied");
        let mut running = self.scratch.run(
            Command::new(self.kind.program())
                .args(self.kind.arguments(&self.scratch.path().join("data")))
                .arg(format!("--port={}", self.port))
                .arg(format!("--server-id={}", self.port))
                .arg(format!("--socket={}", self.socket().display()))
                .arg(format!("--pid-file={}", self.scratch.path().join("pid").display()))
                .args(&self.extra)
                .stdout(log)
                .stderr(errors),
        );
        let up = eventually(READY_WITHIN, "a server that answers", async || match running.ended() {
            Some(_) => Some(false),
            None => self.try_connect().await.ok()?.ping().await.ok().map(|()| true),
        })
        .await;
        if !up {
            return Err(self.log());
        }
        *self.running.lock().unwrap_or_else(PoisonError::into_inner) = Some(running);
        Ok(())
    }

    async fn try_connect(&self) -> mysql_async::Result<Conn> {
        let socket = self.socket().to_string_lossy().into_owned();
        Conn::new(OptsBuilder::default().user(Some("root")).socket(Some(socket))).await
    }

    fn take_running(&self) -> Option<Running> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn log_path(&self) -> PathBuf {
        self.scratch.path().join("server.log")
    }

    /// The folder that holds the server's data directory, its log and its sockets.
    pub(crate) fn folder(&self) -> &Path {
        self.scratch.path()
    }
}

/// As a person would name it: `MySQL 9.7.4`.
impl fmt::Display for Server {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(to, "{} {}", self.kind.word(), self.version)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn both_servers_write_row_events_and_take_root_on_port_and_socket() {
        for_each_server(async |server| {
            let format: String = server.one("SELECT @@binlog_format").await;
            let image: String = server.one("SELECT @@binlog_row_image").await;
            assert_eq!((format.as_str(), image.as_str()), ("ROW", "FULL"));
            let over_tcp = Conn::from_url(server.root_url()).await;
            let port: Option<u16> =
                over_tcp.expect("root gets in").query_first("SELECT @@port").await.unwrap();
            assert_eq!(port, Some(server.port()));
        })
        .await;
    }

    #[tokio::test]
    async fn the_servers_stand_where_their_makers_put_them() {
        for_each_server(async |server| {
            let expected = match server.kind() {
                Kind::MariaDb => "NO_LOG",
                Kind::MySql => "MINIMAL",
            };
            assert_eq!(server.one::<String>("SELECT @@binlog_row_metadata").await, expected);
        })
        .await;
    }

    #[tokio::test]
    async fn two_tests_on_one_server_get_two_databases() {
        for_each_server(async |server| {
            let again = shared(server.kind()).await;
            assert!(std::ptr::eq(again, server), "{server}: one server a kind, and it was started twice");
            let (mine, yours) = (server.fresh_database("same").await, server.fresh_database("same").await);
            assert_ne!(mine, yours);
            server.sql(&format!("CREATE TABLE {mine}.t (a INT); INSERT INTO {mine}.t VALUES (1), (2)")).await;
            let seen: Vec<(String, u64)> = server
                .rows(&format!(
                    "SELECT table_schema, (SELECT COUNT(*) FROM {mine}.t) FROM information_schema.tables \
                     WHERE table_schema IN ('{mine}', '{yours}')"
                ))
                .await;
            assert_eq!(seen, [(mine, 2)]);
        })
        .await;
    }

    #[tokio::test]
    async fn a_committed_row_outlives_a_kill_and_the_server_comes_back_at_its_place() {
        for kind in Kind::ALL {
            let server = Server::start(kind, &["--max-connections=17"]).await;
            assert_eq!(
                server.one::<u64>("SELECT @@max_connections").await,
                17,
                "{server}: extra options win"
            );
            server.sql("CREATE DATABASE d; CREATE TABLE d.t (a INT); INSERT INTO d.t VALUES (7)").await;
            let (port, socket) = (server.port(), server.socket());

            server.kill9();
            assert!(server.try_connect().await.is_err(), "{server}: killed, and still answers");
            server.restart().await;

            assert_eq!(server.one::<i64>("SELECT a FROM d.t").await, 7);
            assert_eq!((server.port(), server.socket()), (port, socket));
            let folder = server.folder().to_owned();
            drop(server);
            assert!(!folder.exists(), "a dropped server leaves {}", folder.display());
        }
    }

    #[tokio::test]
    async fn a_stopped_server_ends_in_good_order() {
        for kind in Kind::ALL {
            let server = Server::start(kind, &[]).await;
            server.stop().await;
            let log = server.log().to_lowercase();
            assert!(log.contains("shutdown complete"), "{server} was not stopped in good order:\n{log}");
        }
    }

    #[tokio::test]
    #[should_panic(expected = "does not start")]
    async fn a_server_with_a_wrong_option_says_so_in_its_log() {
        Server::start(Kind::MariaDb, &["--no-such-option"]).await;
    }
}
