//! A bad network: a TCP proxy between a client and a server that can be cut, held and slowed while it runs.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::timeout;

/// Which way bytes travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    ToServer,
    ToClient,
}

/// The state of the wire. Every connection watches it.
#[derive(Clone, Default)]
struct Weather {
    /// Counts the cuts: a connection lives only as long as the count of its birth, even if all is healed at once.
    cuts: u64,
    refusing: bool,
    holds_to_server: bool,
    holds_to_client: bool,
    delay: Duration,
}

impl Weather {
    fn holds(&self, way: Way) -> bool {
        match way {
            Way::ToServer => self.holds_to_server,
            Way::ToClient => self.holds_to_client,
        }
    }
}

/// The proxy. It ends, with all its connections, when it is dropped.
pub(crate) struct Wire {
    port: u16,
    weather: watch::Sender<Weather>,
    listener: JoinHandle<()>,
}

impl Wire {
    /// A wire in good weather to a server on this machine.
    pub(crate) async fn to(server_port: u16) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port is free");
        let port = listener.local_addr().expect("a bound socket has an address").port();
        let (weather, seen) = watch::channel(Weather::default());
        let server = SocketAddr::from((Ipv4Addr::LOCALHOST, server_port));
        Self { port, weather, listener: tokio::spawn(accept(listener, server, seen)) }
    }

    /// Where clients connect to, on 127.0.0.1.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Ends every connection now, and each new one at once, until `heal`.
    pub(crate) fn cut(&self) {
        self.weather.send_modify(|weather| {
            weather.cuts += 1;
            weather.refusing = true;
        });
    }

    /// Nothing passes this way and nothing is closed, as behind a firewall that forgot the connection.
    pub(crate) fn hold(&self, way: Way) {
        self.weather.send_modify(|weather| match way {
            Way::ToServer => weather.holds_to_server = true,
            Way::ToClient => weather.holds_to_client = true,
        });
    }

    /// Nothing passes either way.
    pub(crate) fn black_hole(&self) {
        self.hold(Way::ToServer);
        self.hold(Way::ToClient);
    }

    /// Each piece that passes waits this long first.
    pub(crate) fn delay(&self, by: Duration) {
        self.weather.send_modify(|weather| weather.delay = by);
    }

    /// Good weather again. What was held is delivered; what was cut stays cut.
    pub(crate) fn heal(&self) {
        self.weather.send_modify(|weather| *weather = Weather { cuts: weather.cuts, ..Weather::default() });
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.listener.abort();
    }
}

async fn accept(listener: TcpListener, server: SocketAddr, seen: watch::Receiver<Weather>) {
    let mut connections = JoinSet::new();
    while let Ok((client, _)) = listener.accept().await {
        if !seen.borrow().refusing {
            connections.spawn(connect(client, server, seen.clone()));
        }
        while connections.try_join_next().is_some() {}
    }
}

async fn connect(client: TcpStream, server: SocketAddr, mut seen: watch::Receiver<Weather>) {
    let born = seen.borrow_and_update().cuts;
    let Ok(server) = TcpStream::connect(server).await else {
        return;
    };
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let up = carry(from_client, to_server, Way::ToServer, seen.clone());
    let down = carry(from_server, to_client, Way::ToClient, seen.clone());
    tokio::select! {
        _ = seen.wait_for(|weather| weather.cuts != born) => {}
        _ = async { tokio::join!(up, down) } => {}
    }
}

/// Carries bytes one way until an end closes; then closes the other end, as a cable would.
async fn carry(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    way: Way,
    mut seen: watch::Receiver<Weather>,
) -> std::io::Result<()> {
    let mut piece = vec![0; 64 * 1024];
    loop {
        let length = from.read(&mut piece).await?;
        let Ok(weather) = seen.wait_for(|weather| !weather.holds(way)).await.map(|weather| weather.clone())
        else {
            return Ok(());
        };
        // The end of a cut connection comes from outside, so nothing else can shorten this wait.
        let _ = timeout(weather.delay, std::future::pending::<()>()).await;
        if length == 0 {
            return to.shutdown().await;
        }
        to.write_all(&piece[..length]).await?;
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    const SOON: Duration = Duration::from_secs(10);

    /// A server that sends back what it hears, and a wire to it.
    async fn echo() -> (JoinHandle<()>, Wire) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = tokio::spawn(async move {
            let mut talks = JoinSet::new();
            while let Ok((mut talk, _)) = listener.accept().await {
                talks.spawn(async move {
                    let (mut hears, mut says) = talk.split();
                    let _ = tokio::io::copy(&mut hears, &mut says).await;
                });
            }
        });
        (server, Wire::to(port).await)
    }

    async fn say(talk: &mut TcpStream, word: &[u8]) {
        talk.write_all(word).await.unwrap();
    }

    async fn hear(talk: &mut TcpStream) -> Vec<u8> {
        let mut heard = vec![0; 16];
        let length = timeout(SOON, talk.read(&mut heard)).await.expect("an answer").unwrap_or(0);
        heard.truncate(length);
        heard
    }

    async fn talk_over(wire: &Wire) -> TcpStream {
        TcpStream::connect((Ipv4Addr::LOCALHOST, wire.port())).await.unwrap()
    }

    #[tokio::test]
    async fn good_weather_carries_both_ways() {
        let (_server, wire) = echo().await;
        let mut talk = talk_over(&wire).await;
        say(&mut talk, b"hello").await;
        assert_eq!(hear(&mut talk).await, b"hello");
    }

    #[tokio::test]
    async fn a_cut_ends_what_is_there_and_refuses_what_comes_until_it_is_healed() {
        let (_server, wire) = echo().await;
        let mut old = talk_over(&wire).await;
        say(&mut old, b"one").await;
        assert_eq!(hear(&mut old).await, b"one");

        wire.cut();
        assert_eq!(hear(&mut old).await, b"", "the old connection is ended");
        let mut refused = talk_over(&wire).await;
        assert_eq!(hear(&mut refused).await, b"", "a new one is ended at once");

        wire.heal();
        let mut new = talk_over(&wire).await;
        say(&mut new, b"two").await;
        assert_eq!(hear(&mut new).await, b"two");
    }

    #[tokio::test]
    async fn a_black_hole_keeps_the_connection_open_and_silent_and_gives_all_back_when_healed() {
        let (_server, wire) = echo().await;
        let mut talk = talk_over(&wire).await;
        wire.black_hole();
        say(&mut talk, b"lost?").await;
        let silence = timeout(Duration::from_millis(200), talk.read(&mut [0; 16])).await;
        assert!(silence.is_err(), "something passed a black hole: {silence:?}");
        wire.heal();
        assert_eq!(hear(&mut talk).await, b"lost?");
    }

    #[tokio::test]
    async fn a_held_answer_leaves_the_question_through() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let wire = Wire::to(listener.local_addr().unwrap().port()).await;
        wire.hold(Way::ToClient);
        let mut client = talk_over(&wire).await;
        let (mut server, _) = listener.accept().await.unwrap();
        say(&mut client, b"do it").await;
        assert_eq!(hear(&mut server).await, b"do it");
        say(&mut server, b"done").await;
        assert!(timeout(Duration::from_millis(200), client.read(&mut [0; 16])).await.is_err());
        wire.heal();
        assert_eq!(hear(&mut client).await, b"done");
    }

    #[tokio::test]
    async fn a_slow_wire_takes_its_time() {
        let (_server, wire) = echo().await;
        wire.delay(Duration::from_millis(100));
        let mut talk = talk_over(&wire).await;
        let start = Instant::now();
        say(&mut talk, b"slow").await;
        assert_eq!(hear(&mut talk).await, b"slow");
        assert!(start.elapsed() >= Duration::from_millis(200), "once each way, took {:?}", start.elapsed());
    }
}
