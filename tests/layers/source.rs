//! What a Rust file names: its paths, resolved to the root of the crate. Read from words and marks, with comments and
//! texts left out, which is all that the plan of the house needs to know of the language.

use std::iter::Peekable;
use std::str::Chars;

/// The name of the library, as `main.rs` calls what the other files call `crate`.
const LIBRARY: &str = "sheetbridge";

/// A file, by its path inside the package.
pub(super) struct Source {
    pub(super) name: String,
    module: Vec<String>,
    tokens: Vec<Token>,
    production_lines: usize,
    tests_begin: usize,
}

/// A path in a file, from the root of the crate (`crate`, ...) or of another one (`std`, ...).
pub(super) struct Found {
    pub(super) path: Vec<String>,
    pub(super) line: usize,
    pub(super) in_tests: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Token {
    text: String,
    line: usize,
}

impl Source {
    pub(super) fn new(name: &str, text: &str) -> Self {
        let production = text.lines().take_while(|line| !line.starts_with("#[cfg(test)]"));
        let (blank, written): (Vec<_>, Vec<_>) = production.partition(|line| line.trim().is_empty());
        Self {
            name: name.to_owned(),
            module: module_of(name),
            tokens: tokens(text),
            production_lines: written.len(),
            tests_begin: blank.len() + written.len() + 1,
        }
    }

    /// The folder or file under `src` that this belongs to.
    pub(super) fn room(&self) -> &str {
        self.module.first().map_or("lib", String::as_str)
    }

    /// The lines before the tests that are not blank.
    pub(super) fn production_lines(&self) -> usize {
        self.production_lines
    }

    /// The lines before the tests on which this word stands by itself.
    pub(super) fn production_words(&self, word: &str) -> impl Iterator<Item = usize> {
        let production = self.tokens.iter().take_while(|token| token.line < self.tests_begin);
        production.filter(move |token| token.text == word).map(|token| token.line)
    }

    /// Every path of the file: of `use`, with its groups spread out, and of expressions and types.
    pub(super) fn paths(&self) -> Vec<Found> {
        let mut found = Vec::new();
        let mut inner: Vec<Option<&str>> = Vec::new(); // an open brace each, with the name of the module that it opened
        let mut at = 0;
        while at < self.tokens.len() {
            match self.text(at) {
                "{" => {
                    let opens_module = at >= 2 && self.text(at - 2) == "mod";
                    inner.push(opens_module.then(|| self.text(at - 1)));
                    at += 1;
                }
                "}" => {
                    inner.pop();
                    at += 1;
                }
                word if is_word(word) && self.begins_path(at) => {
                    let mut here = self.module.clone();
                    here.extend(inner.iter().flatten().map(ToString::to_string));
                    let mut spread = Vec::new();
                    at = self.tree(at, &[], &mut spread);
                    found.extend(spread.into_iter().map(|(path, line)| Found {
                        path: resolve(path, &here),
                        line,
                        in_tests: line >= self.tests_begin,
                    }));
                }
                _ => at += 1,
            }
        }
        found
    }

    /// A word with `::` after it, or the first word of a `use`; never the middle of a path or the name of a field.
    fn begins_path(&self, at: usize) -> bool {
        let before = if at == 0 { "" } else { self.text(at - 1) };
        before != "." && (self.text(at + 1) == "::" || before == "use")
    }

    /// Reads the tree of paths at `at`, each with `stem` before it. Gives the place after it.
    fn tree(&self, mut at: usize, stem: &[String], spread: &mut Vec<(Vec<String>, usize)>) -> usize {
        let mut path = stem.to_vec();
        loop {
            match self.text(at) {
                "{" => {
                    at += 1;
                    while !matches!(self.text(at), "}" | "") {
                        at = if matches!(self.text(at), ",") { at + 1 } else { self.tree(at, &path, spread) };
                    }
                    return at + 1;
                }
                word if is_word(word) || word == "*" => {
                    path.push(word.to_owned());
                    at += 1;
                    if self.text(at) != "::" {
                        spread.push((path, self.tokens[at - 1].line));
                        return if self.text(at) == "as" { at + 2 } else { at };
                    }
                    at += 1;
                }
                // A turbofish or a broken text ends the path.
                _ => {
                    spread.push((path, self.tokens[at - 1].line));
                    return at + 1;
                }
            }
        }
    }

    fn text(&self, at: usize) -> &str {
        self.tokens.get(at).map_or("", |token| token.text.as_str())
    }
}

/// `src/engine/rule.rs` is `engine::rule`; `main.rs` counts as a module of its own, `lib.rs` is the root.
fn module_of(name: &str) -> Vec<String> {
    let inside = name.strip_prefix("src/").unwrap_or(name);
    let parts = inside.strip_suffix(".rs").unwrap_or(inside).split('/');
    parts.filter(|part| !matches!(*part, "mod" | "lib")).map(ToOwned::to_owned).collect()
}

/// From the root, for a path that is written in the module `here`.
fn resolve(path: Vec<String>, here: &[String]) -> Vec<String> {
    let ups = path.iter().take_while(|word| *word == "super").count();
    let (start, skipped) = match path.first().map(String::as_str) {
        Some("super") => (&here[..here.len().saturating_sub(ups)], ups),
        Some("self") => (here, 1),
        Some(LIBRARY) => (&here[..0], 1),
        _ => return path,
    };
    let root = ["crate".to_owned()];
    root.iter().chain(start).chain(&path[skipped..]).cloned().collect()
}

fn is_word(text: &str) -> bool {
    text.starts_with(|first: char| first.is_alphabetic() || first == '_')
}

/// The words and marks of a text, `::` as one mark; comments, texts, characters and lifetimes left out.
fn tokens(text: &str) -> Vec<Token> {
    let mut found = Vec::new();
    let mut line = 1;
    let mut rest = text.chars().peekable();
    while let Some(next) = rest.next() {
        match next {
            '\n' => line += 1,
            '/' if rest.peek() == Some(&'/') => while rest.next_if(|other| *other != '\n').is_some() {},
            '/' if rest.peek() == Some(&'*') => line += skip_block_comment(&mut rest),
            '"' => line += skip_text(&mut rest),
            '\'' => skip_character(&mut rest),
            ':' if rest.next_if_eq(&':').is_some() => found.push(Token { text: "::".to_owned(), line }),
            _ if next.is_alphanumeric() || next == '_' => {
                let mut word = String::from(next);
                while let Some(more) = rest.next_if(|other| other.is_alphanumeric() || *other == '_') {
                    word.push(more);
                }
                if matches!(word.as_str(), "r" | "br" | "cr") && matches!(rest.peek(), Some('"' | '#')) {
                    line += skip_raw_text(&mut rest);
                } else {
                    found.push(Token { text: word, line });
                }
            }
            _ if next.is_whitespace() => {}
            _ => found.push(Token { text: next.into(), line }),
        }
    }
    found
}

/// Each of these gives the number of line ends that it passed.
fn skip_block_comment(rest: &mut Peekable<Chars<'_>>) -> usize {
    let (mut depth, mut lines) = (0, 0);
    let mut last = '/';
    for next in rest.by_ref() {
        lines += usize::from(next == '\n');
        match (last, next) {
            ('/', '*') => depth += 1,
            ('*', '/') => depth -= 1,
            _ => {
                last = next;
                continue;
            }
        }
        if depth == 0 {
            break;
        }
        last = ' ';
    }
    lines
}

fn skip_text(rest: &mut Peekable<Chars<'_>>) -> usize {
    let mut lines = 0;
    while let Some(next) = rest.next() {
        match next {
            '"' => break,
            '\\' => lines += usize::from(rest.next() == Some('\n')),
            _ => lines += usize::from(next == '\n'),
        }
    }
    lines
}

fn skip_raw_text(rest: &mut Peekable<Chars<'_>>) -> usize {
    let mut hashes = 0;
    while rest.next_if_eq(&'#').is_some() {
        hashes += 1;
    }
    if rest.next_if_eq(&'"').is_none() {
        return 0; // a raw word such as `r#type`
    }
    let mut lines = 0;
    while let Some(next) = rest.next() {
        lines += usize::from(next == '\n');
        let mut closing = 0;
        while next == '"' && closing < hashes && rest.next_if_eq(&'#').is_some() {
            closing += 1;
        }
        if next == '"' && closing == hashes {
            break;
        }
    }
    lines
}

/// After `'`: a lifetime is left to be read as a word, which no rule looks at; a character is skipped.
fn skip_character(rest: &mut Peekable<Chars<'_>>) {
    let mut ahead = rest.clone();
    match ahead.next() {
        Some('\\') => {
            rest.next();
            rest.next();
            while rest.next().is_some_and(|next| next != '\'') {}
        }
        Some(_) if ahead.next() == Some('\'') => {
            rest.next();
            rest.next();
        }
        _ => {}
    }
}
