//! `/proc/self/mountinfo` and `/proc/swaps`
//! (<https://docs.kernel.org/filesystems/proc.html>, 3.5).

use std::borrow::Cow;

use crate::formats::fstab::unescape;

/// One line of mountinfo.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Line<'a> {
    /// Major and minor number; major 0 is no block device.
    pub(crate) device: (u32, u32),
    /// Where it is mounted.
    pub(crate) point: Cow<'a, str>,
    pub(crate) fstype: &'a str,
    /// A device, or whatever the file system calls its source.
    pub(crate) source: Cow<'a, str>,
    of_mount: &'a str,
    of_super: &'a str,
}

impl<'a> Line<'a> {
    /// Options of the mount, then those of the superblock that it does not repeat.
    pub(crate) fn options(&self) -> impl Iterator<Item = &'a str> {
        let of_mount = self.of_mount;
        let more = self.of_super.split(',').filter(move |&option| of_mount.split(',').all(|o| o != option));
        of_mount.split(',').chain(more).filter(|option| !option.is_empty())
    }

    /// Whether a disk can be looked for below it. The root always counts, so that
    /// nobody takes a root without a disk for a root that was forgotten.
    pub(crate) fn stands_on_storage(&self) -> bool {
        match self.fstype {
            _ if self.device.0 != 0 || self.point == "/" => true,
            "btrfs" | "bcachefs" | "zfs" => true,
            // A portal's source is /dev/fuse.
            fuse if fuse.starts_with("fuse") => false,
            _ => self.source.starts_with("/dev/"),
        }
    }

    /// Whether a path lies at or below its mount point.
    pub(crate) fn holds(&self, path: &str) -> bool {
        match path.strip_prefix(self.point.as_ref()) {
            Some(rest) => self.point == "/" || rest.is_empty() || rest.starts_with('/'),
            None => false,
        }
    }
}

/// `36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue`
pub(crate) fn mount_line(line: &str) -> Option<Line<'_>> {
    // Single blanks: an empty source stands between two.
    let mut fields = line.split(' ');
    let (major, minor) = fields.nth(2)?.split_once(':')?;
    let point = unescape(fields.nth(1)?);
    let of_mount = fields.next()?;
    fields.find(|&field| field == "-")?;
    Some(Line {
        device: (major.parse().ok()?, minor.parse().ok()?),
        point,
        fstype: fields.next()?,
        source: unescape(fields.next()?),
        of_mount,
        of_super: fields.next()?,
    })
}

/// One swap area.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Area {
    pub(crate) path: String,
    /// A file, not a device.
    pub(crate) is_file: bool,
    pub(crate) priority: Option<i64>,
}

/// Every swap area: path, type, size, used, priority.
pub(crate) fn swaps(text: &str) -> Vec<Area> {
    let area = |line: &str| {
        let mut fields = line.split_ascii_whitespace();
        let (path, kind) = (unescape(fields.next()?).into_owned(), fields.next()?);
        let priority = fields.nth(2).and_then(|number| number.parse().ok());
        Some(Area { path, is_file: kind == "file", priority })
    };
    text.lines().skip(1).filter_map(area).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_mountinfo_parses() {
        let text = "29 1 8:2 / / rw,relatime shared:1 - ext4 /dev/sda2 rw,errors=remount-ro";
        let line = mount_line(text).unwrap();
        assert_eq!((line.device, line.point.as_ref(), line.fstype), ((8, 2), "/", "ext4"));
        assert_eq!(line.source, "/dev/sda2");
        assert_eq!(line.options().collect::<Vec<_>>(), ["rw", "relatime", "errors=remount-ro"]);
    }

    #[test]
    fn optional_fields_may_be_none_or_many() {
        let none = "36 35 98:0 /mnt1 /mnt2 rw - ext3 /dev/root rw";
        let many = "36 35 98:0 /mnt1 /mnt2 rw master:1 propagate_from:2 unbindable - ext3 /dev/root rw";
        for text in [none, many] {
            assert_eq!(mount_line(text).unwrap().source, "/dev/root", "{text}");
        }
        let empty_source = mount_line("22 1 0:5 / /x rw shared:2 - tmpfs  rw").unwrap();
        assert_eq!((empty_source.source.as_ref(), empty_source.of_super), ("", "rw"));
    }

    #[test]
    fn escapes_are_undone() {
        let line = mount_line(r"90 29 8:17 / /mnt/My\040Disk\134 rw - vfat /dev/sdb1 rw").unwrap();
        assert_eq!(line.point, r"/mnt/My Disk\");
        for (text, plain) in [(r"a\011b", "a\tb"), (r"\", r"\"), (r"\04", r"\04"), (r"\999", r"\999")] {
            assert_eq!(unescape(text), plain);
        }
        assert_eq!(unescape(r"\303\244"), "ä");
    }

    #[test]
    fn what_is_no_line_is_refused() {
        for text in ["", "29 1 8:2 / /", "29 1 x:2 / / rw - ext4 a rw", "29 1 8:2 / / rw ext4 a rw"] {
            assert_eq!(mount_line(text), None, "{text}");
        }
    }

    #[test]
    fn swaps_are_listed_below_their_heading() {
        let text = "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n\
                    /dev/sda3                               partition\t2097148\t\t0\t\t-2\n\
                    /var/my\\040swap                          file\t\t1048572\t\t0\t\t-3\n\
                    /dev/zram0                              partition\t8388604\t0\t\t100\n";
        let area = |path: &str, is_file, priority| Area { path: path.to_owned(), is_file, priority };
        let zram = area("/dev/zram0", false, Some(100));
        assert_eq!(
            swaps(text),
            [area("/dev/sda3", false, Some(-2)), area("/var/my swap", true, Some(-3)), zram]
        );
        assert_eq!(swaps("Filename\n/x file\n"), [area("/x", true, None)]);
        assert!(swaps("Filename Type Size Used Priority\n").is_empty());
        assert!(swaps("").is_empty());
    }

    #[test]
    fn a_mount_holds_what_is_below_it() {
        for (point, path, held) in [
            ("/", "/swapfile", true),
            ("/mnt", "/mnt/swapfile", true),
            ("/mnt", "/mnt2/swapfile", false),
            ("/mnt", "/swapfile", false),
        ] {
            let text = format!("1 1 8:1 / {point} rw - ext4 /dev/sda1 rw");
            assert_eq!(mount_line(&text).unwrap().holds(path), held, "{point} {path}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_is_too_odd(text in "[ -~\\\\ä\n\t]{0,80}", point in "/[a-z \\\\\n\t#]{0,20}") {
            let _ = (mount_line(&text), swaps(&text));
            let escape = |c: char| match c {
                ' ' | '\\' | '\n' | '\t' | '#' => format!("\\{:03o}", u32::from(c)),
                c => c.to_string(),
            };
            let escaped: String = point.chars().map(escape).collect();
            proptest::prop_assert_eq!(unescape(&escaped), point);
        }
    }
}
