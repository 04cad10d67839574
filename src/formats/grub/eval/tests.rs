//! Files of distributions and people, and what a shell and GRUB make of them.

use super::*;
use crate::formats::boot_line::{BootArg, Holds};

/// `source:arg` for each argument, `?` before what may be, `!` before what is gone, `<ours>` where our
/// own stand (with `!` where they are gone); then the doubts.
fn flat(files: &Files) -> Vec<String> {
    let outcome = evaluate(files);
    let Configured { args, ours_at, ours, doubts, .. } = outcome.configured;
    let mut found: Vec<String> = args.iter().map(shown).collect();
    let own = match ours {
        Holds::Yes => "<ours>",
        Holds::Maybe(_) => "?<ours>",
        Holds::No(_) => "!<ours>",
    };
    if ours_at < found.len() || !matches!(ours, Holds::No(_)) {
        found.insert(ours_at, own.to_owned());
    }
    found.extend(outcome.wanted.into_iter().map(|path| format!("wants {path}")));
    found.extend(doubts.into_iter().map(|doubt| format!("doubt: {doubt}")));
    found
}

fn shown(arg: &BootArg) -> String {
    let mark = match arg.holds {
        Holds::Yes => "",
        Holds::Maybe(_) => "?",
        Holds::No(_) => "!",
    };
    let late = if arg.after_ours { "+" } else { "" };
    format!("{mark}{}{late}:{} {}", arg.path, arg.line, arg.text.as_deref().unwrap_or("*"))
}

/// Files in the order of sourcing; `o` is the place of ours.
fn files(texts: &[(&str, &str)]) -> Files {
    let path = |name: &str| if name == "o" { "ours".to_owned() } else { name.to_owned() };
    Files {
        first: texts.iter().map(|(name, _)| path(name)).collect(),
        texts: texts
            .iter()
            .filter(|(name, _)| *name != "o")
            .map(|(name, text)| (path(name), Attribute::Is((*text).to_owned())))
            .collect(),
        ours: "ours".to_owned(),
        shell: Shell::Bash,
        ..Files::default()
    }
}

fn one(text: &str) -> Vec<String> {
    flat(&files(&[("a", text)])).into_iter().map(|arg| arg.replacen("+:", ":", 1)).collect()
}

#[test]
fn files_of_distributions_are_read() {
    for (text, expected) in [
        (
            "GRUB_DEFAULT=0\nGRUB_DISTRIBUTOR=`lsb_release -i -s 2> /dev/null || echo Debian`\n\
             GRUB_CMDLINE_LINUX_DEFAULT=\"quiet splash\"\nGRUB_CMDLINE_LINUX=\"\"\n",
            &["a:3 quiet", "a:3 splash"][..],
        ),
        (
            "# don't\nGRUB_CMDLINE_LINUX_DEFAULT=\"console=tty1  console=ttyS0\" # it's Azure\nGRUB_CMDLINE_LINUX=rootdelay=300",
            &["a:3 rootdelay=300", "a:2 console=tty1", "a:2 console=ttyS0"],
        ),
        (
            "GRUB_DISTRIBUTOR=\"Linux for Azure\"\nGRUB_CMDLINE_LINUX=\"elevator=noop\"\n",
            &["a:2 elevator=noop"],
        ),
        (
            "GRUB_CMDLINE_LINUX=\"elevator=noop\"\nGRUB_CMDLINE_LINUX_DEFAULT=\"${GRUB_CMDLINE_LINUX} quiet\"\n",
            &["a:1 elevator=noop", "a:1 elevator=noop", "a:2 quiet"],
        ),
        (
            "GRUB_CMDLINE_LINUX='elevator=noop dyndbg=\"file x +p\"'\nexport GRUB_CMDLINE_LINUX+=\" a\"\n",
            &["a:1 elevator=noop", "a:1 \"dyndbg=file x +p\"", "a:2 a"],
        ),
        (
            "GRUB_CMDLINE_LINUX_DEFAULT=quiet\n\
             GRUB_CMDLINE_LINUX_DEFAULT=\"${GRUB_CMDLINE_LINUX_DEFAULT:+$GRUB_CMDLINE_LINUX_DEFAULT }\\$tuned_params\"\n",
            &["a:1 quiet"],
        ),
        ("GRUB_CMDLINE_LINUX=\"ro \\$serial\"\n", &["a:1 ro", "?a:1 *"]),
        ("GRUB_CMDLINE_LINUX=\"a \\\n  b\"\nGRUB_CMDLINE_LINUX_DEFAULT=d", &["a:1 a", "a:1 b", "a:3 d"]),
        ("GRUB_CMDLINE_LINUX=b\nGRUB_CMDLINE_LINUX=\"pre ${GRUB_CMDLINE_LINUX}\"", &["a:2 pre", "a:1 b"]),
        ("GRUB_CMDLINE_LINUX_DEFAULT=\"quiet elevator=noop\"\r\n", &["a:1 quiet", "a:1 elevator=noop"]),
        ("GRUB_CMDLINE_LINUX=a\nGRUB_CMDLINE_LINUX=b\nunset GRUB_CMDLINE_LINUX\n", &["!a:1 a", "!a:2 b"]),
        (": ${GRUB_CMDLINE_LINUX:=a}\n: ${GRUB_CMDLINE_LINUX:=b}\n", &["a:1 a"]),
        ("X=elevator=noop\nf() { GRUB_CMDLINE_LINUX=\"$X $1\"; }\nf\n", &["a:1 elevator=noop", "?a:2 *"]),
        ("GRUB_CMDLINE_LINUX=\"a -- b\"\n", &["a:1 a", "a:1 --", "!a:1 b"]),
        ("GRUB_CMDLINE_LINUX=\"a\n b\"\n", &["a:1 a", "?a:1 b"]),
        (
            "GRUB_CMDLINE_LINUX_RECOVERY=single\n#GRUB_CMDLINE_LINUX=a\nX=$GRUB_CMDLINE_LINUX\n(GRUB_CMDLINE_LINUX=x)\n",
            &[],
        ),
        ("return\nGRUB_CMDLINE_LINUX=a\n", &[]),
    ] {
        assert_eq!(one(text), expected, "{text}");
    }
}

#[test]
fn what_only_a_shell_can_tell_is_not_guessed() {
    for (text, expected) in [
        ("GRUB_CMDLINE_LINUX=\"a $(cat /x)\"\n", &["a:1 a", "?a:1 *"][..]),
        ("GRUB_CMDLINE_LINUX=b\nGRUB_CMDLINE_LINUX=\"`cat /x`\"\n", &["?a:1 b", "?a:2 *"]),
        ("GRUB_CMDLINE_LINUX=\"a $OTHER\"\n", &["a:1 a", "?a:1 *"]),
        ("GRUB_CMDLINE_LINUX=a update-x\n", &[]),
        ("GRUB_CMDLINE_LINUX=b\n[ -d /x ] && GRUB_CMDLINE_LINUX=\"a\"\n", &["?a:1 b", "?a:2 a"]),
        ("GRUB_CMDLINE_LINUX=b\nif [ -d /x ]; then GRUB_CMDLINE_LINUX+=\" a\"; fi\n", &["a:1 b", "?a:2 a"]),
        ("if [ -d /x ]; then GRUB_CMDLINE_LINUX=a; fi\nGRUB_CMDLINE_LINUX=b\n", &["!a:1 a", "a:2 b"]),
        ("[ -d /x ] || return\nGRUB_CMDLINE_LINUX=b\n", &["?a:2 b"]),
        ("read GRUB_CMDLINE_LINUX\n", &["?a:1 *"]),
        (". /etc/site\nGRUB_CMDLINE_LINUX=b\n", &["a:2 b", "wants etc/site"]),
        (". $HERE/site\n", &["doubt: a:1 sources a file that only a shell can name"]),
        ("eval x\n", &["doubt: a:1 runs eval, which may set anything"]),
        (
            "GRUB_CMDLINE_LINUX=a\nGRUB_CMDLINE_LINUX_DEFAULT=\"open\n",
            &["a:1 a", "doubt: a:2 has a quote that never ends: grub-mkconfig fails there and makes no menu"],
        ),
        (
            "readonly GRUB_CMDLINE_LINUX=a\nGRUB_CMDLINE_LINUX=b\n",
            &[
                "a:1 a",
                "doubt: a:2 assigns GRUB_CMDLINE_LINUX, which is read-only: grub-mkconfig fails there and makes no menu",
            ],
        ),
    ] {
        assert_eq!(one(text), expected, "{text}");
    }
}

#[test]
fn our_place_among_the_files_is_known() {
    let base = ("a", "GRUB_CMDLINE_LINUX_DEFAULT=quiet\nGRUB_CMDLINE_LINUX=elevator=noop\n");
    for (late, expected) in [
        ("", &["a:2 elevator=noop", "a:1 quiet", "<ours>"][..]),
        (
            "GRUB_CMDLINE_LINUX_DEFAULT=\"$GRUB_CMDLINE_LINUX_DEFAULT crashkernel=1M\"\n",
            &["a:2 elevator=noop", "a:1 quiet", "<ours>", "z+:1 crashkernel=1M"],
        ),
        (
            "GRUB_CMDLINE_LINUX_DEFAULT=\"first $GRUB_CMDLINE_LINUX_DEFAULT\"\n",
            &["a:2 elevator=noop", "z+:1 first", "a:1 quiet", "<ours>"],
        ),
        ("GRUB_CMDLINE_LINUX_DEFAULT=late\n", &["!a:1 quiet", "a:2 elevator=noop", "z+:1 late"]),
        ("unset GRUB_CMDLINE_LINUX_DEFAULT\n", &["!a:1 quiet", "a:2 elevator=noop"]),
        (
            "[ -d /x ] && GRUB_CMDLINE_LINUX_DEFAULT=late\n",
            &["a:2 elevator=noop", "?a:1 quiet", "?<ours>", "?z+:1 late"],
        ),
        (
            "GRUB_CMDLINE_LINUX=\"$GRUB_CMDLINE_LINUX elevator=noop\"\n",
            &["a:2 elevator=noop", "z+:1 elevator=noop", "a:1 quiet", "<ours>"],
        ),
        (
            "GRUB_CMDLINE_LINUX_DEFAULT=$(echo \"$GRUB_CMDLINE_LINUX_DEFAULT\")\n",
            &["a:2 elevator=noop", "?a:1 quiet", "?<ours>", "?z+:1 *"],
        ),
    ] {
        assert_eq!(flat(&files(&[base, ("o", ""), ("z", late)])), expected, "{late}");
    }
    let hidden = ("a", "MORE=\"elevator=noop\"\n");
    let late = ("z", "GRUB_CMDLINE_LINUX=\"$MORE\"\n");
    assert_eq!(flat(&files(&[hidden, ("o", ""), late])), ["a+:1 elevator=noop", "<ours>"]);
    let ended = ("a", "GRUB_CMDLINE_LINUX=\"a --\"\n");
    assert!(matches!(evaluate(&files(&[ended, ("o", "")])).configured.ours, Holds::No(_)));
}

#[test]
fn the_loop_of_azure_linux_runs_over_the_fragments() {
    let base = "GRUB_CMDLINE_LINUX_DEFAULT=\"quiet \\$kernelopts\"\n\
                for x in /etc/default/grub.d/*.cfg ; do\n  if [ -e \"${x}\" ]; then\n    . \"${x}\"\n  fi\ndone\n\
                GRUB_CMDLINE_LINUX=\"end\"\n";
    let fragment = "GRUB_CMDLINE_LINUX_DEFAULT=\"$GRUB_CMDLINE_LINUX_DEFAULT b\"\n";
    let mut files = files(&[("a", base)]);
    files.texts.insert("etc/default/grub.d/10.cfg".to_owned(), Attribute::Is(fragment.to_owned()));
    files.fragments = vec!["etc/default/grub.d/10.cfg".to_owned(), "ours".to_owned()];
    let grubenv =
        GrubVariable { text: Some("k=1 l".to_owned()), path: "env".to_owned(), line: 3, maybe: None };
    files.variables.insert("kernelopts".to_owned(), grubenv);
    assert_eq!(
        flat(&files),
        ["a+:7 end", "a:1 quiet", "env:3 k=1", "env:3 l", "etc/default/grub.d/10.cfg:1 b", "<ours>"]
    );
}

#[test]
fn dash_does_not_know_what_only_bash_knows() {
    let mut files = files(&[("a", "GRUB_CMDLINE_LINUX=a\nGRUB_CMDLINE_LINUX+=b\n")]);
    files.shell = Shell::Dash;
    let found = flat(&files);
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found[1].contains("a:2 says +="), "{found:?}");
    files.shell = Shell::Other;
    assert_eq!(flat(&files), ["?a+:1 ab"]);
}

#[test]
fn nothing_goes_on_without_end() {
    let double = format!("X=aaaaaaaa\n{}", "X=\"$X$X\"\n".repeat(64));
    assert!(!evaluate(&files(&[("a", &double)])).configured.doubts.is_empty());
    let rounds = "for a in 1 2 3 4 5 6 7 8; do ".repeat(12) + "X=1" + &"; done".repeat(12);
    assert!(!evaluate(&files(&[("a", &rounds)])).configured.doubts.is_empty());
    assert!(!evaluate(&files(&[("a", "f() { f; }\nf\n. /a\n")])).configured.doubts.is_empty());
}
