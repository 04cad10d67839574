//! Everybody's rules, as udev itself reads them: what it takes, in its own order, and what it
//! drops (`udev_rules_parse_file` and what it calls,
//! <https://github.com/systemd/systemd/blob/v257/src/udev/udev-rules.c>).

use super::key::{Key, Taken, Term, take};
use super::lines::logical;
use super::token::split;
use crate::order::by_number;

/// A rules file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rules {
    /// The lines that udev keeps, in their order.
    pub rules: Vec<Rule>,
    /// The lines that it drops, and why.
    pub dropped: Vec<(u32, String)>,
    /// The line that is too long for it. Up to 252 what stands before it stays, though no GOTO of it
    /// jumps; newer versions drop the whole file.
    pub cut: Option<u32>,
}

/// One line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// Its number, from 1; the first of a continued line.
    pub line: u32,
    /// What it looks at and does, in the order in which udev does it.
    pub terms: Vec<Term>,
    /// Where it goes on if all matches: an index into [`Rules::rules`].
    pub goto: Option<usize>,
    /// Why some versions of udev drop it, where some do.
    pub since: Option<&'static str>,
    label: Option<String>,
    jump: Option<String>,
}

impl Rule {
    /// The terms of one key.
    pub fn of(&self, key: Key) -> impl Iterator<Item = &Term> {
        self.terms.iter().filter(move |term| term.key == key)
    }

    /// Whether anything jumps to it.
    fn is_needed(&self) -> bool {
        !self.terms.is_empty() || self.label.is_some() || self.jump.is_some()
    }
}

/// Reads a file, whose bytes are a text by [`crate::formats::bytes::decode`]: udev takes any bytes.
pub fn read(text: &str) -> Rules {
    let lines = logical(text);
    let mut found = Rules { cut: lines.cut, ..Rules::default() };
    found.dropped.extend(lines.dropped.into_iter().map(|(line, why)| (line, why.to_owned())));
    for (line, text) in lines.kept {
        match rule(line, &text) {
            Ok(rule) if rule.is_needed() => found.rules.push(rule),
            Ok(_) => {}
            Err(why) => found.dropped.push((line, why)),
        }
    }
    jump(&mut found);
    found.dropped = by_number(found.dropped, |(line, _)| u64::from(*line));
    found
}

fn rule(line: u32, text: &str) -> Result<Rule, String> {
    let mut rule = Rule { line, terms: Vec::new(), goto: None, since: None, label: None, jump: None };
    for raw in split(text)? {
        match take(raw)? {
            Taken::Term(term, since) => {
                rule.terms.push(term);
                rule.since = rule.since.or(since);
            }
            // The last label counts, and the first jump.
            Taken::Label(label) => rule.label = Some(label),
            Taken::Goto(label) => rule.jump = rule.jump.or(Some(label)),
            Taken::Nothing => {}
        }
    }
    rule.terms = by_number(rule.terms, |term| term.key as u64);
    Ok(rule)
}

/// Leads each jump to the next line with its label; one without is no jump (`rule_resolve_goto`).
fn jump(found: &mut Rules) {
    let mut next = std::collections::BTreeMap::new();
    for (at, rule) in found.rules.iter_mut().enumerate().rev() {
        if let Some(label) = &rule.jump {
            rule.goto = next.get(label).copied();
            if rule.goto.is_none() {
                found.dropped.push((rule.line, format!("no later line has the label `{label}`: no jump")));
            }
        }
        if let Some(label) = &rule.label {
            next.insert(label.clone(), at);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn flat(text: &str) -> Vec<String> {
        let term = |term: &Term| {
            let case = if term.any_case { "i" } else { "" };
            format!("{:?}{{{}}}{}{case}{}", term.key, term.attr, term.op.text(), term.value)
        };
        let rules = read(text).rules;
        let line =
            |rule: &Rule| rule.goto.and_then(|at| rules.get(at)).map(|rule| format!(" -> {}", rule.line));
        rules
            .iter()
            .map(|rule| {
                let terms: Vec<String> = rule.terms.iter().map(term).collect();
                format!("{} {}{}", rule.line, terms.join(" "), line(rule).unwrap_or_default())
            })
            .collect()
    }

    #[test]
    fn terms_stand_in_the_order_in_which_udev_goes_through_them() {
        let text = r#"RUN+="x", ATTR{a}="1", ENV{B}="2", ATTRS{c}=="3", KERNEL=="sd*", ACTION=="add"
GOTO="end", TEST=="x"
PROGRAM="p", RESULT=="r", IMPORT{program}="hwdb --x", IMPORT{program}="y"
LABEL="end", ATTR{b}+="4", ATTR{c}:="5", TAG-="t"
"#;
        assert_eq!(
            flat(text),
            [
                "1 Action{}==add Kernel{}==sd* Attrs{c}==3 SetEnv{B}=2 SetAttr{a}=1 Run{}+=x",
                "2 Test{}==x -> 4",
                "3 Program{}==p ImportProgram{program}==y ImportBuiltin{program}==hwdb --x Result{}==r",
                "4 SetTag{}-=t SetAttr{b}=4 SetAttr{c}=5",
            ]
        );
    }

    #[test]
    fn rules_of_distributions_are_read() {
        // Fedora's 60-block-scheduler.rules, azure-vm-utils' 80-azure-disk.rules, and forms met in the field.
        let text = r#"# do not edit this file, it will be overwritten on update

ACTION=="add", SUBSYSTEM=="block", ENV{DEVTYPE}=="disk", \
  KERNEL=="mmcblk*[0-9]|msblk*[0-9]|mspblk*[0-9]|sd*[!0-9]|sr*", \
  # a comment in between
  ATTR{queue/scheduler}="bfq"
ENV{AZURE_DISK_TYPE}=="remote",ATTR{queue/io_timeout}="240000",SYMLINK+="disk/azure/x"
KERNEL == "sd[a-z]" ATTR{device/timeout} := "180" , ATTR{queue/nr_requests}+="1024"
SUBSYSTEMS=="scsi", RUN+="/bin/sh -c 'echo 180 >/sys$DEVPATH/device/timeout'"
"#;
        assert_eq!(
            flat(text),
            [
                "3 Action{}==add Kernel{}==mmcblk*[0-9]|msblk*[0-9]|mspblk*[0-9]|sd*[!0-9]|sr* \
                 Env{DEVTYPE}==disk Subsystem{}==block SetAttr{queue/scheduler}=bfq",
                "7 Env{AZURE_DISK_TYPE}==remote Other{}+=disk/azure/x SetAttr{queue/io_timeout}=240000",
                "8 Kernel{}==sd[a-z] SetAttr{device/timeout}=180 SetAttr{queue/nr_requests}=1024",
                "9 Subsystems{}==scsi Run{}+=/bin/sh -c 'echo 180 >/sys$DEVPATH/device/timeout'",
            ]
        );
    }

    #[test]
    fn jumps_lead_forwards_only_and_past_what_is_dropped() {
        let text = "LABEL=\"a\"\nGOTO=\"a\", KERNEL==\"x\"\nGOTO=\"b\", GOTO=\"c\"\nLABEL=\"b\" nonsense\n\
                    LABEL=\"c\", LABEL=\"b\"\nLABEL=\"c\"\n";
        assert_eq!(flat(text), ["1 ", "2 Kernel{}==x", "3  -> 5", "5 ", "6 "]);
        let dropped: Vec<u32> = read(text).dropped.into_iter().map(|(line, _)| line).collect();
        assert_eq!(dropped, [2, 4]);
    }

    #[test]
    fn what_udev_drops_is_dropped() {
        for line in [
            r#"KERNEL="sda""#,
            r#"ACTION+="add""#,
            r#"ATTRS{x}="1""#,
            r#"ATTR="1""#,
            r#"ATTR{}="1""#,
            r#"ATTR{x}-="1""#,
            r#"KERNEL{x}=="1""#,
            r#"ENV{DEVTYPE}="disk""#,
            r#"RUN=="x""#,
            r#"RUN{x}+="y""#,
            r#"RUN{}+="y""#,
            r#"RUN{builtin}+="nothing""#,
            r#"IMPORT{builtin}="nothing""#,
            r#"IMPORT{x}="y""#,
            r#"IMPORT="y""#,
            r#"GOTO=="x""#,
            r#"LABEL+="x""#,
            r#"TEST{9}=="x""#,
            r#"TEST="x""#,
            r#"TEST==i"x""#,
            r#"PROGRAM==i"x""#,
            r#"CONST{x}=="y""#,
            r#"OPTIONS-="watch""#,
            r#"OPTIONS="link_priority=x""#,
            r#"BUS=="scsi""#,
            r#"SYSFS{vendor}=="x""#,
            r#"kernel=="x""#,
            r#"ATTR{x}=i"1""#,
            "\u{feff}KERNEL==\"x\"",
        ] {
            let found = read(&format!("{line}, ATTR{{y}}=\"1\"\n"));
            assert_eq!((found.rules.len(), found.dropped.len()), (0, 1), "{line}");
        }
        let kept = read("OPTIONS=\"x\", ATTR{y}=\"1\", PROGRAM+=\"x\", OWNER=\"nobody\", MODE:=\"x\"\r\n");
        assert_eq!((kept.rules.len(), kept.dropped.len()), (1, 0));
    }

    proptest! {
        /// Whatever stands in a file, a jump leads forwards, and terms stand in udev's order.
        #[test]
        fn any_text_is_read(text in "(GOTO=\"[ab]\"|LABEL=\"[ab]\"|ATTR|[A-Z{}]{1,4}|[=!+:-]{1,2}|[ei]?\"[^\"]{0,3}\"|[, \\\\\r\n\0#\u{e9}])*") {
            let rules = read(&text).rules;
            for (at, rule) in rules.iter().enumerate() {
                prop_assert!(rule.goto.is_none_or(|to| to > at && to < rules.len()));
                prop_assert!(rule.terms.is_sorted_by_key(|term| term.key));
            }
        }
    }
}
