//! Minutes of changes on both sides with every fault of the local Google: equal at the end, memory flat, no 429 but the scripted.

use std::time::{Duration, Instant};

use sheets_emulator::faults::{Applied, Fault, Match, Rule};
use sheets_emulator::people::{Action, Person};

use crate::figures::Figures;
use crate::goods;
use crate::scenario::count_calls;
use crate::stage::{Google, Stage};
use crate::support::server::Server;
use crate::watch::Watch;

const ROWS: u32 = 4000;
const PATIENCE: Duration = Duration::from_secs(900);

/// One after the other, on a read or a write each, for as long as the soak lasts.
fn fault(n: u32) -> (&'static str, Fault) {
    match n % 10 {
        0 => ("write", Fault::LostReply { applied: Applied::Yes }),
        1 => ("write", Fault::LostReply { applied: Applied::No }),
        2 => ("write", Fault::LostReply { applied: Applied::AfterCalls(2) }),
        3 => ("read", Fault::Status { code: 503 }),
        4 => ("write", Fault::StatusAfter { code: 500 }),
        5 => ("write", Fault::Quota),
        6 => ("read", Fault::CutBody),
        7 => ("read", Fault::Slow { ms: 3000 }),
        8 => ("read", Fault::StaleRead { changes: 2 }),
        _ => ("write", Fault::CutBody),
    }
}

pub(crate) async fn run(server: &'static Server, minutes: f64) -> Figures {
    let mut stage = Stage::filled(server, ROWS).await;
    stage.settle(Google::FAST).await;
    let link = stage.links[0].clone();
    let person = Person::new("ann@example.com");
    let mut expected: Vec<f64> = (0..=ROWS).map(goods::stock).collect();
    let (began, end) = (Instant::now(), Instant::now() + Duration::from_secs_f64(minutes * 60.0));
    let (mut n, mut refusals, mut early) = (0_u32, 0_u32, None);
    while Instant::now() < end {
        n += 1;
        let id = 1 + n.wrapping_mul(2_654_435_761) % ROWS;
        stage.sql(&format!("UPDATE goods SET stock = {n} WHERE id = {id}")).await;
        expected[id as usize] = f64::from(n);
        if n.is_multiple_of(20) {
            let row = 1 + n % ROWS;
            let action =
                Action::Type { sheet: link.tab, row, column: goods::CITY, text: format!("city {n}") };
            let typed = stage.google.world().act(&stage.books[0], &person, &action);
            typed.expect("the book").expect("she may type");
        }
        if n.is_multiple_of(100) {
            let (kind, fault) = fault(n / 100);
            refusals += u32::from(fault == Fault::Quota);
            let matching = Match { method: Some(kind.to_owned()), ..Match::default() };
            stage.google.faults().add(Rule { matching, skip: 0, times: 1, fault });
        }
        if early.is_none() && began.elapsed().as_secs_f64() > minutes * 15.0 {
            early = Some(stage.resident_mb());
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let ended = Instant::now();
    let mut watch = Watch::new(&stage, &link);
    let equal = watch.is_equal(|id| expected[id as usize], PATIENCE).await;
    let equal = equal.unwrap_or_else(|| panic!("not equal within {PATIENCE:?}:\n{}", stage.log()));
    let mut figures = Figures::new();
    figures.insert("minutes".into(), minutes);
    figures.insert("changes".into(), f64::from(n));
    figures.insert("equal_after_end_s".into(), equal.duration_since(ended).as_secs_f64());
    figures.insert("resident_at_a_quarter_mb".into(), early.unwrap_or(f64::NAN));
    figures.insert("resident_at_the_end_mb".into(), stage.resident_mb());
    figures.insert("scripted_429".into(), f64::from(refusals));
    count_calls(&mut figures, &stage.calls(), Google::FAST);
    figures
}
