//! Boot entries and environment blocks as GRUB itself reads them: `grub-emu` of GRUB 2.14 shows the command
//! line that it would give a kernel, variables and quotes done.
//!
//! Every entry is read before apply and after it, with and without arguments of tuned's: what is new must be
//! ours, and of equal keys the one must come last that our resolver says.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use hvtune::cmdline::{Line, split_arg};
use hvtune::probe::{MachineSource, probe};
use hvtune::resolve::kernel_arg;
use hvtune::root::Root;

use crate::roots::{self, Made, Reader};
use crate::stage::{Stage, Suite};

/// Shows each entry's kernel and command line; `$1`, `$2`, … are the entries' numbers.
const SCRIPT: &str = r#"
mkdir -p /dev/pts
mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts /dev/pts
ln -sf pts/ptmx /dev/ptmx
cp -r /usr/lib/grub/x86_64-emu /boot/grub/
for number in $(cat /numbers); do
    { cat /head; echo "set timeout=0"; echo "set default=$number"; } >/boot/grub/grub.cfg
    script -qec "stty cols 4000 rows 50; grub-emu -d /boot/grub -r host" /tmp/out </dev/null >/dev/null
    tr -d '\r' </tmp/out | grep -a "Not performing 'kexec\|error"
done
"#;

/// What of Flatcar's own menu concerns the command line, in its order; there is no serial line here
/// (<https://github.com/flatcar/scripts/blob/main/build_library/grub.cfg>).
const FLATCAR: &str = r#"
function serial { true; }
set linux_root="root=LABEL=ROOT"
set linux_console=""
set oem_id=""
set linux_append=""
source /oem/grub.cfg
set oem=""
if [ -n "$oem_id" ]; then
    set oem="flatcar.oem.id=$oem_id"
fi
set linux_cmdline="rootflags=rw mount.usrflags=ro consoleblank=0 $linux_root $linux_console $oem $linux_append"
menuentry "Flatcar default" --id=flatcar {
    linux /boot/flatcar/vmlinuz-a $linux_cmdline
}
"#;

/// The command lines that GRUB gives the kernels of a root, by kernel.
fn lines(root: &Path, made: &Made, tuned: &str) -> BTreeMap<String, Vec<String>> {
    let stage = Stage::new(Suite::Sid);
    let read = |path: &str| fs::read(root.join(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
    let mut head = "set root=host\nset debug=linux\n".to_owned();
    stage.dir("/boot/grub");
    let mut count = 0;
    if made.name != "flatcar" {
        head += &format!("load_env -f /boot/grub2/grubenv\nset tuned_params=\"{tuned}\"\n");
        stage.put("/boot/grub2/grubenv", read("boot/grub2/grubenv"));
    }
    if made.name == "flatcar" {
        stage.put("/oem/grub.cfg", read("oem/grub.cfg"));
        stage.put("/boot/flatcar/vmlinuz-a", "");
        head += FLATCAR;
        count = 1;
    } else if made.name == "azurelinux2" {
        head += std::str::from_utf8(&read("boot/grub2/grub.cfg")).unwrap();
        count = 1;
    } else {
        head += "insmod blsuki\nblscfg --path /boot/loader/entries\n";
        for entry in fs::read_dir(root.join("boot/loader/entries")).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            stage.put(&format!("/boot/loader/entries/{name}"), read(&format!("boot/loader/entries/{name}")));
            count += 1;
        }
    }
    // Kernels must be there: on EL they lie on a partition of their own.
    for (path, _) in made.files.iter().filter(|(path, _)| path.starts_with("boot/vmlinuz")) {
        let initrd =
            path.replace("vmlinuz-", if made.name == "azurelinux2" { "initrd.img-" } else { "initramfs-" });
        let initrd = if made.name == "azurelinux2" { initrd } else { format!("{initrd}.img") };
        for file in [path, &initrd] {
            stage.put(&format!("/{file}"), "");
            stage.put(&format!("/{}", file.trim_start_matches("boot/")), "");
        }
    }
    let rescue = "0-rescue-0123456789abcdef0123456789abcdef";
    stage.put(&format!("/vmlinuz-{rescue}"), "");
    stage.put(&format!("/initramfs-{rescue}.img"), "");
    stage.put("/head", head);
    stage.put("/numbers", (0..count).map(|number| number.to_string()).collect::<Vec<_>>().join("\n"));
    let ran = stage.run(SCRIPT).ok();
    let mut found = BTreeMap::new();
    for line in ran.stdout.lines() {
        let said = line.split_once("kexec -la ").unwrap_or_else(|| panic!("{}: {line}", made.name)).1;
        let (kernel, rest) = said.split_once(' ').unwrap();
        // Without any it says `(null)`.
        let args = rest.split_once("--command-line=").map_or("", |(_, args)| args);
        let args = args.trim_end().trim_end_matches('\'').split_whitespace().map(str::to_owned).collect();
        assert!(found.insert(kernel.to_owned(), args).is_none(), "{}: {kernel} twice", made.name);
    }
    assert_eq!(found.len(), count, "{}: {}", made.name, ran.stdout);
    found
}

fn apply(root: &Path) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hvtune"));
    command.arg("--root").arg(root).args(["--assume", "hyperv", "-q", "apply"]);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{output:?}");
}

/// What our resolver says that each entry gives `panic`, ours included.
fn predicted(root: &Path) -> Vec<Option<String>> {
    let root = Root::offline(root).unwrap();
    let facts = probe(&MachineSource::Assume { azure: false }, &root);
    let entries = kernel_arg::entries(&facts, "panic", Some("10"));
    entries.into_iter().filter(|entry| !entry.new_kernels).map(|entry| entry.value).collect()
}

fn last<'a>(args: &'a [String], key: &str) -> Option<&'a str> {
    args.iter().rev().map(|arg| split_arg(arg)).find(|(own, _)| *own == key).map(|(_, value)| value)
}

#[test]
fn grub_gives_the_kernel_ours_and_what_was_there() {
    for made in roots::all().into_iter().filter(|made| made.reader == Reader::Grub) {
        // Flatcar has no tuned.
        let tuned: &[&str] = if made.name == "flatcar" { &[""] } else { &["", "skew_tick=1 panic=7"] };
        for &tuned in tuned {
            let dir = tempfile::tempdir().unwrap();
            let root = dir.path();
            made.lay_out(root);
            if !tuned.is_empty() {
                set_tuned(root, tuned);
            }
            let before = lines(root, &made, tuned);
            apply(root);
            let after = lines(root, &made, tuned);
            let mut winners = Vec::new();
            for (kernel, was) in &before {
                let now = &after[kernel];
                if kernel.contains("rescue") {
                    assert_eq!(now, was, "{}: the rescue entry is left alone", made.name);
                    continue;
                }
                let ours = |arg: &String| arg == "panic=10" || arg == "fsck.repair=yes";
                let others: Vec<String> = now.iter().filter(|arg| !ours(arg)).cloned().collect();
                assert_eq!(&others, was, "{}: {kernel}", made.name);
                assert!(now.iter().any(|arg| arg == "panic=10"), "{}: {kernel}: {now:?}", made.name);
                winners.push(last(now, "panic").map(str::to_owned));
            }
            let mut predicted = predicted(root);
            predicted.sort();
            winners.sort();
            assert_eq!(winners, predicted, "{}: with tuned's {tuned:?}", made.name);
        }
    }
}

/// tuned's own variable, in the block as in the menu that its script writes.
fn set_tuned(root: &Path, tuned: &str) {
    let path = root.join("boot/grub2/grubenv");
    let text = fs::read_to_string(&path).unwrap();
    let text = format!("{}tuned_params={tuned}\n", text.trim_end_matches('#'));
    fs::write(&path, format!("{text:#<1024}")).unwrap();
}

/// grub-editenv takes the block after an edit, and finds the value that we wrote.
#[test]
fn grub_editenv_reads_the_block() {
    for made in [roots::el8(), roots::azurelinux2()] {
        let dir = tempfile::tempdir().unwrap();
        made.lay_out(dir.path());
        apply(dir.path());
        let stage = Stage::new(Suite::Sid);
        stage.copy("/tmp/block", &dir.path().join("boot/grub2/grubenv"));
        let ran = stage.run("grub-editenv /tmp/block list && grub-editenv /tmp/block set x=1").ok();
        let line = ran.stdout.lines().find_map(|line| line.strip_prefix("kernelopts="));
        let line = Line::parse(line.unwrap_or_else(|| panic!("{}", ran.stdout))).unwrap();
        assert_eq!(line.winner("panic"), Some("10"), "{}: {}", made.name, ran.stdout);
    }
}

/// What we refuse to append to is what GRUB would not read behind.
#[test]
fn grub_does_not_read_what_is_refused() {
    let made = roots::el9();
    // GRUB 2.14 reads the tab, and Red Hat's does not.
    for (change, why) in roots::UNREAD.into_iter().filter(|(_, why)| *why != "tab") {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path();
        made.lay_out(root);
        for path in &made.stores[1..3] {
            let text =
                fs::read_to_string(root.join(path)).unwrap().replace("$tuned_params", "$tuned_params late=1");
            roots::put(root, path, change(&text));
        }
        let lines = lines(root, &made, "");
        let ordinary = lines.iter().filter(|(kernel, _)| !kernel.contains("rescue"));
        let seen: Vec<_> = ordinary.filter(|(_, args)| args.iter().any(|arg| arg == "late=1")).collect();
        assert!(seen.is_empty(), "{why}: {seen:?}");
    }
}
