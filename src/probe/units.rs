//! systemd's units with their drop-ins.

use crate::facts::{DropIn, Gap, UNIT_DIRS, Unit, UnitFile, UnitLine, UnreadFile, WANTS, drop_in_dirs};
use crate::formats::{bytes, unit};
use crate::marker::is_ours;
use crate::order::{Named, by_name};
use crate::root::{Dir, Entry, Kind, Result, Root, link_target};

/// How drop-ins' names end.
const CONF: &str = ".conf";
/// Assignments that are kept: spans of time end so, the agent's unit names its file here, and emergency mode what is
/// started with it.
const SPAN: &str = "Sec";
const EXEC: &str = "ExecStart";

/// These units, as far as the root has them.
pub fn read(root: &Root, names: &[&str], gaps: &mut Vec<Gap>) -> Vec<Unit> {
    let units = Units::open(root, gaps);
    names.iter().filter_map(|name| units.read(name, gaps)).collect()
}

/// The directories of units that a root has, listed once.
#[derive(Debug)]
pub(super) struct Units<'r> {
    root: &'r Root,
    /// By rank in [`UNIT_DIRS`].
    dirs: Vec<(usize, Dir<'r>, Named<Entry>)>,
    unread: Vec<UnreadFile>,
}

impl<'r> Units<'r> {
    /// Lists them; what cannot be listed is a gap, and unread for every unit.
    pub(super) fn open(root: &'r Root, gaps: &mut Vec<Gap>) -> Self {
        let merged = matches!(root.read_link("lib"), Ok(Some(_)));
        let (mut dirs, mut unread) = (Vec::new(), Vec::new());
        for (rank, top) in UNIT_DIRS.iter().enumerate().filter(|(_, top)| !merged || !top.starts_with("lib/"))
        {
            match root.dir(top).and_then(|dir| dir.map(|dir| Ok((dir.entries()?, dir))).transpose()) {
                Ok(None) => {}
                Ok(Some((entries, dir))) => {
                    let mut by_name = Named::new();
                    by_name.extend(entries.into_iter().map(|entry| (entry.name.clone(), entry)));
                    dirs.push((rank, dir, by_name));
                }
                Err(error) => {
                    gaps.push(Gap::new("units", top, error.reason()));
                    unread.push(UnreadFile { path: (*top).to_owned(), why: error.reason() });
                }
            }
        }
        Self { root, dirs, unread }
    }

    /// A unit; `None` where it has no file.
    pub(super) fn read(&self, name: &str, gaps: &mut Vec<Gap>) -> Option<Unit> {
        let (_, dir, entry) =
            self.dirs.iter().find_map(|(rank, dir, entries)| Some((rank, dir, entries.get(name)?)))?;
        let mut unit = Unit { name: name.to_owned(), unread: self.unread.clone(), ..Unit::default() };
        let path = format!("{}/{name}", dir.path());
        match self.bytes(dir, entry, &path) {
            // An empty file masks like a link to /dev/null (`null_or_empty`).
            Ok(found) if found.as_ref().is_none_or(Vec::is_empty) => unit.masked = Some(path),
            Ok(found) => unit.fragment = found.map(|found| file(&path, &found)),
            Err(error) => unit.unread.push(UnreadFile { path, why: error.reason() }),
        }
        Some(self.with_drop_ins(unit, gaps))
    }

    /// What a name has by drop-ins alone, without a file of its own.
    pub(super) fn template(&self, name: &str, gaps: &mut Vec<Gap>) -> Unit {
        let unit = Unit { name: name.to_owned(), unread: self.unread.clone(), ..Unit::default() };
        self.with_drop_ins(unit, gaps)
    }

    fn with_drop_ins(&self, mut unit: Unit, gaps: &mut Vec<Gap>) -> Unit {
        self.drop_ins(&mut unit);
        let known = self.unread.len();
        gaps.extend(
            unit.unread.iter().skip(known).map(|unread| Gap::new("units", &unread.path, &unread.why)),
        );
        unit
    }

    /// The directories that have something of this name, highest first: path, and what stands there.
    pub(super) fn having(&self, name: &str) -> impl Iterator<Item = (&str, &Entry)> {
        self.dirs.iter().filter_map(move |(_, dir, entries)| Some((dir.path(), entries.get(name)?)))
    }

    /// The names in one of the directories.
    pub(super) fn names(&self, dir: &str) -> Option<impl Iterator<Item = &String>> {
        let (_, _, entries) = self.dirs.iter().find(|(_, found, _)| found.path() == dir)?;
        Some(entries.keys())
    }

    /// Whether a directory could not be listed.
    pub(super) fn is_unread(&self, dir: &str) -> bool {
        self.unread.iter().any(|unread| unread.path == dir)
    }

    /// Whether some target, or another unit, is told to start it.
    pub(super) fn is_wanted(&self, name: &str) -> Result<bool> {
        for (_, dir, entries) in &self.dirs {
            for below in entries.keys().filter(|entry| wants(entry)) {
                if self.root.kind(&format!("{}/{below}/{name}", dir.path()))?.is_some() {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    /// All drop-ins of a unit and its other names, by name and rank.
    fn drop_ins(&self, unit: &mut Unit) {
        let mut names = vec![unit.name.clone()];
        names.extend(self.aliases(&unit.name));
        let mut found: Vec<DropIn> = Vec::new();
        for (order, name) in names.iter().enumerate() {
            let (own, _) = drop_in_dirs(name);
            for (rank, dir, entries) in &self.dirs {
                for (at, below) in own.iter().enumerate().filter(|(_, below)| entries.contains_key(below)) {
                    let rank = (order * UNIT_DIRS.len() + rank) * MOST_PREFIXES + at;
                    self.take_dir(unit, &mut found, dir.path(), below, rank);
                }
            }
        }
        let (_, of_type) = drop_in_dirs(&unit.name);
        for (rank, dir, entries) in &self.dirs {
            if entries.contains_key(&of_type) {
                self.take_dir(
                    unit,
                    &mut found,
                    dir.path(),
                    &of_type,
                    (names.len() * UNIT_DIRS.len() + rank) * MOST_PREFIXES,
                );
            }
        }
        Self::settle(unit, found);
    }

    /// Puts drop-ins in the order in which they are read, and says which are read in place of which.
    pub(super) fn settle(unit: &mut Unit, found: Vec<DropIn>) {
        let mut found = by_name(found, |one| (base(one).to_owned(), one.rank as u64));
        let mut first: Option<(String, String)> = None;
        for drop_in in &mut found {
            match &first {
                Some((name, by)) if name == base(drop_in) => drop_in.replaced_by = Some(by.clone()),
                _ => first = Some((base(drop_in).to_owned(), drop_in.file.path.clone())),
            }
        }
        unit.drop_ins = found;
    }

    /// Takes the drop-ins of one directory up.
    pub(super) fn take_dir(
        &self,
        unit: &mut Unit,
        found: &mut Vec<DropIn>,
        dir: &str,
        below: &str,
        rank: usize,
    ) {
        let path = format!("{dir}/{below}");
        let entries =
            match self.root.dir(&path).and_then(|dir| dir.map(|dir| Ok((dir.entries()?, dir))).transpose()) {
                Ok(Some(entries)) => entries,
                Ok(None) => return,
                Err(error) => {
                    unit.unread.push(UnreadFile { path, why: error.reason() });
                    return;
                }
            };
        let (entries, dir) = entries;
        for entry in entries.iter().filter(|entry| entry.name.ends_with(CONF)) {
            let path = format!("{path}/{}", entry.name);
            let mut drop_in = DropIn { rank, ..DropIn::default() };
            match self.bytes(&dir, entry, &path) {
                Ok(None) => drop_in.masks = true,
                Ok(Some(bytes)) => drop_in.file = file(&path, &bytes),
                Err(error) => unit.unread.push(UnreadFile { path: path.clone(), why: error.reason() }),
            }
            drop_in.file.path = path;
            found.push(drop_in);
        }
    }

    /// Other names of a unit that have drop-ins of their own: links to it.
    fn aliases(&self, name: &str) -> Vec<String> {
        let mut aliases = Vec::new();
        let own = drop_in_dirs(name).0;
        for (_, _, entries) in &self.dirs {
            let others =
                entries.keys().filter_map(|entry| entry.strip_suffix(".d").filter(|_| !own.contains(entry)));
            for other in others {
                let leads_here = self.dirs.iter().any(|(_, dir, entries)| {
                    entries.get(other).is_some_and(|entry| entry.kind == Kind::Link)
                        && matches!(dir.read_link(other), Ok(Some(target)) if target.rsplit('/').next() == Some(name))
                });
                if leads_here && !aliases.iter().any(|known| known == other) {
                    aliases.push(other.to_owned());
                }
            }
        }
        aliases
    }

    /// A file's bytes; `None` where it is a link to /dev/null or to nothing.
    fn bytes(&self, dir: &Dir<'_>, entry: &Entry, path: &str) -> Result<Option<Vec<u8>>> {
        if entry.kind != Kind::Link {
            return self.root.read(path);
        }
        let target = dir.read_link(&entry.name)?.unwrap_or_default();
        if link_target(dir.path(), &target) == "dev/null" { Ok(None) } else { self.root.read(path) }
    }
}

/// More dashes than a unit's name has.
const MOST_PREFIXES: usize = 64;

fn base(drop_in: &DropIn) -> &str {
    drop_in.file.path.rsplit('/').next().unwrap_or_default()
}

/// Whether a directory holds links to what is started with a unit.
fn wants(name: &str) -> bool {
    [".wants", ".requires"].iter().any(|ending| name.ends_with(ending))
}

/// What one file says.
pub(super) fn file(path: &str, found: &[u8]) -> UnitFile {
    let read = unit::read(&bytes::decode(found));
    let kept = |line: &unit::Line| line.key.ends_with(SPAN) || [EXEC, WANTS].contains(&line.key.as_str());
    let line = |line: unit::Line| UnitLine {
        line: line.line,
        section: line.section,
        key: line.key,
        value: line.value,
    };
    UnitFile {
        path: path.to_owned(),
        ours: is_ours(path, found),
        lines: read.lines.into_iter().filter(kept).map(line).collect(),
        stops: read.stops.map(|(line, why)| (line, why.to_owned())),
    }
}
