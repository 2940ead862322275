//! A small formula language: constants, cell references, `+ - * / &` and `SUM`. Enough that a
//! formula cell has a formula, a result and errors; everything else is `#NAME?` or `#ERROR!`, never a guess.
//!
//! Results are worked out when they are read ([`Book`]), so there is no recalculation to keep right.

mod evaluate;
mod parse;
mod reference;
mod token;

pub use evaluate::Book;
pub use reference::{Moved, after_rename, after_shift, copied_by};
