//! What surrounds a call to Google: numbers, intentions, fates, debts and claims.

use mysql_async::TxOpts;
use mysql_async::prelude::Queryable;
use sheetbridge::model::grid::TRASH_SLOTS;
use sheetbridge::model::link::SpreadsheetId;
use sheetbridge::model::mark::{BatchNumber, ClaimId};
use sheetbridge::store::claim::{self, OpenClaim};
use sheetbridge::store::{StoreError, batch, owed, spreadsheet as counters};

use super::{Home, key, orders, owner, packed, spreadsheet};
use crate::support::server::for_each_server;

#[tokio::test]
async fn numbers_count_up_from_a_random_start_and_are_never_used_again() {
    for_each_server(async |server| {
        let (home, mut conn) = Home::new(server, "numbers").await;
        let unknown = counters::counters(&mut conn, &spreadsheet()).await;
        assert!(matches!(unknown, Err(StoreError::UnknownSpreadsheet(_))));

        counters::ensure(&mut conn, &spreadsheet()).await.unwrap();
        let (first, slot) = counters::counters(&mut conn, &spreadsheet()).await.unwrap();
        assert!(first.0 > 0);
        assert_eq!(slot, 0);
        counters::advance(&mut conn, &spreadsheet(), BatchNumber(first.0 + 2)).await.unwrap();
        // a second start of the daemon does not start the numbers again, and an older number does not turn them back
        counters::ensure(&mut conn, &spreadsheet()).await.unwrap();
        counters::advance(&mut conn, &spreadsheet(), first).await.unwrap();
        counters::set_slot(&mut conn, &spreadsheet(), TRASH_SLOTS + 7).await.unwrap();
        assert_eq!(next(&mut conn).await, (BatchNumber(first.0 + 3), 7));

        // a rolled back transaction uses nothing up
        let mut transaction = conn.start_transaction(TxOpts::default()).await.unwrap();
        counters::advance(&mut transaction, &spreadsheet(), BatchNumber(first.0 + 9)).await.unwrap();
        transaction.rollback().await.unwrap();
        assert_eq!(next(&mut conn).await, (BatchNumber(first.0 + 3), 7));

        home.sql("UPDATE spreadsheet SET next_batch = 2147483647").await;
        let spent = counters::advance(&mut conn, &spreadsheet(), BatchNumber(i32::MAX)).await;
        assert!(matches!(spent, Err(StoreError::Exhausted(_))));
    })
    .await;
}

async fn next(conn: &mut impl Queryable) -> (BatchNumber, u32) {
    counters::counters(conn, &spreadsheet()).await.unwrap()
}

/// Uses up the next number.
async fn take(conn: &mut impl Queryable) -> BatchNumber {
    let (number, _) = next(conn).await;
    counters::advance(conn, &spreadsheet(), number).await.unwrap();
    number
}

#[tokio::test]
async fn an_intended_batch_is_open_until_its_fate_is_known() {
    for_each_server(async |server| {
        let (_home, mut conn) = Home::new(server, "open").await;
        counters::ensure(&mut conn, &spreadsheet()).await.unwrap();
        let mut numbers = Vec::new();
        for generation in 1..=3 {
            let mut transaction = conn.start_transaction(TxOpts::default()).await.unwrap();
            let number = take(&mut transaction).await;
            let plan = format!("plan {generation}").repeat(1000);
            batch::intend(&mut transaction, &spreadsheet(), number, &owner(generation), packed(&plan))
                .await
                .unwrap();
            transaction.commit().await.unwrap();
            numbers.push(number);
        }
        let other = SpreadsheetId("1another-spreadsheet-of-ours".into());
        batch::intend(&mut conn, &other, numbers[0], &owner(1), packed("")).await.unwrap();

        // when the first lands and the second is voided by a later start
        batch::finish(&mut conn, &spreadsheet(), numbers[0], &owner(1), batch::Outcome::Done).await.unwrap();
        for _again in 0..2 {
            batch::finish(&mut conn, &spreadsheet(), numbers[1], &owner(3), batch::Outcome::Void)
                .await
                .unwrap();
        }
        // then the third is open, with its plan
        let open = batch::open(&mut conn, &spreadsheet()).await.unwrap();
        assert_eq!(open, [(numbers[2], owner(3), "plan 3".repeat(1000).into_bytes())]);
        assert_eq!(batch::open(&mut conn, &other).await.unwrap().len(), 1);
    })
    .await;
}

#[tokio::test]
async fn batches_whose_fate_is_known_are_told_with_their_ends() {
    for_each_server(async |server| {
        let (home, mut conn) = Home::new(server, "tokens").await;
        counters::ensure(&mut conn, &spreadsheet()).await.unwrap();
        let mut numbers = Vec::new();
        for _ in 0..3 {
            let number = take(&mut conn).await;
            batch::intend(&mut conn, &spreadsheet(), number, &owner(1), packed("")).await.unwrap();
            numbers.push(number);
        }
        // given one that landed long ago, one that is dead, and one that is open
        batch::finish(&mut conn, &spreadsheet(), numbers[0], &owner(1), batch::Outcome::Done).await.unwrap();
        batch::finish(&mut conn, &spreadsheet(), numbers[1], &owner(1), batch::Outcome::Void).await.unwrap();
        home.sql(&format!("UPDATE batch SET at = at - INTERVAL 16 MINUTE WHERE number = {}", numbers[0].0))
            .await;

        let ended = batch::ended(&mut conn, &spreadsheet()).await.unwrap();

        let told: Vec<_> = ended.iter().map(|(number, _, landed)| (*number, *landed)).collect();
        assert_eq!(told, [(numbers[0], true), (numbers[1], false)]);
        let apart = ended[1].1 - ended[0].1;
        assert!(apart >= 15 * 60 * 1_000_000, "in microseconds: {apart}");
    })
    .await;
}

#[tokio::test]
async fn debts_are_kept_until_they_are_paid() {
    for_each_server(async |server| {
        let (_home, mut conn) = Home::new(server, "owed").await;
        let debts: Vec<_> = (0..100).map(|id| (u64::MAX - id, format!("{{\"n\":{id}}}"))).collect();
        owed::insert(&mut conn, &spreadsheet(), &debts).await.unwrap();
        owed::insert(&mut conn, &spreadsheet(), &[(u64::MAX, "{}".into())]).await.unwrap();
        let paid: Vec<_> = debts[1..99].iter().map(|(id, _)| *id).collect();
        owed::delete(&mut conn, &spreadsheet(), &paid).await.unwrap();
        let left = owed::list(&mut conn, &spreadsheet()).await.unwrap();
        assert_eq!(left, [debts[99].clone(), (u64::MAX, "{}".to_owned())]);
    })
    .await;
}

#[tokio::test]
async fn a_claim_is_open_until_the_key_stands_in_the_sheet() {
    for_each_server(async |server| {
        let (home, mut conn) = Home::new(server, "claims").await;
        let content = |n: u64| format!("{{\"cells\":[\"\u{fc}\",{n}]}}");
        let claims = [1, 2, 3].map(|n| (ClaimId(n), content(n)));
        claim::insert(&mut conn, &orders(), &claims).await.unwrap();
        claim::keyed(&mut conn, &orders(), ClaimId(2), &key(51)).await.unwrap();
        claim::drop_claims(&mut conn, &orders(), &[ClaimId(3)]).await.unwrap();
        let expected = |claim, key| OpenClaim { claim: ClaimId(claim), key, content: content(claim) };
        assert_eq!(
            claim::open(&mut conn, &orders()).await.unwrap(),
            [expected(1, None), expected(2, Some(key(51)))]
        );

        claim::name(&mut conn, &orders(), &[ClaimId(2)]).await.unwrap();
        assert_eq!(claim::open(&mut conn, &orders()).await.unwrap(), [expected(1, None)]);
        assert_eq!(home.count("claim").await, 2);
        claim::delete_named(&mut conn, &orders()).await.unwrap();
        assert_eq!(home.count("claim").await, 1);
    })
    .await;
}
