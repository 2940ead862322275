//! What the tests stand on: real database servers, a real browser, a bad network, and patience with an end.

pub(crate) mod deadline;
pub(crate) mod port;
pub(crate) mod scratch;
pub(crate) mod server;
pub(crate) mod webdriver;
pub(crate) mod wire;
