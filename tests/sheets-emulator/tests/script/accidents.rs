//! What goes wrong on the way: no answer, killed runs, lost events, spent quotas.

use std::collections::BTreeSet;

use serde_json::Value as Json;
use sheets_emulator::script::{Kill, KillPoint, Outcome};

use super::endpoint::{Endpoint, Seen};
use super::stage::Stage;

#[tokio::test]
async fn what_the_endpoint_could_not_take_is_sent_again_by_the_timer() {
    let stage = Stage::connected().await;
    stage.endpoint.will_answer(500, Json::Null);
    stage.endpoint.will_answer(503, Json::Null);

    stage.types(1, 1, "Anna");
    stage.idle().await;
    assert_eq!(stage.waiting(), 1, "the edit is kept");

    // A second edit in the pause waits too and is not sent into a closed door.
    stage.types(2, 1, "Bert");
    stage.idle().await;
    assert_eq!(stage.endpoint.seen().len(), 1);

    stage.time_passes(1).await;
    stage.time_passes(5).await;

    let posts = stage.endpoint.seen();
    assert_eq!(posts.len(), 4, "500, 503, the same parcel again, then the second edit");
    assert_eq!(posts[0].id, posts[1].id);
    assert_eq!(posts[1].id, posts[2].id);
    assert_ne!(posts[2].id, posts[3].id);
    assert_eq!(posts[0].body, posts[2].body);
    assert!(posts.iter().all(|post| post.signature_is_right));
    assert_eq!(stage.waiting(), 0);
}

#[tokio::test]
async fn an_endpoint_that_is_gone_is_not_asked_every_minute() {
    let mut stage = Stage::connected().await;
    stage.endpoint.take_seen();
    let answers = std::mem::replace(&mut stage.endpoint, Endpoint::start().await);
    for _ in 0..40 {
        answers.will_answer(503, Json::Null);
    }
    stage.types(1, 1, "Anna");
    stage.idle().await;
    for _ in 0..120 {
        stage.time_passes(1).await;
    }
    let tries = answers.seen().len();
    assert!((6..12).contains(&tries), "{tries} tries in two hours");
    assert_eq!(stage.waiting(), 1);
}

#[tokio::test]
async fn a_day_without_requests_left_is_waited_out() {
    let stage = Stage::connected().await;
    stage.turn(|knobs| knobs.fetches_left = Some(0));
    stage.types(1, 1, "Anna");
    stage.idle().await;
    assert_eq!(stage.last().outcome, Outcome::Completed);
    assert_eq!(stage.waiting(), 1);
    stage.turn(|knobs| knobs.fetches_left = None);
    stage.time_passes(1).await;
    assert_eq!(stage.waiting(), 0);
}

#[tokio::test]
async fn a_run_that_is_killed_after_the_send_repeats_itself_exactly() {
    let stage = Stage::connected().await;
    stage.turn(|knobs| knobs.kill = Some(Kill::always(KillPoint::AfterSend)));
    stage.types(1, 2, "10");
    stage.idle().await;
    assert_eq!(stage.last().outcome, Outcome::Killed);
    assert_eq!((stage.endpoint.seen().len(), stage.waiting()), (1, 1));

    stage.turn(|knobs| knobs.kill = None);
    stage.time_passes(1).await;

    let posts = stage.endpoint.seen();
    assert_eq!(posts.len(), 2);
    assert_eq!(posts[0].id, posts[1].id, "the same webhook-id");
    assert_eq!(posts[0].body, posts[1].body, "the same edit ids");
    assert_eq!(stage.waiting(), 0);
}

#[tokio::test]
async fn killed_at_any_call_of_a_service_nothing_that_was_stored_is_lost() {
    for number in 0..60 {
        let stage = Stage::connected().await;
        stage.turn(|knobs| knobs.kill = Some(Kill::always(KillPoint::Call(number))));
        stage.types(1, 1, "Anna");
        stage.idle().await;
        let (outcome, stored) = (stage.last().outcome, stage.waiting());
        let sent_at_once = !stage.endpoint.seen().is_empty();

        stage.turn(|knobs| knobs.kill = None);
        stage.time_passes(1).await;

        let ids: BTreeSet<String> =
            stage.endpoint.seen().iter().flat_map(Seen::edits).map(|edit| edit["id"].to_string()).collect();
        assert_eq!(ids.len(), usize::from(stored > 0 || sent_at_once), "killed at call {number}");
        assert_eq!(stage.waiting(), 0, "killed at call {number}");
        if outcome == Outcome::Completed {
            assert!(number > 10, "only {number} calls were tried");
            return;
        }
        assert_eq!(outcome, Outcome::Killed, "killed at call {number}");
    }
    panic!("a run has more calls than were tried");
}

#[tokio::test]
async fn deliveries_can_be_lost_dropped_and_doubled() {
    let stage = Stage::connected().await;
    stage.turn(|knobs| knobs.lose = 1.0);
    stage.types(1, 1, "a");
    stage.turn(|knobs| (knobs.lose, knobs.deliver) = (0.0, false));
    stage.types(1, 1, "b");
    stage.idle().await;
    assert!(stage.endpoint.seen().is_empty());

    stage.turn(|knobs| (knobs.deliver, knobs.queue_limit, knobs.delay_ms) = (true, Some(2), 300));
    for text in ["c", "d", "e"] {
        stage.types(1, 1, text);
    }
    stage.idle().await;
    let kept: usize = stage.endpoint.take_seen().iter().map(|post| post.edits().len()).sum();
    assert_eq!(kept, 1, "the queue holds one edit's two events; the others are dropped");
    assert!(
        stage
            .script
            .executions()
            .iter()
            .any(|run| run.outcome == Outcome::Dropped("the queue is full".into()))
    );

    stage.turn(|knobs| (knobs.queue_limit, knobs.delay_ms, knobs.double) = (None, 0, 1.0));
    stage.types(1, 1, "f");
    stage.idle().await;
    assert_eq!(stage.endpoint.take_seen().iter().map(|post| post.edits().len()).sum::<usize>(), 2);
}
