//! What must hold of each case.

use crate::ground::{Ground, hold, squeezed};

/// A case: its folder, the fixture under it, and what is right.
pub(crate) struct Case {
    pub(crate) id: &'static str,
    pub(crate) fixture: &'static str,
    pub(crate) right: fn(&Ground) -> Result<(), String>,
}

const fn case(id: &'static str, fixture: &'static str, right: fn(&Ground) -> Result<(), String>) -> Case {
    Case { id, fixture, right }
}

/// In order of name.
pub(crate) const TABLE: &[Case] = &[
    case("b01-backtrace-abort", "gen2-onprem", |ground| {
        ground.policy("stal = \"180s\"\n");
        let output = ground.run(&["plan"]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        hold(output.status.code() == Some(2) && said.contains("stal"), || {
            format!("{}: {said}", output.status)
        })
    }),
    case("b02-hung-task-disabled", "gen2-onprem", |ground| {
        let root = ground.mount("/");
        hold(root["now_s"].is_null() && root["after_apply_s"].is_null(), || root.to_string())?;
        hold(root["after_reboot_s"].is_null(), || root.to_string())
    }),
    case("b03-iscsid-comment-lowered", "iscsi-single", |ground| {
        let (file, key) = ("root/etc/iscsi/iscsid.conf", "node.session.timeo.replacement_timeout");
        let line = format!("{key} = 86400  # raised, see ticket");
        ground.set_line(file, key, &line);
        ground.apply();
        hold(ground.read(file).contains(&line), || ground.read(file))
    }),
    case("b05-multipath-features-queue", "iscsi-multipath", |ground| {
        hold(ground.want("no_path_retry").is_none(), || format!("{:?}", ground.wants()))
    }),
    case("b07-verify-kernel-args-bls", "el9-bls", |ground| {
        ground.policy("stall = 120\noff = [\"boot.crash_reboot\", \"boot.dracut_emergency\"]\nrecovery = \"self-heal\"\n");
        ground.apply();
        // It is right to say ok where it is really there, and to name the place where it is not.
        let there = |path: &str| ground.read(path).contains(" panic=10\n");
        let name = "00000000000000000000000000000001-5.14.0-570.12.1.el9_6.x86_64.conf";
        let entry = format!("root/boot/loader/entries/{name}");
        hold(there(&entry) && there("root/etc/kernel/cmdline"), || ground.read(&entry))?;
        hold(ground.verify().0 == 0, || ground.verify().1)?;
        ground.write(&entry, ground.read(&entry).replace(" panic=10", "").as_bytes());
        let (code, text) = ground.verify();
        hold(code == 1 && text.contains("panic"), || format!("exit {code}: {text}"))
    }),
    case("b08-latin1-iscsid-verify-ok", "iscsi-single", |ground| {
        let file = "root/etc/iscsi/iscsid.conf";
        let mut bytes = b"# d\xe9lai\n".to_vec();
        bytes.extend(ground.bytes(file));
        ground.write(file, &bytes);
        ground.apply();
        let after = ground.bytes(file);
        hold(after.starts_with(b"# d\xe9lai\n"), || "the comment lost its bytes".to_owned())?;
        let text = ground.read(file);
        hold(text.contains("replacement_timeout = 180") || ground.verify().0 == 1, || text.clone())?;
        ground.run(&["revert"]);
        hold(ground.bytes(file) == bytes, || "revert did not give the bytes back".to_owned())
    }),
    case("b10-kdump-tools-wrong-winner", "self-heal", |ground| {
        let wrong = |one: &_| format!("{one:?}").contains("kdump-tools.cfg");
        let found: Vec<_> =
            ground.contenders().into_iter().filter(|one| wrong(one) && one.winner != "hvtune").collect();
        hold(found.is_empty(), || format!("{found:?}"))
    }),
    case("b11-later-grub-fragment-unseen", "azure-scsi", |ground| {
        ground.remove("root/etc/default/grub.d/50-cloudimg-settings.cfg");
        if ground.contenders().iter().any(|one| one.who.contains("99-azure.cfg")) {
            ground.apply();
            let (code, text) = ground.verify();
            return hold(code == 1, || format!("exit {code}: {text}"));
        }
        ground.apply();
        hold(!ground.command_line().contains("elevator=noop"), || ground.command_line())
    }),
    case("b12-grub-quoted-keyword", "azure-scsi", |ground| {
        ground.remove("root/etc/default/grub.d/50-cloudimg-settings.cfg");
        hold(ground.want("elevator").as_deref() == Some("absent null"), || ground.kind("boot.elevator"))
    }),
    case("b13-grub-opaque-false-claim", "azure-scsi", |ground| {
        ground.remove("root/etc/default/grub.d/50-cloudimg-settings.cfg");
        let dropped = ground.want("elevator").as_deref() == Some("absent null");
        hold(dropped || !ground.kind("boot.elevator").starts_with("not-applicable"), || {
            ground.kind("boot.elevator")
        })
    }),
    case("b14-vmware-rule-false-winner", "iscsi-single", |ground| {
        let unit = || {
            let text = ground.text(&["--stall", "300s", "survive"]);
            let lines: Vec<&str> =
                text.lines().skip_while(|line| !line.contains("one silent unit")).collect();
            lines.into_iter().take(2).collect::<Vec<_>>().join("\n")
        };
        let with = unit();
        ground.remove("root/usr/lib/udev/rules.d/99-vmware-scsi-udev.rules");
        hold(!with.is_empty() && with == unit(), || format!("with the rule: {with}; without: {}", unit()))
    }),
    case("b15-udev-rules-for-other-devices", "iscsi-single", |ground| {
        let found: Vec<_> =
            ground.contenders().into_iter().filter(|one| one.who.contains("99-other.rules")).collect();
        hold(found.is_empty(), || format!("{found:?}"))
    }),
    case("b17-udev-program-unseen", "iscsi-single", |ground| {
        let named = ground.contenders().iter().any(|one| one.who.contains("99-timeout.rules"));
        hold(named, || "the PROGRAM that writes device/timeout is not named".to_owned())
    }),
    case("b18-tuned-image-not-yet-chosen", "el9-bls", |ground| {
        let output = ground.bare(&["--assume", "azure", "apply"]);
        hold(output.status.success(), || String::from_utf8_lossy(&output.stderr).into_owned())?;
        hold(ground.has("root/etc/sysctl.d/90-hvtune.conf"), || "not in /etc".to_owned())
    }),
    case("b19-tuned-profile-not-read", "kernel-6.17", |ground| {
        let tuned: Vec<_> =
            ground.contenders().into_iter().filter(|one| one.who.to_lowercase().contains("tuned")).collect();
        let about = |knob: &str| tuned.iter().find(|one| one.knob.starts_with(knob));
        hold(about("queue/read_ahead_kb").is_some(), || format!("{tuned:?}"))?;
        hold(about("kernel.hung_task").is_some(), || format!("{tuned:?}"))?;
        hold(about("vm.swappiness").is_some_and(|one| one.winner != "hvtune"), || format!("{tuned:?}"))
    }),
    case("b21-ufw-sysctl", "gen2-onprem", |ground| {
        let named = |one: &crate::ground::Contender| one.knob == "vm.swappiness" && one.who.contains("ufw");
        hold(ground.contenders().iter().any(named), || format!("{:?}", ground.contenders()))
    }),
    case("b22-tmpfiles-rclocal-sysfs", "kernel-6.17", |ground| {
        ground.executable("root/etc/rc.local");
        let found = format!("{:?}", ground.contenders());
        let missing =
            ["tmpfiles.d/disk.conf", "rc.local", "sysfs.conf"].into_iter().find(|name| !found.contains(name));
        hold(missing.is_none(), || format!("{missing:?} is not named: {found}"))
    }),
    case("b23-swap-below-mnt-not-temp", "gen2-onprem", |ground| {
        ground.write("machine/proc/swaps", "Filename\tType\tSize\tUsed\tPriority\n");
        hold(ground.want("vm.swappiness").is_some(), || ground.kind("vm.swappiness"))
    }),
    case("b25-errors-panic-on-temporary-disk", "self-heal", |ground| {
        ground.apply();
        let text = ground.read("root/etc/fstab");
        let got = text.lines().filter(|line| line.contains("errors=panic")).collect::<Vec<_>>();
        hold(got.len() == 1 && got[0].starts_with("UUID=a / ext4 errors=panic"), || text.clone())
    }),
    case("b27-orphan-waagent-conf", "iscsi-single", |ground| {
        hold(ground.want("device/timeout").is_some(), || ground.kind("disk.timeout"))
    }),
    case("b29-noop-zero-raised", "iscsi-single", |ground| {
        let key = "node.conn[0].timeo.noop_out_timeout";
        let mut stack = vec![ground.path("root/etc/iscsi"), ground.path("machine/sys")];
        while let Some(path) = stack.pop() {
            if path.is_symlink() {
                continue;
            }
            if path.is_dir() {
                stack.extend(std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
                continue;
            }
            let below = path.strip_prefix(ground.path("")).unwrap().to_str().unwrap().to_owned();
            if below.ends_with("/ping_tmo") {
                ground.write(&below, "0\n");
            } else if below.contains("/iscsi/") && ground.read(&below).contains(key) {
                ground.set_line(&below, key, &format!("{key} = 0"));
            }
        }
        ground.apply();
        let text = ground.read("root/etc/iscsi/iscsid.conf");
        hold(text.lines().any(|line| line == format!("{key} = 0")), || text.clone())
    }),
    case("b30-btrfs-second-device", "iscsi-single", |ground| {
        ground.edit("machine/proc/self/mountinfo", |text| {
            let to_btrfs = |line: &str| match line.split_once(" 8:16 / /data ") {
                Some((head, _)) => {
                    format!("{head} 0:45 / /data rw,relatime shared:10 - btrfs /dev/sda2 rw,space_cache=v2\n")
                }
                None => format!("{line}\n"),
            };
            text.lines().map(to_btrfs).collect()
        });
        let devices = "machine/sys/fs/btrfs/00000000-0000-4000-8000-000000000001/devices";
        ground.link(&format!("{devices}/sda2"), &format!("../../../../{}/sda2", ground.device("sda")));
        ground.link(&format!("{devices}/sdb"), &format!("../../../../{}", ground.device("sdb")));
        let data = ground.mount("/data");
        hold(data["now_s"] == 130 && data["disks"].to_string().contains("sdb"), || data.to_string())
    }),
    case("b31-dynamic-memory-no-op", "gen2-onprem", |ground| {
        ground.set_line("machine/proc/meminfo", "MemTotal:", "MemTotal:        1014000 kB");
        let kind = ground.kind("vm.dirty");
        let says = ["ynamic", "grow", "hot"].into_iter().any(|word| kind.contains(word));
        hold(ground.want("vm.dirty_bytes").is_some() || says, || kind.clone())
    }),
    case("b33-self-heal-root-not-in-fstab", "self-heal", |ground| {
        let plan = ground.json(&["plan"]).to_string();
        hold(plan.contains("fstab") && ground.kind("fs.errors").contains('/'), || ground.kind("fs.errors"))
    }),
    case("b34-cvm-nullboot", "azure-scsi", |ground| {
        ground.remove("root/boot/grub");
        let detect = ground.json(&["detect"]);
        hold(detect["system"]["bootloader"] != "debian-grub", || detect["system"]["bootloader"].to_string())
    }),
    case("b35-azure-backup-freeze-unmentioned", "azure-scsi", |ground| {
        let dir = "root/var/lib/waagent/Microsoft.Azure.RecoveryServices.VMSnapshotLinux-1.0.9246.0";
        std::fs::create_dir_all(ground.path(dir)).unwrap();
        hold(ground.text(&["survive"]).contains("VMSnapshot"), || ground.text(&["survive"]))
    }),
    case("b37-read-ahead-claimed-128", "el9-bls", |ground| {
        let kind = ground.kind("disk.read_ahead");
        hold(!kind.contains("128") || kind.contains("4096"), || kind.clone())
    }),
    case("b38-sysctl-conf-link-wording", "gen2-onprem", |ground| {
        ground.link("root/etc/sysctl.d/99-sysctl.conf", "../sysctl.conf");
        let plan = squeezed(&ground.text(&["plan"]));
        hold(!plan.contains("at boot it is not read"), || plan.clone())
    }),
    case("b40-os-release-without-pretty-name", "azure-scsi", |ground| {
        ground.remove("root/usr/lib/os-release");
        ground.remove("root/etc/os-release");
        ground.write("root/etc/os-release", "ID=\"ubuntu\"\r\nVERSION_ID=\"22.04\"\r\n");
        let text = ground.text(&["detect"]);
        let line =
            text.lines().find(|line| line.trim_start().starts_with("distribution")).unwrap_or_default();
        hold(line.contains("buntu"), || line.to_owned())
    }),
    case("b41-grubenv-command-wipes", "azure-scsi", |ground| {
        for path in [
            "root/etc/default/grub.d",
            "root/usr/sbin/grub-mkconfig",
            "root/boot/grub",
            "root/etc/os-release",
        ] {
            ground.remove(path);
        }
        ground.policy("recovery = \"self-heal\"\n");
        let plan = ground.json(&["plan"]);
        let printed = plan["pending"].to_string();
        hold(printed.contains("panic=10") && !printed.contains("$kernelopts"), || printed.clone())
    }),
    case("b43-grubby-where-there-is-none", "gen2-onprem", |ground| {
        ground.remove("root/usr/sbin/update-grub");
        ground.remove("root/etc/os-release");
        ground.executable("root/usr/sbin/grub-mkconfig");
        ground.policy("recovery = \"self-heal\"\n");
        let plan = ground.text(&["plan"]);
        hold(!plan.contains("grubby"), || plan.clone())
    }),
    case("b44-kernel-install-add-all", "gen2-onprem", |ground| {
        for path in ["root/boot/grub", "root/usr/sbin/grub-mkconfig", "root/usr/sbin/update-grub"] {
            ground.remove(path);
        }
        ground.write("root/boot/efi/EFI/systemd/systemd-bootx64.efi", "");
        ground.write("root/boot/efi/loader/loader.conf", "timeout 3\n");
        ground.policy("recovery = \"self-heal\"\n");
        let plan = ground.text(&["plan"]);
        hold(plan.contains("panic=10") && !plan.contains("add-all"), || plan.clone())
    }),
    case("b46-columns-run-together", "gen2-onprem", |ground| {
        let plan = ground.text(&["plan", "-v"]);
        let glued = ["waagent.root_device_timeout", "hung_task_timeout_secs"].into_iter().any(|name| {
            plan.match_indices(name)
                .any(|(at, _)| plan[at + name.len()..].starts_with(|c: char| c.is_ascii_alphabetic()))
        });
        hold(!glued, || plan.clone())
    }),
    case("b47-masked-by-administrator", "iscsi-single", |ground| {
        ground.remove("root/etc/sysctl.d/90-hvtune.conf");
        ground.apply();
        ground.write("root/etc/sysctl.d/90-hvtune.conf", "vm.swappiness = 60\n");
        ground.link("root/etc/udev/rules.d/90-hvtune.rules", "/dev/null");
        let wrong: Vec<_> = ground
            .contenders()
            .into_iter()
            .filter(|one| one.who.contains("etc/sysctl.d/90-hvtune.conf") && one.winner == "hvtune")
            .collect();
        hold(wrong.is_empty(), || format!("{wrong:?}"))?;
        let (code, text) = ground.verify();
        let states = ground.json(&["verify"]).to_string();
        hold(code == 1 && states.contains("overridden"), || format!("exit {code}: {text}"))
    }),
    case("b48-hung-task-larger-lowered", "gen2-onprem", |ground| {
        ground.apply();
        for path in ["root/usr/lib/sysctl.d/90-hvtune.conf", "root/etc/sysctl.d/90-hvtune.conf"] {
            let text = if ground.has(path) { ground.read(path) } else { String::new() };
            for line in text.lines() {
                if let Some(value) = line.strip_prefix("kernel.hung_task_timeout_secs = ") {
                    hold(value.parse::<u64>().unwrap() >= 600, || line.to_owned())?;
                }
            }
        }
        Ok(())
    }),
    case("b49-dirty-limits-raised", "gen2-onprem", |ground| {
        let want = ground.want("vm.dirty_bytes");
        let tight = want
            .as_deref()
            .is_none_or(|want| want.rsplit(' ').next().unwrap().parse::<u64>().unwrap() <= 67_108_864);
        hold(tight, || format!("{want:?}"))
    }),
    case("g01-run-echo-wins", "iscsi-single", |ground| {
        let wins = |one: &crate::ground::Contender| {
            one.knob == "device/timeout" && one.who.contains("99-scsi.rules") && one.winner != "hvtune"
        };
        hold(ground.contenders().iter().any(wins), || format!("{:?}", ground.contenders()))
    }),
    case("g02-name-order-across-directories", "gen2-onprem", |ground| {
        let vendor = "usr/lib/sysctl.d/99-vendor.conf:1";
        let wins = |one: &crate::ground::Contender| {
            one.knob == "vm.swappiness" && one.who == vendor && one.winner == vendor && one.value == "60"
        };
        hold(ground.contenders().iter().any(wins), || format!("{:?}", ground.contenders()))
    }),
    case("g03-grub-single-quotes-blank-crlf", "azure-scsi", |ground| {
        ground.remove("root/etc/default/grub.d");
        std::fs::create_dir_all(ground.path("root/etc/default/grub.d")).unwrap();
        for text in [
            "GRUB_CMDLINE_LINUX_DEFAULT='nowatchdog elevator=noop loglevel=3'\n",
            "GRUB_CMDLINE_LINUX=\" \"\nGRUB_CMDLINE_LINUX_DEFAULT=\" elevator=noop\"\n",
            "GRUB_CMDLINE_LINUX_DEFAULT=\"quiet elevator=noop\"\r\n",
            "GRUB_CMDLINE_LINUX=\"console=tty1\n elevator=noop\n rootdelay=300\"\n",
            "GRUB_DISTRIBUTOR=`lsb_release -i -s 2> /dev/null || echo Debian`\nGRUB_CMDLINE_LINUX=\"elevator=noop\"\n",
        ] {
            ground.write("root/etc/default/grub", text);
            ground.apply();
            let line = ground.command_line();
            hold(!line.contains("elevator"), || format!("{text} -> {line}"))?;
            ground.run(&["revert"]);
        }
        Ok(())
    }),
    case("g04-cloudimg-settings", "azure-scsi", |ground| {
        hold(ground.kind("boot.elevator").starts_with("not-applicable"), || ground.kind("boot.elevator"))
    }),
    case("g05-zfs-root-honest", "gen2-onprem", |ground| {
        ground.edit("machine/proc/self/mountinfo", |text| {
            let to_zfs = |line: &str| {
                if line.starts_with("22 1 8:2 / / ") {
                    "22 1 0:25 / / rw,relatime shared:1 - zfs rpool/ROOT/ubuntu rw,xattr,posixacl\n"
                        .to_owned()
                } else {
                    format!("{line}\n")
                }
            };
            text.lines().map(to_zfs).collect()
        });
        let text = ground.text(&["survive"]);
        hold(text.contains("could not tell: the disk below /"), || text.clone())
    }),
    case("g06-fstab-odd-lines", "self-heal", |ground| {
        let was = "\u{feff}# fstab\nUUID=\"33333333-3b3b\" / ext4 defaults 1 1\n\
                   /dev/disk/by-label/my\\040data /my\\040data ext4 defaults,errors=continue 0 2\n\
                   LABEL=z /z ext4 errors=remount-ro,nofail # comment\n\t/dev/sdc1\t/tabbed\text4\tdefaults\t0\t0\n";
        ground.write("root/etc/fstab", was);
        ground.apply();
        let text = ground.read("root/etc/fstab");
        hold(text.matches("errors=panic").count() == 4, || text.clone())?;
        ground.run(&["revert"]);
        hold(ground.read("root/etc/fstab") == was, || "revert differs".to_owned())
    }),
    case("g07-watchdog-off-stays-off", "gen2-onprem", |ground| {
        let applied = ground.text(&["apply"]);
        hold(!applied.contains("journald.service.d/90-hvtune.conf"), || applied.clone())
    }),
    case("g08-md-levels", "iscsi-single", |ground| {
        let array = "machine/sys/devices/virtual/block/md0";
        ground.write(&format!("{array}/dev"), "9:0\n");
        std::fs::create_dir_all(ground.path(&format!("{array}/queue"))).unwrap();
        ground.link("machine/sys/block/md0", "../devices/virtual/block/md0");
        for disk in ["sda", "sdb"] {
            ground
                .link(&format!("{array}/slaves/{disk}"), &format!("../../../../../{}", ground.device(disk)));
        }
        ground.edit("machine/proc/self/mountinfo", |text| {
            let to_md = |line: &str| match line.split_once(" 8:16 / /data ") {
                Some((head, _)) => format!("{head} 9:0 / /data rw,relatime shared:10 - ext4 /dev/md0 rw\n"),
                None => format!("{line}\n"),
            };
            text.lines().map(to_md).collect()
        });
        ground.write(&format!("{array}/md/level"), "raid1\n");
        let mirrored = ground.mount("/data");
        hold(mirrored["now_s"].is_null(), || mirrored.to_string())?;
        ground.write(&format!("{array}/md/level"), "raid0\n");
        let striped = ground.mount("/data");
        hold(striped["now_s"] == 130, || striped.to_string())
    }),
    case("g09-iscsi-120-then-offline", "iscsi-single", |ground| {
        let text = ground.text(&["survive"]);
        let data: Vec<&str> = text.lines().skip_while(|line| !line.starts_with("/data:")).take(13).collect();
        let data = squeezed(&data.join(" "));
        let in_order = ["now 130 s", "replacement_timeout 120", "now 82 s", "offline"];
        let mut rest = data.as_str();
        for part in in_order {
            let Some((_, after)) = rest.split_once(part) else { return Err(format!("{part}: {data}")) };
            rest = after;
        }
        Ok(())
    }),
    case("g10-multipath-crlf-quotes", "iscsi-multipath", |ground| {
        ground.remove("root/etc/multipath/conf.d");
        ground.write(
            "root/etc/multipath.conf",
            "devices {\r\n device {\r\n  vendor \"ACME\"\r\n  product \"LUN\"\r\n  no_path_retry \"queue\"\r\n }\r\n}\r\n",
        );
        hold(ground.kind("multipath.queueing").starts_with("refused"), || ground.kind("multipath.queueing"))
    }),
];
