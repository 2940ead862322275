//! The store on real servers, as the daemon meets them: every test here runs as a user who has exactly the rights of
//! `sql/grants-*.sql`, on a schema that this user made by the migrations.

mod edits;
mod flush;
mod grants;
mod life;
mod memory;
mod pause;

use mysql_async::prelude::Queryable;
use mysql_async::{Conn, OptsBuilder};
use sheetbridge::database::connect;
use sheetbridge::model::key::Key;
use sheetbridge::model::link::{LinkName, SpreadsheetId};
use sheetbridge::model::mark::Owner;
use sheetbridge::model::value::Value;
use sheetbridge::store::pack::Packed;
use sheetbridge::store::{StateSchema, migrate::migrate};

use crate::support::server::{Kind, Server};

/// A state schema on a server, and the user who may use it.
struct Home {
    server: &'static Server,
    schema: StateSchema,
    user: String,
}

impl Home {
    /// The grants are made; the schema is not.
    async fn granted(server: &'static Server, story: &str) -> Self {
        // A database of the user's own, with one table that is granted and one that is not.
        let app = server.fresh_database(story).await;
        let state = format!("state_{app}");
        server
            .sql(&format!(
                "CREATE TABLE {app}.orders (id INT PRIMARY KEY, note TEXT); CREATE TABLE {app}.secrets (id INT);
                 CREATE USER '{app}'@'localhost' IDENTIFIED BY 'pw'"
            ))
            .await;
        let grants = match server.kind() {
            Kind::MariaDb => include_str!("../../sql/grants-mariadb.sql"),
            Kind::MySql => include_str!("../../sql/grants-mysql.sql"),
        };
        let filled = grants
            .replace("{user}", &app)
            .replace("{host}", "localhost")
            .replace("{state}", &state)
            .replace("{app}", &app)
            .replace("{table}", "orders");
        server.sql(&filled).await;
        Self { server, schema: state.parse().expect("a plain name"), user: app }
    }

    /// The grants are made and the schema is migrated; a connection to it comes along.
    async fn new(server: &'static Server, story: &str) -> (Self, Conn) {
        let home = Self::granted(server, story).await;
        migrate(&mut home.stranger().await, &home.schema).await.expect("the grants are enough");
        let conn = home.connect().await;
        (home, conn)
    }

    /// A connection as the daemon's: strict, our schema its default.
    async fn connect(&self) -> Conn {
        let mut conn = self.stranger().await;
        conn.query_drop(format!("USE `{}`", self.schema)).await.expect("the schema is there");
        conn
    }

    /// A connection without a default database.
    async fn stranger(&self) -> Conn {
        let opts = OptsBuilder::default()
            .user(Some(&self.user))
            .pass(Some("pw"))
            .socket(Some(self.server.socket().to_string_lossy().into_owned()))
            .setup(vec!["SET SESSION sql_mode = 'STRICT_ALL_TABLES'"]);
        Conn::new(opts).await.expect("the user gets in")
    }

    /// The same account, as the daemon knows it.
    fn account(&self) -> connect::Server {
        connect::Server {
            address: connect::Address::Socket(self.server.socket()),
            user: self.user.clone(),
            password: "pw".to_owned().into(),
            tls: connect::Tls::Disabled,
        }
    }

    /// Statements as an administrator, in our schema: the passing of time, mostly.
    async fn sql(&self, statement: &str) {
        self.server.sql(&format!("USE `{}`; {statement}", self.schema)).await;
    }

    /// A number that only an administrator asks for.
    async fn count(&self, table: &str) -> u64 {
        self.server.one(&format!("SELECT COUNT(*) FROM `{}`.`{table}`", self.schema)).await
    }
}

fn key(n: i64) -> Key {
    Key(vec![Value::Int(n)])
}

fn orders() -> LinkName {
    LinkName("orders".into())
}

fn spreadsheet() -> SpreadsheetId {
    SpreadsheetId("1aBcDeFgHiJkLmNoPqRsTuVwXyZ".into())
}

fn owner(generation: u32) -> Owner {
    Owner { installation: "k3v9".into(), generation }
}

/// A plan as it is remembered.
fn packed(plan: &str) -> Packed {
    Packed::of(|out| out.write_all(plan.as_bytes())).expect("memory")
}
