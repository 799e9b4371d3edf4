//! Import circles in small crates, with circles and without.

use super::*;

/// The circles of a crate with these files.
fn circles(files: &[(&str, &str)]) -> Vec<String> {
    let read = |path: &str| files.iter().find(|(name, _)| *name == path).map(|(_, text)| (*text).to_owned());
    let (names, arrows) = imports_of(files[0].0, &read).unwrap();
    Graph::new(names, arrows).circles()
}

#[test]
fn files_that_import_each_other_are_a_circle() {
    let files = [
        ("src/lib.rs", "mod a; mod b; mod c; mod d;"),
        ("src/a.rs", "use crate::b::B;"),
        ("src/b.rs", "use crate::{c::{self, C}, d};"),
        ("src/c.rs", "fn f() { crate::a::g::<u8>() }"),
        ("src/d.rs", "struct D;"),
    ];
    assert_eq!(circles(&files), ["a.rs -> b.rs -> c.rs -> a.rs"]);
}

#[test]
fn each_circle_has_a_line_with_all_of_its_files() {
    let files = [
        ("src/lib.rs", "mod a; mod b; mod c; mod x; mod y;"),
        ("src/x.rs", "use super::y;"),
        ("src/y.rs", "use super::{a, x};"),
        ("src/a.rs", "use super::{b, c};"),
        ("src/b.rs", "use super::a;"),
        ("src/c.rs", "use super::a;"),
    ];
    assert_eq!(circles(&files), ["a.rs -> b.rs -> a.rs -> c.rs -> a.rs", "x.rs -> y.rs -> x.rs"]);
}

#[test]
fn a_file_and_one_below_it_are_a_circle_only_if_they_import_each_other() {
    let root = ("src/main.rs", "mod a;");
    let below = ("src/a/b.rs", "use super::A;");
    assert_eq!(circles(&[root, ("src/a.rs", "mod b; struct A;"), below]), [""; 0]);
    for above in ["mod b; use b::B;", "mod b; pub(crate) use self::b::B;", "mod b; fn f(_: b::B) {}"] {
        assert_eq!(circles(&[root, ("src/a.rs", above), below]), ["a.rs -> a/b.rs -> a.rs"], "{above}");
    }
    let files = [root, ("src/a/mod.rs", "mod b; use b::B;"), ("src/a/b.rs", "use crate::a;")];
    assert_eq!(circles(&files), ["a/b.rs -> a/mod.rs -> a/b.rs"]);
}

#[test]
fn the_table_of_contents_uses_nothing() {
    let file = ("src/a.rs", "use crate::Error;");
    assert_eq!(circles(&[("src/lib.rs", "mod a; pub use a::A; pub mod b { pub use crate::a::B; }"), file]), [""; 0]);
    assert_eq!(circles(&[("src/lib.rs", "mod a; use a::A;"), file]), ["a.rs -> lib.rs -> a.rs"]);
}

#[test]
fn a_name_that_is_handed_on_belongs_to_the_file_that_defines_it() {
    let files = [
        ("src/lib.rs", "mod a; mod b; pub use a::A as Renamed;"),
        ("src/a.rs", "use crate::b::B;"),
        ("src/b.rs", "use crate::Renamed; use b::b; pub use std::io;"),
    ];
    assert_eq!(circles(&files), ["a.rs -> b.rs -> a.rs"]);
}

#[test]
fn what_is_not_built_into_the_product_does_not_count() {
    let tests = [
        "#[cfg(test)] use crate::b::{B, C};",
        "#[cfg(test)] #[path = \"a_tests.rs\"] mod tests;",
        "#[cfg(all(test, not(loom)))] mod tests { use crate::b::B; }",
        "#[cfg(any(loom, test))] pub(crate) fn f<A, B>(a: A) -> crate::b::B { a(|| { crate::b::b() }) }",
        "struct S { #[cfg(test)] pub(crate) b: crate::b::B<(), u8>, #[cfg(test)] c: crate::b::C }",
        "// use crate::b::B;\nconst A: &str = \"use crate::b::B;\";",
        "pub(in crate::b) struct A;",
        "fn f() { self.b::<u8>(); std::b::c(); other::a::b() }",
        "mod inner { fn f() { b::g() } }",
    ];
    for test in tests {
        let files = [("src/lib.rs", "mod a; mod b;"), ("src/a.rs", test), ("src/b.rs", "use crate::a;")];
        assert_eq!(circles(&files), [""; 0], "{test}");
    }
}

#[test]
fn what_follows_a_part_that_is_passed_over_counts() {
    let items = [
        "#[cfg(test)] mod tests { use super::*; } use crate::b::B;",
        "#[cfg(test)] use std::{a, b}; fn f() { crate::b::b() }",
        "struct S { #[cfg(test)] a: u8, b: crate::b::B }",
        "#[cfg(not(test))] use crate::b::B;",
        "#[cfg(any(test, target_os = \"linux\"))] use crate::b::B;",
        "fn f<'a>(_: &'a str) { g('\\'', '\"'); crate::b::b() }",
        "#[arg(value_parser = crate::b::parse)] struct A;",
        "mod inner { use super::super::b; }",
        "macro_rules! a { () => { $crate::b::b() } }",
        "fn f() -> impl Sized + use<> { use crate::b::B; }",
        "use {std::io, crate::b as other};",
    ];
    for item in items {
        let files = [("src/lib.rs", "mod a; mod b;"), ("src/a.rs", item), ("src/b.rs", "use crate::a;")];
        assert_eq!(circles(&files), ["a.rs -> b.rs -> a.rs"], "{item}");
    }
}

#[test]
fn modules_are_found_where_the_compiler_finds_them() {
    let files = [
        ("src/lib.rs", "mod a { pub mod b; } #[path = \"other/name.rs\"] mod c;"),
        ("src/a/b.rs", "use crate::c::C;"),
        ("src/other/name.rs", "use super::a::b::B;"),
    ];
    assert_eq!(circles(&files), ["a/b.rs -> other/name.rs -> a/b.rs"]);
    assert!(imports_of("src/lib.rs", &|path| (path == "src/lib.rs").then(|| "mod a;".to_owned())).is_err());
}

#[test]
fn every_crate_of_the_repository_is_looked_at() {
    let files = ["a/src/main.rs", "b/src/lib.rs", "b/src/main.rs", "b/src/c.rs", "a/tests/main.rs", "build.rs"];
    assert_eq!(packages(&files), [("a", vec!["a/src/main.rs"]), ("b", vec!["b/src/lib.rs", "b/src/main.rs"])]);
}
