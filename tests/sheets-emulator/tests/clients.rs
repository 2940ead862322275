//! Real clients from `PyPI` against the emulator: gspread as its users have it, and Google's own client with its discovery
//! document. `clients/prepare` fetches them once, and decides what happens where there is no network.

use std::path::Path;
use std::process::Command;

use sheets_emulator::{Emulator, Options};

/// The interpreter that has the clients; `None` if they may be left out.
#[expect(clippy::print_stderr, reason = "a skipped test must be heard")]
fn python(clients: &Path) -> Option<String> {
    let prepared = Command::new(clients.join("prepare")).output().expect("bash runs clients/prepare");
    let said = String::from_utf8_lossy(&prepared.stderr);
    match prepared.status.code() {
        Some(0) => Some(String::from_utf8_lossy(&prepared.stdout).trim().to_owned()),
        Some(77) => {
            eprintln!("SKIPPED: {said}");
            None
        }
        _ => panic!("{said}"),
    }
}

fn run(python: &str, arguments: &[&str], clients: &Path) {
    let ran = Command::new(python).args(arguments).current_dir(clients).output().expect("Python runs");
    let (out, errors) = (String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
    assert!(ran.status.success(), "{arguments:?}\n{out}\n{errors}");
}

#[tokio::test(flavor = "multi_thread")]
async fn gspread_and_googles_own_client_have_their_sessions() {
    let clients = Path::new(env!("CARGO_MANIFEST_DIR")).join("clients");
    let emulator = Emulator::start(Options::default()).await.expect("a free port");
    let key = emulator.create_account("robot@example.com", "1").expect("a key");
    let folder = std::env::temp_dir().join(format!("sheets-emulator-{}", uuid::Uuid::new_v4()));
    std::fs::create_dir(&folder).expect("a folder");
    let file = folder.join("key.json");
    std::fs::write(&file, key.to_string()).expect("a key file");
    let base = emulator.base_url();
    let session = tokio::task::spawn_blocking(move || {
        if let Some(python) = python(&clients) {
            run(&python, &["session.py", &base, &file.to_string_lossy()], &clients);
        }
    });
    let done = session.await;
    std::fs::remove_dir_all(&folder).expect("the folder goes");
    done.expect("the sessions end well");
    let failed: u64 = emulator.calls().counts().values().map(|count| count.failed).sum();
    assert!(failed <= 1, "{failed} calls failed: one asks for a spreadsheet that is not there");
}

#[test]
fn requests_are_read_by_the_discovery_document_that_googles_client_ships() {
    let clients = Path::new(env!("CARGO_MANIFEST_DIR")).join("clients");
    if let Some(python) = python(&clients) {
        run(&python, &["discovery.py", "--check", "../src/rest/discovery.json"], &clients);
    }
}
