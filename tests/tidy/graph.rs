//! Which module uses which, drawn from the sources, and the circles in that.
//!
//! A module and its own parent (or any module above it) may use each other: a room hands out what
//! its parts hold, and the parts use the room's types. Any other two modules are compared where
//! they part: `a::x` using `b::y` is `a` using `b`. So each room's modules stand in an order, and
//! whoever reads a room can begin with those that use no other.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::words::words_of;

/// A module's path below the crate: `probe`, `disks`; the crate itself is empty.
type Module = Vec<String>;

/// What one module of a room uses there, and in which files it does.
type Uses<'a> = BTreeMap<&'a str, BTreeSet<&'a str>>;

/// One module's source.
#[derive(Default)]
struct Source {
    /// Its file below `src/`.
    file: String,
    /// What its `use` lines bind, and to which path.
    names: BTreeMap<String, Vec<String>>,
    /// Every path that it names, in `use` lines and elsewhere.
    paths: Vec<Vec<String>>,
}

/// A crate's modules, from its files below `src/` by name.
pub(crate) struct Crate {
    modules: BTreeMap<Module, Source>,
}

impl Crate {
    pub(crate) fn new(files: &BTreeMap<String, String>) -> Self {
        let words: BTreeMap<Module, (&String, Vec<String>)> =
            files.iter().map(|(file, text)| (module_of(file), (file, words_of(text)))).collect();
        // A file that its parent declares for tests or fuzzing only is no part of the crate.
        let is_declared = |module: &Module| {
            let Some((name, above)) = module.split_last() else { return true };
            let parent = words.get(above);
            parent.is_some_and(|(_, words)| {
                words.windows(3).any(|w| w[0] == "mod" && w[1] == *name && w[2] == ";")
            })
        };
        let modules = words
            .iter()
            .filter(|(module, _)| is_declared(module))
            .map(|(module, (file, words))| (module.clone(), Source::new(file, words)))
            .collect();
        Self { modules }
    }

    /// Each room's circles, as `a -> b -> a` with the files that hold each step.
    pub(crate) fn circles(&self) -> Vec<String> {
        self.rooms().iter().flat_map(|(room, uses)| circles_of(&room.join("::"), uses)).collect()
    }

    /// Which of the crate's own modules uses which, and in which files.
    pub(crate) fn top(&self) -> BTreeMap<&str, Uses<'_>> {
        self.rooms().remove(&Module::new()).unwrap_or_default()
    }

    fn rooms(&self) -> BTreeMap<Module, BTreeMap<&str, Uses<'_>>> {
        let mut rooms: BTreeMap<Module, BTreeMap<&str, Uses<'_>>> = BTreeMap::new();
        for (from, to) in self.uses() {
            let depth = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
            if from.len() == depth || to.len() == depth {
                continue;
            }
            // The graph's own names outlive those of the pair.
            let ((from, source), (to, _)) =
                (self.modules.get_key_value(&from).unwrap(), self.modules.get_key_value(&to).unwrap());
            let room = rooms.entry(from[..depth].to_vec()).or_default();
            let files = room.entry(&from[depth]).or_default().entry(&to[depth]).or_default();
            files.insert(source.file.as_str());
        }
        rooms
    }

    /// Every module with every module that it names or gets through a name that another hands on.
    fn uses(&self) -> BTreeSet<(Module, Module)> {
        let mut uses = BTreeSet::new();
        for (module, source) in &self.modules {
            for path in &source.paths {
                for met in self.walk(module, path, 0) {
                    uses.insert((module.clone(), met));
                }
            }
        }
        uses
    }

    /// The modules that a path comes from: the one that holds the thing, and those that hand it on.
    fn walk(&self, from: &Module, path: &[String], depth: usize) -> Vec<Module> {
        let Some((first, mut rest)) = path.split_first() else { return Vec::new() };
        let mut here = from.clone();
        match first.as_str() {
            "crate" => here.clear(),
            "self" => {}
            "super" => drop(here.pop()),
            _ => rest = path,
        }
        let is_anchored = rest.len() < path.len();
        for (at, name) in rest.iter().enumerate() {
            let mut below = here.clone();
            below.push(name.clone());
            if name == "super" {
                here.pop();
            } else if self.modules.contains_key(&below) {
                here = below;
            } else if let Some(bound) = self.modules.get(&here).and_then(|source| source.names.get(name))
                && depth < 8
            {
                let onward: Vec<String> = bound.iter().chain(&rest[at + 1..]).cloned().collect();
                let mut met = self.walk(&here, &onward, depth + 1);
                met.push(here);
                return met;
            } else if at == 0 && !is_anchored {
                return Vec::new(); // another crate's
            } else {
                break;
            }
        }
        vec![here]
    }
}

impl Source {
    fn new(file: &str, words: &[String]) -> Self {
        let mut source = Self { file: file.to_owned(), ..Self::default() };
        let mut at = 0;
        while at < words.len() {
            let begins = at == 0 || !["in", "::"].contains(&words[at - 1].as_str());
            if words[at] == "use" {
                at = source.tree(words, at + 1, &[]);
            } else if begins && words.get(at + 1).is_some_and(|word| word == "::") {
                let mut path = vec![words[at].clone()];
                while words.get(at + 1).is_some_and(|word| word == "::") && at + 2 < words.len() {
                    at += 2;
                    path.push(words[at].clone());
                }
                source.paths.push(path);
            }
            at += 1;
        }
        source
    }

    /// Reads one branch of a `use` tree and gives the place of the mark after it.
    fn tree(&mut self, words: &[String], mut at: usize, above: &[String]) -> usize {
        let mut path = above.to_vec();
        while at < words.len() {
            match words[at].as_str() {
                "::" => {}
                "{" => {
                    while words[at] != "}" {
                        at = self.tree(words, at + 1, &path);
                    }
                    return at + 1;
                }
                "*" => self.paths.push(path.clone()),
                "as" => {
                    at += 1;
                    self.bind(&words[at], path.clone());
                }
                "," | "}" | ";" => break,
                "self" if !path.is_empty() => {}
                name => path.push(name.to_owned()),
            }
            at += 1;
        }
        let last = |back: usize| words.get(at.wrapping_sub(back)).map_or("", String::as_str);
        if last(1) != "*" && last(2) != "as" && path.len() > usize::from(last(1) != "self") * above.len() {
            let name = path.last().cloned().unwrap_or_default();
            self.bind(&name, path);
        }
        at
    }

    fn bind(&mut self, name: &str, path: Vec<String>) {
        self.paths.push(path.clone());
        if path.len() > 1 {
            self.names.insert(name.to_owned(), path);
        }
    }
}

fn module_of(file: &str) -> Module {
    let path = file.trim_end_matches(".rs");
    if path == "lib" { Vec::new() } else { path.split('/').map(str::to_owned).collect() }
}

/// For every use that closes a circle the shortest such circle, each told once.
fn circles_of(room: &str, uses: &BTreeMap<&str, Uses<'_>>) -> Vec<String> {
    let mut told = BTreeSet::new();
    let mut found = Vec::new();
    for (&user, used) in uses {
        for &first in used.keys() {
            let Some(circle) = way(first, user, uses) else { continue };
            let mut members = circle.clone();
            members.sort_unstable();
            if told.insert(members) {
                let before = circle.iter().cycle().skip(circle.len() - 1);
                let steps = before.zip(&circle).map(|(from, to)| {
                    let files: Vec<&str> = uses[from][to].iter().copied().collect();
                    format!(" -> {to} ({})", files.join(", "))
                });
                let place = if room.is_empty() { String::new() } else { format!("in {room}: ") };
                found.push(format!("{place}{user}{}", steps.collect::<String>()));
            }
        }
    }
    found
}

/// The shortest way from one module to another, both ends included.
fn way<'a>(from: &'a str, to: &'a str, uses: &BTreeMap<&'a str, Uses<'a>>) -> Option<Vec<&'a str>> {
    let mut ways = VecDeque::from([vec![from]]);
    let mut seen = BTreeSet::new();
    while let Some(way) = ways.pop_front() {
        let last = way.last()?;
        if *last == to {
            return Some(way);
        }
        for &next in uses.get(last).into_iter().flat_map(BTreeMap::keys) {
            if seen.insert(next) {
                ways.push_back([way.as_slice(), &[next]].concat());
            }
        }
    }
    None
}

mod tests {
    use super::*;

    fn circles(files: &[(&str, &str)]) -> Vec<String> {
        let files = files.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
        Crate::new(&files).circles()
    }

    const LIB: (&str, &str) = ("lib.rs", "mod a; pub mod b; mod c;");

    #[test]
    fn a_circle_of_two_is_named_with_its_files() {
        let found =
            circles(&[LIB, ("a.rs", "use crate::b::{self, Thing};"), ("b.rs", "fn f() { crate::a::g() }")]);
        assert_eq!(found, ["a -> b (a.rs) -> a (b.rs)"]);
    }

    #[test]
    fn a_circle_of_three_through_parts_of_rooms_is_found() {
        let found = circles(&[
            LIB,
            ("a.rs", "pub mod x;"),
            ("a/x.rs", "use crate::{b::{y::Y as Z}, std::fmt};"),
            ("b.rs", "pub mod y;"),
            ("b/y.rs", "use super::super::c;"),
            ("c.rs", "use crate::a::x::X;"),
        ]);
        assert_eq!(found, ["a -> b (a/x.rs) -> c (b/y.rs) -> a (c.rs)"]);
    }

    #[test]
    fn siblings_in_a_room_are_held_too_also_through_what_the_room_hands_on() {
        let found = circles(&[
            LIB,
            ("a.rs", "mod x; mod y; pub use x::X; use y::why;"),
            ("a/x.rs", "use super::why;"),
            ("a/y.rs", "use crate::a::X;"),
        ]);
        assert_eq!(found, ["in a: x -> y (a/x.rs) -> x (a/y.rs)"]);
    }

    #[test]
    fn a_path_through_a_room_above_is_followed() {
        let found = circles(&[
            LIB,
            ("a.rs", "mod x; mod y;"),
            ("a/x.rs", "use crate::a; fn f() { a::y::g::<u8>() }"),
            ("a/y.rs", "fn g() { super::x::f() }"),
        ]);
        assert_eq!(found, ["in a: x -> y (a/x.rs) -> x (a/y.rs)"]);
    }

    #[test]
    fn a_room_and_its_parts_are_no_circle() {
        let found = circles(&[
            LIB,
            ("a.rs", "mod x; pub use x::X; pub(in crate::b) struct T;"),
            ("a/x.rs", "use super::T;"),
        ]);
        assert!(found.is_empty(), "{found:?}");
    }

    #[test]
    fn comments_texts_and_tests_do_not_count() {
        let b = "//! [`crate::a`]\n/* crate::a /* crate::a */ */ const T: &str = \"crate::a \\\" crate::a\";\n\
                 const R: &str = r#\"crate::a \" crate::a\"#; fn f<'a>(c: &'a str) -> char { '\"' }\n\
                 #[cfg(test)]\nmod tests { use crate::a::A; }\n#[cfg(test)] use crate::a::B;";
        let a = ("a.rs", "use crate::b::B;");
        assert!(circles(&[LIB, a, ("b.rs", b)]).is_empty());
        assert_eq!(circles(&[LIB, a, ("b.rs", &format!("{b} use crate::a::C;"))]).len(), 1);
        let only_fuzzed = ("lib.rs", "#[cfg(fuzzing)] pub mod a; mod b;");
        assert!(circles(&[only_fuzzed, a, ("b.rs", "use crate::a::C;")]).is_empty());
    }
}
