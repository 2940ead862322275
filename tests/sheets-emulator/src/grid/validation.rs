//! Data validation: may this value stand in the cell?

use serde_json::Value as Json;

use super::{Area, Cell, Refusal, Value, print_a1};

/// Refuses a value that a strict rule of the cell forbids. Rules that the emulator does not know allow everything.
pub(crate) fn check(cell: &Cell, value: &Value, title: &str, row: u32, column: u32) -> Result<(), Refusal> {
    let rule = cell.look.as_ref().and_then(|look| look.validation.as_ref());
    let Some(rule) = rule.filter(|rule| rule["strict"] == true) else {
        return Ok(());
    };
    if value.is_blank() || allows(&rule["condition"], value) {
        return Ok(());
    }
    let place = print_a1(title, Area::cell(row, column));
    let place = place.rsplit('!').next().unwrap_or_default();
    Err(Refusal(format!(
        "The data you entered in cell {place} violates the data validation rules set on this cell."
    )))
}

fn allows(condition: &Json, value: &Value) -> bool {
    let texts: Vec<&str> = condition["values"]
        .as_array()
        .map(|values| values.iter().filter_map(|value| value["userEnteredValue"].as_str()).collect())
        .unwrap_or_default();
    let number = |place: usize| texts.get(place).and_then(|text| text.parse::<f64>().ok());
    match (condition["type"].as_str().unwrap_or_default(), value) {
        ("BOOLEAN", value) if texts.is_empty() => matches!(value, Value::Bool(_)),
        ("ONE_OF_LIST", Value::Text(text)) => texts.contains(&&**text),
        ("ONE_OF_LIST", Value::Number(number)) => texts.iter().any(|text| text.parse() == Ok(*number)),
        ("NUMBER_BETWEEN", Value::Number(given)) => {
            number(0).is_none_or(|least| *given >= least) && number(1).is_none_or(|most| *given <= most)
        }
        ("NUMBER_GREATER", Value::Number(given)) => number(0).is_none_or(|limit| *given > limit),
        ("NUMBER_LESS", Value::Number(given)) => number(0).is_none_or(|limit| *given < limit),
        ("NUMBER_BETWEEN" | "NUMBER_GREATER" | "NUMBER_LESS", Value::Text(_) | Value::Bool(_)) => false,
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn strict_rules_refuse_and_others_do_not() {
        let with = |rule: Json| {
            let mut cell = Cell::default();
            cell.change_look(|look| look.validation = Some(rule));
            cell
        };
        let list = json!({"type": "ONE_OF_LIST", "values": [{"userEnteredValue": "new"}, {"userEnteredValue": "2"}]});
        let strict = with(json!({"condition": list, "strict": true}));
        let ok = |cell: &Cell, value: Value| check(cell, &value, "Sheet1", 0, 1).is_ok();
        assert!(
            ok(&strict, Value::text("new")) && ok(&strict, Value::Number(2.0)) && ok(&strict, Value::Blank)
        );
        let refused = check(&strict, &Value::text("old"), "Sheet1", 0, 1).expect_err("is not in the list");
        assert_eq!(
            refused.0,
            "The data you entered in cell B1 violates the data validation rules set on this cell."
        );
        assert!(ok(&with(json!({"condition": list})), Value::text("old")));
        let checkbox = with(json!({"condition": {"type": "BOOLEAN"}, "strict": true}));
        assert!(ok(&checkbox, Value::Bool(false)) && !ok(&checkbox, Value::text("TRUE")));
    }
}
