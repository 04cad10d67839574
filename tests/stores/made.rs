//! Files that hold a command line, made from pieces: most are as a distribution writes them, many are not.

use hvtune::value::Value;

use crate::dice::Dice;

/// What a line is made of. No quote is open at the end of one of these alone.
const ARGS: [&str; 22] = [
    "ro",
    "quiet",
    "root=UUID=0-1",
    "root=/dev/mapper/a-b",
    "mount.usr=/dev/x",
    "console=tty0",
    "console=ttyS0,115200n8",
    "a-b=1",
    "a_b=2",
    "our=1",
    "our=10",
    "our",
    "xour=1",
    "dyndbg=\"file x our=1 +p\"",
    "\"x=a our=1\"",
    "$kernelopts",
    "${x}",
    "--",
    "=",
    "ü=é",
    "#",
    "\"\"",
];

const BLANKS: [&str; 8] = [" ", " ", " ", " ", " ", "  ", "\t", " \t "];

/// A command line: arguments and blanks, sometimes a lone quote.
pub(crate) fn line(dice: &mut Dice) -> String {
    let mut text = String::new();
    if dice.one_in(8) {
        text.push_str(dice.of(&BLANKS));
    }
    for at in 0..dice.below(9) {
        if at > 0 {
            text.push_str(dice.of(&BLANKS));
        }
        text.push_str(if dice.one_in(60) { "a=\"b" } else { dice.of(&ARGS) });
    }
    if dice.one_in(8) {
        text.push_str(dice.of(&BLANKS));
    }
    if dice.one_in(200) {
        text.push_str(&" long=1".repeat(dice.below(260)));
    }
    text
}

/// Arguments to add.
pub(crate) fn values(dice: &mut Dice, name: &str) -> Vec<Value> {
    let forms = ["", "=1", "=10", ".x=a,b:c", "-b=/dev/x@y+z", "_b=1=2"];
    let mut values: Vec<Value> =
        (0..=dice.below(4)).map(|_| Value::new(&format!("{name}{}", dice.of(&forms))).unwrap()).collect();
    if dice.one_in(100) {
        values = (0..100).map(|number| Value::new(&format!("{name}{number}={number}")).unwrap()).collect();
    }
    values
}

fn several(dice: &mut Dice, most: usize, of: &[&str]) -> String {
    (0..dice.below(most + 1)).map(|_| dice.of(of)).collect()
}

/// An entry of `loader/entries`.
pub(crate) fn entry(dice: &mut Dice) -> Vec<u8> {
    const LINES: [&str; 8] = [
        "title Rocky Linux (5.14)\n",
        "linux /vmlinuz-5.14\n",
        "initrd\t/initramfs.img $tuned_initrd\n",
        "# options no\n",
        "grub_class kernel\r\n",
        "\n",
        "x-options-source-tuned a=1\n",
        "optionsx y\n",
    ];
    let mut text = several(dice, 4, &LINES);
    for _ in 0..if dice.one_in(20) { dice.below(3) } else { 1 } {
        let key = dice.of(&["options ", "options ", "options    ", "options\t", " options "]);
        text += &format!("{key}{}{}", line(dice), dice.of(&["\n", "\n", "\n", ""]));
    }
    (text + &several(dice, 3, &LINES)).into_bytes()
}

/// A `/etc/kernel/cmdline`.
pub(crate) fn plain(dice: &mut Dice) -> Vec<u8> {
    let lines = ["# a comment root=no\n", "\n", "  \t\n", "  #\n"];
    let mut text = several(dice, 2, &lines);
    text += dice.of(&["root=/dev/x ", "root=/dev/x ", "", "ro mount.usr=LABEL=u "]);
    text += &line(dice);
    text += dice.of(&["\n", "\n", ""]);
    (text + &several(dice, 1, &lines)).into_bytes()
}

/// A `/etc/default/grub`.
pub(crate) fn shell(dice: &mut Dice) -> Vec<u8> {
    const LINES: [&str; 9] = [
        "GRUB_TIMEOUT=5\n",
        "# GRUB_CMDLINE_LINUX=\"no\"\n",
        "GRUB_CMDLINE_LINUX_DEFAULT=\"a $x\"\n",
        "GRUB_DISTRIBUTOR=`lsb_release -i -s 2> /dev/null || echo Debian`\n",
        "X=\"a\nb\"\n",
        "if [ -f /x ]; then . /x; fi\n",
        "\n",
        "export X='y'\n",
        "for x in /etc/default/grub.d/*.cfg ; do if [ -e \"${x}\" ]; then . \"${x}\"; fi; done\n",
    ];
    let mut text = several(dice, 2, &LINES);
    let value = line(dice);
    let value = if dice.one_in(12) { value } else { value.replace(['"', '$'], "_") };
    let (before, after) = dice.of(&[
        ("", "\n"),
        ("", "\n"),
        ("", "\n"),
        ("", "\n"),
        ("", "\n"),
        ("  ", " # mine\n"),
        ("", ""),
        ("export ", "\n"),
        ("[ -f /x ] && ", "\n"),
        ("", "x\n"),
    ]);
    text += &format!("{before}GRUB_CMDLINE_LINUX=\"{value}\"{after}");
    (text + &several(dice, 2, &LINES)).into_bytes()
}

/// An environment block. The value has room for ours, most of the time.
pub(crate) fn block(dice: &mut Dice) -> Vec<u8> {
    const LINES: [&str; 6] = [
        "saved_entry=0\n",
        "boot_success=1\n",
        "# WARNING: edit this with grub-editenv only\n",
        "xkernelopts=no\n",
        "menu=a\\\nkernelopts=no\n",
        "e=\\\\\n",
    ];
    let mut text = format!("# GRUB Environment Block\n{}", several(dice, 3, &LINES));
    text += &format!("kernelopts={}\n{}", line(dice), several(dice, 3, &LINES));
    if dice.one_in(6) {
        text += &format!("x={}\n", "y".repeat(1024_usize.saturating_sub(text.len() + dice.below(60))));
    }
    as_block(text.as_bytes())
}

/// Filled up to a block's size; what is longer stays so.
pub(crate) fn as_block(text: &[u8]) -> Vec<u8> {
    let mut block = text.to_vec();
    block.resize(block.len().max(1024), b'#');
    block
}

/// A script of GRUB's.
pub(crate) fn script(dice: &mut Dice) -> Vec<u8> {
    const LINES: [&str; 8] = [
        "set oem_id=\"azure\"\n",
        "# set linux_append=\"no\"\n",
        "set linux_console=\"console=ttyS0 $linux_append\"\n",
        "if [ \"$x\" = \"y\" ]; then\n  set x='z'\nfi\n",
        "\n",
        "export linux_append\n",
        "menuentry 'a {' --class b {\n  linux /x\n}\n",
        "set linux_append_more=x; echo \"a;b\"\n",
    ];
    let mut text = several(dice, 4, &LINES);
    let value = line(dice);
    let value = if dice.one_in(12) { value } else { value.replace('"', "'") };
    let (before, after) = dice.of(&[
        ("set ", "\n"),
        ("set ", "\n"),
        ("set ", "\n"),
        ("set ", "\n"),
        ("\tset  ", " # mine\n"),
        ("set ", ""),
        ("if true; then\nset ", "\nfi\n"),
        ("", "\n"),
        ("set ", "x\n"),
    ]);
    text += &format!("{before}linux_append=\"{value}\"{after}");
    for _ in 0..if dice.one_in(20) { 2 } else { dice.below(2) } {
        let value = line(dice).replace('"', "'");
        let before = if dice.one_in(40) { "if true; then " } else { "" };
        text += &format!("\n{before}set linux_append=\"$linux_append x {value}\" # hvtune\n");
    }
    (text + &several(dice, 3, &LINES)).into_bytes()
}

/// Any bytes, or pieces of all formats in any order.
pub(crate) fn bytes(dice: &mut Dice) -> Vec<u8> {
    const PIECES: [&[u8]; 30] = [
        b"\n",
        b"\r\n",
        b" ",
        b"\t",
        b"\"",
        b"'",
        b"\\",
        b"#",
        b"=",
        b"$",
        b"`",
        b";",
        b"{",
        b"}",
        b"--",
        b"\xff",
        b"\xc3\xa4",
        b"\xc2\xa0",
        b"\0",
        b"a=1",
        b"root=x ",
        b"options ",
        b"set ",
        b"linux_append=\"",
        b"GRUB_CMDLINE_LINUX=\"",
        b"+=",
        b"# GRUB Environment Block\n",
        b"kernelopts=",
        b"if ",
        b"fi",
    ];
    let count = dice.below(20);
    if dice.one_in(4) {
        return (0..count * 4).map(|_| u8::try_from(dice.below(256)).unwrap()).collect();
    }
    let start: &[u8] = if dice.one_in(3) { b"# GRUB Environment Block\n" } else { b"" };
    let pieces: Vec<&[u8]> = (0..count).map(|_| dice.of(&PIECES)).collect();
    [start, &pieces.concat()].concat()
}

/// Changes a few bytes.
pub(crate) fn damage(dice: &mut Dice, text: &mut Vec<u8>) {
    for _ in 0..=dice.below(3) {
        if text.is_empty() {
            return;
        }
        let at = dice.below(text.len());
        let byte = dice.of(b"\n\r\t \"'\\#=$`;{}\0\xff-aou");
        match dice.below(3) {
            0 => text[at] = byte,
            1 => text.insert(at, byte),
            _ => drop(text.remove(at)),
        }
    }
}
