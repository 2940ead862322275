//! Every column type, random values: SQL writes them, the daemon carries them to the tab, a person types again what the tab
//! shows, and the server's own SELECT says that nothing changed. The seed is printed.

use mysql_async::prelude::Queryable;
use mysql_async::{Row, Value};

use super::rig::{Rig, Setup};
use crate::database::random::Random;
use crate::database::types::{Typed, integers, maria, numbers, texts, times};
use crate::support::server::{Kind, Server, for_each_server};

/// Half of them are copied at the first start, half come by the binlog.
const ROWS: u64 = 16;

#[tokio::test]
async fn a_value_that_is_typed_again_as_it_is_shown_stays_what_it_is() {
    for_each_server(async |server| {
        for (story, kinds) in
            [("integers", integers()), ("numbers", numbers()), ("times", times()), ("texts", texts())]
        {
            there_and_back(server, story, &kinds).await;
        }
        if server.kind() == Kind::MariaDb {
            there_and_back(server, "maria", &maria()).await;
        }
    })
    .await;
}

async fn there_and_back(server: &'static Server, story: &str, kinds: &[Typed]) {
    // given random rows of every type, some there before the daemon and some made beside it
    let mut random = Random::seeded();
    let mut literal = |make: fn(&mut Random) -> String| {
        // A longer one is shown cut, and then it is not for people to change.
        loop {
            let literal = random.or_null(make);
            if literal.len() < 20_000 {
                break literal;
            }
        }
    };
    let mut rows = || {
        let rows = (0..ROWS / 2).map(|_| {
            let literals: Vec<String> = kinds.iter().map(|(_, make)| literal(*make)).collect();
            format!("(NULL, {})", literals.join(", "))
        });
        format!("SET sql_mode = ''; INSERT INTO goods VALUES {}", rows.collect::<Vec<_>>().join(", "))
    };
    let columns: Vec<String> =
        kinds.iter().enumerate().map(|(i, (kind, _))| format!("c{i} {kind}")).collect();
    let create = format!("CREATE TABLE goods (id INT AUTO_INCREMENT PRIMARY KEY, {})", columns.join(", "));
    let setup = Setup { table: Some(format!("{create}; {}", rows())), ..Setup::default() };
    let rig = Rig::open_with(server, &format!("values_{story}"), setup, ROWS / 2).await;
    rig.sql(&rows()).await;
    rig.until_base_has(ROWS).await;
    let before = selected(&rig).await;
    let ann = rig.person("ann@example.com");
    let shown = ann.reads_all(kinds.len() as u32 + 1);
    assert_eq!(shown.len() as u64, ROWS, "{server} {story}");

    // when a person types over each cell what it shows, and after that into a cell that tells when all is done
    for row in &shown {
        let texts: Vec<&str> = row[1..].iter().map(String::as_str).collect();
        assert!(ann.pastes(&row[0], "c0", &[&texts]), "{server} {story}: row {}", row[0]);
    }
    ann.deletes(&shown[0][0]);
    rig.table_says(&format!("SELECT COUNT(*) FROM goods WHERE id = {}", shown[0][0]), "0").await;
    rig.until_base_has(ROWS - 1).await;
    same(server, kinds, &before[1..], &selected(&rig).await);

    // and when they type the same texts into new rows, then each new row is the old one with a key of its own
    let block: Vec<Vec<&str>> =
        shown[1..].iter().map(|row| row[1..].iter().map(String::as_str).collect()).collect();
    let block: Vec<&[&str]> = block.iter().map(Vec::as_slice).collect();
    ann.pastes_below("c0", &block);
    rig.table_says("SELECT CAST(COUNT(*) AS CHAR) FROM goods", &(2 * (ROWS - 1)).to_string()).await;
    rig.until_base_has(2 * (ROWS - 1)).await;
    same(server, kinds, &as_sheets_keep(&before[1..]), &selected(&rig).await[ROWS as usize - 1..]);
}

/// The whole table in the order of its key, as the server gives it in binary; JSON and text in the characters of the session.
async fn selected(rig: &Rig) -> Vec<Vec<Value>> {
    let select = format!("SELECT * FROM {}.goods ORDER BY id", rig.database);
    let rows: Vec<Row> = rig.server.connect().await.exec(select, ()).await.expect("a right query");
    rows.into_iter().map(Row::unwrap).collect()
}

/// The same in every column but the key.
fn same(server: &Server, kinds: &[Typed], left: &[Vec<Value>], right: &[Vec<Value>]) {
    assert_eq!(left.len(), right.len(), "{server}");
    for (left, right) in left.iter().zip(right) {
        for (((kind, _), was), is) in kinds.iter().zip(&left[1..]).zip(&right[1..]) {
            assert_eq!(was, is, "{server} {kind}: of {:?} and {:?}", left[0], right[0]);
        }
    }
}

/// The rows as a sheet can give them back: it keeps fifteen digits of a number.
fn as_sheets_keep(rows: &[Vec<Value>]) -> Vec<Vec<Value>> {
    let kept = |value: &Value| match value {
        Value::Double(number) => Value::Double(format!("{number:.14e}").parse().expect("a number")),
        other => other.clone(),
    };
    rows.iter().map(|row| row.iter().map(kept).collect()).collect()
}
