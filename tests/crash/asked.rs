//! The stream finds, while a table is copied, that it must be read whole once more: the end of the copy takes that back no more.

use sheets_emulator::faults::Fault;

use super::hold::{is_held, next_batch, release};
use crate::bridge::rig::{Rig, SOON, Setup};
use crate::support::deadline::eventually;
use crate::support::server::for_each_server;

#[tokio::test]
async fn what_the_stream_asked_for_during_a_copy_stands_when_the_copy_ends() {
    for_each_server(async |server| {
        // given a copy under way
        let rig = Rig::prepared(server, "asked", &Setup::default()).await;
        rig.google.faults().add(next_batch("\"thing 1\"", Fault::Pause { name: "copy".into() }));
        rig.start().await;
        is_held(&rig, "copy").await;
        // when the whole table is asked for, as the stream does where it lost sight of it
        let ask = "SET state = JSON_SET(state, '$.asked', 7, '$.read_whole', TRUE)";
        rig.sql(&format!("UPDATE {}.link {ask}", rig.state)).await;
        release(&rig, "copy").await;
        eventually(SOON, "the end of the copy", async || {
            rig.daemon.log().contains("the link is live").then_some(())
        })
        .await;
        // then it still is, until the next start has read it
        let asked = format!("SELECT JSON_EXTRACT(state, '$.read_whole') FROM {}.link", rig.state);
        assert_eq!(rig.ask(&asked).await.as_deref(), Some("true"), "{server}");
        rig.stop().await;
        rig.start().await;
        rig.table_says(&asked, "false").await;
        rig.until_equal(SOON).await;
    })
    .await;
}
