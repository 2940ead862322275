//! What is remembered of rows and links: base, tombstones, the ledger, held cells, positions; and what is forgotten.

use std::collections::BTreeMap;

use mysql_async::prelude::Queryable;
use sheetbridge::model::base::{BaseChange, ColumnBase, RowBase};
use sheetbridge::model::digest::Digest;
use sheetbridge::model::key::Key;
use sheetbridge::model::link::{LinkName, SheetId};
use sheetbridge::model::mark::{ClaimId, EffectId};
use sheetbridge::model::schema::TableName;
use sheetbridge::model::value::Value;
use sheetbridge::store::base::{self, Remembered};
use sheetbridge::store::held::{self, Held};
use sheetbridge::store::ledger::{self, Entry, Kind};
use sheetbridge::store::link::{self, LinkMemory};
use sheetbridge::store::position::{self, Saved};
use sheetbridge::store::{StoreError, batch, edits, retention, spreadsheet as counters};

use super::{Home, key, orders, owner, packed, spreadsheet};
use crate::support::server::for_each_server;

fn row(value: u64) -> RowBase {
    RowBase { columns: vec![Some(ColumnBase { value: Digest(value), cell: Digest(u64::MAX - value) }), None] }
}

async fn scanned(conn: &mut impl Queryable, link: &LinkName) -> BTreeMap<Key, Remembered> {
    let mut all = BTreeMap::new();
    base::scan(conn, link, |key, remembered| {
        all.insert(key, remembered);
    })
    .await
    .expect("base can be read");
    all
}

#[tokio::test]
async fn base_keeps_the_last_agreement_of_every_key() {
    for_each_server(async |server| {
        let (_home, mut conn) = Home::new(server, "base").await;
        // given more rows than one statement takes, with keys that hurt
        let nasty = Key(vec![
            Value::Text(format!("it's `{}` \\ \u{1F980}", "long ".repeat(600))),
            Value::UInt(u64::MAX),
        ]);
        let mut changes: Vec<_> = (0..3000).map(|n| BaseChange::Set(key(n), row(n as u64))).collect();
        changes.push(BaseChange::Set(nasty.clone(), row(7)));
        base::apply(&mut conn, &orders(), &changes).await.unwrap();
        let other = LinkName("other".into());
        base::apply(&mut conn, &other, &[BaseChange::Set(key(1), row(99))]).await.unwrap();

        // when one changes, one is forgotten, one dies, and one dies and comes back at once
        let forget = |n, dead| BaseChange::Forget { key: key(n), dead };
        let changes = [
            BaseChange::Set(key(1), row(1001)),
            forget(2, false),
            forget(3, true),
            forget(4, true),
            BaseChange::Set(key(4), row(4)),
        ];
        base::apply(&mut conn, &orders(), &changes).await.unwrap();

        // then exactly that is remembered
        let all = scanned(&mut conn, &orders()).await;
        assert_eq!(all.len(), 3000);
        assert_eq!(all[&key(1)], Remembered::Base(row(1001)));
        assert_eq!(all.get(&key(2)), None);
        assert_eq!(all[&key(3)], Remembered::Tombstone);
        assert_eq!(all[&key(4)], Remembered::Base(row(4)));
        assert_eq!(all[&nasty], Remembered::Base(row(7)));
        assert_eq!(scanned(&mut conn, &other).await[&key(1)], Remembered::Base(row(99)));

        let mut found = base::find(&mut conn, &orders(), &[key(2), key(3), nasty.clone()]).await.unwrap();
        found.sort_by_key(|(_, remembered)| matches!(remembered, Remembered::Base(_)));
        assert_eq!(found, [(key(3), Remembered::Tombstone), (nasty, Remembered::Base(row(7)))]);

        base::bury(&mut conn, &orders()).await.unwrap();
        let buried = scanned(&mut conn, &orders()).await;
        assert_eq!(buried.len(), all.len());
        assert!(buried.values().all(|remembered| *remembered == Remembered::Tombstone));
        assert_eq!(scanned(&mut conn, &other).await.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn a_row_of_ours_that_somebody_broke_is_an_error_and_not_a_guess() {
    for_each_server(async |server| {
        let (home, mut conn) = Home::new(server, "broken").await;
        base::apply(&mut conn, &orders(), &[BaseChange::Set(key(1), row(1))]).await.unwrap();
        home.sql("UPDATE base SET columns_packed = x'01ff'").await;
        let read = base::scan(&mut conn, &orders(), |_, _| ()).await;
        assert!(matches!(read, Err(StoreError::Corrupt { table: "base", .. })), "{read:?}");
    })
    .await;
}

fn entry(id: u64, kind: Kind) -> Entry {
    Entry {
        id: EffectId(id),
        link: Some(orders()),
        kind,
        key: Some(key(5)),
        cause: "edit 17".into(),
        editor: Some("ann@example.org".into()),
        claim: None,
        before: Some(b"before".to_vec()),
        after: None,
    }
}

#[tokio::test]
async fn the_ledger_carries_ids_in_the_place_where_the_tail_looks_for_them() {
    for_each_server(async |server| {
        let (home, mut conn) = Home::new(server, "ledger").await;
        let mut insert = entry(EffectId::first_of(3).0, Kind::Insert);
        insert.claim = Some(ClaimId(0xfeed));
        let mark = Entry {
            link: None,
            key: None,
            editor: None,
            before: None,
            ..entry(insert.id.next().0, Kind::Mark)
        };
        ledger::append(&mut conn, &[insert, mark]).await.unwrap();

        let found = ledger::inserted(&mut conn, &orders(), &[ClaimId(0xfeed), ClaimId(1)]).await;
        assert_eq!(found.unwrap(), [(ClaimId(0xfeed), key(5))]);
        assert_eq!(home.count(ledger::TABLE).await, 2);
        let place: usize = server
            .one(&format!(
                "SELECT ordinal_position - 1 FROM information_schema.columns WHERE table_schema = '{}'
                 AND table_name = '{}' AND column_name = 'id' AND column_type LIKE 'bigint%unsigned'",
                home.schema,
                ledger::TABLE
            ))
            .await;
        assert_eq!(place, ledger::ID_COLUMN);

        let twice = ledger::append(&mut conn, &[entry(EffectId::first_of(3).0, Kind::Write)]).await;
        assert!(twice.is_err(), "an id was used twice");
    })
    .await;
}

#[tokio::test]
async fn held_cells_links_and_positions_come_back_as_they_were() {
    for_each_server(async |server| {
        let (_home, mut conn) = Home::new(server, "held").await;
        let cell = Held {
            row: key(1).to_string(),
            column: Some("price".into()),
            reason: "refused".into(),
            value: Digest(1),
            cell: Digest(u64::MAX),
            detail: "price: must be a number".into(),
        };
        let whole = Held { column: None, reason: "duplicate_key".into(), ..cell.clone() };
        held::hold(&mut conn, &orders(), &[cell.clone(), whole.clone()]).await.unwrap();
        let again = Held { cell: Digest(2), ..cell };
        held::hold(&mut conn, &orders(), std::slice::from_ref(&again)).await.unwrap();
        let mut all = held::list(&mut conn, &orders()).await.unwrap();
        all.sort_by_key(|held| held.column.is_some());
        assert_eq!(all, [whole, again.clone()]);
        held::release(&mut conn, &orders(), &[(again.row.clone(), None)]).await.unwrap();
        assert_eq!(held::list(&mut conn, &orders()).await.unwrap(), [again]);

        let mut memory = LinkMemory {
            name: orders(),
            spreadsheet: spreadsheet(),
            sheet: None,
            table: TableName { schema: "shop".into(), table: "orders".into() },
            fingerprint: u64::MAX,
            state: r#"{"planning":{}}"#.into(),
        };
        link::save(&mut conn, &memory).await.unwrap();
        memory.sheet = Some(SheetId(0));
        memory.state = r#"{"live":{}}"#.into();
        link::save(&mut conn, &memory).await.unwrap();
        assert_eq!(link::load(&mut conn, &orders()).await.unwrap(), Some(memory));
        assert_eq!(link::load(&mut conn, &LinkName("none".into())).await.unwrap(), None);

        assert_eq!(position::load(&mut conn, "main").await.unwrap(), None);
        let gtid_set = |n: u32| Saved {
            position: format!("{}:1-{n},\n", "3e11fa47-71ca-11e1-9e33-c80aa9429562").repeat(50),
            server: "3e11fa47-71ca-11e1-9e33-c80aa9429562".into(),
        };
        position::save(&mut conn, "main", &gtid_set(1)).await.unwrap();
        position::save(&mut conn, "main", &gtid_set(2)).await.unwrap();
        assert_eq!(position::load(&mut conn, "main").await.unwrap(), Some(gtid_set(2)));
    })
    .await;
}

#[tokio::test]
async fn housekeeping_forgets_what_is_old_and_never_what_is_open() {
    for_each_server(async |server| {
        // given one of everything, all of it old
        let (home, mut conn) = Home::new(server, "clean").await;
        ledger::append(&mut conn, &[entry(1, Kind::Probe), entry(2, Kind::Write), entry(3, Kind::Mark)])
            .await
            .unwrap();
        let tombstone = BaseChange::Forget { key: key(1), dead: true };
        base::apply(&mut conn, &orders(), &[tombstone, BaseChange::Set(key(2), row(2))]).await.unwrap();
        counters::ensure(&mut conn, &spreadsheet()).await.unwrap();
        for outcome in [Some(batch::Outcome::Done), Some(batch::Outcome::Void), None] {
            let (number, _) = counters::counters(&mut conn, &spreadsheet()).await.unwrap();
            counters::advance(&mut conn, &spreadsheet(), number).await.unwrap();
            batch::intend(&mut conn, &spreadsheet(), number, &owner(1), packed("plan")).await.unwrap();
            if let Some(outcome) = outcome {
                batch::finish(&mut conn, &spreadsheet(), number, &owner(1), outcome).await.unwrap();
            }
        }
        let bodies = ["{}".to_owned(), "{}".to_owned()];
        let accepted = edits::accept(&mut conn, &orders(), "w1", &bodies).await.unwrap();
        let edits::Accepted::New(ids) = accepted else { panic!("{accepted:?}") };
        edits::answer(&mut conn, &[(ids[0], "{}".into())]).await.unwrap();
        assert_eq!(retention::clean(&mut conn).await.unwrap(), 0, "nothing is old yet");

        // when two days pass
        for (table, column) in
            [("ledger", "at"), ("batch", "at"), ("edit", "received_at"), ("base", "dead_at")]
        {
            home.sql(&format!("UPDATE {table} SET {column} = {column} - INTERVAL 2 DAY")).await;
        }
        // then the machine's own is forgotten: a probe, a mark, two settled batches of two rows
        assert_eq!(retention::clean(&mut conn).await.unwrap(), 6);
        assert_eq!(batch::open(&mut conn, &spreadsheet()).await.unwrap().len(), 1);

        // when a month passes
        for (table, column) in
            [("ledger", "at"), ("batch", "at"), ("edit", "received_at"), ("base", "dead_at")]
        {
            home.sql(&format!("UPDATE {table} SET {column} = {column} - INTERVAL 30 DAY")).await;
        }
        // then the people's, too: a write, an answered edit, a tombstone; the open batch and the open edit stay
        assert_eq!(retention::clean(&mut conn).await.unwrap(), 3);
        assert_eq!(batch::open(&mut conn, &spreadsheet()).await.unwrap().len(), 1);
        assert_eq!(edits::unanswered(&mut conn).await.unwrap().len(), 1);
        assert_eq!(home.count("base").await, 1);
    })
    .await;
}
