//! The sheet knows the schema: dropdowns, checkboxes, limits, and a word of warning over what the table makes itself.
//!
//! What we put on a column is remembered by developer metadata on that column (`sb.rule`, the column and the fingerprint of
//! what was put there). Where the fingerprint still is the right one nothing is touched, whatever people have made of it since.
//! Where the table changed, cells that show a rule of ours, or none, get the new one; a rule of the people stays.
//!
//! No rule is strict: a strict one would refuse the daemon's own writes too, and says less than the note that a refused cell
//! gets. Protections only warn.

use serde::Deserialize;
use serde_json::{Value, json};
use xxhash_rust::xxh3::xxh3_64;

use crate::model::link::{SheetId, SpreadsheetId};
use crate::model::schema::{Column, ColumnKind};
use crate::sheet::answer::Metadata;
use crate::sheet::client::Client;
use crate::sheet::error::SheetError;
use crate::sheet::layout::{Layout, anchor_text};
use crate::sheet::quota::Lane;
use crate::sheet::request::{self, RULE_KEY};
use crate::sheet::setup::TabPlan;
use crate::sheet::setup::ruled::{OURS, Ruled, RuledCells};
use crate::sheet::wire::{
    DataFilter, DimensionRange, GridRange, Location, NewMetadata, ProtectedRange, Request, Visibility,
    letters,
};

const FIXED: &str = "this column is the table's: what is typed here is put back";

/// Members of a dropdown; Google takes 500.
pub const MOST_MEMBERS: usize = 500;

/// What one column is furnished with.
#[derive(Clone, Debug, PartialEq)]
struct Furniture {
    /// Google's condition.
    condition: Option<Value>,
    /// What is said beside it.
    words: String,
    /// Why people should not type here.
    warning: Option<&'static str>,
}

/// The tab's rules and protections as Google shows them.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct There {
    sheets: Vec<SheetThere>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct SheetThere {
    properties: Properties,
    protected_ranges: Vec<ProtectedThere>,
    data: Vec<DataThere>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Properties {
    sheet_id: i32,
    grid_properties: Grid,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Grid {
    row_count: u32,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ProtectedThere {
    protected_range_id: i32,
    description: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct DataThere {
    start_column: u32,
    row_data: RuledCells,
    column_metadata: Vec<Dimension>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Dimension {
    developer_metadata: Vec<Metadata>,
}

/// What is remembered of the columns, from the header's row.
const MARKS_MASK: &str = "sheets(properties(sheetId,gridProperties(rowCount)),protectedRanges(protectedRangeId,description),\
     data(startColumn,columnMetadata(developerMetadata(metadataId,metadataKey,metadataValue))))";

/// The rules in the cells of whole columns.
const RULES_MASK: &str =
    "sheets(properties(sheetId),data(startColumn,rowData(values(dataValidation(inputMessage)))))";

impl Client {
    /// Puts on each column what belongs there, where it is not yet. Only columns that lack something are read.
    ///
    /// # Errors
    /// Google's, and those of the way to it.
    pub async fn furnish(
        &self,
        spreadsheet: &SpreadsheetId,
        sheet: SheetId,
        plan: &TabPlan<'_>,
        layout: &Layout,
    ) -> Result<(), SheetError> {
        let ours = |there: There| there.sheets.into_iter().find(|there| there.properties.sheet_id == sheet.0);
        let header = vec![GridRange::rows(sheet, 0, 1)];
        let marks: There = self.filtered(Lane::Verify, spreadsheet, header, MARKS_MASK).await?;
        let Some(mut there) = ours(marks) else { return Ok(()) };
        let lacking: Vec<GridRange> = lacking(&there, plan, layout)
            .map(|lack| GridRange::tab(sheet).columns(lack.place, lack.place + 1))
            .collect();
        if lacking.is_empty() {
            return Ok(());
        }
        let rules: There = self.filtered(Lane::Verify, spreadsheet, lacking, RULES_MASK).await?;
        there.data.extend(ours(rules).map(|rules| rules.data).unwrap_or_default());
        there.data.sort_by_key(|piece| piece.start_column);
        let requests = requests(&there, plan, layout);
        tracing::info!(LINK = plan.link.0.as_str(), "the columns' rules are brought up to the table's");
        let call = crate::sheet::client::Call::post(
            ":batchUpdate?prettyPrint=false&fields=spreadsheetId",
            request::body(requests),
        );
        self.write(Lane::Verify, spreadsheet, &call).await.map(drop)
    }
}

/// A column that shows something else than what belongs there.
struct Lack<'a> {
    place: u32,
    name: String,
    wanted: Furniture,
    /// What is remembered to be there, and what will be.
    marks: Vec<&'a str>,
    mark: String,
}

fn lacking<'a>(
    there: &'a SheetThere,
    plan: &'a TabPlan<'_>,
    layout: &'a Layout,
) -> impl Iterator<Item = Lack<'a>> {
    plan.columns.iter().zip(&layout.columns).filter_map(|(column, place)| {
        let name = anchor_text(plan.link, &column.name);
        let wanted = if plan.rules { furniture(column, *place, plan) } else { Furniture::none() };
        let mark = format!("{name} {:016x}", wanted.fingerprint());
        let marks: Vec<&str> = there.marks(&name).collect();
        let is_there = marks == [mark.as_str()] || (marks.is_empty() && wanted == Furniture::none());
        (!is_there).then_some(Lack { place: *place, name, wanted, marks, mark })
    })
}

fn requests(there: &SheetThere, plan: &TabPlan<'_>, layout: &Layout) -> Vec<Request> {
    let sheet = SheetId(there.properties.sheet_id);
    let mut requests = Vec::new();
    for Lack { place, name, wanted, marks, mark } in lacking(there, plan, layout) {
        for (start, end) in there.free_rows(place, wanted.condition.is_some()) {
            let range = GridRange::rows(sheet, start, end).columns(place, place + 1);
            requests.push(Request::SetDataValidation { range, rule: wanted.rule() });
        }
        let description = format!("{OURS}{name}");
        let protected =
            there.protected_ranges.iter().filter(|range| range.description.starts_with(&description));
        requests
            .extend(protected.map(|range| Request::DeleteProtectedRange { id: range.protected_range_id }));
        if let Some(warning) = wanted.warning {
            let range =
                GridRange { start_row_index: Some(1), ..GridRange::tab(sheet) }.columns(place, place + 1);
            let description = format!("{description}: {warning}").into();
            let protected_range = ProtectedRange { range, description, warning_only: true };
            requests.push(Request::AddProtectedRange { protected_range });
        }
        requests.extend(marks.iter().map(|mark| Request::DeleteDeveloperMetadata {
            data_filter: DataFilter::metadata(RULE_KEY, (*mark).to_owned()),
        }));
        let metadata = NewMetadata {
            metadata_id: None,
            metadata_key: RULE_KEY,
            metadata_value: mark,
            location: Location::DimensionRange(DimensionRange::column(sheet, place)),
            visibility: Visibility::Document,
        };
        requests.push(Request::CreateDeveloperMetadata { metadata });
    }
    requests
}

impl SheetThere {
    /// What we remember to have put on a column of the link, wherever it stands by now.
    fn marks(&self, name: &str) -> impl Iterator<Item = &str> {
        let all = self
            .data
            .iter()
            .flat_map(|data| &data.column_metadata)
            .flat_map(|column| &column.developer_metadata);
        let ours = all.filter(|metadata| metadata.key == RULE_KEY).map(|metadata| metadata.value.as_str());
        ours.filter(move |value| value.rsplit_once(' ').is_some_and(|(column, _)| column == name))
    }

    /// The rows below the header without a rule of the people in this column, as half-open runs. With nothing to put there, only
    /// those that show a rule of ours.
    fn free_rows(&self, column: u32, put: bool) -> Vec<(u32, u32)> {
        // One piece for each column that was asked for, in their order, behind the one of the header.
        let piece = self.data.iter().rfind(|piece| piece.start_column <= column);
        let free = |row: u32| {
            let ruled =
                |piece: &DataThere| piece.row_data.get(row as usize, (column - piece.start_column) as usize);
            match piece.map_or(Ruled::Not, ruled) {
                Ruled::Not => put,
                Ruled::Ours => true,
                Ruled::Theirs => false,
            }
        };
        let mut runs: Vec<(u32, u32)> = Vec::new();
        for row in (1..self.properties.grid_properties.row_count).filter(|row| free(*row)) {
            match runs.last_mut() {
                Some((_, end)) if *end == row => *end += 1,
                _ => runs.push((row, row + 1)),
            }
        }
        runs
    }
}

impl Furniture {
    fn none() -> Self {
        Self { condition: None, words: String::new(), warning: None }
    }

    fn fingerprint(&self) -> u64 {
        xxh3_64(format!("{:?} {} {:?}", self.condition, self.words, self.warning).as_bytes())
    }

    fn rule(&self) -> Option<Value> {
        let condition = self.condition.as_ref()?;
        let words = format!("{OURS}{}", self.words);
        Some(json!({"condition": condition, "inputMessage": words, "strict": false, "showCustomUi": true}))
    }
}

/// What a column is furnished with. What the table makes itself only warns.
fn furniture(column: &Column, place: u32, plan: &TabPlan<'_>) -> Furniture {
    if column.generated {
        return Furniture { warning: Some("the table computes this column"), ..Furniture::none() };
    }
    let key = plan.key.iter().any(|key| key.eq_ignore_ascii_case(&column.name));
    if key {
        let warning =
            if column.auto_increment { "the table makes the key" } else { "the key tells the rows apart" };
        return Furniture { warning: Some(warning), ..Furniture::none() };
    }
    let condition = match plan.choices.get(&column.name).and_then(|values| list(values)) {
        Some(list) => Some((list, "one of the list".to_owned())),
        None => condition(column, place),
    };
    let (condition, words) =
        condition.map_or((None, String::new()), |(condition, words)| (Some(condition), words));
    let is_fixed = plan.fixed.iter().any(|fixed| fixed.eq_ignore_ascii_case(&column.name));
    Furniture { condition, words, warning: is_fixed.then_some(FIXED) }
}

/// A dropdown; none where Google would take a member for a formula.
fn list(members: &[String]) -> Option<Value> {
    let fits = (1..=MOST_MEMBERS).contains(&members.len());
    let values: Vec<Value> = members.iter().map(|member| json!({"userEnteredValue": member})).collect();
    let is_plain = members.iter().all(|member| !member.starts_with('='));
    (fits && is_plain).then(|| json!({"type": "ONE_OF_LIST", "values": values}))
}

/// Google's condition for what the column can hold, and the same in words.
fn condition(column: &Column, place: u32) -> Option<(Value, String)> {
    let of = |kind: &str, values: &[String]| {
        let values: Vec<Value> = values.iter().map(|value| json!({"userEnteredValue": value})).collect();
        if values.is_empty() { json!({"type": kind}) } else { json!({"type": kind, "values": values}) }
    };
    let between = |least: i128, most: i128, words: &str| {
        let limits = [least.to_string(), most.to_string()];
        Some((of("NUMBER_BETWEEN", &limits), format!("{words} from {least} to {most}")))
    };
    match &column.kind {
        // A box that nobody has touched shows as unchecked: only where NULL is no answer.
        ColumnKind::Boolean if !column.nullable => Some((of("BOOLEAN", &[]), "yes or no".to_owned())),
        ColumnKind::Enum(members) => list(members).map(|list| (list, "one of the list".to_owned())),
        ColumnKind::Integer { bits, unsigned } if *bits <= 32 => {
            let (least, most) = if *unsigned {
                (0, (1_i128 << bits) - 1)
            } else {
                (-(1_i128 << (bits - 1)), (1_i128 << (bits - 1)) - 1)
            };
            between(least, most, "a whole number")
        }
        ColumnKind::Decimal { precision, scale, unsigned } if *precision <= 15 => {
            let most = 10_i128.pow(u32::from(precision - scale));
            between(if *unsigned { 0 } else { -most }, most, "a number")
        }
        ColumnKind::Text { length } if *length <= 10_000 => {
            let first = format!("{}2", letters(place));
            Some((
                of("CUSTOM_FORMULA", &[format!("=LEN({first})<={length}")]),
                format!("at most {length} characters"),
            ))
        }
        ColumnKind::Date => Some((of("DATE_IS_VALID", &[]), "a date".to_owned())),
        ColumnKind::DateTime { fsp } | ColumnKind::Timestamp { fsp } if *fsp <= 3 => {
            Some((of("DATE_IS_VALID", &[]), "a date and time".to_owned()))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::link::LinkName;

    fn column(name: &str, kind: ColumnKind) -> Column {
        Column {
            name: name.into(),
            kind,
            nullable: false,
            auto_increment: name == "id",
            optional: false,
            generated: false,
            charset: None,
            collation: None,
        }
    }

    fn made(there: Value, columns: &[Column], rules: bool) -> Vec<Value> {
        let link = LinkName("orders".into());
        let changes = crate::sheet::setup::TabChanges::default();
        let plan = TabPlan {
            link: &link,
            title: "Orders",
            columns,
            key: &["id"],
            rows: 0,
            rules,
            fixed: &["listed"],
            choices: &choices(),
            changes: &changes,
        };
        let layout = Layout { columns: (0..columns.len() as u32).collect(), key: vec![0] };
        let there: SheetThere = serde_json::from_value(there).expect("google's shape");
        requests(&there, &plan, &layout).iter().map(|request| json!(request)).collect()
    }

    fn choices() -> crate::sheet::setup::Choices {
        [("customer".to_owned(), vec!["17".to_owned(), "23".to_owned()])].into()
    }

    #[test]
    fn a_foreign_key_is_a_dropdown_and_a_column_of_the_tables_own_warns() {
        let number = || ColumnKind::Integer { bits: 32, unsigned: true };
        let made = made(bare(), &[column("customer", number()), column("listed", ColumnKind::Boolean)], true);
        let rule = &made[0]["setDataValidation"]["rule"];
        assert_eq!(
            rule["condition"]["values"],
            json!([{"userEnteredValue": "17"}, {"userEnteredValue": "23"}])
        );
        let warned =
            made.iter().find_map(|request| request["addProtectedRange"]["protectedRange"].as_object());
        let warned = warned.expect("a warning");
        assert!(warned["description"].as_str().is_some_and(|words| words.ends_with(FIXED)), "{warned:?}");
        assert_eq!(list(&["=A1".to_owned()]), None, "Google would work it out");
    }

    fn bare() -> Value {
        json!({"properties": {"sheetId": 5, "gridProperties": {"rowCount": 10}}})
    }

    #[test]
    fn every_kind_has_its_rule_in_googles_words() {
        let rule = |kind, place| condition(&column("c", kind), place).map(|(condition, _)| condition);
        let enumeration = rule(ColumnKind::Enum(vec!["new".into(), "old".into()]), 3);
        assert_eq!(enumeration.as_ref().map(|rule| &rule["type"]), Some(&json!("ONE_OF_LIST")));
        let small = rule(ColumnKind::Integer { bits: 16, unsigned: true }, 3).expect("a rule");
        assert_eq!(small["values"], json!([{"userEnteredValue": "0"}, {"userEnteredValue": "65535"}]));
        let text = rule(ColumnKind::Text { length: 60 }, 27).expect("a rule");
        assert_eq!(text["values"][0]["userEnteredValue"], "=LEN(AB2)<=60");
        assert_eq!(rule(ColumnKind::Boolean, 0), Some(json!({"type": "BOOLEAN"})));
        assert_eq!(rule(ColumnKind::Set(vec!["a".into()]), 0), None, "several members are text");
        assert_eq!(rule(ColumnKind::Json, 0), None);
    }

    #[test]
    fn what_is_put_there_is_remembered_and_not_put_again() {
        let columns = [
            column("id", ColumnKind::Integer { bits: 32, unsigned: true }),
            column("paid", ColumnKind::Boolean),
        ];
        let first = made(bare(), &columns, true);
        let kinds: Vec<&String> = first.iter().flat_map(|r| r.as_object().expect("a kind").keys()).collect();
        assert_eq!(
            kinds,
            ["addProtectedRange", "createDeveloperMetadata", "setDataValidation", "createDeveloperMetadata"]
        );
        assert_eq!(first[0]["addProtectedRange"]["protectedRange"]["warningOnly"], true);
        assert_eq!(first[2]["setDataValidation"]["rule"]["strict"], false);
        let mark =
            |at: usize| first[at]["createDeveloperMetadata"]["developerMetadata"]["metadataValue"].clone();
        let mut there = bare();
        let metadata = |at| json!({"developerMetadata": [{"metadataId": at, "metadataKey": "sb.rule", "metadataValue": mark(at)}]});
        there["data"] = json!([{"columnMetadata": [metadata(1), metadata(3)]}]);
        assert_eq!(made(there.clone(), &columns, true), Vec::<Value>::new());

        // After a change of the table: ours is replaced, a rule of the people stays.
        let ours = json!({"values": [{}, {"dataValidation": {"inputMessage": "sheetbridge: yes or no"}}]});
        let theirs = json!({"values": [{}, {"dataValidation": {"inputMessage": "ask Bob"}}]});
        there["data"][0]["rowData"] = json!([{}, ours, theirs]);
        let changed = [columns[0].clone(), column("paid", ColumnKind::Enum(vec!["no".into(), "yes".into()]))];
        let ranges = |made: &[Value]| -> Vec<(Value, Value)> {
            let ranges = made.iter().map(|request| request["setDataValidation"]["range"].clone());
            ranges
                .filter(|range| !range.is_null())
                .map(|r| (r["startRowIndex"].clone(), r["endRowIndex"].clone()))
                .collect()
        };
        assert_eq!(
            ranges(&made(there.clone(), &changed, true)),
            [(json!(1), json!(2)), (json!(3), json!(10))]
        );
        // Without rules ours goes, and only ours.
        assert_eq!(ranges(&made(there, &columns, false)), [(json!(1), json!(2))]);
    }
}
