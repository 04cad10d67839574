//! Chains over configured arguments and over entries.

use super::*;

fn arg(text: &str, line: u32) -> BootArg {
    let text = Some(text.to_owned()).filter(|text| text != "*");
    let holds = if text.is_some() { Holds::Yes } else { Holds::Maybe("a shell".to_owned()) };
    BootArg { text, path: "f".to_owned(), line, holds, after_ours: false }
}

/// A Debian root; arguments that begin with `+` come after our fragment was read.
fn debian(args: &[&str]) -> Facts {
    let mut facts = Facts::default();
    let boot = &mut facts.system.boot;
    boot.stack = BootStack::DebianGrub;
    boot.configured.reads_ours = true;
    boot.configured.ours_at = args.iter().filter(|text| !text.starts_with('+')).count();
    let given = args.iter().zip(1..).map(|(text, line)| BootArg {
        after_ours: text.starts_with('+'),
        ..arg(text.trim_start_matches('+'), line)
    });
    boot.configured.args = given.collect();
    facts
}

fn ours(value: &str) -> Ours<'_> {
    Ours { path: "etc/default/grub.d/90-hvtune.cfg", value }
}

fn value(chain: &Chain) -> Option<String> {
    chain.in_force().value().map(str::to_owned)
}

#[test]
fn the_last_of_equal_keys_wins_and_ours_stands_at_its_place() {
    for (args, without, with) in [
        (&[][..], Some(ABSENT), Some("9")),
        (&["panic=1", "quiet", "panic=2"], Some("2"), Some("9")),
        (&["panic=1", "+panic=3"], Some("3"), Some("3")),
        (&["pa-nic=1"], Some(ABSENT), Some("9")),
        (&["panic"], Some(""), Some("9")),
        (&["*", "panic=1"], Some("1"), Some("9")),
        (&["panic=1", "*"], None, Some("9")),
        (&["panic=1", "+*"], None, None),
    ] {
        let facts = debian(args);
        assert_eq!(value(&chain(&facts, "panic", None)).as_deref(), without, "{args:?}");
        assert_eq!(value(&chain(&facts, "panic", Some(ours("9")))).as_deref(), with, "{args:?}");
    }
    let dashed = debian(&["nvme-core.io_timeout=30"]);
    assert_eq!(value(&chain(&dashed, "nvme_core.io-timeout", None)).as_deref(), Some("30"));
}

#[test]
fn what_loses_our_fragment_is_said() {
    let mut facts = debian(&["panic=1", "+quiet"]);
    let why = "etc/default/grub.d/99-x.cfg:1 assigns GRUB_CMDLINE_LINUX_DEFAULT anew";
    facts.system.boot.configured.ours = Holds::No(why.to_owned());
    let lost = chain(&facts, "panic", Some(ours("9")));
    assert_eq!(value(&lost).as_deref(), Some("1"));
    let own = lost.writers.iter().find(|writer| writer.is_ours()).unwrap();
    assert_eq!(own.acts, Acts::No(why.to_owned()));
}

#[test]
fn a_removal_takes_what_came_before_it_and_nothing_else() {
    let path = "etc/default/grub.d/90-hvtune.cfg";
    let gone = removal(&debian(&["elevator=noop", "elevator=cfq"]), "elevator", path);
    assert_eq!(value(&gone).as_deref(), Some(ABSENT));
    let back = removal(&debian(&["elevator=noop", "+elevator=noop"]), "elevator", path);
    assert_eq!(value(&back).as_deref(), Some("noop"));
    assert_eq!(back.others().filter(|writer| writer.acts == Acts::Yes).count(), 1);
    let mut foreign = debian(&["elevator=noop"]);
    foreign.system.boot.configured.reads_ours = false;
    assert_eq!(value(&removal(&foreign, "elevator", path)).as_deref(), Some("noop"));
}

#[test]
fn what_could_not_be_read_leaves_no_answer() {
    let mut facts = debian(&[]);
    facts.system.boot.configured.doubts.push("etc/default/grub could not be read".to_owned());
    assert_eq!(value(&chain(&facts, "elevator", None)), None);
    let mut facts = debian(&[]);
    facts.system.boot.unsure = Some("two".to_owned());
    assert_eq!(value(&chain(&facts, "elevator", None)), None);
    let unknown = Facts::default();
    assert_eq!(value(&chain(&unknown, "elevator", Some(ours("9")))), None, "the stack is not known");
}

/// A root of EL 9 with these entries; the last one stands for new kernels.
fn entries_of(lines: &[&[&str]]) -> Facts {
    let mut facts = Facts::default();
    facts.system.boot.stack = BootStack::GrubBls;
    let last = lines.len() - 1;
    let line = |(at, args): (usize, &&[&str])| BootLine {
        path: format!("boot/loader/entries/{at}.conf"),
        line: 1,
        entry: String::new(),
        kind: if at == last { LineKind::NewKernel } else { LineKind::Entry },
        args: args.iter().map(|text| arg(text, 1)).collect(),
        ours_at: None,
    };
    facts.system.boot.lines = lines.iter().enumerate().map(line).collect();
    facts
}

#[test]
fn an_argument_is_in_force_only_when_every_entry_has_it() {
    for (lines, in_force, all) in [
        (&[&["panic=10"][..], &["panic=10"], &["panic=10"]][..], Some("10"), Some(true)),
        (&[&["panic=10"], &["panic=10"], &[]], Some("10"), Some(false)),
        (&[&["panic=10"], &["quiet"], &["panic=10"]], None, Some(false)),
        (&[&["panic=10"], &["panic=10", "panic=5"], &["panic=10"]], None, Some(false)),
        (&[&["panic=5", "panic=10"], &["panic=10"], &["panic=10"]], Some("10"), Some(true)),
        (&[&["quiet"], &["quiet"], &["panic=10"]], Some(ABSENT), Some(false)),
        (&[&["*"], &["panic=10"], &["panic=10"]], None, None),
        (&[&["panic=10"]], None, None),
    ] {
        let facts = entries_of(lines);
        let found = chain(&facts, "panic", Some(ours("9")));
        assert_eq!(value(&found).as_deref(), in_force, "{lines:?}: {found:?}");
        assert_eq!(held(&facts, "panic=10"), all, "{lines:?}");
    }
    let differ = chain(&entries_of(&[&["panic=10"], &["quiet"], &[]]), "panic", None);
    assert_eq!(
        differ.doubts,
        [
            "the boot entries differ: boot/loader/entries/0.conf has panic=10, boot/loader/entries/1.conf has no panic"
        ]
    );
}

#[test]
fn the_next_line_has_what_all_entries_have() {
    let facts = entries_of(&[&["ro", "a=1"], &["ro", "b"], &["c"]]);
    let flat: Vec<(Option<String>, bool)> =
        next_boot(&facts).args.into_iter().map(|arg| (arg.text, arg.holds == Holds::Yes)).collect();
    let expected = [("ro", true), ("a=1", false), ("b", false)];
    assert_eq!(flat, expected.map(|(text, yes)| (Some(text.to_owned()), yes)));
    let shown = entries(&facts, "c", None);
    assert_eq!(shown.iter().map(|entry| entry.new_kernels).collect::<Vec<_>>(), [false, false, true]);
    assert_eq!(shown.last().unwrap().value.as_deref(), Some(""));
}
