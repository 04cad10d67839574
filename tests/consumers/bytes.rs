//! Every byte at the start, in the middle and at the end of a word, in every format.
//!
//! A word that the strict parser of a format takes comes back exactly from the program that
//! reads the format; whatever does not come back, the parser refuses. That the check can fail
//! shows in each reader by a word that it is known to change.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use hvtune::formats::{grub, iscsi, modprobe, multipath, sysctl, udev, unit};
use hvtune::tunable::Value;

use crate::device::{Device, Storvsc};
use crate::grub::{Change, grub_faults};
use crate::stage::{Stage, Suite};
use crate::udev::{Udev, udev_test, udev_verify};

/// `k` and `n`: udev would put a name and a number for `%k`, `$kernel`, `%n`.
pub(crate) fn words() -> Vec<Vec<u8>> {
    let at = |byte: u8| [vec![byte, b'k', b'n'], vec![b'k', byte, b'n'], vec![b'k', b'n', byte]];
    (0..=255).flat_map(at).collect()
}

fn name(number: usize) -> String {
    format!("hv{number:04}")
}

fn replaced(text: &str, word: &[u8]) -> Vec<u8> {
    let (before, after) = text.split_once("WORD").expect("a place for the word");
    [before.as_bytes(), word, after.as_bytes()].concat()
}

/// What a reader made of the words, by number; a word that it did not give back is missing.
type Read = BTreeMap<usize, Vec<u8>>;

/// Holds what the strict parser takes against what the reader gives back; `odd` is changed by it.
fn judge(what: &str, odd: &[u8], taken: impl Fn(&[u8]) -> bool, read: &Read) {
    let words = words();
    let came_back = |number: &usize| read.get(number) == Some(&words[*number]);
    let taken: Vec<usize> = (0..words.len()).filter(|&number| taken(&words[number])).collect();
    let changed: Vec<usize> = (0..words.len()).filter(|number| !came_back(number)).collect();
    for number in &taken {
        let (word, found) = (&words[*number], read.get(number));
        assert!(came_back(number), "{what}: taken {:?}, but read {found:?}", word.escape_ascii().to_string());
    }
    println!("{what}: {} words, {} taken, {} changed by the reader", words.len(), taken.len(), changed.len());
    // Letters and digits at all three places, at least.
    assert!(taken.len() >= 3 * 62, "{what}: only {} taken", taken.len());
    let odd = words.iter().position(|word| word == odd).expect("among the words");
    assert!(changed.contains(&odd), "{what}: {changed:?}");
}

/// Whether a strict parser takes the file and gives the word back: what was rendered is
/// compared with what was planned, so another word is refused as well.
fn carries(file: &[u8], word: &[u8], parse: impl Fn(&str) -> Option<Vec<String>>) -> bool {
    let Some(values) = std::str::from_utf8(file).ok().and_then(parse) else { return false };
    values.iter().map(String::as_bytes).eq([word])
}

/// A program's own files under `$OUT/NAME`, by number.
fn left(dir: &Path, strip: impl Fn(Vec<u8>) -> Option<Vec<u8>>) -> Read {
    let read = |number: usize| {
        let bytes = fs::read(dir.join(name(number))).ok()?;
        Some((number, strip(bytes)?))
    };
    (0..words().len()).filter_map(read).collect()
}

const SYSCTL: &str = "vm.hv = WORD\n";

#[test]
fn sysctl_d() {
    let parse = |text: &str| {
        sysctl::parse(text).ok().map(|entries| entries.into_iter().map(|entry| entry.value).collect())
    };
    let readers =
        [("systemd-sysctl", "/usr/lib/systemd/systemd-sysctl"), ("procps", "sysctl --system >/dev/null")];
    for suite in Suite::ALL {
        for (reader, command) in readers {
            let stage = Stage::new(suite);
            for (number, word) in words().iter().enumerate() {
                let name = name(number);
                stage.put(&format!("/stage/sys/vm/{name}"), "-\n");
                let line = SYSCTL.replace("vm.hv", &format!("vm.{name}"));
                stage.put(&format!("/etc/sysctl.d/{name}.conf"), replaced(&line, word));
            }
            stage.run_outside(&format!(
                "mount -t proc proc \"$MERGED/proc\"
                 mount --bind \"$MERGED/stage/sys\" \"$MERGED/proc/sys\"
                 mount -t tmpfs none \"$MERGED/usr/lib/sysctl.d\"
                 rm -f \"$MERGED\"/etc/sysctl.conf \"$MERGED\"/etc/sysctl.d/99-sysctl.conf
                 chroot \"$MERGED\" sh -c '{command}' || true
                 cp -r \"$MERGED/stage/sys/vm\" \"$OUT/vm\""
            ));
            // Both write the value and a line end.
            let read = left(&stage.out().join("vm"), |bytes| bytes.strip_suffix(b"\n").map(<[u8]>::to_vec));
            judge(
                &format!("{reader}, {suite:?}"),
                b"k\nn",
                |word| carries(&replaced(SYSCTL, word), word, parse),
                &read,
            );
        }
    }
}

const MODPROBE: &str = "options hv p=WORD\n";

#[test]
fn modprobe_d() {
    let parse = |text: &str| {
        let options = modprobe::parse(text).ok()?;
        Some(options.into_iter().map(|option| option.value).collect())
    };
    for suite in Suite::ALL {
        let stage = Stage::new(suite);
        for (number, word) in words().iter().enumerate() {
            let line = MODPROBE.replace("hv", &name(number));
            stage.put(&format!("/stage/modprobe.d/{}.conf", name(number)), replaced(&line, word));
        }
        stage
            .run_outside("chroot \"$MERGED\" modprobe -C /stage/modprobe.d --showconfig >\"$OUT/config\"")
            .ok();
        let config = fs::read(stage.out().join("config")).unwrap();
        let lines: Vec<_> = config.split(|&byte| byte == b'\n').collect();
        let read = |number: usize| {
            let head = format!("options {} p=", name(number));
            let mut found = lines.iter().filter_map(|line| line.strip_prefix(head.as_bytes()));
            found.next().map(|word| (number, word.to_vec()))
        };
        let read = (0..words().len()).filter_map(read).collect();
        judge(
            &format!("kmod, {suite:?}"),
            b"k\nn",
            |word| carries(&replaced(MODPROBE, word), word, parse),
            &read,
        );
    }
}

const UDEV: &str = "SUBSYSTEM==\"block\", ATTR{hv}=\"WORD\"\n";

fn udev_values(text: &str) -> Option<Vec<String>> {
    let rules = udev::parse(text).ok()?;
    Some(rules.into_iter().flatten().filter(|token| !token.is_match()).map(|token| token.value).collect())
}

fn sda(numbers: &[usize]) -> Device {
    let sda = Device::storvsc(Storvsc::Scsi);
    numbers.iter().fold(sda, |sda, number| sda.with(&name(*number), "-"))
}

#[test]
fn udev_rules() {
    let taken = |word: &[u8]| carries(&replaced(UDEV, word), word, udev_values);
    let all: Vec<usize> = (0..words().len()).collect();
    // 252 writes to the stage's files, so that every byte can be seen.
    let stage = Stage::new(Suite::Bookworm);
    for (number, word) in words().iter().enumerate() {
        let line = UDEV.replace("{hv}", &format!("{{{}}}", name(number)));
        stage.put(&format!("/run/udev/rules.d/{}.rules", name(number)), replaced(&line, word));
    }
    let device = sda(&all);
    device.lay_out(&stage.dir("/sys"));
    stage
        .run_outside(&format!(
            "mount -t proc proc \"$MERGED/proc\"
             mount -t tmpfs none \"$MERGED/etc/udev/rules.d\"
             mount -t tmpfs none \"$MERGED/usr/lib/udev/rules.d\"
             export SYSTEMD_DEVICE_VERIFY_SYSFS=0
             chroot \"$MERGED\" udevadm test --action=add '/sys{0}' >/dev/null
             cp -r \"$MERGED/sys{0}\" \"$OUT/device\"",
            device.path()
        ))
        .ok();
    let read = left(&stage.out().join("device"), |mut bytes| {
        // Without a line end of its own; what stood there had one.
        bytes.truncate(if bytes == b"-\n" { 0 } else { bytes.len() });
        (!bytes.is_empty()).then_some(bytes)
    });
    judge("udev 252", b"k\nn", taken, &read);
    // What is taken, in one file: no word of complaint, and nothing but these writes.
    let numbers: Vec<usize> = all.into_iter().filter(|&number| taken(&words()[number])).collect();
    let line = |number: &usize| {
        let line = UDEV.replace("{hv}", &format!("{{{}}}", name(*number)));
        String::from_utf8(replaced(&line, &words()[*number])).unwrap()
    };
    let temp = tempfile::tempdir().unwrap();
    let rules = temp.path().join("all.rules");
    fs::write(&rules, numbers.iter().map(line).collect::<String>()).unwrap();
    let wanted: Vec<_> = numbers
        .iter()
        .map(|&number| (name(number), String::from_utf8(words()[number].clone()).unwrap()))
        .collect();
    for version in Udev::ALL {
        let tested = udev_test(&rules, &sda(&numbers), version, "add");
        assert_eq!((tested.complaints, tested.writes), (vec![], wanted.clone()), "{version:?}");
    }
    let verified = udev_verify(&rules);
    assert_eq!((verified.code, verified.stderr.as_str()), (0, ""));
}

/// The line that adds an argument, as far as the word.
fn grub_fragment(key: &str) -> String {
    format!("{}\n:\n", grub::add_line(&Value::new(&format!("{key}=WORD")).unwrap()))
}

fn in_fragment(key: &str, word: &[u8]) -> Vec<u8> {
    let parts: Vec<_> = grub_fragment(key).split("WORD").map(|part| part.as_bytes().to_vec()).collect();
    parts.join(word)
}

fn grub_takes(word: &[u8]) -> bool {
    carries(&in_fragment("hv", word), word, |text| {
        let added = |edit| match edit {
            grub::Edit::Add(arg) => arg.strip_prefix("hv=").map(str::to_owned),
            grub::Edit::Drop(_) => None,
        };
        grub::parse(text).ok().map(|edits| edits.into_iter().filter_map(added).collect())
    })
}

#[test]
fn grub_fragments() {
    for suite in Suite::ALL {
        let stage = Stage::new(suite);
        for (number, word) in words().iter().enumerate() {
            stage.put(&format!("/stage/{}", name(number)), in_fragment("hv", word));
        }
        // As grub-mkconfig sources it: under `set -e`.
        stage
            .run_outside(
                "mkdir \"$MERGED/read\"
                 chroot \"$MERGED\" sh -c 'for file in /stage/hv*; do (
                     set -e; GRUB_CMDLINE_LINUX_DEFAULT=quiet; . \"$file\"
                     printf %s \"$GRUB_CMDLINE_LINUX_DEFAULT\" >/read/\"${file##*/}\"
                 ) 2>/dev/null || :; done'
                 cp -r \"$MERGED/read\" \"$OUT/read\"",
            )
            .ok();
        let read =
            left(&stage.out().join("read"), |bytes| bytes.strip_prefix(b"quiet hv=").map(<[u8]>::to_vec));
        judge(&format!("sh, {suite:?}"), b"k\"n", grub_takes, &read);
    }
}

/// What is taken goes through grub-mkconfig and its own check of the menu unharmed.
#[test]
fn grub_mkconfig_carries_every_word_that_is_taken() {
    let taken: Vec<_> = words().into_iter().enumerate().filter(|(_, word)| grub_takes(word)).collect();
    let args: Vec<_> = taken
        .iter()
        .map(|(number, word)| format!("{}={}", name(*number), std::str::from_utf8(word).unwrap()))
        .collect();
    let line = |arg: &String| format!("{}\n", grub::add_line(&Value::new(arg).unwrap()));
    let temp = tempfile::tempdir().unwrap();
    let fragment = temp.path().join("90-hvtune.cfg");
    fs::write(&fragment, args.iter().map(line).collect::<String>() + ":\n").unwrap();
    let add: Vec<&str> = args.iter().map(String::as_str).collect();
    for suite in Suite::ALL {
        let change = Change { add: &add, ..Change::default() };
        assert_eq!(grub_faults(suite, &fragment, &change), Vec::<String>::new(), "{suite:?}");
    }
}

#[test]
fn multipath_conf() {
    const OURS: &str = "overrides {\n    prio_args WORD\n}\n";
    let parse = |text: &str| {
        multipath::parse(text).ok().map(|settings| settings.into_iter().map(|(_, value)| value).collect())
    };
    for suite in Suite::ALL {
        let stage = Stage::new(suite);
        for (number, word) in words().iter().enumerate() {
            // The same line where each can have a value of its own.
            let name = name(number);
            let text =
                format!("devices {{\n device {{\n vendor {name}\n product p\n    prio_args WORD\n }}\n}}\n");
            stage.put(&format!("/etc/multipath/conf.d/{name}.conf"), replaced(&text, word));
        }
        stage.run_outside("chroot \"$MERGED\" multipath -t >\"$OUT/config\" 2>\"$OUT/said\"").ok();
        let config = fs::read(stage.out().join("config")).unwrap();
        let mut read = Read::new();
        let mut number = None;
        for line in config.split(|&byte| byte == b'\n') {
            let value = |key: &[u8]| -> Option<Vec<u8>> {
                let quoted = line.trim_ascii_start().strip_prefix(key)?.trim_ascii_start();
                Some(quoted.strip_prefix(b"\"")?.strip_suffix(b"\"")?.to_vec())
            };
            if let Some(vendor) = value(b"vendor ") {
                let text = String::from_utf8_lossy(&vendor).into_owned();
                number = text.strip_prefix("hv").and_then(|number| number.parse().ok());
            } else if let (Some(word), Some(number)) = (value(b"prio_args "), number) {
                read.insert(number, word);
            }
        }
        judge(
            &format!("multipath, {suite:?}"),
            b"k\nn",
            |word| carries(&replaced(OURS, word), word, parse),
            &read,
        );
    }
}

/// systemd shows a value that it cannot use, and no word here is a time span.
#[test]
fn unit_drop_ins() {
    const OURS: &str = "[Service]\nWatchdogSec=WORD\n";
    let parse =
        |text: &str| unit::parse(text).ok().map(|pairs| pairs.into_iter().map(|(_, value)| value).collect());
    for suite in Suite::ALL {
        let stage = Stage::new(suite);
        for (number, word) in words().iter().enumerate() {
            let unit = format!("/etc/systemd/system/{}.service", name(number));
            stage.put(&unit, "[Service]\nExecStart=/bin/true\n");
            stage.put(&format!("{unit}.d/90-hvtune.conf"), replaced(OURS, word));
        }
        let ran = stage.run("cd /etc/systemd/system; systemd-analyze verify --man=no hv*.service 2>&1 || :");
        let mut said: BTreeMap<usize, Vec<&str>> = BTreeMap::new();
        for line in ran.stdout.lines() {
            let ours = line.split_once("/system/hv").and_then(|(_, rest)| {
                let (number, rest) = rest.split_once(".service.d/90-hvtune.conf:")?;
                Some((number.parse().ok()?, rest))
            });
            if let Some((number, rest)) = ours {
                said.entry(number).or_default().push(rest);
            }
        }
        let only = |lines: Vec<&str>| {
            let [line] = lines.as_slice() else { return None };
            let (what, rest) = line.strip_prefix("2: Failed to parse ")?.split_once(", ignoring: ")?;
            // 257 says it the other way round.
            let word = what.strip_prefix("WatchdogSec=").unwrap_or(rest);
            Some(word.as_bytes().to_vec())
        };
        let read = said.into_iter().filter_map(|(number, lines)| Some((number, only(lines)?))).collect();
        judge(
            &format!("systemd, {suite:?}"),
            b"k\nn",
            |word| carries(&replaced(OURS, word), word, parse),
            &read,
        );
    }
}

/// A record of open-iscsi's with a word in somebody else's setting and one in ours: after our edit
/// iscsiadm reads ours as it is to be, and everything else as before.
#[test]
fn open_iscsi_records() {
    /// The budget of 180 s, and the login after it.
    const REPLACEMENT: &str = "180";
    const OURS: [(&str, &str); 3] = [
        ("node.session.timeo.replacement_timeout", REPLACEMENT),
        ("node.session.initial_login_retry_max", "16"),
        ("node.conn[0].timeo.noop_out_timeout", "30"),
    ];
    let record = "node.session.auth.username = WORD\nnode.session.timeo.replacement_timeout = 1\n";
    for suite in Suite::ALL {
        let stage = Stage::new(suite);
        let program = stage.out().with_file_name("program");
        let copied =
            std::process::Command::new("cp").arg(env!("CARGO_BIN_EXE_hvtune")).arg(program).status().unwrap();
        assert!(copied.success());
        let ascii: Vec<_> = words().into_iter().filter(|word| word.is_ascii()).collect();
        for (number, word) in ascii.iter().enumerate() {
            stage.put(&format!("/stage/records/{}", name(number)), replaced(record, word));
            let text = "node.session.timeo.replacement_timeout = WORD\n";
            stage.put(&format!("/stage/records/{}", name(1000 + number)), replaced(text, word));
        }
        let ran = stage.run_outside(
            "in_root() { chroot \"$MERGED\" \"$@\"; }
             target() { echo \"iqn.2024-01.example:$1\"; }
             in_root iscsiadm -m node -T $(target x) -p 192.0.2.10:3260 -o new >/dev/null
             made=$(find \"$MERGED\"/etc/iscsi \"$MERGED\"/var/lib/iscsi -type f -path '*nodes*' 2>/dev/null || :)
             nodes=${made%/iqn.*} below=${made#*/iqn.2024-01.example:x}
             for words in \"$MERGED\"/stage/records/*; do
                 record=$nodes/$(target ${words##*/})$below
                 mkdir -p \"${record%/*}\"
                 sed \"s/example:x$/example:${words##*/}/; /^# END/d\" \"$made\" >\"$record\"
                 cat \"$words\" >>\"$record\"
                 echo '# END RECORD' >>\"$record\"
             done
             show() { in_root iscsiadm -m node -o show >\"$OUT/$1\"; }
             show before
             \"$OUT\"/../program --root \"$MERGED\" --assume hyperv apply >\"$OUT/apply\" 2>&1
             show after
             \"$OUT\"/../program --root \"$MERGED\" --assume hyperv revert >\"$OUT/revert\" 2>&1
             show reverted
             printf '# \\xff\\n' >>\"$record\"
             cp \"$record\" \"$OUT/odd\"
             \"$OUT\"/../program --root \"$MERGED\" --assume hyperv apply >/dev/null 2>&1
             in_root iscsiadm -m node -T $(target ${words##*/}) -o show | grep replacement_timeout
             \"$OUT\"/../program --root \"$MERGED\" --assume hyperv revert >/dev/null 2>&1
             cmp \"$record\" \"$OUT/odd\"",
        );
        // A record that is no UTF-8 is edited like any other, and comes back to the byte.
        let expected = format!("node.session.timeo.replacement_timeout = {REPLACEMENT}\n");
        assert_eq!(ran.ok().stdout, expected, "{suite:?}");
        let show = |name: &str| fs::read(stage.out().join(name)).unwrap();
        assert_eq!(show("before"), show("reverted"), "{suite:?}");
        let [before, after] = [show("before"), show("after")];
        let lines = |text: &[u8]| text.split(|&byte| byte == b'\n').map(<[u8]>::to_vec).collect::<Vec<_>>();
        let [before, after] = [lines(&before), lines(&after)];
        assert_eq!(before.len(), after.len(), "{suite:?}");
        let ours = |line: &[u8]| OURS.iter().find(|(key, _)| line.starts_with(key.as_bytes()));
        let mut counted = 0;
        for (old, new) in before.iter().zip(&after) {
            let shown = new.escape_ascii().to_string();
            if let Some((key, value)) = ours(new) {
                assert_eq!(shown, format!("{key} = {value}"), "{suite:?}");
                counted += usize::from(*value == REPLACEMENT);
            } else {
                assert_eq!(old, new, "{suite:?}: {shown}");
            }
        }
        println!("open-iscsi, {suite:?}: {counted} records read as before but for our keys");
        assert_eq!(counted, 2 * ascii.len() + 1, "{suite:?}");
    }
}

/// The same by our own reader for every byte that can stand in a text, waagent.conf included.
#[test]
fn settings_edited_in_place() {
    for key in ["node.session.timeo.replacement_timeout", "OS.RootDeviceScsiTimeout"] {
        for word in words() {
            let Ok(word) = String::from_utf8(word) else { continue };
            for text in [
                format!("a = {word}\n{key} = {word}\nb = 1\n"),
                format!("{word}{key} = 1\n"),
                format!("{key}{word}= 1\nb = {word}"),
            ] {
                let (edited, owned) = hvtune::formats::edit::set(&text, "f", key, "300");
                let value = iscsi::scan(&edited).into_iter().rfind(|entry| entry.key == key);
                assert_eq!(value.map(|entry| entry.value.trim_ascii()), Some("300"), "{text:?}");
                assert_eq!(hvtune::formats::edit::restore(&edited, &[&owned]), text);
            }
        }
    }
}
