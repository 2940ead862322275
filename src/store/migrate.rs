//! The schema and its changes: numbered SQL files, compiled in, applied once, remembered with their checksums.
//!
//! A file that was released is never edited again: a schema in which it was applied could not be told from one in which the
//! edited text was. The checksum holds us to that.

use std::fmt::Write as _;

use mysql_async::prelude::Queryable;
use sha2::{Digest as _, Sha256};
use tracing::info;

use crate::store::{Result, StateSchema, StoreError};

struct Migration {
    version: u32,
    text: &'static str,
}

const MIGRATIONS: &[Migration] = &[
    Migration { version: 1, text: include_str!("../../sql/0001_state.sql") },
    Migration { version: 2, text: include_str!("../../sql/0002_note.sql") },
    Migration { version: 3, text: include_str!("../../sql/0003_pause.sql") },
];

const MIGRATION_TABLE: &str = "CREATE TABLE IF NOT EXISTS migration (
  version INT UNSIGNED NOT NULL PRIMARY KEY,
  checksum CHAR(64) NOT NULL,
  applied_at TIMESTAMP(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin";

const UNKNOWN_DATABASE: u16 = 1049;
const NO_SUCH_TABLE: u16 = 1146;

/// Makes the schema if it is not there, brings it to this program's version and leaves it as the connection's default
/// database. Every other connection of the daemon has it as its default database, too.
///
/// Nothing is created that stands already, so the rights to create can be taken away after the first start.
pub async fn migrate(conn: &mut impl Queryable, schema: &StateSchema) -> Result<()> {
    let using = format!("USE {}", schema.quoted());
    match conn.query_drop(&using).await.map_err(StoreError::from) {
        Err(error) if error.server_code() == Some(UNKNOWN_DATABASE) => {
            let make = format!(
                "CREATE DATABASE IF NOT EXISTS {} CHARACTER SET utf8mb4 COLLATE utf8mb4_bin",
                schema.quoted()
            );
            conn.query_drop(make).await?;
            conn.query_drop(&using).await?;
        }
        used => used?,
    }
    for migration in due(&applied(conn).await?, MIGRATIONS)? {
        for statement in statements(migration.text) {
            conn.query_drop(statement).await?;
        }
        // Two first starts at once may both come here: the statements repeat, and so does this.
        conn.exec_drop(
            "INSERT INTO migration (version, checksum) VALUES (?, ?) ON DUPLICATE KEY UPDATE version = version",
            (migration.version, checksum(migration.text)),
        )
        .await?;
        info!("state schema {schema} migrated to version {}", migration.version);
    }
    Ok(())
}

async fn applied(conn: &mut impl Queryable) -> Result<Vec<(u32, String)>> {
    let listed = conn
        .query("SELECT version, checksum FROM migration ORDER BY version")
        .await
        .map_err(StoreError::from);
    match listed {
        Err(error) if error.server_code() == Some(NO_SUCH_TABLE) => {
            conn.query_drop(MIGRATION_TABLE).await?;
            Ok(Vec::new())
        }
        listed => listed,
    }
}

/// Which migrations are still to be applied, in order.
fn due<'a>(applied: &[(u32, String)], known: &'a [Migration]) -> Result<Vec<&'a Migration>> {
    for (version, found) in applied {
        let Some(migration) = known.iter().find(|known| known.version == *version) else {
            return Err(StoreError::Newer {
                found: *version,
                known: known.iter().map(|known| known.version).max().unwrap_or(0),
            });
        };
        let expected = checksum(migration.text);
        if *found != expected {
            return Err(StoreError::MigrationChanged { version: *version, found: found.clone(), expected });
        }
    }
    let missing = |migration: &&Migration| applied.iter().all(|(version, _)| *version != migration.version);
    Ok(known.iter().filter(missing).collect())
}

fn checksum(text: &str) -> String {
    let digest = Sha256::digest(text);
    digest.iter().fold(String::with_capacity(64), |mut hex, byte| {
        // Writing into a string cannot fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

/// The statements of a file: each ends with a semicolon at the end of a line.
fn statements(text: &str) -> impl Iterator<Item = &str> {
    text.split_inclusive(";\n")
        .map(|statement| statement.trim().trim_end_matches(';'))
        .filter(|statement| !statement.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWO: &[Migration] =
        &[Migration { version: 1, text: "a;\n" }, Migration { version: 2, text: "b;\n" }];

    #[test]
    fn only_what_is_missing_is_due() {
        let first = vec![(1, checksum("a;\n"))];
        let versions = |applied: &[(u32, String)]| -> Vec<u32> {
            due(applied, TWO).unwrap().iter().map(|migration| migration.version).collect()
        };
        assert_eq!(versions(&[]), [1, 2]);
        assert_eq!(versions(&first), [2]);
    }

    #[test]
    fn a_changed_text_and_a_newer_schema_are_refused() {
        let changed = due(&[(1, checksum("other"))], TWO).err();
        assert!(matches!(changed, Some(StoreError::MigrationChanged { version: 1, .. })));
        let newer = due(&[(1, checksum("a;\n")), (3, String::new())], TWO).err();
        assert!(matches!(newer, Some(StoreError::Newer { found: 3, known: 2 })));
    }

    #[test]
    fn statements_end_at_line_ends_only() {
        let text = "-- why; and why\nCREATE a (';' x);\n\nCREATE b;\n";
        let found: Vec<_> = statements(text).collect();
        assert_eq!(found, ["-- why; and why\nCREATE a (';' x)", "CREATE b"]);
    }
}
