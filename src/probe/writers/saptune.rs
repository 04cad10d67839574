//! saptune: the notes that it applies at boot.

use crate::facts::{Note, Saptune};
use crate::formats::programs::assignment::{Assigned, last};
use crate::formats::saptune::{self, Setting};

use super::reader::Reader;
use super::units;

/// Reads it, where saptune is installed. What it applies, and in which order, stands in `NOTE_APPLY_ORDER`; a note
/// is the administrator's own or that of the working area, and an override replaces single values
/// (<https://github.com/SUSE/saptune/blob/main/ospackage/man/saptune-note.5>).
pub(super) fn read(reader: &mut Reader<'_>) -> Option<Saptune> {
    if !reader.any(&["usr/sbin/saptune", "etc/sysconfig/saptune"]) {
        return None;
    }
    let conf = reader.text("saptune", "etc/sysconfig/saptune").unwrap_or_default();
    let keys = ["NOTE_APPLY_ORDER", "TUNE_FOR_NOTES"];
    let values = keys.iter().filter_map(|key| last(&conf, key).map(|(_, value)| value));
    let order = match values.into_iter().find(|value| *value != Assigned::Value(String::new())) {
        Some(Assigned::Value(order)) => order,
        Some(Assigned::Open) => {
            reader.open(
                "saptune",
                "etc/sysconfig/saptune",
                "only a shell can tell the notes that it applies",
            );
            String::new()
        }
        None => String::new(),
    };
    let notes = order.split_whitespace().filter_map(|id| note(reader, id)).collect();
    Some(Saptune { service: units::state(reader.root, reader.listed, "saptune.service"), notes })
}

fn note(reader: &mut Reader<'_>, id: &str) -> Option<Note> {
    if id.contains('/') {
        return None;
    }
    let paths = [
        format!("etc/saptune/extra/{id}.conf"),
        format!("var/lib/saptune/working/notes/{id}"),
        format!("usr/share/saptune/notes/{id}"),
    ];
    let mut found = None;
    for path in paths {
        if let Some(text) = reader.text("saptune", &path) {
            found = Some((path, text));
            break;
        }
    }
    let (path, text) = found?;
    let mut settings = saptune::read(&text);
    if let Some(text) = reader.text("saptune", &format!("etc/saptune/override/{id}")) {
        overridden(&mut settings, saptune::read(&text));
    }
    settings.retain(|setting| !setting.value.is_empty());
    Some(Note { id: id.to_owned(), path, settings })
}

fn overridden(settings: &mut [Setting], overrides: Vec<Setting>) {
    for other in overrides {
        let same = |setting: &&mut Setting| setting.section == other.section && setting.key == other.key;
        for setting in settings.iter_mut().filter(same) {
            setting.value.clone_from(&other.value);
            setting.operator.clone_from(&other.operator);
        }
    }
}
