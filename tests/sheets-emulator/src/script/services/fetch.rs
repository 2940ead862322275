//! `UrlFetchApp`: real requests, each on the worker's own small runtime. This one may reach localhost, Google's may not.

use std::cell::OnceCell;
use std::sync::LazyLock;
use std::time::Duration;

use reqwest::redirect::Policy;
use serde::Deserialize;
use serde_json::{Map, Value as Json, json};
use tokio::runtime::Runtime;

use super::Thrown;
use super::utilities::{Bytes, signed};
use crate::script::engine::Host;
use crate::script::execution::Sent;
use crate::script::knobs::KillPoint;

/// Google's own limit; not documented, commonly met.
const TIMEOUT: Duration = Duration::from_secs(60);
const AGENT: &str =
    "Mozilla/5.0 (compatible; Google-Apps-Script; beanserver; +https://script.google.com; id: emulator)";

/// The clients of all workers, with and without redirects: reading the machine's certificates is slow. They keep no
/// connections, since a connection belongs to the runtime of the worker that opened it.
static CLIENTS: LazyLock<Result<[reqwest::Client; 2], reqwest::Error>> = LazyLock::new(|| {
    let client = |redirects| {
        let client = reqwest::Client::builder().user_agent(AGENT).timeout(TIMEOUT);
        client.redirect(redirects).pool_max_idle_per_host(0).build()
    };
    Ok([client(Policy::limited(10))?, client(Policy::none())?])
});

/// A worker's way to the network, made at its first request: most workers never send one.
#[derive(Debug, Default)]
pub(in crate::script) struct Net(OnceCell<Runtime>);

impl Net {
    fn runtime(&self) -> Result<&Runtime, Thrown> {
        if self.0.get().is_none() {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            // A worker has one thread: nobody else can have set it in between.
            let _ = self.0.set(runtime.map_err(|error| no_network(&error))?);
        }
        self.0.get().ok_or_else(|| no_network(&"no runtime"))
    }
}

fn no_network(reason: &dyn std::fmt::Display) -> Thrown {
    Thrown(format!("the emulator has no network: {reason}"))
}

#[derive(Deserialize)]
struct Call {
    requests: Vec<Request>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Request {
    url: String,
    method: String,
    content_type: Option<String>,
    headers: Vec<(String, String)>,
    body: Option<Bytes>,
    follow_redirects: bool,
}

pub(super) fn answer(host: &Host, call: &str) -> Result<Json, Thrown> {
    let call: Call = serde_json::from_str(call)?;
    if !host.shared().take_fetches(call.requests.len()) {
        return Err(Thrown("Service invoked too many times for one day: urlfetch.".into()));
    }
    if host.killed_at(KillPoint::BeforeSend) {
        return Ok(Json::Null);
    }
    let runtime = host.net().runtime()?;
    let clients = CLIENTS.as_ref().map_err(|error| no_network(error))?;
    let stop = host.shared().stop_signal();
    let sending = futures_util::future::join_all(call.requests.iter().map(|request| send(clients, request)));
    let answers = runtime.block_on(async move {
        let mut stop = stop;
        tokio::select! {
            answers = sending => Some(answers),
            _ = stop.wait_for(|stop| *stop) => None,
        }
    });
    let Some(answers) = answers else {
        return Ok(Json::Null);
    };
    for (request, (status, _)) in call.requests.iter().zip(&answers) {
        host.note_sent(Sent { url: request.url.clone(), status: *status });
    }
    host.killed_at(KillPoint::AfterSend);
    Ok(answers.into_iter().map(|(_, answer)| answer).collect::<Vec<_>>().into())
}

async fn send(clients: &[reqwest::Client; 2], request: &Request) -> (Option<u16>, Json) {
    match exchange(clients, request).await {
        Ok((status, answer)) => (Some(status), answer),
        Err(failure) => (None, json!({ "failure": failure })),
    }
}

async fn exchange(
    [following, staying]: &[reqwest::Client; 2],
    request: &Request,
) -> Result<(u16, Json), String> {
    let client = if request.follow_redirects { following } else { staying };
    let url = reqwest::Url::parse(&request.url).map_err(|_| format!("Invalid argument: {}", request.url))?;
    let method = reqwest::Method::from_bytes(request.method.as_bytes())
        .map_err(|_| "Attribute provided with invalid value: method".to_owned())?;
    let mut sending = client.request(method, url);
    if let Some(kind) = &request.content_type {
        sending = sending.header("content-type", kind);
    }
    for (name, value) in &request.headers {
        sending = sending.header(name, value);
    }
    if let Some(body) = &request.body {
        sending = sending.body(body.0.clone());
    }
    let answer = sending.send().await.map_err(|error| explain(&error, &request.url))?;
    let status = answer.status().as_u16();
    let headers: Map<String, Json> = answer
        .headers()
        .iter()
        .map(|(name, value)| {
            (titled(name.as_str()), String::from_utf8_lossy(value.as_bytes()).into_owned().into())
        })
        .collect();
    let body = answer.bytes().await.map_err(|error| explain(&error, &request.url))?;
    Ok((status, json!({ "status": status, "headers": headers, "bytes": signed(&body) })))
}

/// The words that Apps Script has for failures of the network.
fn explain(error: &reqwest::Error, url: &str) -> String {
    let mut causes = String::new();
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        causes.push_str(&inner.to_string());
        cause = inner.source();
    }
    if error.is_timeout() {
        format!("Timeout: {url}")
    } else if causes.contains("dns error") {
        format!("DNS error: {url}")
    } else {
        format!("Address unavailable: {url}")
    }
}

/// Header names as servers usually write them: a script looks for `Retry-After`.
fn titled(name: &str) -> String {
    let word = |word: &str| word[..1].to_uppercase() + &word[1..];
    name.split('-')
        .map(|part| if part.is_empty() { String::new() } else { word(part) })
        .collect::<Vec<_>>()
        .join("-")
}
