//! A modprobe.d file, read by kmod, with the modules of real kernels.

use std::path::Path;

use crate::stage::{Stage, Suite};

const INSIDE: &str = "/etc/modprobe.d/90-hvtune.conf";

/// What becomes of a module on one kernel.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Loaded {
    /// Loaded with these options.
    With(String),
    /// Part of the kernel: modprobe.d has no say.
    Builtin,
}

/// Where kmod complains of the file, reads other options from it than wanted
/// (`("hv_storvsc", "a=1 b=2")`, in order), or an option is not known to the
/// module of an installed kernel. Empty when all is well.
pub(crate) fn modprobe_faults(suite: Suite, conf: &Path, want: &[(&str, &str)]) -> Vec<String> {
    let (options, said) = read(suite, conf);
    let mut faults: Vec<_> = said.lines().map(str::to_owned).collect();
    let wanted: Vec<_> = want.iter().map(|(m, o)| format!("options {m} {o}")).collect();
    if options != wanted {
        faults.push(format!("kmod read {options:?}, not {wanted:?}"));
    }
    for kernel in suite.kernels() {
        faults.extend(options.iter().flat_map(|line| unknown(suite, &kernel, line)));
    }
    faults
}

/// The `options` lines that kmod sees where this is the only file, and what it says on stderr.
fn read(suite: Suite, conf: &Path) -> (Vec<String>, String) {
    let stage = Stage::new(suite);
    stage.copy("/stage/modprobe.d/90-hvtune.conf", conf);
    let ran = stage.run(
        "mount --bind /dev/null /proc/cmdline # its module options are shown as well
         modprobe -C /stage/modprobe.d --showconfig",
    );
    let ran = ran.ok();
    let options = ran.stdout.lines().filter(|line| line.starts_with("options "));
    (options.map(str::to_owned).collect(), ran.stderr)
}

/// The options on one line that the module of this kernel does not have.
fn unknown(suite: Suite, kernel: &str, line: &str) -> Vec<String> {
    let mut words = line.split_whitespace().skip(1);
    let module = words.next().expect("a module");
    let ran = Stage::new(suite).run(&format!("modinfo -k '{kernel}' -F parm '{module}'"));
    if ran.code != 0 {
        return vec![format!("{kernel}: {}", ran.stderr.trim_end())];
    }
    let known: Vec<_> = ran.stdout.lines().filter_map(|line| line.split_once(':')).collect();
    words
        .map(|option| option.split_once('=').map_or(option, |(name, _)| name))
        .filter(|name| known.iter().all(|(parameter, _)| parameter != name))
        .map(|name| format!("{kernel}: {module} has no parameter {name}"))
        .collect()
}

/// What `modprobe MODULE` would do on each installed kernel, the distribution's files in place.
pub(crate) fn modprobe_loads(suite: Suite, conf: &Path, module: &str) -> Vec<(String, Loaded)> {
    let loads = |kernel: String| {
        let stage = Stage::new(suite);
        stage.copy(INSIDE, conf);
        let ran = stage.run(&format!(
            "mount --bind /dev/null /proc/cmdline
             modprobe --set-version '{kernel}' --show-depends '{module}'
             modprobe --set-version '{kernel}' --dry-run --verbose '{module}' >&2"
        ));
        let ran = ran.ok();
        let last = ran.stdout.lines().last().expect("the module itself comes last").trim_end();
        let loaded = if last.starts_with("builtin ") {
            assert_eq!(ran.stderr, "", "nothing is loaded for {module}");
            Loaded::Builtin
        } else {
            let dry_run = ran.stderr.lines().last().expect("a module to insert").trim_end();
            assert_eq!(last, dry_run, "both ways of asking agree");
            let rest = last.strip_prefix("insmod ").expect("an insmod line");
            Loaded::With(rest.split_once(' ').map_or("", |(_, options)| options).to_owned())
        };
        (kernel, loaded)
    };
    suite.kernels().into_iter().map(loads).collect()
}
