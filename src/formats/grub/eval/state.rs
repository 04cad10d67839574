//! Variables while the files are run in thought: every character knows where it comes from.

use std::collections::{BTreeMap, BTreeSet};

use super::super::words::{Cell, GrubWord, OURS, UNKNOWN, Variables, words};
use super::super::{LINUX_DEFAULT, is_cmdline};
use super::VARIABLES;
use crate::order::Named;

/// A value is no longer than this; the kernel's line is 2048 bytes.
const LONGEST: usize = 64 << 10;

/// Where characters come from.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(in super::super) struct Source {
    pub(in super::super) path: String,
    pub(in super::super) line: u32,
    /// Why they may not be there.
    pub(in super::super) maybe: Option<String>,
    /// They stood in one of the two variables when our fragment was read.
    pub(in super::super) before_ours: bool,
}

/// What was said so far.
#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) variables: Named<Vec<Cell>>,
    pub(super) readonly: BTreeSet<String>,
    pub(super) sources: Vec<Source>,
    /// Words that are gone, and why.
    pub(super) gone: Vec<(GrubWord, String)>,
    /// Our fragment was read.
    pub(super) read_ours: bool,
    /// Why our arguments are gone.
    pub(super) ours_gone: Option<String>,
    pub(super) doubts: Vec<String>,
}

/// Variables of GRUB's script stay as they are for now.
struct Unexpanded;

impl Variables for Unexpanded {
    fn expand(&mut self, _: &str, from: usize) -> Vec<Cell> {
        vec![Cell { c: UNKNOWN, from }]
    }
}

impl State {
    pub(super) fn doubt(&mut self, doubt: String) {
        if !self.doubts.contains(&doubt) {
            self.doubts.push(doubt);
        }
    }

    pub(super) fn source(&mut self, path: &str, line: u32, maybe: Option<String>) -> usize {
        self.sources.push(Source { path: path.to_owned(), line, maybe, before_ours: false });
        self.sources.len() - 1
    }

    /// Whether all of it is surely there.
    pub(super) fn surely(&self, cells: &[Cell]) -> bool {
        cells.iter().all(|cell| self.sources.get(cell.from).is_some_and(|source| source.maybe.is_none()))
    }

    /// The same characters from sources that were changed.
    fn changed(&mut self, cells: &mut [Cell], change: impl Fn(&mut Source)) {
        let mut renamed = BTreeMap::new();
        for cell in cells {
            cell.from = *renamed.entry(cell.from).or_insert_with(|| {
                let mut source = self.sources.get(cell.from).cloned().unwrap_or_default();
                change(&mut source);
                self.sources.push(source);
                self.sources.len() - 1
            });
        }
    }

    /// Our fragment is read here: what stands in the variables is within its reach.
    pub(super) fn ours(&mut self, maybe: Option<&str>) {
        self.read_ours = true;
        for variable in VARIABLES {
            let mut cells = self.variables.remove(variable).unwrap_or_default();
            self.changed(&mut cells, |source| source.before_ours = true);
            if variable == LINUX_DEFAULT {
                let from = self.source("", 0, maybe.map(str::to_owned));
                cells.extend([' ', OURS, ' '].map(|c| Cell { c, from }));
            }
            self.variables.insert(variable.to_owned(), cells);
        }
    }

    /// Gives a variable a value.
    pub(super) fn set(
        &mut self,
        variable: &str,
        mut cells: Vec<Cell>,
        appends: bool,
        maybe: Option<&str>,
        at: &str,
    ) {
        let mut old = self.variables.remove(variable).unwrap_or_default();
        if appends {
            cells.splice(0..0, old.iter().copied());
        }
        // By source, whether something of it is carried over.
        let mut carried = vec![false; self.sources.len()];
        for cell in &cells {
            if let Some(carries) = carried.get_mut(cell.from) {
                *carries = true;
            }
        }
        let keeps = old.iter().any(|cell| is_carried(&carried, cell));
        let opaque = cells.iter().any(|cell| cell.c == UNKNOWN && !old.contains(cell));
        if !old.is_empty() && !keeps && (maybe.is_some() || opaque) {
            // Either the old value or the new one.
            let why = match maybe {
                Some(_) => format!("{at} may assign the variable anew"),
                None => format!("{at} sets the variable to what only a shell can tell"),
            };
            self.changed(&mut old, |source| source.maybe = source.maybe.take().or_else(|| Some(why.clone())));
            let from = old.last().map_or(0, |cell| cell.from);
            old.push(Cell { c: ' ', from });
            cells.splice(0..0, old);
        } else if is_cmdline(variable) {
            self.bury(&old, &carried, &format!("{at} assigns {variable} anew"));
        }
        if cells.len() > LONGEST {
            self.doubt(format!("{at} makes {variable} longer than any command line"));
            cells.truncate(LONGEST);
        }
        self.variables.insert(variable.to_owned(), cells);
    }

    /// Remembers the words that a new value does not carry over.
    fn bury(&mut self, old: &[Cell], carried: &[bool], why: &str) {
        let lost: Vec<Cell> = old.iter().copied().filter(|cell| !is_carried(carried, cell)).collect();
        for word in words(&lost, &mut Unexpanded) {
            if word.cells.iter().any(|cell| cell.c == OURS) {
                self.ours_gone = Some(why.to_owned());
            } else {
                self.gone.push((word, why.to_owned()));
            }
        }
    }
}

fn is_carried(carried: &[bool], cell: &Cell) -> bool {
    carried.get(cell.from).is_some_and(|carries| *carries)
}
