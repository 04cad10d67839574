//! What no policy on no machine may bring out, as a guest would not boot with it, or not come back: twelve traps of
//! older guides and of public repositories.

use hvtune::facts::{Attribute, Facts, Initramfs};
use hvtune::policy::{Policy, Recovery};
use hvtune::render::{self, Artifact, Templates, kernel_arg};
use hvtune::tunable::{Assignment, Decision, Target};
use hvtune::tunables;
use proptest::prelude::*;

use crate::cases;
use crate::machines::{fixtures, machines};
use crate::plans::policies;

/// A line of a file that says something.
fn lines(artifact: &Artifact) -> Vec<String> {
    let text = String::from_utf8_lossy(&artifact.body).into_owned();
    text.lines().filter(|line| !line.starts_with('#') && !line.is_empty()).map(str::to_owned).collect()
}

/// Whether a wait has no end, or ends at once.
fn is_no_wait(value: &str) -> bool {
    value == "infinity" || value.parse::<i64>().is_ok_and(|seconds| seconds <= 0)
}

/// Why an assignment must not come out.
fn faults_of(facts: &Facts, assignment: &Assignment) -> Vec<&'static str> {
    let value = assignment.want.value().to_string();
    let arg = match assignment.target {
        Target::DropKernelArg(_) => String::new(),
        _ => kernel_arg(assignment).unwrap_or_default().replace('-', "_"),
    };
    let by = facts.system.boot.tools.copies.as_ref().map(|copies| copies.by);
    let waits = &facts.system.waits;
    let resumes = |what: &String| {
        let line = waits.fstab.iter().any(|line| line.point == "swap" && line.device == *what);
        line || facts.machine.iter().flat_map(|machine| &machine.swaps).any(|swap| swap.path == *what)
    };
    let knob = assignment.target.knob();
    let systemds =
        ["JobRunningTimeoutSec", "JobTimeoutSec", "DefaultDeviceTimeoutSec", "DefaultTimeoutStartSec"];
    let waiting = systemds.contains(&knob.as_str())
        || ["ROOTDELAY", "rd.retry", "udev.event_timeout"].contains(&knob.as_str());
    let gone = matches!(&waits.resume, Attribute::Is(what) if !resumes(what));
    let faults = [
        (arg.starts_with("rootdelay="), "1: rootdelay= makes every boot of Debian's sleep"),
        (arg == "panic=0" && by != Some(Initramfs::Dracut), "2: panic=0 halts in initramfs-tools"),
        (arg.starts_with("rd.timeout"), "3: dracut's limit"),
        (arg == "rd.shell=0" && by != Some(Initramfs::Dracut), "3: dracut's shell, where it is not told"),
        (arg.contains("SULOGIN_FORCE") || arg.contains("sulogin_force"), "5: a shell for whoever comes"),
        (waiting && is_no_wait(&value), "6 and 11: a wait without end, or none"),
        (
            matches!(assignment.target, Target::Fstab(key) if key != "errors"),
            "7: nofail, or another option of fstab",
        ),
        (matches!(assignment.target, Target::Premount(_)) && gone, "9: a disk to resume from that is gone"),
    ];
    faults.into_iter().filter(|(is, _)| *is).map(|(_, why)| why).collect()
}

/// Why a file must not come out.
fn faults_in(artifact: &Artifact) -> Vec<String> {
    let mut faults = Vec::new();
    let told = ["emergency.", "rescue.", "local-fs.target", "sulogin"];
    if told.iter().any(|part| artifact.path.contains(part)) && !is_timer_wanted(artifact) {
        faults.push(format!("4 and 8: {}", artifact.path));
    }
    for line in lines(artifact) {
        let bad = ["ExecStart", "SYSTEMD_SULOGIN_FORCE", "OnFailure", "FailureAction", "nofail"];
        let of_unit = artifact.path.contains("/systemd/system") && line.contains("reboot");
        if of_unit || (bad.iter().any(|word| line.contains(word)) && !line.contains("GRUB_CMDLINE")) {
            faults.push(format!("4, 5, 7, 8 or 10: {line}"));
        }
        // The recovery entry keeps its defaults.
        let waits = ["udev.event_timeout=", "rd.retry="].iter().any(|arg| line.contains(arg));
        if line.starts_with("GRUB_CMDLINE_LINUX=") && waits {
            faults.push(format!("12: {line}"));
        }
    }
    faults
}

/// The one thing that is said of emergency mode: it starts a timer, which counts, and looks whether somebody is there.
fn is_timer_wanted(artifact: &Artifact) -> bool {
    artifact.path.ends_with("systemd/system/emergency.target.d/90-hvtune.conf")
        && lines(artifact).into_iter().eq(["[Unit]", "Wants=hvtune-emergency.timer"])
}

fn faults(facts: &Facts, policy: &Policy) -> Vec<String> {
    let verdicts = tunables::decide(facts, policy);
    let artifacts = render::render(&verdicts, facts, &Templates::new()).unwrap();
    let set = verdicts.iter().flat_map(|verdict| match &verdict.decision {
        Decision::Set { what, .. } => what.as_slice(),
        _ => &[],
    });
    let mut found: Vec<String> = set
        .flat_map(|one| faults_of(facts, one).into_iter().map(move |why| format!("{why}: {one:?}")))
        .collect();
    found.extend(artifacts.iter().flat_map(faults_in));
    found.extend(verdicts.iter().filter_map(|verdict| match &verdict.decision {
        Decision::Set { what, .. } => alone(what),
        _ => None,
    }));
    found
}

/// rd.shell=0 without rd.emergency=reboot halts the guest, or turns it off.
fn alone(what: &[Assignment]) -> Option<String> {
    let has = |arg: &str| what.iter().any(|one| kernel_arg(one).as_deref() == Some(arg));
    (has("rd.shell=0") && !has("rd.emergency=reboot")).then(|| "3: rd.shell=0 alone".to_owned())
}

/// A root whose initramfs would resume from a disk that nobody has, and is told to heal itself with a pin of 0.
#[test]
fn no_fixture_is_set_a_trap() {
    for mut facts in fixtures() {
        for recovery in [Recovery::Default, Recovery::Hold, Recovery::SelfHeal, Recovery::FailFast] {
            for stall in [10, 180, 86_400] {
                let policy = Policy { stall, recovery, ..Policy::default() };
                assert_eq!(faults(&facts, &policy), Vec::<String>::new(), "{recovery:?} {stall}");
                let text = "recovery = \"self-heal\"\n[set]\n\"kernel.panic\" = 0\n".to_owned();
                let files = [("etc/hvtune.toml".to_owned(), text)];
                let zero = hvtune::policy::parse(&files, &tunables::subjects()).unwrap();
                assert_eq!(faults(&facts, &zero), Vec::<String>::new(), "pinned");
            }
        }
        facts.system.waits.resume = Attribute::Is("UUID=gone".to_owned());
        assert_eq!(faults(&facts, &Policy::default()), Vec::<String>::new(), "a disk that is gone");
    }
}

/// The traps are seen where they are: each of them, put in, is found.
#[test]
fn a_trap_is_found() {
    use hvtune::tunable::{Value, Want};
    let facts = Facts::default();
    let found = |target: Target, value: &str| {
        !faults_of(&facts, &Assignment::new(target, Want::Exactly(Value::new(value).unwrap()))).is_empty()
    };
    for (key, value) in
        [("rootdelay", "300"), ("panic", "0"), ("rd.shell", "0"), ("rd.timeout", "60"), ("rd.retry", "0")]
    {
        assert!(found(Target::KernelArg(key), value), "{key}={value}");
    }
    for (unit, property, value) in [
        ("dev-.device", "JobRunningTimeoutSec", "infinity"),
        ("dev-.device", "JobRunningTimeoutSec", "0"),
        ("system.conf", "DefaultTimeoutStartSec", "infinity"),
    ] {
        assert!(found(Target::Unit { unit, property }, value), "{property}={value}");
    }
    assert!(found(Target::Fstab("nofail"), "nofail"));
    assert!(!found(Target::KernelArg("udev.event_timeout"), "240"));
    let [shell, emergency] = [("rd.shell", "0"), ("rd.emergency", "reboot")].map(|(key, value)| {
        Assignment::new(Target::KernelArg(key), Want::Exactly(Value::new(value).unwrap()))
    });
    assert!(alone(std::slice::from_ref(&shell)).is_some() && alone(&[shell, emergency]).is_none());
}

proptest! {
    #![proptest_config(cases(300))]

    #[test]
    fn no_policy_on_no_machine_sets_a_trap(facts in machines(), policy in policies()) {
        prop_assert_eq!(faults(&facts, &policy), Vec::<String>::new());
    }
}
