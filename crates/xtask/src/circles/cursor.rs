//! [`Cursor`]: a position in the tokens of a file. The cursor knows which attributes leave an item out of the product,
//! and where an item ends.

use super::tokens::{Token, tokens};

/// A position in the tokens of a file.
#[derive(Debug)]
pub(super) struct Cursor {
    tokens: Vec<Token>,
    /// Number of tokens behind the cursor.
    pub(super) at: usize,
}

/// The meaning of an attribute for the modules of a crate.
#[derive(Debug)]
pub(super) enum Attribute {
    /// The next item is not built into the product.
    LeavesOut,
    /// The file of the next module.
    Path(String),
    Other,
}

impl Cursor {
    pub(super) fn new(source: &str) -> Self {
        Self { tokens: tokens(source), at: 0 }
    }

    pub(super) fn token(&self, ahead: usize) -> Option<&Token> {
        self.tokens.get(self.at + ahead)
    }

    fn before(&self, count: usize) -> Option<&Token> {
        self.tokens.get(self.at.checked_sub(count)?)
    }

    pub(super) fn is_sign(&self, ahead: usize, sign: char) -> bool {
        self.token(ahead) == Some(&Token::Sign(sign))
    }

    fn is_name(&self, ahead: usize, name: &str) -> bool {
        matches!(self.token(ahead), Some(Token::Name(found)) if found == name)
    }

    pub(super) fn name(&self, ahead: usize) -> Option<String> {
        match self.token(ahead) {
            Some(Token::Name(name)) => Some(name.clone()),
            _ => None,
        }
    }

    /// Whether this name is a later segment of a path, a field or a method, or part of `pub(in ...)`.
    pub(super) fn is_segment(&self) -> bool {
        match self.before(1) {
            Some(Token::Colons | Token::Sign('.')) => true,
            Some(Token::Name(name)) => name == "in" && self.before(2) == Some(&Token::Sign('(')),
            _ => false,
        }
    }

    /// Whether the next token stands behind `pub` or `pub(...)`.
    pub(super) fn is_public(&self) -> bool {
        let mut behind = self.tokens.iter().take(self.at).rev();
        let last = match behind.next() {
            Some(Token::Sign(')')) => behind.find(|token| **token == Token::Sign('(')).and_then(|_| behind.next()),
            last => last,
        };
        matches!(last, Some(Token::Name(name)) if name == "pub")
    }

    /// Reads the attribute that begins here. The cursor goes behind `#[path = ...]` and stays before any other, which
    /// may name paths.
    pub(super) fn attribute(&mut self) -> Attribute {
        let begin = self.at;
        self.at += 2;
        if self.is_name(0, "cfg") && self.is_sign(1, '(') {
            self.at += 2;
            let is_built = self.predicate();
            self.at = begin;
            return if is_built == Some(false) { Attribute::LeavesOut } else { Attribute::Other };
        }
        if self.is_name(0, "path")
            && self.is_sign(1, '=')
            && let Some(Token::Text(text)) = self.token(2)
        {
            let text = text.clone();
            self.at += 4;
            return Attribute::Path(text);
        }
        self.at = begin;
        Attribute::Other
    }

    /// Whether a predicate of `cfg` is true for the product. None if it depends on the machine.
    fn predicate(&mut self) -> Option<bool> {
        let name = self.name(0)?;
        self.at += 1;
        if self.is_sign(0, '(') {
            self.at += 1;
            let mut inner = Vec::new();
            while self.token(0).is_some() && !self.is_sign(0, ')') {
                inner.push(self.predicate());
                while self.token(0).is_some() && !self.is_sign(0, ',') && !self.is_sign(0, ')') {
                    self.at += 1;
                }
                if self.is_sign(0, ',') {
                    self.at += 1;
                }
            }
            self.at += 1;
            let all = |value| inner.iter().all(|found| *found == Some(value)).then_some(value);
            let any = |value| inner.contains(&Some(value)).then_some(value);
            return match name.as_str() {
                "all" => any(false).or_else(|| all(true)),
                "any" => any(true).or_else(|| all(false)),
                _ => inner.first().copied().flatten().map(|value| !value),
            };
        }
        if self.is_sign(0, '=') { None } else { matches!(name.as_str(), "test" | "loom").then_some(false) }
    }

    /// Goes from an attribute to behind its item, field or statement.
    pub(super) fn skip_item(&mut self) {
        while self.is_sign(0, '#') && self.is_sign(1, '[') {
            self.at += 1;
            self.skip_group();
        }
        if self.is_name(0, "pub") {
            self.at += 1;
            if self.is_sign(0, '(') {
                self.skip_group();
            }
        }
        let is_use = self.is_name(0, "use");
        // A field ends with a comma. An item may have commas in its angles.
        let is_field = matches!(self.token(1), Some(Token::Sign(':' | ',' | '}' | '(')));
        while let Some(token) = self.token(0) {
            match token {
                Token::Sign(';') => break,
                Token::Sign(',') if is_field => break,
                // The end of a struct or enum whose last field this was.
                Token::Sign('}') => return,
                Token::Sign('{') if !is_use => {
                    self.skip_group();
                    return;
                }
                Token::Sign('(' | '[' | '{') => self.skip_group(),
                _ => self.at += 1,
            }
        }
        self.at += 1;
    }

    /// Goes from an opening bracket to behind the closing one.
    fn skip_group(&mut self) {
        let mut depth = 0_usize;
        while let Some(token) = self.token(0) {
            match token {
                Token::Sign('(' | '[' | '{') => depth += 1,
                Token::Sign(')' | ']' | '}') => depth = depth.saturating_sub(1),
                _ => {}
            }
            self.at += 1;
            if depth == 0 {
                return;
            }
        }
    }
}
