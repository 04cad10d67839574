//! Render, then parse: a file carries exactly what was planned, or is not made.

use std::path::Path;

use hvtune::cmdline::split_arg;
use hvtune::facts::Facts;
use hvtune::formats::{LINE_LIMIT, modprobe, multipath, sysctl, udev, unit};
use hvtune::marker::{Standing, standing_of};
use hvtune::policy::Policy;
use hvtune::probe::{MachineSource, probe};
use hvtune::render::{Error, Format, Templates, kernel_arg, render as rendered, says_the_same};
use hvtune::root::Root;
use hvtune::tunable::{Assignment, Decision, Guard, Select, Target, UdevAttr, Value, Verdict, Want};
use hvtune::tunables::{CATALOGUE, decide, subjects};

use crate::texts::{module_options, rule_values};

/// A system of every format: Debian's GRUB, modules that are loaded.
fn facts() -> Facts {
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/gen2-onprem");
    let machine = Root::offline(&fixture.join("machine")).unwrap();
    let root = Root::offline(&fixture.join("root")).unwrap();
    probe(&MachineSource::Capture(&machine), &root)
}

/// Targets of one file, or of the two between which a module option is placed: files are rendered one
/// by one, so others would only cost time.
const GROUPS: [std::ops::Range<u8>; 6] = [0..2, 2..5, 5..9, 9..11, 11..12, 12..13];

fn target(number: u8) -> Target {
    let attr = |select, attr| Target::Udev { select, attr };
    match number {
        0 => Target::Sysctl("vm.swappiness"),
        1 => Target::Sysctl("kernel.panic"),
        2 => attr(Select::StorvscScsi, UdevAttr::Scheduler),
        3 => attr(Select::Iscsi, UdevAttr::NrRequests),
        4 => attr(Select::NvmeAzureRemote, UdevAttr::IoTimeout),
        5 => Target::ModuleOption { module: "hv_storvsc", option: "storvsc_ringbuffer_size" },
        6 => Target::ModuleOption { module: "nvme_core", option: "io_timeout" },
        7 => Target::KernelArg("panic"),
        8 => Target::DropKernelArg("elevator"),
        9 => Target::Multipath { section: "overrides", key: "no_path_retry" },
        10 => Target::Multipath { section: "defaults", key: "checker_timeout" },
        11 => Target::Unit { unit: "systemd-journald.service", property: "WatchdogSec" },
        _ => Target::Unit { unit: "dev-.device", property: "JobRunningTimeoutSec" },
    }
}

/// A line of an input: a target, how it is wanted, and the value.
fn assignment(group: &std::ops::Range<u8>, line: &[u8]) -> Option<Assignment> {
    let (&[choice, how], text) = line.split_first_chunk::<2>()?;
    let text = std::str::from_utf8(text).ok()?;
    let want = match (how % 4, text.parse::<u64>()) {
        (1, Ok(number)) => Want::AtLeast(number),
        (2, Ok(number)) => Want::AtMost(number),
        _ => Want::Exactly(Value::new(text).ok()?),
    };
    let plain = Assignment::new(target(group.start + choice % (group.end - group.start)), want);
    Some(match how / 4 % 4 {
        1 => plain.guarded(Guard::Offers("none")),
        2 => plain.guarded(Guard::RequestsAbove(u64::from(how))),
        3 => plain.guarded(Guard::Rotational),
        _ => plain,
    })
}

/// The values of a file, in order, by the strict parser and by the lenient one.
fn values(format: Format, body: &str) -> Option<[Vec<String>; 2]> {
    Some(match format {
        Format::Udev => {
            let set = |token: &udev::Token| !token.is_match() && token.key.starts_with("ATTR{");
            let rules = udev::parse(body).unwrap();
            let strict = rules.into_iter().flatten().filter(set).map(|token| token.value).collect();
            [strict, rule_values(body)]
        }
        Format::Sysctl => {
            let strict = sysctl::parse(body).unwrap().into_iter().map(|entry| entry.value).collect();
            [strict, sysctl::read::read(body).into_iter().filter_map(|line| line.value).collect()]
        }
        Format::Modprobe => {
            let strict = modprobe::parse(body).unwrap().into_iter().map(|o| o.value).collect();
            let value = |(_, _, arg): (u32, String, String)| split_arg(&arg).1.to_owned();
            [strict, module_options(body).into_iter().map(value).collect()]
        }
        Format::Multipath => {
            let strict = multipath::parse(body).unwrap().into_iter().map(|(_, value)| value).collect();
            [strict, multipath::scan(body).into_iter().map(|entry| entry.value).collect()]
        }
        Format::Unit => {
            let strict = unit::parse(body).unwrap().into_iter().map(|(_, value)| value).collect();
            [strict, unit::scan(body, "Service", "WatchdogSec")]
        }
        Format::Waits => {
            let strict = unit::parse_waits(body).unwrap().into_iter().map(|(_, value)| value).collect();
            [strict, unit::scan(body, "Unit", "JobRunningTimeoutSec")]
        }
        Format::Grub | Format::Kargs | Format::Cmdline | Format::Drivers | Format::Premount => return None,
    })
}

fn is_long(assignment: &Assignment) -> bool {
    kernel_arg(assignment).is_some_and(|arg| Value::new(&arg).is_err())
}

fn lands(format: Format, target: &Target) -> bool {
    matches!(
        (format, target),
        (Format::Udev, Target::Udev { .. })
            | (Format::Sysctl, Target::Sysctl(_))
            | (Format::Modprobe, Target::ModuleOption { .. })
            | (Format::Multipath, Target::Multipath { .. })
            | (Format::Unit, Target::Unit { unit: "systemd-journald.service", .. })
            | (Format::Waits, Target::Unit { unit: "dev-.device", .. })
    )
}

/// First byte: the group of targets; first line: the reason, which goes into a comment; every further
/// one: an assignment.
pub fn render() -> crate::Target {
    let facts = facts();
    Box::new(move |bytes| {
        let Some((first, bytes)) = bytes.split_first() else { return };
        let group = &GROUPS[usize::from(*first) % GROUPS.len()];
        let mut lines = bytes.split(|&byte| byte == b'\n');
        let because = String::from_utf8_lossy(lines.next().unwrap_or_default()).into_owned();
        let what: Vec<_> = lines.take(20).filter_map(|line| assignment(group, line)).collect();
        let verdict =
            Verdict { tunable: CATALOGUE[0], decision: Decision::Set { what: what.clone(), because } };
        let artifacts = match rendered(&[verdict], &facts, &Templates::new()) {
            Ok(artifacts) => artifacts,
            Err(Error::Refused { .. }) => return,
            // Key and value together are longer than a value may be.
            Err(Error::Differs { .. }) if what.iter().any(is_long) => return,
            Err(error) => panic!("{error}"),
        };
        for artifact in artifacts {
            // No template prints an addon.
            let Some(format) = artifact.format else { continue };
            let body = std::str::from_utf8(&artifact.body).unwrap();
            assert_eq!(standing_of(Some(&artifact.body)), Standing::Ours);
            assert!(body.bytes().all(|byte| matches!(byte, b' '..=b'~' | b'\n')), "{body:?}");
            assert!(body.lines().all(|line| line.len() <= LINE_LIMIT) && body.ends_with('\n'));
            let Some([strict, lenient]) = values(format, body) else { continue };
            assert_eq!(strict, lenient, "{body}");
            let here = what.iter().filter(|assignment| lands(format, &assignment.target));
            let planned: Vec<_> = here.map(|assignment| assignment.want.value().to_string()).collect();
            // A module option lands in modprobe.d only where the kernel loads the module.
            assert!(strict == planned || format == Format::Modprobe, "{planned:?}\n{body}");
        }
    })
}

/// First byte: the format; the rest is a template for it. What it prints says what ours says.
pub fn template() -> crate::Target {
    let facts = facts();
    let policy: Policy = hvtune::policy::parse(
        &[("x".to_owned(), "recovery = \"self-heal\"\n[set]\n\"queue/nr_requests\" = 1024\n".to_owned())],
        &subjects(),
    )
    .unwrap();
    let verdicts = decide(&facts, &policy);
    // Only what the template's file carries, so that no other file costs time.
    let all = Format::ALL.map(|format| {
        let verdicts: Vec<_> = verdicts.iter().filter_map(|verdict| only(format, verdict, &facts)).collect();
        let ours = rendered(&verdicts, &facts, &Templates::new()).unwrap();
        (format, verdicts, ours)
    });
    assert!(all.iter().filter(|(_, _, ours)| !ours.is_empty()).count() >= 4);
    Box::new(move |bytes| {
        let Some((first, text)) = bytes.split_first() else { return };
        let Ok(text) = std::str::from_utf8(text) else { return };
        let (format, verdicts, ours) = &all[usize::from(*first) % all.len()];
        let mut templates = Templates::new();
        templates.insert(format.template().to_owned(), text.to_owned());
        let Ok(theirs) = rendered(verdicts, &facts, &templates) else { return };
        assert_eq!(theirs.len(), ours.len());
        for (one, other) in ours.iter().zip(&theirs) {
            let Some(format) = one.format else { continue };
            assert!(says_the_same(format, &one.body, &other.body), "{}", one.path);
        }
    })
}

/// What of a verdict lands in a file of this format.
fn only(format: Format, verdict: &Verdict, facts: &Facts) -> Option<Verdict> {
    let Decision::Set { what, because } = &verdict.decision else { return None };
    let set = |what| Verdict {
        tunable: verdict.tunable,
        decision: Decision::Set { what, because: because.clone() },
    };
    let lands = |assignment: &&Assignment| {
        let artifacts = rendered(&[set(vec![(*assignment).clone()])], facts, &Templates::new()).unwrap();
        artifacts.iter().any(|artifact| artifact.format == Some(format))
    };
    let what: Vec<_> = what.iter().filter(lands).cloned().collect();
    (!what.is_empty()).then(|| set(what))
}
