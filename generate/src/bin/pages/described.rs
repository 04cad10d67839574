//! What each command does, in more words than its help has room for.

/// The program.
pub(crate) const PROGRAM: &[&str] = &[
    "A virtual machine on Hyper-V or Azure can lose its storage for minutes: a host moves its guests, a storage \
     node fails over, a path breaks. Linux has many timers that give up before: of SCSI and NVMe disks, iSCSI \
     sessions, multipath maps, watchdogs of services, the hung-task detector. The first one that does decides \
     what happens to a file system.",
    "hvtune sets those timers so that a stall of the length that the policy names (180 s by default) ends with \
     everything still running, and so that this holds after a reboot. It writes udev rules, sysctl.d, \
     modprobe.d and drop-ins of systemd and multipath, all named 90-hvtune, edits single lines of files that \
     have no such directory, and takes everything back with revert. On a machine that is no guest of Hyper-V \
     it does nothing.",
    "Without a command, hvtune does what hvtune status does. Options may stand before the command or behind it.",
];

/// A command.
pub(crate) fn described(command: &str) -> &'static [&'static str] {
    match command {
        "status" => &[
            "Shows on one screen what this machine is, how many of its mounts survive each kind of trouble now \
             and after a reboot, what is not as planned, what waits for a reboot or for a person, and the one \
             command to run next. A bare hvtune does the same. Nothing is written.",
        ],
        "detect" => &[
            "Shows what hvtune knows of this machine: the hypervisor and how it was told, disks with their \
             classes and roles, kernels, the boot loader, other programs that write the same settings, and \
             what could not be read. Nothing is written.",
        ],
        "plan" => &[
            "Shows each setting that apply would write, on which device, its value now and then, and why; who \
             else writes it, and who of the two wins; what has to wait for a reboot or a person; and what the \
             policy asks for that cannot be had here. Nothing is written.",
        ],
        "apply" => &[
            "Writes what plan shows, all files or none, then sets what can be set on the running system. \
             Kernel arguments go to the files that the boot loader takes them from. Where a menu is made from \
             those, it is made anew beside the old one and exchanged for it only if it boots the same kernels. \
             Where hvtune does not write them, plan names them and every place that they belong to.",
            "A file of this name that hvtune did not write, or that somebody edited since, is never overwritten: \
             then nothing at all is written. With --root, or with --machine, files are written and nothing is \
             set. A run that was interrupted is brought to its end by the next one.",
        ],
        "verify" => &[
            "Compares files and live values with what apply would write. Of each setting that is not as planned \
             it says whether the file, the value on the running system, or both are wrong, and who overrides \
             it. Where only a reboot is missing, it says so.",
            "With --format prometheus the result is for node_exporter's textfile collector, and with --format \
             journal each setting that is not as planned becomes an entry of the journal with fields of its own.",
        ],
        "survive" => &[
            "Shows for every mount and every swap on storage how long it lasts when its storage stops answering, \
             when one disk or iSCSI unit does, when a path is lost, and when the host returns errors: now, \
             after apply and after a reboot. It says which timer breaks first, what can be done about it, and \
             which timers of the Hyper-V host are too short.",
            "The times are computed from the timers found, not measured. Nothing is stalled and nothing is \
             written.",
        ],
        "explain" => &[
            "Without an argument it lists all settings and what each says of this machine. With one it shows \
             one of them: its value here and why, what the policy could change, and the sources for the claim. \
             `host` stands for what is to be set on the Hyper-V host.",
        ],
        "revert" => &[
            "Removes every file that apply wrote and puts back the lines that it edited in files of others, to \
             the byte. A file or line that somebody edited since is left alone and named. It also says what \
             stays in force until the next reboot.",
        ],
        "reboot-needed" => &[
            "Answers one question for scripts: whether something that apply wrote takes effect only at the next \
             boot.",
        ],
        "pending" => &[
            "Lists what is left to do where apply has run: files that are not as planned, kernel arguments that \
             hvtune does not write, a boot menu or an initramfs that was made before, labels of SELinux, and what \
             only the machine itself can decide. A reboot is among it on a running system. Nothing is written.",
            "An initramfs counts as made since where each one below /boot is younger than the files that belong \
             into it.",
        ],
        "seal" => &[
            "Brings hvtune's own files to what serves every machine of the kind: what was decided by the sizes and \
             devices of this machine goes. An interrupted run is brought to its end. At its next boot each \
             clone decides again (hvtune.service), and says in the journal what it changed and why. The running \
             system keeps its values.",
            "cloud-init clean runs it, too, where the hook lies in /etc/cloud/clean.d.",
        ],
        "postmortem" => &[
            "Reads a log and says what happened to the storage: the kind of trouble, when it began at the latest, \
             how long it lasted at least, what gave up first, after how long and by which setting, what followed, \
             and which lines say so. It says what the log cannot tell, and whether the plan would have ridden it \
             out: by the machine that --machine names, else by what the log itself shows.",
            "Each statement says how it is known: read in the log, following from it by a rule, likely, or not to \
             be told. That no trouble is recorded does not prove that there was none.",
        ],
        "compare" => &[
            "Puts guests that were recorded by hvtune capture side by side: what each mount survives as the guest is, \
             guests that are alike on one row. Where the same mount point lasts longer on some, it names the fewest \
             facts that explain it, each with what moves it and with both values: exchanged between the two \
             guests, these facts exchange how the mount ends, and none of them can be left out.",
            "Each guest is compared with one on which the mount lasts longest. A fact that could not be read is \
             said, and nothing is made responsible for it. Of the guest's own files the capture may have \
             etc/multipath.conf laid beside the rest; without it nothing is known of how long a map waits.",
        ],
        "leave-emergency" => &[
            "Restarts a guest whose boot ended in emergency mode, so that it tries again; a disk that came meanwhile is \
             then there. hvtune-emergency.timer starts it, where the plan has boot.emergency_restart: with recovery = \
             \"self-heal\". Whoever is logged in at the console keeps the shell: nothing is done then, nor where the \
             machine is not in emergency mode.",
            "Restarts are counted, by when the machine was started. After 10 within a day the guest stays in emergency \
             mode, and one that cannot be counted, as root cannot be written, is not begun.",
        ],
        "capture" => &[
            "Writes what hvtune reads of this machine into a directory that does not exist yet, or is empty. \
             Serial numbers, UUIDs, host names and addresses are left out. Another hvtune takes it with \
             --machine, to plan for a machine of this kind, or to look into a bug report.",
        ],
        _ => &[],
    }
}
