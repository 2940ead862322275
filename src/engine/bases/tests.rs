use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::model::digest::Digest;
use crate::model::value::Value;

/// What happens to one row.
#[derive(Clone, Debug)]
enum Act {
    Insert(Key, RowBase),
    Remove(Key),
}

fn key() -> impl Strategy<Value = Key> {
    prop_oneof![
        6 => (0..600_i64).prop_map(|id| Key(vec![Value::Int(id)])),
        2 => (-2..3_i64, "[ab]{0,3}").prop_map(|(id, name)| Key(vec![Value::Int(id), Value::Text(name)])),
        // A key that fills a page, and one that fills more than one.
        1 => ("[xyz]", 3_000..5_000_usize).prop_map(|(name, times)| Key(vec![Value::Text(name.repeat(times))])),
    ]
}

fn row() -> impl Strategy<Value = RowBase> {
    // Few digests, so that both sides often have the same.
    let column = (0..3_u64, 0..3_u64)
        .prop_map(|(value, cell)| ColumnBase { value: Digest(value), cell: Digest(cell) });
    let columns = |most| prop::collection::vec(prop::option::of(column.clone()), 0..most);
    prop_oneof![20 => columns(12), 1 => columns(700)].prop_map(|columns| RowBase { columns })
}

/// Some acts at random; and runs of rows that come, or go, in order.
fn acts() -> impl Strategy<Value = Vec<Act>> {
    let insert = (key(), row()).prop_map(|(key, row)| vec![Act::Insert(key, row)]);
    let remove = key().prop_map(|key| vec![Act::Remove(key)]);
    let number = |id: i64| Key(vec![Value::Int(id)]);
    let come = (0..500_i64, 1..300_i64, row(), any::<bool>()).prop_map(move |(from, many, row, up)| {
        let id = |at| if up { from + at } else { from + many - at };
        (0..many).map(|at| Act::Insert(number(id(at)), row.clone())).collect()
    });
    let go = (0..500_i64, 1..300_i64)
        .prop_map(move |(from, many)| (from..from + many).map(|id| Act::Remove(number(id))).collect());
    let some = prop_oneof![20 => insert, 20 => remove, 1 => come, 1 => go];
    prop::collection::vec(some, 0..150).prop_map(|acts: Vec<Vec<Act>>| acts.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn rows_are_kept_as_a_tree_keeps_them(acts in acts(), asked in prop::collection::vec(key(), 20)) {
        let (mut bases, mut tree) = (Bases::default(), BTreeMap::new());
        for act in acts {
            match act {
                Act::Insert(key, row) => prop_assert_eq!(bases.insert(&key, &row), tree.insert(key, row)),
                Act::Remove(key) => prop_assert_eq!(bases.remove(&key), tree.remove(&key)),
            }
            prop_assert_eq!(bases.len(), tree.len());
        }
        for key in asked.iter().chain(tree.keys()) {
            let row = tree.get(key);
            prop_assert_eq!(bases.get(key), row.cloned());
            prop_assert_eq!(bases.contains_key(key), row.is_some());
            for at in 0..13 {
                let column = row.and_then(|row| row.columns.get(at).copied().flatten());
                prop_assert_eq!(bases.column(key, at), column);
            }
        }
        prop_assert!(bases.keys().eq(tree.keys().cloned()));
        prop_assert!(bases.iter().eq(tree.clone()));
        prop_assert!(bases.clone().into_keys().eq(tree.keys().cloned()));
        prop_assert!(bases.into_rows().eq(tree));
    }
}

fn agreed(id: i64) -> (Key, RowBase) {
    let column = |at| Some(ColumnBase { value: Digest(at), cell: Digest(!at) });
    (Key(vec![Value::Int(id)]), RowBase { columns: (0..9).map(column).collect() })
}

#[test]
fn rows_that_come_in_order_fill_their_pages() {
    let bases: Bases = (0..10_000).map(agreed).collect();
    let rows = 10_000 / bases.pages.len();
    assert!(rows >= 4096 / 170 - 1, "{rows} rows a page");
    assert!(bases.pages.values().all(|page| page.len() > 1), "{bases:?}");
}

#[test]
fn pages_that_lose_their_rows_go() {
    let mut bases: Bases = (0..10_000).map(agreed).collect();
    let pages = bases.pages.len();
    for id in (0..10_000).filter(|id| id % 10 > 0) {
        bases.remove(&agreed(id).0);
    }
    assert!(bases.pages.len() * 3 < pages, "{bases:?} of {pages}");
    (0..10_000).for_each(|id| drop(bases.remove(&agreed(id).0)));
    assert_eq!((bases.len(), bases.pages.len()), (0, 0));
}
