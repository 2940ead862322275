//! A temporary folder and the programs that run in it. Both go when the test ends, however it ends.
//!
//! A test process may be killed, and its shared servers live in statics, which Rust never drops. So each folder has a
//! warden: a shell that waits for the end of its standard input, which the kernel closes with the test process. It then
//! kills every program that is still marked as running and removes the folder.

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use super::deadline::eventually;

/// The marks are file names in `running/`, one for each process group.
const WARDEN: &str = r#"trap '' INT TERM HUP
cat >/dev/null
for mark in "$0"/running/*; do
  [ -e "$mark" ] && kill -s KILL -- "-${mark##*/}"
done 2>/dev/null
rm -rf -- "$0""#;

/// A temporary folder with a warden over it.
pub(crate) struct Scratch {
    path: PathBuf,
    warden: Child,
}

impl Scratch {
    /// A new folder; `name` appears in its path, for a person who looks into /tmp.
    pub(crate) fn new(name: &str) -> Self {
        let path = tempfile::Builder::new()
            .prefix(&format!("sheetbridge-{name}-"))
            .tempdir()
            .expect("a temporary folder can be made")
            .keep();
        fs::create_dir(path.join("running")).expect("the new folder is writable");
        let warden = Command::new("sh")
            .args(["-c", WARDEN])
            .arg(&path)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .process_group(0)
            .spawn()
            .expect("a shell starts");
        Self { path, warden }
    }

    /// Where the folder is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Starts `command` as the head of a process group of its own, so that Ctrl-C in the terminal does not reach it
    /// and its children end with it.
    pub(crate) fn run(&self, command: &mut Command) -> Running {
        let child = command
            .stdin(Stdio::null())
            .process_group(0)
            .spawn()
            .unwrap_or_else(|error| panic!("cannot start {}: {error}", command.get_program().display()));
        let mark = self.path.join("running").join(child.id().to_string());
        fs::write(&mark, "").expect("the folder is writable");
        Running { child, mark }
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        drop(self.warden.stdin.take());
        // A warden that cannot be waited for is gone already, and there is nobody left to tell.
        let _ = self.warden.wait();
    }
}

/// A program that runs in a scratch folder. Dropping it kills it and what it started.
pub(crate) struct Running {
    child: Child,
    mark: PathBuf,
}

impl Running {
    /// The process id, which is the id of its group too.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// What the program was given as its standard output, if that is a pipe; once.
    pub(crate) fn take_output(&mut self) -> Option<std::process::ChildStdout> {
        self.child.stdout.take()
    }

    /// How it ended, or nothing while it runs.
    pub(crate) fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("our own child can be waited for")
    }

    /// Asks it to end, as systemd does.
    pub(crate) fn terminate(&self) {
        self.signal("TERM");
    }

    /// Ends it and its children without a word, and waits until it is gone.
    pub(crate) fn kill9(&mut self) {
        self.signal("KILL");
        let _ = self.child.wait();
    }

    /// Waits for its own end.
    pub(crate) async fn end(&mut self, deadline: Duration) -> ExitStatus {
        let what = format!("the end of process {}", self.id());
        eventually(deadline, &what, async || self.ended()).await
    }

    fn signal(&self, name: &str) {
        let group = format!("-{}", self.id());
        let _ = Command::new("sh").args(["-c", r#"kill -s "$0" -- "$1" 2>/dev/null"#, name, &group]).status();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.kill9();
        // From here on the number may belong to a stranger.
        let _ = fs::remove_file(&self.mark);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOON: Duration = Duration::from_secs(10);

    fn alive(id: u32) -> bool {
        // A killed process whose parent does not wait stays as a zombie; that is as dead as it gets.
        fs::read_to_string(format!("/proc/{id}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
    }

    #[tokio::test]
    async fn a_dropped_program_is_gone_with_its_children_and_its_folder() {
        let scratch = Scratch::new("drop");
        let folder = scratch.path().to_owned();
        let note = folder.join("child");
        let program =
            scratch.run(Command::new("sh").args(["-c", r#"sleep 600 & echo $! >"$0"; wait"#]).arg(&note));
        let child: u32 = eventually(SOON, "the child's number", async || {
            fs::read_to_string(&note).ok()?.trim().parse().ok()
        })
        .await;
        assert!(alive(child));

        drop(program);
        drop(scratch);

        eventually(SOON, "the child's end", async || (!alive(child)).then_some(())).await;
        assert!(!folder.exists());
    }

    #[tokio::test]
    async fn the_warden_ends_the_program_of_a_test_process_that_was_killed() {
        let mut scratch = Scratch::new("warden");
        let folder = scratch.path().to_owned();
        let mut program = scratch.run(Command::new("sleep").arg("600"));

        // The kernel closes this end of the pipe when the test process dies; nobody calls a destructor then.
        drop(scratch.warden.stdin.take());

        program.end(SOON).await;
        eventually(SOON, "the folder's end", async || (!folder.exists()).then_some(())).await;
    }

    #[tokio::test]
    async fn a_terminated_program_may_say_goodbye() {
        let scratch = Scratch::new("term");
        let ready = scratch.path().join("ready");
        let mut program = scratch.run(
            Command::new("sh")
                .args(["-c", r#"trap 'exit 7' TERM; : >"$0"; while :; do sleep 0.01; done 2>/dev/null"#])
                .arg(&ready),
        );
        eventually(SOON, "the trap", async || ready.exists().then_some(())).await;
        program.terminate();
        assert_eq!(program.end(SOON).await.code(), Some(7));
    }
}
