//! The live boot menu: hvtune makes it anew with the real `grub-mkconfig`, and never
//! lets a generator that fails, dies or forgets a kernel touch the one that boots.

use std::path::Path;

use crate::stage::{Stage, Suite};

/// GRUB 2.06, 2.12 and 2.14.
pub(crate) const SUITES: [Suite; 3] = [Suite::Bookworm, Suite::Trixie, Suite::Sid];

/// A stage with a kernel to enter, and how many there are: the root with GRUB 2.14 has none of its own.
pub(crate) fn with_kernels(suite: Suite) -> (Stage, usize) {
    let stage = Stage::new(suite);
    if suite != Suite::Sid {
        return (stage, suite.kernels().len());
    }
    for file in ["vmlinuz", "initrd.img"] {
        stage.put(&format!("/boot/{file}-7.2.1-cloud-amd64"), file);
    }
    (stage, 1)
}

#[test]
fn the_menu_is_exchanged_whole_or_kept() {
    for suite in SUITES {
        let (stage, entries) = with_kernels(suite);
        let program = stage.out().with_file_name("program");
        std::fs::copy(Path::new(env!("CARGO_BIN_EXE_hvtune")), &program).unwrap();
        let script = format!(
            "PROGRAM=\"$OUT\"/../program\n{}{}",
            include_str!("grub_disk.sh"),
            include_str!("boot_menu.sh")
        );
        let ran = stage.run_outside(&script);
        assert_eq!(ran.code, 0, "{suite:?}: {}{}", ran.stdout, ran.stderr);
        let value = |key: &str| -> usize {
            let line = ran.stdout.lines().find_map(|line| line.strip_prefix(key));
            line.unwrap_or_else(|| panic!("{key}: {}", ran.stdout)).trim().parse().unwrap()
        };
        assert_eq!(value("before "), 0, "{suite:?}");
        assert!(value("after ") >= entries, "{suite:?}: {}", ran.stdout);
        assert_eq!(value("reverted "), 0, "{suite:?}");
        let kept = ran.stdout.lines().filter(|line| line.starts_with("kept: ")).count();
        assert_eq!((kept, ran.stdout.contains("LOST")), (5, false), "{suite:?}: {}", ran.stdout);
        let strays = ran.stdout.lines().filter_map(|line| line.strip_prefix("stray"));
        for stray in strays {
            assert_eq!(stray.trim(), "", "{suite:?}: {}", ran.stdout);
        }
        let told = ran.stdout.lines().filter(|line| line.contains("the old menu is kept")).count();
        assert_eq!(told, 5, "{suite:?}: {}", ran.stdout);
        // What takes long is said before it is done, where no terminal shows it as a message.
        let said = ran.stderr.matches("hvtune: making the boot menu anew\n").count();
        assert!(said >= 7, "{suite:?}: {said}: {}", ran.stderr);
    }
}
