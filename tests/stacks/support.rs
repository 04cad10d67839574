//! The support table of README.md: for each family of systems, how far each kind of setting was tried. What
//! hvtune writes there is laid beside what it writes to a Debian: where the bytes are the same, Debian's own
//! programs read them (tests/consumers); where they are not, this root alone does. `BLESS=1` writes it anew.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use crate::readme::replaced;
use crate::roots::{self, Made, Reader, put};
use crate::{ok, tree};

const HEAD: &str = "| system | command line | initramfs | sysctl | udev | module options | image build |\n\
                    |---|---|---|---|---|---|---|\n";

/// How far something was tried.
#[derive(Clone, Copy)]
enum Level {
    Nothing,
    Prints,
    Fixture,
    Reader,
    Booted,
}

impl Level {
    fn word(self) -> &'static str {
        match self {
            Self::Nothing => "-",
            Self::Prints => "prints",
            Self::Fixture => "fixture",
            Self::Reader => "reader",
            Self::Booted => "booted",
        }
    }
}

/// A file of the tests, and a word in it without which it does not try this.
type Proof = (&'static str, &'static str);

/// A kind of setting that has a file of its own, and what the lab asks of a Debian that it boots with that file.
struct Kind {
    is_file: fn(&str) -> bool,
    proof: Proof,
}

const KINDS: [Kind; 3] = [
    Kind {
        is_file: |path| path.ends_with("sysctl.d/90-hvtune.conf"),
        proof: ("tests/lab/scenarios/3-image", "sysctl_of kernel.hung_task_timeout_secs"),
    },
    Kind {
        is_file: |path| path.ends_with("udev/rules.d/90-hvtune.rules"),
        proof: ("tests/lab/scenarios/3-image", "queue/scheduler"),
    },
    Kind {
        is_file: |path| path.ends_with("modprobe.d/90-hvtune.conf"),
        proof: ("tests/lab/scenarios/3-image", "modprobe --showconfig"),
    },
];

/// The files that name Hyper-V's drivers to a maker of initramfs.
fn is_list(path: &str) -> bool {
    path.ends_with("dracut.conf.d/90-hvtune.conf") || path.ends_with("initramfs-tools/modules.d/90-hvtune")
}
const LISTS: Proof =
    ("tests/consumers/initramfs.rs", "fn dracut_leaves_out_what_is_said_and_takes_what_is_named");

/// Asks for a file of every kind.
const POLICY: &str = "stall = 240\nrecovery = \"self-heal\"\n[image]\nhyperv_drivers = true\n[set]\n\
                      \"hv_storvsc.storvsc_ringbuffer_size\" = 262144\n";

/// How a family makes its initramfs.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Maker {
    InitramfsTools,
    Dracut,
    /// It comes inside a kernel image, or from a tool that we know nothing of.
    None,
}

/// What hvtune writes to a root, by path.
fn written(lay_out: impl FnOnce(&Path), maker: Maker) -> BTreeMap<String, Vec<u8>> {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path();
    lay_out(root);
    put(root, "etc/hvtune.toml", POLICY);
    match maker {
        Maker::InitramfsTools => {
            put(root, "usr/sbin/update-initramfs", "");
            put(root, "usr/sbin/mkinitramfs", "");
            put(root, "etc/initramfs-tools/initramfs.conf", "MODULES=list\n");
        }
        Maker::Dracut => {
            put(root, "usr/bin/dracut", "");
            put(root, "etc/dracut.conf.d/10-site.conf", "drivers=\"ext4\"\n");
        }
        Maker::None => {}
    }
    let before = tree(root);
    ok(root, &["apply"]);
    tree(root).into_iter().filter(|(path, bytes)| before.get(path) != Some(bytes)).collect()
}

/// What the real readers read.
fn debian(maker: Maker) -> BTreeMap<String, Vec<u8>> {
    written(|root| roots::systemd_boot().lay_out(root), maker)
}

fn proven((path, word): Proof) {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap();
    assert!(text.contains(word), "{path} does not have {word:?}");
}

/// How far a kind of file was tried: as far as Debian's where the bytes are Debian's.
fn level(
    ours: &BTreeMap<String, Vec<u8>>,
    theirs: &BTreeMap<String, Vec<u8>>,
    is_file: fn(&str) -> bool,
    as_debian: Level,
) -> Level {
    let of = |files: &BTreeMap<String, Vec<u8>>| {
        files.iter().find(|(path, _)| is_file(path)).map(|(_, bytes)| bytes.clone())
    };
    match (of(ours), of(theirs)) {
        (None, _) => Level::Nothing,
        (Some(one), Some(two)) if one == two => as_debian,
        _ => Level::Fixture,
    }
}

struct Family {
    name: String,
    files: BTreeMap<String, Vec<u8>>,
    maker: Maker,
    /// Whether the lab boots it with files of every kind.
    booted: bool,
    command_line: Level,
    image: Level,
}

impl Family {
    fn row(&self, theirs: &BTreeMap<String, Vec<u8>>) -> String {
        let as_debian = if self.booted { Level::Booted } else { Level::Reader };
        let mut levels = vec![self.command_line, level(&self.files, theirs, is_list, Level::Reader)];
        levels.extend(KINDS.iter().map(|kind| level(&self.files, theirs, kind.is_file, as_debian)));
        levels.push(self.image);
        let words: Vec<&str> = levels.into_iter().map(Level::word).collect();
        format!("| {} | {} |\n", self.name, words.join(" | "))
    }
}

/// Who makes the initramfs of a root of the tests.
fn maker_of(made: &Made) -> Maker {
    match made.name {
        "systemd-boot" => Maker::InitramfsTools,
        "flatcar" => Maker::None,
        _ => Maker::Dracut,
    }
}

fn command_line_of(made: &Made) -> Level {
    match (made.name, made.reader) {
        ("el9", _) => {
            proven(("tests/lab/scenarios/10-bls", "blscfg"));
            Level::Booted
        }
        ("systemd-boot", _) => {
            proven(("tests/lab/firmware", "\ncase_entry()"));
            Level::Booted
        }
        (_, Reader::Grub | Reader::Bootctl | Reader::Mkconfig) => Level::Reader,
        (_, Reader::Schema | Reader::Nobody) => Level::Fixture,
    }
}

fn families() -> Vec<Family> {
    proven(("tests/lab/scenarios/4-kernel-update", "apt"));
    let first = Family {
        name: "Debian, Ubuntu with GRUB".to_owned(),
        files: debian(Maker::InitramfsTools),
        maker: Maker::InitramfsTools,
        booted: true,
        command_line: Level::Booted,
        image: Level::Booted,
    };
    let all = roots::all().into_iter().chain(roots::with_own_file());
    let made = all.map(|made| {
        let maker = maker_of(&made);
        Family {
            name: made.stands_for.to_owned(),
            files: written(|root| made.lay_out(root), maker),
            maker,
            booted: false,
            command_line: command_line_of(&made),
            image: Level::Fixture,
        }
    });
    proven(("tests/lab/firmware", "\ncase_uki()"));
    let uki = Family {
        name: "unified kernel images".to_owned(),
        files: written(crate::uki::lay_out, Maker::None),
        maker: Maker::None,
        booted: false,
        command_line: Level::Booted,
        image: Level::Fixture,
    };
    let unknown = |root: &Path| {
        put(root, "usr/lib/os-release", "ID=other\nVERSION_ID=\"1\"\n");
        put(root, "etc/fstab", "UUID=0a-1b / ext4 defaults 0 1\n");
        put(root, "usr/lib/modules/6.12.74/modules.builtin", "");
        put(root, "usr/lib/systemd/libsystemd-shared-257.so", "");
        put(root, "usr/lib64/ld-linux-x86-64.so.2", "");
    };
    let others = Family {
        name: "every other boot stack".to_owned(),
        files: written(unknown, Maker::None),
        maker: Maker::None,
        booted: false,
        command_line: Level::Prints,
        image: Level::Fixture,
    };
    std::iter::once(first).chain(made).chain([uki, others]).collect()
}

#[test]
fn the_support_table_claims_no_more_than_ran() {
    proven(LISTS);
    for kind in &KINDS {
        proven(kind.proof);
    }
    let makers = [Maker::InitramfsTools, Maker::Dracut, Maker::None];
    let theirs = BTreeMap::from(makers.map(|maker| (maker, debian(maker))));
    let rows: String = families().iter().map(|family| family.row(&theirs[&family.maker])).collect();
    replaced(HEAD, &rows);
}
