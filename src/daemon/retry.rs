//! How long to wait before trying again.

use std::time::Duration;

/// Waits that double with each failure up to a bound, spread so that many do not come back at once.
///
/// It knows neither clock nor chance: the caller waits, racing its shutdown, and gives the jitter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Backoff {
    first: Duration,
    most: Duration,
    failures: u32,
}

impl Backoff {
    /// The first wait is at most `first`, no wait is longer than `most`.
    pub const fn new(first: Duration, most: Duration) -> Self {
        Self { first, most, failures: 0 }
    }

    /// Counts a failure and gives the wait after it: between half of the bound of this failure (`jitter` 0) and the whole
    /// (`jitter` 1).
    #[must_use]
    pub fn wait(&mut self, jitter: f64) -> Duration {
        let doubled = self.first.saturating_mul(2_u32.saturating_pow(self.failures));
        self.failures = self.failures.saturating_add(1);
        doubled.min(self.most).mul_f64(0.5 + 0.5 * jitter.clamp(0.0, 1.0))
    }

    /// It worked: the next failure is a first one.
    pub fn reset(&mut self) {
        self.failures = 0;
    }

    /// Failures since it last worked.
    pub fn failures(&self) -> u32 {
        self.failures
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn waits_double_up_to_the_bound_and_begin_again_after_a_success() {
        let mut backoff = Backoff::new(SECOND, 10 * SECOND);
        let waits: Vec<u64> = (0..6).map(|_| backoff.wait(1.0).as_secs()).collect();
        assert_eq!(waits, [1, 2, 4, 8, 10, 10]);
        assert_eq!(backoff.failures(), 6);
        backoff.reset();
        assert_eq!(backoff.wait(1.0), SECOND);
    }

    #[test]
    fn jitter_moves_even_a_wait_of_one_whole_second() {
        let wait = |jitter| Backoff::new(SECOND, SECOND).wait(jitter);
        assert_eq!(wait(0.0), SECOND / 2);
        assert_eq!(wait(0.5), SECOND * 3 / 4);
        assert_eq!(wait(7.0), SECOND);
    }

    #[test]
    fn an_outage_of_years_overflows_nothing() {
        let mut backoff = Backoff { failures: u32::MAX, ..Backoff::new(SECOND, 60 * SECOND) };
        assert_eq!(backoff.wait(1.0), 60 * SECOND);
        assert_eq!(backoff.failures(), u32::MAX);
    }
}
