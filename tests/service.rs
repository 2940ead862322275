//! The systemd unit: understood whole by systemd, and as tight as it claims to be.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use crate::support::scratch::Scratch;

const UNIT: &str = include_str!("../systemd/sheetbridge.service");

/// Where the unit expects the daemon.
const INSTALLED: &str = "/usr/local/bin/sheetbridge";

/// Systemd's exposure score times ten that must not be passed. Debian's best kept network services stand at 12.
const EXPOSURE: &str = "12";

/// The score hardly moves when one of these is lost (measured), so each is asked for by name.
const FENCES: [&str; 33] = [
    "Type=notify",
    "WatchdogSec=60s",
    "RestartPreventExitStatus=78",
    "UMask=0077",
    "NoNewPrivileges=yes",
    "CapabilityBoundingSet=",
    "AmbientCapabilities=",
    "PrivateUsers=yes",
    "PrivateTmp=yes",
    "PrivateDevices=yes",
    "PrivateMounts=yes",
    "PrivateIPC=yes",
    "DevicePolicy=closed",
    "ProtectSystem=strict",
    "ProtectHome=yes",
    "ProtectProc=invisible",
    "ProcSubset=pid",
    "ProtectClock=yes",
    "ProtectHostname=yes",
    "ProtectKernelLogs=yes",
    "ProtectKernelModules=yes",
    "ProtectKernelTunables=yes",
    "ProtectControlGroups=yes",
    "LockPersonality=yes",
    "MemoryDenyWriteExecute=yes",
    "RestrictRealtime=yes",
    "RestrictSUIDSGID=yes",
    "RestrictNamespaces=yes",
    "RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6",
    "SystemCallArchitectures=native",
    "SystemCallFilter=@system-service",
    "SystemCallFilter=~@privileged @resources",
    "IPAddressDeny=link-local multicast",
];

/// Runs systemd's own checker on a copy of the unit that starts the daemon just built.
/// Nothing where this machine has no systemd, which is said.
fn analyze(verb: &[&str]) -> Option<Output> {
    let scratch = Scratch::new("unit");
    let unit = scratch.path().join("sheetbridge.service");
    let built = env!("CARGO_BIN_EXE_sheetbridge");
    assert!(Path::new(built).is_file());
    fs::write(&unit, UNIT.replace(INSTALLED, built)).expect("the scratch folder is writable");
    match Command::new("systemd-analyze").args(verb).arg(&unit).output() {
        Ok(output) => Some(output),
        Err(error) => {
            eprintln!("the unit was not judged by systemd: no systemd-analyze on this machine ({error})");
            None
        }
    }
}

fn told(output: &Output) -> String {
    [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text).into_owned()).concat()
}

#[test]
fn systemd_understands_every_line_of_the_unit() {
    let Some(output) = analyze(&["verify", "--man=no", "--recursive-errors=no"]) else {
        return;
    };
    // An unknown directive is only a warning to systemd, and a lost fence to us.
    assert!(output.status.success() && told(&output).is_empty(), "{}", told(&output));
}

#[test]
fn the_exposure_stays_below_the_mark() {
    let threshold = format!("--threshold={EXPOSURE}");
    let Some(output) = analyze(&["security", "--offline=true", &threshold]) else {
        return;
    };
    assert!(output.status.success(), "{}", told(&output));
}

#[test]
fn no_fence_is_taken_down_unseen() {
    let missing: Vec<_> = FENCES.iter().filter(|fence| !UNIT.lines().any(|line| line == **fence)).collect();
    assert!(missing.is_empty(), "the unit lost {missing:?}");
}
