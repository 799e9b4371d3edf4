//! [`Tree`]: the modules of a crate with their files, and the arrows between the files.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::paths::{Contents, Declared, Named, Segments};

/// Largest number of names in a row that stand for each other. Names that stand for themselves have no end.
const RENAMED_MAX: usize = 32;

/// The modules of a crate.
#[derive(Debug, Default)]
pub(super) struct Tree {
    /// Paths of the files. The first is the root of the crate.
    files: Vec<String>,
    named: Vec<(usize, Named)>,
    modules: BTreeMap<Segments, Module>,
}

#[derive(Debug, Default)]
struct Module {
    file: usize,
    /// Imported names, each with the paths that it stands for.
    imported: BTreeMap<String, Vec<Segments>>,
}

impl Tree {
    /// Reads `root` and all files that it declares, directly or not.
    pub(super) fn read(root: &str, read: &dyn Fn(&str) -> Option<String>) -> Result<Self, String> {
        let mut tree = Self::default();
        let mut open = VecDeque::from([(Segments::new(), root.to_owned())]);
        while let Some((module, path)) = open.pop_front() {
            let source = read(&path).ok_or_else(|| format!("{path} cannot be read"))?;
            let contents = Contents::of(&source);
            for declared in &contents.declared {
                let file = Self::file_of(&path, module.is_empty(), declared);
                let file = file.into_iter().find(|file| read(file).is_some());
                let name = &declared.name;
                let file = file.ok_or_else(|| format!("{path}: the file of module `{name}` was not found"))?;
                open.push_back((joined(&joined(&module, &declared.within), std::slice::from_ref(name)), file));
            }
            tree.add(module, path, contents);
        }
        Ok(tree)
    }

    /// Paths at which the file of a module may be that `path` declares.
    fn file_of(path: &str, is_root: bool, declared: &Declared) -> Vec<String> {
        let (directory, name) = path.rsplit_once('/').unwrap_or(("", path));
        let own = if is_root || name == "mod.rs" {
            directory.to_owned()
        } else {
            format!("{directory}/{}", name.trim_end_matches(".rs"))
        };
        let within: String = declared.within.iter().map(|name| format!("/{name}")).collect();
        let Declared { name, path, .. } = declared;
        match path {
            Some(path) if within.is_empty() => vec![format!("{directory}/{path}")],
            Some(path) => vec![format!("{own}{within}/{path}")],
            None => vec![format!("{own}{within}/{name}.rs"), format!("{own}{within}/{name}/mod.rs")],
        }
    }

    fn add(&mut self, module: Segments, path: String, contents: Contents) {
        let file = self.files.len();
        self.files.push(path);
        for inline in [Segments::new()].iter().chain(&contents.inline) {
            self.modules.insert(joined(&module, inline), Module { file, imported: BTreeMap::new() });
        }
        for mut named in contents.named {
            named.within = joined(&module, &named.within);
            if let (Some(alias), Some(importer)) = (&named.alias, self.modules.get_mut(&named.within)) {
                importer.imported.entry(alias.clone()).or_default().push(named.path.clone());
            }
            self.named.push((file, named));
        }
    }

    pub(super) fn files(&self) -> &[String] {
        &self.files
    }

    /// For each file the files whose items it names.
    pub(super) fn arrows(&self) -> Vec<BTreeSet<usize>> {
        let mut arrows = vec![BTreeSet::new(); self.files.len()];
        for (file, named) in &self.named {
            // The root of a crate is a table of contents: it does not use the names that it exports.
            if (*file == 0 && named.is_public) || !self.is_of_crate(named) {
                continue;
            }
            let mut found = BTreeSet::new();
            self.resolve(&named.within, &named.path, 0, &mut found);
            found.remove(file);
            if let Some(arrows) = arrows.get_mut(*file) {
                arrows.extend(found);
            }
        }
        arrows
    }

    /// Whether a path begins in this crate, and not with a name that another path has brought.
    fn is_of_crate(&self, named: &Named) -> bool {
        named.path.first().is_some_and(|first| {
            matches!(first.as_str(), "crate" | "self" | "super")
                || self.modules.contains_key(&joined(&named.within, std::slice::from_ref(first)))
        })
    }

    /// Finds the files that define `path` as seen from a module. False if the path leads out of the crate.
    fn resolve(&self, module: &[String], path: &[String], depth: usize, found: &mut BTreeSet<usize>) -> bool {
        let mut module = module.to_vec();
        for (at, segment) in path.iter().enumerate() {
            match segment.as_str() {
                "crate" => module.clear(),
                "self" => {}
                "super" => {
                    module.pop();
                }
                _ => {
                    let inner = joined(&module, std::slice::from_ref(segment));
                    if self.modules.contains_key(&inner) {
                        module = inner;
                        continue;
                    }
                    let imported = self.modules.get(&module).and_then(|module| module.imported.get(segment));
                    let mut is_found = false;
                    for means in imported.into_iter().flatten().filter(|_| depth < RENAMED_MAX) {
                        is_found |= self.resolve(&module, &joined(means, &path[at + 1..]), depth + 1, found);
                    }
                    return is_found || (at > 0 && self.insert(&module, found));
                }
            }
        }
        self.insert(&module, found)
    }

    fn insert(&self, module: &[String], found: &mut BTreeSet<usize>) -> bool {
        let file = self.modules.get(module).map(|module| module.file);
        found.extend(file);
        file.is_some()
    }
}

fn joined(left: &[String], right: &[String]) -> Segments {
    [left, right].concat()
}
