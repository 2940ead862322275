//! `sheets-emulator`: the local Google Sheets as a program.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use sheets_emulator::grid::SpreadsheetId;
use sheets_emulator::script::Source;
use sheets_emulator::{Emulator, Knobs, Options};
use tracing_subscriber::EnvFilter;

const EXAMPLE: &str = "\
Example:
  sheets-emulator --key-file key.json --spreadsheet my-sheet --title Shop

Open http://127.0.0.1:8484/spreadsheets/my-sheet in a browser to be a person at the grid. Point a client at
http://127.0.0.1:8484 instead of https://sheets.googleapis.com and give it key.json. What goes wrong and when is told over
HTTP while it runs: faults, knobs, quotas, the clock and people's actions are under /emulator/ (see the README).";

/// A local Google Sheets: the Sheets v4 REST interface with tokens, quotas and faults, people at a grid in the browser,
/// and Apps Script triggers.
///
/// Nothing is kept on disk: when it ends, its spreadsheets are gone. It serves on the loopback interface only, in plain
/// HTTP. The last line that it prints when it is ready is `serving http://127.0.0.1:PORT`.
#[derive(Parser, Debug)]
#[command(version, after_help = EXAMPLE)]
struct Arguments {
    /// The loopback port to serve on; 0 takes a free one.
    #[arg(long, default_value_t = 8484)]
    port: u16,

    /// Take any bearer token, for clients that cannot sign a token request.
    #[arg(long)]
    open_door: bool,

    /// A JSON file with knobs; those that it does not name keep their defaults.
    #[arg(long, value_name = "FILE")]
    knobs: Option<PathBuf>,

    /// Let calls take the time that the real service needs: 0.3 s and 1 s a megabyte.
    #[arg(long)]
    service_time: bool,

    /// Print every knob with its default, and end.
    #[arg(long)]
    print_knobs: bool,

    /// Make a service account and write its key file here (readable by its owner only).
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,

    /// The address of that service account.
    #[arg(long, default_value = "robot@emulator.iam.gserviceaccount.com", requires = "key_file")]
    account: String,

    /// Make a spreadsheet with this id, open to every account.
    #[arg(long, value_name = "ID")]
    spreadsheet: Option<String>,

    /// Its title.
    #[arg(long, default_value = "Untitled spreadsheet", requires = "spreadsheet")]
    title: String,

    /// Bind the Apps Script project in this folder (`*.js` and `appsscript.json`) to the spreadsheet.
    #[arg(long, value_name = "FOLDER", requires = "spreadsheet")]
    script: Option<PathBuf>,
}

#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Start(#[from] sheets_emulator::StartError),
    #[error("{path}: {source}")]
    File { path: String, source: std::io::Error },
    #[error("{path}: {source}")]
    Json { path: String, source: serde_json::Error },
    #[error(transparent)]
    Key(#[from] sheets_emulator::NoKey),
    #[error(transparent)]
    Script(#[from] sheets_emulator::script::ScriptError),
    #[error("no signal can be waited for: {0}")]
    Signal(std::io::Error),
}

fn in_file<T>(path: &std::path::Path, done: std::io::Result<T>) -> Result<T, Failure> {
    done.map_err(|source| Failure::File { path: path.display().to_string(), source })
}

fn main() -> ExitCode {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    let arguments = Arguments::parse();
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            tracing::error!(%error, "no runtime");
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(run(arguments)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            tracing::error!("{failure}");
            ExitCode::FAILURE
        }
    }
}

#[expect(clippy::print_stdout, reason = "what a caller of the program reads")]
async fn run(arguments: Arguments) -> Result<(), Failure> {
    if arguments.print_knobs {
        println!("{:#}", serde_json::json!(Knobs::default()));
        return Ok(());
    }
    let knobs = match &arguments.knobs {
        None => Knobs::default(),
        Some(path) => {
            let text = in_file(path, std::fs::read(path))?;
            serde_json::from_slice(&text)
                .map_err(|source| Failure::Json { path: path.display().to_string(), source })?
        }
    };
    let knobs = if arguments.service_time { knobs.with_service_time() } else { knobs };
    let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, arguments.port));
    let emulator = Emulator::bind(Options { listen, open_door: arguments.open_door, knobs }).await?;
    if let Some(path) = &arguments.key_file {
        let key = emulator.create_account(&arguments.account, "1")?;
        in_file(path, write_secret(path, &format!("{key:#}\n")))?;
    }
    if let Some(id) = &arguments.spreadsheet {
        let id = SpreadsheetId::new(id);
        emulator.world().create(id.clone(), &arguments.title, |spreadsheet| {
            spreadsheet.sharing.everyone = true;
        });
        if let Some(folder) = &arguments.script {
            emulator.scripts().install(&id, source(folder)?)?;
        }
        println!("spreadsheet {}/spreadsheets/{id}", emulator.base_url());
    }
    emulator.open();
    // The last line: whoever started the program may go on when it is there.
    println!("serving {}", emulator.base_url());
    wait_for_the_end().await?;
    emulator.shutdown().await;
    Ok(())
}

fn source(folder: &std::path::Path) -> Result<Source, Failure> {
    let mut names = Vec::new();
    for entry in in_file(folder, std::fs::read_dir(folder))? {
        let path = in_file(folder, entry)?.path();
        if path.extension().is_some_and(|kind| kind == "js" || kind == "gs") {
            names.push(path);
        }
    }
    names.sort();
    let texts = names.iter().map(|path| in_file(path, std::fs::read_to_string(path)));
    let code: Vec<String> = texts.collect::<Result<_, _>>()?;
    let manifest = folder.join("appsscript.json");
    Ok(Source::new(code.join("\n"), &in_file(&manifest, std::fs::read_to_string(&manifest))?)?)
}

fn write_secret(path: &std::path::Path, text: &str) -> std::io::Result<()> {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;
    let mut file =
        std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())
}

async fn wait_for_the_end() -> Result<(), Failure> {
    let mut terminate =
        tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()).map_err(Failure::Signal)?;
    tokio::select! {
        done = tokio::signal::ctrl_c() => done.map_err(Failure::Signal),
        _ = terminate.recv() => Ok(()),
    }
}
