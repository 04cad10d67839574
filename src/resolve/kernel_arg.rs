//! A kernel argument at the next boot.
//!
//! Of equal keys the kernel takes the last, and dash and underscore are the same in a key. Where a
//! menu is made from `/etc/default/grub`, the chain is that of the next menu: `GRUB_CMDLINE_LINUX`
//! comes before `GRUB_CMDLINE_LINUX_DEFAULT` (`10_linux` of GRUB 2.06 to 2.14). Where the entries
//! stand for themselves, an argument is in force only when every ordinary entry has it.

use super::{Acts, Chain, InForce, Moment, Ours, Who, Writer};
use crate::cmdline::{same_key, split_arg};
use crate::facts::{Boot, BootArg, BootLine, BootStack, Facts, Holds, LineKind};

/// The value of an argument that is not there. A bare key has the empty value.
pub const ABSENT: &str = "absent";

/// Where a stack's next command line comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Store {
    /// A menu that is made from `/etc/default/grub`.
    Configuration,
    /// Entries that stand for themselves.
    Entries,
    /// Nothing that was read.
    Elsewhere,
}

fn store(stack: BootStack) -> Store {
    match stack {
        BootStack::DebianGrub
        | BootStack::AzureLinuxGrubD
        | BootStack::GrubMkconfig
        | BootStack::SuseGrub
        | BootStack::TransactionalUpdate => Store::Configuration,
        BootStack::GrubBls
        | BootStack::GrubBlsKernelopts
        | BootStack::AzureLinuxGrubenv
        | BootStack::SystemdBoot
        | BootStack::Uki
        | BootStack::Bootc
        | BootStack::Ostree
        | BootStack::Flatcar => Store::Entries,
        BootStack::Nullboot | BootStack::Unrecognised | BootStack::Unknown => Store::Elsewhere,
    }
}

/// Everybody who gives an argument of this key, in the order of the command line; `ours`: the value
/// that hvtune adds. Nobody giving it is [`ABSENT`].
pub fn chain(facts: &Facts, key: &str, ours: Option<Ours<'_>>) -> Chain {
    let boot = &facts.system.boot;
    match store(boot.stack) {
        Store::Configuration => configured(boot, key, ours),
        Store::Entries => of_entries(boot, key, ours),
        Store::Elsewhere => Chain { writers: start(by_hand(boot, ours)), doubts: doubts(boot) },
    }
}

/// The same where our fragment at `path` takes the key away. What comes in after it stays.
pub fn removal(facts: &Facts, key: &str, path: &str) -> Chain {
    let boot = &facts.system.boot;
    let ours = Some(Ours { path, value: ABSENT });
    if store(boot.stack) != Store::Configuration {
        return chain(facts, key, ours);
    }
    let config = &boot.configured;
    let mut own = own(path, ABSENT, Acts::Yes, "our fragment takes the key out of both variables");
    if !config.reads_ours {
        own.acts = Acts::No(unread(boot));
    }
    let taken = own.acts == Acts::Yes;
    let (after, before): (Vec<Writer>, Vec<Writer>) = {
        let concerned = config.args.iter().filter(|arg| concerns(arg, key));
        let (after, before): (Vec<_>, Vec<_>) = concerned.partition(|arg| arg.after_ours);
        (after.into_iter().map(writer).collect(), before.into_iter().map(writer).collect())
    };
    let mut writers = start(None);
    writers.extend(before.into_iter().map(|writer| match (&writer.acts, taken) {
        (Acts::No(_), _) | (_, false) => writer,
        _ => Writer { acts: Acts::No("our fragment takes it out".to_owned()), ..writer },
    }));
    writers.push(own);
    writers.extend(after);
    let mut doubts = doubts(boot);
    doubts.extend(config.doubts.iter().cloned());
    Chain { writers, doubts }
}

/// The chain of a menu that is made from `/etc/default/grub`.
fn configured(boot: &Boot, key: &str, ours: Option<Ours<'_>>) -> Chain {
    let config = &boot.configured;
    let mut own = ours.map(|ours| {
        let acts = if config.reads_ours { acts(&config.ours) } else { Acts::No(unread(boot)) };
        own(ours.path, ours.value, acts, "hvtune adds it behind what stood in the variable")
    });
    let mut writers = start(None);
    for (at, arg) in config.args.iter().enumerate() {
        if at == config.ours_at {
            writers.extend(own.take());
        }
        if concerns(arg, key) {
            writers.push(writer(arg));
        }
    }
    writers.extend(own);
    let mut doubts = doubts(boot);
    doubts.extend(config.doubts.iter().cloned());
    Chain { writers, doubts }
}

/// The chain of entries that stand for themselves. Ours is in the files of [`Boot::stores`], or in an addon.
fn of_entries(boot: &Boot, key: &str, ours: Option<Ours<'_>>) -> Chain {
    let lines = entry_lines(boot);
    let mut doubts = doubts(boot);
    if lines.is_empty() {
        doubts.push("no ordinary boot entry was found".to_owned());
    }
    let (mut losers, mut winners): (Vec<Writer>, Vec<Writer>) = (Vec::new(), Vec::new());
    let mut values: Vec<(String, InForce)> = Vec::new();
    let written = ours.filter(|_| boot.is_written());
    for line in &lines {
        let of_line = of_line(line, key, written);
        let in_force = of_line.in_force();
        for (at, writer) in of_line.writers.into_iter().enumerate().skip(1) {
            let wins = matches!(in_force, InForce::Known { by, .. } if by == at);
            let list = if wins { &mut winners } else { &mut losers };
            if !list.contains(&writer) {
                list.push(writer);
            }
        }
        values.push((name(line), in_force));
    }
    if let Some(why) = disagreement(key, &values) {
        for writer in winners.iter_mut().filter(|writer| writer.acts == Acts::Yes) {
            writer.acts = Acts::Maybe(why.clone());
        }
        doubts.push(why);
    }
    let mut writers = start(None);
    writers.extend(losers);
    writers.extend(winners);
    if written.is_none() {
        writers.extend(by_hand(boot, ours));
    }
    Chain { writers, doubts }
}

/// What the entries do not agree in.
fn disagreement(key: &str, values: &[(String, InForce)]) -> Option<String> {
    let (_, first) = values.first()?;
    let (entry, other) = values.iter().find(|(_, other)| other.value() != first.value())?;
    let has = |value: &InForce| match value.value() {
        Some(ABSENT) => format!("has no {key}"),
        Some("") => format!("has {key}"),
        Some(value) => format!("has {key}={value}"),
        None => format!("may have {key} or not"),
    };
    let (first_entry, first) = values.iter().next()?;
    Some(format!("the boot entries differ: {first_entry} {}, {entry} {}", has(first), has(other)))
}

/// The lines that the next boot may take.
fn entry_lines(boot: &Boot) -> Vec<&BootLine> {
    let entries: Vec<&BootLine> = boot.lines.iter().filter(|line| line.kind != LineKind::NewKernel).collect();
    // An image of bootc's has no entry yet, and sdbootutil makes all entries from one line.
    if entries.is_empty() && boot.stack == BootStack::Bootc || boot.by_sdbootutil() && boot.is_written() {
        return boot.lines.iter().filter(|line| line.kind == LineKind::NewKernel).collect();
    }
    entries
}

/// One line's chain; ours behind what stood in its file, where that is one that we write.
fn of_line(line: &BootLine, key: &str, ours: Option<Ours<'_>>) -> Chain {
    let of = |args: &[BootArg]| -> Vec<Writer> {
        args.iter().filter(|arg| concerns(arg, key)).map(writer).collect()
    };
    let (before, after) = line.args.split_at(line.ours_at.unwrap_or(line.args.len()).min(line.args.len()));
    let mut writers = start(None);
    writers.extend(of(before));
    if let (Some(ours), Some(_)) = (ours, line.ours_at) {
        let because = "hvtune adds it behind what stood there";
        writers.push(own(ours.path, ours.value, Acts::Yes, because));
    }
    writers.extend(of(after));
    Chain { writers, doubts: Vec::new() }
}

fn name(line: &BootLine) -> String {
    if line.entry.is_empty() { line.path.clone() } else { format!("{} ({})", line.path, line.entry) }
}

/// Whether an argument is of this key, or may be.
fn concerns(arg: &BootArg, key: &str) -> bool {
    arg.text.as_ref().is_none_or(|text| same_key(split_arg(text).0, key))
}

fn acts(holds: &Holds) -> Acts {
    match holds {
        Holds::Yes => Acts::Yes,
        Holds::Maybe(why) => Acts::Maybe(why.clone()),
        Holds::No(why) => Acts::No(why.clone()),
    }
}

fn writer(arg: &BootArg) -> Writer {
    let value = arg.text.as_ref().map(|text| split_arg(text).1.to_owned());
    Writer {
        who: Who::Line { path: arg.path.clone(), line: arg.line },
        value,
        shown: arg.text.clone().unwrap_or_else(|| "what only the boot loader or a shell can tell".to_owned()),
        moment: Moment::Load,
        acts: acts(&arg.holds),
        because: "of equal keys the kernel takes the last on its command line".to_owned(),
    }
}

fn own(path: &str, value: &str, acts: Acts, because: &str) -> Writer {
    Writer {
        who: Who::Ours { path: path.to_owned() },
        value: Some(value.to_owned()),
        shown: value.to_owned(),
        moment: Moment::Load,
        acts,
        because: because.to_owned(),
    }
}

/// The value that holds without anybody, and who stands next to it.
fn start(more: Option<Writer>) -> Vec<Writer> {
    let nobody = Writer {
        who: Who::BuiltIn("not on the command line"),
        value: Some(ABSENT.to_owned()),
        shown: ABSENT.to_owned(),
        moment: Moment::BuiltIn,
        acts: Acts::Yes,
        because: "nobody gives it".to_owned(),
    };
    [Some(nobody), more].into_iter().flatten().collect()
}

/// Ours where hvtune writes nothing.
fn by_hand(boot: &Boot, ours: Option<Ours<'_>>) -> Option<Writer> {
    let why = format!(
        "hvtune does not write the command line of boot stack {}: it is a step by hand",
        boot.stack.name()
    );
    ours.map(|ours| own(ours.path, ours.value, Acts::No(why), ""))
}

fn unread(boot: &Boot) -> String {
    match &boot.configured.ours {
        Holds::No(why) => why.clone(),
        _ => "no fragment of ours is read here".to_owned(),
    }
}

fn doubts(boot: &Boot) -> Vec<String> {
    let of_entries = boot.doubts.iter().filter(|_| store(boot.stack) != Store::Configuration);
    let mut doubts: Vec<String> = boot.unsure.iter().chain(of_entries).cloned().collect();
    if doubts.is_empty() && store(boot.stack) == Store::Elsewhere {
        doubts.push(format!("the command line of boot stack {} is not read", boot.stack.name()));
    }
    doubts
}

/// The next boot's command line, without what hvtune adds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NextLine {
    /// Its arguments in order; `root=` and others that the menu's generator adds are left out where it
    /// is made anew.
    pub args: Vec<BootArg>,
    /// What could not be read or understood: one sentence each.
    pub doubts: Vec<String>,
}

/// What others put on the next boot's command line. Where entries differ, what only some of them
/// have is [`Holds::Maybe`].
pub fn next_boot(facts: &Facts) -> NextLine {
    let boot = &facts.system.boot;
    let mut doubts = doubts(boot);
    let args = match store(boot.stack) {
        Store::Configuration => {
            doubts.extend(boot.configured.doubts.iter().cloned());
            let there = boot.configured.args.iter().filter(|arg| !matches!(arg.holds, Holds::No(_)));
            there.cloned().collect()
        }
        Store::Entries => common(&entry_lines(boot)),
        Store::Elsewhere => Vec::new(),
    };
    NextLine { args, doubts }
}

/// The arguments of several entries as one line.
fn common(lines: &[&BootLine]) -> Vec<BootArg> {
    let mut args: Vec<BootArg> = Vec::new();
    for arg in lines.iter().flat_map(|line| &line.args).filter(|arg| !matches!(arg.holds, Holds::No(_))) {
        if args.iter().any(|other| other.text == arg.text) {
            continue;
        }
        let lacks = lines
            .iter()
            .find(|line| !line.args.iter().any(|other| other.text == arg.text && other.holds == Holds::Yes));
        let holds = match (&arg.holds, lacks) {
            (Holds::Yes, Some(line)) => Holds::Maybe(format!("{} does not have it", name(line))),
            (holds, _) => holds.clone(),
        };
        args.push(BootArg { holds, ..arg.clone() });
    }
    args
}

/// What one boot entry that is there gives a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntryValue {
    /// The entry: file, and title where it has one.
    pub entry: String,
    /// Whether the entry stands for kernels that are installed later.
    pub new_kernels: bool,
    /// The value, [`ABSENT`] where it is not there; `None`: nobody can tell.
    pub value: Option<String>,
}

/// What every entry that is there now gives a key: the menu or the files that the next boot takes as
/// long as nobody makes them anew, and what a new kernel inherits. `ours`: the value that we add to files
/// of others, on a stack on which we do.
pub fn entries(facts: &Facts, key: &str, ours: Option<&str>) -> Vec<EntryValue> {
    let ours = ours.map(|value| Ours { path: "", value });
    let of = |line: &BootLine| EntryValue {
        entry: name(line),
        new_kernels: line.kind == LineKind::NewKernel,
        value: of_line(line, key, ours).in_force().value().map(str::to_owned),
    };
    facts.system.boot.lines.iter().map(of).collect()
}

/// Whether every entry that is there, and what a new kernel or the next menu is made from, gives
/// exactly this argument; `None` where nobody can tell. Without any entry nobody can.
pub fn held(facts: &Facts, arg: &str) -> Option<bool> {
    let (key, value) = split_arg(arg);
    let boot = &facts.system.boot;
    let entries = entries(facts, key, None);
    if boot.unsure.is_some() || !boot.doubts.is_empty() || entries.iter().all(|entry| entry.new_kernels) {
        return None;
    }
    let mut told: Option<Vec<String>> = entries.into_iter().map(|entry| entry.value).collect();
    if store(boot.stack) == Store::Configuration {
        let next = chain(facts, key, None).in_force().value().map(str::to_owned);
        told = told.zip(next).map(|(mut values, next)| {
            values.push(next);
            values
        });
    }
    told.map(|values| values.iter().all(|found| found == value))
}

#[cfg(test)]
mod tests;
