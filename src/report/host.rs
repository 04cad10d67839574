//! What the host must be given.

use super::screen::Screen;
use super::text::{Cell, Text};
use crate::host::{Amount, NOTES, SETTINGS, SOURCES, Setting, WHY};

pub(super) const TITLE: &str = "What the host must be given to hold a stall as long as the guest";

/// What has to be changed for a budget, each with its default and its least: the defaults that do are left
/// out.
pub(super) fn short_rows(settings: &[Setting], budget: u64) -> Vec<Vec<String>> {
    let short = settings.iter().filter(|setting| !setting.default_does(budget));
    let row = |setting: &Setting| {
        let (storage, name) = (setting.storage.to_owned(), setting.name.to_owned());
        vec![storage, name, setting.default.text(), setting.least(budget).text()]
    };
    short.map(row).collect()
}

/// The same as a section of text.
pub(super) fn section(settings: &[Setting], budget: u64, text: &mut Text) {
    if settings.is_empty() {
        return;
    }
    text.heading(&format!("What the host must be given for {budget} s (hvtune explain host)"));
    let rows = short_rows(settings, budget).into_iter();
    let rows: Vec<Vec<Cell>> = rows.map(|row| row.into_iter().map(Cell::from).collect()).collect();
    text.table(&["BELOW THE VHDX", "SETTING", "DEFAULT", "AT LEAST"], &rows, 2);
}

pub(super) fn explain_text(budget: u64) -> String {
    let mut text = Text::new(Screen::of_stdout());
    text.para("host", 0);
    text.para(TITLE, 2);
    text.heading("Why");
    text.para(WHY, 2);
    text.heading(&format!("For {budget} s; leave alone what is larger"));
    for setting in SETTINGS {
        let (least, default) = (setting.least(budget).text(), setting.default.text());
        let must = if let Amount::Word(_) = setting.default { "" } else { "at least " };
        let does = if setting.default_does(budget) { ", which does" } else { "" };
        let what = format!("{}, {}: {must}{least} (default {default}{does})", setting.storage, setting.name);
        text.para(&what, 2);
        // A command with the least would lower a default that does.
        if !setting.default_does(budget) {
            let value = least.split(' ').next().unwrap_or_default();
            text.para(&format!("{} {value}", setting.how), 6);
        }
    }
    text.heading("To be known");
    for note in NOTES {
        text.para(note, 2);
    }
    text.heading("Sources");
    for source in SOURCES {
        text.para(source.title, 2);
        text.para(source.url, 4);
    }
    text.into_string()
}
