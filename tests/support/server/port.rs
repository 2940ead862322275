//! Free TCP ports.

use std::net::TcpListener;
use std::process;
use std::sync::atomic::{AtomicU32, Ordering};

/// Below the ports that Linux gives to outgoing connections: a client that keeps calling a stopped server on one of
/// those can, once in a while, be given that very port and meet itself.
const LOWEST: u32 = 12_000;
const COUNT: u32 = 20_000;

/// A port on which nobody listens now. Test processes start at different places, so they seldom want the same one.
pub(super) fn free() -> u16 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let start = process::id().wrapping_mul(37);
    let mut candidates = (0..COUNT).map(|_| {
        let step = NEXT.fetch_add(1, Ordering::Relaxed);
        (LOWEST + start.wrapping_add(step) % COUNT) as u16
    });
    candidates
        .find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok())
        .expect("one port in 20,000 is free")
}
