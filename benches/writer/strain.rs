//! How strained the machine and its server are while something is measured: what a small commit takes then, and by how much a thread
//! that sleeps is woken too late.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::commit::SmallCommit;
use crate::figures::{Figures, spread};
use crate::slowest::{self, Sample};
use crate::support::server::Server;

const BETWEEN_COMMITS: Duration = Duration::from_millis(25);
const NAP: Duration = Duration::from_millis(5);

type Samples = Arc<Mutex<Vec<Sample>>>;

/// At work until it is asked for its figures.
pub(crate) struct Strain {
    commits: Samples,
    wakes: Samples,
    ends: Arc<AtomicBool>,
    committing: tokio::task::JoinHandle<()>,
    napping: std::thread::JoinHandle<()>,
}

/// What it found, in order.
pub(crate) struct Found {
    commits: Vec<Sample>,
    wakes: Vec<Sample>,
}

impl Strain {
    pub(crate) async fn begin(server: &'static Server) -> Self {
        let (commits, wakes, ends) =
            (Samples::default(), Samples::default(), Arc::new(AtomicBool::new(false)));
        let mut commit = SmallCommit::prepare(server).await;
        let committing = tokio::spawn({
            let (commits, ends) = (Arc::clone(&commits), Arc::clone(&ends));
            async move {
                while !ends.load(Ordering::Relaxed) {
                    let at = slowest::now();
                    put(&commits, (at, commit.make().await));
                    tokio::time::sleep(BETWEEN_COMMITS).await;
                }
            }
        });
        let napping = std::thread::spawn({
            let (wakes, ends) = (Arc::clone(&wakes), Arc::clone(&ends));
            move || {
                while !ends.load(Ordering::Relaxed) {
                    let (at, began) = (slowest::now(), Instant::now());
                    #[expect(
                        clippy::disallowed_methods,
                        reason = "how late it ends is what is measured, on a thread of its own"
                    )]
                    std::thread::sleep(NAP);
                    put(&wakes, (at, began.elapsed().saturating_sub(NAP).as_secs_f64() * 1e3));
                }
            }
        });
        Self { commits, wakes, ends, committing, napping }
    }

    /// Ends it, and adds its figures.
    pub(crate) async fn end(self, figures: &mut Figures, name: &str) -> Found {
        self.ends.store(true, Ordering::Relaxed);
        self.committing.await.expect("commits that go");
        self.napping.join().expect("a thread that sleeps");
        let take =
            |samples: &Samples| std::mem::take(&mut *samples.lock().unwrap_or_else(PoisonError::into_inner));
        let found = Found { commits: take(&self.commits), wakes: take(&self.wakes) };
        for (what, samples) in [("commit", &found.commits), ("late", &found.wakes)] {
            let took: Vec<f64> = samples.iter().map(|(_, took)| *took).collect();
            spread(figures, &format!("{name}_{what}"), &took);
        }
        found
    }
}

impl Found {
    /// The longest commit and the latest waking of a time.
    pub(crate) fn within(&self, from: i64, to: i64) -> (f64, f64) {
        let longest = |samples: &[Sample]| {
            let met = samples.iter().filter(|(at, took)| *at <= to && *at + took.ceil() as i64 >= from);
            met.map(|(_, took)| *took).fold(0.0, f64::max)
        };
        (longest(&self.commits), longest(&self.wakes))
    }
}

fn put(samples: &Samples, sample: Sample) {
    samples.lock().unwrap_or_else(PoisonError::into_inner).push(sample);
}
