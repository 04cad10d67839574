//! The settings of a plan, one row each: the knob, where, now and then.

use super::verdict_shown;
use crate::plan::Plan;
use crate::report::text::{Cell, Text, Tone};
use crate::report::{Show, words};
use crate::tunable::{Assignment, Target, Verdict};
use crate::verify::Present;

/// Rows that share a reason.
struct Group<'a> {
    verdict: &'a Verdict,
    because: &'a str,
    rows: Vec<Vec<Cell>>,
}

pub(super) fn text(plan: &Plan, present: &[Vec<Present>], show: &Show<'_>, text: &mut Text) {
    let groups = groups(plan, present, show);
    if groups.is_empty() {
        return;
    }
    let head = vec!["SETTING", "ON", "NOW -> WANT"].into_iter().map(|name| Cell::new(name, Tone::Faint));
    let head: Vec<Cell> = head.collect();
    let all: Vec<Vec<Cell>> =
        std::iter::once(head.clone()).chain(groups.iter().flat_map(|group| group.rows.clone())).collect();
    let widths = text.columns(&all, 0);
    text.gap();
    text.row(&head, &widths, 0);
    for group in &groups {
        for row in &group.rows {
            text.row(row, &widths, 0);
        }
        let because = if show.verbose { group.because } else { words::first_clause(group.because) };
        text.para(&words::reason(group.verdict.tunable.id, because), 4);
        if show.verbose {
            for source in group.verdict.tunable.sources {
                text.para(source.url, 4);
            }
        }
    }
}

fn groups<'a>(plan: &'a Plan, present: &[Vec<Present>], show: &Show<'_>) -> Vec<Group<'a>> {
    let mut groups: Vec<Group<'a>> = Vec::new();
    for ((verdict, assignment, because), now) in plan.settings().zip(present) {
        if !verdict_shown(verdict, show.only) {
            continue;
        }
        let rows = changes(assignment, now).into_iter().map(|row| row.map(Cell::from).to_vec());
        match groups.last_mut() {
            Some(last) if last.verdict.tunable.id == verdict.tunable.id && last.because == because => {
                last.rows.extend(rows);
            }
            _ => groups.push(Group { verdict, because, rows: rows.collect() }),
        }
    }
    groups
}

/// The knob, where, and `now -> want`: one row for all that are alike now.
pub(in crate::report) fn changes(assignment: &Assignment, present: &[Present]) -> Vec<[String; 3]> {
    let mut values: Vec<(Option<&str>, bool)> = Vec::new();
    for one in present {
        let now = (one.value.as_deref(), one.met);
        if !values.contains(&now) {
            values.push(now);
        }
    }
    let knob = assignment.target.knob();
    let want = match assignment.target {
        Target::DropKernelArg(_) => "absent".to_owned(),
        _ => words::want(&knob, &assignment.want.phrase()),
    };
    let row = |(value, met): (Option<&str>, bool)| {
        let like = |one: &&Present| one.value.as_deref() == value && one.met == met;
        let on: Vec<&str> = present.iter().filter(like).map(|one| one.on.as_str()).collect();
        // The class itself stands there where no disk of it is here yet.
        let is_class =
            |one: &&str| matches!(assignment.target, Target::Udev { .. }) && **one == assignment.place();
        let nowhere = on.iter().all(is_class);
        let now = value.map_or_else(|| "?".to_owned(), |value| words::value(&knob, value));
        let change = match (met, nowhere) {
            (true, _) => format!("{now} (kept)"),
            (false, true) => format!("-> {want}"),
            (false, false) => format!("{now} -> {want}"),
        };
        let on = if let [one] = on.as_slice() { words::place(one) } else { words::names(&on) };
        [knob.clone(), on, change]
    };
    values.into_iter().map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tunable::{Select, UdevAttr, Want};

    #[test]
    fn a_value_that_could_not_be_read_is_told_from_a_disk_that_is_not_there() {
        let target = Target::Udev { select: Select::Iscsi, attr: UdevAttr::Timeout };
        let assignment = Assignment::new(target, Want::AtLeast(180));
        let changes = |present: &[(&str, Option<&str>, bool)]| {
            let one = |(on, value, met): &(&str, Option<&str>, bool)| Present {
                on: (*on).to_owned(),
                value: value.map(str::to_owned),
                met: *met,
            };
            let rows = changes(&assignment, &present.iter().map(one).collect::<Vec<_>>());
            rows.into_iter()
                .map(|row| row.join(" | ").replace(crate::report::text::GLUE, " "))
                .collect::<Vec<_>>()
        };
        let place = assignment.place();
        assert_eq!(changes(&[(&place, None, false)]), ["device/timeout | iSCSI disks | -> >= 180 s"]);
        assert_eq!(
            changes(&[("sdb", Some("30"), false), ("sdc", None, false), ("sdd", Some("300"), true)]),
            [
                "device/timeout | sdb | 30 s -> >= 180 s",
                "device/timeout | sdc | ? -> >= 180 s",
                "device/timeout | sdd | 300 s (kept)"
            ]
        );
    }
}
