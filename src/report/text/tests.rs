//! What a text keeps to, whatever is put into it.

use super::*;

fn screen(width: usize) -> Screen {
    Screen { width, colour: false }
}

fn rows(cells: &[Vec<String>]) -> Vec<Vec<Cell>> {
    cells.iter().map(|row| row.iter().cloned().map(Cell::from).collect()).collect()
}

#[test]
fn no_escape_reaches_a_terminal() {
    assert_eq!(printable("a\u{1b}[2Jb\n"), "a\\u{1b}[2Jb\\n");
    assert_eq!(printable("a\u{9b}2J\u{202e}\u{e9}"), "a\\u{9b}2J\\u{202e}\u{e9}");
    assert_eq!(printable_json("{\n\"a\u{7f}\u{9b}\u{e9}\"}"), "{\n\"a\\u007f\\u009b\u{e9}\"}");
}

#[test]
fn a_path_below_the_root_is_shown_from_its_root() {
    for (said, shown) in [
        ("etc/fstab", "/etc/fstab"),
        ("(usr/sbin/update-grub)", "(/usr/sbin/update-grub)"),
        ("/etc/fstab", "/etc/fstab"),
        ("queue/scheduler", "queue/scheduler"),
        ("etc", "etc"),
    ] {
        assert_eq!(word_shown(said), shown);
    }
}

#[test]
fn words_wrap_at_the_width() {
    let mut text = Text::new(screen(80));
    text.para(&"word ".repeat(40), 4);
    let text = text.into_string();
    assert!(text.lines().all(|line| line.len() <= 80 && line.starts_with("    word")));
    assert_eq!(text.split_whitespace().count(), 40);
}

#[test]
fn a_table_that_is_too_wide_is_broken_between_words() {
    let table = |width: usize| {
        let mut text = Text::new(screen(width));
        let row = ["node.session.timeo.replacement_timeout", "session1 session2", "120 s -> 180 s"];
        text.table(&["SETTING", "ON", "NOW -> WANT"], &rows(&[row.map(str::to_owned).to_vec()]), 0);
        text.into_string()
    };
    assert_eq!(
        table(80),
        "SETTING                                 ON                 NOW -> WANT\n\
         node.session.timeo.replacement_timeout  session1 session2  120 s -> 180 s\n"
    );
    let above = "SETTING       ON                 NOW -> WANT\n\
         node.session.timeo.replacement_timeout\n\
         \x20             session1 session2  120 s -> 180 s\n";
    assert_eq!(table(60), above);
    assert_eq!(table(47), above);
}

#[test]
fn a_long_command_can_still_be_pasted() {
    let mut text = Text::new(screen(60));
    text.command("dracut --force --regenerate-all --no-hostonly --add-drivers \"hv_vmbus hv_storvsc\"", 6);
    let said = text.into_string();
    assert_eq!(
        said,
        "      dracut --force --regenerate-all --no-hostonly \\\n        --add-drivers \"hv_vmbus hv_storvsc\"\n"
    );
}

#[test]
fn colour_stands_around_the_words_alone() {
    let mut text = Text::new(Screen { width: 80, colour: true });
    text.table(&[], &[vec![Cell::new("lost", Tone::Bad), Cell::from("x")]], 2);
    assert_eq!(text.into_string(), "  \u{1b}[31mlost\u{1b}[0m  x\n");
}

proptest::proptest! {
    /// Nothing runs together, nothing is lost, and only a word alone is wider than the screen.
    #[test]
    fn tables_keep_their_words_apart_and_within_the_width(
        cells in proptest::collection::vec(
            proptest::collection::vec("[!-~\u{e9}]{1,30}( [!-~]{1,20}){0,3}", 3), 1..5),
        width in 40_usize..121, indent in 0_usize..8,
    ) {
        let mut text = Text::new(screen(width));
        text.table(&["ONE", "TWO", "THREE"], &rows(&cells), indent);
        let text = text.into_string();
        for line in text.lines() {
            let words = line.split_whitespace().count();
            proptest::prop_assert!(line.chars().count() <= width || words == 1, "{width}: {line}");
        }
        let mut said: Vec<&str> = text.split_whitespace().collect();
        let owned: Vec<String> =
            cells.iter().flatten().flat_map(|cell| cell.split_whitespace().map(word_shown)).collect();
        let mut wanted: Vec<&str> = owned.iter().map(String::as_str).chain(["ONE", "TWO", "THREE"]).collect();
        said.sort_unstable();
        wanted.sort_unstable();
        proptest::prop_assert_eq!(said, wanted);
    }

    #[test]
    fn paragraphs_keep_to_the_width(text in "([!-~]{1,30} ){1,20}", width in 40_usize..121, indent in 0_usize..20) {
        let mut out = Text::new(screen(width));
        out.hanging(&text, indent, indent + 4);
        let out = out.into_string();
        for line in out.lines() {
            proptest::prop_assert!(line.chars().count() <= width || line.split_whitespace().count() == 1);
        }
        let words: Vec<String> = text.split_whitespace().map(word_shown).collect();
        proptest::prop_assert_eq!(out.split_whitespace().collect::<Vec<_>>(), words);
    }
}
