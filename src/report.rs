//! The only printing module: results on stdout, messages on stderr.
//!
//! Text for people fits a terminal and holds nothing that could move its cursor;
//! JSON is a contract: every document carries `"schema": 1`.
#![expect(clippy::disallowed_methods, reason = "this is the printing module")]

mod catalogue;
mod detect;
mod host;
mod html;
mod plan;
mod survive;
mod text;
mod timeline;
mod verify;

use std::io::Write as _;

use regex::bytes::Regex;
use serde_json::Value as Json;

use crate::apply::Step;
use crate::cli::Format;
use crate::facts::Facts;
use crate::plan::Plan;
use crate::stall::Survey;
use crate::tunable::{Tunable, Verdict};
use crate::verify::Row;

/// The schema number of every JSON document.
const SCHEMA: u32 = 1;

/// Prints the help or the version where clap hands over those, and else what is wrong with the
/// arguments; gives the exit code.
pub fn usage(said: &clap::Error) -> anyhow::Result<u8> {
    match said.print() {
        Err(error) if !said.use_stderr() && error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(anyhow::Error::new(error).context("writing to standard output"))
        }
        _ => Ok(if said.use_stderr() { 2 } else { 0 }),
    }
}

/// Prints an error and its causes on one line.
pub fn error(error: &anyhow::Error) {
    let _ = writeln!(std::io::stderr(), "hvtune: {}", text::printable(&format!("{error:#}")));
}

/// Prints a message, unless only errors are wanted.
pub fn message(quiet: bool, message: &str) {
    if !quiet {
        let _ = writeln!(std::io::stderr(), "hvtune: {}", text::printable(message));
    }
}

/// Writes a result. A reader that went away is no trouble: it has seen enough.
fn out(text: &str) -> anyhow::Result<()> {
    let mut stdout = std::io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(anyhow::Error::new(error).context("writing the result to standard output"))
        }
        _ => Ok(()),
    }
}

fn out_json(document: &Json) -> anyhow::Result<()> {
    out(&text::printable_json(&format!("{document:#}\n")))
}

/// Whether any of these names is to be shown.
fn shown(only: Option<&Regex>, names: &[&str]) -> bool {
    only.is_none_or(|pattern| names.iter().any(|name| pattern.is_match(name.as_bytes())))
}

/// `hvtune detect`
pub fn detect(facts: &Facts, format: Format, verbose: bool, only: Option<&Regex>) -> anyhow::Result<()> {
    match format {
        Format::Json => out_json(&detect::json(facts, only)),
        _ => out(&detect::text(facts, verbose, only)),
    }
}

/// `hvtune plan`
pub fn plan(
    plan: &Plan,
    format: Format,
    verbose: bool,
    diff: bool,
    only: Option<&Regex>,
) -> anyhow::Result<()> {
    match format {
        Format::Json => out_json(&plan::json(plan, only)),
        _ => out(&plan::text(plan, verbose, diff, only)),
    }
}

/// `hvtune apply` and `hvtune revert`
pub fn applied(plan: &Plan, steps: &[Step], format: Format, quiet: bool) -> anyhow::Result<()> {
    match format {
        Format::Json => out_json(&plan::applied_json(plan, steps)),
        _ if quiet => Ok(()),
        _ => out(&plan::applied_text(plan, steps)),
    }
}

/// `hvtune verify`; gives the rows that were shown, which the exit code is about.
pub fn verify(
    mut rows: Vec<Row>,
    format: Format,
    verbose: bool,
    only: Option<&Regex>,
) -> anyhow::Result<Vec<Row>> {
    verify::narrow(&mut rows, only);
    match format {
        Format::Json => out_json(&verify::json(&rows))?,
        Format::Prometheus => out(&verify::prometheus(&rows))?,
        Format::Text | Format::Html => out(&verify::text(&rows, verbose, only.is_some()))?,
    }
    Ok(rows)
}

/// `hvtune survive`
pub fn survive(survey: &Survey, format: Format, verbose: bool, only: Option<&Regex>) -> anyhow::Result<()> {
    match format {
        Format::Json => out_json(&survive::json(survey, only)),
        Format::Html => out(&html::page(survey, only)),
        Format::Text | Format::Prometheus => out(&survive::text(survey, verbose, only)),
    }
}

/// `hvtune explain`
pub fn catalogue(verdicts: &[Verdict], format: Format, only: Option<&Regex>) -> anyhow::Result<()> {
    match format {
        Format::Json => out_json(&catalogue::list_json(verdicts, only)),
        _ => out(&catalogue::list_text(verdicts, only)),
    }
}

/// `hvtune explain ID`
pub fn explain(tunable: &'static Tunable, verdicts: &[Verdict], format: Format) -> anyhow::Result<()> {
    match format {
        Format::Json => out_json(&catalogue::one_json(tunable, verdicts)),
        _ => out(&catalogue::one_text(tunable, verdicts)),
    }
}

/// `hvtune explain host`, for a budget in seconds
pub fn explain_host(budget: u64, format: Format) -> anyhow::Result<()> {
    match format {
        Format::Json => out_json(&host::explain_json(budget)),
        _ => out(&host::explain_text(budget)),
    }
}

/// `hvtune reboot-needed`
pub fn reboot_needed(needed: bool, format: Format) -> anyhow::Result<()> {
    match format {
        Format::Json => out_json(&serde_json::json!({"schema": SCHEMA, "reboot_needed": needed})),
        _ if needed => out("yes: something of ours takes effect at the next boot\n"),
        _ => out("no\n"),
    }
}
