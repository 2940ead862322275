//! `PropertiesService`, `CacheService` and `LockService`: what outlives a run, and what keeps runs apart.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Condvar, Mutex};
use std::time::{Duration, Instant};

use serde::Deserialize;
use serde_json::{Value as Json, json};

use super::Thrown;
use crate::script::engine::Host;
use crate::script::execution::ExecutionId;
use crate::script::lock;

/// Largest value of a property.
const PROPERTY_BYTES: usize = 9 * 1024;
/// All properties of one store together.
const STORE_BYTES: usize = 500 * 1024;
const CACHE_KEY: usize = 250;
const CACHE_BYTES: usize = 100 * 1024;
const CACHE_SECONDS: u64 = 21_600;

type Entries = BTreeMap<String, String>;

/// What a script keeps between its runs.
#[derive(Debug, Default)]
pub(in crate::script) struct Stores {
    properties: Mutex<HashMap<String, Entries>>,
    cache: Mutex<HashMap<(String, String), (String, i64)>>,
    locks: Locks,
}

impl Stores {
    /// A store's properties (`document`, `script` or `user`).
    pub(in crate::script) fn properties(&self, store: &str) -> Entries {
        lock(&self.properties).get(store).cloned().unwrap_or_default()
    }

    /// Gives back the locks that a run still holds when it ends, however it ends.
    pub(in crate::script) fn end(&self, execution: ExecutionId) {
        lock(&self.locks.held).retain(|_, holder| *holder != execution);
        self.locks.freed.notify_all();
    }
}

#[derive(Deserialize)]
#[serde(tag = "call", rename_all = "camelCase")]
enum PropertyCall {
    Get { store: String, key: String },
    All { store: String },
    Set { store: String, entries: Entries, replace: bool },
    Delete { store: String, key: String },
}

pub(super) fn properties(host: &Host, call: &str) -> Result<Json, Thrown> {
    let mut stores = lock(&host.shared().stores.properties);
    match serde_json::from_str(call)? {
        PropertyCall::Get { store, key } => Ok(json!(stores.entry(store).or_default().get(&key))),
        PropertyCall::All { store } => Ok(json!(stores.entry(store).or_default())),
        PropertyCall::Set { store, entries, replace } => {
            let present = stores.entry(store).or_default();
            let mut next = if replace { Entries::new() } else { present.clone() };
            if entries.values().any(|value| value.len() > PROPERTY_BYTES) {
                return Err(Thrown("Argument too large: value".into()));
            }
            next.extend(entries);
            if next.iter().map(|(key, value)| key.len() + value.len()).sum::<usize>() > STORE_BYTES {
                let sentence = "You have exceeded the property storage quota. Please remove some properties and try again.";
                return Err(Thrown(sentence.into()));
            }
            *present = next;
            Ok(Json::Null)
        }
        PropertyCall::Delete { store, key } => {
            stores.entry(store).or_default().remove(&key);
            Ok(Json::Null)
        }
    }
}

#[derive(Deserialize)]
#[serde(tag = "call", rename_all = "camelCase")]
enum CacheCall {
    Get { store: String, key: String },
    Put { store: String, key: String, value: String, seconds: u64 },
    Remove { store: String, key: String },
}

pub(super) fn cache(host: &Host, call: &str) -> Result<Json, Thrown> {
    let now = host.now();
    let mut cache = lock(&host.shared().stores.cache);
    Ok(match serde_json::from_str(call)? {
        CacheCall::Get { store, key } => {
            json!(cache.get(&(store, key)).filter(|(_, until)| *until > now).map(|(value, _)| value))
        }
        CacheCall::Put { key, value, .. } if key.len() > CACHE_KEY || value.len() > CACHE_BYTES => {
            let which = if key.len() > CACHE_KEY { "key" } else { "value" };
            return Err(Thrown(format!("Argument too large: {which}")));
        }
        CacheCall::Put { store, key, value, seconds } => {
            cache.insert((store, key), (value, now + (seconds.min(CACHE_SECONDS) * 1000) as i64));
            Json::Null
        }
        CacheCall::Remove { store, key } => {
            cache.remove(&(store, key));
            Json::Null
        }
    })
}

#[derive(Debug, Default)]
struct Locks {
    held: Mutex<HashMap<String, ExecutionId>>,
    freed: Condvar,
}

#[derive(Deserialize)]
#[serde(tag = "call", rename_all = "camelCase")]
enum LockCall {
    Take { name: String, ms: u64 },
    Has { name: String },
    Release { name: String },
}

pub(super) fn locks(host: &Host, call: &str) -> Result<Json, Thrown> {
    let locks = &host.shared().stores.locks;
    let me = host.id();
    Ok(match serde_json::from_str(call)? {
        LockCall::Take { name, ms } => take(host, locks, name, Duration::from_millis(ms)).into(),
        LockCall::Has { name } => (lock(&locks.held).get(&name) == Some(&me)).into(),
        LockCall::Release { name } => {
            lock(&locks.held).retain(|held, holder| *held != name || *holder != me);
            locks.freed.notify_all();
            Json::Null
        }
    })
}

/// Waits for a lock that another run holds; one's own is given at once. A script that is being stopped gets nothing.
fn take(host: &Host, locks: &Locks, name: String, patience: Duration) -> bool {
    let deadline = Instant::now() + patience;
    let mut held = lock(&locks.held);
    while held.get(&name).is_some_and(|holder| *holder != host.id()) {
        let left = deadline.saturating_duration_since(Instant::now()).min(Duration::from_millis(50));
        if left.is_zero() || host.watch().is_over() {
            return false;
        }
        held = locks.freed.wait_timeout(held, left).unwrap_or_else(std::sync::PoisonError::into_inner).0;
    }
    held.insert(name, host.id());
    true
}
