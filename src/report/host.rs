//! What the host must be given.

use serde_json::{Value as Json, json};

use super::SCHEMA;
use super::text::{heading, table, wrapped};
use crate::host::{Amount, NOTES, SETTINGS, SOURCES, Setting, WHY};

const TITLE: &str = "What the host must be given to hold a stall as long as the guest";

fn amount(amount: Amount) -> Json {
    match amount {
        Amount::Seconds(seconds) => json!({"value": seconds, "unit": "s"}),
        Amount::Minutes(minutes) => json!({"value": minutes, "unit": "min"}),
        Amount::Word(word) => json!({"value": word, "unit": null}),
    }
}

pub(super) fn rows_json(settings: &[Setting], budget: u64) -> Vec<Json> {
    let row = |setting: &Setting| {
        json!({
            "storage": setting.storage,
            "setting": setting.name,
            "how": setting.how,
            "default": amount(setting.default),
            "least": amount(setting.least(budget)),
        })
    };
    settings.iter().map(row).collect()
}

/// What has to be changed for a budget: the defaults that do are left out.
pub(super) fn section(settings: &[Setting], budget: u64, text: &mut String) {
    let short = settings.iter().filter(|setting| !setting.default_does(budget));
    let rows: Vec<Vec<String>> = short
        .map(|setting| {
            let (storage, name) = (setting.storage.to_owned(), setting.name.to_owned());
            vec![storage, name, setting.default.text(), setting.least(budget).text()]
        })
        .collect();
    if settings.is_empty() {
        return;
    }
    heading(text, &format!("what the host must be given for {budget} s (hvtune explain host):"));
    let head = ["below the VHDX", "setting", "default", "at least"].map(str::to_owned).to_vec();
    text.push_str(&table(&[vec![head], rows].concat(), 2));
}

pub(super) fn explain_json(budget: u64) -> Json {
    json!({
        "schema": SCHEMA,
        "id": "host",
        "title": TITLE,
        "why": WHY,
        "budget_s": budget,
        "host": rows_json(SETTINGS, budget),
        "notes": NOTES,
        "sources": SOURCES.iter().map(|s| json!({"title": s.title, "url": s.url})).collect::<Vec<_>>(),
    })
}

pub(super) fn explain_text(budget: u64) -> String {
    let mut text = "host\n".to_owned();
    text.push_str(&wrapped(TITLE, 2));
    heading(&mut text, "why:");
    text.push_str(&wrapped(WHY, 2));
    heading(&mut text, &format!("for {budget} s; leave alone what is larger:"));
    for setting in SETTINGS {
        let (least, default) = (setting.least(budget).text(), setting.default.text());
        let must = if let Amount::Word(_) = setting.default { "" } else { "at least " };
        let does = if setting.default_does(budget) { ", which does" } else { "" };
        let what = format!("{}, {}: {must}{least} (default {default}{does})", setting.storage, setting.name);
        text.push_str(&wrapped(&what, 2));
        // A command with the least would lower a default that does.
        if !setting.default_does(budget) {
            let value = least.split(' ').next().unwrap_or_default();
            text.push_str(&wrapped(&format!("{} {value}", setting.how), 6));
        }
    }
    heading(&mut text, "to be known:");
    for note in NOTES {
        text.push_str(&wrapped(note, 2));
    }
    heading(&mut text, "sources:");
    for source in SOURCES {
        text.push_str(&format!("  {}\n    {}\n", source.title, source.url));
    }
    text
}
