//! From pieces to a tree.

use super::token::{Reference, Token, cut};

/// A formula's tree.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Expression {
    Number(f64),
    Text(String),
    Bool(bool),
    Reference(Reference),
    Negative(Box<Expression>),
    Binary(char, Box<Expression>, Box<Expression>),
    Call(String, Vec<Expression>),
    /// A name that means nothing here.
    Unknown(String),
    Lost,
}

/// Reads a formula with its `=`; `None` if it is no formula (`#ERROR!`).
pub(super) fn parse(formula: &str) -> Option<Expression> {
    let tokens = cut(formula.strip_prefix('=')?)?.into_iter().map(|(_, token)| token).collect();
    let mut reader = Reader { tokens, at: 0 };
    let tree = reader.sum()?;
    (reader.at == reader.tokens.len()).then_some(tree)
}

struct Reader {
    tokens: Vec<Token>,
    at: usize,
}

impl Reader {
    fn sign(&mut self, wanted: &[char]) -> Option<char> {
        match self.tokens.get(self.at) {
            Some(Token::Sign(sign)) if wanted.contains(sign) => {
                self.at += 1;
                Some(*sign)
            }
            _ => None,
        }
    }

    fn sum(&mut self) -> Option<Expression> {
        let mut left = self.product()?;
        while let Some(sign) = self.sign(&['+', '-', '&']) {
            left = Expression::Binary(sign, Box::new(left), Box::new(self.product()?));
        }
        Some(left)
    }

    fn product(&mut self) -> Option<Expression> {
        let mut left = self.operand()?;
        while let Some(sign) = self.sign(&['*', '/']) {
            left = Expression::Binary(sign, Box::new(left), Box::new(self.operand()?));
        }
        Some(left)
    }

    fn operand(&mut self) -> Option<Expression> {
        if self.sign(&['-']).is_some() {
            return Some(Expression::Negative(Box::new(self.operand()?)));
        }
        if self.sign(&['+']).is_some() {
            return self.operand();
        }
        if self.sign(&['(']).is_some() {
            let inner = self.sum()?;
            return self.sign(&[')']).map(|_| inner);
        }
        let token = self.tokens.get(self.at)?.clone();
        self.at += 1;
        Some(match token {
            Token::Number(number) => Expression::Number(number),
            Token::Text(text) => Expression::Text(text),
            Token::Reference(reference) => Expression::Reference(reference),
            Token::Lost => Expression::Lost,
            Token::Name(name) if self.sign(&['(']).is_some() => {
                Expression::Call(name.to_uppercase(), self.arguments()?)
            }
            Token::Name(name) => match name.to_uppercase().as_str() {
                "TRUE" => Expression::Bool(true),
                "FALSE" => Expression::Bool(false),
                _ => Expression::Unknown(name),
            },
            Token::Sign(_) => return None,
        })
    }

    fn arguments(&mut self) -> Option<Vec<Expression>> {
        let mut arguments = Vec::new();
        if self.sign(&[')']).is_some() {
            return Some(arguments);
        }
        loop {
            arguments.push(self.sum()?);
            if self.sign(&[')']).is_some() {
                return Some(arguments);
            }
            self.sign(&[',', ';'])?;
        }
    }
}
