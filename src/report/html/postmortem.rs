//! `postmortem` as one page, by the same template as `survive`.

use super::{Block, NAME, Page, Section, TEMPLATE, escaped, plain, told};
use crate::incident::{Incident, WOULD_LEAVE};
use crate::render;
use crate::report::Show;
use crate::report::postmortem::{Looked, called, lines, read, rows, sure, verdict};

/// The whole page.
pub(in crate::report) fn page(looked: &Looked<'_>, show: &Show<'_>) -> anyhow::Result<String> {
    let findings = looked.findings;
    let mut lead = vec![read(looked)];
    let mut sections: Vec<Section> = Vec::with_capacity(findings.incidents.len() + 2);
    if findings.incidents.is_empty() {
        lead.insert(0, "No trouble is recorded.".to_owned());
        let left = WOULD_LEAVE.iter().map(|line| plain(*line)).collect();
        sections.push(Section::part("What a stall would have left in a log", left, Vec::new()));
    }
    for (incident, number) in findings.incidents.iter().zip(1..) {
        lead.push(format!("{number}. {}: {}.", incident.kind.name(), called(incident.kind)));
        sections.push(section(incident, number));
    }
    if !findings.notes.is_empty() {
        let notes = findings.notes.iter().map(plain).collect();
        sections.push(Section::part("Found, and no trouble by itself", notes, Vec::new()));
    }
    let name = show.about.name.clone().unwrap_or_else(|| looked.name.to_owned());
    let page = Page {
        title: format!("What a log tells: {name}"),
        about: told(show.about, show.about.policy.stall),
        lead,
        heads: Vec::new(),
        mounts: Vec::new(),
        sections,
    };
    Ok(render::page(NAME, TEMPLATE, escaped, &page)?)
}

fn section(incident: &Incident, number: u32) -> Section {
    let (answer, _) = verdict(incident.would_be_ridden_out_by_default);
    let verdict = format!("Ridden out by the default plan: {answer}; {}.", incident.why);
    let pairs = rows(incident).into_iter().map(|(name, value)| vec![name.to_owned(), value]).collect();
    let statement = |said: &crate::incident::Said| {
        vec![sure(said.grade).to_owned(), said.text.clone(), lines(&said.lines)]
    };
    let statements = incident.said.iter().map(statement).collect();
    let asked = incident.ask.iter().map(|question| vec![(*question).to_owned()]).collect();
    let blocks = [
        Block::of("", "others", pairs),
        Block::of("What is concluded, and from which lines", "others", statements),
        Block::of("To be asked", "others", asked),
    ];
    let title = format!("{number}. {}", incident.kind.name());
    Section::part(&title, vec![plain(verdict)], blocks.into_iter().flatten().collect())
}
