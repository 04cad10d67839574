//! Breaks that every file of ours can meet.

use crate::ground::{Content, Writer};
use crate::stage::{Break, Stage, at, broken, file};

/// The lines of a text that do not contain a word.
pub(crate) fn without(text: &str, word: &str) -> String {
    assert!(text.contains(word), "no {word} in {text}");
    text.lines().filter(|line| !line.contains(word)).flat_map(|line| [line, "\n"]).collect()
}

fn latin_1(text: &str, word: &str) -> Vec<u8> {
    let at = text.rfind(word).unwrap() + word.len();
    [&text.as_bytes()[..at], b"\xfc", &text.as_bytes()[at..]].concat()
}

/// A file of ours: what can become of it, and what can stand in its place.
///
/// `below`: as for [`Stage::ours`]. `word`: what stands in the line that counts, and in no other that
/// must stay.
pub(crate) fn of_our_file(below: &'static str, word: &'static str) -> Vec<Break> {
    let text = move |stage: &Stage| stage.text(&stage.ours(below));
    let ours = move |stage: &Stage, bytes: Vec<u8>| vec![file(stage.ours(below), bytes)];
    let instead = move |stage: &Stage, content: Content| vec![at(stage.ours(below), content)];
    let in_etc = move |content: Content| vec![at(format!("etc/{below}"), content)];
    let name = below.rsplit('/').next().unwrap();
    vec![
        broken("its line is removed", move |s| ours(s, without(&text(s), word).into_bytes())),
        broken("its line is a comment", move |s| {
            ours(s, without(&text(s), word).replacen('\n', &format!("\n# {word}\n"), 1).into_bytes())
        }),
        broken("the file is removed", move |s| instead(s, Content::Gone)),
        broken("the file is empty", move |s| ours(s, Vec::new())),
        broken("masked by a link to /dev/null in /etc", move |_| {
            in_etc(Content::Link("/dev/null".to_owned()))
        }),
        broken("replaced in /etc by a file that says nothing", move |_| {
            in_etc(Content::File(b"# the administrator's own\n".to_vec()))
        }),
        broken("a directory in its place", move |s| instead(s, Content::Dir)),
        broken("a dangling link in its place", move |s| instead(s, Content::Link("no-such-file".to_owned()))),
        broken("a looping link in its place", move |s| instead(s, Content::Link(name.to_owned()))),
        broken("a dangling link of its name in /etc", move |_| {
            in_etc(Content::Link("no-such-file".to_owned()))
        }),
        broken("a Latin-1 byte in its line", move |s| ours(s, latin_1(&text(s), word))),
        broken("a NUL in its line", move |s| {
            let text = text(s);
            let at = text.rfind(word).unwrap() + word.len();
            ours(s, [&text.as_bytes()[..at], b"\0", &text.as_bytes()[at..]].concat())
        }),
        broken("lines end in CR LF", move |s| ours(s, text(s).replace('\n', "\r\n").into_bytes())),
    ]
}

/// Another file.
pub(crate) fn other(name: &'static str, path: &'static str, text: &'static str) -> Break {
    broken(name, move |_| vec![file(path, text)])
}

/// Several other files.
pub(crate) fn others(name: &'static str, files: &'static [(&'static str, &'static str)]) -> Break {
    broken(name, move |_| files.iter().map(|(path, text)| file(*path, *text)).collect::<Vec<Writer>>())
}

/// A file that is read after ours and says otherwise, in ways in which it may be overlooked.
pub(crate) fn overlooked(path: &'static str, comment: &'static str, line: &'static str) -> [Break; 3] {
    let padded = move || format!("{comment}{}\n", "x".repeat(120)).repeat(10_000) + line;
    [
        broken("a later file with a Latin-1 comment says otherwise", move |_| {
            vec![file(path, [comment.as_bytes(), b" f\xfcr alle\n", line.as_bytes()].concat())]
        }),
        broken("a later file with CR LF says otherwise", move |_| {
            vec![file(path, format!("{comment} x\r\n{}\r\n", line.trim_end().replace('\n', "\r\n")))]
        }),
        broken("a later file of more than 1 MiB says otherwise at its end", move |_| {
            vec![file(path, padded())]
        }),
    ]
}
