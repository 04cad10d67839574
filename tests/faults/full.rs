//! Full file systems: so many pages or inodes left, and not one more.

use std::process::Command;

use crate::ground::{Ground, Start, is_full, sample};
use crate::stage::PROGRAM;

/// In a mount namespace of its own. `$1` is the ground, `$2` the program, `$3` the capture; the rest are
/// the sizes. Prints a line for each: the size, how the run ended, and which set stood there.
const SCRIPT: &str = r#"
cd "$1"; program=$2 machine=$3 kind=$4; shift 4
unset IFS
look() { (cd "$1" && find . -mindepth 1 -type f -printf '%P %m %U ' -exec sha256sum '{}' \; | sed 's/ [^ ]*$//' | sort); }
look before >old; look root >new
mkdir -p small
for size in "$@"; do
    if [ "$kind" = pages ]; then
        mount -t tmpfs -o size=8m,mode=755 none small
        cp -a before small/root
        dd if=/dev/zero of=small/fill bs=4k 2>/dev/null || true
        truncate -s -$((size * 4096)) small/fill
    else
        mount -t tmpfs -o size=64m,mode=755 none small
        cp -a before small/root
        used=$(find small | wc -l)
        mount -o remount,nr_inodes=$((used + size)) small
    fi
    code=0
    "$program" --root small/root --machine "$machine" --config policy.toml apply >out 2>err || code=$?
    look small/root | grep -v '/[.][^ ]*hvtune' >now || true
    which=mixed
    cmp -s now old && which=old
    cmp -s now new && which=new
    stray=$(find small/root -name '.*hvtune*' | wc -l)
    rm -f small/fill
    [ "$kind" = pages ] || mount -o remount,nr_inodes=0 small
    then=0
    "$program" --root small/root --machine "$machine" --config policy.toml apply >>out 2>>err || then=$?
    look small/root >now
    cmp -s now new || then=unlike
    echo "$size $code $which $stray $then"
    umount small
done
"#;

fn squeezed(kind: &str, sizes: &[usize]) {
    let ground = Ground::new(Start::Applied);
    let run = Command::new("unshare")
        .args(["--mount", "--propagation", "private", "--", "sh", "-euc", SCRIPT, "sh"])
        .arg(ground.at(""))
        .arg(PROGRAM)
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/iscsi-single/machine"))
        .arg(kind)
        .args(sizes.iter().map(usize::to_string))
        .output()
        .unwrap();
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    let text = String::from_utf8(run.stdout).unwrap();
    let mut refused = 0;
    for line in text.lines() {
        let words: Vec<&str> = line.split(' ').collect();
        let clean = matches!(words[1..], ["0", "new", "0", "0"] | ["2", "old", "0", "0"]);
        assert!(clean, "{kind} left, exit code, set, strays, next run: {line}\nof:\n{text}");
        refused += usize::from(words[1] == "2");
    }
    assert_eq!(text.lines().count(), sizes.len(), "{text}");
    assert!(0 < refused && refused < sizes.len(), "both ends are to be met:\n{text}");
    println!(
        "{kind} left, {} sizes: {refused} refused with the old set whole, {} ended with the new one; the next run completes",
        sizes.len(),
        sizes.len() - refused
    );
}

#[test]
fn few_pages() {
    // One page for each file and for some directories besides.
    squeezed("pages", &sample((0..40).collect(), if is_full() { 40 } else { 8 }));
}

#[test]
fn few_inodes() {
    squeezed("inodes", &sample((0..40).collect(), if is_full() { 40 } else { 8 }));
}
