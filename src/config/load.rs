//! Reads the file, lays the variables over it, and has it all checked.

use std::fs;
use std::path::{Path, PathBuf};

use config::{Config, ConfigError, Environment, File, FileFormat, Map};

use crate::config::check::check;
use crate::config::complaint::Complaints;
use crate::config::raw;
use crate::config::secret::SecretReader;
use crate::config::settings::Settings;

/// Where the configuration is unless told otherwise.
pub const DEFAULT_PATH: &str = "/etc/sheetbridge/sheetbridge.toml";

/// What the process was given besides the file.
#[derive(Clone, Debug, Default)]
pub struct Surroundings {
    /// The environment's variables. `SHEETBRIDGE_MYSQL__PORT` stands for `mysql.port`, and is stronger than the file.
    pub variables: Vec<(String, String)>,
    /// `$CREDENTIALS_DIRECTORY`.
    pub credentials: Option<PathBuf>,
}

impl Surroundings {
    /// Those of this process. A variable that is no UTF-8 is none of ours.
    pub fn of_process() -> Self {
        let text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        };
        Self {
            variables: std::env::vars_os().filter_map(text).collect(),
            credentials: std::env::var_os("CREDENTIALS_DIRECTORY").map(PathBuf::from),
        }
    }
}

/// The settings in a file, or everything that is wrong with them.
///
/// # Errors
/// All complaints at once; of a file that is no TOML, the first.
pub fn load(path: &Path, surroundings: &Surroundings) -> Result<Settings, Complaints> {
    let mut complaints = Complaints::default();
    let tree = fs::read_to_string(path).map_err(|error| {
        let cure = "name it with --config, or begin with sheetbridge.example.toml";
        one(path, format!("cannot be read: {error}"), cure)
    });
    let variables = ours(&surroundings.variables, &mut complaints);
    let tree = Config::builder()
        .add_source(File::from_str(&tree?, FileFormat::Toml))
        .add_source(Environment::default().separator("__").source(Some(variables)))
        .build()
        .map_err(|error| one(path, without_source_lines(&error), "correct its TOML"))?;
    let raw = raw::read(tree, &mut complaints);
    let reader = SecretReader {
        base: path.parent().unwrap_or(Path::new("")).to_owned(),
        credentials: surroundings.credentials.clone(),
    };
    check(raw, &|source| reader.read(source), complaints)
}

/// The variables that mean settings, without their prefix. Two underscores stand for the dot, because keys have single ones;
/// other `SHEETBRIDGE_…` variables are left alone (the tests have some), unless one is plainly a slip.
fn ours(variables: &[(String, String)], complaints: &mut Complaints) -> Map<String, String> {
    let mut settings = Map::new();
    for (name, value) in variables {
        let Some(key) = name.strip_prefix("SHEETBRIDGE_") else {
            continue;
        };
        let slip = ["MYSQL", "GOOGLE", "ENDPOINT"]
            .into_iter()
            .find(|section| key.strip_prefix(section).is_some_and(|rest| rest.starts_with('_')));
        if key.starts_with("LINK_") {
            complaints.add(name, "links cannot be set by variables", "write them into the file");
        } else if key.contains("__") {
            settings.insert(key.to_owned(), value.clone());
        } else if let Some(section) = slip {
            let cure = format!("write SHEETBRIDGE_{section}__ and the key, with two underscores");
            complaints.add(name, "is no setting", cure);
        }
    }
    settings
}

/// A parser shows the line that it stumbles on; somebody may have written a password there.
fn without_source_lines(error: &ConfigError) -> String {
    let text = error.to_string();
    let kept: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.contains('|')).collect();
    kept.join(", ")
}

fn one(path: &Path, what: impl std::fmt::Display, cure: &str) -> Complaints {
    let mut complaints = Complaints::default();
    complaints.add(path.display(), what, cure);
    complaints
}
