//! Where a server stands, and whether it can go on from where we stand.

use mysql_async::prelude::Queryable;
use mysql_async::{Conn, Row};
use uuid::Uuid;

use crate::database::connect::{Flavor, Version};
use crate::database::error::{Error, Result};
use crate::model::gtid::GtidSet;
use crate::model::position::Position;

/// The server's position now: everything before it is committed and visible to a SELECT that comes after (MySQL sets
/// `gtid_executed` after the engine's commit; for MariaDB and files a watermark must tell).
pub async fn current_position(conn: &mut Conn) -> Result<Position> {
    let version = Version::of(conn).await?;
    match version.flavor {
        Flavor::MariaDb => {
            let list: Option<String> = conn.query_first("SELECT @@GLOBAL.gtid_binlog_pos").await?;
            Ok(Position::MariaDb(read(&list.unwrap_or_default())?))
        }
        Flavor::MySql if has_gtids(conn).await? => {
            let set: Option<String> = conn.query_first("SELECT @@GLOBAL.gtid_executed").await?;
            Ok(Position::Mysql(read(&set.unwrap_or_default())?))
        }
        Flavor::MySql => file_position(conn, version).await,
    }
}

fn read<T: std::str::FromStr>(text: &str) -> Result<T>
where
    T::Err: std::fmt::Display,
{
    text.parse().map_err(|wrong: T::Err| Error::Broken(wrong.to_string()))
}

async fn has_gtids(conn: &mut Conn) -> Result<bool> {
    let mode: Option<String> = conn.query_first("SELECT @@GLOBAL.gtid_mode").await?;
    Ok(mode.is_some_and(|mode| mode == "ON"))
}

async fn server_uuid(conn: &mut Conn) -> Result<Uuid> {
    let uuid: Option<String> = conn.query_first("SELECT @@GLOBAL.server_uuid").await?;
    read(&uuid.unwrap_or_default())
}

async fn file_position(conn: &mut Conn, version: Version) -> Result<Position> {
    let ask = if version.number >= (8, 2, 0) { "SHOW BINARY LOG STATUS" } else { "SHOW MASTER STATUS" };
    let row: Option<Row> = conn.query_first(ask).await?;
    let place = row.and_then(|row| Some((row.get::<String, _>(0)?, row.get::<u64, _>(1)?)));
    let (file, offset) =
        place.ok_or_else(|| Error::BinlogBroken("it writes no binlog (log_bin=OFF)".into()))?;
    Ok(Position::File { server: server_uuid(conn).await?, file, offset })
}

/// Checks that the server still has all transactions after the position, and has all those before it.
///
/// MySQL checks by itself only what it purged and what it numbered itself. MariaDB's purges show only when a dump is asked
/// for; being behind shows here, per domain.
pub async fn ensure_resumable(conn: &mut Conn, position: &Position) -> Result<()> {
    let flavor = Version::of(conn).await?.flavor;
    match (position, flavor) {
        (Position::Mysql(seen), Flavor::MySql) => {
            let sets: Option<(String, String)> =
                conn.query_first("SELECT @@GLOBAL.gtid_purged, @@GLOBAL.gtid_executed").await?;
            let (purged, executed) = sets.unwrap_or_default();
            let (purged, executed): (GtidSet, GtidSet) = (read(&purged)?, read(&executed)?);
            let (lost, ahead) = (purged.subtract(seen), seen.subtract(&executed));
            if !ahead.is_empty() {
                return Err(Error::Behind(format!("it lacks {ahead}")));
            }
            if !lost.is_empty() {
                return Err(Error::Purged(lost.to_string()));
            }
            Ok(())
        }
        (Position::MariaDb(_), Flavor::MariaDb) => match current_position(conn).await? {
            now if now.covers(position) => Ok(()),
            now => Err(Error::Behind(format!("it is at {now}, we are at {position}"))),
        },
        (Position::File { server, .. }, Flavor::MySql) => {
            let here = server_uuid(conn).await?;
            if here == *server {
                Ok(())
            } else {
                Err(Error::OtherServer(format!("of {server}, this is {here}")))
            }
        }
        (_, flavor) => Err(Error::OtherServer(format!("{position} cannot be resumed on {flavor:?}"))),
    }
}
