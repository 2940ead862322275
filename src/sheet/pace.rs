//! How fast we call after Google said "too many" or "not now": not at all for a while, then slowly, then faster again.

use std::time::Duration;

use governor::Jitter;
use tokio::time::Instant;

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

/// The rate never falls below this share of the quota.
const SLOWEST: f64 = 1.0 / 16.0;

/// What each accepted call gives back of the rate: the whole of it in half a minute at the usual quota.
const RECOVERY: f64 = 1.0 / 30.0;

/// The pace of one bucket.
#[derive(Debug)]
pub(super) struct Pace {
    backoff: Backoff,
    /// Between two calls at the full quota.
    spacing: Duration,
    /// Of the quota, the share that is used: 1 unless Google refused a call of late.
    share: f64,
    refused: u32,
    not_before: Option<Instant>,
}

impl Pace {
    pub(super) fn new(per_minute: u32, backoff: Backoff) -> Self {
        let spacing = Duration::from_secs(60) / per_minute.max(1);
        Self { backoff, spacing, share: 1.0, refused: 0, not_before: None }
    }

    /// How long nobody may call yet.
    pub(super) fn rest(&self, now: Instant) -> Option<Duration> {
        self.not_before.map(|until| until.saturating_duration_since(now)).filter(|rest| !rest.is_zero())
    }

    /// A call goes: while the pace is slow, the next one waits.
    pub(super) fn goes(&mut self, now: Instant) {
        self.not_before = (self.share < 1.0).then(|| now + self.spacing.div_f64(self.share));
    }

    /// Google answered 429 or 503: nobody calls for a while, longer each time, and then half as often.
    pub(super) fn refused(&mut self, now: Instant) {
        self.not_before = Some(now + self.backoff.wait(self.refused));
        self.refused = self.refused.saturating_add(1);
        self.share = (self.share / 2.0).max(SLOWEST);
    }

    /// Google took a call.
    pub(super) fn accepted(&mut self) {
        self.refused = 0;
        self.share = (self.share + RECOVERY).min(1.0);
    }

    /// Of the quota, the share that is used now.
    pub(super) fn share(&self) -> f64 {
        self.share
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
    async fn the_rate_falls_with_every_refusal_and_comes_back_with_every_call() {
        // given a bucket of sixty a minute
        let now = Instant::now();
        let mut pace = Pace::new(60, Backoff::default());
        pace.goes(now);
        assert_eq!(pace.rest(now), None, "at its full rate the buckets alone decide");
        // when Google refuses twice
        pace.refused(now);
        assert!(pace.rest(now) >= Some(Duration::from_secs(1)));
        pace.refused(now);
        // then calls come four seconds apart
        pace.goes(now);
        assert_eq!(pace.rest(now), Some(Duration::from_secs(4)));
        assert!((pace.share() - 0.25).abs() < 1e-9);
        // and after enough of them as before
        (0..25).for_each(|_| pace.accepted());
        pace.goes(now);
        assert_eq!(pace.rest(now), None);
        // and it never falls to nothing
        (0..50).for_each(|_| pace.refused(now));
        assert!((pace.share() - SLOWEST).abs() < 1e-9);
    }
}
