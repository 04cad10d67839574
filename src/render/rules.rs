//! udev rule lines: which devices, and what is written.
//!
//! One line marks each class, the lines after it write. No string from storage
//! is in them: a class is told by its parents, never by a device's name.

mod retries;

use crate::formats::udev::Token;
use crate::marker::CLASS_MARK;
use crate::order::by_number;
use crate::tunable::{Assignment, Guard, Select, Target, UdevAttr, Want};

const END: &str = "hvtune_end";

fn token(key: &str, op: &str, value: &str) -> Token {
    Token { key: key.to_owned(), op: op.to_owned(), value: value.to_owned() }
}

/// The lines before all writes: what is no concern of ours, then one mark per class used.
pub(super) fn head<'a>(assignments: impl Iterator<Item = &'a Assignment>) -> Vec<Vec<Token>> {
    let mut lines = vec![
        // First what is nearly every event of a boot.
        vec![token("SUBSYSTEM", "!=", "block"), token("GOTO", "=", END)],
        vec![token("ACTION", "!=", "add|change"), token("GOTO", "=", END)],
        // Only a kernel that runs on Hyper-V has this bus: elsewhere, an image's rules do nothing.
        vec![token("TEST", "!=", "/sys/bus/vmbus"), token("GOTO", "=", END)],
    ];
    let targets: Vec<(Select, UdevAttr)> = assignments
        .filter_map(|assignment| match assignment.target {
            Target::Udev { select, attr } => Some((select, attr)),
            _ => None,
        })
        .collect();
    let classes = by_number(targets.iter().map(|(select, _)| *select).collect(), |select| *select as u64);
    for mark in classes.into_iter().flat_map(marks_of) {
        if !lines.contains(&mark) {
            lines.push(mark);
        }
    }
    if targets.iter().any(|(_, attr)| *attr == UdevAttr::MaxRetries) {
        lines.extend(retries::marks());
    }
    lines
}

/// The line after all writes.
pub(super) fn tail() -> Vec<Vec<Token>> {
    vec![vec![token("LABEL", "=", END)]]
}

/// VMBus class ids (include/linux/hyperv.h).
const SCSI: &str = "{ba6163d9-04a1-4d29-b605-72e2ffb1dc7f}";
const IDE: &str = "{32412632-86cb-44a2-9b5c-50d1417354f5}";
const FIBRE_CHANNEL: &str = "{2f9bcc4a-0069-4af3-b76b-6fd0be528cda}";
const PCI: &str = "{44c4f61d-4444-4400-9d52-802e27ede19f}";

/// Marks that tell one class. NVMe classes need each other: Azure's own disks are passed through, too.
fn marks_of(select: Select) -> Vec<Vec<Token>> {
    let mark = |kernel: &str, rest: &[(&str, &str)], name: &str| {
        let disk = [("SUBSYSTEM", "block"), ("ENV{DEVTYPE}", "disk"), ("KERNEL", kernel)];
        let mut tokens: Vec<Token> =
            disk.iter().chain(rest).map(|(key, value)| token(key, "==", value)).collect();
        tokens.push(token(CLASS_MARK, "=", name));
        tokens
    };
    let storvsc = |class_id| vec![mark("sd*", &storvsc_parents(class_id), select.name())];
    let nvme = |rest: &[(&str, &str)], name| mark("nvme*", rest, name);
    let remote = || nvme(&[("ATTRS{model}", "MSFT NVMe Accelerator v1.0")], "nvme-azure-remote");
    match select {
        Select::StorvscScsi | Select::StorvscScsiAlone => storvsc(SCSI),
        Select::StorvscIde | Select::StorvscIdeAlone => storvsc(IDE),
        Select::StorvscFc => storvsc(FIBRE_CHANNEL),
        Select::Iscsi | Select::IscsiSinglePath => {
            vec![mark("sd*", &[("KERNELS", "session[0-9]*")], select.name())]
        }
        Select::NvmeAzureRemote => vec![remote()],
        Select::NvmePassthrough => vec![
            nvme(&[("SUBSYSTEMS", "vmbus"), ("ATTRS{class_id}", PCI)], "nvme"),
            nvme(&[("ATTRS{model}", "Microsoft NVMe Direct Disk*")], "nvme-azure-local"),
            remote(),
        ],
        Select::Multipath => vec![mark("dm-*", &[("ENV{DM_UUID}", "mpath-?*")], select.name())],
    }
}

/// What tells a device of a storvsc controller of this class, by its parents.
fn storvsc_parents(class_id: &'static str) -> [(&'static str, &'static str); 3] {
    [("SUBSYSTEMS", "vmbus"), ("DRIVERS", "hv_storvsc"), ("ATTRS{class_id}", class_id)]
}

/// The lines that write one attribute; none for what udev does not write.
pub(super) fn lines(assignment: &Assignment) -> Vec<Vec<Token>> {
    let Target::Udev { select, attr } = assignment.target else { return Vec::new() };
    if attr == UdevAttr::MaxRetries {
        return retries::lines(select, assignment.want.value().as_str());
    }
    let key = format!("ATTR{{{}}}", attr.path());
    let mut tokens = vec![token("SUBSYSTEM", "==", "block"), token(CLASS_MARK, "==", select.name())];
    if select == Select::IscsiSinglePath {
        tokens.push(token("ENV{DM_MULTIPATH_DEVICE_PATH}", "!=", "1"));
    }
    tokens.extend(assignment.guard.as_ref().map(guard));
    tokens.extend(differs(assignment, attr, &key));
    tokens.push(token(&key, "=", assignment.want.value().as_str()));
    vec![tokens]
}

fn guard(guard: &Guard) -> Token {
    match guard {
        Guard::Offers(name) => token("ATTR{queue/scheduler}", "==", &format!("*{name}*")),
        Guard::RequestsAbove(number) => token("ATTR{queue/nr_requests}", "==", &at_least_pattern(number + 1)),
        Guard::Rotational => token("ATTR{queue/rotational}", "==", "1"),
    }
}

/// The look before the write: equal values are never written, as newer kernels reset the queue even then,
/// and a queue attribute's write waits for all I/O in flight.
fn differs(assignment: &Assignment, attr: UdevAttr, key: &str) -> Option<Token> {
    let value = assignment.want.value();
    match (&assignment.want, attr) {
        // Offered but not active: the active one stands in brackets, or alone where there is no choice.
        (Want::Exactly(_), UdevAttr::Scheduler) => {
            Some(token(key, "==", &format!("{value} *|* {value}|* {value} *")))
        }
        (Want::Exactly(_), _) if matches!(assignment.guard, Some(Guard::RequestsAbove(_))) => None,
        (Want::Exactly(_), _) => Some(token(key, "!=", value.as_str())),
        (Want::AtLeast(number), _) => Some(token(key, "!=", &at_least_pattern(*number))),
        (Want::AtMost(number), _) => Some(token(key, "==", &at_least_pattern(number + 1))),
    }
}

/// udev compares by pattern only: the alternatives that match every decimal number from `number` up.
pub fn at_least_pattern(number: u64) -> String {
    let digits = number.to_string();
    let mut alternatives = vec![digits.clone()];
    for (index, digit) in digits.char_indices().rev() {
        let Some(next) = digit.to_digit(10).filter(|digit| *digit < 9).map(|digit| digit + 1) else {
            continue;
        };
        let same = digits.get(..index).unwrap_or_default();
        let range = if next == 9 { "9".to_owned() } else { format!("[{next}-9]") };
        alternatives.push(format!("{same}{range}{}", "[0-9]".repeat(digits.len() - index - 1)));
    }
    alternatives.push(format!("[1-9]{}*", "[0-9]".repeat(digits.len())));
    alternatives.join("|")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tunable::Value;

    /// fnmatch of just the parts that the patterns use.
    fn matches(pattern: &str, text: &str) -> bool {
        pattern.split('|').any(|alternative| {
            let mut rest = text.chars();
            let mut pattern = alternative.chars().peekable();
            while let Some(c) = pattern.next() {
                let ok = match c {
                    '*' => return true,
                    '[' => {
                        let set: String = pattern.by_ref().take_while(|c| *c != ']').collect();
                        let (low, high) = set.split_once('-').unwrap();
                        let range = low.chars().next().unwrap()..=high.chars().next().unwrap();
                        rest.next().is_some_and(|c| range.contains(&c))
                    }
                    c => rest.next() == Some(c),
                };
                if !ok {
                    return false;
                }
            }
            rest.next().is_none()
        })
    }

    #[test]
    fn the_pattern_is_the_comparison() {
        for number in [1_u64, 9, 10, 99, 128, 129, 180, 240, 1000, 1024, 1025, 86_400, 240_000] {
            let pattern = at_least_pattern(number);
            for candidate in
                (0..3000).chain([9999, 10_000, 86_399, 86_400, 99_999, 239_999, 240_000, 4_294_967_295])
            {
                assert_eq!(
                    matches(&pattern, &candidate.to_string()),
                    candidate >= number,
                    "{candidate} >= {number}: {pattern}"
                );
            }
        }
        assert_eq!(at_least_pattern(180), "180|18[1-9]|19[0-9]|[2-9][0-9][0-9]|[1-9][0-9][0-9][0-9]*");
    }

    #[test]
    fn a_write_looks_first() {
        let show = |assignment: &Assignment| {
            lines(assignment)[0].iter().map(|t| format!("{}{}{}", t.key, t.op, t.value)).collect::<Vec<_>>()
        };
        let select = Select::IscsiSinglePath;
        let timeout = Assignment::new(Target::Udev { select, attr: UdevAttr::Timeout }, Want::AtLeast(180));
        assert_eq!(
            show(&timeout),
            [
                "SUBSYSTEM==block",
                "ENV{HVTUNE_CLASS}==iscsi",
                "ENV{DM_MULTIPATH_DEVICE_PATH}!=1",
                "ATTR{device/timeout}!=180|18[1-9]|19[0-9]|[2-9][0-9][0-9]|[1-9][0-9][0-9][0-9]*",
                "ATTR{device/timeout}=180",
            ]
        );
        let target = Target::Udev { select: Select::StorvscScsi, attr: UdevAttr::Scheduler };
        let none = Assignment::new(target, Want::Exactly(Value::word("none")));
        assert_eq!(show(&none).get(2).unwrap(), "ATTR{queue/scheduler}==none *|* none|* none *");
    }
}
