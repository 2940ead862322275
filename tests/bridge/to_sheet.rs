//! From the table to the tab.

use super::rig::{Rig, SOON, Setup};
use crate::support::server::for_each_server;

#[tokio::test]
async fn what_sql_changes_reaches_the_tab_and_peoples_own_columns_stay() {
    for_each_server(async |server| {
        // given a tab that was filled from the table, with a column of Ann's own
        let rig = Rig::open(server, "to_sheet", Setup::default()).await;
        let ann = rig.person("ann@example.com");
        ann.adds_column("remark");
        for key in [3, 4, 5] {
            assert!(ann.types(key, "remark", &format!("call {key}")));
        }
        let order = ann.sees_keys();

        // when a row is updated, one comes, one goes, and one gets another key
        rig.sql("UPDATE goods SET name = 'lamp', price = 12.50, note = NULL, listed = 1 WHERE id = 3").await;
        rig.sql("INSERT INTO goods (id, name, since, code) VALUES (100, 'chair', '2026-11-23', 18446744073709551615)").await;
        rig.sql("DELETE FROM goods WHERE id = 4").await;
        rig.sql("UPDATE goods SET id = 200 WHERE id = 5").await;
        rig.until_equal(SOON).await;

        // then the tab shows it, Ann's column stays with its rows, and the row with the new key stands where it stood
        assert_eq!(ann.sees(3, "price").as_deref(), Some("12.50"));
        assert_eq!(ann.sees(100, "code").as_deref(), Some("18446744073709551615"));
        assert_eq!(ann.sees(3, "remark").as_deref(), Some("call 3"));
        assert_eq!(ann.sees(200, "remark").as_deref(), Some("call 5"));
        let renamed = order.iter().filter(|key| *key != "4").map(|key| if key == "5" { "200" } else { key });
        let expected: Vec<&str> = renamed.chain(["100"]).collect();
        assert_eq!(ann.sees_keys(), expected);
    })
    .await;
}
