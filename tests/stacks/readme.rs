//! The table of boot stacks in README.md is made from the roots that the tests go through, and from what
//! read them: it cannot claim more than ran. `BLESS=1` writes it anew.

use std::fs;
use std::path::Path;

use hvtune::facts::BootStack;
use hvtune::stacks;

use crate::roots::{self, Made, Reader};

const HEAD: &str = "| boot stack of | arguments go to | tried with |\n|---|---|---|\n";

/// That the lab boots it.
fn booted(scenario: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/lab/scenarios").join(scenario);
    assert!(path.is_file(), "{scenario}");
}

/// Debian's and Ubuntu's own row, with a kernel that apt installs afterwards.
fn debian() -> String {
    booted("4-kernel-update");
    "| Debian, Ubuntu with GRUB | `/etc/default/grub.d/90-hvtune.cfg` | booted, with a later kernel |\n"
        .to_owned()
}

/// Unified kernel images, which nobody changes.
fn uki() -> String {
    let base = Path::new(env!("CARGO_MANIFEST_DIR"));
    let firmware = fs::read_to_string(base.join("tests/lab/firmware")).unwrap();
    assert!(firmware.contains("\ncase_uki()") && base.join("tests/consumers/uki.rs").is_file());
    format!(
        "| unified kernel images that are not signed, of systemd 254 or newer | `/{}`, an addon | ukify, bootctl and \
         kernel-install of systemd 257 and sid; booted by the stub of 257 |\n",
        crate::uki::GLOBAL
    )
}

fn row(made: &Made) -> String {
    let shown = |path: &String| {
        let entry = path.contains("loader/entries/");
        let dir = path.rsplit_once('/').map_or("", |(dir, _)| dir);
        if entry { format!("`/{dir}/*.conf`") } else { format!("`/{path}`") }
    };
    let mut places: Vec<String> = made.stores.iter().map(shown).collect();
    places.dedup();
    let tried = match made.reader {
        Reader::Grub if made.name == "el9" => {
            booted("10-bls");
            "GRUB 2.14 itself (grub-emu); booted by it, with a later entry"
        }
        Reader::Grub => "GRUB 2.14 itself (grub-emu)",
        Reader::Bootctl => "bootctl and kernel-install of systemd 252, 257 and sid",
        Reader::Schema => "the schema of bootc's own reader, restated",
        Reader::Nobody => "nothing: by this fixture alone",
        Reader::Mkconfig => "grub-mkconfig 2.06, 2.12 and 2.14 of Debian",
    };
    format!("| {} | {} | {tried} |\n", made.stands_for, places.join(", "))
}

fn rows() -> String {
    let mut table = debian();
    for made in roots::every() {
        table += &row(&made);
    }
    table += &uki();
    let prints = |stack: &&BootStack| {
        stacks::row(**stack).is_none() && !stack.has_fragment() && **stack != BootStack::Uki
    };
    let names = BootStack::ALL.iter().filter(prints).map(|stack| match stack {
        BootStack::Bootc => "bootc on a running machine",
        stack => stack.name(),
    });
    let names: Vec<&str> = names.collect();
    table + &format!("| {} | printed, with every place | nothing is written |\n", names.join(", "))
}

/// Holds the rows of a table of README.md; `BLESS=1` puts them there.
pub(crate) fn replaced(head: &str, rows: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let readme = fs::read_to_string(&path).unwrap();
    let (before, rest) = readme.split_once(head).expect("the table's head");
    let end = rest.find("\n\n").unwrap() + 1;
    if std::env::var_os("BLESS").is_some() {
        fs::write(&path, format!("{before}{head}{rows}{}", &rest[end..])).unwrap();
        return;
    }
    assert_eq!(&rest[..end], rows, "BLESS=1 cargo test --test stacks writes it anew");
}

#[test]
fn the_table_says_what_was_tried() {
    replaced(HEAD, &rows());
}
