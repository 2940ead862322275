//! The built program as a child, as systemd would run it.

use std::fs::{self, File, OpenOptions};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::support::deadline::eventually;
use crate::support::scratch::{Running, Scratch};

/// It ends what it has begun; nothing that it begins here takes long.
const ENDS_WITHIN: Duration = Duration::from_secs(20);

/// The daemon of one configuration: started, killed and started again.
pub(crate) struct Daemon {
    configuration: PathBuf,
    log: PathBuf,
    /// A socket that is opened for it.
    socket: Option<SocketAddr>,
    running: Mutex<Option<Running>>,
}

impl Daemon {
    /// Not started yet. `folder` gets its log.
    pub(crate) fn new(configuration: PathBuf, folder: &Path, socket: Option<SocketAddr>) -> Self {
        Self { configuration, log: folder.join("daemon.log"), socket, running: Mutex::default() }
    }

    /// Starts it; the log of earlier lives stays.
    pub(crate) fn start(&self, scratch: &Scratch) {
        let log = OpenOptions::new().create(true).append(true).open(&self.log);
        let log = log.expect("the folder is writable");
        let errors: File = log.try_clone().expect("a file handle can be copied");
        let program = env!("CARGO_BIN_EXE_sheetbridge");
        let mut command = match self.socket {
            None => Command::new(program),
            Some(place) => opening_a_socket(place, program),
        };
        let running = scratch.run(
            command
                .args(["run", "--log-format", "text", "--log", "info,sheetbridge=debug", "--config"])
                .arg(&self.configuration)
                .stdout(log)
                .stderr(errors),
        );
        let before = self.running().replace(running);
        assert!(before.is_none(), "the daemon was running");
    }

    /// The same program with another command, and this configuration.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sheetbridge"));
        command.args(arguments).arg("--config").arg(&self.configuration);
        command
    }

    /// Ends it as a power cut does.
    pub(crate) fn kill9(&self) {
        let running = self.running().take();
        drop(running.expect("the daemon runs"));
    }

    /// Asks it to end, and waits until it has: without an error.
    pub(crate) async fn stop(&self) {
        let running = self.running().take();
        let mut running = running.expect("the daemon runs");
        running.terminate();
        let status = running.end(ENDS_WITHIN).await;
        assert!(status.success(), "the daemon ended with {status}:\n{}", self.last_words());
    }

    /// Waits until it has ended by itself.
    pub(crate) async fn ends_by_itself(&self) -> ExitStatus {
        let running = self.running().take();
        running.expect("the daemon runs").end(ENDS_WITHIN).await
    }

    /// Fails the test if it has ended by itself.
    pub(crate) fn must_run(&self) {
        let ended = self.running().as_mut().and_then(Running::ended);
        assert!(ended.is_none(), "the daemon ended by itself: {ended:?}\n{}", self.last_words());
    }

    /// Waits until its endpoint takes connections.
    pub(crate) async fn listens(&self, place: SocketAddr, within: Duration) {
        eventually(within, "the daemon's endpoint", async || {
            self.must_run();
            TcpStream::connect(place).is_ok().then_some(())
        })
        .await;
    }

    /// Its memory, as the kernel counts it.
    pub(crate) fn resident_kib(&self) -> u64 {
        let pid = self.running().as_ref().map(Running::id).expect("the daemon runs");
        let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
    }

    /// Everything that it has said in all its lives.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// The end of it.
    pub(crate) fn last_words(&self) -> String {
        let log = self.log();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(15)..].join("\n")
    }

    fn running(&self) -> MutexGuard<'_, Option<Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What systemd does before it becomes the program: the socket is its first file beside the three.
const OPENER: &str = "
import os, socket, sys
address, port, program, *arguments = sys.argv[1:]
listening = socket.create_server((address, int(port)))
os.dup2(listening.fileno(), 3)
os.set_inheritable(3, True)
os.environ.update(LISTEN_FDS='1', LISTEN_PID=str(os.getpid()))
os.execv(program, [program, *arguments])
";

fn opening_a_socket(place: SocketAddr, program: &str) -> Command {
    let mut command = Command::new("python3");
    command.args(["-c", OPENER]).arg(place.ip().to_string()).arg(place.port().to_string()).arg(program);
    command
}
