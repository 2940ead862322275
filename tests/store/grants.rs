//! The rights in the SQL files: enough, and no more.

use mysql_async::prelude::Queryable;
use sheetbridge::database::connect::{memory_pool, pool};
use sheetbridge::fault::{Classify, Fault};
use sheetbridge::store::StoreError;
use sheetbridge::store::migrate::migrate;

use super::Home;
use crate::support::server::{Kind, for_each_server};

#[tokio::test]
async fn the_daemons_user_reaches_the_linked_table_and_no_other() {
    for_each_server(async |server| {
        let home = Home::granted(server, "reach").await;
        let mut conn = home.stranger().await;
        let app = &home.user;

        conn.query_drop(format!("INSERT INTO {app}.orders VALUES (1, 'a')")).await.unwrap();
        conn.query_drop(format!("SELECT * FROM {app}.orders FOR UPDATE")).await.unwrap();
        let position = match server.kind() {
            Kind::MariaDb => "SHOW BINLOG STATUS",
            Kind::MySql => "SHOW BINARY LOG STATUS",
        };
        conn.query_drop(position).await.unwrap();
        conn.query_drop("SHOW BINARY LOGS").await.unwrap();

        for beyond in [
            &format!("SELECT * FROM {app}.secrets"),
            &format!("DROP TABLE {app}.orders"),
            &format!("CREATE TABLE {app}.more (id INT)"),
            "CREATE DATABASE elsewhere",
            "FLUSH TABLES WITH READ LOCK",
            "SET GLOBAL max_connections = 500",
        ] {
            assert!(conn.query_drop(beyond).await.is_err(), "{beyond} is allowed");
        }
    })
    .await;
}

#[tokio::test]
async fn after_the_first_start_the_rights_to_create_can_be_taken_away() {
    for_each_server(async |server| {
        // given a migrated schema
        let (home, conn) = Home::new(server, "revoke").await;
        drop(conn);
        let user = &home.user;
        server
            .sql(&format!("REVOKE CREATE, ALTER, INDEX ON `{}`.* FROM '{user}'@'localhost'", home.schema))
            .await;
        // then the next start finds nothing to do
        migrate(&mut home.stranger().await, &home.schema).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_missing_right_names_its_cure() {
    for_each_server(async |server| {
        let home = Home::granted(server, "norights").await;
        let elsewhere = format!("other_{}", home.user).parse().unwrap();
        let error: StoreError = migrate(&mut home.stranger().await, &elsewhere).await.unwrap_err();
        assert_eq!(error.fault(), Fault::NeedsOperator);
        assert!(error.advice().contains("sql/grants"), "{error}: {}", error.advice());
    })
    .await;
}

#[tokio::test]
async fn the_optional_right_makes_the_images_of_our_memory_short_and_of_nothing_else() {
    for_each_server(async |server| {
        // given the least rights
        let home = Home::granted(server, "images").await;
        let ours = home.account();
        // then our memory is logged like everything else
        assert!(memory_pool(&ours, 1, None).await.unwrap().is_none(), "{server}");
        // when the optional right is there
        let right = match server.kind() {
            Kind::MariaDb => "BINLOG ADMIN",
            Kind::MySql => "SESSION_VARIABLES_ADMIN",
        };
        server.sql(&format!("GRANT {right} ON *.* TO '{}'@'localhost'", home.user)).await;
        // then its sessions are brief, and ordinary ones are as the server has them
        let asked = "SELECT @@SESSION.binlog_row_image";
        for (pool, expected) in [
            (memory_pool(&ours, 1, None).await.unwrap().expect("brief sessions"), "MINIMAL"),
            (pool(&ours, 1, None), "FULL"),
        ] {
            let image: Option<String> = pool.get_conn().await.unwrap().query_first(asked).await.unwrap();
            assert_eq!(image.as_deref(), Some(expected), "{server}");
            pool.disconnect().await.unwrap();
        }
    })
    .await;
}
