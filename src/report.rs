//! The only printing module: results on stdout, messages on stderr.
//!
//! Text for people fits a terminal and holds nothing that could move its cursor;
//! JSON is a contract: `document` has its types, and `dist/schema/` what they promise.
#![expect(clippy::disallowed_methods, reason = "this is the printing module")]

mod applied;
mod catalogue;
mod changed;
mod clock;
mod compare;
mod detect;
mod diff;
mod document;
mod host;
mod html;
mod journal;
mod pending;
mod plan;
mod postmortem;
mod progress;
mod prometheus;
mod screen;
mod status;
mod survive;
mod text;
mod timeline;
mod verify;
mod words;

use std::io::Write as _;
use std::mem::ManuallyDrop;

use regex::bytes::Regex;
use serde::Serialize;

#[cfg(feature = "schema")]
pub use document::schemas;
pub use postmortem::Looked;
pub use progress::Progress;
pub use status::Status;

use crate::apply::Step;
use crate::cli::{Asked, Format};
use crate::compare::Comparison;
use crate::facts::Facts;
use crate::plan::Plan;
use crate::policy::Policy;
use crate::stall::Survey;
use crate::tunable::{Tunable, Verdict};
use crate::verify::{Present, Row};

use document::applied::Applied;
use document::compare::Compared;
use document::detect::Detect;
use document::error::Failed;
use document::explain::{Explain, ExplainOne};
use document::host::ExplainHost;
use document::pending::Left;
use document::plan::Planned;
use document::postmortem::Postmortem;
use document::reboot_needed::RebootNeeded;
use document::status::Stands;
use document::survive::Survive;
use document::verify::Verified;

/// What a command wants shown, and how.
#[derive(Debug, Clone, Copy)]
pub struct Show<'a> {
    /// The command's name.
    pub command: &'static str,
    /// How to print.
    pub format: Format,
    /// No messages but errors; of plan, apply, revert and verify no text either.
    pub quiet: bool,
    /// Reasons and sources, too.
    pub verbose: bool,
    /// A pattern that shows less.
    pub only: Option<&'a Regex>,
    /// What the result is about.
    pub about: &'a About,
}

/// What a result is about: the machine, the root, and the policy in force.
#[derive(Debug, Clone)]
pub struct About {
    /// The kind of hypervisor, as `detect` names it; `None` where it could not be told.
    pub hypervisor: Option<String>,
    /// Whether the guest runs on Azure, where that is known.
    pub azure: Option<bool>,
    /// The name of the machine or image, where it has one.
    pub name: Option<String>,
    /// The running kernel's release, where one runs.
    pub kernel: Option<String>,
    /// The distribution's own name.
    pub os: Option<String>,
    /// The root: `/`, or the directory of an image.
    pub root: String,
    /// The policy in force.
    pub policy: Policy,
}

impl About {
    /// What kind of machine it is.
    fn kind(&self) -> String {
        let named = match (self.hypervisor.as_deref(), self.azure) {
            (Some("hyperv"), Some(true)) => "Azure guest",
            (Some("hyperv"), _) => "Hyper-V guest",
            (Some("hyperv-root"), _) => "Hyper-V host",
            (Some("none"), _) => "bare metal",
            (Some("wsl"), _) => "WSL 2",
            (Some("container"), _) => "container",
            (Some(other), _) => return format!("{other} guest"),
            (None, _) => "machine of an unknown kind",
        };
        named.to_owned()
    }

    /// The machine or image in a few words: `web-01, Hyper-V guest, Debian GNU/Linux 12, kernel 6.1.0`.
    fn who(&self) -> String {
        let kernel = self.kernel.as_ref().map(|kernel| format!("kernel {kernel}"));
        // Told from a path below it, which is shown with a first slash.
        let here = if self.root.starts_with(['/', '.']) { "" } else { "./" };
        let image = (self.root != "/").then(|| format!("image at {here}{}", self.root));
        let parts = [image, self.name.clone(), Some(self.kind()), self.os.clone(), kernel];
        parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
    }
}

/// Prints the help or the version where clap hands over those, and else what is wrong with the
/// arguments; gives the exit code.
pub fn usage(said: &clap::Error, asked: &Asked) -> anyhow::Result<u8> {
    if said.use_stderr() {
        // What is wrong, hints below it, then the usage.
        let text = said.to_string();
        let lines = text.lines().map(str::trim).take_while(|line| !line.starts_with("Usage:"));
        let told = lines.filter(|line| !line.is_empty() && !line.starts_with("For more information"));
        failed(asked, told.map(|line| line.trim_start_matches("error: ").to_owned()));
    }
    match said.print() {
        Err(error) if !said.use_stderr() && error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(anyhow::Error::new(error).context("writing to standard output"))
        }
        _ => Ok(if said.use_stderr() { 2 } else { 0 }),
    }
}

/// Prints an error and its causes on one line, and as a document where JSON was asked for.
pub fn error(error: &anyhow::Error, asked: &Asked) {
    say(&format!("{error:#}"));
    failed(asked, error.chain().map(ToString::to_string));
}

/// What went wrong as a document, where JSON was asked for. Whether anybody reads it changes nothing.
fn failed(asked: &Asked, said: impl Iterator<Item = String>) {
    if asked.format == Format::Json {
        let _ = out_json(Failed::new(asked.command.as_deref(), said));
    }
}

/// Prints a message, unless only errors are wanted.
pub fn message(quiet: bool, message: &str) {
    if !quiet {
        say(message);
    }
}

/// One line on standard error; on a terminal, or where COLUMNS is set, broken to its width.
fn say(message: &str) {
    // Lines but the first are indented by two.
    let width = screen::Screen::of_messages().map_or(usize::MAX, |width| width - 2);
    let said = text::lines(&format!("hvtune: {message}"), width);
    let _ = writeln!(std::io::stderr(), "{}", said.join("\n  "));
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

fn out_json(document: impl Serialize) -> anyhow::Result<()> {
    // The run ends with its document: to free one would be code for nothing.
    let text = serde_json::to_string_pretty(&*ManuallyDrop::new(document))?;
    out(&text::printable_json(&format!("{text}\n")))
}

/// Whether any of these names is to be shown.
fn shown(only: Option<&Regex>, names: &[&str]) -> bool {
    only.is_none_or(|pattern| names.iter().any(|name| pattern.is_match(name.as_bytes())))
}

/// `hvtune detect`
pub fn detect(facts: &Facts, show: &Show<'_>) -> anyhow::Result<()> {
    match show.format {
        Format::Json => out_json(Detect::new(facts, show)),
        _ => out(&detect::text(facts, show.verbose, show.only)),
    }
}

/// `hvtune plan`
pub fn plan(plan: &Plan, present: &[Vec<Present>], diff: bool, show: &Show<'_>) -> anyhow::Result<()> {
    match show.format {
        Format::Json => out_json(Planned::new(plan, present, show)),
        _ if show.quiet => Ok(()),
        _ => out(&plan::text(plan, present, diff, show)),
    }
}

/// `hvtune pending`
pub fn pending(plan: &Plan, show: &Show<'_>) -> anyhow::Result<()> {
    match show.format {
        Format::Json => out_json(Left::new(plan, show)),
        _ if show.quiet => Ok(()),
        _ => out(&pending::text(plan)),
    }
}

/// `hvtune apply`, `hvtune revert` and `hvtune seal`
pub fn applied(plan: &Plan, steps: &[Step], show: &Show<'_>) -> anyhow::Result<()> {
    match show.format {
        Format::Json => out_json(Applied::new(plan, steps, show)),
        _ if show.quiet => Ok(()),
        _ => out(&applied::text(plan, steps)),
    }
}

/// `hvtune verify`; gives the rows that were shown, which the exit code is about.
/// `survey` is asked for metrics alone.
pub fn verify(
    mut rows: Vec<Row>,
    survey: impl FnOnce() -> Survey,
    show: &Show<'_>,
) -> anyhow::Result<Vec<Row>> {
    verify::narrow(&mut rows, show.only);
    match show.format {
        Format::Json => out_json(Verified::new(&rows, show))?,
        Format::Prometheus => out(&prometheus::metrics(&rows, &survey(), show))?,
        Format::Journal => {
            let root = &show.about.root;
            let here =
                "--format journal: it goes to the journal of the running system; take --format json for";
            anyhow::ensure!(root == "/", "{here} {root}");
            journal::send(&journal::entries(&rows, show.only.is_some()))?;
        }
        _ if show.quiet => {}
        Format::Text | Format::Html => out(&verify::text(&rows, show))?,
    }
    Ok(rows)
}

/// `hvtune survive`; `present` is asked for the page alone.
pub fn survive(
    survey: &Survey,
    plan: &Plan,
    present: impl FnOnce() -> Vec<Vec<Present>>,
    show: &Show<'_>,
) -> anyhow::Result<()> {
    match show.format {
        Format::Json => out_json(Survive::new(survey, show)),
        Format::Html => out(&html::page(survey, plan, &present(), show)?),
        Format::Text | Format::Prometheus | Format::Journal => out(&survive::text(survey, plan, show)),
    }
}

/// `hvtune explain`
pub fn catalogue(verdicts: &[Verdict], show: &Show<'_>) -> anyhow::Result<()> {
    match show.format {
        Format::Json => out_json(Explain::new(verdicts, show)),
        _ => out(&catalogue::list_text(verdicts, show.only)),
    }
}

/// `hvtune explain ID`
pub fn explain(tunable: &'static Tunable, verdicts: &[Verdict], show: &Show<'_>) -> anyhow::Result<()> {
    match show.format {
        Format::Json => out_json(ExplainOne::new(tunable, verdicts, show)),
        _ => out(&catalogue::one_text(tunable, verdicts)),
    }
}

/// `hvtune explain host`
pub fn explain_host(show: &Show<'_>) -> anyhow::Result<()> {
    let budget = show.about.policy.stall;
    match show.format {
        Format::Json => out_json(ExplainHost::new(show)),
        _ => out(&host::explain_text(budget)),
    }
}

/// `hvtune status`
pub fn status(status: &Status<'_>, show: &Show<'_>) -> anyhow::Result<()> {
    match show.format {
        Format::Json => out_json(Stands::new(status, show)),
        _ => out(&status::text(status, show)),
    }
}

/// `hvtune postmortem`
pub fn postmortem(looked: &Looked<'_>, show: &Show<'_>) -> anyhow::Result<()> {
    match show.format {
        Format::Json => out_json(Postmortem::new(looked, show)),
        Format::Html => out(&html::postmortem::page(looked, show)?),
        Format::Text | Format::Prometheus | Format::Journal => out(&postmortem::text(looked, show)),
    }
}

/// `hvtune compare`
pub fn compare(comparison: &Comparison, show: &Show<'_>) -> anyhow::Result<()> {
    match show.format {
        Format::Json => out_json(Compared::new(comparison, show)),
        _ => out(&compare::text(comparison, show)),
    }
}

/// `hvtune reboot-needed`
pub fn reboot_needed(needed: bool, show: &Show<'_>) -> anyhow::Result<()> {
    match show.format {
        Format::Json => out_json(RebootNeeded::new(needed, show)),
        _ if needed => out("yes: something of ours takes effect at the next boot\n"),
        _ => out("no\n"),
    }
}
