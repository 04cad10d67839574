//! Settings in files that are not ours alone, changed in place and taken back to the byte.
//!
//! A file of `key = value` lines is edited line by line, and what each line was is
//! remembered. Taking back looks for the very line that we wrote: whoever changed it
//! since keeps his, and whatever else he changed stays.

use serde::{Deserialize, Serialize};

use super::iscsi::is_blank;
use super::{iscsi, waagent};

/// One line that is ours in somebody else's file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owned {
    /// The file, below the root.
    pub path: String,
    /// The line as we wrote it, without its end.
    pub ours: String,
    /// The line as it was; `None` where we added it.
    pub was: Option<String>,
}

/// Who reads a file of `key = value` lines, which decides what a setting is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reader {
    OpenIscsi,
    Waagent,
}

impl Reader {
    fn of(path: &str) -> Self {
        if path.ends_with("waagent.conf") { Self::Waagent } else { Self::OpenIscsi }
    }

    /// Which line holds the key's last setting, counted from 0; `None` where there is none, or where
    /// that is no whole line.
    fn last(self, text: &str, lines: &[&str], key: &str) -> Option<usize> {
        let (number, value) = match self {
            Self::OpenIscsi => {
                let entry = iscsi::scan(text).into_iter().rfind(|entry| entry.key == key)?;
                (entry.line, entry.value)
            }
            Self::Waagent => {
                let entry = waagent::scan(text).into_iter().rfind(|entry| entry.key == key)?;
                (entry.line, entry.value)
            }
        };
        let at = usize::try_from(number.checked_sub(1)?).ok()?;
        let line = lines.get(at)?;
        let whole = match self {
            Self::OpenIscsi => iscsi::reads(line),
            Self::Waagent => waagent::reads(line.strip_suffix('\n').unwrap_or(line)),
        };
        (whole == Some((key, value))).then_some(at)
    }

    /// The key that a line without its end sets.
    fn key(self, line: &str) -> Option<String> {
        let whole = format!("{line}\n");
        let setting = match self {
            Self::OpenIscsi => iscsi::reads(&whole),
            Self::Waagent => waagent::reads(line),
        };
        setting.map(|(key, _)| key.to_owned())
    }

    /// Where the value begins in a line without its end.
    fn value_at(self, line: &str) -> usize {
        let from_sign = |line: &str| {
            let (head, rest) = line.split_once('=').unwrap_or((line, ""));
            line.len().min(head.len() + 1 + rest.len() - rest.trim_start_matches(is_blank).len())
        };
        match self {
            Self::OpenIscsi => iscsi::reads(&format!("{line}\n"))
                .map_or(line.len(), |(_, value)| line.trim_end_matches(is_blank).len() - value.len()),
            Self::Waagent => from_sign(line),
        }
    }
}

/// Gives a key its value. The last setting of a key counts for every reader of these files, so that
/// line is changed, the blanks kept; where there is none, a line is added at the end, before a last
/// line that has no end of its own.
pub fn set(text: &str, path: &str, key: &str, value: &str) -> (String, Owned) {
    let reader = Reader::of(path);
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let Some(at) = reader.last(text, &lines, key) else {
        let ours = format!("{key} = {value}");
        let (whole, cut) = text.split_at(text.rfind('\n').map_or(0, |end| end + 1));
        return (format!("{whole}{ours}\n{cut}"), Owned { path: path.to_owned(), ours, was: None });
    };
    let mut edited = String::with_capacity(text.len() + value.len());
    let mut owned = Owned { path: path.to_owned(), ours: String::new(), was: None };
    for (index, line) in lines.into_iter().enumerate() {
        if index != at {
            edited.push_str(line);
            continue;
        }
        let (content, end) = line.strip_suffix('\n').map_or((line, ""), |content| (content, "\n"));
        owned.was = Some(content.to_owned());
        owned.ours = with_value(content, reader.value_at(content), value);
        edited.push_str(&owned.ours);
        edited.push_str(end);
    }
    (edited, owned)
}

/// The line with another value, and the blanks around the sign and at the end as they were.
fn with_value(line: &str, start: usize, value: &str) -> String {
    let (head, rest) = line.split_at(start);
    let tail = rest.get(rest.trim_end_matches(is_blank).len()..).unwrap_or_default();
    format!("{head}{value}{tail}")
}

/// Takes back what is ours, last line first; lines that are no longer there as we wrote them are left.
pub fn restore(text: &str, owned: &[&Owned]) -> String {
    let mut lines: Vec<String> = text.split_inclusive('\n').map(str::to_owned).collect();
    for entry in owned.iter().rev() {
        let Some(at) = standing(&lines, entry) else { continue };
        let Some(line) = lines.get_mut(at) else { continue };
        let end = if line.ends_with('\n') { "\n" } else { "" };
        if let Some(was) = &entry.was {
            *line = format!("{was}{end}");
            continue;
        }
        lines.remove(at);
        // Older versions added it after a last line without an end.
        if end.is_empty()
            && let Some(last) = lines.last_mut()
        {
            last.truncate(last.trim_end_matches('\n').len());
        }
    }
    lines.concat()
}

/// Whether somebody changed a line of ours: it is neither there as we wrote it nor as it was, and its
/// key still is.
pub fn changed(text: &str, owned: &Owned) -> bool {
    let key = |line: &str| Reader::of(&owned.path).key(line);
    let Some(ours) = key(&owned.ours) else { return false };
    let mut lines = text.split('\n');
    if lines.clone().any(|line| line == owned.ours) {
        return false;
    }
    let last = lines.rfind(|line| key(line).as_ref() == Some(&ours));
    last.is_some_and(|line| owned.was.as_deref() != Some(line))
}

/// Where a line of ours stands. open-iscsi reads no line without an end, so none of those is ours
/// where another one can be.
fn standing(lines: &[String], entry: &Owned) -> Option<usize> {
    let content = |line: &String| line.strip_suffix('\n').unwrap_or(line) == entry.ours;
    let whole = |line: &String| line.ends_with('\n') && content(line);
    let last = match Reader::of(&entry.path) {
        Reader::OpenIscsi => lines.iter().rposition(whole),
        Reader::Waagent => None,
    };
    last.or_else(|| lines.iter().rposition(content))
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "node.session.timeo.replacement_timeout";

    fn edited(text: &str) -> (String, Vec<Owned>) {
        let (text, first) = set(text, "f", KEY, "300");
        let (text, second) = set(&text, "f", "node.x", "7");
        (text, vec![first, second])
    }

    #[test]
    fn only_the_value_changes_and_comes_back() {
        for text in [
            format!("# {KEY} = 1\n{KEY} = 120\nnode.x = 1\n"),
            format!("{KEY}=120 \r\n  node.x\t=\t1\n"),
            format!("{KEY} = 15\n{KEY} =\nnode.x = 1"),
            "# nothing\n".to_owned(),
            "# cut short".to_owned(),
            "a = 1\n\n\n".to_owned(),
            String::new(),
        ] {
            let (ours, owned) = edited(&text);
            let value = |key: &str| {
                super::super::iscsi::scan(&ours)
                    .into_iter()
                    .rfind(|e| e.key == key)
                    .unwrap()
                    .value
                    .trim()
                    .to_owned()
            };
            assert_eq!((value(KEY), value("node.x")), ("300".to_owned(), "7".to_owned()), "{ours:?}");
            assert_eq!(restore(&ours, &owned.iter().collect::<Vec<_>>()), text, "{ours:?}");
        }
        assert_eq!(set(" k  =  120 \r\n", "f", "k", "9").0, " k  =  9 \r\n");
        assert_eq!(set(" k  =  120 \r", "waagent.conf", "k", "9").0, " k  =  9 \r");
    }

    #[test]
    fn a_line_of_ours_stands_where_its_reader_takes_it() {
        for (text, edited) in [
            ("k=120\n", "k=120\nk = 9\n"),
            ("k==120\n", "k==9\n"),
            ("k = 120", "k = 9\nk = 120"),
            ("k = 5\nk = 9", "k = 9\nk = 9"),
            ("k = 9", "k = 9\nk = 9"),
            ("a = 1\nb", "a = 1\nk = 9\nb"),
        ] {
            let (ours, owned) = set(text, "f", "k", "9");
            assert_eq!(ours, edited, "{text:?}");
            assert_eq!(restore(&ours, &[&owned]), text);
        }
        for (text, edited) in [
            ("k=120\n", "k=9\n"),
            ("k=9\nk=120", "k=9\nk=9"),
            (" #k=120\n", " #k=120\nk = 9\n"),
            ("a=1", "k = 9\na=1"),
        ] {
            let (ours, owned) = set(text, "etc/waagent.conf", "k", "9");
            assert_eq!(ours, edited, "{text:?}");
            assert_eq!(restore(&ours, &[&owned]), text);
        }
    }

    #[test]
    fn a_line_that_an_older_version_added_is_taken_back() {
        let added = Owned { path: "f".to_owned(), ours: "k = 9".to_owned(), was: None };
        assert_eq!(restore("# cut short\nk = 9", &[&added]), "# cut short");
    }

    #[test]
    fn what_others_changed_meanwhile_stays() {
        let (ours, owned) = edited(&format!("# head\n{KEY} = 120\nnode.y = 2\n"));
        let owned: Vec<&Owned> = owned.iter().collect();
        let theirs = ours.replace("# head\n", "# head\n# more\n").replace("node.y = 2", "node.y = 3");
        assert_eq!(restore(&theirs, &owned), format!("# head\n# more\n{KEY} = 120\nnode.y = 3\n"));
        assert!(owned.iter().all(|entry| !changed(&ours, entry) && !changed("", entry)));
        assert!(owned.iter().all(|entry| !changed(&restore(&ours, &owned), entry)), "put back by hand");
        let overruled = ours.replace("= 300", "= 600");
        assert_eq!(owned.iter().map(|entry| changed(&overruled, entry)).collect::<Vec<_>>(), [true, false]);
        assert_eq!(restore(&overruled, &owned), format!("# head\n{KEY} = 600\nnode.y = 2\n"));
        assert_eq!(restore("", &owned), "");
    }

    proptest::proptest! {
        #[test]
        fn any_text_comes_back(text in "([ #a-c=\r\n\té]{0,6}(k ?==? ?[39]{0,3})?\n?){0,8}") {
            for path in ["f", "etc/waagent.conf"] {
                let (one, first) = set(&text, path, "k", "300");
                let (both, second) = set(&one, path, "other", "x");
                let value = |text: &str| -> Option<String> {
                    let found = match Reader::of(path) {
                        Reader::OpenIscsi => iscsi::scan(text).into_iter().rfind(|e| e.key == "k")?.value.to_owned(),
                        Reader::Waagent => waagent::scan(text).into_iter().rfind(|e| e.key == "k")?.value.to_owned(),
                    };
                    Some(found)
                };
                proptest::prop_assert_eq!(value(&both), Some("300".to_owned()));
                proptest::prop_assert_eq!(restore(&both, &[&first, &second]), text.clone());
            }
        }
    }
}
