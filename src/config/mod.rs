//! From one TOML file to checked settings.
//!
//! [`raw`] is what stands in the file and in `SHEETBRIDGE_…` variables, [`check`] turns it into [`settings`] or says
//! everything that is wrong with it at once, and [`mod@load`] reads the files that both need. After that nobody checks a
//! setting again. Secrets stand in files of their own and in their own type.

pub mod check;
pub mod complaint;
mod dec;
mod filter;
mod grammar;
mod link;
pub mod load;
pub mod policy;
pub mod raw;
pub mod rule;
mod sample;
pub mod secret;
pub mod settings;
mod verdict;

pub use complaint::{Complaint, Complaints};
pub use load::load;
pub use settings::Settings;
