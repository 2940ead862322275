//! What an error asks for: patience, a person, or a developer.
//!
//! Every edge has its own error enum; this is the second axis, one table per enum (its `Classify` impl). What nobody thought
//! of needs a person, never a blind retry.

/// The class of an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fault {
    /// It will pass: try again with a backoff.
    Passing,
    /// Only a person can mend it: park what it concerns and say how.
    NeedsOperator,
    /// It cannot happen unless we are wrong: stop what it concerns and say so.
    Bug,
}

/// An error that knows its class and what the operator should do.
pub trait Classify: std::error::Error {
    /// The class.
    fn fault(&self) -> Fault;

    /// One sentence in plain words: what to do about it. Empty for passing faults.
    fn advice(&self) -> &'static str;
}
