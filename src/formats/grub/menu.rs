//! The command lines of a `grub.cfg`, and of BLS entries as GRUB reads them.

use crate::formats::boot_line::{BootArg, BootLine, Holds, LineKind};
use crate::order::Named;

use super::eval::{Expanding, GrubVariable, Source, argument};
use super::words::{cells, words};

/// Commands that load a Linux kernel.
const LINUX: &[&str] = &["linux", "linux16", "linuxefi"];

/// The ordinary entries of a menu: recovery entries, other systems and memory tests left out.
/// `known`: variables of the environment block.
pub fn menu_lines(path: &str, text: &str, known: &Named<GrubVariable>) -> Vec<BootLine> {
    let mut variables = set_in(path, text);
    variables.extend(known.iter().map(|(name, variable)| (name.clone(), variable.clone())));
    let (mut title, mut other) = (String::new(), false);
    let mut lines = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.trim();
        if let Some(script) = line.strip_prefix("### BEGIN ") {
            other = script.contains("os-prober");
        } else if let Some(rest) = line.strip_prefix("menuentry ") {
            title = plain(rest).into_iter().next().unwrap_or_default();
        }
        let Some((command, rest)) = line.split_once([' ', '\t']) else { continue };
        if !LINUX.contains(&command) || other || is_rescue(&title) {
            continue;
        }
        let mut args = args_of(path, number, rest, &variables, true);
        if args.is_empty() || !loads_linux(&args.remove(0)) {
            continue;
        }
        lines.push(BootLine {
            path: path.to_owned(),
            line: number,
            entry: title.clone(),
            kind: LineKind::Menu,
            args,
            ours_at: None,
        });
    }
    lines
}

/// Whether the menu takes its entries from `loader/entries`.
pub fn takes_bls(text: &str) -> bool {
    text.lines().any(|line| line.trim().split([' ', '\t']).next() == Some("blscfg"))
}

/// Whether a title is that of an entry that nobody boots in earnest.
pub fn is_rescue(title: &str) -> bool {
    let title = title.to_ascii_lowercase();
    ["recovery", "rescue"].iter().any(|word| title.contains(word))
}

/// Whether what is loaded is a kernel of Linux's, by its name.
fn loads_linux(file: &BootArg) -> bool {
    let name = file.text.as_deref().unwrap_or_default();
    !name.contains("memtest")
}

/// What a menu's own `set` commands may give its variables, the last one first to count.
pub fn set_in(path: &str, text: &str) -> Named<GrubVariable> {
    let mut variables: Named<GrubVariable> = Named::new();
    for (number, line) in (1..).zip(text.lines()) {
        let Some(rest) = line.trim().strip_prefix("set ") else { continue };
        let Some((name, value)) = rest.split_once('=') else { continue };
        let literal = !value.contains('$');
        let text = literal.then(|| plain(value).into_iter().next().unwrap_or_default());
        // Another value before it: one of them holds.
        let maybe = format!("{path}:{number} may set {name} or not");
        let found = GrubVariable { text, path: path.to_owned(), line: number, maybe: Some(maybe) };
        let before = variables.insert(name.to_owned(), found);
        if let (Some(before), Some(now)) = (before, variables.get_mut(name))
            && before.text != now.text
        {
            let both = before.text.zip(now.text.take());
            now.text = both.map(|(one, two)| format!("{one} {two}"));
        }
    }
    variables
}

/// The words of a command without variables.
fn plain(text: &str) -> Vec<String> {
    let known = Named::new();
    let mut sources = vec![Source::default()];
    let found = words(
        &cells(text, 0).collect::<Vec<_>>(),
        &mut Expanding { known: &known, sources: &mut sources, complete: true },
    );
    found.into_iter().map(|word| word.cells.iter().map(|cell| cell.c).collect()).collect()
}

/// The arguments of a command line that GRUB reads. `complete`: a variable that is not known is set by nobody.
pub fn args_of(
    path: &str,
    line: u32,
    text: &str,
    known: &Named<GrubVariable>,
    complete: bool,
) -> Vec<BootArg> {
    let mut sources = vec![Source { path: path.to_owned(), line, maybe: None, before_ours: false }];
    let said: Vec<_> = cells(text, 0).collect();
    let found = words(&said, &mut Expanding { known, sources: &mut sources, complete });
    let mut args: Vec<BootArg> = Vec::new();
    let mut ended = None;
    for word in &found {
        let arg = argument(word, &sources);
        let holds = ended.clone().map_or_else(|| arg.holds.clone(), Holds::No);
        if arg.text.as_deref() == Some("--") && arg.holds == Holds::Yes {
            ended.get_or_insert(format!("{path}:{line} has --, behind which arguments are init's"));
        }
        args.push(BootArg { holds, ..arg });
    }
    args
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Title, line and arguments; `?` before what may be.
    fn flat(lines: &[BootLine]) -> Vec<String> {
        lines.iter().map(|line| format!("{}:{} {}", line.entry, line.line, args(&line.args))).collect()
    }

    fn args(args: &[BootArg]) -> String {
        let arg = |arg: &BootArg| {
            let maybe = match arg.holds {
                Holds::Yes => "",
                Holds::Maybe(_) => "?",
                Holds::No(_) => "!",
            };
            format!("{maybe}{}", arg.text.as_deref().unwrap_or("*"))
        };
        args.iter().map(arg).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn ordinary_entries_of_a_menu_are_read() {
        let menu = "\
if [ x = y ]; then\n  set vt_handoff=vt.handoff=7\nelse\n  set vt_handoff=\nfi\n\
### BEGIN /etc/grub.d/10_linux ###\n\
menuentry 'Ubuntu' --class os {\n\tlinux\t/boot/vmlinuz-6.8 root=UUID=x ro  quiet splash $vt_handoff\n\tinitrd /x\n}\n\
submenu 'Advanced options' {\n\
\tmenuentry 'Ubuntu, with Linux 6.8' --class os {\n\t\tlinux16\t/boot/vmlinuz-6.8 root=UUID=x ro \"dyndbg=file x +p\"\n\t}\n\
\tmenuentry 'Ubuntu, with Linux 6.8 (recovery mode)' {\n\t\tlinux\t/boot/vmlinuz-6.8 ro recovery\n\t}\n}\n\
menuentry 'Memory test' {\n\tlinux16\t/boot/memtest86+x64.bin\n}\n\
### BEGIN /etc/grub.d/30_os-prober ###\n\
menuentry 'Other' {\n\tlinux\t/boot/vmlinuz-5 root=UUID=y\n}\n";
        assert_eq!(
            flat(&menu_lines("boot/grub/grub.cfg", menu, &Named::new())),
            [
                "Ubuntu:8 root=UUID=x ro quiet splash ?vt.handoff=7",
                "Ubuntu, with Linux 6.8:13 root=UUID=x ro \"dyndbg=file x +p\"",
            ]
        );
        assert!(!takes_bls(menu) && takes_bls("insmod blscfg\nblscfg\n"));
    }

    #[test]
    fn the_environment_block_fills_in_what_it_holds() {
        let kernelopts = GrubVariable {
            text: Some("console=ttyS0 panic=10".to_owned()),
            path: "boot/grub2/grubenv".to_owned(),
            line: 3,
            maybe: None,
        };
        let known = Named::from([("kernelopts".to_owned(), kernelopts)]);
        let menu = "linux /boot/$mariner_linux rd.auto=1 root=$rootdevice $kernelopts -- x\n";
        let lines = menu_lines("boot/grub2/grub.cfg", menu, &known);
        assert_eq!(flat(&lines), [":1 rd.auto=1 root= console=ttyS0 panic=10 -- !x"]);
        let panic = lines[0].args.iter().find(|arg| arg.text.as_deref() == Some("panic=10")).unwrap();
        assert_eq!((panic.path.as_str(), panic.line), ("boot/grub2/grubenv", 3));
        assert_eq!(args(&args_of("a", 1, "ro $tuned_params $other", &Named::new(), false)), "ro ?*");
    }
}
