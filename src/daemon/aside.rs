//! Work that keeps the processor for long, done so that it holds up nobody else.
//!
//! The worker that works may be the one that was to look for what the network brings, and the other one sleeps until it is called:
//! then no task of the process hears of anything meanwhile. Beside the copy of a large table an edit of another spreadsheet lay 240 ms
//! in the daemon so, while neither the server nor the machine was busy (docs/benchmarks.md, `person`). A worker that steps aside gives
//! its place to another thread first; that costs processor time (`growth` there), so only what is known to take long does it.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_util::future::BoxFuture;
use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::task::block_in_place;

/// Work of which, while `is_long` says so, each step may take long.
pub(super) struct Aside<T, L> {
    pub(super) work: BoxFuture<'static, T>,
    pub(super) is_long: L,
}

impl<T, L: Fn() -> bool + Unpin> Future for Aside<T, L> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        let is_long = (self.is_long)();
        let mut work = || self.work.as_mut().poll(context);
        if is_long && has_others() { block_in_place(work) } else { work() }
    }
}

/// In a runtime of one thread there is nobody to step aside for.
fn has_others() -> bool {
    let flavor = Handle::try_current().map(|runtime| runtime.runtime_flavor());
    matches!(flavor, Ok(RuntimeFlavor::MultiThread))
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::os::unix::net::UnixStream;
    use std::sync::mpsc;
    use std::time::Duration;

    use futures_util::FutureExt;

    use super::*;

    #[test]
    fn who_works_aside_leaves_the_network_to_others() {
        // given a runtime with one worker, and a task that waits for the network
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let (sender, heard) = mpsc::channel();
        let (mut peer, here) = UnixStream::pair().expect("two ends");
        here.set_nonblocking(true).expect("an end that does not block");
        let done = runtime.expect("a runtime").block_on(async move {
            let stream = tokio::net::UnixStream::from_std(here).expect("an end");
            let listening = tokio::spawn(async move {
                stream.readable().await.expect("something comes");
                sender.send(()).expect("somebody waits");
            });
            // when a step of another one lasts until that task has heard what comes
            let step = async move {
                peer.write_all(b"!").expect("the other end");
                heard.recv_timeout(Duration::from_secs(10)).is_ok()
            };
            let working = tokio::spawn(Aside { work: step.boxed(), is_long: || true });
            listening.await.expect("no panic");
            working.await.expect("no panic")
        });
        // then it comes to an end
        assert!(done, "nobody looked for what the network brings");
    }

    #[tokio::test]
    async fn a_runtime_of_one_thread_has_nobody_to_step_aside_for() {
        assert_eq!(Aside { work: async { 8 }.boxed(), is_long: || true }.await, 8);
    }
}
