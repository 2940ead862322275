//! The check of `[[link]]`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use config::{Value, ValueKind};
use jiff::tz::TimeZone;
use secrecy::{ExposeSecret, SecretString};

use crate::config::check::{Checked, Checker, Refused};
use crate::config::policy::{Chosen, OwnRules};
use crate::config::raw::{RawColumn, RawLink, RawSoft, part};
use crate::config::rule::Rule;
use crate::config::secret::SecretSource;
use crate::config::settings::Link;
use crate::model::link::{LinkName, SpreadsheetId};
use crate::model::rule::{ColumnRule, Deletes, LinkRules, SoftMark};
use crate::model::schema::TableName;

/// With a script the sweep is only the net under it; without one it is the way.
const SWEEP_BESIDE_SCRIPT: Duration = Duration::from_secs(60);
const SWEEP_ALONE: Duration = Duration::from_secs(3);

/// Standard Webhooks asks for 24 to 64 bytes.
const SECRET_BYTES: std::ops::RangeInclusive<usize> = 24..=64;

/// Checks every link, and that they do not stand in each other's way.
pub(super) fn check_all(
    checker: &mut Checker<'_>,
    raw: Vec<Option<RawLink>>,
    state_schema: Option<&str>,
) -> Checked<Vec<Link>> {
    if raw.is_empty() {
        return checker.refuse("link", "there is none", "add a [[link]] section");
    }
    let links: Vec<Checked<Link>> = (1..)
        .zip(raw)
        .map(|(number, raw)| check_one(checker, number, raw.ok_or(Refused)?, state_schema))
        .collect();
    let mut names = BTreeMap::new();
    let mut tabs = BTreeMap::new();
    for (number, link) in (1..).zip(&links) {
        let Ok(link) = link else { continue };
        let name = link.rules.name.to_string();
        if let Some(first) = names.insert(name.clone(), number) {
            let what = format!("`{name}` is already the name of link {first}");
            checker.complaints.add(format!("link[{number}].name"), what, "choose another");
        }
        // Google takes no two titles that differ in letter case only.
        if let Some(first) = tabs.insert((link.spreadsheet.clone(), link.tab.to_lowercase()), name.clone()) {
            let what = format!("link `{first}` already has this tab of this spreadsheet");
            checker.complaints.add(format!("link[{name}].tab"), what, "give each link a tab of its own");
        }
    }
    links.into_iter().collect()
}

fn check_one(checker: &mut Checker<'_>, number: usize, raw: RawLink, state: Option<&str>) -> Checked<Link> {
    let name = link_name(checker, number, raw.name);
    let label = name.as_ref().map_or_else(|_| number.to_string(), ToString::to_string);
    let mut at = Place { checker, label };
    let table = at.table(raw.table, state);
    let spreadsheet = at.spreadsheet(raw.spreadsheet);
    let tab = at.required("tab", raw.tab, "write the tab's title as it stands in the sheet");
    let policy = at.policy("policy", raw.policy);
    let filter = at.filter(raw.filter.unwrap_or_default());
    let chosen = policy.clone().unwrap_or_default();
    let columns = at.columns(raw.columns.unwrap_or_default(), &chosen);
    let (columns, listed) = match columns {
        Ok(columns) => {
            let (columns, listed): (Vec<ColumnRule>, Vec<Option<Rule>>) = columns.into_iter().unzip();
            (Ok(columns), listed)
        }
        Err(refused) => (Err(refused), Vec::new()),
    };
    let deletes = at.deletes(raw.deletes);
    let first_match = at.word("first_match", raw.first_match.as_deref());
    let match_on = at.match_on(raw.match_on, columns.as_deref().unwrap_or_default());
    let tie = at.word("tie", raw.tie.as_deref());
    let paste = at.word("paste", raw.paste.as_deref());
    let key_edits = at.word("key_edits", raw.key_edits.as_deref());
    let formulas = at.word("formulas", raw.formulas.as_deref());
    let secrets =
        at.secrets(raw.secret_files.unwrap_or_default(), raw.secret_credentials.unwrap_or_default());
    let script = secrets.as_ref().is_ok_and(|secrets| !secrets.is_empty());
    let sweep = if script { SWEEP_BESIDE_SCRIPT } else { SWEEP_ALONE };
    let sweep_interval = at.duration("sweep_interval", raw.sweep_interval, sweep);
    let insert_after = at.duration("insert_after", raw.insert_after, Duration::from_secs(2));
    let delete_grace = at.duration("delete_grace", raw.delete_grace, Duration::from_secs(10));
    let second_look = at.duration("second_look", raw.second_look, Duration::from_secs(10));
    let time_zone = at.time_zone(raw.time_zone);
    let status_column = at.status_column(raw.status_column, columns.as_deref().unwrap_or_default());
    Ok(Link {
        rules: LinkRules {
            name: name?,
            columns: columns?,
            policy: policy?.policy,
            deletes: deletes?,
            first_match: first_match?,
            match_on: match_on?,
            tie: tie?,
            paste: paste?,
            key_edits: key_edits?,
            formulas: formulas?,
            insert_after: insert_after?,
            delete_grace: delete_grace?,
            second_look: second_look?,
            sweep_interval: sweep_interval?,
        },
        table: table?,
        spreadsheet: spreadsheet?,
        filter: filter?,
        own_rules: OwnRules { everywhere: chosen.rule, listed },
        tab: tab?,
        secrets: secrets?,
        time_zone: time_zone?,
        status_column: status_column?,
        rules_in_sheet: raw.rules_in_sheet.unwrap_or(true),
        log_tab: raw.log_tab.unwrap_or(false),
    })
}

fn link_name(checker: &mut Checker<'_>, number: usize, given: Option<String>) -> Checked<LinkName> {
    let path = format!("link[{number}].name");
    let cure = "give it 1 to 64 small letters, digits, `_` or `-`";
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '-');
    match given {
        None => checker.refuse(path, "is missing", cure),
        Some(name) if (1..=64).contains(&name.len()) && name.chars().all(plain) => Ok(LinkName(name)),
        Some(name) => checker.refuse(path, format!("`{name}` is no link's name"), cure),
    }
}

/// One link under check: its complaints carry its name.
pub(super) struct Place<'a, 'b> {
    pub(super) checker: &'a mut Checker<'b>,
    label: String,
}

impl Place<'_, '_> {
    pub(super) fn path(&self, key: impl Display) -> String {
        format!("link[{}].{key}", self.label)
    }

    fn complain(&mut self, key: impl Display, what: impl Display, cure: impl Display) {
        let path = self.path(key);
        self.checker.complaints.add(path, what, cure);
    }

    pub(super) fn refuse<T>(
        &mut self,
        key: impl Display,
        what: impl Display,
        cure: impl Display,
    ) -> Checked<T> {
        self.checker.refuse(self.path(key), what, cure)
    }

    fn required(&mut self, key: &str, given: Option<String>, cure: &str) -> Checked<String> {
        match given {
            Some(text) if !text.trim().is_empty() => Ok(text),
            Some(_) => self.refuse(key, "is empty", cure),
            None => self.refuse(key, "is missing", cure),
        }
    }

    pub(super) fn word<T: for<'de> serde::Deserialize<'de> + Default>(
        &mut self,
        key: impl Display,
        given: Option<&str>,
    ) -> Checked<T> {
        self.checker.word(self.path(key), given)
    }

    fn table(&mut self, given: Option<String>, state: Option<&str>) -> Checked<TableName> {
        let cure = "write it as \"database.table\"";
        let given = self.required("table", given, cure)?;
        let Some((schema, table)) = given.split_once('.') else {
            return self.refuse("table", format!("`{given}` has no database"), cure);
        };
        for (part, what) in [(schema, "database"), (table, "table")] {
            if let Some(wrong) = not_an_identifier(part) {
                return self.refuse("table", format!("the {what}'s name {wrong}"), cure);
            }
        }
        if state.is_some_and(|state| state.eq_ignore_ascii_case(schema)) {
            return self.refuse("table", "is in the daemon's own schema", "link a table of yours");
        }
        Ok(TableName { schema: schema.to_owned(), table: table.to_owned() })
    }

    fn spreadsheet(&mut self, given: Option<String>) -> Checked<SpreadsheetId> {
        let cure = "copy it from the sheet's address: the part between /d/ and /edit";
        let given = self.required("spreadsheet", given, cure)?;
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
        if (20..=100).contains(&given.len()) && given.chars().all(plain) {
            Ok(SpreadsheetId(given))
        } else {
            self.refuse("spreadsheet", format!("`{given}` is no spreadsheet's id"), cure)
        }
    }

    fn columns(&mut self, given: Vec<Value>, policy: &Chosen) -> Checked<Vec<(ColumnRule, Option<Rule>)>> {
        let columns: Vec<Checked<(ColumnRule, Option<Rule>)>> =
            (1..).zip(given).map(|(number, column)| self.column(number, column, policy)).collect();
        let mut names = BTreeMap::new();
        let mut headers = BTreeMap::new();
        for (number, column) in (1..).zip(&columns) {
            let Ok((column, _)) = column else { continue };
            if let Some(first) = names.insert(column.name.to_lowercase(), number) {
                let what = format!("`{}` is already column {first}", column.name);
                self.complain(format!("columns[{number}]"), what, "name each column once");
            }
            if let Some(first) = headers.insert(column.header.clone(), number) {
                let what = format!("`{}` is already the header of column {first}", column.header);
                self.complain(format!("columns[{number}].header"), what, "give each column its own");
            }
        }
        columns.into_iter().collect()
    }

    fn column(
        &mut self,
        number: usize,
        given: Value,
        policy: &Chosen,
    ) -> Checked<(ColumnRule, Option<Rule>)> {
        let key = format!("columns[{number}]");
        let raw = match given.kind {
            ValueKind::String(name) => RawColumn { name: Some(name), ..RawColumn::default() },
            _ => part(&self.path(&key), given, &mut self.checker.complaints).ok_or(Refused)?,
        };
        let name = self.required(&format!("{key}.name"), raw.name, "write the column's name in the table");
        let wrong = name.as_deref().ok().and_then(not_an_identifier);
        if let Some(wrong) = wrong {
            self.complain(format!("{key}.name"), wrong, "write the column's name in the table");
        }
        let header = match raw.header {
            None => name.clone(),
            header => self.required(&format!("{key}.header"), header, "write the text of its header cell"),
        };
        let own_policy = match raw.policy {
            None => Ok(policy.clone()),
            given => self.policy(&format!("{key}.policy"), given),
        };
        let direction = self.word(format!("{key}.direction"), raw.direction.as_deref());
        let Chosen { policy, rule } = own_policy?;
        Ok((ColumnRule { name: name?, header: header?, policy, direction: direction? }, rule))
    }

    /// No default: what happens to a record when somebody deletes a line is the operator's decision.
    fn deletes(&mut self, given: Option<Value>) -> Checked<Deletes> {
        let cure = "write \"apply\" (the record goes), \"restore\" (the line comes back), \"hold\" (nothing, it is \
                    listed), or { soft = \"column\" } (the column is set to the time, or to a `value`)";
        let Some(given) = given else {
            return self.refuse(
                "deletes",
                "is missing: what becomes of a record whose line is deleted?",
                cure,
            );
        };
        match given.kind {
            ValueKind::String(word) => match word.as_str() {
                "apply" => Ok(Deletes::Apply),
                "restore" => Ok(Deletes::Restore),
                "hold" => Ok(Deletes::Hold),
                _ => self.refuse("deletes", format!("is `{word}`"), cure),
            },
            ValueKind::Table(_) => {
                let soft: RawSoft =
                    part(&self.path("deletes"), given, &mut self.checker.complaints).ok_or(Refused)?;
                if let Some(wrong) = not_an_identifier(&soft.soft) {
                    return self.refuse("deletes.soft", wrong, cure);
                }
                Ok(Deletes::Soft {
                    column: soft.soft,
                    mark: soft.value.map_or(SoftMark::Now, SoftMark::Text),
                })
            }
            _ => self.refuse("deletes", "is neither a word nor a table", cure),
        }
    }

    fn secrets(
        &mut self,
        files: Vec<std::path::PathBuf>,
        credentials: Vec<String>,
    ) -> Checked<Vec<SecretString>> {
        let files = files.into_iter().map(|file| ("secret_files", SecretSource::File(file)));
        let names =
            credentials.into_iter().map(|name| ("secret_credentials", SecretSource::Credential(name)));
        let sources: Vec<_> = files.chain(names).collect();
        if sources.len() > 2 {
            let cure = "keep the present one and the one before it";
            return self.refuse("secret_files", format!("{} secrets are too many", sources.len()), cure);
        }
        let secrets: Vec<Checked<SecretString>> =
            sources.iter().map(|(key, source)| self.secret(key, source)).collect();
        secrets.into_iter().collect()
    }

    fn secret(&mut self, key: &str, source: &SecretSource) -> Checked<SecretString> {
        let secret = self.checker.read(self.path(key), source)?;
        let bytes = secret.expose_secret().strip_prefix("whsec_").map(|text| STANDARD.decode(text));
        match bytes {
            Some(Ok(bytes)) if SECRET_BYTES.contains(&bytes.len()) => Ok(secret),
            _ => self.refuse(
                key,
                "holds no script secret: `whsec_` and 24 to 64 bytes in base64",
                "make one: echo \"whsec_$(openssl rand -base64 32)\"",
            ),
        }
    }

    fn duration(&mut self, key: &str, given: Option<String>, default: Duration) -> Checked<Duration> {
        let path = self.path(key);
        self.checker.duration(path, given, default)
    }

    /// It belongs to the daemon's words alone: a linked column cannot be it.
    fn status_column(&mut self, given: Option<String>, columns: &[ColumnRule]) -> Checked<Option<String>> {
        let Some(given) = given else { return Ok(None) };
        let given = self.required("status_column", Some(given), "write the text of its header cell")?;
        if columns.iter().any(|column| column.header.trim() == given.trim()) {
            let cure = "name a column of the tab that is not linked, or leave it out";
            return self.refuse("status_column", format!("`{given}` is a linked column"), cure);
        }
        Ok(Some(given))
    }

    /// Columns of the link; which of them make the key, and whether they are there at all, is known with the table.
    fn match_on(&mut self, given: Option<Vec<String>>, columns: &[ColumnRule]) -> Checked<Vec<String>> {
        let Some(names) = given else { return Ok(Vec::new()) };
        let cure =
            "name the columns that tell which row is which record, such as [\"email\"], or leave it out";
        if names.is_empty() {
            return self.refuse("match_on", "is empty", cure);
        }
        let mut seen = BTreeSet::new();
        let checked: Vec<Checked<()>> =
            names.iter().map(|name| self.match_column(name, columns, &mut seen)).collect();
        checked.into_iter().collect::<Checked<Vec<()>>>().map(|_| names)
    }

    fn match_column(
        &mut self,
        name: &str,
        columns: &[ColumnRule],
        seen: &mut BTreeSet<String>,
    ) -> Checked<()> {
        if let Some(wrong) = not_an_identifier(name) {
            return self.refuse(
                "match_on",
                format!("`{name}` {wrong}"),
                "write the column's name in the table",
            );
        }
        if !seen.insert(name.to_lowercase()) {
            return self.refuse("match_on", format!("names `{name}` twice"), "name each column once");
        }
        if columns.is_empty() || columns.iter().any(|column| column.name.eq_ignore_ascii_case(name)) {
            return Ok(());
        }
        if let Some(column) = columns.iter().find(|column| column.header == name) {
            let cure = format!("write its name in the table, `{}`", column.name);
            return self.refuse("match_on", format!("`{name}` is the header of a column"), cure);
        }
        let cure = "add it to `columns`, or name a column that is there";
        self.refuse("match_on", format!("`{name}` is not one of the link's `columns`"), cure)
    }

    fn time_zone(&mut self, given: Option<String>) -> Checked<Option<String>> {
        match given {
            Some(name) if TimeZone::get(&name).is_err() => self.refuse(
                "time_zone",
                format!("`{name}` is no time zone"),
                "write one such as \"Europe/Berlin\", or leave it out for the spreadsheet's own",
            ),
            given => Ok(given),
        }
    }
}

/// What is wrong with a database's, table's or column's name: the servers' own limits.
pub(super) fn not_an_identifier(name: &str) -> Option<&'static str> {
    if name.is_empty() {
        Some("is empty")
    } else if name.chars().count() > 64 {
        Some("has more than 64 characters")
    } else if name.contains('\0') || name.ends_with(' ') {
        Some("has a character that no server takes")
    } else {
        None
    }
}
