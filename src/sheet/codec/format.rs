//! The number format that set-up gives a column, so that what people type later stays what they typed.

use crate::model::schema::ColumnKind;

/// Google's `NumberFormat`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NumberFormat {
    /// `TEXT`, `NUMBER`, `DATE`, `TIME` or `DATE_TIME`.
    pub kind: &'static str,
    /// The pattern, `@` for text.
    pub pattern: String,
}

/// The format of a column's cells; `None` leaves them as they are (checkboxes and booleans).
pub fn number_format(kind: &ColumnKind) -> Option<NumberFormat> {
    let format = |kind, pattern: &str| Some(NumberFormat { kind, pattern: pattern.to_owned() });
    let fraction = |fsp: u8| {
        if fsp == 0 { String::new() } else { format!(".{}", "0".repeat(fsp.into())) }
    };
    match kind {
        ColumnKind::Integer { .. } | ColumnKind::Year => format("NUMBER", "0"),
        ColumnKind::Decimal { precision, scale, .. } if *precision <= 15 => match scale {
            0 => format("NUMBER", "0"),
            scale => format("NUMBER", &format!("0.{}", "0".repeat((*scale).into()))),
        },
        ColumnKind::Float | ColumnKind::Double => format("NUMBER", "0.###############"),
        ColumnKind::Boolean => None,
        ColumnKind::Date => format("DATE", "yyyy-mm-dd"),
        ColumnKind::DateTime { fsp } | ColumnKind::Timestamp { fsp } if *fsp <= 3 => {
            format("DATE_TIME", &format!("yyyy-mm-dd hh:mm:ss{}", fraction(*fsp)))
        }
        ColumnKind::Time { fsp } if *fsp <= 3 => format("TIME", &format!("[hh]:mm:ss{}", fraction(*fsp))),
        ColumnKind::Decimal { .. }
        | ColumnKind::DateTime { .. }
        | ColumnKind::Timestamp { .. }
        | ColumnKind::Time { .. }
        | ColumnKind::Text { .. }
        | ColumnKind::Enum(_)
        | ColumnKind::Set(_)
        | ColumnKind::Bytes { .. }
        | ColumnKind::Bit { .. }
        | ColumnKind::Json
        | ColumnKind::Named(_)
        | ColumnKind::Unsupported(_) => format("TEXT", "@"),
    }
}
