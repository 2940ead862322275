//! The grid against a naive model: any sequence of requests and of people's actions ends in the same cells, notes,
//! formats and labels.

mod naive;
mod step;

use sheets_emulator::Knobs;
use sheets_emulator::grid::{SpreadsheetId, Tab};

use self::naive::Model;
use super::stage::{ID, SHEET, Stage};

/// A small generator: the same seed, the same story.
pub(super) struct Dice(u64);

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(super) fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % limit.max(1)
    }

    /// A part of `0..length`, never empty.
    pub(super) fn span(&mut self, length: usize) -> (usize, usize) {
        let start = self.below(length);
        (start, start + 1 + self.below(length - start))
    }
}

#[tokio::test]
async fn any_story_ends_as_a_naive_model_says() {
    let (writes_per_user, writes_per_project) = (u32::MAX, u32::MAX);
    for seed in 1..=8 {
        let stage = Stage::with(Knobs { writes_per_user, writes_per_project, ..Knobs::default() }).await;
        stage.emulator.world().create(SpreadsheetId::new(ID), "Model", |book| {
            book.sharing.everyone = true;
            book.tabs[0] = Tab::new(SHEET, "T", 12, 4);
        });
        let (mut model, mut dice) = (Model::new(12, 4), Dice::new(seed));
        for number in 1..=200 {
            let step = step::any(&mut dice, &model, number);
            let before = model.clone();
            model.take(&step);
            let by = step.perform(&stage, dice.below(2) == 0).await;
            let story = || format!("seed {seed}, step {number}, {step:?} by a {by}, before it: {before:#?}");
            assert_eq!(Model::of(&stage), model, "{}", story());
        }
    }
}
