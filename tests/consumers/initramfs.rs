//! What hvtune expects of an initramfs, beside the one that the real initramfs-tools or dracut makes: what it says
//! would be missing is missing, and with the drivers named by a file of ours they are in it.

use std::path::Path;

use serde_json::Value;

use crate::stage::{Stage, Suite};

/// The drivers in the initramfs of a state, and what the plan says of them.
fn state<'t>(text: &'t str, name: &str) -> (Vec<&'t str>, Value) {
    let (_, rest) = text.split_once(&format!("=== {name}\n")).unwrap_or_else(|| panic!("{name}: {text}"));
    let (drivers, rest) = rest.split_once(&format!("--- {name}\n")).unwrap();
    let plan = rest.split("\n=== ").next().unwrap();
    (drivers.lines().collect(), serde_json::from_str(plan).unwrap())
}

/// Why the plan says that the image may not boot; empty where it does not.
fn warned(plan: &Value) -> String {
    let steps = plan["pending"].as_array().unwrap();
    let because = steps.iter().filter_map(|step| step["because"].as_str());
    because.filter(|because| because.contains("may not boot on Hyper-V")).collect()
}

#[test]
fn what_is_said_to_be_missing_is_missing_and_what_is_named_is_there() {
    for suite in [Suite::Bookworm, Suite::Trixie] {
        let stage = Stage::new(suite);
        stage.copy("/program", Path::new(env!("CARGO_BIN_EXE_hvtune")));
        let ran = stage.run(concat!(include_str!("initramfs.sh"), include_str!("initramfs-tools.sh"))).ok();
        let of = |name: &str| state(&ran.stdout, name);
        for name in ["list", "reverted"] {
            let (drivers, plan) = of(name);
            assert!(!drivers.contains(&"hv_storvsc"), "{suite:?} {name}: {drivers:?}");
            let said = warned(&plan);
            assert!(said.contains("hold hv_vmbus, hv_storvsc, as"), "{suite:?} {name}: {said}");
            assert!(said.contains("etc/initramfs-tools/conf.d/lab:1 says MODULES=list"), "{suite:?}: {said}");
        }
        for name in ["applied", "named", "most"] {
            let (drivers, plan) = of(name);
            assert!(drivers.contains(&"hv_vmbus"), "{suite:?} {name}: {drivers:?}");
            assert!(drivers.contains(&"hv_storvsc"), "{suite:?} {name}: {drivers:?}");
            assert_eq!(warned(&plan), "", "{suite:?} {name}");
        }
        assert!(of("most").0.contains(&"hv_netvsc"), "{suite:?}: {:?}", of("most").0);
    }
}

#[test]
fn dracut_leaves_out_what_is_said_and_takes_what_is_named() {
    let stage = Stage::new(Suite::Dracut);
    stage.copy("/program", Path::new(env!("CARGO_BIN_EXE_hvtune")));
    let ran = stage.run(concat!(include_str!("initramfs.sh"), include_str!("dracut.sh"))).ok();
    let of = |name: &str| state(&ran.stdout, name);
    for (name, missing, line) in [
        ("omitted", "hv_storvsc", "etc/dracut.conf.d/10-lab.conf:1 says omit_drivers=hv_storvsc"),
        ("pattern", "hv_vmbus, hv_storvsc", "etc/dracut.conf.d/10-lab.conf:1 says omit_drivers=hv_.*"),
        ("listed", "hv_vmbus, hv_storvsc", "etc/dracut.conf.d/10-lab.conf:1 says drivers=ext4"),
        ("reverted", "hv_vmbus, hv_storvsc", "etc/dracut.conf.d/10-lab.conf:1 says drivers=ext4"),
    ] {
        let (drivers, plan) = of(name);
        assert!(!drivers.contains(&"hv_storvsc"), "{name}: {drivers:?}");
        let said = warned(&plan);
        assert!(said.contains(&format!("hold {missing}, as {line}")), "{name}: {said}");
    }
    for name in ["generic", "applied", "hostonly"] {
        let (drivers, plan) = of(name);
        assert!(drivers.contains(&"hv_vmbus") && drivers.contains(&"hv_storvsc"), "{name}: {drivers:?}");
        assert_eq!(warned(&plan), "", "{name}");
    }
    assert!(!of("generic").0.contains(&"hv_netvsc"), "{:?}", of("generic").0);
}
