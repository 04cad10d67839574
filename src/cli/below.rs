//! What stands below the options in a help: examples, exit codes, files, environment.
//!
//! One form, which the man pages are made of, too: a heading ends in a colon, a paragraph or a term is
//! indented by two, and what belongs to it by four.

/// The general help's.
pub(super) const GENERAL: &str = "\
Examples:
  What this machine survives, and what to do next:
    hvtune
  How long each mount lasts when storage stops answering:
    hvtune survive
  See what would change, then change it:
    hvtune plan
    hvtune apply
  Prepare an Azure image that is mounted at /mnt:
    hvtune --root /mnt --assume azure apply

Exit status:
  0  All is in order
  1  Something differs, or revert left an edited file alone
  2  Trouble: nothing was written
  3  verify: all that is missing is a reboot

Files:
  /etc/hvtune.toml
    The policy; hvtune.toml(5) lists its keys
  /etc/hvtune.toml.d/*.toml
    Read after it; the last word counts, key by key
  /usr/lib/hvtune/*.toml
    Read before it: what an image or a package brings
  /etc/hvtune/templates
    Templates that replace the built-in ones
  /var/lib/hvtune/edits
    What revert has to put back into files of others
  /var/lib/hvtune/restarts
    Restarts out of emergency mode

Environment:
  NO_COLOR
    No colour, if set
  CLICOLOR
    No colour, if 0
  COLUMNS
    The width of text where no terminal tells it [default: 80]
  SOURCE_DATE_EPOCH
    The time that JSON and HTML carry, in seconds since 1970

Boot units:
  hvtune.service
    Runs hvtune apply --early, before udev and sysctl read the files
  hvtune-activate.service
    Runs hvtune apply: disks that came later, and the boot menu
  hvtune.disable on the kernel command line leaves all units out of that boot.";

/// A command's.
pub(super) fn of(command: &str) -> &'static str {
    match command {
        "status" => STATUS,
        "detect" => DETECT,
        "plan" => PLAN,
        "apply" => APPLY,
        "verify" => VERIFY,
        "survive" => SURVIVE,
        "explain" => EXPLAIN,
        "revert" => REVERT,
        "reboot-needed" => REBOOT_NEEDED,
        "pending" => PENDING,
        "seal" => SEAL,
        "postmortem" => POSTMORTEM,
        "compare" => COMPARE,
        "leave-emergency" => LEAVE_EMERGENCY,
        "capture" => CAPTURE,
        _ => "",
    }
}

const STATUS: &str = "\
Examples:
  This machine; the same as hvtune alone:
    hvtune status
  An image that is mounted at /mnt:
    hvtune status --root /mnt --assume hyperv

Exit status:
  0  It was shown, whatever it says
  2  Trouble";

const DETECT: &str = "\
Examples:
  This machine:
    hvtune detect
  The iSCSI disks only, with every detail:
    hvtune detect --only '^iscsi$' -v

Exit status:
  0  It was shown
  2  Trouble";

const PLAN: &str = "\
Examples:
  What would be set, and why:
    hvtune plan -v
  The files, as a diff:
    hvtune plan --diff
  In a script, whether anything would change:
    hvtune plan --exit-code -q
  What belongs into a layer for an image, mounted or empty:
    hvtune plan --root /mnt --assume azure --layer

Exit status:
  0  It was shown
  1  --exit-code: something would change
  2  Trouble";

const APPLY: &str = "\
Examples:
  This machine:
    hvtune apply
  This machine, for stalls of up to ten minutes:
    hvtune apply --stall 10min
  An image for Azure, mounted at /mnt:
    hvtune apply --root /mnt --assume azure

Exit status:
  0  Done, or this is no guest and there is nothing to do
  2  Trouble: nothing was written";

const VERIFY: &str = "\
Examples:
  What is not as planned:
    hvtune verify
  Every setting:
    hvtune verify -v
  In a script, by the exit code alone:
    hvtune verify -q
  For node_exporter's textfile collector:
    hvtune verify --format prometheus

Exit status:
  0  All is as planned
  1  Something differs
  2  Trouble: nothing was verified
  3  All that is missing is a reboot
  With --only, what is shown is judged.";

const SURVIVE: &str = "\
Examples:
  Every mount and swap:
    hvtune survive
  One mount, for a stall of five minutes, with timelines:
    hvtune survive --only '^/data$' --stall 5min -v
  A page to attach to a change ticket:
    hvtune survive --format html > survive.html

Exit status:
  0  It was shown, whatever it says
  2  Trouble";

const EXPLAIN: &str = "\
Examples:
  All settings, and what each says of this machine:
    hvtune explain
  One of them, by its id or by what it sets:
    hvtune explain disk.timeout
    hvtune explain vm.swappiness
  What to set on the Hyper-V host:
    hvtune explain host

Exit status:
  0  It was shown
  2  Trouble, or nothing has this name";

const REVERT: &str = "\
Examples:
  Take all back:
    hvtune revert
  Only the files, without touching the running system:
    hvtune revert --no-activate

Exit status:
  0  All was taken back
  1  A file or line that somebody edited since was left alone
  2  Trouble";

const REBOOT_NEEDED: &str = "\
Examples:
  Ask:
    hvtune reboot-needed
  In a script, by the exit code alone:
    hvtune reboot-needed > /dev/null

Exit status:
  0  A reboot is needed
  1  No reboot is needed
  2  It cannot be told
  This is what cloud-init's power_state.condition expects, and the other way round than needs-restarting -r.";

const PENDING: &str = "\
Examples:
  After apply, what an image still needs:
    hvtune pending --root /mnt --assume azure
  In a script, by the exit code alone:
    hvtune pending -q --root /mnt --assume azure

Exit status:
  0  Nothing is left to do
  1  Something is
  2  Trouble";

const SEAL: &str = "\
Examples:
  Before this machine is made a template:
    hvtune seal

Exit status:
  0  Done, or there was nothing to forget
  1  A file that somebody edited since was left alone
  2  Trouble: nothing was written

Files:
  /etc/cloud/clean.d/90-hvtune
    Has cloud-init clean run it";

const POSTMORTEM: &str = "\
Examples:
  The boot before this one:
    journalctl -b -1 | hvtune postmortem --log -
  A file of syslog's, for a budget of five minutes:
    hvtune postmortem --budget 5min --log kern.log
  One that logrotate has packed, by gzip or xz:
    hvtune postmortem --log messages-1.xz

Exit status:
  0  No trouble is recorded
  1  Trouble is recorded
  2  Trouble with the log: nothing was concluded";

const COMPARE: &str = "\
Examples:
  Two guests that were recorded before:
    hvtune compare web-01 web-02
  All of them, for a stall of five minutes:
    hvtune compare --stall 5min captures/*

Exit status:
  0  It was shown, whatever it says
  2  Trouble: something that was named is no capture";

const LEAVE_EMERGENCY: &str = "\
Examples:
  What hvtune-emergency.service runs, 5 to 6 minutes after a boot ended in emergency mode:
    hvtune leave-emergency

Exit status:
  0  systemd was asked to restart the guest
  1  It is left as it is: not in emergency mode, somebody is at the console or that
     could not be told, or 10 restarts within a day did not help
  2  Trouble: the guest was not restarted

Files:
  /var/lib/hvtune/restarts
    Restarts out of emergency mode, by the start of the machine";

const CAPTURE: &str = "\
Examples:
  On the guest, record it:
    hvtune capture web-01
  Anywhere, ask about it:
    hvtune compare web-01

Exit status:
  0  It was recorded
  2  Trouble";
