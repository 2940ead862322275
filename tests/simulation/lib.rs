//! The engine and the words it uses, compiled alone: with no dependency that could give it a clock, a socket or chance, and in
//! seconds, optimised, where the whole daemon takes minutes.

#[path = "../../src/engine/mod.rs"]
pub mod engine;
#[path = "../../src/model/mod.rs"]
pub mod model;
