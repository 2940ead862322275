//! Google's quotas: calls a minute, by user and by project, reads and writes apart.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, PoisonError};

use crate::knobs::{Knobs, Minute};
use crate::rest::{ApiError, Kind};

const MINUTE: i64 = 60_000;

/// Whose bucket.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Whose {
    User(String),
    Project(String),
}

/// The buckets: when calls were let through within the last minute.
#[derive(Debug, Default)]
pub(crate) struct Quotas {
    buckets: Mutex<BTreeMap<(Kind, Whose), VecDeque<i64>>>,
}

impl Quotas {
    /// Counts a call at `now`, or refuses it. A refused call counts nowhere.
    pub(crate) fn take(
        &self,
        kind: Kind,
        user: &str,
        project: &str,
        now: i64,
        knobs: &Knobs,
    ) -> Result<(), ApiError> {
        let (word, per_user, per_project) = match kind {
            Kind::Read => ("read", knobs.reads_per_user, knobs.reads_per_project),
            Kind::Write => ("write", knobs.writes_per_user, knobs.writes_per_project),
            Kind::Drive => return Ok(()),
        };
        let from = match knobs.quota_minute {
            Minute::Fixed => now - now.rem_euclid(MINUTE),
            Minute::Sliding => now - MINUTE + 1,
        };
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let whose = [
            (Whose::User(user.to_owned()), per_user, true),
            (Whose::Project(project.to_owned()), per_project, false),
        ];
        for (whose, limit, is_user) in &whose {
            let bucket = buckets.entry((kind, whose.clone())).or_default();
            bucket.retain(|at| (from..=now).contains(at));
            if bucket.len() >= *limit as usize {
                return Err(ApiError::quota(word, *is_user, *limit, project));
            }
        }
        for (whose, ..) in whose {
            buckets.entry((kind, whose)).or_default().push_back(now);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_has_sixty_a_minute_and_a_project_three_hundred() {
        let (quotas, knobs) = (Quotas::default(), Knobs::default());
        let take = |user: &str, now: i64| quotas.take(Kind::Write, user, "7", now, &knobs);
        for user in ["a", "b", "c", "d", "e"] {
            assert!((0..60).all(|_| take(user, 1).is_ok()));
        }
        let error = take("a", 59_999).expect_err("the user's minute is full");
        assert!(error.message.contains("per minute per user") && error.code == 429);
        let error = take("f", 59_999).expect_err("the project's minute is full");
        assert!(error.message.contains("'Write requests per minute'"));
        assert!(
            quotas.take(Kind::Read, "a", "7", 59_999, &knobs).is_ok(),
            "reads have a bucket of their own"
        );
        assert!(take("a", 60_000).is_ok(), "a new minute");
    }

    #[test]
    fn a_sliding_minute_looks_back_sixty_seconds() {
        let (quotas, knobs) = (
            Quotas::default(),
            Knobs { quota_minute: Minute::Sliding, writes_per_user: 2, ..Knobs::default() },
        );
        let take = |now: i64| quotas.take(Kind::Write, "a", "7", now, &knobs).is_ok();
        assert_eq!([50_000, 59_000, 61_000, 110_000, 119_000].map(take), [true, true, false, true, true]);
    }
}
