//! Columns of the table come, go and change their names while both sides are at work: the tab follows, and loses nothing.

use super::person::Person;
use super::rig::{Rig, SOON, Setup};
use crate::support::deadline::eventually;
use crate::support::server::for_each_server;

fn setup() -> Setup {
    Setup { script: false, sweep_interval: "300ms", ..Setup::default() }
}

/// Waits until the tab shows in a column what the table has in it, row by row.
async fn shows_all(rig: &Rig, ann: &Person<'_>, header: &str, column: &str) {
    eventually(SOON, "the column's values", async || {
        let mut conn = rig.server.connect().await;
        let query = format!("SELECT id, CAST({column} AS CHAR) FROM {}.goods", rig.database);
        let rows: Vec<(u32, Option<String>)> =
            mysql_async::prelude::Queryable::query(&mut conn, query).await.expect("a right query");
        let right = |(id, value): &(u32, Option<String>)| {
            ann.sees(id, header).is_some_and(|cell| cell == value.clone().unwrap_or_default())
        };
        rows.iter().all(right).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_new_column_is_appended_a_renamed_one_followed_and_a_dropped_one_left_to_the_people() {
    for_each_server(async |server| {
        // Given a tab with a column of the people's own behind the linked ones.
        let rig = Rig::open(server, "columns", setup()).await;
        let ann = rig.person("ann@example.com");
        ann.adds_column("mine");
        ann.types(1, "mine", "my own");

        // When the table gets two columns, in front and behind, and goes on changing: then the tab shows them at its end.
        rig.sql(
            "INSERT INTO goods (name, stock) VALUES ('before', 1); \
             ALTER TABLE goods ADD COLUMN weight INT NOT NULL DEFAULT 5 FIRST, ADD COLUMN colour VARCHAR(9); \
             UPDATE goods SET weight = id * 2, colour = 'red' WHERE id < 4; DELETE FROM goods WHERE id = 6",
        )
        .await;
        rig.until_equal(SOON).await;
        shows_all(&rig, &ann, "weight", "weight").await;
        shows_all(&rig, &ann, "colour", "colour").await;
        assert_eq!(ann.sees(1, "mine").as_deref(), Some("my own"), "{server}");
        let order =
            ["note", "mine", "weight", "colour"].map(|header| ann.sees_header(header).expect("a header").0);
        assert!(order.is_sorted(), "{server}: {order:?}");
        assert!(ann.types(2, "weight", "77"));
        rig.table_says("SELECT weight FROM goods WHERE id = 2", "77").await;

        // When it is renamed, then its header follows; and where that is a person's label, it stays.
        rig.sql("ALTER TABLE goods RENAME COLUMN weight TO mass; UPDATE goods SET mass = 78 WHERE id = 3")
            .await;
        shows_all(&rig, &ann, "mass", "mass").await;
        assert_eq!(ann.sees_header("weight"), None, "{server}");
        assert!(ann.renames("mass"));
        rig.sql("ALTER TABLE goods CHANGE COLUMN mass burden INT; UPDATE goods SET burden = 79 WHERE id = 3")
            .await;
        shows_all(&rig, &ann, "mass", "burden").await;

        // When it is dropped, then its header turns grey, its values stay, and what is typed there is the people's.
        rig.sql("ALTER TABLE goods DROP COLUMN burden; UPDATE goods SET stock = 9 WHERE id = 3").await;
        rig.until_equal(SOON).await;
        assert!(ann.sees_header("mass").is_some_and(|(_, grey)| grey), "{server}");
        assert!(ann.sees_header("colour").is_some_and(|(_, grey)| !grey), "{server}");
        assert_eq!(ann.sees(3, "mass").as_deref(), Some("79"), "{server}");
        ann.types(3, "mass", "a word");
        rig.sql("UPDATE goods SET stock = 10 WHERE id = 3").await;
        rig.until_equal(SOON).await;
        assert_eq!(ann.sees(3, "mass").as_deref(), Some("a word"), "{server}");
    })
    .await;
}

#[tokio::test]
async fn what_was_typed_and_deleted_before_the_table_got_another_shape_counts() {
    for_each_server(async |server| {
        let rig = Rig::open(server, "reshaped", setup()).await;
        let ann = rig.person("ann@example.com");
        // While nobody looks a person edits one row, and the table loses another and gets another shape.
        rig.stop().await;
        ann.types(2, "price", "47.11");
        rig.sql(
            "ALTER TABLE goods ADD COLUMN size INT DEFAULT 3 AFTER id, MODIFY COLUMN stock BIGINT NOT NULL DEFAULT 0; \
             DELETE FROM goods WHERE id = 5",
        )
        .await;
        rig.start().await;
        rig.table_says("SELECT price FROM goods WHERE id = 2", "47.11").await;
        rig.until_equal(SOON).await;
        shows_all(&rig, &ann, "size", "size").await;
        // A column that a person deletes is no new one: the link waits for it.
        rig.stop().await;
        assert!(ann.deletes_column("size"));
        rig.start().await;
        eventually(SOON, "the link's word in the journal", async || {
            rig.daemon.log().contains("no column of the tab is `size`").then_some(())
        })
        .await;
        ann.adds_column("size");
        rig.until_equal(SOON).await;
        shows_all(&rig, &ann, "size", "size").await;
    })
    .await;
}

#[tokio::test]
async fn a_link_that_lists_its_columns_does_not_grow() {
    for_each_server(async |server| {
        let more = "columns = [\"id\", \"name\", \"stock\", \"price\", \"listed\", \"since\", \"code\", \"note\"]";
        let rig = Rig::open(server, "listed", Setup { more, ..setup() }).await;
        let ann = rig.person("ann@example.com");
        rig.sql("ALTER TABLE goods ADD COLUMN later INT FIRST; UPDATE goods SET stock = 5, later = 1 WHERE id = 1").await;
        rig.until_equal(SOON).await;
        assert!(ann.types(1, "stock", "6"));
        rig.table_says("SELECT stock FROM goods WHERE id = 1", "6").await;
        rig.until_equal(SOON).await;
        assert_eq!(ann.sees_header("later"), None, "{server}");
    })
    .await;
}
