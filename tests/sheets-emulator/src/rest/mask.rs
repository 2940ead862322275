//! Field masks: `a(b,c/d),e.f`, with `*`, for what is shown and for what is written.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json};

use super::ApiError;

/// A tree of wanted fields.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mask {
    /// Everything from here on.
    all: bool,
    parts: BTreeMap<String, Mask>,
}

static EVERYTHING: Mask = Mask { all: true, parts: BTreeMap::new() };

impl Mask {
    /// Everything.
    pub fn everything() -> Self {
        Self { all: true, parts: BTreeMap::new() }
    }

    /// Reads a mask. The error names the path that cannot be read.
    pub fn parse(text: &str) -> Result<Self, ApiError> {
        let mut mask = Self::default();
        let rest = parse_list(text, &mut [&mut mask])?;
        if rest.is_empty() { Ok(mask) } else { Err(bad_path(text)) }
    }

    /// Is this field wanted, or something in it?
    pub fn wants(&self, field: &str) -> bool {
        self.all || self.parts.contains_key(field)
    }

    /// The mask of a field's inside; `None` where the field is not wanted.
    pub fn inside(&self, field: &str) -> Option<&Self> {
        if self.all { Some(&EVERYTHING) } else { self.parts.get(field) }
    }

    /// The wanted fields at the top, in order; empty where all are.
    pub fn top(&self) -> impl Iterator<Item = (&str, &Mask)> {
        self.parts.iter().map(|(name, mask)| (name.as_str(), mask))
    }

    /// Is everything from here on wanted?
    pub fn is_everything(&self) -> bool {
        self.all
    }

    /// Takes away what is not wanted.
    pub fn apply(&self, value: &mut Json) {
        if self.all {
            return;
        }
        match value {
            Json::Array(items) => items.iter_mut().for_each(|item| self.apply(item)),
            Json::Object(fields) => fields.retain(|name, inner| match self.parts.get(name) {
                Some(mask) => {
                    mask.apply(inner);
                    true
                }
                None => false,
            }),
            _ => {}
        }
    }

    /// Writes the masked fields of `source` into `target`: named there, they are set, named and absent, they go.
    pub fn write(&self, target: &mut Map<String, Json>, source: &Map<String, Json>) {
        if self.all {
            target.clone_from(source);
            return;
        }
        for (name, mask) in &self.parts {
            match (mask.all || mask.parts.is_empty(), source.get(name)) {
                (true, Some(value)) => drop(target.insert(name.clone(), value.clone())),
                (true, None) => drop(target.remove(name)),
                (false, source) => {
                    let empty = Map::new();
                    let source = source.and_then(Json::as_object).unwrap_or(&empty);
                    let mut inner =
                        target.remove(name).and_then(|old| old.as_object().cloned()).unwrap_or_default();
                    mask.write(&mut inner, source);
                    if !inner.is_empty() {
                        target.insert(name.clone(), Json::Object(inner));
                    }
                }
            }
        }
    }

    /// Complains about the first field that a message of this shape does not have.
    pub fn check(&self, shape: &Shape) -> Result<(), ApiError> {
        self.check_at(shape, "")
    }

    fn check_at(&self, shape: &Shape, path: &str) -> Result<(), ApiError> {
        for (name, mask) in &self.parts {
            let here = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
            match shape.0.iter().find(|(field, _)| field == name) {
                Some((_, Some(inner))) => mask.check_at(inner, &here)?,
                Some((_, None)) => {}
                None => return Err(bad_path(&here)),
            }
        }
        Ok(())
    }
}

/// The fields of a message; those without a shape are not looked into.
#[derive(Debug)]
pub struct Shape(pub &'static [(&'static str, Option<&'static Shape>)]);

fn bad_path(path: &str) -> ApiError {
    let words = format!("Error expanding 'fields' parameter. Cannot find matching fields for path '{path}'.");
    let mut error = ApiError::violation(path, words);
    "Request contains an invalid argument.".clone_into(&mut error.message);
    error
}

/// Reads a list of paths into every one of `roots`; gives what is left from the closing bracket on.
fn parse_list<'t>(mut text: &'t str, roots: &mut [&mut Mask]) -> Result<&'t str, ApiError> {
    loop {
        text = parse_path(text.trim_start(), roots)?.trim_start();
        match text.strip_prefix(',') {
            Some(rest) => text = rest,
            None => return Ok(text),
        }
    }
}

fn parse_path<'t>(text: &'t str, roots: &mut [&mut Mask]) -> Result<&'t str, ApiError> {
    let end = text
        .find(|letter: char| !letter.is_alphanumeric() && letter != '_' && letter != '*')
        .unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    if name.is_empty() {
        return Err(bad_path(text));
    }
    let mut inner: Vec<&mut Mask> = if name == "*" {
        for root in roots.iter_mut() {
            root.all = true;
        }
        roots.iter_mut().map(|root| &mut **root).collect()
    } else {
        roots.iter_mut().map(|root| root.parts.entry(name.to_owned()).or_default()).collect()
    };
    if let Some(rest) = rest.strip_prefix(['.', '/']) {
        return parse_path(rest, &mut inner);
    }
    if let Some(rest) = rest.strip_prefix('(') {
        let rest = parse_list(rest, &mut inner)?;
        return rest.strip_prefix(')').ok_or_else(|| bad_path(text));
    }
    for mask in &mut inner {
        mask.all = true;
    }
    Ok(rest)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn shapes_of_a_mask_mean_the_same() {
        let dotted = Mask::parse("sheets.data.rowData.values.note,sheets.properties.title").expect("is read");
        assert_eq!(
            dotted,
            Mask::parse("sheets(data/rowData/values(note),properties(title))").expect("is read")
        );
        assert!(Mask::parse("a(b").is_err() && Mask::parse("").is_err());
    }

    #[test]
    fn a_mask_passes_through_lists() {
        let mut value = json!({"sheets": [{"a": 1, "b": 2}, {"b": 3}], "other": 1});
        Mask::parse("sheets.a").expect("is read").apply(&mut value);
        assert_eq!(value, json!({"sheets": [{"a": 1}, {}]}));
    }

    #[test]
    fn writing_sets_what_is_there_and_takes_what_is_not() {
        let object = |value: Json| value.as_object().cloned().expect("is an object");
        let mut target = object(json!({"a": {"x": 1, "y": 2}, "b": 1, "c": 1}));
        let source = object(json!({"a": {"x": 9}, "c": 5}));
        Mask::parse("a.x,a.y,b").expect("is read").write(&mut target, &source);
        assert_eq!(Json::Object(target), json!({"a": {"x": 9}, "c": 1}));
    }
}
