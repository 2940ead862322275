//! What Google may do to a script and nobody can order: each a knob.

use serde::{Deserialize, Serialize};

/// How Google treats a script. The default is the friendly position of every knob.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ScriptKnobs {
    /// Are trigger events delivered at all?
    pub deliver: bool,
    /// Share of trigger events that are lost, 0 to 1.
    pub lose: f64,
    /// Share of trigger events that are delivered twice.
    pub double: f64,
    /// Share of trigger events that overtake those already waiting.
    pub reorder: f64,
    /// Events beyond so many waiting ones are dropped. Google's page says 2 for a simple `onEdit()`; for installable
    /// triggers no number is known, so there is none by default.
    pub queue_limit: Option<usize>,
    /// How long after its cause a trigger runs.
    pub delay_ms: u64,
    /// Executions at once, 1 to [`MAX_PARALLEL`]. With 1, they run in the order of their causes.
    pub parallel: usize,
    /// Where a run is killed, as Google does when it moves work between machines.
    pub kill: Option<Kill>,
    /// How long one execution may take, `Utilities.sleep` included.
    pub run_limit_ms: u64,
    /// `UrlFetchApp` requests that are left for today.
    pub fetches_left: Option<u32>,
    /// Milliseconds that triggers may still run today (Google gives 90 minutes); events after that become no runs.
    pub trigger_ms_left: Option<u64>,
    /// Does a cleared cell's edit event have an object `{oldValue}` for its `value`, as some runtimes gave, or none?
    pub cleared_value_is_object: bool,
    /// The script's time zone instead of its manifest's.
    pub script_zone: Option<String>,
    /// Do time triggers run by the emulator's clock, or only when a test asks?
    pub timers: bool,
    /// Where the dice for the shares above begin; setting the knobs starts them anew.
    pub seed: u64,
}

/// As many executions as one user's scripts may have at a time.
pub const MAX_PARALLEL: usize = 30;

impl Default for ScriptKnobs {
    fn default() -> Self {
        Self {
            deliver: true,
            lose: 0.0,
            double: 0.0,
            reorder: 0.0,
            queue_limit: None,
            delay_ms: 0,
            parallel: 1,
            kill: None,
            run_limit_ms: 6 * 60 * 1000,
            fetches_left: None,
            trigger_ms_left: None,
            cleared_value_is_object: false,
            script_zone: None,
            timers: true,
            seed: 1,
        }
    }
}

/// A run is killed at a point, with a chance.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Kill {
    /// Where.
    pub at: KillPoint,
    /// How often, 0 to 1.
    pub chance: f64,
}

impl Kill {
    /// Every run that comes there.
    pub fn always(at: KillPoint) -> Self {
        Self { at, chance: 1.0 }
    }
}

/// Where a run can be killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KillPoint {
    /// The request is ready and has not left.
    BeforeSend,
    /// The answer is there and the script has not seen it.
    AfterSend,
    /// Before the call to a Google service of this number, counted from 0 in each run.
    Call(u32),
}

/// Dice that give the same throws for the same seed (splitmix64).
#[derive(Debug)]
pub(super) struct Dice(u64);

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// True with this chance.
    pub(super) fn fall(&mut self, chance: f64) -> bool {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        ((mixed >> 11) as f64 / (1_u64 << 53) as f64) < chance
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dice_keep_to_their_chance_and_repeat() {
        let throws = |seed| {
            let mut dice = Dice::new(seed);
            (0..1000).map(|_| dice.fall(0.25)).collect::<Vec<_>>()
        };
        let count = throws(7).iter().filter(|fell| **fell).count();
        assert!((200..300).contains(&count), "{count} of 1000");
        assert_eq!(throws(7), throws(7));
        assert_ne!(throws(7), throws(8));
        assert!(!Dice::new(3).fall(0.0) && Dice::new(3).fall(1.0));
    }
}
