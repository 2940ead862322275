//! Accounts prove who they are by the plugin that the server gives them, over TCP and over the socket.

use std::process::Command;

use mysql_async::prelude::Queryable;
use sheetbridge::database::connect::{Address, Server as Account, session};
use sheetbridge::database::error::Error;
use sheetbridge::fault::{Classify, Fault};

use super::follow::{Follow, account};
use crate::support::server::{Kind, Server};

const PASSWORD: &str = "it's ä long pass-word 9";

fn by_tcp(server: &Server, user: &str, password: &str) -> Account {
    Account { user: user.to_owned(), password: password.to_owned().into(), ..account(server) }
}

fn by_socket(server: &Server, user: &str, password: &str) -> Account {
    Account { address: Address::Socket(server.socket()), ..by_tcp(server, user, password) }
}

/// Makes the account, and enters as it by both ways; a wrong password is denied.
async fn enters(server: &Server, user: &str, identified: &str) {
    let password = PASSWORD.replace('\'', "''");
    let identified = identified.replace("{password}", &password);
    server
        .sql(&format!(
            "CREATE USER '{user}'@'%' {identified}; GRANT REPLICATION SLAVE ON *.* TO '{user}'@'%'"
        ))
        .await;
    // The first way in finds no remembered password, the second one does.
    for way in [by_tcp, by_socket, by_tcp] {
        let mut conn = session(&way(server, user, PASSWORD))
            .await
            .unwrap_or_else(|error| panic!("{server}: {user}: {error}"));
        let who: Option<String> = conn.query_first("SELECT CURRENT_USER()").await.expect("a right query");
        assert_eq!(who, Some(format!("{user}@%")), "{server}");
    }
    for way in [by_tcp, by_socket] {
        let error = session(&way(server, user, "wrong")).await.expect_err("the wrong password");
        assert!(matches!(error, Error::Denied(_)), "{server}: {user}: {error}");
    }
}

/// The name of who runs this.
fn me() -> String {
    let said = Command::new("id").arg("-un").output().expect("every system has it");
    String::from_utf8(said.stdout).expect("a plain name").trim().to_owned()
}

#[tokio::test]
async fn mariadbs_plugins_let_us_in() {
    let server = Server::start(Kind::MariaDb, &[]).await;
    server.sql("INSTALL SONAME 'auth_ed25519'").await;
    enters(&server, "native", "IDENTIFIED VIA mysql_native_password USING PASSWORD('{password}')").await;
    enters(&server, "edwards", "IDENTIFIED VIA ed25519 USING PASSWORD('{password}')").await;
    // With the name that the system knows us by, and no password.
    let me = me();
    server.sql(&format!("CREATE OR REPLACE USER '{me}'@'localhost' IDENTIFIED VIA unix_socket; CREATE USER other@localhost IDENTIFIED VIA unix_socket")).await;
    session(&by_socket(&server, &me, "")).await.expect("the system tells who we are");
    let error = session(&by_socket(&server, "other", "")).await.expect_err("we are somebody else");
    assert!(matches!(error, Error::Denied(_)), "{error}");
}

#[tokio::test]
async fn mysqls_plugins_let_us_in() {
    let server = Server::start(Kind::MySql, &[]).await;
    server.sql("INSTALL PLUGIN auth_socket SONAME 'auth_socket.so'").await;
    enters(&server, "sha", "IDENTIFIED WITH caching_sha2_password BY '{password}'").await;
    let me = me();
    server
        .sql(&format!(
            "CREATE USER us@localhost IDENTIFIED WITH auth_socket AS '{me}'; \
             CREATE USER other@localhost IDENTIFIED WITH auth_socket"
        ))
        .await;
    session(&by_socket(&server, "us", "")).await.expect("the system tells who we are");
    let error = session(&by_socket(&server, "other", "")).await.expect_err("we are somebody else");
    assert!(matches!(error, Error::Denied(_)), "{error}");
}

#[tokio::test]
async fn the_binlog_is_read_by_an_account_of_the_safest_plugin() {
    for (kind, install, identified) in [
        (Kind::MariaDb, "INSTALL SONAME 'auth_ed25519'", "IDENTIFIED VIA ed25519 USING PASSWORD('x')"),
        (Kind::MySql, "DO 0", "IDENTIFIED WITH caching_sha2_password BY 'x'"),
    ] {
        let server = Server::start(kind, &[]).await;
        let db = server.fresh_database("logins").await;
        server
            .sql(&format!(
                "{install}; CREATE TABLE {db}.t (id INT PRIMARY KEY); CREATE USER reader@'%' {identified}; \
                 GRANT ALL ON *.* TO reader@'%'"
            ))
            .await;
        let mut follow = Follow::by(&server, "reader", "x", &[(&db, "t")]).await;
        server.sql(&format!("INSERT INTO {db}.t VALUES (1)")).await;
        assert_eq!(follow.changes().await.len(), 1, "{server}");
    }
}

#[tokio::test]
async fn a_plugin_that_we_do_not_speak_is_told_with_its_cure() {
    let server = Server::start(Kind::MariaDb, &[]).await;
    server.sql("INSTALL SONAME 'auth_pam'; CREATE USER asks@'%' IDENTIFIED VIA pam").await;
    let error = session(&by_tcp(&server, "asks", "x")).await.expect_err("it asks by a dialogue");
    assert!(matches!(&error, Error::Plugin(name) if name == "dialog"), "{error}");
    assert_eq!(error.fault(), Fault::NeedsOperator);
    assert!(error.advice().contains("VIA ed25519"), "{}", error.advice());
}
