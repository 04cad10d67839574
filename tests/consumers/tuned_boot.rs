//! tuned itself writes its kernel arguments beside ours, before and after: each keeps the other's bytes, and
//! revert leaves the file as tuned alone would have it.

use std::path::Path;

use crate::roots::{self, Made};
use crate::stage::{Stage, Suite};

/// `defaults` prints the file that both write to; a state is printed behind a line with its name.
const SCRIPT: &str = r"
hvtune() { /program --assume hyperv -q $@; }
defaults() { echo === $1; cat /etc/default/grub; }
tuned_runs() { timeout -s INT 60 tuned --no-dbus --no-socket -P /run/tuned.pid -p site -l /tuned.log >&2 || [ $? = 124 ]; }
chmod +x /program
cp -a /etc/default/grub /start
cp -a /boot /boot.start
defaults start
tuned_runs
defaults tuned
hvtune apply
defaults tuned,ours
hvtune revert
defaults tuned,reverted
cp /start /etc/default/grub
rm -rf /boot && cp -a /boot.start /boot
hvtune apply
defaults ours
tuned_runs
defaults ours,tuned
hvtune apply
defaults ours,tuned,again
hvtune revert
defaults ours,tuned,reverted
";

fn states(made: &Made) -> impl Fn(&str) -> String {
    let stage = Stage::new(Suite::Trixie);
    for (path, text) in &made.files {
        stage.put(&format!("/{path}"), text);
    }
    stage.copy("/program", Path::new(env!("CARGO_BIN_EXE_hvtune")));
    stage.put("/etc/hvtune.toml", "recovery = \"self-heal\"\n");
    stage.put("/etc/tuned/profiles/site/tuned.conf", "[bootloader]\ncmdline=+skew_tick=1\n");
    stage.put("/etc/tuned/tuned-main.conf", "daemon = 0\n");
    // What tuned asks for before it writes at all.
    stage.put("/boot/grub/grub.cfg", "### END /etc/grub.d/00_header ###\n");
    let ran = stage.run(SCRIPT).ok();
    move |state: &str| {
        let (_, rest) = ran.stdout.split_once(&format!("=== {state}\n")).unwrap_or_else(|| {
            panic!("{state}: {}\n{}", ran.stdout, ran.stderr);
        });
        rest.split_once("=== ").map_or(rest, |(text, _)| text).to_owned()
    }
}

#[test]
fn tuned_and_we_write_to_one_file_and_lose_nothing() {
    for made in [roots::suse()] {
        let of = states(&made);
        let name = made.name;
        assert_ne!(of("tuned"), of("start"), "{name}: tuned writes there");
        assert_ne!(of("ours"), of("start"), "{name}: so do we");
        let ours = |text: &str| text.matches("panic=10").count();
        let theirs = |text: &str| text.matches("tuned_params").count();
        for state in ["tuned,ours", "ours,tuned", "ours,tuned,again"] {
            let text = of(state);
            assert_eq!(ours(&text), 1, "{name}: {state}: {text}");
            assert_eq!(theirs(&text), theirs(&of("tuned")), "{name}: {state}: {text}");
        }
        assert_eq!(of("ours,tuned,again"), of("ours,tuned"), "{name}: nothing is left to do");
        assert_eq!(of("tuned,reverted"), of("tuned"), "{name}");
        assert_eq!(of("ours,tuned,reverted"), of("tuned"), "{name}");
    }
}
