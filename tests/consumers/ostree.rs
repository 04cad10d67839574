//! ostree's own deployments: what we read of the next boot's command line is what ostree gave the deployment
//! that it boots next, also after an upgrade and after arguments were added.

use std::path::Path;

use hvtune::probe::{MachineSource, probe};
use hvtune::resolve::kernel_arg;
use hvtune::root::Root;

use crate::stage::{Stage, Suite};

/// A system root with deployments; after each step what ostree says of the arguments, and the boot directory.
const SCRIPT: &str = r#"
mkdir -p /r /t/usr/lib/modules/6.1-x /t/usr/etc
printf 'ID=fedora\nVERSION_ID=41\nPRETTY_NAME="Fedora"\n' >/t/usr/lib/os-release
echo kernel >/t/usr/lib/modules/6.1-x/vmlinuz
echo initramfs >/t/usr/lib/modules/6.1-x/initramfs.img
ostree admin init-fs /r
ostree admin --sysroot=/r stateroot-init s
commit() { echo "$1" >/t/usr/lib/version; ostree --repo=/r/ostree/repo commit --branch=b --tree=dir=/t >/dev/null; }
keep() {
    mkdir -p "$OUT/$1/ostree/repo"
    cp -a /r/boot "$OUT/$1/"
    # What the deployment that is booted next was given, as ostree keeps it.
    newest=$(ls -v /r/boot/loader/entries | tail -1)
    sed -n 's/^options //p' "/r/boot/loader/entries/$newest" >"$OUT/$1/options"
    ls /r/boot/loader/entries >"$OUT/$1/names"
}
commit 1
ostree admin --sysroot=/r deploy --os=s --karg=root=UUID=0a-1b --karg=ro b >/dev/null
keep deployed
ostree admin --sysroot=/r instutil set-kargs --merge --append=panic=10
keep appended
commit 2
ostree admin --sysroot=/r deploy --os=s b >/dev/null
keep upgraded
commit 3
ostree admin --sysroot=/r deploy --os=s --karg-append=panic=3 b >/dev/null
keep overruled
"#;

fn next_boot(root: &Path) -> (String, Option<bool>) {
    let root = Root::offline(root).unwrap();
    let facts = probe(&MachineSource::Assume { azure: false }, &root);
    assert_eq!(facts.system.boot.stack.name(), "ostree", "{}", facts.system.boot.because);
    let line = kernel_arg::next_boot(&facts);
    assert_eq!(line.doubts, Vec::<String>::new());
    let args: Vec<String> = line.args.into_iter().map(|arg| arg.text.unwrap()).collect();
    (args.join(" "), kernel_arg::held(&facts, "panic=10"))
}

#[test]
fn the_next_deployments_line_is_the_one_that_ostree_gave_it() {
    let stage = Stage::new(Suite::Sid);
    let ran = stage.run_outside(&format!(
        "mkdir -p \"$MERGED/out\"\nmount -t proc proc \"$MERGED/proc\"\ncat >\"$MERGED/script\" <<'END'\nset -e\nOUT=/out\n{SCRIPT}\nEND\n\
         chroot \"$MERGED\" bash /script && cp -a \"$MERGED/out/.\" \"$OUT/\""
    ));
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    for (state, ours, deployments) in [
        ("deployed", Some(false), 1),
        ("appended", Some(true), 1),
        ("upgraded", Some(true), 2),
        ("overruled", Some(false), 2),
    ] {
        let dir = stage.out().join(state);
        let read = |name: &str| std::fs::read_to_string(dir.join(name)).unwrap();
        let (line, held) = next_boot(&dir);
        assert_eq!(line, read("options").trim(), "{state}");
        assert_eq!(held, ours, "{state}: {line}");
        assert!(line.contains("root=UUID=0a-1b"), "{state}: {line}");
        assert_eq!(read("names").lines().count(), deployments, "{state}: {}", read("names"));
    }
}
