//! Preflight: what the server and the tables must be like, what they are like, and the exact statement that mends it.

use std::collections::HashMap;

use mysql_async::Conn;
use mysql_async::prelude::Queryable;

use crate::database::cascade;
use crate::database::connect::{Flavor, Version};
use crate::database::error::{Error, Result};
use crate::database::schema::{is_versioned, table_schema};
use crate::database::statement;
use crate::model::schema::{ColumnKind, TableName, TableSchema};

/// How much a finding weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weight {
    /// As it should be.
    Fine,
    /// It works, with a risk that the operator should know.
    Warning,
    /// It cannot work.
    Stop,
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What was looked at: a variable, a right, `table: aspect`.
    pub name: String,
    /// How much it weighs.
    pub weight: Weight,
    /// What it should be.
    pub expected: String,
    /// What it is.
    pub found: String,
    /// The statement, or the words where none will do, that mends it. Empty if fine.
    pub fix: String,
}

/// A server variable and what we need of it.
struct Rule {
    variable: &'static str,
    only: Option<Flavor>,
    weight: Weight,
    expected: &'static str,
    holds: fn(&str) -> bool,
    fix: &'static str,
}

const RULES: [Rule; 11] = [
    Rule {
        variable: "log_bin",
        only: None,
        weight: Weight::Stop,
        expected: "ON",
        holds: on,
        fix: "add log_bin to the server's configuration file and restart it",
    },
    Rule {
        variable: "server_id",
        only: None,
        weight: Weight::Stop,
        expected: "not 0",
        holds: |value| value != "0",
        fix: "SET GLOBAL server_id = 1",
    },
    Rule {
        variable: "binlog_format",
        only: None,
        weight: Weight::Stop,
        expected: "ROW",
        holds: |value| value == "ROW",
        fix: "SET GLOBAL binlog_format = 'ROW'",
    },
    Rule {
        variable: "binlog_row_image",
        only: None,
        weight: Weight::Warning,
        expected: "FULL",
        holds: |value| value == "FULL",
        fix: "SET GLOBAL binlog_row_image = 'FULL'",
    },
    Rule {
        variable: "binlog_row_value_options",
        only: Some(Flavor::MySql),
        weight: Weight::Warning,
        expected: "empty",
        holds: str::is_empty,
        fix: "SET GLOBAL binlog_row_value_options = ''",
    },
    Rule {
        variable: "gtid_mode",
        only: Some(Flavor::MySql),
        weight: Weight::Warning,
        expected: "ON",
        holds: on,
        fix: "SET GLOBAL enforce_gtid_consistency = ON; SET GLOBAL gtid_mode = OFF_PERMISSIVE; \
              SET GLOBAL gtid_mode = ON_PERMISSIVE; SET GLOBAL gtid_mode = ON",
    },
    Rule {
        variable: "binlog_order_commits",
        only: Some(Flavor::MySql),
        weight: Weight::Stop,
        expected: "ON",
        holds: on,
        fix: "SET GLOBAL binlog_order_commits = ON",
    },
    Rule {
        variable: "binlog_expire_logs_seconds",
        only: None,
        weight: Weight::Warning,
        expected: "3 days or more (259200), or 0",
        holds: |value| value.parse().is_ok_and(|seconds: u64| seconds == 0 || seconds >= 259_200),
        fix: "SET GLOBAL binlog_expire_logs_seconds = 259200",
    },
    Rule {
        variable: "sync_binlog",
        only: None,
        weight: Weight::Warning,
        expected: "1",
        holds: |value| value == "1",
        fix: "SET GLOBAL sync_binlog = 1",
    },
    Rule {
        variable: "innodb_flush_log_at_trx_commit",
        only: None,
        weight: Weight::Warning,
        expected: "1",
        holds: |value| value == "1",
        fix: "SET GLOBAL innodb_flush_log_at_trx_commit = 1",
    },
    Rule {
        variable: "binlog_row_metadata",
        only: None,
        weight: Weight::Warning,
        expected: "FULL",
        holds: |value| value == "FULL",
        fix: "SET GLOBAL binlog_row_metadata = 'FULL'",
    },
];

fn on(value: &str) -> bool {
    value == "ON" || value == "1"
}

/// Looks at the server, our rights and these tables. Everything looked at is a finding, the fine ones too.
pub async fn check(conn: &mut Conn, tables: &[TableName]) -> Result<Vec<Finding>> {
    let version = Version::of(conn).await?;
    let mut findings = variables(conn, version.flavor).await?;
    findings.extend(rights(conn, version.flavor).await?);
    for name in tables {
        match table_schema(conn, name).await {
            Ok(schema) => {
                findings.extend(shape(&schema)?);
                findings.extend(cascades(conn, name, version).await?);
                findings.extend(versioned(conn, name).await?);
            }
            Err(error @ Error::NoTable(_)) => findings.push(finding(
                name.to_string(),
                Weight::Stop,
                "a table that we may read",
                error.to_string(),
                format!("GRANT SELECT ON {} TO CURRENT_USER()", statement::table(name)?),
            )),
            Err(error) => return Err(error),
        }
    }
    Ok(findings)
}

/// A finding; a fine one has nothing to mend.
fn finding(name: String, weight: Weight, expected: &str, found: String, fix: String) -> Finding {
    Finding {
        name,
        weight,
        expected: expected.to_owned(),
        found,
        fix: if weight == Weight::Fine { String::new() } else { fix },
    }
}

async fn variables(conn: &mut Conn, flavor: Flavor) -> Result<Vec<Finding>> {
    let all: Vec<(String, String)> = conn.query("SHOW GLOBAL VARIABLES").await?;
    let all: HashMap<String, String> = all.into_iter().collect();
    let rules = RULES.iter().filter(|rule| rule.only.is_none_or(|only| only == flavor));
    // A variable that the server does not know (an older one) cannot be wrong.
    let known = rules.filter_map(|rule| Some((rule, all.get(rule.variable)?)));
    let found = known.map(|(rule, value)| {
        let weight = if (rule.holds)(value) { Weight::Fine } else { rule.weight };
        finding(rule.variable.into(), weight, rule.expected, value.clone(), rule.fix.into())
    });
    Ok(found.collect())
}

/// The two rights that following needs; `SHOW GRANTS` shows our own without any right.
async fn rights(conn: &mut Conn, flavor: Flavor) -> Result<Vec<Finding>> {
    let grants: Vec<String> = conn.query("SHOW GRANTS").await?;
    let account: Option<String> = conn.query_first("SELECT CURRENT_USER()").await?;
    let account = account.unwrap_or_default();
    let (user, host) = account.rsplit_once('@').unwrap_or((&account, "%"));
    let account = format!("'{}'@'{host}'", user.replace('\'', "''"));
    let (monitor, names): (_, &[&str]) = match flavor {
        Flavor::MySql => ("REPLICATION CLIENT", &["REPLICATION CLIENT"]),
        Flavor::MariaDb => ("BINLOG MONITOR", &["BINLOG MONITOR", "REPLICATION CLIENT"]),
    };
    let global = grants.iter().filter(|grant| grant.contains(" ON *.* "));
    let global: Vec<&String> = global.collect();
    let has = |names: &[&str]| {
        let any = |grant: &&String| {
            grant.contains("ALL PRIVILEGES") || names.iter().any(|name| grant.contains(name))
        };
        global.iter().any(any)
    };
    let right = |right: &str, held: bool| {
        let (weight, found) = if held { (Weight::Fine, "held") } else { (Weight::Stop, "missing") };
        let fix = format!("GRANT {right} ON *.* TO {account}");
        finding(format!("right: {right}"), weight, "held", found.into(), fix)
    };
    let follow = has(&["REPLICATION SLAVE", "REPLICATION REPLICA"]);
    Ok(vec![right("REPLICATION SLAVE", follow), right(monitor, has(names))])
}

/// A table's key, engine and columns.
fn shape(schema: &TableSchema) -> Result<Vec<Finding>> {
    let table = statement::table(&schema.name)?;
    let named = |aspect: &str| format!("{}: {aspect}", schema.name);
    let inexact = |&at: &usize| {
        matches!(schema.columns[at].kind, ColumnKind::Float | ColumnKind::Double | ColumnKind::Unsupported(_))
    };
    let (weight, found) = match schema.key.as_slice() {
        [] => (Weight::Stop, "none"),
        key if key.iter().any(inexact) => (Weight::Stop, "of an inexact or unknown type"),
        _ => (Weight::Fine, "there"),
    };
    let fix = format!("ALTER TABLE {table} ADD COLUMN id BIGINT UNSIGNED AUTO_INCREMENT PRIMARY KEY FIRST");
    let key = finding(named("key"), weight, "a primary key of exact types", found.into(), fix);
    let (weight, found) = if schema.transactional {
        (Weight::Fine, "InnoDB")
    } else {
        (Weight::Warning, "another: the table is read-only from the sheet")
    };
    let fix = format!("ALTER TABLE {table} ENGINE = InnoDB");
    let engine = finding(named("engine"), weight, "InnoDB", found.into(), fix);
    let unknown = schema.columns.iter().filter_map(|column| match &column.kind {
        ColumnKind::Unsupported(kind) => Some((column, kind)),
        _ => None,
    });
    let columns = unknown.map(|(column, kind)| {
        let fix = "change the column's type, or leave the table out: its rows cannot be read".to_owned();
        finding(named(&column.name), Weight::Stop, "a type that we read", kind.clone(), fix)
    });
    Ok([key, engine].into_iter().chain(columns).collect())
}

/// A system-versioned table is followed by reading it again after each change.
async fn versioned(conn: &mut Conn, name: &TableName) -> Result<Option<Finding>> {
    let finding = Finding {
        name: format!("{name}: system versioning"),
        weight: Weight::Warning,
        expected: "none".into(),
        found: "on: the whole table is read again after every change".into(),
        fix: format!("ALTER TABLE {} DROP SYSTEM VERSIONING", statement::table(name)?),
    };
    Ok(is_versioned(conn, name).await?.then_some(finding))
}

/// Foreign keys by which rows of this table change with no event in the binlog.
async fn cascades(conn: &mut Conn, name: &TableName, version: Version) -> Result<Vec<Finding>> {
    if cascade::are_logged(conn, version).await? {
        return Ok(Vec::new());
    }
    let keys = cascade::foreign_keys(conn, name).await?;
    let found = keys.into_iter().map(|key| Finding {
        name: format!("{name}: foreign key {}", key.name),
        weight: Weight::Warning,
        expected: "RESTRICT, or a server whose binlog shows what the key does".into(),
        found: key.text,
        fix: format!(
            "make it RESTRICT; else the whole table is read again after such a change of {}",
            key.parent
        ),
    });
    Ok(found.collect())
}
