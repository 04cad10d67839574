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

/// Where `grub-mkconfig` of either release fails with the fragment, or its menu
/// is not the menu without the fragment plus `args` at the end of each normal
/// entry's kernel command line and of no recovery entry's. Empty when all is well.
pub(crate) fn grub_faults(fragment: &Path, args: &[&str]) -> Vec<String> {
    let mut faults = Vec::new();
    for suite in Suite::ALL {
        let found = faults_of(fragment, args, suite);
        faults.extend(found.into_iter().map(|fault| format!("{suite:?}: {fault}")));
    }
    faults
}

fn faults_of(fragment: &Path, args: &[&str], suite: Suite) -> Vec<String> {
    let stage = Stage::new(suite);
    stage.copy("/etc/default/grub.d/90-hvtune.cfg", fragment);
    let ran = stage.run_outside(include_str!("grub.sh"));
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
    compare(&before, with, args, without)
}

fn compare(before: &[Entry], with: &str, args: &[&str], without: &str) -> Vec<String> {
    let mut faults = Vec::new();
    if frame(with) != frame(without) {
        faults.push("the menu differs in more than kernel command lines".to_owned());
    }
    let after = entries(with);
    for (old, new) in before.iter().zip(&after) {
        let mut want = old.words.clone();
        if !old.recovery() {
            want.extend(args.iter().map(|&arg| arg.to_owned()));
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
