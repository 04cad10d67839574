//! What makes a boot wait, in front of those who read it: mkinitramfs and its own shell, systemd.

use std::path::Path;

use crate::stage::{Stage, Suite};

/// The script is put in its place by mkinitramfs, and what it says is what the next script of the boot has.
#[test]
fn initramfs_tools_runs_the_script_before_it_waits_for_root() {
    for suite in [Suite::Bookworm, Suite::Trixie] {
        let stage = Stage::new(suite);
        stage.copy("/program", Path::new(env!("CARGO_BIN_EXE_hvtune")));
        let ran = stage.run(
            r#"set -e
            chmod +x /program
            /program --assume hyperv apply --no-activate >/dev/null
            kernel=$(basename /lib/modules/*cloud*)
            mkinitramfs -o /tmp/image "$kernel" 2>/tmp/said || { cat /tmp/said; exit 1; }
            ! grep -i hvtune /tmp/said
            mkdir /tmp/inside
            unmkinitramfs /tmp/image /tmp/inside
            inside=$(dirname "$(find /tmp/inside -path '*/scripts/init-premount')")
            script=$(find /tmp/inside -name 90-hvtune)
            echo "order $(grep -c '^/scripts/init-premount/90-hvtune "$@"$' "$inside/init-premount/ORDER")"
            mkdir -p /conf
            ask() { rm -f /conf/param.conf; ROOTDELAY=$1 "$script"; cat /conf/param.conf 2>/dev/null || echo nothing; }
            for given in '' 30 300 0.5; do echo "[$given] $(ask "$given")"; done
            rm -f /conf/param.conf; echo "prereqs [$("$script" prereqs)]"; test ! -e /conf/param.conf
            sh -n "$script"
            # Guests that heal themselves are spread over a minute, in the image's own shell too.
            echo 'recovery = "self-heal"' >/etc/hvtune.toml
            /program --assume hyperv apply --no-activate >/dev/null
            own=$(find / -xdev -path '*/scripts/init-premount/90-hvtune' -not -path '/tmp/*')
            busybox=$(find /tmp/inside -name busybox | head -n 1)
            for shell in sh "$busybox sh"; do
                for ((n = 0; n < 30; n++)); do
                    rm -f /conf/param.conf
                    ROOTDELAY= $shell "$own"
                    (. /conf/param.conf; echo "$ROOTDELAY")
                done >/tmp/waits
                echo "$(awk '$1 < 240 || $1 > 299' /tmp/waits | wc -l) of $(wc -l </tmp/waits) beyond, more than one: $(($(sort -u /tmp/waits | wc -l) > 1))"
                rm -f /conf/param.conf; ROOTDELAY=300 $shell "$own"
                (. /conf/param.conf; echo "longer $((ROOTDELAY >= 300 && ROOTDELAY < 360))")
                rm -f /conf/param.conf; ROOTDELAY=0300 $shell "$own" || :
                echo "octal $(cat /conf/param.conf 2>/dev/null || echo as it was)"
            done | sort | uniq -c | sed 's/^ *//'"#,
        );
        let said = ran.ok().stdout;
        for line in [
            "2 0 of 30 beyond, more than one: 1",
            "2 longer 1",
            "2 octal as it was",
            "order 1",
            "[] ROOTDELAY=240",
            "[30] ROOTDELAY=240",
            "[300] nothing",
            "[0.5] ROOTDELAY=240",
            "prereqs []",
        ] {
            assert!(said.lines().any(|found| found == line), "{suite:?}: {line}: {said}");
        }
    }
}

/// systemd reads its own settings with ours among them, and has nothing to say against the drop-in for all devices.
#[test]
fn systemd_waits_as_long_as_it_is_told() {
    for suite in [Suite::Bookworm, Suite::Trixie] {
        let stage = Stage::new(suite);
        stage.copy("/program", Path::new(env!("CARGO_BIN_EXE_hvtune")));
        let ran = stage.run(
            r"set -e
            chmod +x /program
            /program --assume hyperv apply --no-activate >/dev/null
            systemd-analyze cat-config systemd/system.conf | grep '^DefaultTimeoutStartSec'
            printf '[Unit]
Description=x
[Mount]
What=/dev/sdz
Where=/x
' >/etc/systemd/system/x.mount
            systemd-analyze verify --man=no /etc/systemd/system/x.mount 2>&1 | grep hvtune || echo clean",
        );
        let said = ran.ok().stdout;
        for line in ["DefaultTimeoutStartSec=240", "clean"] {
            assert!(said.lines().any(|found| found == line), "{suite:?}: {line}: {said}");
        }
    }
}
