//! `sheetbridge plan`

use std::process::ExitCode;

use crate::cli::Configuration;
use crate::cli::office::{at_early_desk, fail, link, tell};
use crate::daemon::plan::{LinkPlan, plan};
use crate::model::link::LinkName;

/// What a cell of a look at all of a tab takes in Google's answer: 296,481 bytes came of 500 rows of nine columns (`make bench
/// ONLY=person SLOWEST=3`, the header and tokens among them).
const BYTES_A_CELL: usize = 66;

/// Tells what a link would do, and writes nothing.
pub(super) fn run(configuration: &Configuration, name: &LinkName) -> ExitCode {
    at_early_desk(configuration, async |desk, settings| {
        let link = match link(settings, name) {
            Ok(link) => link,
            Err(code) => return code,
        };
        match plan(desk, settings, link).await {
            Ok(plan) => {
                for line in told(&plan, settings.google.cells_per_read as usize) {
                    tell(&format!("{name}: {line}"));
                }
                tell("nothing was written");
                ExitCode::SUCCESS
            }
            Err(error) => fail(&error, ""),
        }
    })
}

/// The plan, one line for each thing that it would do. A call reads so many cells.
fn told(plan: &LinkPlan, cells_per_read: usize) -> Vec<String> {
    let (table, preview) = (plan.table, &plan.preview);
    let tab = match plan.tab {
        Some(rows) => format!("{rows} rows in the tab"),
        None => "the tab would be made".to_owned(),
    };
    let mut lines = vec![format!("{table} rows in the table, {tab}, {} of them equal", preview.equal)];
    for (count, what) in [
        (preview.adopted, "equal rows would be adopted without a write"),
        (preview.to_sheet, "cells would be written into the tab"),
        (preview.to_table, "cells would be written into the table"),
        (preview.renamed, "records would take the key that their rows show"),
        (preview.conflicts, "cells differ on both sides: the link's rules would decide, and list them"),
        (preview.held, "cells would be held as they are"),
        (preview.tied, "rows without a key would be tied to their records by `match_on`"),
        (
            preview.ambiguous,
            "rows without a key would be held: `match_on` finds more than one record, or more than one row, with their values",
        ),
        (preview.made_in_sheet, "rows would be made in the tab"),
        (preview.made_in_table, "rows would be made in the table"),
        (preview.removed_from_sheet, "rows would leave the tab"),
        (preview.deleted_in_table, "rows would be deleted in the table"),
        (preview.left, "rows would be left where they stand"),
    ] {
        if count > 0 {
            lines.push(format!("{count} {what}"));
        }
    }
    lines.extend(
        preview
            .pauses
            .iter()
            .map(|pause| format!("a brake would stop it ({}): {}", pause.brake, pause.reason)),
    );
    if preview.is_quiet() {
        lines.push("there is nothing to do".to_owned());
    }
    let cells = table.max(plan.tab.unwrap_or_default()) * plan.columns;
    if cells > cells_per_read {
        let (megabytes, calls) = (cells * BYTES_A_CELL / 1_000_000, cells.div_ceil(cells_per_read) + 2);
        lines.push(format!(
            "a look at all of the tab takes {calls} calls (google.cells_per_read), whose answers have about {megabytes} MB before \
             they are compressed; it is looked at all over at each start, and seldom after"
        ));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::preview::Preview;

    #[test]
    fn a_plan_tells_what_it_would_do_and_nothing_else() {
        let preview = Preview { equal: 10, deleted_in_table: 2, ..Preview::default() };
        let lines = told(&LinkPlan { table: 12, tab: Some(10), columns: 3, preview }, 500_000);
        assert_eq!(
            lines,
            [
                "12 rows in the table, 10 rows in the tab, 10 of them equal",
                "2 rows would be deleted in the table"
            ]
        );
        let quiet = told(&LinkPlan { table: 0, tab: None, columns: 3, preview: Preview::default() }, 500_000);
        assert_eq!(quiet.last().map(String::as_str), Some("there is nothing to do"));
        let large =
            told(&LinkPlan { table: 1_000_000, tab: None, columns: 9, preview: Preview::default() }, 500_000);
        assert!(
            large.last().is_some_and(|line| line.contains("takes 20 calls") && line.contains("about 594 MB")),
            "{large:?}"
        );
    }
}
