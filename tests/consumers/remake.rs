//! An option of a storage driver goes into the initramfs: hvtune has the real initramfs-tools or dracut make the
//! image anew, and never lets one that fails, dies or makes less touch the image that boots.

use std::path::Path;

use crate::stage::{Stage, Suite};

/// Makes an image without what the old one has.
const LESS_TOOLS: &str = "echo MODULES=list >/etc/initramfs-tools/conf.d/lab; echo ext4 >/tmp/modules; \
                          /tmp/real-mkinitramfs \"$@\"; rm /etc/initramfs-tools/conf.d/lab";
const LESS_DRACUT: &str = "/tmp/real-dracut --omit-drivers hv_storvsc \"$@\"";

#[test]
fn the_image_is_exchanged_whole_or_kept() {
    for (suite, maker, less) in
        [(Suite::Trixie, "mkinitramfs", LESS_TOOLS), (Suite::Dracut, "dracut", LESS_DRACUT)]
    {
        let stage = Stage::new(suite);
        stage.copy("/program", Path::new(env!("CARGO_BIN_EXE_hvtune")));
        let script = format!("maker={maker} less='{less}'\n{}", include_str!("remake.sh"));
        let ran = stage.run(&script);
        assert_eq!(ran.code, 0, "{suite:?}: {}{}", ran.stdout, ran.stderr);
        let has = |line: &str| ran.stdout.lines().any(|other| other.trim_end().starts_with(line));
        for line in [
            "before 0",
            "planned  /boot/initrd.img-",
            "after 1",
            "ring, applied: ok",
            "again: kept",
            "ring, outdated: differs",
            "outdated  /boot/initrd.img-",
            "ring, untouched: differs",
            "ring, anew: ok",
            "reverted 0",
        ] {
            assert!(has(line), "{suite:?}: {line}: {}", ran.stdout);
        }
        let told = ran.stdout.split("again: kept").nth(1).unwrap();
        assert!(told.contains("make the initramfs anew:"), "{suite:?}: it waits: {}", ran.stdout);
        let kept = ran.stdout.lines().filter(|line| line.starts_with("kept: ")).count();
        assert_eq!((kept, has("LOST")), (7, false), "{suite:?}: {}", ran.stdout);
        for stray in ran.stdout.lines().filter_map(|line| line.strip_prefix("stray")) {
            assert_eq!(stray.trim(), "", "{suite:?}: {}", ran.stdout);
        }
        let told = ran.stdout.lines().filter(|line| line.starts_with("said: ")).count();
        assert_eq!(told, 7, "{suite:?}: {}", ran.stdout);
    }
}
