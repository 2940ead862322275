//! Secrets: in files of their own that nobody else reads, or handed over by systemd. Never on a command line, never in a
//! variable, never in the configuration itself.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use secrecy::SecretString;

/// Where a secret is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretSource {
    /// A file; a relative path begins at the configuration's folder.
    File(PathBuf),
    /// A name below `$CREDENTIALS_DIRECTORY` (systemd's `LoadCredential=`).
    Credential(String),
}

/// Why a secret could not be had: what is wrong, and the cure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Defect {
    /// What is wrong.
    pub what: String,
    /// What to do.
    pub cure: String,
}

/// Reads secrets from the disk.
#[derive(Clone, Debug)]
pub struct SecretReader {
    /// Where relative paths begin.
    pub base: PathBuf,
    /// `$CREDENTIALS_DIRECTORY`.
    pub credentials: Option<PathBuf>,
}

/// All but the owner and the group: a secret may be shared with the daemon's group, and with nobody else.
const OTHERS: u32 = 0o007;

impl SecretReader {
    /// The secret, without the line end that editors add.
    ///
    /// # Errors
    /// It is not there, it is empty, or everybody on the machine may read it.
    pub fn read(&self, source: &SecretSource) -> Result<SecretString, Defect> {
        let path = match source {
            SecretSource::File(path) => self.base.join(path),
            SecretSource::Credential(name) => self.credential(name)?,
        };
        if let (SecretSource::File(_), Ok(found)) = (source, fs::metadata(&path)) {
            refuse_open_to_all(&path, found.permissions().mode())?;
        }
        let text = fs::read_to_string(&path).map_err(|error| Defect {
            what: format!("{} cannot be read: {error}", path.display()),
            cure: "put the secret there, readable by the daemon's user".to_owned(),
        })?;
        match text.trim_end_matches(['\r', '\n']) {
            "" => Err(Defect {
                what: format!("{} is empty", path.display()),
                cure: "put the secret into it".to_owned(),
            }),
            secret => Ok(SecretString::from(secret)),
        }
    }

    fn credential(&self, name: &str) -> Result<PathBuf, Defect> {
        let Some(folder) = &self.credentials else {
            return Err(Defect {
                what: format!("there is no credential `{name}` outside of systemd"),
                cure: "start the daemon as its unit does, or name a file".to_owned(),
            });
        };
        if name.is_empty() || name.starts_with('.') || name.contains('/') {
            return Err(Defect {
                what: format!("`{name}` is no credential's name"),
                cure: format!("write the name that the unit has in LoadCredential={name}:/path"),
            });
        }
        Ok(folder.join(name))
    }
}

fn refuse_open_to_all(path: &Path, mode: u32) -> Result<(), Defect> {
    if mode & OTHERS == 0 {
        return Ok(());
    }
    Err(Defect {
        what: format!("everybody on this machine may open {}", path.display()),
        cure: format!("type: chmod o= {}", path.display()),
    })
}
