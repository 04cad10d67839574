//! The commands: the one pipe, stopped at different places.

mod compare;
mod emergency;
mod given;
mod postmortem;
mod shown;
mod template;
mod unpack;

use std::io::ErrorKind;
use std::os::fd::OwnedFd;
use std::path::Path;

use regex::bytes::Regex;

use crate::apply::{self, Activation};
use crate::cli::{Assume, Cli, Command, Global, Layer, Only};
use crate::facts::Facts;
use crate::nearest::hint;
use crate::pattern::parse_pattern;
use crate::plan::{self, Plan, Standstill};
use crate::policy::Policy;
use crate::probe::{self, MachineSource, templates};
use crate::render;
use crate::report::{self, Show, Status};
use crate::root::{self, Root};
use crate::stall;
use crate::tunables;
use crate::verify::{self, State};

use given::read_policy;
use shown::Shown;

/// Runs a command to its exit code: 0 in order, 1 differs or was kept, 3 only a reboot is missing.
/// Whatever else goes wrong is an error, which is exit code 2.
pub fn run(cli: &Cli) -> anyhow::Result<u8> {
    let global = &cli.global;
    match &cli.command {
        Command::Status => status(global),
        Command::Detect(only) => detect(global, only),
        Command::Plan { diff, exit_code, only, layered: _ } => show_plan(global, *diff, *exit_code, only),
        Command::Apply { no_activate, early, layered: _ } => {
            run_apply(global, *no_activate, *early).map_err(|error| needs_root("apply", error))
        }
        Command::Verify(only) => run_verify(global, only),
        Command::Survive(only) => survive(global, only),
        Command::Explain { id, only } => explain(global, id.as_deref(), only),
        Command::Revert { no_activate } => {
            revert(global, *no_activate).map_err(|error| needs_root("revert", error))
        }
        Command::RebootNeeded => reboot_needed(global),
        Command::Pending { layered: _ } => template::pending(global),
        Command::Seal => template::seal(global).map_err(|error| needs_root("seal", error)),
        Command::Postmortem { log } => postmortem::postmortem(global, log.as_deref()),
        Command::Compare { captures } => compare::compare(global, captures),
        Command::LeaveEmergency => {
            emergency::leave(global).map_err(|error| needs_root("leave-emergency", error))
        }
        Command::Capture { dir } => capture(global, dir),
    }
}

/// The first half of the pipe: what every command starts from.
struct Job {
    root: Root,
    policy: Policy,
    facts: Facts,
}

/// A command that looks says where a run was interrupted; one that writes mends it first.
fn job(global: &Global, writes: bool) -> anyhow::Result<Job> {
    probed(global, probe::probe, writes)
}

fn probed(
    global: &Global,
    probe: fn(&MachineSource<'_>, &Root) -> Facts,
    writes: bool,
) -> anyhow::Result<Job> {
    let root = open_root(&global.root)?;
    if global.layer == Layer::Yes && root.is_running_system()? {
        anyhow::bail!(
            "--layer: {} is the running system, which is no layer; name the tree of an image with --root DIR; \
             nothing was written",
            root.name().display()
        );
    }
    let policy = read_policy(global, &root)?;
    if writes && root.recover()? {
        report::message(global.quiet, "an interrupted run of hvtune was brought to its end");
    } else if !writes && root.is_unfinished()? {
        report::message(
            global.quiet,
            "a run of hvtune is writing or was interrupted; `hvtune apply` brings it to its end",
        );
    }
    let capture = match &global.machine {
        Some(place) => Some(open_capture("--machine", place)?),
        None => None,
    };
    let source = match (&capture, global.assume) {
        (Some(capture), _) => MachineSource::Capture(capture),
        (None, Some(kind)) => MachineSource::Assume { azure: kind == Assume::Azure },
        (None, None) if root.is_live() => MachineSource::Live(&root),
        (None, None) => MachineSource::Unknown,
    };
    let mut facts = probe(&source, &root);
    if let Some(stack) = policy.boot_stack {
        probe::boot_as(stack, &root, &mut facts);
    }
    let is_layer = match global.layer {
        Layer::Yes => true,
        Layer::No => false,
        Layer::AsWritten => !root.is_live() && plan::state::is_layer(&root)?,
    };
    if is_layer {
        facts = facts.into_layer();
    }
    Ok(Job { root, policy, facts })
}

fn open_root(dir: &Path) -> anyhow::Result<Root> {
    if dir == Path::new("/") { Ok(Root::live()?) } else { open_directory("--root", dir) }
}

/// A path of the caller's, told from one below a root: that is shown with a first slash.
fn named(path: &Path) -> String {
    let plain = path.is_absolute() || path.starts_with(".") || path.starts_with("..");
    format!("{}{}", if plain { "" } else { "./" }, path.display())
}

/// A directory that an option names.
fn open_directory(option: &str, dir: &Path) -> anyhow::Result<Root> {
    there(option, dir, Root::offline(dir), "directory")
}

/// A capture that an option names: a directory, or an archive of one.
fn open_capture(option: &str, place: &Path) -> anyhow::Result<Root> {
    there(option, place, crate::capture::open(place), "directory or file")
}

/// What was opened, or that nothing stands there.
fn there(option: &str, place: &Path, opened: root::Result<Root>, what: &str) -> anyhow::Result<Root> {
    opened.map_err(|error| match error {
        root::Error::Io { said, .. } if said.kind() == ErrorKind::NotFound => {
            anyhow::anyhow!("{option} {}: there is no such {what}", named(place))
        }
        error => error.into(),
    })
}

/// A refusal by the kernel to somebody who is not root, in a sentence.
fn needs_root(command: &str, error: anyhow::Error) -> anyhow::Error {
    let denied = matches!(
        error.downcast_ref::<root::Error>(),
        Some(root::Error::Io { said, .. }) if said.kind() == ErrorKind::PermissionDenied
    );
    if denied && !rustix::process::geteuid().is_root() {
        anyhow::anyhow!("{command} needs root ({error})")
    } else {
        error
    }
}

fn make_plan(job: &Job) -> anyhow::Result<Plan> {
    let verdicts = tunables::decide(&job.facts, &job.policy);
    let templates = templates::read(&job.root)?;
    let artifacts = render::render(&verdicts, &job.facts, &templates)?;
    Ok(plan::plan(&job.facts, verdicts, artifacts, &job.root)?)
}

fn pattern(only: &Only) -> anyhow::Result<Option<Regex>> {
    let compile = |text: &String| parse_pattern(text).map_err(|why| anyhow::anyhow!("--only {text}: {why}"));
    only.only.as_ref().map(compile).transpose()
}

fn detect(global: &Global, only: &Only) -> anyhow::Result<u8> {
    let only = pattern(only)?;
    let job = probed(global, probe::probe_timers, false)?;
    let shown = Shown::new(global, "detect", only, &job);
    report::detect(&job.facts, &shown.show())?;
    Ok(0)
}

fn show_plan(global: &Global, diff: bool, exit_code: bool, only: &Only) -> anyhow::Result<u8> {
    let only = pattern(only)?;
    let job = job(global, false)?;
    let plan = make_plan(&job)?;
    let present = verify::present(&job.facts, &plan);
    let shown = Shown::new(global, "plan", only, &job);
    report::plan(&plan, &present, diff, &shown.show())?;
    let differs = plan.has_work() || plan.has_conflict() || plan.refusals().next().is_some();
    Ok(u8::from(exit_code && differs))
}

/// Says why a machine is left alone; `Some` is the exit code with which the command ends.
fn standstill(plan: &Plan, global: &Global) -> anyhow::Result<Option<u8>> {
    match &plan.standstill {
        None => Ok(None),
        Some(Standstill::NotAGuest(why)) => {
            report::message(global.quiet, &format!("{why}; nothing to do"));
            Ok(Some(0))
        }
        Some(Standstill::CouldNotTell(what)) => anyhow::bail!("{what}; nothing was written"),
    }
}

/// Takes the right to activate, where this run will, before it looks at anything another run may be changing.
fn turn(global: &Global, root: &Root, files_only: bool) -> anyhow::Result<Option<OwnedFd>> {
    if files_only || !root.is_live() || global.machine.is_some() {
        return Ok(None);
    }
    let waits = || report::message(global.quiet, "another run of hvtune is at work: waiting for its end");
    Ok(root::turn(root, waits)?)
}

fn run_apply(global: &Global, no_activate: bool, early: bool) -> anyhow::Result<u8> {
    let root = open_root(&global.root)?;
    if early && root.is_out_of_sight()? {
        anyhow::bail!(
            "an interrupted run was at work in a directory that is not there yet; nothing was written: \
             `hvtune apply` finishes it once every file system is mounted"
        );
    }
    let _turn = turn(global, &root, no_activate || early)?;
    let job = job(global, true)?;
    let mut plan = make_plan(&job)?;
    if early {
        plan.keep_wording();
        plan.leave_unmounted(&job.root)?;
    }
    let shown = Shown::new(global, "apply", None, &job);
    if let Some(code) = standstill(&plan, global)? {
        report::applied(&plan, &[], &shown.show())?;
        return Ok(code);
    }
    let unlabelled = apply::write(&plan, &job.root)?;
    let activation = activation(global, &job, no_activate || early);
    if activation == Activation::Files {
        plan.leave_boot_files(&job.facts);
    }
    plan.pending.extend(plan::relabel(&job.facts, &unlabelled));
    let steps = activate(&plan, &job.root, activation, global.quiet);
    tell(&plan, &steps, &shown.show());
    Ok(0)
}

/// What is done is done: a result that could not be printed is said, and is no failure of the run.
fn tell(plan: &Plan, steps: &[apply::Step], show: &Show<'_>) {
    if let Err(error) = report::applied(plan, steps, show) {
        report::message(false, &format!("everything was done, and {error:#}"));
    }
}

fn activation(global: &Global, job: &Job, files_only: bool) -> Activation {
    if files_only || !job.root.is_live() || global.machine.is_some() {
        Activation::Files
    } else if global.assume.is_some() {
        Activation::BootMenu
    } else {
        Activation::Everything
    }
}

/// What can be made live, with a word on the steps that take long.
fn activate(plan: &Plan, root: &Root, activation: Activation, quiet: bool) -> Vec<apply::Step> {
    let mut progress = report::Progress::new(quiet);
    let steps = apply::activate(plan, root, activation, &mut |what| progress.doing(what));
    progress.done();
    steps
}

fn run_verify(global: &Global, only: &Only) -> anyhow::Result<u8> {
    let only = pattern(only)?;
    let job = probed(global, probe::probe_timers, false)?;
    let mut plan = make_plan(&job)?;
    plan.keep_wording();
    if let Some(Standstill::CouldNotTell(what)) = &plan.standstill {
        anyhow::bail!("{what}; nothing was verified");
    }
    standstill(&plan, global)?;
    let mut rows = verify::verify(&job.facts, &plan);
    rows.extend(verify::given_up(&job.facts));
    let survey = || stall::survey(&job.facts, &plan.verdicts, &job.policy);
    let shown = Shown::new(global, "verify", only, &job);
    let rows = report::verify(rows, survey, &shown.show())?;
    Ok(verify::exit_code(&rows))
}

fn survive(global: &Global, only: &Only) -> anyhow::Result<u8> {
    let only = pattern(only)?;
    let job = probed(global, probe::probe_timers, false)?;
    let plan = make_plan(&job)?;
    let survey = stall::survey(&job.facts, &plan.verdicts, &job.policy);
    let present = || verify::present(&job.facts, &plan);
    let shown = Shown::new(global, "survive", only, &job);
    report::survive(&survey, &plan, present, &shown.show())?;
    Ok(0)
}

fn status(global: &Global) -> anyhow::Result<u8> {
    let job = probed(global, probe::probe_timers, false)?;
    let mut plan = make_plan(&job)?;
    plan.keep_wording();
    let survey = stall::survey(&job.facts, &plan.verdicts, &job.policy);
    let (rows, given_up) = (verify::verify(&job.facts, &plan), verify::given_up(&job.facts));
    let image = job.facts.for_image();
    let status = Status { survey: &survey, plan: &plan, rows: &rows, given_up: &given_up, image };
    report::status(&status, &Shown::new(global, "status", None, &job).show())?;
    Ok(0)
}

fn explain(global: &Global, id: Option<&str>, only: &Only) -> anyhow::Result<u8> {
    let only = pattern(only)?;
    let job = job(global, false)?;
    let verdicts = tunables::decide(&job.facts, &job.policy);
    let shown = Shown::new(global, "explain", only, &job);
    let show = &shown.show();
    match id {
        None => report::catalogue(&verdicts, show)?,
        Some("host") => report::explain_host(show)?,
        Some(id) => {
            let tunable = tunables::find(id).ok_or_else(|| {
                let hint = hint(id, tunables::names().chain(["host"]));
                anyhow::anyhow!("{id}: no setting and no knob of this name; {hint}")
            })?;
            report::explain(tunable, &verdicts, show)?;
        }
    }
    Ok(0)
}

fn revert(global: &Global, files_only: bool) -> anyhow::Result<u8> {
    let _turn = turn(global, &open_root(&global.root)?, files_only)?;
    let job = job(global, true)?;
    let mut plan = plan::revert(&job.facts, &job.root)?;
    let unlabelled = apply::write(&plan, &job.root)?;
    let activation = activation(global, &job, files_only);
    if activation == Activation::Files {
        plan.leave_boot_files(&job.facts);
    }
    plan.pending.extend(plan::relabel(&job.facts, &unlabelled));
    let steps = activate(&plan, &job.root, activation, global.quiet);
    tell(&plan, &steps, &Shown::new(global, "revert", None, &job).show());
    Ok(name_kept(&plan))
}

/// Names what somebody edited since and is left, which is exit code 1.
fn name_kept(plan: &Plan) -> u8 {
    for kept in &plan.kept {
        report::message(false, &format!("{}: {}", kept.path, kept.because));
    }
    u8::from(!plan.kept.is_empty())
}

fn reboot_needed(global: &Global) -> anyhow::Result<u8> {
    let job = job(global, false)?;
    let mut plan = make_plan(&job)?;
    plan.keep_wording();
    if let Some(Standstill::CouldNotTell(what)) = &plan.standstill {
        anyhow::bail!("{what}");
    }
    let rows = verify::verify(&job.facts, &plan);
    let needed = rows.iter().any(|row| row.state == State::PendingReboot);
    report::reboot_needed(needed, &Shown::new(global, "reboot-needed", None, &job).show())?;
    Ok(u8::from(!needed))
}

fn capture(global: &Global, dir: &Path) -> anyhow::Result<u8> {
    let captured = crate::capture::capture(&Root::live()?, dir)?;
    let said = format!(
        "recorded {} files and {} links in {}; {} could not be read (see machine.json)",
        captured.files,
        captured.links,
        named(dir),
        match captured.gaps.len() {
            1 => "1 value".to_owned(),
            many => format!("{many} values"),
        }
    );
    report::message(global.quiet, &said);
    Ok(0)
}
