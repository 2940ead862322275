//! Find and replace, as a request or a person asks for it.

use regex::{NoExpand, Regex, RegexBuilder};

use super::{Area, Refusal, Tab, Value};

/// What is looked for, and what takes its place.
#[derive(Debug, Clone)]
pub struct Search {
    pattern: Regex,
    replacement: String,
    /// Are `$1` and the like in the replacement groups of the expression?
    expands: bool,
    formulas: bool,
}

/// How a search looks.
#[derive(Debug, Clone, Copy, Default)]
#[expect(clippy::struct_excessive_bools, reason = "the request has them so")]
pub struct Manner {
    /// Do capital letters matter?
    pub match_case: bool,
    /// Must the whole cell fit?
    pub entire: bool,
    /// Is it a regular expression?
    pub expression: bool,
    /// Are formulas searched too?
    pub formulas: bool,
}

/// What a search changed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Found {
    /// Places in texts.
    pub occurrences: u32,
    /// Cells with text.
    pub values: u32,
    /// Cells with formulas.
    pub formulas: u32,
    /// Rows.
    pub rows: u32,
    /// Tabs.
    pub sheets: u32,
}

impl Search {
    /// A search for a text or an expression. Expressions are Java's as far as this engine has them: without
    /// look-around and back references, which are refused.
    pub fn new(find: &str, replacement: &str, manner: Manner) -> Result<Self, Refusal> {
        if find.is_empty() {
            return Err(Refusal::new("find must be specified."));
        }
        let mut pattern = if manner.expression { find.to_owned() } else { regex::escape(find) };
        if manner.entire {
            pattern = format!("^(?:{pattern})$");
        }
        let pattern = RegexBuilder::new(&pattern).case_insensitive(!manner.match_case).build();
        let pattern = pattern
            .map_err(|error| Refusal(format!("The emulator does not know this expression: {error}")))?;
        let groups = Regex::new(r"\$(\d)").map_err(|error| Refusal(error.to_string()))?;
        let replacement = if manner.expression {
            groups.replace_all(replacement, "$${$1}").into_owned()
        } else {
            replacement.to_owned()
        };
        Ok(Self { pattern, replacement, expands: manner.expression, formulas: manner.formulas })
    }

    /// Replaces in a rectangle of a tab. Numbers are not searched.
    pub fn run(&self, tab: &mut Tab, area: Area, found: &mut Found) {
        let before = found.rows;
        for row in area.top..area.bottom {
            let mut in_row = false;
            for column in area.left..area.right.min(tab.rows.row(row).len() as u32) {
                let new = match &tab.cell(row, column).value {
                    Value::Text(text) => {
                        self.replace(text).map(|(text, count)| (Value::text(&text), count, false))
                    }
                    Value::Formula(text) if self.formulas => {
                        self.replace(text).map(|(text, count)| (Value::Formula(text.into()), count, true))
                    }
                    _ => None,
                };
                if let Some((value, count, formula)) = new {
                    tab.set_value(row, column, value);
                    found.occurrences += count;
                    *(if formula { &mut found.formulas } else { &mut found.values }) += 1;
                    in_row = true;
                }
            }
            found.rows += u32::from(in_row);
        }
        found.sheets += u32::from(found.rows > before);
    }

    fn replace(&self, text: &str) -> Option<(String, u32)> {
        let count = self.pattern.find_iter(text).count();
        let new = || {
            if self.expands {
                self.pattern.replace_all(text, self.replacement.as_str())
            } else {
                self.pattern.replace_all(text, NoExpand(&self.replacement))
            }
        };
        (count > 0).then(|| (new().into_owned(), count as u32))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_taken_as_it_is_and_expressions_have_groups() {
        let replaced = |find, replacement, manner, text| {
            Search::new(find, replacement, manner).expect("is known").replace(text)
        };
        let plain = Manner::default();
        assert_eq!(replaced("A.", "$1", plain, "aa.A."), Some(("a$1$1".into(), 2)));
        assert_eq!(replaced("a", "b", Manner { entire: true, ..plain }, "aa"), None);
        let expression = Manner { expression: true, match_case: true, ..plain };
        assert_eq!(replaced(r"(\w+) (\w+)", "$2_$1", expression, "Ann Lee"), Some(("Lee_Ann".into(), 1)));
        assert!(Search::new("(?=a)", "", expression).is_err());
    }
}
