//! What cannot be recomputed, as text: which directories were made for our files, and what stood where
//! we edited a file of others. Pure.

use crate::formats::edit::Owned;
use crate::formats::fstab::{self, FSTAB};
use crate::formats::iscsi::setting;
use crate::marker::{addon, body_of, is_edited, known_dirs, marker_line};
use crate::stores::place;

/// Thousands of node records, at a few hundred bytes a line.
pub const LIMIT: usize = 4 << 20;

/// The entries of a file that has our marker.
pub fn parse_edits(bytes: &[u8]) -> Vec<Owned> {
    let text = text_of(bytes);
    let entries = text.lines().filter_map(|line| serde_json::from_str::<Owned>(line).ok());
    entries.filter(is_ours).collect()
}

/// What stands below our marker; nothing where it is not ours.
fn text_of(bytes: &[u8]) -> String {
    body_of(bytes).map(|(_, body)| String::from_utf8_lossy(body).into_owned()).unwrap_or_default()
}

/// Keys that are edited.
const KEYS: &[&str] = &[
    "node.session.timeo.replacement_timeout",
    "node.session.initial_login_retry_max",
    "node.conn[0].timeo.noop_out_interval",
    "node.conn[0].timeo.noop_out_timeout",
    "OS.RootDeviceScsiTimeout",
];

/// Whether an entry is one of ours: whatever else a record says, no other file, no other setting and
/// nothing but a setting is ever put back.
fn is_ours(entry: &Owned) -> bool {
    if entry.path == FSTAB {
        // The line that is put back is one that our edit would turn into the line that is there.
        let edit = |was: &String| fstab::set_errors(was, FSTAB, "panic", |_| true).0;
        return !entry.ours.contains('\n') && entry.was.as_ref().map(edit).as_ref() == Some(&entry.ours);
    }
    if place::is_store(&entry.path) {
        return place::is_recorded(entry);
    }
    let key = |line: &str| setting(line).map(|(key, _)| key.to_owned()).filter(|_| !line.contains('\n'));
    let ours = key(&entry.ours).filter(|key| KEYS.contains(&key.as_str()));
    is_edited(&entry.path) && ours.is_some() && entry.was.as_ref().is_none_or(|was| key(was) == ours)
}

/// That file's content.
pub fn edits_content(edits: &[Owned]) -> Vec<u8> {
    let mut body = String::new();
    for edit in edits {
        if let Ok(line) = serde_json::to_string(edit) {
            body.push_str(&line);
            body.push('\n');
        }
    }
    format!("{}{body}", marker_line(body.as_bytes())).into_bytes()
}

/// The directories that such a file names.
pub fn parse_made(bytes: &[u8]) -> Vec<String> {
    let (known, mut made) = (known_dirs(), Vec::new());
    for line in text_of(bytes).lines() {
        if (known.contains(line) || addon::is_dir(line)) && made.iter().all(|other| other != line) {
            made.push(line.to_owned());
        }
    }
    made
}

/// The file's content for a list of directories.
pub fn content(directories: &[String]) -> Vec<u8> {
    let mut body = String::new();
    for directory in directories {
        body.push_str(directory);
        body.push('\n');
    }
    format!("{}{body}", marker_line(body.as_bytes())).into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_settings_of_ours_are_ever_put_back() {
        let key = "node.session.timeo.replacement_timeout";
        let entry = |path: &str, ours: &str, was: Option<&str>| Owned {
            path: path.to_owned(),
            ours: ours.to_owned(),
            was: was.map(str::to_owned),
        };
        let (ours, was) = (format!("{key} = 180"), format!("{key} = 120"));
        for path in ["etc/iscsi/iscsid.conf", "etc/iscsi/nodes/iqn.x:a/192.0.2.1,3260,1/default"] {
            assert!(is_ours(&entry(path, &ours, Some(&was))) && is_ours(&entry(path, &ours, None)), "{path}");
        }
        for (path, ours, was) in [
            ("etc/shadow", ours.as_str(), Some(was.as_str())),
            ("etc/iscsi/nodes/../../shadow", &ours, None),
            ("etc/iscsi/nodes/iqn.x:a/192.0.2.1,3260,1/.default.hvtune-new", &ours, None),
            ("etc/iscsi/iscsid.conf", "root:x", None),
            ("etc/iscsi/iscsid.conf", "node.startup = automatic", None),
            ("etc/iscsi/iscsid.conf", &ours, Some("node.startup = automatic")),
            ("etc/iscsi/iscsid.conf", &ours, Some("#")),
            ("etc/iscsi/iscsid.conf", &ours, Some(&format!("{key} = 1\nx = y"))),
        ] {
            assert!(!is_ours(&entry(path, ours, was)), "{path} {ours} {was:?}");
        }
        let ours = "LABEL=a / ext4 rw,errors=panic";
        let is_kept = |was: Option<&str>| is_ours(&entry(FSTAB, ours, was));
        assert!(is_kept(Some("LABEL=a / ext4 rw")) && is_kept(Some("LABEL=a / ext4 rw,errors=continue")));
        for was in [None, Some("LABEL=b / ext4 rw"), Some("LABEL=a / ext4 rw,suid"), Some("LABEL=a / xfs rw")]
        {
            assert!(!is_kept(was), "{was:?}");
        }
        let two = "a / ext4 rw\nb /b ext4 rw";
        let (twice, _) = fstab::set_errors(two, FSTAB, "panic", |_| true);
        assert!(!is_ours(&entry(FSTAB, &twice, Some(two))));
        let list = [entry("etc/waagent.conf", "OS.RootDeviceScsiTimeout=600", None)];
        assert_eq!(parse_edits(&edits_content(&list)), list);
    }
}
