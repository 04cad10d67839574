//! Verdicts to files: what is set becomes lines of a format, printed by a template.
//!
//! Pure. Code composes the lines, templates only loop over them, and whatever a
//! template printed (ours or an administrator's) is parsed back by the strict
//! parser of its format: it must carry exactly the planned assignments, in order.

mod bounded;
mod carried;
mod format;
mod loops;
mod page;
mod place;
mod rules;

use std::collections::BTreeMap;

use serde::Serialize;
use tera::{Context, Tera};

use crate::facts::{Facts, Initramfs};
use crate::formats::arguments::kargs_lines;
use crate::formats::{Refusal, premount, udev};
use crate::initramfs::reader;
use crate::marker::{SHEBANG, marker_line};
use crate::tunable::{Assignment, Decision, Target, Tunable, Verdict};

use bounded::Bounded;
use carried::{Carried, alone, check};

pub use carried::says_the_same;
pub use format::Format;
pub use page::page;
pub use place::{Landing, home, kernel_arg, landing};
pub use rules::at_least_pattern;

/// Templates that an administrator put in place of the embedded ones, by file name.
pub type Templates = BTreeMap<String, String>;

/// What must follow before a file takes effect on the running system.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Effect {
    /// udevd reads its rules anew, and the disks concerned get a change event.
    ReloadUdev,
    /// The values are written to /proc/sys.
    WriteSysctl,
    /// The initramfs is made anew, and the machine restarted.
    Initramfs,
    /// The boot menu is made anew, and the machine restarted.
    BootMenu,
    /// The machine is restarted: the boot loader reads its entries.
    BootEntries,
    /// multipathd reads its configuration anew.
    ReloadMultipath,
    /// systemd reads its units anew.
    ReloadUnits,
}

/// One rendered file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Artifact {
    /// Path below the root, no leading slash.
    pub path: String,
    /// Which format; `None` for what no template prints.
    pub format: Option<Format>,
    /// Permission bits.
    pub mode: u32,
    /// The whole content, marker first.
    pub body: Vec<u8>,
    /// Ids of the tunables it carries, in order.
    pub from: Vec<&'static str>,
    /// What must follow.
    pub effect: Effect,
}

/// Why rendering stopped: always a template's fault, never a machine's.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The template does not load or run.
    #[error("rendering template {name}: {why}")]
    Template {
        /// Its file name.
        name: &'static str,
        /// What the engine says.
        why: String,
    },
    /// What it printed is no file that we would write.
    #[error(
        "checking what template {name} printed: {refusal}; mend or remove the template under /etc/hvtune/templates"
    )]
    Refused {
        /// Its file name.
        name: &'static str,
        /// The strict parser's answer.
        refusal: Refusal,
    },
    /// What it printed does not say what was planned.
    #[error(
        "checking what template {name} printed: it must carry exactly the planned assignments, in order ({why}); \
         mend or remove the template under /etc/hvtune/templates"
    )]
    Differs {
        /// Its file name.
        name: &'static str,
        /// The first difference.
        why: String,
    },
}

/// One tunable's share of a file, as a template sees it.
#[derive(Debug, Serialize)]
struct Item {
    id: &'static str,
    title: &'static str,
    because: String,
    sources: Vec<&'static str>,
    lines: Vec<Line>,
}

/// One line, as a template sees it.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Line {
    Rule { tokens: Vec<RuleToken> },
    Setting { key: String, value: String },
    Option { module: String, parameter: String, value: String },
    Shell { line: String },
}

/// One token of a rule, as a template sees it; `then` separates it from the next.
#[derive(Debug, Serialize)]
struct RuleToken {
    key: String,
    op: String,
    value: String,
    then: &'static str,
}

fn rule_line(tokens: &[udev::Token]) -> Line {
    let last = tokens.len().saturating_sub(1);
    let tokens = tokens
        .iter()
        .enumerate()
        .map(|(index, token)| RuleToken {
            key: token.key.clone(),
            op: token.op.clone(),
            value: token.value.clone(),
            then: if index == last { "" } else { ", " },
        })
        .collect();
    Line::Rule { tokens }
}

/// Renders every file that the verdicts ask for, in [`Format::ALL`]'s order.
pub fn render(verdicts: &[Verdict], facts: &Facts, templates: &Templates) -> Result<Vec<Artifact>, Error> {
    let mut artifacts = Vec::new();
    for (format, unit) in place::files() {
        let shares = place::shares(verdicts, facts, format, unit);
        if shares.is_empty() {
            continue;
        }
        let path = place::path(format, facts, unit);
        if !facts.takes(&path) {
            continue;
        }
        artifacts.push(Artifact {
            path,
            format: Some(format),
            mode: format.mode(),
            body: print(format, facts, &shares, templates)?,
            from: shares.iter().map(|share| share.tunable.id).collect(),
            effect: format.effect(),
        });
    }
    Ok(artifacts)
}

/// A tunable's assignments that go into one file, with the reason.
#[derive(Debug)]
struct Share<'a> {
    tunable: &'static Tunable,
    because: &'a str,
    assignments: Vec<&'a Assignment>,
}

fn shares_of(verdicts: &[Verdict], wanted: impl Fn(&Assignment) -> bool) -> Vec<Share<'_>> {
    verdicts
        .iter()
        .filter_map(|verdict| match &verdict.decision {
            Decision::Set { what, because } => {
                let assignments: Vec<&Assignment> = what.iter().filter(|a| wanted(a)).collect();
                (!assignments.is_empty()).then_some(Share { tunable: verdict.tunable, because, assignments })
            }
            _ => None,
        })
        .collect()
}

fn print(
    format: Format,
    facts: &Facts,
    shares: &[Share<'_>],
    templates: &Templates,
) -> Result<Vec<u8>, Error> {
    let name = format.template();
    let (head, items, tail, carried) = compose(format, shares, reader(facts));
    let mut context = Context::new();
    context.insert("head", &head);
    context.insert("items", &items);
    context.insert("tail", &tail);
    let theirs = templates.get(name);
    if let Some(why) = theirs.and_then(|source| loops::fault(source)) {
        return Err(Error::Template { name, why });
    }
    let source = theirs.map_or(format.embedded(), String::as_str);
    let body = page::printed(Tera::default(), name, source, &context, Bounded::file())?;
    check(format, &body, &carried)?;
    let first = if format == Format::Premount { SHEBANG } else { "" };
    Ok(format!("{first}{}{body}", marker_line(body.as_bytes())).into_bytes())
}

/// The engine's message and its causes on one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        next = cause.source();
    }
    text
}

type Composed = (Vec<Line>, Vec<Item>, Vec<Line>, Carried);

fn compose(format: Format, shares: &[Share<'_>], maker: Option<Initramfs>) -> Composed {
    match format {
        Format::Udev => compose_rules(shares),
        Format::Sysctl => plain(
            shares,
            |assignments| {
                let pairs: Vec<_> = assignments
                    .iter()
                    .map(|a| (NEEDED, a.target.knob(), a.want.value().to_string()))
                    .collect();
                let lines = pairs
                    .iter()
                    .map(|(_, key, value)| Line::Setting { key: key.clone(), value: value.clone() })
                    .collect();
                (lines, pairs)
            },
            Carried::Settings,
        ),
        Format::Modprobe => plain(
            shares,
            |assignments| {
                let options: Vec<_> = assignments.iter().filter_map(|a| module_option(a)).collect();
                let lines = options
                    .iter()
                    .map(|(module, parameter, value)| Line::Option {
                        module: module.clone(),
                        parameter: parameter.clone(),
                        value: value.clone(),
                    })
                    .collect();
                (lines, options)
            },
            Carried::Options,
        ),
        Format::Multipath => plain(
            shares,
            |assignments| {
                let settings: Vec<_> =
                    assignments.iter().filter_map(|a| place::multipath_setting(a)).collect();
                let lines = place::multipath_lines(&settings).into_iter().map(|line| Line::Shell { line });
                let pairs =
                    settings.iter().map(|(section, key, value)| (format!("{section}/{key}"), value.clone()));
                (lines.collect(), pairs.collect())
            },
            Carried::Pairs,
        ),
        Format::Kargs | Format::Cmdline => plain(
            shares,
            |assignments| {
                let args: Vec<String> = assignments.iter().filter_map(|a| place::plain_arg(a)).collect();
                let lines = if format == Format::Kargs { kargs_lines(&args) } else { args.clone() };
                (lines.into_iter().map(|line| Line::Shell { line }).collect(), alone(args))
            },
            Carried::Pairs,
        ),
        Format::Unit | Format::Drivers => plain(
            shares,
            |assignments| {
                let pairs = assignments.iter().map(|a| (a.target.knob(), a.want.value().to_string()));
                let pairs: Vec<(String, String)> = pairs.collect();
                let line = |(key, value): &(String, String)| match format {
                    Format::Drivers => Line::Shell { line: place::driver_line(maker, key) },
                    _ => Line::Setting { key: key.clone(), value: value.clone() },
                };
                (pairs.iter().map(line).collect(), pairs)
            },
            Carried::Pairs,
        ),
        Format::Waits | Format::Premount => compose_waits(format, shares),
        Format::Grub => plain(
            shares,
            |assignments| {
                let edits: Vec<_> = assignments.iter().map(|a| place::edit(a)).collect();
                let lines =
                    edits.iter().flat_map(place::edit_lines).map(|line| Line::Shell { line }).collect();
                (lines, edits)
            },
            Carried::Edits,
        ),
    }
}

/// How long systemd or the initramfs waits. The first line is what each file begins with.
fn compose_waits(format: Format, shares: &[Share<'_>]) -> Composed {
    let script = format == Format::Premount;
    let section = shares.iter().flat_map(|share| &share.assignments).find_map(|a| a.target.section());
    let first =
        if script { premount::PREREQS.to_owned() } else { format!("[{}]", section.unwrap_or_default()) };
    let (_, items, tail, carried) = plain(
        shares,
        |assignments| {
            let pairs = assignments.iter().map(|a| (a.target.knob(), a.want.value().to_string()));
            let pairs: Vec<(String, String)> = pairs.collect();
            let line = |(key, value): &(String, String)| {
                if script {
                    Line::Shell { line: premount::line(key, value) }
                } else {
                    Line::Setting { key: key.clone(), value: value.clone() }
                }
            };
            let within = |(key, value): (String, String)| match section {
                Some(section) => (format!("{section}/{key}"), value),
                None => (key, value),
            };
            (pairs.iter().map(line).collect(), pairs.into_iter().map(within).collect())
        },
        Carried::Pairs,
    );
    (vec![Line::Shell { line: first }], items, tail, carried)
}

fn module_option(assignment: &Assignment) -> Option<(String, String, String)> {
    match assignment.target {
        Target::ModuleOption { module, option } => {
            Some((module.to_owned(), option.to_owned(), assignment.want.value().to_string()))
        }
        _ => None,
    }
}

/// Composes a file whose lines stand for themselves, without head and tail.
fn plain<T>(
    shares: &[Share<'_>],
    lines_of: impl Fn(&[&Assignment]) -> (Vec<Line>, Vec<T>),
    carry: impl Fn(Vec<T>) -> Carried,
) -> Composed {
    let mut carried = Vec::new();
    let mut items = Vec::new();
    for share in shares {
        let (lines, planned) = lines_of(&share.assignments);
        carried.extend(planned);
        items.push(item(share, lines));
    }
    (Vec::new(), items, Vec::new(), carry(carried))
}

fn compose_rules(shares: &[Share<'_>]) -> Composed {
    let targets = shares.iter().flat_map(|share| share.assignments.iter().copied());
    let head = rules::head(targets);
    let tail = rules::tail();
    let mut carried = head.clone();
    let mut items = Vec::new();
    for share in shares {
        let lines: Vec<_> = share.assignments.iter().flat_map(|a| rules::lines(a)).collect();
        items.push(item(share, lines.iter().map(|tokens| rule_line(tokens)).collect()));
        carried.extend(lines);
    }
    carried.extend(tail.clone());
    let show = |rules: &[Vec<udev::Token>]| rules.iter().map(|tokens| rule_line(tokens)).collect();
    (show(&head), items, show(&tail), Carried::Rules(carried))
}

fn item(share: &Share<'_>, lines: Vec<Line>) -> Item {
    Item {
        id: share.tunable.id,
        title: share.tunable.title,
        because: comment(share.because),
        sources: share.tunable.sources.iter().map(|source| source.url).collect(),
        lines,
    }
}

/// No `-` before a key: systemd before 243 (EL 7 and 8) takes it for part of the key's name,
/// and a key that the kernel lacks is not planned in the first place.
const NEEDED: bool = false;

/// A reason as comment text: printable ASCII without a backslash, which would
/// continue the line in modprobe.d.
fn comment(text: &str) -> String {
    text.chars().map(|c| if matches!(c, ' '..='~') && c != '\\' { c } else { '?' }).collect()
}
