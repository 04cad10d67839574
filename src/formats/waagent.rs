//! `waagent.conf` of the Azure Linux agent: `key=value` lines
//! (`ConfigurationProvider.load` in
//! <https://github.com/Azure/WALinuxAgent/blob/develop/azurelinuxagent/common/conf.py>).
//!
//! The agent reads the file as UTF-8 and gives up on one that is not.

/// One setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry<'a> {
    /// Line number, from 1.
    pub line: u32,
    /// Key: `OS.RootDeviceScsiTimeout`.
    pub key: &'a str,
    /// Value, without quotes and blanks around it; the word `None` switches a setting off.
    pub value: &'a str,
}

/// Every line that the agent takes for a setting; the last of a key counts.
pub fn scan(text: &str) -> Vec<Entry<'_>> {
    let lines = (1..).zip(text.split('\n'));
    lines.filter_map(|(line, text)| reads(text).map(|(key, value)| Entry { line, key, value })).collect()
}

/// The key and value of one line. Only a `#` at its very beginning makes a comment of it.
pub(crate) fn reads(line: &str) -> Option<(&str, &str)> {
    let (key, value) = line.split_once('=').filter(|_| !line.starts_with('#'))?;
    let value = value.split('#').next().unwrap_or_default();
    Some((key.trim(), value.trim_matches(['"', ' ']).trim()))
}

/// The seconds that come of a value: the agent writes the text as it is to `device/timeout`, and
/// the kernel takes the number in front (`sdev_store_timeout`,
/// <https://github.com/torvalds/linux/blob/v6.12/drivers/scsi/scsi_sysfs.c>). `None` where there is none.
pub fn seconds(value: &str) -> Option<u64> {
    let digits = value.trim_start().strip_prefix('+').unwrap_or(value.trim_start());
    digits.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Compared with the agent's own reader (2.15).
    #[test]
    fn settings_are_read_as_the_agent_does() {
        let key = "OS.RootDeviceScsiTimeout";
        for (text, expected) in [
            ("OS.RootDeviceScsiTimeout=300\n", Some(("300", Some(300)))),
            ("  OS.RootDeviceScsiTimeout = 300 # s\n", Some(("300", Some(300)))),
            ("OS.RootDeviceScsiTimeout=\"300\"\n", Some(("300", Some(300)))),
            ("OS.RootDeviceScsiTimeout=\"300\"\r\n", Some(("300\"", Some(300)))),
            ("OS.RootDeviceScsiTimeout=None\n", Some(("None", None))),
            ("OS.RootDeviceScsiTimeout=\n", Some(("", None))),
            ("OS.RootDeviceScsiTimeout=soon\n", Some(("soon", None))),
            ("OS.RootDeviceScsiTimeout=300=5", Some(("300=5", Some(300)))),
            ("#OS.RootDeviceScsiTimeout=300\n", None),
            (" #OS.RootDeviceScsiTimeout=300\n", None),
        ] {
            let found = scan(text).into_iter().rfind(|entry| entry.key == key);
            assert_eq!(found.map(|entry| (entry.value, seconds(entry.value))), expected, "{text:?}");
        }
    }
}
