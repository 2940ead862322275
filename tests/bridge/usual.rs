//! The way edits reach a table today, for benchmarks: a script that posts each edited cell, and a small server that writes it into
//! the row. No outbox, no signature, no ledger, no look at what the table has.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use mysql_async::Pool;
use mysql_async::prelude::Queryable;
use serde::Deserialize;
use sheets_emulator::script::Source;
use tokio::net::TcpListener;
use tokio::task::{JoinHandle, JoinSet};

use super::goods::TABLE;
use super::rig::{Rig, TAB};

/// Its menu is what installs the trigger: one that runs by itself may not call anybody.
const SCRIPT: &str = "
function onOpen() { SpreadsheetApp.getUi().createMenu('Usual').addItem('Install', 'install').addToUi(); }
function install() { ScriptApp.newTrigger('send').forSpreadsheet(SpreadsheetApp.getActive()).onEdit().create(); }
function send(event) {
  const sheet = event.range.getSheet();
  const column = sheet.getRange(1, event.range.getColumn()).getValue();
  const key = sheet.getRange(event.range.getRow(), 1).getValue();
  const payload = JSON.stringify({ key, column, value: event.value });
  UrlFetchApp.fetch('ADDRESS', { method: 'post', contentType: 'application/json', payload });
}";

#[derive(Deserialize)]
struct Edit {
    key: u32,
    column: String,
    value: String,
}

/// The script's server; it ends when it is dropped.
pub(crate) struct Usual {
    requests: Arc<AtomicUsize>,
    listener: JoinHandle<()>,
}

impl Usual {
    /// Takes the place of the rig's script. The daemon is stopped by the caller.
    pub(crate) async fn instead_of_the_script(rig: &Rig) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let address = format!("http://{}/", listener.local_addr().expect("a bound socket has an address"));
        let requests = Arc::new(AtomicUsize::new(0));
        let pool = Pool::from_url(format!("{}/{}", rig.server.root_url(), rig.database)).expect("an address");
        let listener = tokio::spawn(listen(listener, pool, Arc::clone(&requests)));

        let manifest = include_str!("../../apps-script/appsscript.json");
        let source = Source::new(SCRIPT.replace("ADDRESS", &address), manifest).expect("a script");
        let script = rig.google.scripts().install(&rig.spreadsheet, source).expect("it is installed");
        script.choose("Install", "ann@example.com", TAB.0, Vec::new()).await.expect("the menu has it");
        Self { requests, listener }
    }

    /// Requests so far.
    pub(crate) fn requests(&self) -> usize {
        self.requests.load(Ordering::Relaxed)
    }
}

impl Drop for Usual {
    fn drop(&mut self) {
        self.listener.abort();
    }
}

async fn listen(listener: TcpListener, pool: Pool, requests: Arc<AtomicUsize>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let (pool, requests) = (pool.clone(), Arc::clone(&requests));
        connections.spawn(async move {
            let answer = service_fn(move |request| {
                requests.fetch_add(1, Ordering::Relaxed);
                write(request, pool.clone())
            });
            let served =
                hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), answer);
            served.await.expect("the script speaks HTTP");
        });
        while connections.try_join_next().is_some() {}
    }
}

async fn write(request: Request<Incoming>, pool: Pool) -> Result<Response<Full<Bytes>>, Infallible> {
    let body = request.into_body().collect().await.expect("a whole body").to_bytes();
    let Edit { key, column, value } = serde_json::from_slice(&body).expect("what the script sends");
    let mut conn = pool.get_conn().await.expect("the server is there");
    let update = format!("UPDATE {TABLE} SET {column} = ? WHERE id = ?");
    conn.exec_drop(update, (value, key)).await.expect("a good value");
    Ok(Response::new(Full::default()))
}
