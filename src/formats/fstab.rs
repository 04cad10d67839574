//! `/etc/fstab`: device, mount point, type, options, separated by blanks
//! (<https://man7.org/linux/man-pages/man5/fstab.5.html>), as libmount reads it
//! (`mnt_parse_table_line`,
//! <https://github.com/util-linux/util-linux/blob/v2.41/libmount/src/tab_parse.c>).

use std::borrow::Cow;

use super::edit::Owned;

/// Where it lies.
pub const FSTAB: &str = "etc/fstab";

/// What its type's file systems do about an error in their own structures, by option `errors=`.
const ERRORS: &str = "errors=";

/// One file system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry<'a> {
    /// What is mounted, as written: `UUID=…`, `/dev/sdb1`, the path of an image.
    pub device: &'a str,
    /// Where it is mounted, as written.
    pub mount: &'a str,
    /// Type: `ext4`.
    pub fstype: &'a str,
    /// Options, split at commas; none where the line has no such field.
    pub options: Vec<&'a str>,
}

impl<'a> Entry<'a> {
    /// Whether it is of a kind that knows `errors=panic`.
    pub fn is_ext(&self) -> bool {
        matches!(self.fstype, "ext2" | "ext3" | "ext4")
    }

    /// The word after `errors=`; the last one counts.
    pub fn errors(&self) -> Option<&'a str> {
        self.options.iter().rev().find_map(|option| option.strip_prefix(ERRORS))
    }

    /// The mount point as the kernel shows it: escapes undone, no blank path segments.
    pub fn point(&self) -> String {
        clean(&unescape(self.mount))
    }

    /// Whether it has this option, or the option with a value.
    pub fn has(&self, name: &str) -> bool {
        let is =
            |option: &&str| option.strip_prefix(name).is_some_and(|r| r.is_empty() || r.starts_with('='));
        self.options.iter().any(is)
    }

    /// Why the guest does not stand or fall with this file system, where the line itself says so.
    pub fn is_spare(&self) -> Option<&'static str> {
        let any = |names: &[&str]| names.iter().any(|name| self.has(name));
        let device = unescape(self.device.trim_start_matches('"'));
        if names_temporary(&device) {
            Some("Azure's temporary disk")
        } else if any(&["comment=cloudconfig"]) {
            Some("cloud-init's own line, which it writes anew")
        } else if any(&["noauto"]) {
            Some("not mounted at boot (noauto)")
        } else if any(&["user", "users", "owner", "group"]) {
            Some("for users to mount")
        } else if any(&["bind", "rbind"]) {
            Some("a bind mount, which takes no such option")
        } else if self.mounts_read_only() {
            Some("mounted read-only")
        } else if any(&["loop"]) || is_image(&device) {
            Some("a loop mount")
        } else {
            None
        }
    }

    /// Of `ro` and `rw` the last one counts, as to mount(8).
    fn mounts_read_only(&self) -> bool {
        self.options.iter().rev().find(|option| matches!(**option, "ro" | "rw")) == Some(&"ro")
    }
}

/// File systems of which a server answers for what is in them.
const SERVED: &[&str] = &[
    "nfs",
    "nfs4",
    "cifs",
    "smb3",
    "smbfs",
    "9p",
    "ceph",
    "afs",
    "lustre",
    "glusterfs",
    "virtiofs",
    "fuse",
    "fuseblk",
];
/// Those of FUSE that hold nothing a program waits for: views of the machine and of a desktop.
const VIEWS: &[&str] = &["fuse.lxcfs", "fuse.portal", "fuse.gvfsd-fuse"];

/// Whether a server, over the network or a process of this machine, answers for a file system of this type: to
/// the kernel a server that is silent looks like a disk that hangs.
pub fn is_served(fstype: &str) -> bool {
    SERVED.contains(&fstype) || (fstype.starts_with("fuse.") && !VIEWS.contains(&fstype))
}

/// Names that stand for Azure's temporary disk and nothing else: those of cloud-init's rules
/// (<https://github.com/canonical/cloud-init/blob/main/rules.d/66-azure-ephemeral.rules>), of the agent's
/// (<https://github.com/Azure/WALinuxAgent/blob/master/config/66-azure-storage.rules>) and of azure-vm-utils'
/// (<https://github.com/Azure/azure-vm-utils/blob/main/udev/80-azure-disk.rules>), partitions of it too.
pub fn names_temporary(device: &str) -> bool {
    let of_disk = |name: &str| {
        device.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with("-part"))
    };
    of_disk("/dev/disk/cloud/azure_resource")
        || of_disk("/dev/disk/azure/resource")
        || device.starts_with("/dev/disk/azure/local/")
}

/// A file that is no device: mount(8) makes a loop device of it by itself.
fn is_image(device: &str) -> bool {
    (device.starts_with('/') && !device.starts_with("/dev/")) || device.starts_with("/dev/loop")
}

/// Undoes octal escapes, `\040` for a blank (`unmangle_to_buffer`,
/// <https://github.com/util-linux/util-linux/blob/v2.41/lib/mangle.c>).
pub fn unescape(text: &str) -> Cow<'_, str> {
    if !text.contains('\\') {
        return Cow::Borrowed(text);
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        rest = if let (b'\\', [a @ b'0'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7', after @ ..]) =
            (first, after)
        {
            bytes.push((a - b'0') << 6 | (b - b'0') << 3 | (c - b'0'));
            after
        } else {
            bytes.push(first);
            after
        };
    }
    Cow::Owned(String::from_utf8_lossy(&bytes).into_owned())
}

/// A path without empty segments, `/` alone kept.
fn clean(path: &str) -> String {
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    if path.starts_with('/') { format!("/{}", parts.join("/")) } else { parts.join("/") }
}

/// Every line of four fields or more that is no comment.
pub fn scan(text: &str) -> Vec<Entry<'_>> {
    text.split('\n').filter_map(entry).collect()
}

/// Lines that mount(8) takes for a file system and that we do not edit: without options, or with
/// a carriage return at the end, which one reader drops and another takes for part of an option.
pub fn scan_odd(text: &str) -> Vec<Entry<'_>> {
    let odd = |line: &'_ &str| entry(line).is_none();
    let fields = text.split('\n').filter(odd).map(|line| line.strip_suffix('\r').unwrap_or(line));
    fields.filter_map(loose).filter(|entry| !entry.device.contains(char::is_control)).collect()
}

fn loose(line: &str) -> Option<Entry<'_>> {
    let mut fields = line.split([' ', '\t']).filter(|field| !field.is_empty());
    let (device, mount, fstype) = (fields.next()?, fields.next()?, fields.next()?);
    let options = fields.next().map(|options| options.split(',').collect()).unwrap_or_default();
    (!device.starts_with('#')).then_some(Entry { device, mount, fstype, options })
}

/// Fields with control characters are nobody's: a carriage return at the line's end is part of its last
/// field, and an option behind it would be one that mount(8) does not know.
fn entry(line: &str) -> Option<Entry<'_>> {
    let mut fields = line.split([' ', '\t']).filter(|field| !field.is_empty());
    let (device, mount, fstype, options) = (fields.next()?, fields.next()?, fields.next()?, fields.next()?);
    if [device, mount, fstype, options].iter().any(|field| field.contains(char::is_control)) {
        return None;
    }
    let options = options.split(',').collect();
    (!device.starts_with('#')).then_some(Entry { device, mount, fstype, options })
}

/// Gives every file system that knows it and is `meant` this `errors=`, at the end of its options and
/// instead of another one; all else of the line stays to the byte. Of a line that would become one that
/// stands there already nobody could tell afterwards which was which, so it is left.
pub fn set_errors(
    text: &str,
    path: &str,
    word: &str,
    meant: impl Fn(&Entry<'_>) -> bool,
) -> (String, Vec<Owned>) {
    let mut edited = String::with_capacity(text.len() + 64);
    let mut owned = Vec::new();
    for line in text.split_inclusive('\n') {
        let (content, end) = line.strip_suffix('\n').map_or((line, ""), |content| (content, "\n"));
        let wanting = entry(content)
            .filter(|entry| entry.is_ext() && entry.errors() != Some(word))
            .filter(|entry| meant(entry));
        let ours = wanting.map(|entry| with_errors(content, &entry, word));
        match ours.filter(|ours| text.split('\n').all(|line| line != ours)) {
            Some(ours) => {
                edited.push_str(&ours);
                owned.push(Owned { path: path.to_owned(), ours, was: Some(content.to_owned()) });
            }
            None => edited.push_str(content),
        }
        edited.push_str(end);
    }
    (edited, owned)
}

/// Whether somebody changed a line of ours: it is neither there as we wrote it nor as it was, and the same
/// device is still mounted in the same place.
pub fn changed(text: &str, owned: &Owned) -> bool {
    let fields = |line: &str| {
        let mut fields = line.split([' ', '\t']).filter(|field| !field.is_empty());
        Some((fields.next()?.to_owned(), fields.next()?.to_owned()))
    };
    let (ours, was) = (owned.ours.as_str(), owned.was.as_deref());
    let mut lines = text.split('\n');
    !lines.clone().any(|line| line == ours || Some(line) == was)
        && lines.any(|line| fields(line).is_some() && fields(line) == fields(ours))
}

fn with_errors(line: &str, entry: &Entry<'_>, word: &str) -> String {
    // The options are the fourth run of characters that are no blanks.
    let (mut start, mut runs) = (0, 0);
    let mut blank = true;
    for (at, byte) in line.bytes().enumerate() {
        let is_blank = matches!(byte, b' ' | b'\t');
        if blank && !is_blank {
            runs += 1;
            start = at;
        }
        if runs == 4 {
            break;
        }
        blank = is_blank;
    }
    let (head, rest) = line.split_at(start);
    let tail = rest.find([' ', '\t']).map_or("", |at| rest.get(at..).unwrap_or_default());
    let kept = entry.options.iter().filter(|option| !option.starts_with(ERRORS));
    let mut options: Vec<&str> = kept.copied().collect();
    let ours = format!("{ERRORS}{word}");
    options.push(&ours);
    format!("{head}{}{tail}", options.join(","))
}

#[cfg(test)]
mod tests {
    use super::super::edit::restore;
    use super::*;

    /// As Debian's installer and cloud images write it.
    const DEBIAN: &str = "# /etc/fstab: static file system information.\n#\n\
        UUID=0f3b /               ext4    errors=remount-ro 0       1\n\
        PARTUUID=9a /boot/efi vfat defaults 0 0\n\
        /dev/sdb\t/data\text4\tdefaults,nofail\t0\t2\n\
        LABEL=logs /logs xfs defaults 0 0\n\
        /dev/fd0 /media/floppy auto rw,user,noauto 0 0\n\
        UUID=77 none swap sw 0 0\n";

    #[test]
    fn file_systems_of_an_fstab() {
        let found: Vec<_> = scan(DEBIAN).iter().map(|entry| (entry.mount, entry.is_ext())).collect();
        let wanted = [
            ("/", true),
            ("/boot/efi", false),
            ("/data", true),
            ("/logs", false),
            ("/media/floppy", false),
            ("none", false),
        ];
        assert_eq!(found, wanted);
        let errors: Vec<_> = scan(DEBIAN).iter().filter_map(Entry::errors).collect();
        assert_eq!(errors, ["remount-ro"]);
        assert_eq!(scan("#/dev/sda1 / ext4 defaults\n/dev/sda1 / ext4\n\n"), []);
    }

    #[test]
    fn lines_that_end_as_on_windows_are_left_alone() {
        for text in ["/dev/sda1 / ext4 \r\n", "/dev/sda1 / ext4 defaults\r\n", "\0 / ext2 \r\n\0er\0"] {
            assert_eq!(set_errors(text, "f", "panic", |_| true), (text.to_owned(), Vec::new()), "{text:?}");
            assert_eq!(scan(text), [], "{text:?}");
        }
    }

    #[test]
    fn only_ext_file_systems_get_the_option_and_every_byte_comes_back() {
        let (edited, owned) = set_errors(DEBIAN, "etc/fstab", "panic", |_| true);
        let wanted = DEBIAN
            .replace("errors=remount-ro 0", "errors=panic 0")
            .replace("defaults,nofail", "defaults,nofail,errors=panic");
        assert_eq!(edited, wanted);
        assert_eq!(restore(&edited, &owned.iter().collect::<Vec<_>>()), DEBIAN);
        assert_eq!(set_errors(&edited, "etc/fstab", "panic", |_| true), (edited.clone(), Vec::new()));
        // The administrator adds a disk in between and changes another line.
        let between =
            format!("{}/dev/sdd /more ext4 noatime 0 0\n", edited.replace("sw 0 0", "sw,pri=1 0 0"));
        let back = restore(&between, &owned.iter().collect::<Vec<_>>());
        assert_eq!(
            back,
            format!("{}/dev/sdd /more ext4 noatime 0 0\n", DEBIAN.replace("sw 0 0", "sw,pri=1 0 0"))
        );
    }

    #[test]
    fn a_line_says_whether_the_guest_stands_on_it() {
        for (line, spare) in [
            ("UUID=a / ext4 errors=remount-ro 0 1", None),
            ("UUID=\"a\" /data ext4 defaults,nofail 0 2", None),
            ("/dev/mapper/vg-data /data ext4 ro,rw", None),
            ("/dev/sdc1 /iscsi ext4 _netdev", None),
            ("/dev/disk/cloud/azure_resource-part1 /mnt ext4 defaults", Some("Azure's temporary disk")),
            ("/dev/disk/azure/resource-part1 /mnt ext4 defaults", Some("Azure's temporary disk")),
            ("/dev/disk/azure/local/by-index/1 /fast ext4 defaults", Some("Azure's temporary disk")),
            ("/dev/disk/azure/scsi1/lun0-part1 /data ext4 defaults", None),
            (
                "/dev/sdb1 /mnt ext4 nofail,comment=cloudconfig 0 2",
                Some("cloud-init's own line, which it writes anew"),
            ),
            ("LABEL=stick /stick ext4 noauto,user 0 0", Some("not mounted at boot (noauto)")),
            ("LABEL=stick /stick ext4 users 0 0", Some("for users to mount")),
            ("/srv/a /srv/b ext4 rbind", Some("a bind mount, which takes no such option")),
            ("/srv/image /srv/loop ext4 defaults 0 0", Some("a loop mount")),
            ("/dev/loop3 /srv/loop ext4 defaults 0 0", Some("a loop mount")),
            ("UUID=b /srv ext4 loop=/dev/loop1 0 0", Some("a loop mount")),
            ("UUID=b /srv ext4 rw,ro 0 0", Some("mounted read-only")),
        ] {
            assert_eq!(scan(line)[0].is_spare(), spare, "{line}");
        }
    }

    #[test]
    fn a_mount_point_is_read_as_libmount_reads_it() {
        for (written, point) in [
            ("/", "/"),
            ("/data/", "/data"),
            ("//a//b", "/a/b"),
            ("/my\\040data", "/my data"),
            ("none", "none"),
        ] {
            assert_eq!(scan(&format!("a {written} ext4 rw"))[0].point(), point, "{written}");
        }
    }

    #[test]
    fn what_is_mounted_and_not_edited_is_named() {
        let text = "a / ext4\nb /b ext4 rw\r\nc /c ext4 rw 0 0\n# a / ext4\nd /d\n\0 / ext2\n";
        let odd: Vec<_> = scan_odd(text).iter().map(Entry::point).collect();
        assert_eq!(odd, ["/", "/b"]);
        assert_eq!(scan(text).len(), 1);
    }

    #[test]
    fn only_what_is_meant_is_edited() {
        let text = "a / ext4 rw\nb /b ext4 rw\n";
        let (edited, owned) = set_errors(text, "f", "panic", |entry| entry.point() == "/");
        assert_eq!((edited.as_str(), owned.len()), ("a / ext4 rw,errors=panic\nb /b ext4 rw\n", 1));
    }

    #[test]
    fn odd_lines_are_kept() {
        for (text, wanted) in [
            ("  /dev/a  /  ext4  rw", "  /dev/a  /  ext4  rw,errors=panic"),
            ("a / ext3 errors=continue,rw,errors=remount-ro\n", "a / ext3 rw,errors=panic\n"),
            ("a / ext4 rw 0 1\r\n", "a / ext4 rw,errors=panic 0 1\r\n"),
            ("a / ext4\n", "a / ext4\n"),
            (
                "a / ext4 errors=continue\na / ext4 errors=panic\n",
                "a / ext4 errors=continue\na / ext4 errors=panic\n",
            ),
            (
                "a / ext4 rw\na / ext4 rw,errors=continue\n",
                "a / ext4 rw,errors=panic\na / ext4 rw,errors=panic\n",
            ),
            ("a / ext4,xfs rw\n", "a / ext4,xfs rw\n"),
        ] {
            let (edited, owned) = set_errors(text, "f", "panic", |_| true);
            assert_eq!(edited, wanted, "{text:?}");
            assert_eq!(restore(&edited, &owned.iter().collect::<Vec<_>>()), text, "{text:?}");
        }
    }
}
