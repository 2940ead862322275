//! Brakes that went on or off, for the operators and for the next start.

use crate::daemon::perform::{Memory, Performer};
use crate::engine::adopt::Knowledge;
use crate::engine::input::{Input, TableIndex};
use crate::model::pause::{Cure, Pause};
use crate::store::{self, StoreError};

impl Performer {
    /// Stores which brakes of a link are on. It is tried until it is done: the position waits for a stop that is not stored.
    pub(super) async fn keep_pauses(
        &self,
        index: TableIndex,
        pauses: &[Pause],
        knowledge: Knowledge,
    ) -> Result<Input, StoreError> {
        let keep = || self.try_keep(index, pauses, knowledge);
        self.insist("why a link is paused is not stored", keep).await?;
        Ok(Input::PausesKept(index))
    }

    async fn try_keep(
        &self,
        index: TableIndex,
        pauses: &[Pause],
        knowledge: Knowledge,
    ) -> Result<(), StoreError> {
        let link = &self.tables[index].link.rules.name;
        let mut tx = self.begin().await?;
        store::pause::keep(&mut *tx, link, pauses).await?;
        if pauses.iter().any(|pause| pause.brake.cure() == Cure::Anew)
            && let Some(mut memory) = store::link::load_to_change(&mut *tx, link).await?
        {
            // A link that stands still is not followed: its way back is to read the whole table.
            let mut state = Memory { knowledge, ..Memory::parse(&memory.state) };
            state.ask();
            memory.state = state.text();
            store::link::save(&mut *tx, &memory).await?;
        }
        tx.commit().await
    }
}
