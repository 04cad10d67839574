//! Menus that other distributions make with GRUB's own generator: ours are in every ordinary entry after
//! apply, which has the menu made anew, and in none after revert.

use std::path::Path;

use crate::boot_menu::{SUITES, with_kernels};
use crate::roots::{self, Reader};

/// The roots that this stands for, and the name of each here.
const STACKS: [(&str, &str); 2] = [("suse", "suse"), ("azurelinux3", "azurelinux")];

#[test]
fn these_are_the_roots_with_a_menu() {
    let all = roots::all().into_iter().chain(roots::with_own_file());
    let made: Vec<&str> = all.filter(|made| made.reader == Reader::Mkconfig).map(|made| made.name).collect();
    assert_eq!(made, STACKS.map(|(name, _)| name));
}

#[test]
fn the_menu_is_made_with_ours_and_without() {
    for suite in SUITES {
        for (_, stack) in STACKS {
            let (stage, entries) = with_kernels(suite);
            let program = stage.out().with_file_name("program");
            std::fs::copy(Path::new(env!("CARGO_BIN_EXE_hvtune")), &program).unwrap();
            let script = format!(
                "PROGRAM=\"$OUT\"/../program STACK={stack}\n{}{}",
                include_str!("grub_disk.sh"),
                include_str!("other_menus.sh")
            );
            let ran = stage.run_outside(&script);
            let shown = || format!("{suite:?} {stack}: {}{}", ran.stdout, ran.stderr);
            assert_eq!(ran.code, 0, "{}", shown());
            let value = |key: &str| -> usize {
                let line = ran.stdout.lines().find_map(|line| line.strip_prefix(key));
                line.unwrap_or_else(|| panic!("{key}: {}", shown())).trim().parse().unwrap()
            };
            assert_eq!((value("before "), value("reverted ")), (0, 0), "{}", shown());
            assert!(value("after ") >= entries, "{}", shown());
            assert!(ran.stdout.lines().any(|line| line == "same"), "{}", shown());
            assert!(ran.stdout.lines().any(|line| line.trim() == "stray"), "{}", shown());
            let row = ran.stdout.lines().find_map(|line| line.strip_prefix("row panic "));
            assert!(row.is_some_and(|row| row.ends_with("ok")), "{}", shown());
        }
    }
}
