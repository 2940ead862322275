//! What a statement in the binlog does: begins or ends a transaction, changes a table's shape, or changes rows in a way that
//! row events do not show. Statements are told by their words, not parsed: a table that is named where we do not
//! understand it is in doubt, never left out.

use crate::database::event::Xid;
use crate::database::words::{Word, words};
use crate::model::schema::TableName;

/// What happened to a table beside its rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SchemaKind {
    /// It is new (or exists already: `IF NOT EXISTS` is logged too).
    Created,
    /// Its columns, keys or options may differ.
    Altered,
    /// It bears another name; a swap gives two of these.
    Renamed {
        /// The new name.
        to: TableName,
    },
    /// One of its columns bears another name; told beside [`Self::Altered`].
    ColumnRenamed {
        /// The old name.
        from: String,
        /// The new one.
        to: String,
    },
    /// It is gone.
    Dropped,
    /// All rows are gone, with no row events.
    Truncated,
    /// Partitions were dropped, emptied or exchanged: rows are gone or new, with no row events.
    Partitioned,
    /// It is named in a statement that we do not understand.
    Unknown,
}

/// A change of one table beside its rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SchemaChange {
    /// The table, by its name before the change.
    pub table: TableName,
    /// What happened.
    pub kind: SchemaKind,
}

/// A statement's meaning for the stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Statement {
    /// Also XA START.
    Begin,
    Commit,
    Rollback,
    /// Part of the transaction was undone, rows of tables without transactions perhaps not.
    RollbackTo,
    XaCommit(Xid),
    XaRollback(Xid),
    /// Of no weight: savepoints, XA END, temporary tables.
    Inner,
    Schema(Vec<SchemaChange>),
    /// DROP DATABASE.
    DropDatabase(String),
    /// Anything else: rows in statement format, or an object that is no table.
    Other(Vec<Word>),
}

/// Reads a statement; `database` is the session's, for names without one.
pub(crate) fn read(text: &str, database: &str) -> Statement {
    let words = words(text);
    let keyword = |i: usize, word: &str| words.get(i).is_some_and(|w| w.is(word));
    let reader = Reader { words: &words, database };
    match words.first() {
        Some(Word::Plain(first)) => match first.to_ascii_uppercase().as_str() {
            "BEGIN" => Statement::Begin,
            "START" if keyword(1, "TRANSACTION") => Statement::Begin,
            "COMMIT" => Statement::Commit,
            "ROLLBACK" if keyword(1, "TO") => Statement::RollbackTo,
            "ROLLBACK" => Statement::Rollback,
            "SAVEPOINT" | "RELEASE" => Statement::Inner,
            "XA" => xa(text, &words),
            "ALTER" => reader.alter(),
            "CREATE" => reader.create(),
            "DROP" => reader.drop(),
            "RENAME" if keyword(1, "TABLE") || keyword(1, "TABLES") => reader.rename(),
            "TRUNCATE" => reader.truncate(),
            _ => Statement::Other(words),
        },
        _ => Statement::Other(words),
    }
}

/// True if the words of a statement, run with `database` as its default, name the table: with its own database before
/// it, or alone where that is the default. A table of the same name in another database is another table.
pub(crate) fn mentions(words: &[Word], database: &str, table: &TableName) -> bool {
    let named = |at: usize, name: &str| words[at].name().is_some_and(|word| word.eq_ignore_ascii_case(name));
    (0..words.len()).filter(|at| named(*at, &table.table)).any(|at| match at {
        2.. if words[at - 1] == Word::Sign('.') && words[at - 2].name().is_some() => {
            named(at - 2, &table.schema)
        }
        _ => database.eq_ignore_ascii_case(&table.schema),
    })
}

/// True for statements that make or drop objects which are no tables, change rights or settings, or only look at tables:
/// whatever tables they name, no row of those changes.
pub(crate) fn leaves_rows_alone(words: &[Word]) -> bool {
    const VERBS: [&str; 13] = [
        "GRANT", "REVOKE", "SET", "FLUSH", "ANALYZE", "OPTIMIZE", "REPAIR", "CHECK", "CREATE", "DROP",
        "ALTER", "RENAME", "PURGE",
    ];
    words.first().is_none_or(|first| VERBS.iter().any(|verb| first.is(verb)))
}

struct Reader<'a> {
    words: &'a [Word],
    database: &'a str,
}

impl Reader<'_> {
    fn is(&self, at: usize, keyword: &str) -> bool {
        self.words.get(at).is_some_and(|word| word.is(keyword))
    }

    fn find(&self, keyword: &str) -> Option<usize> {
        self.words.iter().position(|word| word.is(keyword))
    }

    fn other(&self) -> Statement {
        Statement::Other(self.words.to_vec())
    }

    /// A table's name at a place, and the place after it.
    fn table(&self, at: usize) -> Option<(TableName, usize)> {
        let first = self.words.get(at)?.name()?.to_owned();
        if self.words.get(at + 1) == Some(&Word::Sign('.')) {
            let table = self.words.get(at + 2)?.name()?.to_owned();
            return Some((TableName { schema: first, table }, at + 3));
        }
        let schema = self.database.to_owned();
        Some((TableName { schema, table: first }, at + 1))
    }

    /// The place after `IF [NOT] EXISTS`, if that stands here.
    fn after_if(&self, at: usize) -> usize {
        match () {
            () if self.is(at, "IF") && self.is(at + 1, "NOT") => at + 3,
            () if self.is(at, "IF") => at + 2,
            () => at,
        }
    }

    fn one(&self, at: usize, kind: SchemaKind) -> Statement {
        match self.table(at) {
            Some((table, _)) => Statement::Schema(vec![SchemaChange { table, kind }]),
            None => self.other(),
        }
    }

    fn alter(&self) -> Statement {
        // ALTER [ONLINE] [IGNORE] TABLE [IF EXISTS] t [WAIT n] …
        let Some(at) = (1..4).find(|&i| self.is(i, "TABLE")) else {
            return self.other();
        };
        let Some((table, rest)) = self.table(self.after_if(at + 1)) else {
            return self.other();
        };
        let mut changes = vec![SchemaChange { table: table.clone(), kind: self.alteration(rest) }];
        let columns = self.column_renamings(rest);
        changes.extend(columns.into_iter().map(|kind| SchemaChange { table: table.clone(), kind }));
        if let Some(to) = self.renaming(rest) {
            changes.push(SchemaChange { table, kind: SchemaKind::Renamed { to } });
        }
        Statement::Schema(changes)
    }

    fn alteration(&self, rest: usize) -> SchemaKind {
        let partitions = ["TRUNCATE", "DROP", "EXCHANGE", "IMPORT", "DISCARD"].iter().any(|verb| {
            (rest..self.words.len())
                .any(|i| self.is(i, verb) && (self.is(i + 1, "PARTITION") || self.is(i + 1, "TABLESPACE")))
        });
        if partitions { SchemaKind::Partitioned } else { SchemaKind::Altered }
    }

    /// The place begins a clause of ALTER.
    fn begins(&self, at: usize, rest: usize) -> bool {
        at == rest || self.words.get(at - 1) == Some(&Word::Sign(','))
    }

    /// `RENAME COLUMN a TO b` and `CHANGE [COLUMN] [IF EXISTS] a b …`. A column that is called `change` may pass for one: who
    /// uses this looks whether the old name is gone and the new one there.
    fn column_renamings(&self, rest: usize) -> Vec<SchemaKind> {
        let name = |at: usize| self.words.get(at).and_then(Word::name).map(str::to_owned);
        let pair = |at: usize| {
            let column = usize::from(self.is(at + 1, "COLUMN"));
            if self.is(at, "RENAME") && column == 1 {
                let old = self.after_if(at + 2);
                return self.is(old + 1, "TO").then(|| Some((name(old)?, name(old + 2)?))).flatten();
            }
            let old = self.after_if(at + 1 + column);
            self.is(at, "CHANGE").then(|| Some((name(old)?, name(old + 1)?))).flatten()
        };
        (rest..self.words.len())
            .filter(|&at| self.begins(at, rest))
            .filter_map(pair)
            .filter(|(from, to)| !from.eq_ignore_ascii_case(to))
            .map(|(from, to)| SchemaKind::ColumnRenamed { from, to })
            .collect()
    }

    /// The table's new name in `RENAME [TO | AS] x`; columns and keys have their own word after RENAME.
    fn renaming(&self, rest: usize) -> Option<TableName> {
        let of_a_part = |i: usize| ["COLUMN", "INDEX", "KEY"].iter().any(|word| self.is(i, word));
        let at = (rest..self.words.len())
            .find(|&i| self.is(i, "RENAME") && self.begins(i, rest) && !of_a_part(i + 1))?;
        let name = if self.is(at + 1, "TO") || self.is(at + 1, "AS") { at + 2 } else { at + 1 };
        self.table(name).map(|(table, _)| table)
    }

    fn create(&self) -> Statement {
        // CREATE [OR REPLACE] [TEMPORARY] TABLE [IF NOT EXISTS] t; CREATE [UNIQUE …] INDEX i ON t.
        if let Some(at) = (1..4).find(|&i| self.is(i, "TABLE")) {
            if (1..at).any(|i| self.is(i, "TEMPORARY")) {
                return Statement::Inner;
            }
            return self.one(self.after_if(at + 1), SchemaKind::Created);
        }
        self.index()
    }

    fn drop(&self) -> Statement {
        if self.is(1, "DATABASE") || self.is(1, "SCHEMA") {
            let name = self.words.get(self.after_if(2)).and_then(Word::name);
            return name.map_or_else(|| self.other(), |name| Statement::DropDatabase(name.to_owned()));
        }
        if self.is(1, "TEMPORARY") {
            return Statement::Inner;
        }
        if !self.is(1, "TABLE") && !self.is(1, "TABLES") {
            return self.index();
        }
        let mut changes = Vec::new();
        let mut at = self.after_if(2);
        while let Some((table, next)) = self.table(at) {
            changes.push(SchemaChange { table, kind: SchemaKind::Dropped });
            if self.words.get(next) != Some(&Word::Sign(',')) {
                return Statement::Schema(changes);
            }
            at = next + 1;
        }
        self.other()
    }

    /// `… INDEX i … ON t`: the shape of the rows stays, the key may not.
    fn index(&self) -> Statement {
        match (self.find("INDEX"), self.find("ON")) {
            (Some(index), Some(on)) if index < 5 && index < on => self.one(on + 1, SchemaKind::Altered),
            _ => self.other(),
        }
    }

    fn rename(&self) -> Statement {
        let mut changes = Vec::new();
        let mut at = self.after_if(2);
        loop {
            let Some((table, to)) = self.table(at) else {
                return self.other();
            };
            // MariaDB allows WAIT n or NOWAIT between the names.
            let Some(to) = (to..to + 3).find(|&i| self.is(i, "TO")) else {
                return self.other();
            };
            let Some((new, next)) = self.table(to + 1) else {
                return self.other();
            };
            let kind = SchemaKind::Renamed { to: new };
            changes.push(SchemaChange { table, kind });
            if self.words.get(next) != Some(&Word::Sign(',')) {
                return Statement::Schema(changes);
            }
            at = next + 1;
        }
    }

    fn truncate(&self) -> Statement {
        let at = if self.is(1, "TABLE") { 2 } else { 1 };
        self.one(at, SchemaKind::Truncated)
    }
}

/// `XA COMMIT X'61',X'62',1`: the server logs both parts in hex and the format as a number.
fn xa(text: &str, words: &[Word]) -> Statement {
    let Some(verb) = words.get(1) else {
        return Statement::Inner;
    };
    let mut parts = text.split(',').map(str::trim);
    let hex = |part: &str| {
        let digits = part.rsplit_once("X'").or_else(|| part.rsplit_once("x'"))?.1.split('\'').next()?;
        (0..digits.len() / 2)
            .map(|i| u8::from_str_radix(digits.get(2 * i..2 * i + 2)?, 16).ok())
            .collect::<Option<Vec<u8>>>()
    };
    let mut xid = || {
        let global = hex(parts.next()?)?;
        let branch = hex(parts.next()?)?;
        let format = parts.next()?.split_whitespace().next()?.parse().ok()?;
        Some((global, branch, format))
    };
    if verb.is("COMMIT") {
        xid().map_or_else(|| Statement::Other(words.to_vec()), Statement::XaCommit)
    } else if verb.is("ROLLBACK") {
        xid().map_or_else(|| Statement::Other(words.to_vec()), Statement::XaRollback)
    } else if verb.is("START") || verb.is("BEGIN") {
        Statement::Begin
    } else {
        Statement::Inner
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(schema: &str, table: &str) -> TableName {
        TableName { schema: schema.into(), table: table.into() }
    }

    fn schema(sql: &str) -> Vec<(String, SchemaKind)> {
        match read(sql, "db") {
            Statement::Schema(changes) => {
                changes.into_iter().map(|c| (c.table.to_string(), c.kind)).collect()
            }
            other => panic!("{sql}: {other:?}"),
        }
    }

    #[test]
    fn every_change_of_a_tables_shape_names_its_table() {
        let said = [
            ("ALTER TABLE t ADD COLUMN c INT FIRST", "db.t", SchemaKind::Altered),
            ("alter online table if exists `x`.`t` drop c", "x.t", SchemaKind::Altered),
            ("ALTER TABLE t DROP PARTITION p", "db.t", SchemaKind::Partitioned),
            ("ALTER TABLE t ADD rename INT", "db.t", SchemaKind::Altered),
            ("CREATE TABLE IF NOT EXISTS t (id int)", "db.t", SchemaKind::Created),
            ("CREATE UNIQUE INDEX i ON x.t (a)", "x.t", SchemaKind::Altered),
            ("DROP INDEX i ON t", "db.t", SchemaKind::Altered),
            ("TRUNCATE t", "db.t", SchemaKind::Truncated),
            ("/* gh-ost */ truncate table `x`.t", "x.t", SchemaKind::Truncated),
        ];
        for (sql, table, kind) in said {
            assert_eq!(schema(sql), [(table.to_owned(), kind)], "{sql}");
        }
    }

    #[test]
    fn columns_that_get_another_name_are_told() {
        let said = [
            ("ALTER TABLE t RENAME COLUMN a TO b", vec![("a", "b")]),
            (
                "ALTER TABLE t ADD x ENUM('p','q'), CHANGE COLUMN IF EXISTS `a` `b c` INT, CHANGE d D INT",
                vec![("a", "b c")],
            ),
            (
                "ALTER TABLE t CHANGE a b INT AFTER c, RENAME COLUMN IF EXISTS e TO f",
                vec![("a", "b"), ("e", "f")],
            ),
            ("ALTER TABLE t RENAME INDEX a TO b, MODIFY c INT", vec![]),
        ];
        for (sql, pairs) in said {
            let told = schema(sql);
            assert_eq!(told[0], ("db.t".to_owned(), SchemaKind::Altered), "{sql}");
            let pair = |(from, to): &(&str, &str)| {
                let kind = SchemaKind::ColumnRenamed { from: (*from).to_owned(), to: (*to).to_owned() };
                ("db.t".to_owned(), kind)
            };
            assert_eq!(told[1..], pairs.iter().map(pair).collect::<Vec<_>>(), "{sql}");
        }
    }

    #[test]
    fn swaps_and_lists_name_all_their_tables() {
        let renamed = |to: &str| SchemaKind::Renamed { to: name("db", to) };
        let swap = schema("RENAME TABLE t TO t_old, t_gho TO db.t");
        assert_eq!(swap, [("db.t".into(), renamed("t_old")), ("db.t_gho".into(), renamed("t"))]);
        let dropped = schema("DROP TABLE IF EXISTS `a`,x.`b` /* generated by server */");
        assert_eq!(dropped, [("db.a".into(), SchemaKind::Dropped), ("x.b".into(), SchemaKind::Dropped)]);
        let altered = schema("ALTER TABLE t ADD c INT, RENAME TO u");
        assert_eq!(altered, [("db.t".into(), SchemaKind::Altered), ("db.t".into(), renamed("u"))]);
    }

    #[test]
    fn what_begins_and_ends_transactions_is_known() {
        assert_eq!(read("BEGIN", ""), Statement::Begin);
        assert_eq!(read("START TRANSACTION", ""), Statement::Begin);
        assert_eq!(read("ROLLBACK TO `a`", ""), Statement::RollbackTo);
        assert_eq!(read("XA START X'61',X'',1", ""), Statement::Begin);
        assert_eq!(read("XA END X'61',X'',1", ""), Statement::Inner);
        let xid = (vec![0x61, 0x62], vec![], 1);
        assert_eq!(read("XA COMMIT X'6162',X'',1", ""), Statement::XaCommit(xid.clone()));
        assert_eq!(read("XA ROLLBACK X'6162',X'',1", ""), Statement::XaRollback(xid));
    }

    #[test]
    fn rows_in_statement_format_are_told_from_objects_that_are_no_tables() {
        let Statement::Other(insert) = read("INSERT INTO x.T VALUES ('t2')", "db") else {
            panic!("an insert is no DDL");
        };
        assert!(mentions(&insert, "x", &name("x", "t")) && !mentions(&insert, "x", &name("x", "t2")));
        let bare = words("DELETE FROM t");
        assert!(
            mentions(&bare, "X", &name("x", "t")) && !mentions(&bare, "y", &name("x", "t")),
            "the default database"
        );
        let elsewhere = words("UPDATE y.t JOIN X . `T` SET b = 1");
        assert!(mentions(&elsewhere, "y", &name("x", "t")) && mentions(&elsewhere, "x", &name("y", "t")));
        assert!(
            !mentions(&elsewhere, "z", &name("z", "t")),
            "a namesake in another database is another table"
        );
        assert!(!leaves_rows_alone(&insert));
        let Statement::Other(view) = read("CREATE VIEW v AS SELECT * FROM t", "db") else {
            panic!("a view is no table");
        };
        assert!(leaves_rows_alone(&view));
    }
}
