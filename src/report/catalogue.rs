//! What `explain` shows.

use regex::bytes::Regex;

use super::shown;
use super::text::{column, heading, wrapped};
use crate::tunable::{Accepts, Decision, Tunable, Verdict};
use crate::tunables::CATALOGUE;

pub(super) fn of<'a>(tunable: &Tunable, verdicts: &'a [Verdict]) -> impl Iterator<Item = &'a Decision> {
    let id = tunable.id;
    verdicts.iter().filter(move |verdict| verdict.tunable.id == id).map(|verdict| &verdict.decision)
}

pub(super) fn listed(only: Option<&Regex>) -> impl Iterator<Item = &'static Tunable> {
    CATALOGUE.iter().copied().filter(move |tunable| {
        let mut names = vec![tunable.id];
        names.extend(tunable.knobs.iter().map(|knob| knob.name));
        shown(only, &names)
    })
}

fn set(decision: &Decision) -> Vec<String> {
    match decision {
        Decision::Set { what, .. } => what
            .iter()
            .map(|a| format!("{} = {} ({})", a.target.knob(), a.want.phrase(), a.place()))
            .collect(),
        _ => Vec::new(),
    }
}

fn accepts(accepts: Accepts) -> String {
    match accepts {
        Accepts::Integer { min, max } => format!("a whole number from {min} to {max}"),
        Accepts::Word(words) => format!("one of {}", words.join(", ")),
    }
}

pub(super) fn list_text(verdicts: &[Verdict], only: Option<&Regex>) -> String {
    let mut text = String::new();
    for tunable in listed(only) {
        let mut kinds: Vec<&str> = of(tunable, verdicts).map(Decision::kind).collect();
        kinds.dedup();
        text.push_str(&format!("{}{}\n", column(tunable.id, 24), kinds.join(", ")));
        text.push_str(&wrapped(tunable.title, 4));
    }
    text
}

pub(super) fn one_text(tunable: &Tunable, verdicts: &[Verdict]) -> String {
    let mut text = format!("{}\n", tunable.id);
    text.push_str(&wrapped(tunable.title, 2));
    heading(&mut text, "why:");
    text.push_str(&wrapped(tunable.why, 2));
    heading(&mut text, "here:");
    for decision in of(tunable, verdicts) {
        text.push_str(&format!("  {}\n", decision.kind()));
        for line in set(decision) {
            text.push_str(&format!("    {line}\n"));
        }
        text.push_str(&wrapped(decision.because(), 4));
    }
    heading(&mut text, "what would change it:");
    text.push_str(&format!("  off = [\"{}\"] in /etc/hvtune.toml\n", tunable.id));
    for knob in tunable.knobs {
        text.push_str(&wrapped(&format!("[set] \"{}\" = {}", knob.name, accepts(knob.accepts)), 2));
    }
    heading(&mut text, "sources:");
    for source in tunable.sources {
        text.push_str(&wrapped(source.title, 2));
        text.push_str(&format!("    {}\n", source.url));
    }
    text
}
