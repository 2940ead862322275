//! Conflict rules of the operator's own, written in CEL: read, bounded, and tried before they are used.
//!
//! ```text
//! policy = { cel = "db > sheet ? 'database' : 'sheet'" }
//! policy = { cel = "max(db, sheet)" }
//! ```
//! A rule gives a value of its column, or one of the words `database`, `sheet`, `newest` and `hold`. A word is a text that stands
//! as a whole result in the expression; a text that is computed, or read from a column, is a value whatever it says.
//!
//! What a text may say is bounded (`grammar.rs`). The language has no checker, so each rule is tried on sample values
//! of every column that it serves, at the start. What fails later is held, and never guessed.

use std::fmt;
use std::sync::{Arc, OnceLock};

use cel::common::ast::IdedExpr;
use cel::{Context, Env, ExecutionError};

pub use crate::config::grammar::BadRule;
use crate::config::grammar::read;
use crate::config::sample::samples;
pub use crate::config::verdict::Answer;
use crate::config::verdict::{answer, given, mark_words, moment, nothing, plain, text};
use crate::model::schema::{Column, ColumnKind};
use crate::model::value::Value;

/// The rule gave nothing for these values. It is told without them: values reach no log.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Failed(String);

/// One conflict.
#[derive(Clone, Copy, Debug)]
pub struct Case<'a> {
    /// The column.
    pub column: &'a Column,
    /// The table's value.
    pub db: &'a Value,
    /// What the cell means.
    pub sheet: &'a Value,
    /// What both sides had when they last agreed, where it is known.
    pub base: Option<&'a Value>,
    /// The table's row, by column names.
    pub row: &'a [(&'a str, &'a Value)],
    /// When the table's value was committed, in microseconds since 1970.
    pub db_time: u64,
    /// When the person's was typed, at the latest.
    pub sheet_time: u64,
    /// The person's address where it is known, else empty.
    pub editor: &'a str,
}

impl<'a> Case<'a> {
    fn sample(column: &'a Column, db: &'a Value, sheet: &'a Value, row: &'a [(&'a str, &'a Value)]) -> Self {
        Self { column, db, sheet, base: None, row, db_time: 0, sheet_time: 0, editor: "" }
    }

    fn answer(&self, result: &cel::Value) -> Option<Answer> {
        answer(result, self.column, self.db, self.sheet)
    }
}

/// A rule that was read.
#[derive(Clone)]
pub struct Rule {
    text: Arc<str>,
    expression: Arc<IdedExpr>,
}

impl fmt::Debug for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Rule({})", self.text)
    }
}

impl PartialEq for Rule {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Rule {
    /// Reads a rule.
    ///
    /// # Errors
    /// It is none, or one that we do not let run.
    pub fn parse(text: &str) -> Result<Self, BadRule> {
        let program = read(text)?;
        let mut expression = program.expression().clone();
        mark_words(&mut expression);
        Ok(Self { text: text.into(), expression: Arc::new(expression) })
    }

    /// True when the rule asks what both sides had when they last agreed.
    pub fn asks_for_base(&self) -> bool {
        self.expression.references().has_variable("base")
    }

    /// Decides one conflict.
    ///
    /// # Errors
    /// It cannot be evaluated on these values, or gives nothing that the column could hold.
    pub fn decide(&self, case: &Case<'_>) -> Result<Answer, Failed> {
        match self.evaluate(case) {
            Ok(result) => case.answer(&result).ok_or_else(|| Failed(nothing(&result, case.column))),
            Err(_) => Err(Failed("cannot be evaluated on these values".into())),
        }
    }

    /// Tries the rule on sample values of a column, in a row of these columns.
    ///
    /// # Errors
    /// What is wrong with it there.
    pub fn try_on(&self, column: &Column, columns: &[Column]) -> Result<(), Failed> {
        let values: Vec<Value> = columns.iter().map(|column| samples(column).swap_remove(0)).collect();
        let row: Vec<(&str, &Value)> =
            columns.iter().map(|column| column.name.as_str()).zip(&values).collect();
        let samples = samples(column);
        for (db, sheet) in samples.iter().flat_map(|db| samples.iter().map(move |sheet| (db, sheet))) {
            for base in [None, Some(db)] {
                self.try_case(&Case { base, ..Case::sample(column, db, sheet, &row) })?;
            }
        }
        Ok(())
    }

    fn try_case(&self, case: &Case<'_>) -> Result<(), Failed> {
        for (db_time, sheet_time, editor) in
            [(1_000_000, 2_000_000, ""), (2_000_000, 1_000_000, "ann@example.com")]
        {
            let case = Case { db_time, sheet_time, editor, ..*case };
            match self.evaluate(&case) {
                Ok(result) if case.answer(&result).is_none() => {
                    return Err(Failed(nothing(&result, case.column)));
                }
                Err(error) if !depends_on_the_value(&error, &case) => return Err(Failed(error.to_string())),
                Ok(_) | Err(_) => {}
            }
        }
        Ok(())
    }

    fn evaluate(&self, case: &Case<'_>) -> Result<cel::Value, ExecutionError> {
        static STANDARD: OnceLock<Arc<Env>> = OnceLock::new();
        let mut context = Context::with_env(Arc::clone(STANDARD.get_or_init(|| Arc::new(Env::stdlib()))));
        // None of these names is one of the standard's own.
        let _ = context.add_function("dec", crate::config::dec::dec);
        let _ = context.add_function("min", cel::functions::min);
        let _ = context.add_function("max", cel::functions::max);
        let row = case.row.iter().map(|(name, value)| ((*name).to_owned(), plain(value)));
        let row: std::collections::HashMap<String, cel::Value> = row.collect();
        for (name, value) in [
            ("db", given(case.db, &case.column.kind)),
            ("sheet", given(case.sheet, &case.column.kind)),
            ("base", given(case.base.unwrap_or(&Value::Null), &case.column.kind)),
            ("row", row.into()),
            ("db_time", moment(case.db_time)),
            ("sheet_time", moment(case.sheet_time)),
            ("editor", text(case.editor)),
            ("column", text(&case.column.name)),
        ] {
            context.add_variable_from_value(name, value);
        }
        cel::Value::resolve(&self.expression, &context)
    }
}

/// An error that other values of the column would not make: it says nothing against the rule.
fn depends_on_the_value(error: &ExecutionError, case: &Case<'_>) -> bool {
    let is_null =
        [Some(case.db), Some(case.sheet), case.base].iter().any(|value| value.is_none_or(Value::is_null));
    match error {
        ExecutionError::DivisionByZero(_)
        | ExecutionError::RemainderByZero(_)
        | ExecutionError::Overflow(..) => true,
        // What a text says, such as whether it is a number, is not of its type.
        ExecutionError::FunctionError { .. } => {
            is_null || matches!(case.column.kind, ColumnKind::Text { .. })
        }
        ExecutionError::UndeclaredReference(_) | ExecutionError::NoSuchKey(_) => false,
        _ => is_null,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INTEGER: ColumnKind = ColumnKind::Integer { bits: 32, unsigned: false };

    fn price() -> Column {
        Column::nullable("price", ColumnKind::Decimal { precision: 10, scale: 2, unsigned: false })
    }

    fn asked(rule: &str, column: &Column, db: &Value, sheet: &Value) -> Result<Answer, Failed> {
        let row = [("owner", &Value::Text("bob".into()))];
        let case = Case {
            column,
            db,
            sheet,
            base: Some(&Value::Int(1)),
            row: &row,
            db_time: 5,
            sheet_time: 9,
            editor: "ann@example.com",
        };
        Rule::parse(rule).expect(rule).decide(&case)
    }

    fn stock(rule: &str, db: i64, sheet: i64) -> Result<Answer, Failed> {
        asked(rule, &Column::nullable("stock", INTEGER), &Value::Int(db), &Value::Int(sheet))
    }

    #[test]
    fn a_rule_gives_a_word_or_a_value() {
        for (rule, answer) in [
            ("'database'", Answer::Database),
            ("db > sheet ? 'hold' : 'newest'", Answer::Newest),
            ("max(db, sheet)", Answer::Sheet),
            ("min(db, sheet)", Answer::Database),
            ("db + sheet - base", Answer::Value(Value::Int(6))),
            ("null", Answer::Value(Value::Null)),
            ("sheet_time - db_time == 4 ? 'sheet' : 'hold'", Answer::Sheet),
            ("editor.endsWith('@example.com') && row.owner == 'bob' ? 'sheet' : 'hold'", Answer::Sheet),
            ("column in ['stock', 'price'] ? (db == 3 ? 'database' : 'hold') : 'newest'", Answer::Database),
        ] {
            assert_eq!(stock(rule, 3, 4), Ok(answer), "{rule}");
        }
    }

    #[test]
    fn a_text_of_a_column_is_a_value_even_if_it_is_a_word() {
        let note = Column::required("note", ColumnKind::Text { length: 20 });
        let (db, sheet) = (Value::Text("hold".into()), Value::Text("sheet".into()));
        assert_eq!(asked("sheet", &note, &db, &sheet), Ok(Answer::Sheet));
        assert_eq!(
            asked("'sh' + 'eet' + '!'", &note, &db, &sheet),
            Ok(Answer::Value(Value::Text("sheet!".into())))
        );
        let computed = asked("'data' + 'base'", &note, &db, &sheet);
        assert_eq!(computed, Ok(Answer::Value(Value::Text("database".into()))));
        assert_eq!(asked("db == 'hold' ? 'database' : 'hold'", &note, &db, &sheet), Ok(Answer::Database));
    }

    #[test]
    fn decimals_are_exact() {
        let decimal = |text: &str| Value::Decimal(text.into());
        let larger = "dec(db) > dec(sheet) ? 'database' : 'sheet'";
        let (db, sheet) = (decimal("12345678901234567890.10"), decimal("12345678901234567890.09"));
        assert_eq!(asked(larger, &price(), &db, &sheet), Ok(Answer::Database));
        assert_eq!(asked("'7.5'", &price(), &db, &sheet), Ok(Answer::Value(decimal("7.5"))));
        assert_eq!(
            asked("double(db) > 1.0 ? 2.5 : 1.5", &price(), &db, &sheet),
            Ok(Answer::Value(decimal("2.5")))
        );
    }

    #[test]
    fn a_rule_is_tried_on_every_kind_of_value_of_its_column() {
        let columns = [Column::nullable("stock", INTEGER), price(), Column::required("at", ColumnKind::Date)];
        let tried = |rule: &str, at: usize| {
            let told = Rule::parse(rule).expect(rule).try_on(&columns[at], &columns);
            told.map_err(|why| why.to_string())
        };
        for (rule, at) in [
            ("db > sheet ? 'database' : 'sheet'", 0),
            ("db / sheet > 1 ? 'database' : 'sheet'", 0),
            ("base == null ? 'hold' : db + sheet - base", 0),
            ("db + sheet - base", 0),
            ("db == null ? 'sheet' : sheet == null ? 'database' : db + sheet", 0),
            ("dec(db) > dec(sheet) ? db : sheet", 1),
            ("db > sheet ? db : sheet", 2),
            ("row.stock > 1 ? 'hold' : '2026-01-31'", 2),
        ] {
            assert_eq!(tried(rule, at), Ok(()), "{rule}");
        }
        for (rule, at, why) in [
            ("'latest'", 0, "gives string for column `stock`"),
            ("db > sheet", 0, "gives bool for column `stock`"),
            ("double(db) + 0.5", 0, "gives double for column `stock`"),
            ("db > 1 ? 'sheet' : 'hold'", 1, "no matching overload"),
            ("row.nosuch == 1 ? 'sheet' : 'hold'", 0, "nosuch"),
            ("'31/01/2026'", 2, "gives string for column `at`"),
            ("dec(db)", 1, "gives string for column `price`"),
        ] {
            let told = tried(rule, at).expect_err(rule);
            assert!(told.contains(why), "{told} is not about {why}");
        }
    }

    #[test]
    fn a_failure_tells_no_value() {
        let failed = stock("db / (sheet - 4)", 77, 4).expect_err("a division by zero");
        assert!(!failed.to_string().contains("77"), "{failed}");
    }
}
