//! An addon that somebody has to make: where it belongs, and the command that makes it.

use super::{Pending, Place, Step};
use crate::facts::{Facts, Uki};
use crate::formats::pe::Machine;
use crate::marker::addon::{ENDING, NAME};
use crate::plan::addons;
use crate::tunable::Value;

/// A name before that of ours, which hvtune alone writes.
const SIGNED: &str = "zz-hvtune-signed";

fn place(file: &str, line: &str) -> Place {
    Place { file: file.to_owned(), line: line.to_owned() }
}

/// Where arguments are added, or taken out.
pub(super) fn places(facts: &Facts, add: &[String]) -> Vec<Place> {
    if add.is_empty() {
        let line =
            "the command line that is built into it, or that of an addon: it is built anew without them";
        return vec![place("EFI/Linux/*.efi of the ESP", line)];
    }
    let line = format!(
        "an addon, signed where Secure Boot is on, whose section .cmdline is: {}; make its directory where there is none",
        add.join(" ")
    );
    let files = facts.system.boot.uki.as_ref().and_then(|uki| files(facts, uki, add)).unwrap_or_default();
    if files.is_empty() {
        return vec![place(&format!("loader/addons/{SIGNED}{ENDING} of the ESP"), &line)];
    }
    let copy = "a copy of the first, as another addon beside it says otherwise";
    let lines = std::iter::once(&*line).chain(std::iter::repeat(copy));
    files.iter().zip(lines).map(|(file, line)| place(&format!("/{file}"), line)).collect()
}

/// The same places as ours would have, under the other name.
fn files(facts: &Facts, uki: &Uki, add: &[String]) -> Option<Vec<String>> {
    let args: Vec<Value> = add.iter().map(|arg| Value::new(arg).ok()).collect::<Option<_>>()?;
    let places = addons::places(&facts.system.boot.lines, uki, &args);
    Some(places.iter().map(|path| path.replace(NAME, &format!("{SIGNED}{ENDING}"))).collect())
}

/// The addons of that name which are there: somebody made them as a step of ours said, and a revert leaves them.
pub(super) fn left(facts: &Facts) -> Option<Pending> {
    let ending = format!("/{SIGNED}{ENDING}");
    let entries = facts.system.boot.lines.iter().flat_map(|line| &line.args);
    let mut remove: Vec<String> = Vec::new();
    let mut places: Vec<Place> = Vec::new();
    for arg in entries.filter(|arg| arg.path.ends_with(&ending)) {
        remove.extend(arg.text.clone().filter(|text| !remove.contains(text)));
        let place = place(&format!("/{}", arg.path), "remove this file");
        if !places.contains(&place) {
            places.push(place);
        }
    }
    if places.is_empty() {
        return None;
    }
    let because = "an addon that was made by hand still carries the arguments";
    Some(Pending { remove, places, ..Pending::new(Step::KernelArguments, because, "") })
}

/// What makes the first of them, with a key and its certificate in the directory where it is run; the others
/// are copies.
pub(super) fn command(facts: &Facts, add: &[String]) -> Option<String> {
    let uki = facts.system.boot.uki.as_ref().filter(|_| !add.is_empty())?;
    let maker = uki.maker.as_ref().filter(|_| !matches!(uki.machine, Machine::Other(_)))?;
    let files = files(facts, uki, add)?;
    // Names on the ESP are somebody's.
    let is_plain = |path: &String| path.chars().all(|c| c.is_ascii_alphanumeric() || "/._+-".contains(c));
    let first = files.first().filter(|path| is_plain(path))?;
    Some(format!(
        "{} build --stub={} --cmdline=\"{}\" --secureboot-private-key=db.key --secureboot-certificate=db.crt \
         --output=/{first}",
        maker.program,
        maker.stub,
        add.join(" "),
    ))
}
