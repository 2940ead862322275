//! The check of `policy`: one of the words, or a rule of the operator's own.

use config::{Value, ValueKind};

use crate::config::check::{Checked, Refused};
use crate::config::link::Place;
use crate::config::raw::{RawRule, part};
use crate::config::rule::Rule;
use crate::model::rule::Policy;

/// Who wins a conflict: by a word, or by a rule, which comes before it.
#[derive(Clone, Debug, Default)]
pub(super) struct Chosen {
    /// The word; with a rule, what it falls back to where nothing stands against a person's value.
    pub(super) policy: Policy,
    /// The operator's own rule.
    pub(super) rule: Option<Rule>,
}

/// The rules of the operator's own of one link.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OwnRules {
    /// For every column, where the link lists none.
    pub everywhere: Option<Rule>,
    /// For the listed columns, in their order.
    pub listed: Vec<Option<Rule>>,
}

impl Place<'_, '_> {
    pub(super) fn policy(&mut self, key: &str, given: Option<Value>) -> Checked<Chosen> {
        let Some(given) = given else { return Ok(Chosen::default()) };
        match given.kind {
            ValueKind::String(word) => {
                let policy = self.word(key, Some(&word))?;
                Ok(Chosen { policy, rule: None })
            }
            ValueKind::Table(_) => {
                let path = self.path(key);
                let raw: RawRule = part(&path, given, &mut self.checker.complaints).ok_or(Refused)?;
                match Rule::parse(&raw.cel) {
                    Ok(rule) => Ok(Chosen { policy: Policy::default(), rule: Some(rule) }),
                    Err(error) => self.refuse(format!("{key}.cel"), error, "correct the expression"),
                }
            }
            _ => self.refuse(
                key,
                "is neither a word nor a rule",
                "write \"newest\", \"database\", \"sheet\", \"hold\", or { cel = \"an expression\" }",
            ),
        }
    }
}
