//! Files of other programs: any text is read, and a text of ours alike by everybody.

use hvtune::formats::programs::{assignment, script, sysfsutils, tmpfiles};
use hvtune::formats::sysctl::read::{key_of, path_of, read, read_procps};
use hvtune::formats::sysctl::{self, order};
use hvtune::formats::tuned::{Source, ini, load};
use hvtune::formats::{glob, number, saptune};
use proptest::prelude::*;

use crate::cases;

/// Pieces of which the files are made.
const PIECES: [&str; 40] = [
    "\n",
    "\r",
    "\0",
    "\\",
    "\"",
    "'",
    " ",
    "\t",
    "=",
    "#",
    ";",
    "-",
    "[",
    "]",
    "{",
    "}",
    "$",
    "%",
    "`",
    "*",
    "?",
    "|",
    "&&",
    ">",
    "<",
    ".",
    "/",
    "é",
    "\u{e0ff}",
    "w /sys/",
    "- - - - ",
    "vm.swappiness",
    "0x1",
    "[main]\n",
    "include=a",
    "${a}",
    "sysctl -w ",
    "echo ",
    "tee ",
    "if ",
];

fn text() -> impl Strategy<Value = String> {
    let piece =
        prop_oneof![4 => proptest::sample::select(&PIECES[..]).prop_map(str::to_owned), 1 => any::<String>()];
    proptest::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

/// One text for every profile, which includes itself.
struct Same(String);

impl Source for Same {
    fn profile(&mut self, name: &str, read: &[String]) -> Result<Option<(String, String)>, String> {
        let path = format!("{name}{}", read.len());
        Ok((read.len() < 40).then(|| (path, self.0.clone())))
    }

    fn file(&mut self, _: &str) -> Result<Option<String>, String> {
        Ok(Some(self.0.clone()))
    }
}

proptest! {
    #![proptest_config(cases(2048))]

    #[test]
    fn any_text_is_read(text in text(), other in text()) {
        let lines = read(&text);
        let rows = text.split('\n').count();
        prop_assert!(lines.iter().all(|line| (1..=rows).contains(&(line.line as usize)) && !line.key.is_empty()));
        let files = [("a", &lines[..]), ("b", &read_procps(&text)[..])];
        let keys = ["vm/swappiness", "vm/dirty_ratio"];
        let steps = (order::systemd(&files, &keys).len(), order::procps(&files, &keys).len());
        prop_assert!(steps.0 <= 2 * (files[0].1.len() + files[1].1.len()) && steps.1 <= 2 * (files[0].1.len() + files[1].1.len()));
        for write in tmpfiles::read(&text).writes {
            prop_assert!(write.target.starts_with('/'));
        }
        let _ = (script::read(&text, &["swappiness"]), assignment::last(&text, "a"), saptune::read(&text));
        let _ = (sysfsutils::read(&text, sysfsutils::Reader::Script), sysfsutils::read(&text, sysfsutils::Reader::Update));
        let _ = (ini::read(&text), number::parse_kernel_integer(&text), number::parse_attribute_integer(&text));
        let _ = (glob::fits(&text, &other), glob::fits_path(&text, &other), load(&["a"], &mut Same(text)));
    }

    #[test]
    fn what_is_ours_is_read_alike(
        entries in proptest::collection::vec(("-?", "(vm|kernel)(\\.[a-z_]{1,8}){1,2}", "[0-9]{1,9}"), 0..6),
    ) {
        let lines = entries.iter().map(|(dash, key, value)| format!("{dash}{key} = {value}\n"));
        let text = lines.collect::<Vec<_>>().concat();
        let strict: Vec<_> = sysctl::parse(&text).unwrap().into_iter().map(|e| (e.line, e.optional, e.key, Some(e.value))).collect();
        let told = |lines: Vec<sysctl::read::Line>| -> Vec<_> {
            lines.into_iter().map(|line| (line.line, line.optional, key_of(&line.key), line.value)).collect()
        };
        prop_assert_eq!(&told(read(&text)), &strict);
        prop_assert_eq!(&told(read_procps(&text)), &strict);
        prop_assert!(strict.iter().all(|(_, _, key, _)| key_of(&path_of(key)) == *key));
    }
}
