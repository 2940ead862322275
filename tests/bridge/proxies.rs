//! The examples of `docs/proxies.md`, as they stand there but for certificate and ports: edits come through, nothing else does.

use std::fs;
use std::io::Write;
use std::net::{SocketAddr, TcpStream as Knock};
use std::path::Path;
use std::process::Command;

use super::rig::{Rig, SOON, Setup};
use super::strangers::Message;
use crate::support::deadline::eventually;
use crate::support::port;
use crate::support::scratch::Scratch;
use crate::support::server::{Kind, shared};

const PAGE: &str = include_str!("../../docs/proxies.md");

/// The block of the page that begins with this language's word.
fn example(language: &str) -> &'static str {
    let (_, rest) = PAGE.split_once(&format!("```{language}\n")).expect("the page has the example");
    rest.split_once("```").expect("it ends").0
}

/// There, or installed now. Where neither is possible it is said on the terminal, past the test's own capture.
fn has_proxies() -> bool {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/install-proxies");
    let installed = Command::new(script).output();
    let is_there = installed.as_ref().is_ok_and(|output| output.status.success());
    if !is_there {
        let _ = writeln!(
            std::io::stderr(),
            "SKIPPED, there are no proxies here and none can be installed: {installed:?}"
        );
    }
    is_there
}

fn nginx(rig: &Rig, front: SocketAddr, folder: &Path) -> Command {
    let server: String = example("nginx")
        .lines()
        .filter(|line| !line.trim_start().starts_with("ssl_certificate"))
        .map(|line| {
            line.replace("listen 443 ssl", &format!("listen {front}"))
                .replace("127.0.0.1:8765", &rig.endpoint.to_string())
                .replace("/var/log/nginx/sheetbridge.log", "off")
                + "\n"
        })
        .collect();
    let folder = folder.display();
    let paths = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|kind| format!("{kind}_temp_path {folder}/{kind};\n"))
        .concat();
    let text = format!(
        "daemon off;\nmaster_process off;\npid {folder}/nginx.pid;\nerror_log {folder}/nginx.log;\nevents {{}}\nhttp {{\n{paths}{server}}}\n"
    );
    fs::write(format!("{folder}/nginx.conf"), text).expect("the folder is writable");
    let mut command = Command::new("/usr/sbin/nginx");
    command.arg("-c").arg(format!("{folder}/nginx.conf")).arg("-e").arg(format!("{folder}/nginx.log"));
    command
}

fn caddy(rig: &Rig, front: SocketAddr, folder: &Path) -> Command {
    let site = example("caddy")
        .replace("sync.example.com {", &format!("http://sync:{} {{\n\tbind {}", front.port(), front.ip()))
        .replace("127.0.0.1:8765", &rig.endpoint.to_string());
    let file = folder.join("Caddyfile");
    fs::write(&file, format!("{{\n\tadmin off\n\tauto_https off\n}}\n{site}"))
        .expect("the folder is writable");
    let mut command = Command::new("caddy");
    command.args(["run", "--adapter", "caddyfile", "--config"]).arg(file);
    command.env("XDG_DATA_HOME", folder).env("XDG_CONFIG_HOME", folder).env("HOME", folder);
    command
}

#[tokio::test]
async fn edits_come_through_both_examples_and_nothing_else_does() {
    if !has_proxies() {
        return;
    }
    // Which server stands behind makes no difference to a proxy.
    let rig =
        Rig::open(shared(Kind::MariaDb).await, "proxies", Setup { sweep_interval: "1h", ..Setup::default() })
            .await;
    let scratch = Scratch::new("proxies");
    for (name, make) in [("nginx", nginx as fn(&Rig, SocketAddr, &Path) -> Command), ("caddy", caddy)] {
        let front = SocketAddr::from(([127, 0, 0, 1], port::free()));
        let _running = scratch.run(&mut make(&rig, front, scratch.path()));
        eventually(SOON, name, async || Knock::connect(front).is_ok().then_some(())).await;

        let id = format!("m-{name}");
        let good = Message { to: front, ..Message::good(&rig, &id) };
        let (status, body) = good.send().await;
        assert!(matches!(status, 200 | 202) && body.contains("edits"), "{name}: {status} {body}");
        let forged = Message { to: front, age: 400, ..Message::good(&rig, &id) };
        assert_eq!(forged.send().await.0, 401, "{name}");
        let other = Message { to: front, path: "/metrics", ..Message::good(&rig, &id) };
        assert_eq!(other.send().await.0, 404, "{name}: only the one path is passed on");
        let large = Message { to: front, ..Message::good(&rig, &id) }.with_body("x".repeat(300 * 1024));
        // Caddy passes on what it has until it is too much; then the door has answered first.
        assert!(matches!(large.send().await.0, 413 | 502), "{name}");
        println!("{name}: an edit came through ({status}); a forgery, another path and 300 KiB did not");
    }
}
