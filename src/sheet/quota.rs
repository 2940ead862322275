//! Google's quota, kept on our side: at most so many reads and so many writes in any 60 seconds.
//!
//! A bucket of `burst` that refills at `rate` a minute lets `burst + rate` calls through in the worst minute, so the two
//! add up to the quota (10 + 50 of 60). The common "60 a minute" bucket lets 119 through and is answered with 429.

use std::num::NonZeroU32;
use std::sync::Mutex;
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::middleware::NoOpMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Jitter, RateLimiter};
use tokio::time::Instant;

/// Calls a minute that Google grants one account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rates {
    /// Read requests a minute.
    pub reads: u32,
    /// Write requests a minute.
    pub writes: u32,
}

impl Default for Rates {
    /// What every account has before an increase was granted.
    fn default() -> Self {
        Self { reads: 60, writes: 60 }
    }
}

/// What a call is for. The lanes of the background share two thirds of the quota, so that the others find it free.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Lane {
    /// A person's edit and its answer.
    Edit,
    /// Row changes from the database as they happen.
    Live,
    /// Settling, mending, looking twice.
    Verify,
    /// Whole tabs, for what no event told.
    Sweep,
    /// Copies of whole tables.
    Bulk,
}

impl Lane {
    fn is_background(self) -> bool {
        match self {
            Self::Sweep | Self::Bulk => true,
            Self::Edit | Self::Live | Self::Verify => false,
        }
    }
}

/// How long to wait after the n-th failure in a row: `min(2^n * step + random(step), most)`, as Google documents it with a
/// step of one second and a most of 64.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    /// One second, or less in tests.
    pub step: Duration,
    /// The longest wait.
    pub most: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self { step: Duration::from_secs(1), most: Duration::from_secs(64) }
    }
}

impl Backoff {
    /// The wait after the failure number `n`, counted from zero; random in its last step.
    pub fn wait(self, n: u32) -> Duration {
        let fixed = self.step.saturating_mul(1u32.checked_shl(n).unwrap_or(u32::MAX));
        (Jitter::up_to(self.step) + fixed.min(self.most)).min(self.most)
    }
}

type Limiter<C> = RateLimiter<NotKeyed, InMemoryState, C, NoOpMiddleware<<C as Clock>::Instant>>;

/// One kind of call of one account.
#[derive(Debug)]
pub(super) struct Bucket<C: Clock + Clone = DefaultClock> {
    all: Limiter<C>,
    background: Limiter<C>,
    clock: C,
    backoff: Backoff,
    refused: Mutex<Refused>,
}

/// Google's own "too many": the whole bucket waits.
#[derive(Debug, Default)]
struct Refused {
    in_a_row: u32,
    until: Option<Instant>,
}

impl<C: Clock + Clone> Bucket<C> {
    pub(super) fn new(per_minute: u32, backoff: Backoff, clock: C) -> Self {
        Self {
            all: limiter(per_minute, &clock),
            background: limiter(per_minute / 3 * 2, &clock),
            clock,
            backoff,
            refused: Mutex::default(),
        }
    }

    /// Waits until a call may go. Dropping the future gives nothing away.
    pub(super) async fn admit(&self, lane: Lane) {
        while let Some(until) = self.refused_until() {
            tokio::time::sleep_until(until).await;
        }
        if lane.is_background() {
            self.pass(&self.background).await;
        }
        self.pass(&self.all).await;
    }

    async fn pass(&self, limiter: &Limiter<C>) {
        while let Err(not_yet) = limiter.check() {
            tokio::time::sleep(not_yet.wait_time_from(self.clock.now())).await;
        }
    }

    fn refused_until(&self) -> Option<Instant> {
        let refused = self.refused.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        refused.until.filter(|until| Instant::now() < *until)
    }

    /// Google answered with a 429: nobody calls for a while, longer each time.
    pub(super) fn refused(&self) {
        let mut refused = self.refused.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        refused.until = Some(Instant::now() + self.backoff.wait(refused.in_a_row));
        refused.in_a_row = refused.in_a_row.saturating_add(1);
    }

    /// Google took a call.
    pub(super) fn accepted(&self) {
        let mut refused = self.refused.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        *refused = Refused::default();
    }
}

fn limiter<C: Clock + Clone>(per_minute: u32, clock: &C) -> Limiter<C> {
    let burst = NonZeroU32::new(per_minute / 6).unwrap_or(NonZeroU32::MIN);
    let rate = NonZeroU32::new(per_minute.saturating_sub(burst.get())).unwrap_or(NonZeroU32::MIN);
    let quota = governor::Quota::per_minute(rate).allow_burst(burst);
    RateLimiter::direct_with_clock(quota, clock.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use governor::clock::FakeRelativeClock;

    /// The instants, in milliseconds, at which a caller that never rests gets through in five minutes.
    fn greedy(per_minute: u32) -> Vec<u64> {
        let clock = FakeRelativeClock::default();
        let bucket = Bucket::new(per_minute, Backoff::default(), clock.clone());
        let mut through = Vec::new();
        for now in 0..300_000 {
            while bucket.all.check().is_ok() {
                through.push(now);
            }
            clock.advance(Duration::from_millis(1));
        }
        through
    }

    #[test]
    fn no_minute_holds_more_than_the_quota_and_hardly_less() {
        for quota in [1, 10, 60, 300] {
            let through = greedy(quota);
            let busiest = through
                .iter()
                .map(|start| through.iter().filter(|t| (*start..start + 60_000).contains(*t)).count())
                .max();
            let busiest = busiest.unwrap_or(0);
            let bound = quota.max(2) as usize;
            assert!(busiest <= bound, "{busiest} calls in a minute of a quota of {quota}");
            assert!(quota < 10 || busiest + 2 >= bound, "only {busiest} of {quota}");
        }
    }

    #[test]
    fn the_background_leaves_a_third_to_people() {
        let clock = FakeRelativeClock::default();
        let bucket = Bucket::new(60, Backoff::default(), clock);
        let background =
            std::iter::repeat_with(|| bucket.background.check()).take_while(Result::is_ok).count();
        let all = std::iter::repeat_with(|| bucket.all.check()).take_while(Result::is_ok).count();
        assert_eq!((background, all), (6, 10));
    }

    #[test]
    fn waits_double_up_to_the_documented_most() {
        let backoff = Backoff::default();
        for (n, least) in [(0, 1), (1, 2), (5, 32), (6, 64), (40, 64)] {
            let wait = backoff.wait(n);
            assert!(wait >= Duration::from_secs(least), "{n}: {wait:?}");
            assert!(wait <= Duration::from_secs((least + 1).min(64)), "{n}: {wait:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_429_stops_every_caller_for_a_while() {
        let bucket = Bucket::new(60, Backoff::default(), DefaultClock::default());
        let start = Instant::now();
        bucket.refused();
        bucket.admit(Lane::Edit).await;
        assert!(start.elapsed() >= Duration::from_secs(1));
        bucket.accepted();
        assert_eq!(bucket.refused_until(), None);
    }
}
