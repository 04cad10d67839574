//! systemd-boot's entries as `bootctl` and `kernel-install` of three releases read and write them: what
//! apply adds is on every command line, a kernel that is installed afterwards has it too, and revert takes
//! it out of all.

use std::path::Path;

use serde_json::Value;

use crate::roots::{self, Reader};
use crate::stage::{Stage, Suite};

/// The command lines of a state: what each entry passes, then what a new kernel is given.
fn lines(text: &str, state: &str) -> Vec<String> {
    let after = |mark: &str| {
        let (_, rest) =
            text.split_once(&format!("{mark} {state}\n")).unwrap_or_else(|| panic!("{state}: {text}"));
        rest.to_owned()
    };
    // 252 prints one document an entry, later releases one list.
    let listed = after("===");
    let documents = listed.lines().take_while(|line| !line.starts_with("--- "));
    let documents = documents.map(|line| serde_json::from_str::<Value>(line).unwrap());
    let entries = documents.flat_map(|json| match json {
        Value::Array(entries) => entries,
        entry => vec![entry],
    });
    let mut found: Vec<String> =
        entries.filter_map(|entry| entry["options"].as_str().map(str::to_owned)).collect();
    found.push(after("---").lines().next().unwrap().to_owned());
    found
}

/// Which of the roots this stands for.
#[test]
fn one_root_is_read_by_bootctl() {
    let made = roots::all().into_iter().filter(|made| made.reader == Reader::Bootctl);
    assert_eq!(made.map(|made| made.name).collect::<Vec<_>>(), ["systemd-boot"]);
}

#[test]
fn entries_and_new_kernels_have_ours_until_revert() {
    for suite in [Suite::Bookworm, Suite::Trixie, Suite::Sid] {
        let stage = Stage::new(suite);
        stage.copy("/program", Path::new(env!("CARGO_BIN_EXE_hvtune")));
        let ran = stage.run(&format!(
            "chmod +x /program\n{}{}",
            include_str!("esp.sh"),
            include_str!("bootctl.sh")
        ));
        assert_eq!(ran.code, 0, "{suite:?}: {}\n{}", ran.stdout, ran.stderr);
        let of = |state: &str| lines(&ran.stdout, state);
        let before = of("before");
        assert!(
            before.len() == 2 && before.iter().all(|line| line.contains("root=UUID=0a-1b")),
            "{before:?}"
        );
        assert!(before.iter().all(|line| !line.contains("panic=")), "{suite:?}: {before:?}");
        let with = before.iter().map(|line| format!("{line} panic=10")).collect::<Vec<_>>();
        assert_eq!(of("applied"), with, "{suite:?}");
        let added = of("added");
        assert!(
            added.len() == 3 && added.iter().all(|line| line.contains(" panic=10")),
            "{suite:?}: {added:?}"
        );
        let without = |line: &String| line.replace(" panic=10", "");
        assert_eq!(of("reverted"), added.iter().map(without).collect::<Vec<_>>(), "{suite:?}");
    }
}
