//! A fragment of `/etc/default/grub.d`, read by the real `grub-mkconfig`.

use std::path::Path;

use crate::stage::{Stage, Suite};

/// A boot entry: its title and the words of its `linux` line after the kernel.
#[derive(Debug, PartialEq, Eq)]
struct Entry {
    title: String,
    words: Vec<String>,
}

impl Entry {
    fn recovery(&self) -> bool {
        self.title.contains("(recovery mode)")
    }
}

/// What a fragment is to do to the command lines.
#[derive(Debug, Default)]
pub(crate) struct Change<'a> {
    /// A fragment that is there already, read before ours.
    pub(crate) already: &'a str,
    /// Arguments that every entry loses.
    pub(crate) drop: &'a [&'a str],
    /// Arguments that come last in every normal entry and in no recovery entry.
    pub(crate) add: &'a [&'a str],
}

/// Where `grub-mkconfig` fails with the fragment, or its menu is another than
/// the menu without the fragment and this change made to it. Empty when all is well.
pub(crate) fn grub_faults(suite: Suite, fragment: &Path, change: &Change) -> Vec<String> {
    let stage = Stage::new(suite);
    stage.put("/etc/default/grub.d/10-already.cfg", change.already);
    stage.copy("/etc/default/grub.d/90-hvtune.cfg", fragment);
    let ran = stage.run_outside(concat!(include_str!("grub_disk.sh"), include_str!("grub.sh")));
    let (_, menus) = ran
        .stdout
        .split_once("### menu without\n")
        .unwrap_or_else(|| panic!("the stage does not stand:\n{}", ran.stderr));
    let Some((without, with)) = menus.split_once("### menu with\n") else {
        let why = ran.stderr.lines().last().unwrap_or("nothing said");
        return vec![format!("grub-mkconfig failed with {}: {why}", ran.code)];
    };
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let before = entries(without);
    assert!(before.len() > 2 * suite.kernels().len(), "entries of every kernel: {before:#?}");
    assert!(before.iter().any(Entry::recovery), "recovery entries: {before:#?}");
    for word in change.drop {
        assert!(before.iter().any(|entry| entry.words.iter().any(|w| w == word)), "{word} is there to drop");
    }
    let mut faults = compare(&before, &entries(with), change);
    if frame(with) != frame(without) {
        faults.push("the menu differs in more than kernel command lines".to_owned());
    }
    faults
}

fn compare(before: &[Entry], after: &[Entry], change: &Change) -> Vec<String> {
    let mut faults = Vec::new();
    for (old, new) in before.iter().zip(after) {
        let mut want = old.words.clone();
        want.retain(|word| !change.drop.contains(&word.as_str()));
        if !old.recovery() {
            want.extend(change.add.iter().map(|&arg| arg.to_owned()));
        }
        if new.words != want {
            faults.push(format!("{}: {:?}, not {want:?}", new.title, new.words));
        }
    }
    faults
}

/// The menu without the words after the kernel.
fn frame(menu: &str) -> Vec<&str> {
    menu.lines()
        .map(|line| match kernel_line(line) {
            Some(_) => line.split_whitespace().nth(1).unwrap_or(line),
            None => line,
        })
        .collect()
}

fn kernel_line(line: &str) -> Option<&str> {
    line.trim_start().strip_prefix("linux\t")
}

fn entries(menu: &str) -> Vec<Entry> {
    let mut title = "";
    let mut found = Vec::new();
    for line in menu.lines() {
        if let Some(rest) = line.trim_start().strip_prefix("menuentry '") {
            title = rest.split('\'').next().unwrap_or_default();
        }
        if let Some(rest) = kernel_line(line) {
            let words = rest.split_whitespace().skip(1).map(str::to_owned).collect();
            found.push(Entry { title: title.to_owned(), words });
        }
    }
    found
}
