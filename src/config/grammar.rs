//! What the text of a rule may say.
//!
//! The language has no limits of its own, so these are ours: no comprehensions (`all`, `exists`, `map`, `filter`), which could run
//! for seconds, and at most 200 nodes by the parsed tree. It has no checker either: names are looked up here.

use cel::Program;
use cel::common::ast::{Expr, IdedExpr, operators};

/// The most nodes of one rule.
const NODES: usize = 200;

/// The longest text of one rule: what the parser may have to nest.
const LENGTH: usize = 4_000;

/// What a rule may ask.
const NAMES: [&str; 8] = ["db", "sheet", "base", "row", "db_time", "sheet_time", "editor", "column"];

/// The functions that it may call, beside the operators.
const FUNCTIONS: [&str; 12] = [
    "size",
    "int",
    "uint",
    "double",
    "string",
    "bool",
    "contains",
    "startsWith",
    "endsWith",
    "dec",
    "min",
    "max",
];

const OPERATORS: [&str; 18] = [
    operators::CONDITIONAL,
    operators::LOGICAL_AND,
    operators::LOGICAL_OR,
    operators::LOGICAL_NOT,
    operators::SUBSTRACT,
    operators::ADD,
    operators::MULTIPLY,
    operators::DIVIDE,
    operators::MODULO,
    operators::EQUALS,
    operators::NOT_EQUALS,
    operators::GREATER_EQUALS,
    operators::LESS_EQUALS,
    operators::GREATER,
    operators::LESS,
    operators::NEGATE,
    operators::INDEX,
    operators::IN,
];

/// Why a text is no rule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadRule {
    /// The language does not know such a form.
    #[error("at line {line}, column {column}: {message}")]
    Syntax {
        /// From 1.
        line: isize,
        /// From 1.
        column: isize,
        /// The parser's words.
        message: String,
    },
    /// Longer than a rule may be.
    #[error("is longer than {LENGTH} characters")]
    TooLong,
    /// Larger than a rule may be.
    #[error("has {0} nodes, and {NODES} is the most")]
    TooLarge(usize),
    /// Something that we do not let run.
    #[error("at character {place}: {what}")]
    Refused {
        /// From 1.
        place: u32,
        /// What it is.
        what: String,
    },
}

/// Reads the text of a rule, and looks at every node of it.
pub(super) fn read(text: &str) -> Result<Program, BadRule> {
    if text.chars().count() > LENGTH {
        return Err(BadRule::TooLong);
    }
    let program = Program::compile(text).map_err(|errors| {
        let first = errors.errors.into_iter().next();
        let (line, column) = first.as_ref().map_or((1, 1), |error| error.pos);
        let message = first.map_or_else(|| "is no expression".to_owned(), |error| error.msg);
        BadRule::Syntax { line, column, message }
    })?;
    let mut nodes = 0;
    check(&program, program.expression(), &mut nodes)?;
    if nodes > NODES { Err(BadRule::TooLarge(nodes)) } else { Ok(program) }
}

/// Looks at every node: what it is, and how many there are.
fn check(program: &Program, node: &IdedExpr, nodes: &mut usize) -> Result<(), BadRule> {
    *nodes += 1;
    let refuse = |what: String| {
        let place = program.source_info().offset_for(node.id).map_or(1, |(start, _)| start + 1);
        Err(BadRule::Refused { place, what })
    };
    let mut each = |node: &IdedExpr| check(program, node, nodes);
    match &node.expr {
        Expr::Literal(_) => Ok(()),
        Expr::Ident(name) if NAMES.contains(&name.as_str()) => Ok(()),
        Expr::Ident(name) => refuse(format!("`{name}` is unknown; a rule knows {}", NAMES.join(", "))),
        Expr::Select(select) => each(&select.operand),
        Expr::List(list) => list.elements.iter().try_for_each(each),
        Expr::Call(call) => {
            let name = call.func_name.as_str();
            if matches!(name, "all" | "exists" | "exists_one" | "map" | "filter") {
                return refuse(format!("`{name}` is a comprehension: a rule may have none"));
            }
            if !OPERATORS.contains(&name) && !FUNCTIONS.contains(&name) {
                return refuse(format!("there is no function `{name}`; a rule has {}", FUNCTIONS.join(", ")));
            }
            call.target.iter().try_for_each(|target| each(target))?;
            call.args.iter().try_for_each(each)
        }
        Expr::Comprehension(_) => {
            refuse("a rule may have no comprehension (all, exists, map, filter)".into())
        }
        Expr::Map(_) | Expr::Struct(_) | Expr::Unspecified => refuse("a rule has no such form".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_run_for_long_or_asks_for_unknown_things_is_refused_with_its_place() {
        let nested = format!("[1].all(a, {} true {})", "[1].all(b, ".repeat(9), ")".repeat(9));
        for (rule, why) in [
            ("db +", "at line 1, column "),
            ("nosuch + 1", "at character 1: `nosuch` is unknown"),
            ("db > other ? 'sheet' : 'hold'", "at character 6: `other` is unknown"),
            ("sleep(db)", "there is no function `sleep`"),
            ("[db, sheet].exists(x, x > 1) ? 'sheet' : 'hold'", "comprehension"),
            ("size([1, 2].map(x, x)) > 1 ? 'sheet' : 'hold'", "comprehension"),
            (nested.as_str(), "comprehension"),
            ("{'a': db}.a", "a rule has no such form"),
            (&format!("db{}", " + 1".repeat(150)), "nodes, and 200 is the most"),
            (&"(".repeat(5_000), "is longer than"),
        ] {
            let told = read(rule).map(drop).expect_err(rule).to_string();
            assert!(told.contains(why), "{told} is not about {why}");
        }
        assert!(read(&format!("db{}", " + 1".repeat(99))).is_ok(), "199 nodes");
    }
}
