//! The packages: dpkg and rpm install, upgrade, remove and purge them, and lintian and rpmlint read them.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::release;
use crate::stage::{Stage, Suite};

/// A package of this build, made on this machine (deb) or in the root that has the program (rpm).
fn deb(version: &str) -> (tempfile::TempDir, PathBuf) {
    let base = Path::new(env!("CARGO_MANIFEST_DIR"));
    let dir = tempfile::tempdir().unwrap();
    let output = Command::new(base.join("dist/package/build"))
        .arg("deb")
        .arg(release::hvtune())
        .arg(dir.path())
        .env("HVTUNE_PACKAGE_VERSION", version)
        .stderr(Stdio::inherit())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    let found = std::fs::read_dir(dir.path()).unwrap().next().unwrap().unwrap().path();
    (dir, found)
}

const LIFE: &str = r#"
set +e
rm -f /etc/dpkg/dpkg.cfg.d/* # the roots leave pages and documents out
files() { find / -xdev \( -name '*hvtune*' -o -path '*/hvtune/*' \) ! -path '/proc/*' ! -path '/in/*' ! -path '/var/lib/dpkg/*' | sort; }
step() { echo "=== $1"; }
hv() { hvtune --assume hyperv -q "$@"; echo "$1 $?"; }
printf '/dev/vda1 / ext4 defaults 0 1\n' >/etc/fstab
files >/tmp/start; find /etc /usr /var/lib -xdev -type f ! -path '/var/lib/dpkg/*' -exec sha256sum {} + 2>/dev/null | sort >/tmp/sums
step installed
dpkg -i /in/old.deb >/dev/null
dpkg --verify hvtune; echo "verify $?"
systemctl is-enabled hvtune.service hvtune-verify.timer
ls /usr/lib/udev/rules.d/*hvtune* /etc/udev/rules.d/*hvtune* 2>/dev/null
step applied
# The roots have tuned, which will choose a profile when it first runs: what it sets then is unknown.
# Their images are empty, and they have no menu: nothing takes up what has to be in there.
printf 'stall = "200s"\noff = ["vm.swappiness", "boot.root_wait", "boot.udev_event"]\n' >/etc/hvtune.toml
hv apply; hv verify
step upgraded
systemctl enable hvtune.service 2>/dev/null
dpkg -i /in/new.deb >/dev/null
dpkg-query -W -f '${Version}\n' hvtune
cat /etc/hvtune.toml
systemctl is-enabled hvtune.service
hv verify
step removed
dpkg -r hvtune >/dev/null
files
step purged
dpkg -P hvtune >/dev/null 2>&1
files | diff - /tmp/start && echo "no file left"
find /etc /usr /var/lib -xdev -type f ! -path '/var/lib/dpkg/*' -exec sha256sum {} + 2>/dev/null | sort | diff - /tmp/sums && echo "all as before"
step preset
mkdir -p /etc/systemd/system-preset; echo 'enable hvtune*' >/etc/systemd/system-preset/50-site.preset
dpkg -i /in/new.deb >/dev/null
systemctl is-enabled hvtune.service hvtune-verify.timer
dpkg -P hvtune >/dev/null 2>&1
find / -xdev -name '*hvtune*' ! -path '/proc/*' ! -path '/in/*' ! -path '/var/lib/dpkg/*'
"#;

#[test]
fn a_deb_lives_and_leaves_nothing() {
    let ((_old, old), (_new, new)) = (deb("0.0.1"), deb(""));
    for suite in Suite::ALL {
        let stage = Stage::new(suite);
        stage.copy("/in/old.deb", &old);
        stage.copy("/in/new.deb", &new);
        let ran = stage.run(LIFE).ok();
        let of = |name: &str| {
            let (_, rest) = ran.stdout.split_once(&format!("=== {name}\n")).unwrap();
            rest.split_once("=== ").map_or(rest, |(text, _)| text).to_owned()
        };
        let shown = || format!("{suite:?}: {}{}", ran.stdout, ran.stderr);
        assert_eq!(of("installed"), "verify 0\ndisabled\ndisabled\n", "{}", shown());
        assert_eq!(of("applied"), "apply 0\nverify 0\n", "{}", shown());
        let version = env!("CARGO_PKG_VERSION");
        assert_eq!(
            of("upgraded"),
            format!(
                "{version}\nstall = \"200s\"\noff = [\"vm.swappiness\", \"boot.root_wait\", \"boot.udev_event\"]\n\
                 enabled\nverify 0\n"
            ),
            "{}",
            shown()
        );
        // The policy and cloud-init's hook, files of configuration, stay until the purge.
        let removed = of("removed");
        let stays = ["/etc/cloud/clean.d/90-hvtune", "/etc/hvtune.toml"];
        assert!(removed.lines().eq(stays), "{}", shown());
        assert_eq!(of("purged"), "no file left\nall as before\n", "{}", shown());
        assert_eq!(of("preset"), "enabled\nenabled\n", "{}", shown());
    }
}

#[test]
fn lintian_finds_no_fault() {
    let (_dir, made) = deb("");
    let stage = Stage::new(Suite::Tools);
    stage.copy("/in/hvtune.deb", &made);
    let ran = stage
        .run("lintian --allow-root --fail-on error,warning --show-overrides /in/hvtune.deb; echo rc $?")
        .ok();
    assert!(ran.stdout.ends_with("rc 0\n"), "{}{}", ran.stdout, ran.stderr);
    let unused = ran.stdout.contains("unused-override") || ran.stdout.contains("mismatched-override");
    assert!(!unused, "{}", ran.stdout);
}

/// rpm has a root of its own to install into: the tools' root is Debian's, whose files dpkg has.
const RPM: &str = r#"
set +e
cd /source && dist/package/build rpm /program /out >/dev/null && rpm=$(echo /out/*.rpm)
rpm -qp --qf '%{PAYLOADCOMPRESSOR}\n' "$rpm"
rpm -qp --requires "$rpm" | grep -v '^rpmlib\|/bin/sh' || echo "needs nothing"
printf '/dev/vda1 / ext4 defaults 0 1\n' >/etc/fstab
rpm --dbpath /rpmdb --initdb
rpm --dbpath /rpmdb -i --nodeps "$rpm"
rpm --dbpath /rpmdb -V --nodeps hvtune; echo "verify $?"
systemctl is-enabled hvtune.service
printf 'stall = "200s"\n' >/etc/hvtune.toml
hvtune --assume hyperv -q apply; echo "apply $?"
rpm --dbpath /rpmdb -U --nodeps --force "$rpm"
hvtune --assume hyperv -q verify; echo "verify $?"
rpm --dbpath /rpmdb -e --nodeps hvtune
find / -xdev -name '*hvtune*' ! -path '/proc/*' ! -path '/source/*' ! -path '/out/*' ! -path '/program' ! -path '/stage/*'
rpmlint -c /source/dist/package/rpmlint.toml "$rpm" >/tmp/lint 2>&1; cat /tmp/lint >&2; grep -o '[EW]: [a-z-]*' /tmp/lint | sort -u || :
"#;

#[test]
fn an_rpm_lives_and_leaves_nothing() {
    let stage = Stage::new(Suite::Tools);
    let base = Path::new(env!("CARGO_MANIFEST_DIR"));
    let listed = Command::new("git")
        .arg("-C")
        .arg(base)
        .args(["ls-files", "dist", "Cargo.toml", "CHANGELOG.md", "LICENSE-MIT", "LICENSE-APACHE"])
        .output()
        .unwrap();
    for path in String::from_utf8(listed.stdout).unwrap().lines() {
        stage.copy(&format!("/source/{path}"), &base.join(path));
    }
    stage.copy("/program", release::hvtune());
    let ran = stage
        .run(&format!(
            "export SOURCE_DATE_EPOCH=1790000000; chmod +x /source/dist/package/build /program; {RPM}"
        ))
        .ok();
    let wanted = "gzip\nneeds nothing\nverify 0\ndisabled\napply 0\nverify 0\n/etc/hvtune.toml\n";
    assert_eq!(ran.stdout, wanted, "{}", ran.stderr);
}
