//! Batches: the intention is durable before the send, and nothing is sent twice.

use crate::daemon::perform::Performer;
use crate::engine::effect::Naming;
use crate::engine::input::{Input, ReceiptView, SendOutcome};
use crate::engine::plan::Plan;
use crate::model::cell::Cell;
use crate::model::grid::{Fate, GridBatch, GridOp, Receipt};
use crate::model::link::SheetId;
use crate::model::mark::ClaimId;
use crate::sheet::request::Grids;
use crate::sheet::write::{Naming as Named, Outcome};
use crate::store::pack::Packed;
use crate::store::{self, StoreError};

impl Performer {
    pub(super) async fn send(&self, plan: &Plan) -> Result<Input, StoreError> {
        let number = plan.number;
        let Some(grids) = self.last_read().as_deref().and_then(Grids::of) else {
            return Ok(Input::Sent(number, SendOutcome::NotSent));
        };
        if let Err(error) = self.intend(plan).await {
            self.log("a batch waits", &error);
            if error.is_final() {
                return Err(error);
            }
            // The answer to the commit may be what was lost: an intention that stands is carried out.
            let what = "whether a batch was written down is not known yet";
            if !self.insist(what, || self.is_intended(plan)).await? {
                return Ok(Input::Sent(number, SendOutcome::NotSent));
            }
        }
        let batch = plan.batch();
        let outcome = match self.client.send(self.lane(), &self.spreadsheet, &batch, &grids).await {
            Ok(Outcome::Applied(receipt)) => {
                self.journal_batch(plan);
                SendOutcome::Applied(self.receipt_view(&batch, receipt))
            }
            Ok(Outcome::Refused { ops, reason }) => {
                // Several that share a request: any of them may be to blame.
                let op = if let [op] = ops[..] { Some(op) } else { None };
                SendOutcome::Refused { op, reason }
            }
            // The number is in use, by our own first try or by a stranger: its value tells.
            Ok(Outcome::TokenTaken | Outcome::Unknown) => SendOutcome::Unknown,
            Err(error) => {
                self.log("a batch was not sent", &error);
                SendOutcome::NotSent
            }
        };
        Ok(Input::Sent(number, outcome))
    }

    async fn intend(&self, plan: &Plan) -> Result<(), StoreError> {
        let mut tx = self.begin_memory().await?;
        let packed = Packed::of(|out| Ok(serde_json::to_writer(out, plan)?))
            .map_err(|_| StoreError::Corrupt { table: "batch", what: "a plan cannot be written down" })?;
        store::spreadsheet::advance(&mut *tx, &self.spreadsheet, plan.number).await?;
        store::batch::intend(&mut *tx, &self.spreadsheet, plan.number, &plan.owner, packed).await?;
        tx.commit().await
    }

    async fn is_intended(&self, plan: &Plan) -> Result<bool, StoreError> {
        let mut conn = self.pool.get_conn().await?;
        let open = store::batch::open(&mut conn, &self.spreadsheet).await?;
        Ok(open.iter().any(|(number, _, _)| *number == plan.number))
    }

    pub(super) async fn settle(&self, plan: &Plan) -> Input {
        let number = plan.number;
        match self.fate(plan).await {
            Ok(landed) => {
                let word = if landed.is_some() { "it landed" } else { "it is dead" };
                tracing::info!(
                    SHEET = self.spreadsheet.0,
                    BATCH = number.0,
                    "the fate of a batch is settled: {word}"
                );
                Input::Settled { number, landed }
            }
            Err(error) => {
                self.log("the fate of a batch cannot be settled yet", &error);
                Input::SettleFailed(number)
            }
        }
    }

    async fn fate(&self, plan: &Plan) -> Result<Option<ReceiptView>, crate::sheet::error::SheetError> {
        match self.client.settle(&self.spreadsheet, plan.number).await? {
            Fate::Landed(owner) if owner == plan.owner => {
                if self.last_read().is_none() {
                    // After a restart nothing is read yet: the receipt's rows are understood by the tabs' headers.
                    self.read(0, &[]).await;
                }
                let batch = plan.batch();
                let receipt = self.client.receipt(&self.spreadsheet, &batch).await?;
                Ok(Some(receipt.map_or_else(Vec::new, |receipt| self.receipt_view(&batch, receipt))))
            }
            Fate::Landed(_) | Fate::Void => Ok(None),
        }
    }

    fn receipt_view(&self, batch: &GridBatch, receipt: Receipt) -> ReceiptView {
        let last = self.last_read();
        let Receipt { headers, rows } = receipt;
        let one = |(op, row): (&GridOp, Option<Vec<crate::model::grid::GridCell>>)| {
            let (row, sheet) = (row?, sheet_of(op)?);
            let table = self.tables.iter().find(|table| table.sheet() == Some(sheet))?;
            let tab = last.as_ref()?.tabs.iter().find(|tab| tab.sheet == sheet)?;
            let header = headers.iter().find(|(id, _)| *id == sheet).map(|(_, cells)| cells.as_slice());
            Some(table.receipt_row(header.unwrap_or_default(), tab, row))
        };
        batch.ops.iter().zip(rows).map(one).collect()
    }

    pub(super) async fn name(&self, names: Vec<Naming>) -> Input {
        let rows: Vec<(ClaimId, Vec<(u32, Cell)>)> = names
            .iter()
            .map(|naming| {
                let cells = self.tables[naming.table].key_cells(&naming.key);
                (naming.claim, cells.into_iter().map(|(at, cell)| (naming.columns[at], cell)).collect())
            })
            .collect();
        match self.client.name(self.lane(), &self.spreadsheet, &rows).await {
            Ok(Named::Written | Named::Unknown) => {}
            // A claimed row that is gone makes Google refuse the call; the next read tells which.
            Ok(Named::Refused(reason)) => {
                tracing::info!(SHEET = self.spreadsheet.0, reason, "keys were not written");
            }
            Err(error) => self.log("keys of new rows wait", &error),
        }
        Input::Named
    }

    fn journal_batch(&self, plan: &Plan) {
        self.log_batch(plan);
        tracing::info!(
            SHEET = self.spreadsheet.0.as_str(),
            BATCH = plan.number.0,
            DIRECTION = "to_sheet",
            OUTCOME = "applied",
            "table -> sheet: {} rows in one batch",
            plan.ops.len()
        );
        for op in &plan.ops {
            let table = self.tables.iter().find(|table| table.link.rules.name == op.link);
            let name = table.map(|table| table.schema.name.to_string()).unwrap_or_default();
            let key = op.aim.key().map(ToString::to_string).unwrap_or_default();
            tracing::debug!(
                LINK = op.link.0.as_str(),
                TABLE = name,
                ROW_KEY = key,
                DIRECTION = "to_sheet",
                OUTCOME = "applied",
                "table -> sheet: {}",
                op.aim.word()
            );
        }
    }
}

fn sheet_of(op: &GridOp) -> Option<SheetId> {
    match op {
        GridOp::Write { sheet, .. } | GridOp::Claim { sheet, .. } | GridOp::Delete { sheet, .. } => {
            Some(*sheet)
        }
        GridOp::Insert { .. } | GridOp::Restore { .. } | GridOp::Unclaim { .. } => None,
    }
}
