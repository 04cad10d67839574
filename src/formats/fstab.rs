//! `/etc/fstab`: device, mount point, type, options, separated by blanks
//! (<https://man7.org/linux/man-pages/man5/fstab.5.html>).

use super::edit::Owned;

/// Where it lies.
pub const FSTAB: &str = "etc/fstab";

/// What its type's file systems do about an error in their own structures, by option `errors=`.
const ERRORS: &str = "errors=";

/// One file system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry<'a> {
    /// Where it is mounted, as written.
    pub mount: &'a str,
    /// Type: `ext4`.
    pub fstype: &'a str,
    /// Options, split at commas.
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
}

/// Every line of four fields or more that is no comment.
pub fn scan(text: &str) -> Vec<Entry<'_>> {
    text.split('\n').filter_map(entry).collect()
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
    (!device.starts_with('#')).then_some(Entry { mount, fstype, options })
}

/// Gives every file system that knows it this `errors=`, at the end of its options and instead of
/// another one; all else of the line stays to the byte. Of a line that would become one that stands
/// there already nobody could tell afterwards which was which, so it is left.
pub fn set_errors(text: &str, path: &str, word: &str) -> (String, Vec<Owned>) {
    let mut edited = String::with_capacity(text.len() + 64);
    let mut owned = Vec::new();
    for line in text.split_inclusive('\n') {
        let (content, end) = line.strip_suffix('\n').map_or((line, ""), |content| (content, "\n"));
        let wanting = entry(content).filter(|entry| entry.is_ext() && entry.errors() != Some(word));
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
            assert_eq!(set_errors(text, "f", "panic"), (text.to_owned(), Vec::new()), "{text:?}");
            assert_eq!(scan(text), [], "{text:?}");
        }
    }

    #[test]
    fn only_ext_file_systems_get_the_option_and_every_byte_comes_back() {
        let (edited, owned) = set_errors(DEBIAN, "etc/fstab", "panic");
        let wanted = DEBIAN
            .replace("errors=remount-ro 0", "errors=panic 0")
            .replace("defaults,nofail", "defaults,nofail,errors=panic");
        assert_eq!(edited, wanted);
        assert_eq!(restore(&edited, &owned.iter().collect::<Vec<_>>()), DEBIAN);
        assert_eq!(set_errors(&edited, "etc/fstab", "panic"), (edited.clone(), Vec::new()));
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
            let (edited, owned) = set_errors(text, "f", "panic");
            assert_eq!(edited, wanted, "{text:?}");
            assert_eq!(restore(&edited, &owned.iter().collect::<Vec<_>>()), text, "{text:?}");
        }
    }
}
