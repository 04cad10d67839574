//! What `status` shows: one screen.

use super::screen::Screen;
use super::survive::{called, late};
use super::text::{Cell, Text, Tone};
use super::verify::count;
use super::{Show, words};
use crate::plan::{Plan, Standstill};
use crate::policy::Recovery;
use crate::stall::{Column, Survey, Trouble};
use crate::verify::{Row, State};

/// What a status is made of.
#[derive(Debug, Clone, Copy)]
pub struct Status<'a> {
    /// How long each mount survives.
    pub survey: &'a Survey,
    /// What apply would do.
    pub plan: &'a Plan,
    /// What holds and what does not.
    pub rows: &'a [Row],
    /// File systems that have given up: no apply brings them back.
    pub given_up: &'a [Row],
    /// Whether all this is about an image, of which nothing runs.
    pub image: bool,
}

/// Settings that are named on the one screen.
const NAMED: usize = 5;

/// How many mounts outlast the budget under one kind of trouble.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Outlast {
    /// Which trouble; `None`: all that a setting cures, together.
    pub(super) trouble: Option<Trouble>,
    /// Mounts that it can befall.
    pub(super) of: usize,
    /// Those that outlast it now.
    pub(super) now: usize,
    /// Those that will after apply and a reboot.
    pub(super) later: usize,
}

impl Status<'_> {
    /// Each kind of trouble that can befall a mount here, then all of them.
    pub(super) fn outlast(&self) -> Vec<Outlast> {
        let budget = self.survey.budget;
        let one = |trouble: Trouble| {
            let lasts = |column| {
                let each = self
                    .survey
                    .standings
                    .iter()
                    .filter_map(move |one| one.rides_out(trouble, column, budget));
                each.collect::<Vec<bool>>()
            };
            let [now, later] = [Column::Now, Column::AfterReboot].map(lasts);
            let count = |each: &[bool]| each.iter().filter(|lasts| **lasts).count();
            Outlast { trouble: Some(trouble), of: now.len(), now: count(&now), later: count(&later) }
        };
        let standings = &self.survey.standings;
        let all = |column| standings.iter().filter(|one| one.survives(column, budget)).count();
        let (now, later) = (all(Column::Now), all(Column::AfterReboot));
        let mut kinds: Vec<Outlast> = Trouble::ALL.map(one).into_iter().filter(|kind| kind.of > 0).collect();
        kinds.push(Outlast { trouble: None, of: standings.len(), now, later });
        kinds
    }

    fn count(&self, state: State) -> usize {
        count(self.rows, state)
    }

    /// All that holds or does not, file systems that have given up at the end.
    pub(super) fn all_rows(&self) -> impl Iterator<Item = &Row> {
        self.rows.iter().chain(self.given_up)
    }

    /// The one thing to do next, and why; `None` where all is in order.
    pub(super) fn next(&self) -> Option<(String, &'static str)> {
        let command = |name: &str| format!("hvtune {name}");
        match &self.plan.standstill {
            Some(Standstill::NotAGuest(_)) => return None,
            Some(Standstill::CouldNotTell(_)) => {
                return Some((command("detect"), "says why it could not be told"));
            }
            None => {}
        }
        if self.plan.has_conflict() {
            return Some((command("plan"), "names the file that stands in the way"));
        }
        if self.plan.has_work() || self.count(State::Differs) > 0 {
            let why =
                if self.image { "writes the files" } else { "writes the files and makes live what can be" };
            return Some((command("apply"), why));
        }
        if self.all_rows().any(|row| row.state.is_trouble()) {
            return Some((command("verify"), "names each setting that needs a person, and why"));
        }
        (self.count(State::PendingReboot) > 0)
            .then(|| ("systemctl reboot".to_owned(), "brings the settings that wait for it"))
    }
}

pub(super) fn text(status: &Status<'_>, show: &Show<'_>) -> String {
    let mut text = Text::new(Screen::of_stdout());
    text.para(&format!("hvtune {}: {}", env!("CARGO_PKG_VERSION"), show.about.who()), 0);
    text.para(&policy(show), 0);
    if let Some(Standstill::NotAGuest(why) | Standstill::CouldNotTell(why)) = &status.plan.standstill {
        text.gap();
        text.para(&format!("hvtune changes nothing here: {why}."), 0);
    }
    outlast(status, &mut text);
    settings(status, &mut text);
    text.gap();
    match status.next() {
        Some((command, why)) => {
            text.toned(&format!("Next: {command}"), 0, Tone::Head);
            text.para(&format!("It {why}.{}", options(status)), 6);
        }
        None => text.toned("Nothing to do.", 0, Tone::Good),
    }
    text.into_string()
}

/// The options that the next command needs as this one had them.
fn options(status: &Status<'_>) -> &'static str {
    match (status.image, status.plan.layer) {
        (true, true) => " Give it --layer, and the same --root, --machine and --assume.",
        (true, false) => " Give it the same --root, --machine and --assume.",
        (false, _) => "",
    }
}

fn policy(show: &Show<'_>) -> String {
    let policy = &show.about.policy;
    let mut said = format!("stall budget {} s", policy.stall);
    if policy.recovery != Recovery::Default {
        said.push_str(&format!(", recovery {}", policy.recovery.name()));
    }
    if !policy.off.is_empty() {
        said.push_str(&format!(", {} switched off", words::count(policy.off.len(), "setting")));
    }
    if !policy.set.is_empty() {
        said.push_str(&format!(", {} pinned", words::count(policy.set.len(), "setting")));
    }
    said
}

fn outlast(status: &Status<'_>, text: &mut Text) {
    text.gap();
    if status.survey.standings.is_empty() {
        text.para("No writable mount and no swap on storage is known here.", 0);
        return;
    }
    let budget = status.survey.budget;
    let changes = status.plan.standstill.is_none();
    let rows: Vec<Vec<Cell>> = status
        .outlast()
        .into_iter()
        .map(|kind| {
            let of = |many: usize| {
                let tone = if many == kind.of { Tone::Good } else { Tone::Bad };
                Cell::new(format!("{many} of {}", kind.of), tone)
            };
            let name = match kind.trouble {
                Some(trouble) => called(trouble, status.survey.host_holds),
                None => "all that a setting cures".to_owned(),
            };
            let mut row = vec![Cell::from(name), of(kind.now)];
            row.extend(changes.then(|| of(kind.later)));
            row
        })
        .collect();
    let head = format!("MOUNTS THAT OUTLAST {budget} s OF");
    let heads = [&head, "NOW", "AFTER APPLY AND A REBOOT"];
    text.table(heads.get(..if changes { 3 } else { 2 }).unwrap_or_default(), &rows, 0);
    let uncured = status.survey.standings.iter().filter(|standing| standing.uncured.is_some()).count();
    if uncured > 0 {
        let said = format!(
            "Of the last line, {uncured} do not count errors of the host: no setting cures them there."
        );
        text.para(&said, 0);
    }
    if let Some(said) = late::gist(status.survey) {
        text.para(&said, 0);
    }
}

fn settings(status: &Status<'_>, text: &mut Text) {
    let all = status.all_rows().count();
    if status.plan.standstill.is_some() {
        return;
    }
    let count = |state| status.all_rows().filter(|row| row.state == state).count();
    let there = State::ALL.into_iter().filter(|state| count(*state) > 0);
    let each: Vec<String> = there.map(|state| words::rows(count(state), state)).collect();
    text.gap();
    let each = if each.is_empty() { "none".to_owned() } else { each.join(", ") };
    text.para(&format!("{}: {each}.", words::count(all, "value")), 0);
    let wrong = status.all_rows().filter(|row| row.state.is_trouble());
    let mut named: Vec<String> = Vec::new();
    for row in wrong {
        let said = format!("{}: {}", words::state(row.state), row.knob);
        if !named.contains(&said) {
            named.push(said);
        }
    }
    let more = named.len().saturating_sub(NAMED);
    for said in named.iter().take(NAMED) {
        text.para(said, 2);
    }
    if more > 0 {
        text.para(&format!("and {more} more (hvtune verify)"), 2);
    }
    for step in &status.plan.pending {
        text.hanging(&format!("waits: {}: {}", step.step.words(), step.because), 0, 4);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verify::Layer;

    fn row(state: State) -> Row {
        Row {
            id: "vm.swappiness",
            knob: "vm.swappiness".to_owned(),
            target: "sysctl".to_owned(),
            place: "sysctl".to_owned(),
            expected: String::new(),
            wanted: None,
            found: None,
            state,
            layer: Layer::Live,
            because: String::new(),
        }
    }

    /// Apply before a reboot, and neither where nothing may be done or where neither would help.
    #[test]
    fn the_next_command_is_the_one_that_helps_most() {
        let survey = Survey {
            arrivals: Vec::new(),
            budget: 180,
            host_holds: 60,
            standings: Vec::new(),
            services: Vec::new(),
            notes: Vec::new(),
            host: &[],
        };
        let next = |standstill, states: &[State], given_up: &[State]| {
            let plan = Plan { standstill, ..Plan::default() };
            let [rows, given_up] =
                [states, given_up].map(|states| states.iter().map(|state| row(*state)).collect::<Vec<_>>());
            let status =
                Status { survey: &survey, plan: &plan, rows: &rows, given_up: &given_up, image: false };
            status.next().map(|(command, _)| command)
        };
        let command = |command: &str| Some(command.to_owned());
        assert_eq!(next(None, &[State::Ok], &[]), None);
        assert_eq!(next(None, &[State::Ok, State::ByHand], &[]), command("hvtune verify"));
        assert_eq!(next(None, &[State::PendingReboot], &[]), command("systemctl reboot"));
        assert_eq!(next(None, &[State::PendingReboot, State::Differs], &[]), command("hvtune apply"));
        // No apply brings back a file system that has given up.
        assert_eq!(next(None, &[State::Ok], &[State::Differs]), command("hvtune verify"));
        let none = Standstill::NotAGuest("no guest".to_owned());
        assert_eq!(next(Some(none), &[State::Differs], &[]), None);
    }
}
