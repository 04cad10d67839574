//! The two variables to the arguments of an ordinary entry.

use crate::formats::boot_line::{BootArg, Configured, Holds};
use crate::order::Named;

use super::super::words::{Cell, GrubWord, OURS, UNKNOWN, Variables, cells, words};
use super::VARIABLES;
use super::state::{Source, State};

/// A variable of GRUB's own script, with what it will hold.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct GrubVariable {
    /// Its value; `None`: nobody can tell.
    pub text: Option<String>,
    /// The file that sets it, below the root.
    pub path: String,
    /// Line number, from 1; 0 where the file as a whole says so.
    pub line: u32,
    /// Why it may hold that or not.
    pub maybe: Option<String>,
}

/// GRUB's variables while words are split.
pub(in super::super) struct Expanding<'a> {
    pub(in super::super) known: &'a Named<GrubVariable>,
    pub(in super::super) sources: &'a mut Vec<Source>,
    /// One that is not known is one that nothing sets.
    pub(in super::super) complete: bool,
}

/// tuned's and EL's own, which hold nothing where they are not set.
const EMPTY: &[&str] = &["tuned_params", "kernelopts"];

impl Variables for Expanding<'_> {
    fn expand(&mut self, name: &str, from: usize) -> Vec<Cell> {
        let Some(variable) = self.known.get(name) else {
            let nothing = self.complete || EMPTY.contains(&name);
            return if nothing { Vec::new() } else { vec![Cell { c: UNKNOWN, from }] };
        };
        let outer = self.sources.get(from).cloned().unwrap_or_default();
        let maybe = outer.maybe.or_else(|| variable.maybe.clone());
        self.sources.push(Source { path: variable.path.clone(), line: variable.line, maybe, ..outer });
        let from = self.sources.len() - 1;
        match &variable.text {
            Some(text) => cells(text, from).collect(),
            None => vec![Cell { c: UNKNOWN, from }],
        }
    }
}

/// What the variables come to.
pub(super) fn finish(mut state: State, known: &Named<GrubVariable>) -> Configured {
    let mut line = Vec::new();
    for variable in VARIABLES {
        line.extend(state.variables.remove(variable).unwrap_or_default());
        line.push(Cell { c: ' ', from: usize::MAX });
    }
    let mut sources = std::mem::take(&mut state.sources);
    let found = words(&line, &mut Expanding { known, sources: &mut sources, complete: false });
    let mut args: Vec<BootArg> = Vec::new();
    for (word, why) in &state.gone {
        args.push(BootArg { holds: Holds::No(why.clone()), after_ours: false, ..argument(word, &sources) });
    }
    let mut ours_at = None;
    let mut ours =
        Holds::No(state.ours_gone.take().unwrap_or_else(|| "no fragment of ours is read here".to_owned()));
    let mut ended = None;
    for word in &found {
        let arg = argument(word, &sources);
        if word.cells.iter().any(|cell| cell.c == OURS) {
            ours_at = Some(args.len());
            ours = ended.clone().map_or(arg.holds, Holds::No);
            continue;
        }
        let after_end = ended.clone();
        if arg.text.as_deref() == Some("--") && arg.holds == Holds::Yes {
            ended.get_or_insert(format!(
                "{}:{} has --, behind which arguments are init's",
                arg.path, arg.line
            ));
        }
        args.push(BootArg { holds: after_end.map_or_else(|| arg.holds.clone(), Holds::No), ..arg });
    }
    let ours_at = ours_at.unwrap_or(args.len());
    Configured { args, ours_at, reads_ours: state.read_ours, ours, doubts: state.doubts }
}

/// A word as an argument.
pub(in super::super) fn argument(word: &GrubWord, sources: &[Source]) -> BootArg {
    let of = |cell: &Cell| sources.get(cell.from);
    let first = word.cells.iter().find_map(of).cloned().unwrap_or_default();
    let maybe = word.cells.iter().filter_map(of).find_map(|source| source.maybe.clone());
    let text = word.text();
    let unknown = text.is_none().then(|| {
        format!("{}:{} holds what only the boot loader or a shell can tell", first.path, first.line)
    });
    let beyond = word.beyond.map(str::to_owned);
    BootArg {
        text,
        path: first.path,
        line: first.line,
        holds: beyond.or(maybe).or(unknown).map_or(Holds::Yes, Holds::Maybe),
        after_ours: !word.cells.iter().filter_map(of).all(|source| source.before_ours),
    }
}
