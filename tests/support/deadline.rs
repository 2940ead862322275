//! Waiting for a condition, never for a length of time.

use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior, interval, timeout_at};

/// How long a look rests before the next. Short beside anything that a test waits for, long beside a query on a socket.
const BETWEEN_LOOKS: Duration = Duration::from_millis(20);

/// Looks again and again until `look` sees something, and gives what it saw. Fails the test where `deadline` passes
/// first, saying `what` was waited for. A look that hangs is ended by the deadline too.
pub(crate) async fn eventually<Seen, Look>(deadline: Duration, what: &str, mut look: Look) -> Seen
where
    Look: AsyncFnMut() -> Option<Seen>,
{
    let end = Instant::now() + deadline;
    let mut looks = interval(BETWEEN_LOOKS);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        looks.tick().await;
        match timeout_at(end, look()).await {
            Ok(Some(seen)) => return seen,
            Ok(None) if Instant::now() < end => {}
            Ok(None) | Err(_) => panic!("not within {deadline:?}: {what}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_seen_at_the_third_look_is_given_back() {
        let mut looks = 0;
        let seen = eventually(Duration::from_secs(5), "the third look", async || {
            looks += 1;
            (looks == 3).then_some(looks)
        })
        .await;
        assert_eq!(seen, 3);
    }

    #[tokio::test]
    #[should_panic(expected = "not within 60ms: a thing that never comes")]
    async fn what_never_comes_fails_with_its_name() {
        eventually(Duration::from_millis(60), "a thing that never comes", async || None::<()>).await;
    }

    #[tokio::test]
    #[should_panic(expected = "not within 60ms: an answer")]
    async fn a_look_that_hangs_is_ended_by_the_deadline() {
        eventually(Duration::from_millis(60), "an answer", async || {
            std::future::pending::<()>().await;
            Some(())
        })
        .await;
    }
}
