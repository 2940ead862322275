//! The two makes of server: where the program is, and what it is told.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// Debian keeps servers here, which is not on every user's PATH.
const SERVER_FOLDER: &str = "/usr/sbin";

/// Written to the operating system at commit, so that a killed server loses nothing; not forced to the disk, since no
/// test cuts the power and a forced write costs most of a small transaction.
const SAFE_AGAINST_KILL: [&str; 2] = ["--innodb-flush-log-at-trx-commit=2", "--sync-binlog=0"];

/// A make of server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    MariaDb,
    MySql,
}

impl Kind {
    /// Every database test runs on each.
    pub(crate) const ALL: [Self; 2] = [Self::MariaDb, Self::MySql];

    /// Its name in messages.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::MariaDb => "MariaDB",
            Self::MySql => "MySQL",
        }
    }

    /// The server program: the one named by `SHEETBRIDGE_MARIADBD` or `SHEETBRIDGE_MYSQLD`, else the one on PATH,
    /// else, for MySQL, the newest that `scripts/fetch-mysql` has fetched.
    pub(super) fn program(self) -> &'static Path {
        static FOUND: [OnceLock<PathBuf>; 2] = [const { OnceLock::new() }; 2];
        FOUND[self as usize].get_or_init(|| match self {
            Self::MariaDb => given("SHEETBRIDGE_MARIADBD")
                .or_else(|| on_path("mariadbd"))
                .expect("a MariaDB server: run scripts/install-mariadb, or name one in SHEETBRIDGE_MARIADBD"),
            Self::MySql => given("SHEETBRIDGE_MYSQLD")
                .or_else(|| on_path("mysqld").filter(|program| is_mysql(program)))
                .or_else(newest_fetched)
                .expect("a MySQL server: run scripts/fetch-mysql, or name one in SHEETBRIDGE_MYSQLD"),
        })
    }

    /// Makes an empty data directory with a root who needs no password.
    pub(super) async fn initialise(self, data: &Path) {
        let mut command = match self {
            Self::MariaDb => {
                let mut command = tokio::process::Command::new(install_db());
                command.args(["--no-defaults", "--auth-root-authentication-method=normal", "--skip-test-db"]);
                command
            }
            Self::MySql => {
                let mut command = tokio::process::Command::new(self.program());
                command.args(["--no-defaults", "--initialize-insecure"]);
                command
            }
        };
        command
            .arg(format!("--user={}", user()))
            .arg(format!("--datadir={}", data.display()))
            .arg(format!("--tmpdir={}", own_folder(data).display()));
        let output = command.output().await.expect("the server's own program starts");
        assert!(
            output.status.success(),
            "{} cannot make its data directory:\n{}",
            self.word(),
            String::from_utf8_lossy(&output.stderr)
        );
    }

    /// What its command line says, save what differs from server to server.
    pub(super) fn arguments(self, data: &Path) -> Vec<String> {
        let own: &[&str] = match self {
            // Row metadata and GTIDs stay as MariaDB has them: NO_LOG, and always there.
            Self::MariaDb => &["--log-bin=binlog", "--binlog-format=ROW"],
            Self::MySql => &["--gtid-mode=ON", "--enforce-gtid-consistency=ON", "--mysqlx=OFF"],
        };
        let placed = [
            "--no-defaults".to_owned(),
            format!("--user={}", user()),
            format!("--datadir={}", data.display()),
            format!("--tmpdir={}", own_folder(data).display()),
        ];
        let shared = SAFE_AGAINST_KILL.iter().chain(&["--bind-address=127.0.0.1"]);
        let told = placed.into_iter().chain(own.iter().chain(shared).map(ToString::to_string));
        told.chain(self.plugins().map(|folder| format!("--plugin-dir={}", folder.display()))).collect()
    }

    /// Where the plugins for accounts are, if not where the server looks for them: `scripts/install-mariadb` unpacks them.
    fn plugins(self) -> Option<&'static Path> {
        static FOUND: OnceLock<Option<PathBuf>> = OnceLock::new();
        let unpacked = || {
            let version = Command::new(Self::MariaDb.program()).args(["--no-defaults", "--version"]).output();
            let version = String::from_utf8(version.ok()?.stdout).ok()?;
            let version = version.split_once(" Ver ")?.1.split('-').next()?.to_owned();
            Some(cache()?.join(format!("mariadb-plugins-{version}"))).filter(|folder| folder.is_dir())
        };
        FOUND.get_or_init(unpacked).as_deref().filter(|_| self == Self::MariaDb)
    }
}

/// What the install scripts keep beside the build folder, once a machine.
fn cache() -> Option<PathBuf> {
    let cache = given("XDG_CACHE_HOME").or_else(|| given("HOME").map(|home| home.join(".cache")))?;
    Some(cache.join("sheetbridge"))
}

/// Servers that start side by side in one temporary folder take away each other's temporary tables.
fn own_folder(data: &Path) -> &Path {
    data.parent().unwrap_or(data)
}

fn given(variable: &str) -> Option<PathBuf> {
    env::var_os(variable).filter(|path| !path.is_empty()).map(PathBuf::from)
}

fn on_path(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let mut folders = env::split_paths(&path).chain([PathBuf::from(SERVER_FOLDER)]);
    folders.find_map(|folder| Some(folder.join(program)).filter(|candidate| candidate.is_file()))
}

/// MariaDB installs a `mysqld` too; only the version text tells them apart.
fn is_mysql(program: &Path) -> bool {
    let version = Command::new(program).args(["--no-defaults", "--version"]).output();
    version.is_ok_and(|output| {
        output.status.success() && !String::from_utf8_lossy(&output.stdout).contains("MariaDB")
    })
}

fn newest_fetched() -> Option<PathBuf> {
    let folders = cache()?.read_dir().ok()?;
    let servers = folders.filter_map(|folder| {
        let folder = folder.ok()?;
        let name = folder.file_name();
        let version = name.to_str()?.strip_prefix("mysql-")?.split('.');
        let version: Vec<u32> = version.map(|part| part.parse().ok()).collect::<Option<_>>()?;
        let program = folder.path().join("bin/mysqld");
        program.is_file().then_some((version, program))
    });
    servers.max().map(|(_, program)| program)
}

/// Beside a server that was given by name, else on PATH.
fn install_db() -> PathBuf {
    let name = "mariadb-install-db";
    let beside = given("SHEETBRIDGE_MARIADBD").and_then(|server| {
        let root = server.parent()?.parent()?.to_owned();
        ["bin", "scripts"].iter().map(|folder| root.join(folder).join(name)).find(|path| path.is_file())
    });
    beside.or_else(|| on_path(name)).expect("mariadb-install-db: run scripts/install-mariadb")
}

/// A server started by root wants to hear that this is meant.
fn user() -> &'static str {
    static USER: OnceLock<String> = OnceLock::new();
    USER.get_or_init(|| {
        let output = Command::new("id").arg("-un").output().expect("every system has `id`");
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    })
}
