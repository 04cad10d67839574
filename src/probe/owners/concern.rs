//! Whether somebody's udev rule could concern a disk that we look after.

use crate::formats::udev::Write;

/// Kernel names of SCSI disks, NVMe devices and maps, by how they begin.
const KERNEL: &[&str] = &["sd", "nvme", "dm-", "0", "1", "2", "3", "4", "5", "6", "7", "8", "9"];
/// Subsystems that have the attributes, likewise.
const SUBSYSTEM: &[&str] = &["block", "scsi", "nvme"];
/// Events on which a rule writes while the device is there.
const ACTION: &[&str] = &["add", "change", "bind", "online"];

/// Whether the tests on the rule's own line leave one of our disks possible. Jumps
/// before it are not followed, so this errs towards yes.
pub(super) fn may_concern(write: &Write) -> bool {
    write.matches.iter().filter(|token| token.op == "==").all(|token| match token.key.as_str() {
        "KERNEL" => overlaps(&token.value, KERNEL),
        "SUBSYSTEM" => overlaps(&token.value, SUBSYSTEM),
        "ACTION" => overlaps(&token.value, ACTION),
        _ => true,
    })
}

/// Whether one of the pattern's alternatives could match a name that begins so.
fn overlaps(pattern: &str, beginnings: &[&str]) -> bool {
    pattern.split('|').any(|alternative| {
        let literal = alternative.split(['*', '?', '[']).next().unwrap_or_default();
        let open = literal.len() < alternative.len();
        beginnings.iter().any(|name| literal.starts_with(name) || (open && name.starts_with(literal)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::formats::udev::scan;

    #[test]
    fn tests_on_the_line_rule_disks_out() {
        for (tests, expected) in [
            ("", true),
            (r#"KERNEL=="sd[a-z]""#, true),
            (r#"KERNEL=="s*""#, true),
            (r#"KERNEL=="*""#, true),
            (r#"KERNEL=="mmcblk*[0-9]|msblk*[0-9]|sd*[!0-9]|sr*""#, true),
            (r#"KERNEL=="nvme*n*", SUBSYSTEM=="block", ACTION=="add|change""#, true),
            (r#"KERNEL=="[0-9]*:[0-9]*", SUBSYSTEM=="scsi""#, true),
            (r#"KERNEL=="2:0:0:0", SUBSYSTEM=="scsi_disk""#, true),
            (r#"KERNEL!="sd*""#, true),
            (r#"ATTRS{vendor}=="NETAPP""#, true),
            (r#"KERNEL=="vd*|xvd*|mmcblk*""#, false),
            (r#"KERNEL=="s""#, false),
            (r#"KERNEL=="sr[0-9]*""#, false),
            (r#"SUBSYSTEM=="net""#, false),
            (r#"SUBSYSTEM=="usb", KERNEL=="*""#, false),
            (r#"KERNEL=="sda", ACTION=="remove""#, false),
        ] {
            let rule = format!("{tests}, ATTR{{queue/scheduler}}=\"none\"\n");
            assert_eq!(may_concern(&scan(&rule)[0]), expected, "{tests}");
        }
    }
}
