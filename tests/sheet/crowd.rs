//! Ten thousand strangers at the door at once: it holds as many as it has places, and whoever has something to say is heard.
//!
//! The crowd has a thread and a runtime of its own, so that the tasks of the door's runtime are the door's alone.

use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use sheetbridge::sheet::listen::Limits;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::runtime::{Builder, Handle};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::endpoint::{Request, quick, start};

const CROWD: usize = 10_000;

/// A stranger does not wait longer for a connection: the kernel's queue has room for a thousand.
const KNOCK: Duration = Duration::from_secs(2);

/// Nor longer to be sent away. A connection that the kernel promised while its queue was full is known to nobody at the other
/// end, and nobody would ever end it.
const STAY: Duration = Duration::from_secs(3);

const PATIENCE: Duration = Duration::from_secs(60);

/// The door's own task, and one that has ended and is not counted out yet.
const BESIDE: usize = 2;

#[derive(Clone, Copy, Debug, Default)]
struct Fates {
    sent_away: usize,
    unheard: usize,
    not_let_in: usize,
}

enum Fate {
    SentAway,
    Unheard,
    NotLetIn,
}

async fn stranger(address: String, speaks: bool) -> Fate {
    let Ok(Ok(mut stream)) = timeout(KNOCK, TcpStream::connect(address)).await else { return Fate::NotLetIn };
    if speaks {
        let _ = stream.write_all(b"POST /v1/links/orders/edits HTTP/1.1\r\nhost:").await;
    }
    let mut rest = Vec::new();
    match timeout(STAY, stream.read_to_end(&mut rest)).await {
        Ok(_) => Fate::SentAway,
        Err(_) => Fate::Unheard,
    }
}

/// All of them at once; some say nothing, some begin to.
fn crowd(address: String, size: usize) -> thread::JoinHandle<Fates> {
    thread::spawn(move || {
        let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let mut strangers = JoinSet::new();
            for number in 0..size {
                strangers.spawn(stranger(address.clone(), number % 2 == 0));
            }
            let mut fates = Fates::default();
            while let Some(fate) = strangers.join_next().await {
                match fate.expect("no panic") {
                    Fate::SentAway => fates.sent_away += 1,
                    Fate::Unheard => fates.unheard += 1,
                    Fate::NotLetIn => fates.not_let_in += 1,
                }
            }
            fates
        })
    })
}

/// Both ends of each connection are files of this process.
fn files() -> usize {
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let open = limits.lines().find_map(|line| line.strip_prefix("Max open files"));
    open.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(1_024)
}

#[tokio::test]
async fn a_crowd_keeps_nobody_out_and_no_more_are_held_than_there_are_places() {
    // The one who has something to say says it as often as he can.
    let often = 100_000.try_into().expect("not zero");
    let endpoint = start(Limits { per_second: often, burst: often, ..quick() }, false, None).await;
    let size = CROWD.min(files() / 2);
    let crowd = crowd(endpoint.address.clone(), size);
    let (mut most, mut heard) = (0, 0);
    let begun = Instant::now();
    let mut slowest = Duration::ZERO;
    while !crowd.is_finished() {
        // In the middle of it, somebody who has something to say, again and again.
        let asked = Instant::now();
        let honest = Request { id: format!("m-{heard}"), ..Request::good() };
        let watched = async {
            let mut ticks = tokio::time::interval(Duration::from_millis(5));
            loop {
                ticks.tick().await;
                most = most.max(Handle::current().metrics().num_alive_tasks());
            }
        };
        tokio::select! {
            reply = timeout(PATIENCE, honest.send(&endpoint.address)) => {
                let status = reply.expect("an answer").status;
                // Closed without a word is possible in such a crowd: the sender comes again, as the script does.
                assert!(matches!(status, 0 | 202), "{status}");
                heard += usize::from(status == 202);
            }
            () = watched => {}
        }
        slowest = slowest.max(asked.elapsed());
    }
    let fates = crowd.join().expect("no panic");
    println!(
        "{size} connections in {:?}: {fates:?}; at most {most} tasks at a time; {heard} honest messages, the slowest in {slowest:?}",
        begun.elapsed()
    );
    assert!(heard > 0, "nobody was heard");
    assert!(most <= quick().connections + BESIDE, "{most} are held");
    assert!(fates.sent_away > size / 20, "{fates:?}");
    let after = Request { id: "m-after".into(), ..Request::good() }.send(&endpoint.address).await;
    assert_eq!(after.status, 202, "every place is free again");
    assert_eq!(endpoint.inbox.entered.load(Ordering::SeqCst), heard + 1);
}
