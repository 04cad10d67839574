//! What must hold of every file that holds a command line, tried on many: 100 000 of each format, made
//! from pieces by a seed, and the fixtures' own.
//!
//! How a line is split is held against the crate `linux-kernel-cmdline`, which is not ours.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "tests set the stage"
)]

#[path = "worse/dice.rs"]
mod dice;
mod fixtures;
#[path = "stores/made.rs"]
mod made;

use std::collections::BTreeMap;
use std::fs;
use std::ops::Range;

use hvtune::cmdline::{Cmdline, LIMIT, Line};
use hvtune::stores::{Edited, Refusal, Store, grubenv};
use hvtune::value::Value;

use dice::Dice;

/// Made files of each format; `HVTUNE_FULL=1` tries a hundred thousand.
fn count() -> u64 {
    if std::env::var_os("HVTUNE_FULL").is_some() { 100_000 } else { 20_000 }
}

/// What is before the value and after it; the filling of a block is left out.
fn others<'a>(store: Store<'_>, text: &'a [u8], value: &Range<usize>) -> (&'a [u8], &'a [u8]) {
    let filled = matches!(store, Store::Grubenv(_));
    let end = text.iter().rposition(|byte| !filled || *byte != b'#').map_or(0, |last| last + 1);
    (&text[..value.start], &text[value.end..end])
}

fn line_of(text: &[u8], value: &Range<usize>) -> Line {
    Line::parse(std::str::from_utf8(&text[value.clone()]).unwrap()).unwrap()
}

fn of_file(text: &[u8]) -> String {
    String::from_utf8_lossy(text).into_owned()
}

/// All that must hold where a value was found; what was appended.
fn held(store: Store<'_>, text: &[u8], ours: &[Value], theirs: &[Value]) -> Result<Vec<Value>, Refusal> {
    let Edited { text: with, args } = store.append(text, ours)?;
    let shown = || format!("{store:?}\n{}\n--\n{}", of_file(text), of_file(&with));
    if matches!(store, Store::GrubSet(_)) && matches!(store.find(text), Err(Refusal::Missing { .. })) {
        return Ok(line_of_ours(store, text, ours, theirs, args, &with));
    }
    let range = store.find(text).unwrap();
    let range_now = store.find(&with).unwrap_or_else(|refusal| panic!("{refusal}: {}", shown()));
    assert_eq!(others(store, &with, &range_now), others(store, text, &range), "{}", shown());
    let (line, now) = (line_of(text, &range), line_of(&with, &range_now));
    assert_eq!(line.as_str().as_bytes(), &text[range], "parse, then print");
    for value in ours {
        assert!(now.args().any(|arg| arg == value.as_str()), "{value}: {}", shown());
    }
    let kept: Vec<&str> = line.args().chain(args.iter().map(Value::as_str)).collect();
    assert_eq!(now.args().collect::<Vec<_>>(), kept, "theirs, then ours: {}", shown());
    assert!(args.is_empty() || now.as_str().len() <= LIMIT.total, "{}", shown());
    if matches!(store, Store::Grubenv(_)) {
        assert_eq!(with.len(), grubenv::SIZE);
    }
    let again = store.append(&with, ours).unwrap();
    assert_eq!((again.text, again.args), (with.clone(), Vec::new()), "once more: {}", shown());
    let without = store.remove(&with, &args).unwrap();
    assert_eq!((without.text.as_slice(), &without.args), (text, &args), "taken out: {}", shown());

    // Another tool adds its own in between.
    if let (Ok(both), Ok(alone)) = (store.append(&with, theirs), store.append(text, theirs)) {
        let left = store.remove(&both.text, &args).unwrap();
        assert_eq!(of_file(&left.text), of_file(&alone.text), "in between: {}", shown());
    }
    Ok(args)
}

/// The same where a line of our own comes and goes.
fn line_of_ours(
    store: Store<'_>,
    text: &[u8],
    ours: &[Value],
    theirs: &[Value],
    args: Vec<Value>,
    with: &[u8],
) -> Vec<Value> {
    let shown = || format!("{store:?}\n{}\n--\n{}", of_file(text), of_file(with));
    assert!(with.starts_with(text), "{}", shown());
    let line = of_file(&with[text.len()..]);
    assert_eq!(line.matches('\n').count(), 1, "{}", shown());
    let now = line_of(with, &store.find(with).unwrap());
    assert!(now.args().skip(1).eq(args.iter().map(Value::as_str)), "{}", shown());
    assert!(!args.is_empty(), "{}", shown());
    let again = store.append(with, ours).unwrap();
    assert_eq!((of_file(&again.text), again.args), (of_file(with), Vec::new()), "once more: {}", shown());
    let without = store.remove(with, &args).unwrap();
    assert_eq!((of_file(&without.text), &without.args), (of_file(text), &args), "taken out: {}", shown());
    assert_eq!(of_file(&store.remove(text, ours).unwrap().text), of_file(text), "none to take out");
    if let (Ok(both), Ok(alone)) = (store.append(with, theirs), store.append(text, theirs)) {
        let left = store.remove(&both.text, &args).unwrap();
        assert_eq!(of_file(&left.text), of_file(&alone.text), "in between: {}", shown());
    }
    let line = b"\nset linux_append=\"$linux_append their=2\"\n";
    let (both, alone) = ([with, line].concat(), [text, line].concat());
    assert_eq!(of_file(&store.remove(&both, &args).unwrap().text), of_file(&alone), "behind: {}", shown());
    args
}

/// Goes through the made files of one format. Enough must be changed, and for each of these reasons some
/// are refused.
fn many(store: Store<'_>, make: fn(&mut Dice) -> Vec<u8>, reasons: &[&str]) {
    let (mut changed, mut refused) = (0, BTreeMap::<String, u64>::new());
    for seed in 0..count() {
        let dice = &mut Dice::new(seed);
        let mut text = make(dice);
        if dice.one_in(4) {
            made::damage(dice, &mut text);
        }
        let (ours, theirs) = (made::values(dice, "our"), made::values(dice, "their"));
        match held(store, &text, &ours, &theirs) {
            Ok(args) => changed += u64::from(!args.is_empty()),
            Err(refusal) => {
                let why = format!("{refusal:?}");
                let why = why.split([' ', '(']).next().unwrap().to_owned();
                *refused.entry(why).or_default() += 1;
                let _ = store.remove(&text, &ours);
                let said = refusal.to_string();
                assert!(said.len() < 400 && said.contains([':', ';']), "says what to do: {said}");
            }
        }
    }
    assert!(changed > count() / 4, "{changed} were changed: {refused:?}");
    assert_eq!(refused.keys().collect::<Vec<_>>(), reasons, "{refused:?}");
}

#[test]
fn any_entry_keeps_its_other_bytes() {
    many(Store::Bls, made::entry, &["Encoding", "Line", "Missing", "Repeated", "Unplain"]);
}

#[test]
fn any_kernel_cmdline_keeps_its_other_bytes() {
    many(Store::Plain, made::plain, &["Encoding", "Incomplete", "Line", "Missing", "Repeated"]);
}

#[test]
fn any_file_of_assignments_keeps_its_other_bytes() {
    many(
        Store::Shell("GRUB_CMDLINE_LINUX"),
        made::shell,
        &["Encoding", "Line", "Missing", "Repeated", "Unplain"],
    );
}

#[test]
fn any_environment_block_keeps_its_other_bytes() {
    many(
        Store::Grubenv("kernelopts"),
        made::block,
        &["Encoding", "Full", "Line", "Missing", "NoBlock", "Repeated", "Unplain"],
    );
}

#[test]
fn any_script_of_grub_keeps_its_other_bytes() {
    many(Store::GrubSet("linux_append"), made::script, &["Encoding", "Line", "Repeated", "Unplain"]);
}

const STORES: [Store<'static>; 5] = [
    Store::Bls,
    Store::Plain,
    Store::Shell("GRUB_CMDLINE_LINUX"),
    Store::Grubenv("kernelopts"),
    Store::GrubSet("linux_append"),
];

#[test]
fn no_bytes_make_it_panic_and_none_are_lost() {
    let ours = [Value::new("a=1").unwrap()];
    for seed in 0..count() {
        let dice = &mut Dice::new(seed);
        let mut text = made::bytes(dice);
        for store in STORES {
            if matches!(store, Store::Grubenv(_)) && dice.one_in(2) {
                text = made::as_block(&text);
            }
            let _ = held(store, &text, &ours, &[]);
            let _ = store.remove(&text, &ours);
        }
    }
}

/// The other parser knows no `--`, so what follows is left out of its list too.
fn second_opinion(text: &str) -> Vec<String> {
    let other = linux_kernel_cmdline::bytes::Cmdline::from(text);
    let all = other.iter_bytes().map(|token| String::from_utf8(token.to_vec()).unwrap());
    all.take_while(|token| token != "--" && token != "\"--\"").collect()
}

#[test]
fn a_line_is_split_as_another_parser_does() {
    for seed in 0..count() {
        let text = made::line(&mut Dice::new(seed));
        let expected = second_opinion(&text);
        let line = Line::parse(&text).unwrap();
        assert_eq!(line.as_str(), text);
        assert_eq!(line.args().collect::<Vec<_>>(), expected, "{text:?}");
        assert_eq!(Cmdline::parse(&text).args, expected, "{text:?}");
        for key in ["root", "a_b", "a-b", "console"] {
            let other = linux_kernel_cmdline::bytes::Cmdline::from(&text);
            let of_key = linux_kernel_cmdline::bytes::ParameterKey::from(key);
            let count = expected.len();
            let theirs = other.iter().take(count).filter(|parameter| parameter.key() == of_key).count();
            let ours =
                line.args().filter(|arg| hvtune::cmdline::same_key(hvtune::cmdline::split_arg(arg).0, key));
            // A lone quote at one end of an argument is left alone here, and taken away there.
            if !text.contains('"') {
                assert_eq!(ours.count(), theirs, "{key} in {text:?}");
            }
        }
    }
}

#[test]
fn the_fixtures_lines_are_split_as_another_parser_does() {
    let mut seen = 0;
    for fixture in fixtures::all() {
        let Ok(text) = fs::read_to_string(fixture.dir.join("machine/proc/cmdline")) else { continue };
        let text = text.trim_end();
        assert_eq!(Line::parse(text).unwrap().args().collect::<Vec<_>>(), second_opinion(text), "{text}");
        let other = linux_kernel_cmdline::utf8::Cmdline::from(text);
        for parameter in &other {
            let parameter: &str = &parameter;
            let (key, value) = hvtune::cmdline::split_arg(parameter);
            let again = linux_kernel_cmdline::utf8::Parameter::parse(parameter).unwrap();
            assert_eq!((key, value), (&*again.key(), again.value().unwrap_or_default()), "{text}");
        }
        seen += 1;
    }
    assert!(seen > 20, "{seen} lines");
}

/// The files of distributions: changed as any other, or refused for a reason that is known here.
#[test]
fn the_fixtures_files_are_changed_or_refused_with_reason() {
    let ours = ["nvme_core.io_timeout=240", "zz"].map(|text| Value::new(text).unwrap());
    let theirs = [Value::new("their=1").unwrap()];
    let (mut changed, mut refused) = (BTreeMap::<&str, u64>::new(), Vec::new());
    for fixture in fixtures::all() {
        let root = fixture.dir.join("root");
        let entries = fs::read_dir(root.join("boot/loader/entries")).into_iter().flatten();
        let entries = entries.map(|entry| (entry.unwrap().path(), Store::Bls, "entry"));
        let files = [
            ("etc/kernel/cmdline", Store::Plain, "plain"),
            ("etc/default/grub", Store::Shell("GRUB_CMDLINE_LINUX"), "shell"),
            ("etc/default/grub", Store::Shell("GRUB_CMDLINE_LINUX_DEFAULT"), "shell"),
            ("boot/grub2/grubenv", Store::Grubenv("kernelopts"), "block"),
        ];
        let files = files.into_iter().map(|(path, store, kind)| (root.join(path), store, kind));
        for (path, store, kind) in files.chain(entries) {
            let Ok(text) = fs::read(&path) else { continue };
            match held(store, &text, &ours, &theirs) {
                Ok(args) => {
                    assert_eq!(args, ours, "{}", path.display());
                    *changed.entry(kind).or_default() += 1;
                }
                Err(refusal) => refused.push(format!("{}: {refusal}", fixture.name)),
            }
        }
    }
    let least = [("block", 1), ("entry", 2), ("plain", 2), ("shell", 50)];
    assert!(least.iter().all(|(kind, least)| changed[kind] >= *least), "{changed:?}");
    // EL has no second variable, and keeps its arguments elsewhere than in the block; in the last one a
    // backslash stands before a variable of GRUB's.
    let no_default = "there is no GRUB_CMDLINE_LINUX_DEFAULT=\"…\": add that line";
    let no_kernelopts = "there is no variable kernelopts: set it with grub-editenv FILE set";
    let quoted = "line 3: GRUB_CMDLINE_LINUX_DEFAULT is not one text in double quotes; \
                  write one line GRUB_CMDLINE_LINUX_DEFAULT=\"…\"";
    for why in [no_default, no_kernelopts] {
        for name in ["el9-bls", "rhel7", "surface"] {
            let said = format!("{name}: {why}");
            assert!(refused.contains(&said), "{said} is not in {refused:#?}");
        }
    }
    assert!(refused.contains(&format!("root-partition: {quoted}")), "{refused:#?}");
    assert!(refused.contains(&format!("el8-kernelopts: {no_default}")), "{refused:#?}");
    assert_eq!(refused.len(), 8, "{refused:#?}");
}
