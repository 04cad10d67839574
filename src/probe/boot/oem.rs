//! Flatcar's command line, as far as files of the root have it: what the OEM's part of GRUB's script gives the
//! variable that ends it. What stands before it in Flatcar's own menu has no key of ours
//! (<https://github.com/flatcar/scripts/blob/main/build_library/grub.cfg>).

use crate::facts::{Attribute, Boot, BootArg, BootLine, Holds, LineKind};
use crate::stacks::OEM_VARIABLE;
use crate::stores::place::OEM;
use crate::stores::{Store, grubset};

use super::Look;
use super::arguments::plain;
use super::stores::{marked, place_of_ours};

/// Reads it into the boot facts.
pub(super) fn read(look: &mut Look<'_>, boot: &mut Boot) {
    let text = match look.read(OEM) {
        Attribute::Is(text) => text,
        Attribute::Absent => {
            return boot.doubts.push(format!(
                "{OEM} is not there: the OEM partition may not be mounted, and gives the menu its arguments"
            ));
        }
        Attribute::Unknown => return boot.doubts.push(format!("{OEM} could not be read")),
    };
    let text = marked(look, OEM, Store::GrubSet(OEM_VARIABLE)).unwrap_or(text);
    let Some(settings) = grubset::settings(&text, OEM_VARIABLE) else {
        return boot.doubts.push(format!("{OEM} is not understood: a quote or a line is not closed"));
    };
    let mut args: Vec<BootArg> = Vec::new();
    for setting in settings {
        let Some(value) = setting.value.filter(|_| !setting.conditional) else {
            let line = setting.line;
            boot.doubts.push(format!("{OEM}:{line} may set {OEM_VARIABLE}, or not: only GRUB can tell"));
            continue;
        };
        args = carried_on(&args, plain(OEM, setting.line, &value));
    }
    let ours_at = place_of_ours(&mut args);
    let entry = "Flatcar".to_owned();
    boot.lines.push(BootLine { path: OEM.to_owned(), line: 1, entry, kind: LineKind::Entry, args, ours_at });
}

/// A value in which the variable itself stands for what it held before.
fn carried_on(before: &[BootArg], now: Vec<BootArg>) -> Vec<BootArg> {
    let mut args = Vec::new();
    for arg in now {
        match arg.text.as_deref() {
            Some("$linux_append" | "${linux_append}") => args.extend(before.iter().cloned()),
            Some(text) if text.contains('$') => {
                let holds = Holds::Maybe(format!("{text} is a variable of GRUB's"));
                args.push(BootArg { text: None, holds, ..arg });
            }
            _ => args.push(arg),
        }
    }
    args
}
