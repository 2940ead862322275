//! The page of `make demo`: the spreadsheet on the left, and on the right the table beside it, live, with a place to
//! type SQL. It is a guest of the database like any other application, and knows nothing of sheetbridge.

mod feed;
mod table;

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use bytes::Bytes;
use clap::Parser;
use futures_util::stream;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full, Limited, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode, header};
use hyper_util::rt::TokioIo;
use mysql_async::Pool;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

use table::TableName;

const PAGE: &str = include_str!("page.html");

/// More SQL than a person types.
const LONGEST_STATEMENT: usize = 64 * 1024;

#[derive(Parser)]
struct Arguments {
    /// The database, as `mysql://user@localhost?socket=/path`.
    #[arg(long)]
    database: String,
    /// The table to show, as `schema.table`.
    #[arg(long)]
    table: TableName,
    /// The address of the spreadsheet's page, shown on the left.
    #[arg(long)]
    sheet_page: String,
    /// The port on 127.0.0.1 to listen on.
    #[arg(long)]
    port: u16,
}

struct Page {
    html: String,
    own_hosts: [String; 2],
    pool: Pool,
    table: TableName,
    feed: watch::Receiver<Bytes>,
}

type Answer = Response<BoxBody<Bytes, Infallible>>;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments = Arguments::parse();
    let pool = Pool::from_url(&arguments.database)?;
    let (feed, poller) = feed::start(pool.clone(), arguments.table.clone());
    let page = Arc::new(Page {
        html: PAGE
            .replace("{{sheet page}}", &arguments.sheet_page)
            .replace("{{table}}", &arguments.table.to_string()),
        own_hosts: ["127.0.0.1", "localhost"].map(|name| format!("{name}:{}", arguments.port)),
        pool,
        table: arguments.table,
        feed,
    });
    let listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, arguments.port))).await?;
    tokio::select! {
        () = serve(listener, page) => Ok(()),
        ended = poller => Ok(ended?),
    }
}

async fn serve(listener: TcpListener, page: Arc<Page>) {
    let mut connections = JoinSet::new();
    loop {
        // A guest that could not be let in is no reason to close the house.
        let Ok((connection, _)) = listener.accept().await else {
            continue;
        };
        let page = page.clone();
        connections.spawn(async move {
            let service = service_fn(move |request| {
                let page = page.clone();
                async move { Ok::<_, Infallible>(answer(&page, request).await) }
            });
            // A browser that leaves in the middle of the feed is no error.
            let _ = http1::Builder::new().serve_connection(TokioIo::new(connection), service).await;
        });
        while connections.try_join_next().is_some() {}
    }
}

async fn answer(page: &Page, request: Request<Incoming>) -> Answer {
    // A strange site's page must not reach the database through the visitor's browser: not by another name for this
    // address, and not by a form, which cannot send this content type without being asked first.
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    if !host.is_some_and(|host| page.own_hosts.iter().any(|own| own == host)) {
        return text(StatusCode::FORBIDDEN, "text/plain", "this page answers to its own address only");
    }
    match (request.method(), request.uri().path()) {
        (&Method::GET, "/") => text(StatusCode::OK, "text/html; charset=utf-8", &page.html),
        (&Method::GET, "/feed") => live(page.feed.clone()),
        (&Method::POST, "/sql") if is_sql(&request) => run_sql(page, request).await,
        _ => text(StatusCode::NOT_FOUND, "text/plain", "not here"),
    }
}

fn is_sql(request: &Request<Incoming>) -> bool {
    request.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind == "application/sql")
}

async fn run_sql(page: &Page, request: Request<Incoming>) -> Answer {
    let Ok(body) = Limited::new(request.into_body(), LONGEST_STATEMENT).collect().await else {
        return text(StatusCode::PAYLOAD_TOO_LARGE, "text/plain", "that is too much SQL");
    };
    let statement = String::from_utf8_lossy(&body.to_bytes()).into_owned();
    match table::run(&page.pool, &page.table, &statement).await {
        Ok(rows) => text(StatusCode::OK, "text/plain", &format!("rows changed: {rows}")),
        Err(error) => text(StatusCode::UNPROCESSABLE_ENTITY, "text/plain", &error.to_string()),
    }
}

/// Server-sent events: the table as it is, then again at each change.
fn live(feed: watch::Receiver<Bytes>) -> Answer {
    let states = stream::unfold((feed, true), async |(mut feed, first)| {
        if !first {
            feed.changed().await.ok()?;
        }
        let state = feed.borrow_and_update().clone();
        Some((Ok(Frame::data(state)), (feed, false)))
    });
    let mut answer = Response::new(StreamBody::new(states).boxed());
    let kind = header::HeaderValue::from_static("text/event-stream");
    answer.headers_mut().insert(header::CONTENT_TYPE, kind);
    answer
}

fn text(status: StatusCode, kind: &'static str, body: &str) -> Answer {
    let mut answer = Response::new(Full::new(Bytes::copy_from_slice(body.as_bytes())).boxed());
    *answer.status_mut() = status;
    answer.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static(kind));
    answer
}
