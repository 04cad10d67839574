//! Tests on small trees, with text as the kernel prints it.

#![expect(clippy::disallowed_methods, reason = "tests set the stage")]

use super::*;

/// A relocatable ELF64 file with a `.modinfo` section, as small as can be.
fn module(modinfo: &[u8]) -> Vec<u8> {
    let names = b"\0.modinfo\0.shstrtab\0";
    let header = 64_u64;
    let names_at = header + modinfo.len() as u64;
    let table_at = (names_at + names.len() as u64).next_multiple_of(8);
    let mut file = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0".to_vec();
    for (value, size) in [
        (1, 2),
        (62, 2),
        (1, 4),
        (0, 8),
        (0, 8),
        (table_at, 8),
        (0, 4),
        (64, 2),
        (0, 2),
        (0, 2),
        (64, 2),
        (3, 2),
        (2, 2),
    ] {
        file.extend(&u64::to_le_bytes(value)[..size]);
    }
    file.extend(modinfo);
    file.extend(names);
    file.resize(usize::try_from(table_at).unwrap(), 0);
    for (name, kind, at, size) in
        [(0, 0, 0, 0), (1, 1, header, modinfo.len() as u64), (10, 3, names_at, names.len() as u64)]
    {
        for (value, size) in
            [(name, 4), (kind, 4), (0, 8), (0, 8), (at, 8), (size, 8), (0, 4), (0, 4), (1, 8), (0, 8)]
        {
            file.extend(&u64::to_le_bytes(value)[..size]);
        }
    }
    file
}

fn stage(files: &[(&str, &[u8])]) -> tempfile::TempDir {
    let temp = tempfile::tempdir().unwrap();
    for (path, bytes) in files {
        let path = temp.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }
    temp
}

#[track_caller]
fn kernels(temp: &tempfile::TempDir) -> (Vec<InstalledKernel>, Vec<Gap>) {
    let mut gaps = Vec::new();
    let kernels = read(&Root::offline(temp.path()).unwrap(), &mut gaps).unwrap();
    (kernels, gaps)
}

fn words(fact: &ModuleFact) -> String {
    let parameters = match &fact.parameters {
        Attribute::Is(names) => names.iter().cloned().collect::<Vec<_>>().join(" "),
        Attribute::Absent => "absent".to_owned(),
        Attribute::Unknown => "unknown".to_owned(),
    };
    format!("{:?} {parameters}", fact.builtin)
}

const STORVSC: &[u8] =
    b"parm=ring_avail_percent_lowater:Select a channel if available ring size > this in percent\0\
parmtype=storvsc_ringbuffer_size:int\0parm=storvsc_ringbuffer_size:Ring buffer size (bytes)\0license=GPL\0";

#[test]
fn a_kernel_with_both_kinds_of_modules() {
    let temp = stage(&[
        ("usr/lib/modules/6.1.0-18-cloud-amd64/modules.builtin", b"kernel/drivers/nvme/host/nvme-core.ko\nkernel/fs/ext4/ext4.ko\n"),
        (
            "usr/lib/modules/6.1.0-18-cloud-amd64/modules.builtin.modinfo",
            b"nvme_core.parm=io_timeout:timeout in seconds for I/O\0nvme_core.parmtype=io_timeout:uint\0nvme_core.parmtype=multipath:bool\0ext4.license=GPL\0",
        ),
        ("usr/lib/modules/6.1.0-18-cloud-amd64/kernel/drivers/scsi/hv_storvsc.ko", &module(STORVSC)),
        ("usr/lib/modules/6.1.0-18-cloud-amd64/kernel/drivers/scsi/scsi_mod.ko.xz", b"\xfd7zXZ\0"),
        ("usr/lib/modules/5.10.0-9-amd64/leftover", b""),
    ]);
    let (kernels, gaps) = kernels(&temp);
    assert_eq!(gaps, []);
    let [kernel] = kernels.as_slice() else { panic!("{kernels:?}") };
    assert_eq!(kernel.release.release, "6.1.0-18-cloud-amd64");
    assert_eq!(words(&kernel.modules["nvme_core"]), "Some(true) io_timeout multipath");
    let storvsc = words(&kernel.modules["hv_storvsc"]);
    assert_eq!(storvsc, "Some(false) ring_avail_percent_lowater storvsc_ringbuffer_size");
    assert_eq!(words(&kernel.modules["scsi_mod"]), "Some(false) unknown");
}

#[test]
fn what_a_kernel_does_not_say_is_unknown_and_what_it_lacks_absent() {
    let temp = stage(&[
        // 4.18: built in, but nothing describes the parameters.
        ("lib/modules/4.18.0-553.el8.x86_64/modules.builtin", b"kernel/drivers/scsi/scsi_mod.ko\n"),
        // No list at all.
        ("lib/modules/4.9.0/modules.dep", b""),
        ("lib/modules/4.9.0/kernel/drivers/nvme/host/nvme-core.ko", &module(b"license=GPL\0")),
    ]);
    let (kernels, gaps) = kernels(&temp);
    // Which of its drivers are built in nobody can say.
    assert_eq!(gaps, [Gap::new("kernels.4.9.0", "lib/modules/4.9.0/modules.builtin", "absent")]);
    assert_eq!(kernels[0].built_in, None);
    let told: Vec<_> = kernels
        .iter()
        .map(|kernel| {
            let modules: Vec<_> =
                kernel.modules.iter().map(|(name, fact)| format!("{name} {}", words(fact))).collect();
            format!("{}: {}", kernel.release.release, modules.join(", "))
        })
        .collect();
    assert_eq!(
        told,
        [
            "4.9.0: hv_storvsc None unknown, nvme_core Some(false) , scsi_mod None unknown",
            "4.18.0-553.el8.x86_64: hv_storvsc Some(false) absent, nvme_core Some(false) absent, scsi_mod Some(true) unknown",
        ]
    );
}

#[test]
fn what_is_no_module_leaves_a_gap() {
    let temp = stage(&[
        ("usr/lib/modules/6.1.0/modules.builtin", b""),
        ("usr/lib/modules/6.1.0/kernel/drivers/scsi/hv_storvsc.ko", b"\x7fELF\x02\x01\x01"),
        ("usr/lib/modules/custom/modules.builtin", b""),
    ]);
    let (kernels, gaps) = kernels(&temp);
    assert_eq!(words(&kernels[0].modules["hv_storvsc"]), "Some(false) unknown");
    let facts: Vec<_> = gaps.iter().map(|gap| gap.fact.as_str()).collect();
    assert_eq!(facts, ["kernels.6.1.0", "kernels.custom"]);
}

#[test]
fn no_kernel_is_an_empty_list() {
    let (kernels, gaps) = kernels(&stage(&[("etc/os-release", b"")]));
    assert_eq!((kernels, gaps), (Vec::new(), Vec::new()));
}
