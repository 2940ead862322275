//! Two hundred links over twenty spreadsheets; then one of the spreadsheets breaks, and is mended again.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use sheets_emulator::Cause;
use sheets_emulator::grid::{SheetId, Spreadsheet};

use crate::Scale;
use crate::figures::Figures;
use crate::slowest::{self, Sample};
use crate::stage::{Google, Link, Stage};
use crate::support::server::Server;
use crate::watch::Watch;

const BOOKS: u32 = 20;
const PATIENCE: Duration = Duration::from_secs(120);

pub(crate) async fn run(server: &'static Server, scale: Scale) -> Figures {
    let mut figures = Figures::new();
    let a_book = scale.of(200, 40) / BOOKS;
    let links: Vec<Link> = (0..BOOKS * a_book)
        .map(|n| Link {
            name: format!("goods_{n}"),
            book: (n / a_book) as usize,
            tab: SheetId((n % a_book) as i32),
            rows: 20,
            filled: true,
        })
        .collect();
    let mut stage = Stage::open(server, links).await;
    // An account whose quota was raised: with the usual one twenty spreadsheets wait for their calls, and nothing else shows.
    // The changes come about eight a second, which is what a quota of 600 has: of that the slowest showed the wait alone.
    let google = Google { quota: 1200, ..Google::FAST };
    stage.settle(google).await;
    // Half of the changes to whole spreadsheets come before the others and half behind, so that what grows with time, as the
    // metadata of young spreadsheets does, is in both series.
    let half = scale.of(1000, 20);
    let mut whole = changes(&stage, half, 10_000).await;
    let last = stage.links.last().expect("a link");
    let editors = share_last_with(&stage, BTreeSet::new());
    stage.sql(&format!("UPDATE {} SET stock = -1", last.name)).await;
    let broken = changes(&stage, 2 * half, 1_000_000).await;
    share_last_with(&stage, editors);
    let caught_up = Watch::new(&stage, last).is_equal(|_| -1.0, PATIENCE).await;
    caught_up.unwrap_or_else(|| panic!("the mended one has nothing after {PATIENCE:?}:\n{}", stage.log()));
    whole.extend(changes(&stage, half, 2_000_000).await);
    slowest::report(&mut figures, "all_whole", &stage, &whole, None);
    slowest::report(&mut figures, "one_broken", &stage, &broken, None);
    let (before, after) = (figures["all_whole_p99_ms"], figures["one_broken_p99_ms"]);
    figures.insert("p99_change_percent".into(), (after / before - 1.0) * 100.0);
    let refused = stage.calls().iter().filter(|call| call.status == 429).count();
    figures.insert("calls_refused_429".into(), refused as f64);
    figures
}

/// Lets these edit the last spreadsheet, and gives those who could. Without the daemon's account among them it is a broken one.
fn share_last_with(stage: &Stage, editors: BTreeSet<String>) -> BTreeSet<String> {
    let last = stage.books.last().expect("there are twenty");
    let share = |book: &mut Spreadsheet| Ok::<_, ()>(std::mem::replace(&mut book.sharing.editors, editors));
    let shared = stage.google.world().edit(last, Cause::Api, share);
    shared.expect("the spreadsheet is there").expect("nothing is refused").0
}

/// Single changes in tabs of all spreadsheets but the last, to values from `first` on.
async fn changes(stage: &Stage, count: u32, first: u32) -> Vec<Sample> {
    let whole: Vec<&Link> = stage.links.iter().filter(|link| link.book + 1 < BOOKS as usize).collect();
    let mut samples = Vec::new();
    for n in 0..count {
        let link = whole[(n.wrapping_mul(2_654_435_761) % whole.len() as u32) as usize];
        let mut watch = Watch::new(stage, link);
        let (id, stock) = (1 + n % link.rows, first + n);
        stage.sql(&format!("UPDATE {} SET stock = {stock} WHERE id = {id}", link.name)).await;
        let (at, committed) = (slowest::now(), Instant::now());
        let seen = watch.shows(id, f64::from(stock), PATIENCE).await;
        let seen = seen.unwrap_or_else(|| panic!("not within {PATIENCE:?}:\n{}", stage.log()));
        samples.push((at, seen.duration_since(committed).as_secs_f64() * 1e3));
        tokio::time::sleep(Duration::from_millis(u64::from(60 + n * 31 % 80))).await;
    }
    samples
}
