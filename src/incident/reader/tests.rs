//! Lines that come torn, folded, packed into JSON, or in floods.

use super::*;

fn read(bytes: &[u8]) -> Log {
    let mut reader = Reader::default();
    reader.feed(bytes);
    reader.finish()
}

/// Names, lines and counts of the events.
fn told(log: &Log) -> Vec<(&'static str, u64, u64)> {
    log.events.iter().map(|event| (event.name, event.line, event.count)).collect()
}

#[test]
fn a_message_is_known_wherever_it_stands() {
    let known = |text: &str| told(&read(text.as_bytes()));
    let abort = vec![("jbd2.abort", 1, 1)];
    for line in [
        "[    1.000000] Aborting journal on device sda1-8.",
        "\u{1b}[31m[    1.000000]\u{1b}[0m Aborting journal on device sda1-8.\r",
        "vm login: [    1.000000] Aborting journal on device sda1-8.",
        "<2>[    1.000000] Aborting journal on device sda1-8.",
        "Aug  1 07:46:06 h kernel: Aborting journal\non device sda1-8.",
        r#"{"_TRANSPORT":"kernel","MESSAGE":"Aborting journal on device sda1-8."}"#,
    ] {
        assert_eq!(known(line), abort, "{line}");
    }
    let bytes: Vec<String> = b"Aborting journal on device sda1-8.".iter().map(u8::to_string).collect();
    assert_eq!(known(&format!("{{\"MESSAGE\":[{}]}}", bytes.join(","))), abort);
    // A quotation of somebody else's, and a word in the middle of a sentence.
    assert_eq!(known("Aug  1 07:46:06 h bot[7]: Aborting journal on device sda1-8."), []);
    assert_eq!(known("Aug  1 07:46:06 h kernel: see Aborting journal on device sda1-8."), []);
}

#[test]
fn an_entry_of_several_lines_is_one() {
    let abort = "Aborting journal on device sda1-8.";
    let export = format!("__CURSOR=s\n_TRANSPORT=kernel\nMESSAGE={abort}\n\n");
    let pretty = format!("{{\n\t\"_TRANSPORT\" : \"kernel\",\n\t\"MESSAGE\" : \"{abort}\"\n}}\n");
    let verbose = format!(
        "Sat 2026-03-07 21:12:09 UTC [s=1;i=2;b=3;m=4;t=5;x=6]\n    _TRANSPORT=kernel\n    MESSAGE={abort}\n"
    );
    for (entry, line) in [(&export, 3), (&pretty, 3), (&verbose, 3)] {
        assert_eq!(told(&read(entry.as_bytes())), [("jbd2.abort", line, 1)], "{entry}");
        // Without the line that ends it, and with other line ends.
        assert_eq!(told(&read(entry.trim_end().as_bytes())), [("jbd2.abort", line, 1)], "{entry}");
        assert_eq!(told(&read(entry.replace('\n', "\r\n").as_bytes())), [("jbd2.abort", line, 1)], "{entry}");
    }
    // A brace or a cursor in another log hides nothing of it.
    for begun in ["{\n  \"a\": {\n", "__CURSOR=s\n"] {
        let log = format!("{begun}Aug  1 07:46:06 h kernel: {abort}\n");
        assert_eq!(told(&read(log.as_bytes())).len(), 1, "{log}");
    }
    // Fields without an end are bounded.
    let mut reader = Reader::default();
    reader.feed(b"__CURSOR=s\n");
    for number in 0..100_000 {
        reader.feed(format!("FIELD_{number}=x\nMESSAGE={abort}\n").as_bytes());
    }
    assert_eq!(told(&reader.finish()).len(), 1);
}

#[test]
fn what_is_folded_counts() {
    let log = read(
        b"Feb 11 18:38:18 i iscsid: connect to 192.0.2.2:3260 failed (Connection refused)\n\
          Feb 11 18:39:03 i iscsid: message repeated 12 times: [ connect to 192.0.2.2:3260 failed (Connection refused)]\n\
          Feb 11 18:39:09 i kernel: Aborting journal on device sda1-8.\n\
          Feb 11 18:39:12 i last message repeated 3 times\n",
    );
    assert_eq!(told(&log), [("iscsid.connect", 1, 2), ("jbd2.abort", 3, 4)]);
}

#[test]
fn a_falling_uptime_a_mark_and_another_id_are_a_new_boot() {
    let boots = |text: &str| read(text.as_bytes()).boots;
    let abort = "Aborting journal on device sda1-8.";
    assert_eq!(boots(&format!("[  100.000000] {abort}\n[  200.000000] {abort}\n")), 1);
    assert_eq!(boots(&format!("[  100.000000] {abort}\n[    2.000000] {abort}\n")), 2);
    assert_eq!(
        boots(&format!(
            "Aug  1 07:46:06 h kernel: {abort}\n-- Boot 0123456789abcdef0123456789abcdef --\nx\n"
        )),
        2
    );
    let entry =
        |id: &str| format!("{{\"_BOOT_ID\":\"{id}\",\"_TRANSPORT\":\"kernel\",\"MESSAGE\":\"{abort}\"}}\n");
    assert_eq!(boots(&[entry("a"), entry("a"), entry("b")].concat()), 2);
    assert_eq!(boots(""), 0);
}

#[test]
fn whatever_comes_is_bounded() {
    // One line without an end, of bytes that are no text.
    let mut reader = Reader::default();
    for _ in 0..64 {
        reader.feed(&vec![0xff; 64 << 10]);
    }
    assert!(reader.partial.len() <= LINE + 1);
    reader.feed(b"\n[    1.000000] Aborting journal on device sda1-8.\n");
    let log = reader.finish();
    assert_eq!((log.lines, log.cut, told(&log)), (2, 1, vec![("jbd2.abort", 2, 1)]));
    // More events than are kept: the first and the last stay.
    let mut reader = Reader::default();
    for number in 0..20_000 {
        reader.feed(format!("[{number:>5}.000000] Aborting journal on device dm-{number}-8.\n").as_bytes());
    }
    let log = reader.finish();
    assert_eq!(log.events.len() as u64 + log.dropped, 20_000);
    assert!(log.dropped > 0 && log.events.len() <= 12_000);
    assert_eq!((log.events[0].line, log.events.last().unwrap().line), (1, 20_000));
}
