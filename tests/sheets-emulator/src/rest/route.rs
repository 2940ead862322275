//! What a call wants, from its method and path.

use super::ApiError;
use crate::grid::SpreadsheetId;

/// Which quota a call counts against.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Retrieves.
    Read,
    /// Changes.
    Write,
    /// Drive, with a quota so large that it is not counted here.
    Drive,
}

/// A call by what it wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Route {
    /// `spreadsheets.create`
    Create,
    /// `spreadsheets.get`
    Get(SpreadsheetId),
    /// `spreadsheets.getByDataFilter`
    GetByDataFilter(SpreadsheetId),
    /// `spreadsheets.batchUpdate`
    BatchUpdate(SpreadsheetId),
    /// `spreadsheets.sheets.copyTo`
    CopyTo(SpreadsheetId, String),
    /// `spreadsheets.developerMetadata.get`
    MetadataGet(SpreadsheetId, String),
    /// `spreadsheets.developerMetadata.search`
    MetadataSearch(SpreadsheetId),
    /// `spreadsheets.values.get`
    ValuesGet(SpreadsheetId, String),
    /// `spreadsheets.values.update`
    ValuesUpdate(SpreadsheetId, String),
    /// `spreadsheets.values.append`
    ValuesAppend(SpreadsheetId, String),
    /// `spreadsheets.values.clear`
    ValuesClear(SpreadsheetId, String),
    /// `spreadsheets.values.batchGet`
    ValuesBatchGet(SpreadsheetId),
    /// `spreadsheets.values.batchUpdate`
    ValuesBatchUpdate(SpreadsheetId),
    /// `spreadsheets.values.batchClear`
    ValuesBatchClear(SpreadsheetId),
    /// `spreadsheets.values.batchGetByDataFilter`
    ValuesBatchGetByDataFilter(SpreadsheetId),
    /// `spreadsheets.values.batchUpdateByDataFilter`
    ValuesBatchUpdateByDataFilter(SpreadsheetId),
    /// `spreadsheets.values.batchClearByDataFilter`
    ValuesBatchClearByDataFilter(SpreadsheetId),
    /// Drive `files.create`
    FileCreate,
    /// Drive `files.get`
    FileGet(SpreadsheetId),
    /// Drive `files.delete`
    FileDelete(SpreadsheetId),
    /// Drive `files.update` (the name)
    FileUpdate(SpreadsheetId),
    /// Drive `files.list`
    FileList,
}

/// Undoes percent-encoding; text that is not UTF-8 afterwards keeps a replacement sign.
pub(super) fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        let pair = rest.as_slice_hint();
        match (byte, pair) {
            (b'%', Some(decoded)) => {
                rest.next();
                rest.next();
                bytes.push(decoded);
            }
            _ => bytes.push(byte),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

trait NextPair {
    /// The byte that the next two hexadecimal digits mean.
    fn as_slice_hint(&self) -> Option<u8>;
}

impl NextPair for std::str::Bytes<'_> {
    fn as_slice_hint(&self) -> Option<u8> {
        let mut ahead = self.clone();
        let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
        let (high, low) = (digit(ahead.next())?, digit(ahead.next())?);
        u8::try_from(high * 16 + low).ok()
    }
}

/// A query string's names and values, decoded.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Query(Vec<(String, String)>);

impl Query {
    /// Reads a query string; `+` is a space.
    pub fn parse(text: &str) -> Self {
        let pairs = text.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode(&name.replace('+', " ")), decode(&value.replace('+', " ")))
        });
        Self(pairs.collect())
    }

    /// Names and values as they came.
    pub fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The last value of a name; empty if there is none.
    pub fn get(&self, name: &str) -> &str {
        self.0.iter().rev().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }

    /// All values of a name.
    pub fn all(&self, name: &str) -> Vec<&str> {
        self.0.iter().filter(|(known, _)| known == name).map(|(_, value)| value.as_str()).collect()
    }

    /// Is the value a true one (`true`, `True`)?
    pub fn flag(&self, name: &str) -> bool {
        self.get(name).eq_ignore_ascii_case("true")
    }
}

impl Route {
    /// Reads method and (still encoded) path; `None` where the service has nothing.
    pub fn parse(method: &str, path: &str) -> Option<Self> {
        if let Some(rest) = path.strip_prefix("/drive/v3/files") {
            return Self::drive(method, rest);
        }
        let rest = path.strip_prefix("/v4/spreadsheets")?;
        let Some(rest) = rest.strip_prefix('/') else {
            return (method == "POST" && rest.is_empty()).then_some(Self::Create);
        };
        let (head, tail) = rest.split_once('/').map_or((rest, None), |(head, tail)| (head, Some(tail)));
        let (id, verb) = head.split_once(':').map_or((head, ""), |(id, verb)| (id, verb));
        let id = SpreadsheetId::new(&decode(id));
        match (method, verb, tail) {
            ("GET", "", None) => Some(Self::Get(id)),
            ("POST", "batchUpdate", None) => Some(Self::BatchUpdate(id)),
            ("POST", "getByDataFilter", None) => Some(Self::GetByDataFilter(id)),
            (_, "", Some(tail)) => Self::inside(method, id, tail),
            _ => None,
        }
    }

    fn inside(method: &str, id: SpreadsheetId, tail: &str) -> Option<Self> {
        if let Some(range) = tail.strip_prefix("values/") {
            return match method {
                "GET" => Some(Self::ValuesGet(id, decode(range))),
                "PUT" => Some(Self::ValuesUpdate(id, decode(range))),
                "POST" => {
                    let (range, verb) = range.rsplit_once(':')?;
                    match verb {
                        "append" => Some(Self::ValuesAppend(id, decode(range))),
                        "clear" => Some(Self::ValuesClear(id, decode(range))),
                        _ => None,
                    }
                }
                _ => None,
            };
        }
        if let Some(sheet) = tail.strip_prefix("sheets/") {
            return sheet
                .strip_suffix(":copyTo")
                .filter(|_| method == "POST")
                .map(|sheet| Self::CopyTo(id, decode(sheet)));
        }
        if let Some(label) = tail.strip_prefix("developerMetadata/") {
            return (method == "GET").then(|| Self::MetadataGet(id, decode(label)));
        }
        match (method, tail) {
            ("POST", "developerMetadata:search") => Some(Self::MetadataSearch(id)),
            ("GET", "values:batchGet") => Some(Self::ValuesBatchGet(id)),
            ("POST", "values:batchUpdate") => Some(Self::ValuesBatchUpdate(id)),
            ("POST", "values:batchClear") => Some(Self::ValuesBatchClear(id)),
            ("POST", "values:batchGetByDataFilter") => Some(Self::ValuesBatchGetByDataFilter(id)),
            ("POST", "values:batchUpdateByDataFilter") => Some(Self::ValuesBatchUpdateByDataFilter(id)),
            ("POST", "values:batchClearByDataFilter") => Some(Self::ValuesBatchClearByDataFilter(id)),
            _ => None,
        }
    }

    fn drive(method: &str, rest: &str) -> Option<Self> {
        match (method, rest.strip_prefix('/').map(decode)) {
            ("POST", None) => Some(Self::FileCreate),
            ("GET", None) => Some(Self::FileList),
            (_, Some(id)) if !id.contains('/') => {
                let id = SpreadsheetId::new(&id);
                match method {
                    "GET" => Some(Self::FileGet(id)),
                    "DELETE" => Some(Self::FileDelete(id)),
                    "PATCH" => Some(Self::FileUpdate(id)),
                    _ => None,
                }
            }
            _ => None,
        }
    }

    /// The method's name as the discovery document has it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Create => "spreadsheets.create",
            Self::Get(_) => "spreadsheets.get",
            Self::GetByDataFilter(_) => "spreadsheets.getByDataFilter",
            Self::BatchUpdate(_) => "spreadsheets.batchUpdate",
            Self::CopyTo(..) => "spreadsheets.sheets.copyTo",
            Self::MetadataGet(..) => "spreadsheets.developerMetadata.get",
            Self::MetadataSearch(_) => "spreadsheets.developerMetadata.search",
            Self::ValuesGet(..) => "spreadsheets.values.get",
            Self::ValuesUpdate(..) => "spreadsheets.values.update",
            Self::ValuesAppend(..) => "spreadsheets.values.append",
            Self::ValuesClear(..) => "spreadsheets.values.clear",
            Self::ValuesBatchGet(_) => "spreadsheets.values.batchGet",
            Self::ValuesBatchUpdate(_) => "spreadsheets.values.batchUpdate",
            Self::ValuesBatchClear(_) => "spreadsheets.values.batchClear",
            Self::ValuesBatchGetByDataFilter(_) => "spreadsheets.values.batchGetByDataFilter",
            Self::ValuesBatchUpdateByDataFilter(_) => "spreadsheets.values.batchUpdateByDataFilter",
            Self::ValuesBatchClearByDataFilter(_) => "spreadsheets.values.batchClearByDataFilter",
            Self::FileCreate => "drive.files.create",
            Self::FileGet(_) => "drive.files.get",
            Self::FileDelete(_) => "drive.files.delete",
            Self::FileUpdate(_) => "drive.files.update",
            Self::FileList => "drive.files.list",
        }
    }

    /// The spreadsheet that the call is about.
    pub fn spreadsheet(&self) -> Option<&SpreadsheetId> {
        match self {
            Self::Create | Self::FileCreate | Self::FileList => None,
            Self::Get(id)
            | Self::GetByDataFilter(id)
            | Self::BatchUpdate(id)
            | Self::MetadataSearch(id)
            | Self::ValuesBatchGet(id)
            | Self::ValuesBatchUpdate(id)
            | Self::ValuesBatchClear(id)
            | Self::ValuesBatchGetByDataFilter(id)
            | Self::ValuesBatchUpdateByDataFilter(id)
            | Self::ValuesBatchClearByDataFilter(id)
            | Self::FileGet(id)
            | Self::FileDelete(id)
            | Self::FileUpdate(id)
            | Self::CopyTo(id, _)
            | Self::MetadataGet(id, _)
            | Self::ValuesGet(id, _)
            | Self::ValuesUpdate(id, _)
            | Self::ValuesAppend(id, _)
            | Self::ValuesClear(id, _) => Some(id),
        }
    }

    /// Its quota.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Get(_)
            | Self::GetByDataFilter(_)
            | Self::MetadataGet(..)
            | Self::MetadataSearch(_)
            | Self::ValuesGet(..)
            | Self::ValuesBatchGet(_)
            | Self::ValuesBatchGetByDataFilter(_) => Kind::Read,
            Self::Create
            | Self::BatchUpdate(_)
            | Self::CopyTo(..)
            | Self::ValuesUpdate(..)
            | Self::ValuesAppend(..)
            | Self::ValuesClear(..)
            | Self::ValuesBatchUpdate(_)
            | Self::ValuesBatchClear(_)
            | Self::ValuesBatchUpdateByDataFilter(_)
            | Self::ValuesBatchClearByDataFilter(_) => Kind::Write,
            Self::FileCreate
            | Self::FileGet(_)
            | Self::FileDelete(_)
            | Self::FileUpdate(_)
            | Self::FileList => Kind::Drive,
        }
    }

    /// May a token do this? Reading by data filter and labels need a scope that may write.
    pub fn check_scopes(&self, scopes: &[String]) -> Result<(), ApiError> {
        let has = |name: &str| scopes.iter().any(|scope| scope.trim_end_matches('/').ends_with(name));
        let drive = has("auth/drive") || has("auth/drive.file");
        let allowed = match self {
            Self::Get(_) | Self::ValuesGet(..) | Self::ValuesBatchGet(_) => {
                drive
                    || has("auth/spreadsheets")
                    || has("auth/spreadsheets.readonly")
                    || has("auth/drive.readonly")
            }
            Self::FileGet(_) | Self::FileList => {
                drive
                    || has("auth/drive.readonly")
                    || has("auth/drive.metadata.readonly")
                    || has("auth/drive.metadata")
            }
            _ if self.kind() == Kind::Drive => drive,
            _ => drive || has("auth/spreadsheets"),
        };
        if allowed { Ok(()) } else { Err(ApiError::scopes()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_read_still_encoded() {
        let route =
            Route::parse("POST", "/v4/spreadsheets/abc/values/%27a%3Ab%27%21A1:clear").expect("is known");
        assert_eq!(route, Route::ValuesClear(SpreadsheetId::new("abc"), "'a:b'!A1".into()));
        assert_eq!(Route::parse("PATCH", "/v4/spreadsheets/abc"), None);
        assert_eq!(decode("%F0%9F%8C%B5%2"), "🌵%2");
        assert_eq!(Query::parse("a=1&ranges=x+y&ranges=%27z%27").all("ranges"), ["x y", "'z'"]);
    }
}
