//! Every check finds fault with what is wrong. One that cannot is worth nothing.

use crate::device::{Device, Storvsc};
use crate::grub::{Change, grub_faults};
use crate::modprobe::modprobe_faults;
use crate::rendered::bad;
use crate::stage::Suite;
use crate::sysctl::sysctl_faults;
use crate::udev::{Tested, Udev, udev_test, udev_verify};

/// Asserts that one of the faults holds each of the words.
#[track_caller]
fn found(faults: &[String], words: &[&str]) {
    for word in words {
        assert!(faults.iter().any(|fault| fault.contains(word)), "{word}: {faults:#?}");
    }
}

fn tested(sample: &str, device: &Device, version: Udev) -> Tested {
    udev_test(&bad(&format!("udev/{sample}.rules")), device, version, "add")
}

fn sda() -> Device {
    Device::storvsc(Storvsc::Scsi)
}

#[test]
fn udevadm_verify_refuses_bad_rules_and_bad_style() {
    for (sample, why) in [
        ("missing-comma", ":1 style: a comma between tokens is expected."),
        ("missing-blank", ":1 style: whitespace after comma is expected."),
        ("missing-label", ":1 GOTO=\"hvtune_end\" has no matching label, ignoring."),
        ("unknown-key", ":1 Invalid key 'DEVICE'."),
    ] {
        let ran = udev_verify(&bad(&format!("udev/{sample}.rules")));
        assert_eq!(ran.code, 1, "{sample}: {ran:#?}");
        assert!(ran.stderr.contains(why), "{sample}: {ran:#?}");
    }
}

#[test]
fn udev_tells_of_lines_that_it_drops() {
    for version in Udev::ALL {
        let unknown = tested("unknown-key", &sda(), version);
        found(&unknown.complaints, &["1: Invalid key 'DEVICE'"]);
        assert_eq!(unknown.writes.len(), 1, "the other line stays: {unknown:?}");
        found(&tested("missing-label", &sda(), version).complaints, &["has no matching label"]);
    }
}

#[test]
#[should_panic(expected = "Invalid key 'DEVICE'")]
fn writes_are_not_returned_over_complaints() {
    crate::udev::udev_writes(&bad("udev/unknown-key.rules"), &sda(), Udev::V257);
}

/// 257 does not try to write in a test and so does not see it.
#[test]
fn udev_252_tells_of_an_attribute_that_is_not_there() {
    let tested = tested("missing-attribute", &sda(), Udev::V252);
    found(&tested.complaints, &["queue/no_such}, ignoring: No such file or directory"]);
}

/// The device is as the kernel has it: no one ancestor is on `VMBus` and has a vendor.
#[test]
fn keys_of_two_parents_on_one_line_never_match() {
    for version in Udev::ALL {
        assert_eq!(tested("two-parents", &sda(), version), Tested::default(), "{version:?}");
    }
}

#[test]
fn a_write_of_the_value_that_is_there_is_seen() {
    let right = sda().with("queue/scheduler", "[none] mq-deadline");
    for version in Udev::ALL {
        let tested = tested("unguarded", &right, version);
        assert_eq!(tested.writes, [("queue/scheduler".to_owned(), "none".to_owned())]);
    }
}

/// procps's `--system` passes over a missing key in silence, so two of three tools tell.
#[test]
fn a_sysctl_key_that_is_not_there() {
    for suite in Suite::ALL {
        let conf = bad("sysctl/unknown-key.conf");
        let faults = sysctl_faults(suite, &conf, &[("vm.swappiness", "10")]);
        let want = [
            "systemd-sysctl: Couldn't write '10' to 'vm/swapiness'",
            "sysctl -p /etc/sysctl.d/90-hvtune.conf: exit 1",
        ];
        found(&faults, &want);
    }
}

#[test]
fn a_sysctl_line_without_assignment_or_with_a_comment() {
    let want = [("vm.swappiness", "10")];
    for suite in Suite::ALL {
        found(
            &sysctl_faults(suite, &bad("sysctl/no-assignment.conf"), &want),
            &["Line is not an assignment", "invalid syntax", "vm.swappiness is -, not 10"],
        );
        let faults = sysctl_faults(suite, &bad("sysctl/comment-in-value.conf"), &want);
        let wrong = faults.iter().filter(|f| f.contains("vm.swappiness is 10 # less, not 10"));
        assert_eq!(wrong.count(), 3, "every tool: {faults:#?}");
    }
}

fn modprobe(suite: Suite, sample: &str, want: (&str, &str)) -> Vec<String> {
    modprobe_faults(suite, &bad(&format!("modprobe/{sample}.conf")), &[want])
}

#[test]
fn module_options_that_no_module_has() {
    for suite in Suite::ALL {
        let option = modprobe(suite, "unknown-option", ("hv_storvsc", "no_such=1"));
        found(&option, &["-cloud-amd64: hv_storvsc has no parameter no_such"]);
        let module = modprobe(suite, "unknown-module", ("no_such_module", "io_timeout=240"));
        found(&module, &["Module no_such_module not found"]);
    }
}

#[test]
fn module_options_that_kmod_reads_otherwise() {
    let want = ("hv_storvsc", "storvsc_ringbuffer_size=262144");
    for suite in Suite::ALL {
        let misspelt = modprobe(suite, "misspelt", want);
        found(&misspelt, &["ignoring bad line starting with 'optoins'", "kmod read [], not"]);
        let comment = modprobe(suite, "comment-in-options", want);
        found(&comment, &["kmod read [\"options hv_storvsc storvsc_ringbuffer_size=262144 # larger\"]"]);
    }
}

fn grub(suite: Suite, sample: &str) -> Vec<String> {
    let change = Change { add: &["nvme_core.io_timeout=240"], ..Change::default() };
    grub_faults(suite, &bad(&format!("grub/{sample}.cfg")), &change)
}

#[test]
fn a_fragment_that_reaches_recovery_entries() {
    for suite in Suite::ALL {
        let faults = grub(suite, "recovery-too");
        let entry = faults.iter().find(|fault| fault.contains("(recovery mode)"));
        found(&[entry.expect("a recovery entry").clone()], &["nvme_core.io_timeout=240\"], not"]);
        found(&faults, &["\"nvme_core.io_timeout=240\", \"quiet\"], not"]);
    }
}

#[test]
fn a_fragment_that_drops_or_adds_something_else() {
    for suite in Suite::ALL {
        found(&grub(suite, "replaces"), &["[\"root=/dev/sda\", \"ro\", \"nvme_core.io_timeout=240\"], not"]);
        found(&grub(suite, "says-nothing"), &["[\"root=/dev/sda\", \"ro\", \"quiet\"], not"]);
        let more = grub(suite, "more-than-arguments");
        assert_eq!(more, ["the menu differs in more than kernel command lines"], "{suite:?}");
    }
}

#[test]
fn a_fragment_that_ends_badly() {
    for suite in Suite::ALL {
        found(&grub(suite, "ends-badly"), &["grub-mkconfig failed with 1"]);
    }
}
