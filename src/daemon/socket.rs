//! Where we listen: an address, a socket in the file system, or one that systemd has opened for us.

use std::io;
use std::os::unix::fs::PermissionsExt;
use std::sync::Mutex;

use listenfd::ListenFd;
use tokio::net::{TcpListener, UnixListener};

use crate::config::settings::Listen;
use crate::daemon::DaemonError;
use crate::sheet::listen::Listener;

/// Whoever is in the socket's group may connect: the proxy's user is put there.
const GROUP_MAY_CONNECT: u32 = 0o660;

/// The sockets that systemd handed over. They outlive a run: a daemon that starts anew within its process listens on.
#[derive(Debug)]
pub struct Sockets(Mutex<Option<Inherited>>);

#[derive(Debug)]
enum Inherited {
    Tcp(std::net::TcpListener),
    Unix(std::os::unix::net::UnixListener),
}

impl Sockets {
    /// Takes what systemd handed over (`LISTEN_FDS`): the first socket is for the edits.
    pub fn inherited() -> Self {
        let mut sockets = ListenFd::from_env();
        let tcp = sockets.take_tcp_listener(0).ok().flatten().map(Inherited::Tcp);
        let first = tcp.or_else(|| sockets.take_unix_listener(0).ok().flatten().map(Inherited::Unix));
        Self(Mutex::new(first))
    }

    /// Listens, and says where.
    ///
    /// # Errors
    /// The place cannot be listened on.
    pub async fn bind(&self, listen: &Listen) -> Result<(Listener, String), DaemonError> {
        let (place, bound) = match listen {
            Listen::Tcp(address) => {
                (address.to_string(), TcpListener::bind(address).await.map(Listener::Tcp))
            }
            Listen::Unix(path) => {
                // A socket that a killed predecessor left behind: the lease says that it is gone.
                let _ = std::fs::remove_file(path);
                let bound = UnixListener::bind(path).and_then(|listener| {
                    std::fs::set_permissions(path, std::fs::Permissions::from_mode(GROUP_MAY_CONNECT))?;
                    Ok(Listener::Unix(listener))
                });
                (path.display().to_string(), bound)
            }
            Listen::Systemd => ("the socket of systemd".to_owned(), self.systemds()),
        };
        let listener = bound.map_err(|error| DaemonError::Listen { place: place.clone(), error })?;
        Ok((listener, place))
    }

    fn systemds(&self) -> io::Result<Listener> {
        let inherited = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        match &*inherited {
            Some(Inherited::Tcp(listener)) => {
                let listener = listener.try_clone()?;
                listener.set_nonblocking(true)?;
                TcpListener::from_std(listener).map(Listener::Tcp)
            }
            Some(Inherited::Unix(listener)) => {
                let listener = listener.try_clone()?;
                listener.set_nonblocking(true)?;
                UnixListener::from_std(listener).map(Listener::Unix)
            }
            None => Err(io::Error::other("systemd handed over no socket: start sheetbridge.socket")),
        }
    }
}
