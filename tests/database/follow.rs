//! A tail on a real server, and patience with an end.

use std::time::Duration;

use mysql_async::Conn;
use sheetbridge::database::connect::{Address, Server as Account, Tls, session};
use sheetbridge::database::error::Error;
use sheetbridge::database::interest::Interest;
use sheetbridge::database::schema::table_schema;
use sheetbridge::database::standing::current_position;
use sheetbridge::database::tail::{Identity, Tail, Terms};
use sheetbridge::database::{ChangeKind, Event, Transaction};
use sheetbridge::model::position::Position;
use sheetbridge::model::schema::{TableName, TableSchema};
use sheetbridge::model::value::Value;
use uuid::Uuid;

use crate::support::server::Server;

/// Nothing that a test waits for takes this long, even on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Root over TCP.
pub(crate) fn account(server: &Server) -> Account {
    Account {
        address: Address::Tcp { host: "127.0.0.1".into(), port: server.port() },
        user: "root".into(),
        password: String::new().into(),
        tls: Tls::Disabled,
    }
}

/// An ordinary session of ours.
pub(crate) async fn ours(server: &Server) -> Conn {
    session(&account(server)).await.expect("a session opens")
}

pub(crate) fn name(database: &str, table: &str) -> TableName {
    TableName { schema: database.to_owned(), table: table.to_owned() }
}

pub(crate) async fn schema(server: &Server, database: &str, table: &str) -> TableSchema {
    let read = table_schema(&mut ours(server).await, &name(database, table)).await;
    read.unwrap_or_else(|error| panic!("{server}: {error}"))
}

pub(crate) async fn now(server: &Server) -> Position {
    let position = current_position(&mut ours(server).await).await;
    position.unwrap_or_else(|error| panic!("{server}: {error}"))
}

pub(crate) fn identity() -> Identity {
    let replica_uuid = Uuid::new_v4();
    let server_id = replica_uuid.as_fields().0 | 1 << 31;
    Identity { server_id, replica_uuid }
}

/// A tail over tables of one database.
pub(crate) struct Follow {
    pub(crate) tail: Tail,
    pub(crate) position: Position,
    on: String,
}

impl Follow {
    /// From the server's present position.
    pub(crate) async fn now(server: &Server, tables: &[(&str, &str)]) -> Self {
        let start = now(server).await;
        Self::from(server, start, tables).await.unwrap_or_else(|error| panic!("{server}: {error}"))
    }

    /// From a position.
    pub(crate) async fn from(
        server: &Server,
        start: Position,
        tables: &[(&str, &str)],
    ) -> Result<Self, Error> {
        Self::with(server, start, tables, Terms::default()).await
    }

    /// From a position, on other terms.
    pub(crate) async fn with(
        server: &Server,
        start: Position,
        tables: &[(&str, &str)],
        terms: Terms,
    ) -> Result<Self, Error> {
        Self::open(&account(server), start, tables, terms, server.to_string()).await
    }

    /// From the present position, as another user.
    pub(crate) async fn by(server: &Server, user: &str, password: &str, tables: &[(&str, &str)]) -> Self {
        let password = password.to_owned().into();
        let them = Account { user: user.to_owned(), password, ..account(server) };
        let opened = Self::open(&them, now(server).await, tables, Terms::default(), server.to_string()).await;
        opened.unwrap_or_else(|error| panic!("{server}: {error}"))
    }

    async fn open(
        account: &Account,
        start: Position,
        tables: &[(&str, &str)],
        terms: Terms,
        on: String,
    ) -> Result<Self, Error> {
        let mut conn = session(account).await?;
        let mut schemas = Vec::new();
        for (database, table) in tables {
            schemas.push(table_schema(&mut conn, &name(database, table)).await?);
        }
        let interest = Interest::load(&mut conn, schemas).await?;
        let tail = Tail::open(account, &start, identity(), interest, terms).await?;
        Ok(Self { tail, position: start, on })
    }

    /// The next event, or the error that ends the stream.
    pub(crate) async fn try_next(&mut self) -> Result<Event, Error> {
        let next = tokio::time::timeout(PATIENCE, self.tail.next()).await;
        let event = next.unwrap_or_else(|_| panic!("{}: no event in {PATIENCE:?}", self.on))?;
        match &event {
            Event::Transaction(done) => self.position = done.position.clone(),
            Event::Schema { position, .. } => self.position = position.clone(),
            Event::Heartbeat => {}
        }
        Ok(event)
    }

    /// The next event that is no heartbeat and concerns our tables.
    pub(crate) async fn event(&mut self) -> Event {
        loop {
            match self.try_next().await {
                Ok(Event::Heartbeat) => {}
                Ok(Event::Transaction(done))
                    if done.changes.is_empty() && done.doubts.is_empty() && done.more.is_none() => {}
                Ok(event) => return event,
                Err(error) => panic!("{}: {error}", self.on),
            }
        }
    }

    /// The next transaction with rows of our tables.
    pub(crate) async fn transaction(&mut self) -> Transaction {
        match self.event().await {
            Event::Transaction(done) => done,
            other => panic!("{}: {other:?}", self.on),
        }
    }

    /// The next transaction's changes; doubts fail the test.
    pub(crate) async fn changes(&mut self) -> Vec<ChangeKind> {
        let done = self.transaction().await;
        assert!(done.doubts.is_empty(), "{}: {:?}", self.on, done.doubts);
        let mut changes: Vec<ChangeKind> = done.changes.into_iter().map(|change| change.kind).collect();
        if let Some(mut more) = done.more {
            while let Some(piece) = more.take().expect("what was spilled is read back") {
                changes.extend(piece.into_iter().map(|change| change.kind));
            }
        }
        changes
    }

    /// The error that ends the stream, after whatever comes before it.
    pub(crate) async fn error(&mut self) -> Error {
        let on = self.on.clone();
        let ended = tokio::time::timeout(PATIENCE, async {
            loop {
                if let Err(error) = self.try_next().await {
                    return error;
                }
            }
        });
        ended.await.unwrap_or_else(|_| panic!("{on}: the stream goes on"))
    }
}

/// A whole image.
pub(crate) fn whole(image: &[Option<Value>]) -> Vec<Value> {
    image.iter().map(|value| value.clone().expect("a full image")).collect()
}

/// One column of an image.
#[expect(clippy::unnecessary_wraps, reason = "images hold options")]
pub(crate) fn int(n: i64) -> Option<Value> {
    Some(Value::Int(n))
}

/// One column of an image.
#[expect(clippy::unnecessary_wraps, reason = "images hold options")]
pub(crate) fn text(s: &str) -> Option<Value> {
    Some(Value::Text(s.to_owned()))
}
