//! One server of each kind for all tests of the binary that do not need one of their own.

use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

use tokio::sync::OnceCell;

use super::{Kind, Server};

/// The shared server of this kind, started by the first who asks. Take a fresh database in it, and change no global setting.
pub(crate) async fn shared(kind: Kind) -> &'static Server {
    static SERVERS: [OnceCell<Server>; 2] = [const { OnceCell::const_new() }; 2];
    SERVERS[kind as usize].get_or_init(|| Server::start(kind, &[])).await
}

/// Runs the story on MariaDB, then on MySQL. Where it fails, the server is named under the message of the failure.
pub(crate) async fn for_each_server<Story>(story: Story)
where
    Story: AsyncFn(&'static Server),
{
    for kind in Kind::ALL {
        let named = NamedInFailure(shared(kind).await);
        story(named.0).await;
    }
}

struct NamedInFailure(&'static Server);

impl Drop for NamedInFailure {
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!("this was on {}", self.0);
        }
    }
}

/// Names stay under MySQL's 64 characters for every story shorter than 50.
pub(super) fn unique_name(story: &str) -> String {
    static TAKEN: AtomicU32 = AtomicU32::new(0);
    format!("{story}_{}", TAKEN.fetch_add(1, Ordering::Relaxed))
}
