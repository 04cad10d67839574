//! Which file holds a command line in which format, and how the record names an argument of ours there.

use super::Store;
use crate::formats::edit::Owned;
use crate::value::Value;

/// What grub-mkconfig sources.
pub const DEFAULTS: &str = "etc/default/grub";
/// What kernel-install gives a new kernel.
pub const KERNEL_CMDLINE: &str = "etc/kernel/cmdline";
/// Flatcar's own part of GRUB's script.
pub const OEM: &str = "oem/grub.cfg";

/// Where the ESP, or the boot partition beside it, is mounted; trailing slash included.
pub const ESPS: [&str; 3] = ["boot/efi/", "efi/", "boot/"];

/// Directories of boot entries.
const ENTRIES: &[&str] = &["boot/loader/entries/", "efi/loader/entries/", "boot/efi/loader/entries/"];
/// Variables that hold arguments.
const VARIABLES: &[(&str, Store<'static>)] = &[
    ("GRUB_CMDLINE_LINUX", Store::Shell("GRUB_CMDLINE_LINUX")),
    ("GRUB_CMDLINE_LINUX_DEFAULT", Store::Shell("GRUB_CMDLINE_LINUX_DEFAULT")),
    ("kernelopts", Store::Grubenv("kernelopts")),
    ("linux_append", Store::GrubSet("linux_append")),
];

/// What a file of this path is read by.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reader {
    /// The whole file is one command line, or an entry with one.
    Alone(Store<'static>),
    Shell,
    Grubenv,
    GrubSet,
}

/// Whether a path is that of a file in which arguments are put on a command line.
pub fn is_store(path: &str) -> bool {
    reader(path).is_some()
}

fn reader(path: &str) -> Option<Reader> {
    if ENTRIES.iter().any(|dir| path.strip_prefix(dir).is_some_and(is_entry)) {
        return Some(Reader::Alone(Store::Bls));
    }
    match path {
        KERNEL_CMDLINE => Some(Reader::Alone(Store::Plain)),
        DEFAULTS => Some(Reader::Shell),
        OEM => Some(Reader::GrubSet),
        "boot/grub2/grubenv" | "boot/grub/grubenv" => Some(Reader::Grubenv),
        // Where it is a link to the ESP.
        _ => {
            let vendor = path.strip_prefix("boot/efi/EFI/")?.strip_suffix("/grubenv")?;
            is_plain(vendor).then_some(Reader::Grubenv)
        }
    }
}

fn is_entry(name: &str) -> bool {
    name.strip_suffix(".conf").is_some_and(is_plain)
}

/// A name that leads nowhere else, is no staged file of ours, and breaks no line of the journal.
fn is_plain(name: &str) -> bool {
    !name.is_empty() && !name.starts_with('.') && !name.contains(['/', '\n'])
}

/// An argument as the record names it: behind the variable's name, where the file has several.
pub fn recorded(store: Store<'_>, arg: &Value) -> String {
    match store {
        Store::Bls | Store::Plain => arg.to_string(),
        Store::Shell(name) | Store::Grubenv(name) | Store::GrubSet(name) => format!("{name}={arg}"),
    }
}

/// The format and the argument of such a line; `None` for what we never record.
pub fn named(path: &str, line: &str) -> Option<(Store<'static>, Value)> {
    let of_variable = |fits: fn(&Store<'_>) -> bool| {
        let (name, arg) = line.split_once('=')?;
        let (_, store) = VARIABLES.iter().find(|(other, store)| *other == name && fits(store))?;
        Some((*store, arg))
    };
    let (store, arg) = match reader(path)? {
        Reader::Alone(store) => (store, line),
        Reader::Shell => of_variable(|store| matches!(store, Store::Shell(_)))?,
        Reader::Grubenv => of_variable(|store| matches!(store, Store::Grubenv(_)))?,
        Reader::GrubSet => of_variable(|store| matches!(store, Store::GrubSet(_)))?,
    };
    Some((store, Value::new(arg).ok()?))
}

/// Whether an entry of the record is one of these: whatever it says, nothing but an argument is ever
/// taken out. `was`: it was there before us, and is not ours.
pub fn is_recorded(entry: &Owned) -> bool {
    named(&entry.path, &entry.ours).is_some() && entry.was.as_ref().is_none_or(|was| *was == entry.ours)
}

/// The arguments in a file that are ours. One that came after the record, as the entry of a new kernel,
/// has them from where we put them.
pub fn ours(path: &str, record: &[Owned]) -> Vec<(Store<'static>, Value)> {
    let rows: Vec<&Owned> = record.iter().filter(|entry| entry.path == path).collect();
    if !rows.is_empty() {
        let ours = rows.iter().filter(|entry| entry.was.is_none());
        return ours.filter_map(|entry| named(path, &entry.ours)).collect();
    }
    let Some(Reader::Alone(store)) = reader(path) else { return Vec::new() };
    let mut found: Vec<(Store<'static>, Value)> = Vec::new();
    for entry in record.iter().filter(|entry| entry.was.is_none()) {
        if let Some((_, arg)) = named(&entry.path, &entry.ours)
            && !found.iter().any(|(_, other)| *other == arg)
        {
            found.push((store, arg));
        }
    }
    found
}

/// A file's bytes as they would be without us. Where it can no longer be read as a store, they stay.
pub fn without_ours(path: &str, text: Vec<u8>, record: &[Owned]) -> Vec<u8> {
    let mut text = text;
    for (store, arg) in ours(path, record) {
        if let Ok(edited) = store.remove(&text, std::slice::from_ref(&arg)) {
            text = edited.text;
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(path: &str, ours: &str) -> Owned {
        Owned { path: path.to_owned(), ours: ours.to_owned(), was: None }
    }

    #[test]
    fn only_arguments_in_files_that_hold_some_are_recorded() {
        for (path, line) in [
            ("boot/loader/entries/a-6.1.conf", "nvme_core.io_timeout=240"),
            ("efi/loader/entries/a.conf", "quiet"),
            ("etc/kernel/cmdline", "panic=10"),
            ("etc/default/grub", "GRUB_CMDLINE_LINUX=panic=10"),
            ("etc/default/grub", "GRUB_CMDLINE_LINUX_DEFAULT=panic=10"),
            ("boot/grub2/grubenv", "kernelopts=panic=10"),
            ("boot/efi/EFI/redhat/grubenv", "kernelopts=panic"),
            ("oem/grub.cfg", "linux_append=panic=10"),
        ] {
            assert!(is_store(path) && is_recorded(&row(path, line)), "{path} {line}");
            let (store, arg) = named(path, line).unwrap();
            assert_eq!(recorded(store, &arg), line);
        }
        for (path, line) in [
            ("etc/shadow", "a=1"),
            ("boot/loader/entries/../../../etc/shadow.conf", "a=1"),
            ("boot/loader/entries/.a.conf", "a=1"),
            ("boot/loader/entries/a\nb.conf", "a=1"),
            ("boot/efi/EFI/a/b/grubenv", "kernelopts=a=1"),
            ("boot/efi/EFI/../grubenv", "kernelopts=a=1"),
            ("etc/default/grub", "GRUB_TIMEOUT=5"),
            ("etc/default/grub", "kernelopts=a=1"),
            ("boot/grub2/grubenv", "saved_entry=0"),
            ("etc/kernel/cmdline", "a=1 b=2"),
            ("etc/kernel/cmdline", "a=\"b\""),
        ] {
            assert!(!is_recorded(&row(path, line)), "{path} {line}");
        }
    }

    #[test]
    fn a_new_kernels_entry_has_ours_from_where_we_put_them() {
        let mut theirs = row("boot/loader/entries/old.conf", "panic=10");
        theirs.was = Some("panic=10".to_owned());
        let record =
            [row("boot/grub2/grubenv", "kernelopts=panic=10"), theirs, row("etc/kernel/cmdline", "b")];
        let args = |path: &str| {
            let ours = ours(path, &record).into_iter();
            ours.map(|(_, arg)| arg.to_string()).collect::<Vec<_>>()
        };
        assert_eq!(args("boot/loader/entries/new.conf"), ["panic=10", "b"]);
        assert!(args("boot/loader/entries/old.conf").is_empty());
        assert!(args("etc/default/grub").is_empty());
        let text = b"options root=/dev/x panic=10 quiet b\n".to_vec();
        let without = without_ours("boot/loader/entries/new.conf", text.clone(), &record);
        assert_eq!(without, b"options root=/dev/x quiet\n");
        assert_eq!(without_ours("boot/loader/entries/old.conf", text.clone(), &record), text);
    }
}
