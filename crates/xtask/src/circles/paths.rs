//! [`Contents`]: the modules that a file declares, and the paths that it names in `use` items and in code.
//!
//! Items for tests and loom are left out.

use super::{
    cursor::{Attribute, Cursor},
    tokens::Token,
};

/// Segments of a path, or names of nested modules.
pub(super) type Segments = Vec<String>;

/// The declared modules and named paths of one file.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Contents {
    /// Modules with a file of their own.
    pub(super) declared: Vec<Declared>,
    /// Inline modules, each with the names of the modules around it.
    pub(super) inline: Vec<Segments>,
    pub(super) named: Vec<Named>,
}

/// A module with a file of its own: `mod name;`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Declared {
    /// Names of the inline modules around the declaration.
    pub(super) within: Segments,
    pub(super) name: String,
    /// Value of its `#[path]`.
    pub(super) path: Option<String>,
}

/// A path of two or more segments in code, or any path of a `use` item.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Named {
    /// Names of the inline modules around the path.
    pub(super) within: Segments,
    pub(super) path: Segments,
    /// Name that a `use` item gives the path.
    pub(super) alias: Option<String>,
    /// Whether the path is of a `pub use`, with any visibility.
    pub(super) is_public: bool,
}

impl Contents {
    pub(super) fn of(source: &str) -> Self {
        let mut reader = Reader { cursor: Cursor::new(source), blocks: Vec::new(), contents: Self::default() };
        reader.read();
        reader.contents
    }
}

struct Reader {
    cursor: Cursor,
    /// Open braces. Those of a module have its name.
    blocks: Vec<Option<String>>,
    contents: Contents,
}

impl Reader {
    fn read(&mut self) {
        let mut path = None;
        while let Some(token) = self.cursor.token(0).cloned() {
            match token {
                Token::Sign('#') if self.cursor.is_sign(1, '[') => match self.cursor.attribute() {
                    Attribute::LeavesOut => self.cursor.skip_item(),
                    Attribute::Path(name) => path = Some(name),
                    Attribute::Other => self.cursor.at += 2,
                },
                Token::Sign('{') => self.open(None),
                Token::Sign('}') => self.close(),
                Token::Name(word) if word == "mod" && !self.cursor.is_segment() => self.module(path.take()),
                Token::Name(word) if word == "use" && !self.cursor.is_sign(1, '<') => self.import(),
                Token::Name(_) if matches!(self.cursor.token(1), Some(Token::Colons)) && !self.cursor.is_segment() => {
                    self.path()
                }
                _ => self.cursor.at += 1,
            }
        }
    }

    fn within(&self) -> Segments {
        self.blocks.iter().flatten().cloned().collect()
    }

    fn open(&mut self, module: Option<String>) {
        self.blocks.push(module);
        self.cursor.at += 1;
    }

    fn close(&mut self) {
        self.blocks.pop();
        self.cursor.at += 1;
    }

    /// Reads `mod name;` or `mod name {`.
    fn module(&mut self, path: Option<String>) {
        let Some(name) = self.cursor.name(1) else {
            self.cursor.at += 1;
            return;
        };
        self.cursor.at += 2;
        if self.cursor.is_sign(0, '{') {
            self.open(Some(name));
            let within = self.within();
            self.contents.inline.push(within);
        } else {
            let within = self.within();
            self.contents.declared.push(Declared { within, name, path });
        }
    }

    fn path(&mut self) {
        let mut path: Segments = self.cursor.name(0).into_iter().collect();
        self.cursor.at += 1;
        while matches!(self.cursor.token(0), Some(Token::Colons))
            && let Some(name) = self.cursor.name(1)
        {
            path.push(name);
            self.cursor.at += 2;
        }
        let within = self.within();
        self.contents.named.push(Named { within, path, alias: None, is_public: false });
    }

    fn import(&mut self) {
        let is_public = self.cursor.is_public();
        self.cursor.at += 1;
        let mut found = Vec::new();
        self.import_tree(&Vec::new(), &mut found);
        let within = self.within();
        for (path, alias) in found {
            self.contents.named.push(Named { within: within.clone(), path, alias, is_public });
        }
    }

    /// Reads one tree of a `use` item: a path, perhaps with trees in braces at its end.
    fn import_tree(&mut self, prefix: &Segments, found: &mut Vec<(Segments, Option<String>)>) {
        let mut path = prefix.clone();
        loop {
            match self.cursor.token(0).cloned() {
                Some(Token::Colons) => self.cursor.at += 1,
                Some(Token::Name(name)) if name == "as" => {
                    found.push((path, self.cursor.name(1)));
                    self.cursor.at += 2;
                    return;
                }
                Some(Token::Name(name)) if name == "self" && !path.is_empty() => self.cursor.at += 1,
                Some(Token::Name(name)) => {
                    path.push(name);
                    self.cursor.at += 1;
                }
                Some(Token::Sign('*')) => {
                    found.push((path, None));
                    self.cursor.at += 1;
                    return;
                }
                Some(Token::Sign('{')) => {
                    self.cursor.at += 1;
                    while self.cursor.token(0).is_some() && !self.cursor.is_sign(0, '}') {
                        self.import_tree(&path, found);
                        if self.cursor.is_sign(0, ',') {
                            self.cursor.at += 1;
                        }
                    }
                    self.cursor.at += 1;
                    return;
                }
                _ => {
                    let alias = path.last().cloned();
                    found.push((path, alias));
                    // Any other token is stepped over: the compiler knows the grammar, this reader does not.
                    if !self.cursor.is_sign(0, ',') && !self.cursor.is_sign(0, '}') {
                        self.cursor.at += 1;
                    }
                    return;
                }
            }
        }
    }
}
