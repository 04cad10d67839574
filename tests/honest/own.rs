//! Knobs that stand in files of our own: sysctl, udev, modprobe, multipath, drop-ins of units.

use crate::breaks::{of_our_file, other, others, overlooked, without};
use crate::ground::Content;
use crate::stage::{Place, Subject, at, broken, each_break_is_told, file};

#[test]
fn sysctl() {
    let mut breaks = of_our_file("sysctl.d/90-hvtune.conf", "vm.swappiness");
    breaks.extend(overlooked("etc/sysctl.d/99-z.conf", "#", "vm.swappiness = 60\n"));
    breaks.extend([
        other("a later file", "etc/sysctl.d/99-z.conf", "vm.swappiness = 60\n"),
        other("a later file with slashes and a dash", "usr/lib/sysctl.d/99-z.conf", "-vm/swappiness=60\n"),
        other("a later file in /run", "run/sysctl.d/90-hvtune2.conf", "vm.swappiness=0x3c\n"),
        other("a later file in /usr/local", "usr/local/lib/sysctl.d/95-z.conf", "vm.swappiness=60 # much\n"),
        others(
            "ufw's own file",
            &[
                ("usr/sbin/ufw", "#!/usr/bin/python3\n"),
                ("etc/default/ufw", "IPT_SYSCTL=/etc/ufw/sysctl.conf\n"),
                ("etc/ufw/ufw.conf", "ENABLED=yes\n"),
                ("etc/ufw/sysctl.conf", "vm/swappiness=60\n"),
            ],
        ),
        other("tmpfiles.d", "etc/tmpfiles.d/z.conf", "w /proc/sys/vm/swappiness - - - - 60\n"),
        broken("the key in another file's words", |stage| {
            let path = stage.ours("sysctl.d/90-hvtune.conf");
            let text = stage.text(&path);
            vec![file(path, text.replace("vm.swappiness", "vm.swapiness"))]
        }),
    ]);
    each_break_is_told(&Subject::new("gen2-onprem", "vm.swappiness", breaks));
}

#[test]
fn udev_attribute() {
    const SAYS: &str = "SUBSYSTEM==\"block\", KERNEL==\"sd*\", ATTR{device/timeout}=\"30\"\n";
    let mut breaks = of_our_file("udev/rules.d/90-hvtune.rules", "ATTR{device/timeout}=");
    breaks.extend(overlooked("etc/udev/rules.d/99-z.rules", "#", SAYS));
    breaks.extend([
        other("a later file", "etc/udev/rules.d/99-z.rules", SAYS),
        other(
            "a later file of another kind of match",
            "usr/lib/udev/rules.d/91-z.rules",
            "ACTION!=\"remove\", SUBSYSTEM==\"block\", ENV{DEVTYPE}!=\"partition\", ATTR{device/timeout}=\"30\"\n",
        ),
        other(
            "a later file with a jump over another disk",
            "etc/udev/rules.d/99-z.rules",
            "KERNEL==\"sr*\", GOTO=\"end\"\nSUBSYSTEM==\"block\", ATTR{device/timeout}=\"30\"\nLABEL=\"end\"\n",
        ),
        other(
            "RUN of an earlier file",
            "etc/udev/rules.d/10-a.rules",
            "SUBSYSTEM==\"block\", KERNEL==\"sd*\", RUN+=\"/bin/sh -c 'echo 30 > /sys/block/%k/device/timeout'\"\n",
        ),
        others(
            "the Azure agent",
            &[
                ("usr/sbin/waagent", "#!/usr/bin/python3\n"),
                ("usr/lib/systemd/system/walinuxagent.service", "[Service]\nExecStart=/usr/sbin/waagent -daemon\n"),
                (
                    "etc/systemd/system/multi-user.target.wants/walinuxagent.service",
                    "[Service]\nExecStart=/usr/sbin/waagent -daemon\n",
                ),
                ("etc/waagent.conf", "OS.RootDeviceScsiTimeout=30\n"),
            ],
        ),
        broken("to the kernel name of another disk", |stage| {
            let path = stage.ours("udev/rules.d/90-hvtune.rules");
            let text = stage.text(&path);
            vec![file(path, text.replace("KERNEL==\"sd*\"", "KERNEL==\"vd*\""))]
        }),
    ]);
    each_break_is_told(&Subject::new("iscsi-single", "device/timeout", breaks));
}

/// A disk that is there from the first second on, so that others reach it too.
#[test]
fn udev_attribute_of_a_disk_of_the_boot() {
    const SAYS: &str = "SUBSYSTEM==\"block\", KERNEL==\"nvme*\", ATTR{queue/io_timeout}=\"30000\"\n";
    let breaks = vec![
        other("a later file", "etc/udev/rules.d/99-z.rules", SAYS),
        other(
            "RUN of an earlier file, by the device's path",
            "etc/udev/rules.d/10-a.rules",
            "SUBSYSTEM==\"block\", ENV{DEVTYPE}==\"disk\", RUN+=\"/bin/sh -c 'echo 30000 >/sys$devpath/queue/io_timeout'\"\n",
        ),
        other(
            "a later file for the model",
            "etc/udev/rules.d/99-z.rules",
            "SUBSYSTEM==\"block\", ATTRS{model}==\"MSFT NVMe Accelerator*\", ATTR{queue/io_timeout}=\"30000\"\n",
        ),
        other(
            "tmpfiles.d",
            "etc/tmpfiles.d/z.conf",
            "w /sys/block/nvme0n1/queue/io_timeout - - - - 30000\n\
             w /sys/block/nvme0n2/queue/io_timeout - - - - 30000\n",
        ),
        broken("sysfsutils", |_| {
            let unit = "usr/lib/systemd/system/sysfsutils.service";
            let wants = "etc/systemd/system/sysinit.target.wants/sysfsutils.service";
            let lines = "block/nvme0n1/queue/io_timeout = 30000\nblock/nvme0n2/queue/io_timeout = 30000\n";
            vec![
                file(unit, "[Service]\nExecStart=/bin/true\n"),
                at(wants, Content::Link(format!("/{unit}"))),
                file("etc/sysfs.conf", lines),
            ]
        }),
    ];
    each_break_is_told(&Subject::new("azure-nvme-plain", "queue/io_timeout", breaks));
}

#[test]
fn module_option() {
    let mut breaks = of_our_file("modprobe.d/90-hvtune.conf", "storvsc_ringbuffer_size");
    let says = "options hv_storvsc storvsc_ringbuffer_size=131072\n";
    breaks.extend(overlooked("etc/modprobe.d/99-z.conf", "#", says));
    breaks.extend([
        other("a later file", "etc/modprobe.d/99-z.conf", says),
        other(
            "a later file with a dash and a second line",
            "usr/lib/modprobe.d/99-z.conf",
            "options hv-storvsc \\\n  storvsc_ringbuffer_size=131072\n",
        ),
        broken("the kernel command line", |stage| {
            let menu = stage.text("boot/grub/grub.cfg");
            let args = "hv_storvsc.storvsc_ringbuffer_size=131072";
            vec![
                file("etc/default/grub.d/10-a.cfg", format!("GRUB_CMDLINE_LINUX=\"{args}\"\n")),
                file("boot/grub/grub.cfg", menu.replace(" ro", &format!(" ro {args}"))),
            ]
        }),
        broken("to another module", |stage| {
            let path = stage.ours("modprobe.d/90-hvtune.conf");
            let text = stage.text(&path);
            vec![file(path, text.replace("options hv_storvsc", "options storvsc"))]
        }),
    ]);
    let mut subject = Subject::new("gen2-pinned", "hv_storvsc.storvsc_ringbuffer_size", breaks);
    // The initramfs holds a copy, and nothing tells how old it is.
    subject.control = &["ok", "by-hand", "pending-reboot"];
    each_break_is_told(&subject);
}

#[test]
fn multipath() {
    let mut breaks = of_our_file("multipath/conf.d/90-hvtune.conf", "no_path_retry");
    let says = "overrides {\n    no_path_retry fail\n}\n";
    breaks.extend(overlooked("etc/multipath/conf.d/99-z.conf", "#", says));
    breaks.extend([
        other("a later file", "etc/multipath/conf.d/99-z.conf", says),
        other(
            "a map's own entry",
            "etc/multipath.conf",
            "multipaths {\n  multipath {\n    wwid 360000000000000000000000000000001\n    no_path_retry fail\n  }\n}\n",
        ),
        other(
            "a protocol's own entry",
            "etc/multipath/conf.d/99-z.conf",
            "overrides {\n  protocol {\n    type scsi:iscsi\n    no_path_retry 3\n  }\n  no_path_retry 3\n}\n",
        ),
        other("another directory of drop-ins", "etc/multipath.conf", "defaults {\n  config_dir \"/etc/mp.d\"\n}\n"),
        broken("to another section, below an array's entry", |stage| {
            let path = stage.ours("multipath/conf.d/90-hvtune.conf");
            let text = stage.text(&path).replace("overrides {", "defaults {");
            let array = "devices {\n  device {\n    vendor \".*\"\n    product \".*\"\n    no_path_retry fail\n  }\n}\n";
            vec![file(path, text), file("etc/multipath.conf", array)]
        }),
    ]);
    let mut subject = Subject::new("iscsi-multipath", "no_path_retry", breaks);
    // What multipathd itself uses, only multipathd can say.
    subject.control = &["ok", "unknown"];
    each_break_is_told(&subject);
}

#[test]
fn unit_property() {
    const BELOW: &str = "systemd/system/systemd-journald.service.d/90-hvtune.conf";
    let mut breaks = of_our_file(BELOW, "WatchdogSec");
    let says = "[Service]\nWatchdogSec=3min\n";
    breaks.extend(overlooked("etc/systemd/system/systemd-journald.service.d/99-z.conf", "#", says));
    breaks.extend([
        other("a later drop-in", "etc/systemd/system/systemd-journald.service.d/99-z.conf", says),
        // An image does not keep /run.
        other("a later drop-in in /run", "run/systemd/system/systemd-journald.service.d/91-z.conf", says)
            .only(Place::Live),
        other(
            "a later drop-in in /usr/local",
            "usr/local/lib/systemd/system/systemd-journald.service.d/91-z.conf",
            says,
        ),
        other("a later drop-in of all services", "etc/systemd/system/service.d/99-z.conf", says),
        other("a later drop-in of a family", "etc/systemd/system/systemd-.service.d/99-z.conf", says),
        broken("to another section", |stage| {
            let path = stage.ours(BELOW);
            let text = stage.text(&path);
            vec![file(path, text.replace("[Service]", "[Unit]"))]
        }),
        broken("to another unit", |stage| {
            let path = stage.ours(BELOW);
            let text = stage.text(&path);
            let gone = crate::stage::at(path.clone(), crate::ground::Content::Gone);
            vec![gone, file(path.replace("journald", "journal"), text)]
        }),
    ]);
    let mut subject = Subject::new("gen2-onprem", "WatchdogSec", breaks);
    subject.target = "unit:systemd-journald.service";
    each_break_is_told(&subject);
}

/// On a running machine nothing is asked: its initramfs has brought it up.
#[test]
fn drivers_of_an_image() {
    const OURS: &str = "usr/lib/dracut/dracut.conf.d/90-hvtune.conf";
    const SAME: &str = "etc/dracut.conf.d/90-hvtune.conf";
    const LATER: &str = "etc/dracut.conf.d/95-z.conf";
    let breaks = vec![
        broken("the file is removed", |_| vec![at(OURS, Content::Gone)]),
        broken("its line is removed", |stage| {
            vec![file(OURS, without(&stage.text(OURS), "hv_storvsc").into_bytes())]
        }),
        broken("a NUL in its line", |stage| {
            vec![file(OURS, stage.text(OURS).replace("hv_storvsc", "hv_storvsc\0"))]
        }),
        other("replaced in /etc by a file that says nothing", SAME, "# the administrator's own\n"),
        broken("masked by a link to /dev/null in /etc", |_| {
            vec![at(SAME, Content::Link("/dev/null".to_owned()))]
        }),
        other("a later file begins the list anew", LATER, "add_drivers=\" virtio_blk \"\n"),
        other("a later file empties the list", "usr/lib/dracut/dracut.conf.d/99-z.conf", "add_drivers=\n"),
        other("a later file may empty it", LATER, "if [ -e /x ]; then\nadd_drivers=\nfi\n"),
        other("a later file sets it to a command's output", LATER, "add_drivers=\"$(x)\"\n"),
        other("a later file is broken", LATER, "hostonly=\"yes\n"),
    ];
    let breaks = breaks.into_iter().map(|broken| broken.only(Place::Offline)).collect();
    each_break_is_told(&Subject {
        control: &["ok", "nothing asked"],
        ..Subject::new("el8-kernelopts", "hv_storvsc", breaks)
    });
}
