//! Google's quota, kept on our side: at most so many reads and so many writes in any 60 seconds.
//!
//! A bucket of `burst` that refills at `rate` a minute lets `burst + rate` calls through in the worst minute, so the two
//! add up to the quota (10 + 50 of 60). The common "60 a minute" bucket lets 119 through and is answered with 429.
//! `lanes` says who is next, `pace` what a refusal of Google's leads to.

use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use governor::RateLimiter;
use governor::clock::{Clock, DefaultClock};
use governor::middleware::NoOpMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::model::link::SpreadsheetId;
pub use crate::sheet::lanes::Lane;
use crate::sheet::lanes::{Order, Ticket};
pub use crate::sheet::pace::Backoff;
use crate::sheet::pace::Pace;

/// Calls a minute that Google grants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rates {
    /// Read requests a minute of one account.
    pub reads: u32,
    /// Write requests a minute of one account.
    pub writes: u32,
    /// Requests of either kind a minute of one project, whatever its accounts have.
    pub project: u32,
}

impl Default for Rates {
    /// What every account and project has before an increase was granted.
    fn default() -> Self {
        Self { reads: 60, writes: 60, project: 300 }
    }
}

type Limiter<C> = RateLimiter<NotKeyed, InMemoryState, C, NoOpMiddleware<<C as Clock>::Instant>>;

/// What the accounts of one project share.
#[derive(Clone, Debug)]
pub(super) struct Project {
    pub(super) reads: Arc<Limiter<DefaultClock>>,
    pub(super) writes: Arc<Limiter<DefaultClock>>,
}

impl Project {
    pub(super) fn new(per_minute: u32) -> Self {
        let clock = DefaultClock::default();
        Self { reads: Arc::new(limiter(per_minute, &clock)), writes: Arc::new(limiter(per_minute, &clock)) }
    }
}

/// One kind of call of one account.
#[derive(Debug)]
pub(super) struct Bucket<C: Clock + Clone = DefaultClock> {
    per_minute: u32,
    all: Limiter<C>,
    background: Limiter<C>,
    project: Option<Arc<Limiter<C>>>,
    clock: C,
    queue: Mutex<Queue>,
    turns: Notify,
}

#[derive(Debug)]
struct Queue {
    order: Order,
    pace: Pace,
}

/// A place in the queue, given up when it is dropped.
struct Place<'a, C: Clock + Clone> {
    bucket: &'a Bucket<C>,
    ticket: Ticket,
}

impl<C: Clock + Clone> Drop for Place<'_, C> {
    fn drop(&mut self) {
        self.bucket.queue().order.leave(self.ticket);
        self.bucket.turns.notify_waiters();
    }
}

impl<C: Clock + Clone> Bucket<C> {
    pub(super) fn new(per_minute: u32, backoff: Backoff, project: Option<Arc<Limiter<C>>>, clock: C) -> Self {
        let pace = Pace::new(per_minute, backoff);
        Self {
            per_minute,
            all: limiter(per_minute, &clock),
            background: limiter(per_minute / 3 * 2, &clock),
            project,
            clock,
            queue: Mutex::new(Queue { order: Order::default(), pace }),
            turns: Notify::new(),
        }
    }

    /// Waits until a call may go. Dropping the future gives its place to the next one.
    pub(super) async fn admit(&self, lane: Lane, spreadsheet: &SpreadsheetId) {
        if lane.is_background() {
            self.pass(&self.background).await;
        }
        if let Some(project) = &self.project {
            self.pass(project).await;
        }
        let place = Place { bucket: self, ticket: self.queue().order.join(lane, spreadsheet) };
        self.turns.notify_waiters();
        loop {
            let turned = self.turns.notified();
            tokio::pin!(turned);
            turned.as_mut().enable();
            match self.try_to_go(place.ticket) {
                Turn::Go => return,
                Turn::Others => turned.await,
                Turn::In(wait) => tokio::select! {
                    biased;
                    () = turned => {}
                    () = tokio::time::sleep(wait) => {}
                },
            }
        }
    }

    fn try_to_go(&self, ticket: Ticket) -> Turn {
        let mut queue = self.queue();
        if queue.order.first() != Some(ticket) {
            return Turn::Others;
        }
        let now = Instant::now();
        if let Some(rest) = queue.pace.rest(now) {
            return Turn::In(rest);
        }
        if let Err(not_yet) = self.all.check() {
            return Turn::In(not_yet.wait_time_from(self.clock.now()));
        }
        queue.pace.goes(now);
        queue.order.goes(ticket);
        Turn::Go
    }

    async fn pass(&self, limiter: &Limiter<C>) {
        while let Err(not_yet) = limiter.check() {
            tokio::time::sleep(not_yet.wait_time_from(self.clock.now())).await;
        }
    }

    /// Google answered with a 429 or a 503.
    pub(super) fn refused(&self) {
        self.queue().pace.refused(Instant::now());
    }

    /// Google took a call.
    pub(super) fn accepted(&self) {
        self.queue().pace.accepted();
    }

    /// How long it takes until `calls` more have gone, after all that wait now.
    pub(super) fn drain(&self, calls: usize) -> Duration {
        let queue = self.queue();
        let rest = queue.pace.rest(Instant::now()).unwrap_or_default();
        let rate = f64::from(self.per_minute.max(1)) * queue.pace.share() / 60.0;
        rest + Duration::from_secs_f64((queue.order.len() + calls) as f64 / rate)
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a look at the queue says.
enum Turn {
    /// The call may go.
    Go,
    /// Somebody else is first.
    Others,
    /// It is first, after this time.
    In(Duration),
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

    fn book() -> SpreadsheetId {
        SpreadsheetId("book".into())
    }

    /// The instants, in milliseconds, at which a caller that never rests gets through in five minutes.
    fn greedy(per_minute: u32) -> Vec<u64> {
        let clock = FakeRelativeClock::default();
        let bucket = Bucket::new(per_minute, Backoff::default(), None, clock.clone());
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
        let bucket = Bucket::new(60, Backoff::default(), None, clock);
        let background =
            std::iter::repeat_with(|| bucket.background.check()).take_while(Result::is_ok).count();
        let all = std::iter::repeat_with(|| bucket.all.check()).take_while(Result::is_ok).count();
        assert_eq!((background, all), (6, 10));
    }

    #[tokio::test(start_paused = true)]
    async fn a_429_stops_every_caller_for_a_while() {
        let bucket = Bucket::new(60, Backoff::default(), None, DefaultClock::default());
        let start = Instant::now();
        bucket.refused();
        bucket.admit(Lane::Edit, &book()).await;
        assert!(start.elapsed() >= Duration::from_secs(1));
        assert!(bucket.drain(30) >= Duration::from_secs(60), "half the rate is left");
    }

    #[tokio::test(start_paused = true)]
    async fn who_gave_up_waiting_is_in_nobodys_way() {
        // given a full pause, somebody who waits first, and somebody behind
        let bucket = Bucket::new(60, Backoff::default(), None, DefaultClock::default());
        bucket.refused();
        let (short, edit, bulk) = (Duration::from_millis(1), book(), book());
        let mut first = Box::pin(bucket.admit(Lane::Edit, &edit));
        assert!(tokio::time::timeout(short, first.as_mut()).await.is_err());
        let mut second = Box::pin(bucket.admit(Lane::Bulk, &bulk));
        assert!(tokio::time::timeout(short, second.as_mut()).await.is_err());
        // when the first one gives up
        drop(first);
        // then the second one goes
        second.await;
        assert_eq!(bucket.queue().order.len(), 0);
    }
}
