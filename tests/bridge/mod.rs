//! The bridge as a whole: the built daemon between a real server and the local Google Sheets, with the project's own script
//! in the spreadsheet and people on both sides.
//!
//! [`rig`] sets it up, [`person`] acts in the tab, [`judge`] says whether both sides are equal, [`binlog`] and [`calls`]
//! count what was written and asked.

pub(crate) mod binlog;
pub(crate) mod calls;
pub(crate) mod daemon;
pub(crate) mod goods;
pub(crate) mod judge;
pub(crate) mod person;
pub(crate) mod rig;
pub(crate) mod storm;

mod brakes;
mod browser;
mod columns;
mod day;
mod door;
mod dropdowns;
mod echoes;
mod filtered;
mod import;
mod injection;
mod keys;
mod large;
mod lists;
mod log;
mod many;
mod notes;
mod own_rules;
mod pages;
mod pastes;
mod people;
mod proxies;
mod restart;
mod storms;
mod strangers;
mod to_sheet;
mod to_table;
mod unseen;
mod usual;
mod values;
