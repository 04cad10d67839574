//! Other writers of the knobs that we set, and who wins: the chains of the plan's settings, as a person
//! wants to see them.

use super::Plan;
use crate::facts::Facts;
use crate::render::home;
use crate::resolve::udev::GOOD_ENOUGH;
use crate::resolve::wanted::{chain, places};
use crate::resolve::{Acts, Chain, InForce, Moment, Ours, Who, Writer, sysctl};
use crate::tunable::{Assignment, Target};

/// Somebody else who writes a knob of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contender {
    /// The knob.
    pub knob: String,
    /// Who: a file with its line, or a program.
    pub who: String,
    /// What it writes.
    pub value: String,
    /// Who wins: `hvtune`, the other's name, or `unknown`.
    pub winner: String,
    /// Why.
    pub because: String,
}

const OURS: &str = "hvtune";
/// The winner where nobody can tell.
pub const UNKNOWN: &str = "unknown";

impl Contender {
    /// Whether this one has the last word over us, or may.
    pub fn may_win(&self) -> bool {
        self.winner == self.who || self.winner == UNKNOWN
    }
}

/// Every other writer of a knob in the plan, in the order of the settings.
pub(super) fn find(facts: &Facts, plan: &Plan) -> Vec<Contender> {
    let mut found: Vec<Contender> = Vec::new();
    for (_, assignment, _) in plan.settings() {
        let file = home(facts, &assignment.target);
        for on in places(facts, assignment) {
            let ends = chain(facts, assignment, on, file.as_deref());
            for contender in named(assignment, &ends) {
                add(&mut found, contender);
            }
            for doubt in &ends.doubts {
                add(&mut found, hidden(assignment, doubt));
            }
        }
        by_hand(facts, assignment, file.as_deref(), &mut found);
    }
    found
}

/// The same writer may stand in a chain twice, where it writes again later: once is enough.
fn add(found: &mut Vec<Contender>, contender: Contender) {
    let same = |other: &Contender| {
        (&other.knob, &other.who, &other.value, &other.winner)
            == (&contender.knob, &contender.who, &contender.value, &contender.winner)
    };
    if !found.iter().any(same) {
        found.push(contender);
    }
}

/// What could not be read, and may hold a writer.
fn hidden(assignment: &Assignment, doubt: &str) -> Contender {
    Contender {
        knob: assignment.target.knob(),
        who: "a writer that could not be read".to_owned(),
        value: UNKNOWN.to_owned(),
        winner: UNKNOWN.to_owned(),
        because: doubt.to_owned(),
    }
}

fn named(assignment: &Assignment, ends: &Chain) -> Vec<Contender> {
    let winner = match ends.in_force() {
        InForce::Known { by, .. } => {
            ends.writers.get(by).map_or(UNKNOWN.to_owned(), |writer| writer.who.name())
        }
        InForce::Unknown { .. } => UNKNOWN.to_owned(),
    };
    // What tuned applies again stands in the chain a second time.
    let ours = ends.writers.iter().rposition(Writer::is_ours);
    let masked =
        ends.writers.iter().filter(|writer| writer.is_ours()).find_map(|writer| match &writer.acts {
            Acts::No(why) if why != GOOD_ENOUGH => Some(why.as_str()),
            _ => None,
        });
    let acting = |writer: &&Writer| !matches!(writer.acts, Acts::No(_)) && !is_replaced(assignment, writer);
    let contender = |writer: &Writer| {
        let at = ends.writers.iter().position(|other| other == writer);
        Contender {
            knob: assignment.target.knob(),
            who: writer.who.name(),
            value: shown(assignment, writer),
            winner: if winner == UNKNOWN { between(at, ours, writer) } else { winner.clone() },
            because: because(assignment, writer, at > ours, masked),
        }
    };
    ends.others().filter(acting).map(contender).collect()
}

/// Whether it is the very thing that ours takes the place of: a line that is edited, or what a unit ships with.
fn is_replaced(assignment: &Assignment, writer: &Writer) -> bool {
    let Who::Line { path, .. } = &writer.who else { return false };
    match &assignment.target {
        Target::Iscsi(_) => true,
        Target::Unit { unit, .. } => path.ends_with(&format!("/{unit}")),
        _ => false,
    }
}

/// What it writes, without the key where that is ours.
fn shown(assignment: &Assignment, writer: &Writer) -> String {
    let key = format!("{} = ", assignment.target.knob());
    match writer.shown.strip_prefix(&key).unwrap_or(&writer.shown) {
        "" => "a value that could not be told".to_owned(),
        shown => shown.to_owned(),
    }
}

/// Where nobody knows who wins, one that surely acts before us at least does not.
fn between(at: Option<usize>, ours: Option<usize>, writer: &Writer) -> String {
    let before = at < ours && writer.acts == Acts::Yes;
    if before { OURS.to_owned() } else { UNKNOWN.to_owned() }
}

fn because(assignment: &Assignment, writer: &Writer, later: bool, masked: Option<&str>) -> String {
    if let Some(why) = masked {
        return format!("ours is not read: {why}");
    }
    let same = writer.value.as_deref() == Some(assignment.want.value().as_str());
    match &writer.acts {
        Acts::Maybe(why) => format!("{}, where it acts: {why}", writer.because),
        _ if same => "it writes the same value".to_owned(),
        _ if later => format!("it acts after ours: {}", writer.because),
        _ if writer.moment > Moment::AfterRules => {
            format!("{}, and after that ours is applied again", writer.because)
        }
        _ => format!("it acts before ours: {}", writer.because),
    }
}

/// What `sysctl --system` of procps would end with, where somebody runs it by hand.
fn by_hand(facts: &Facts, assignment: &Assignment, file: Option<&str>, found: &mut Vec<Contender>) {
    let (Target::Sysctl(key), Some(path)) = (&assignment.target, file) else { return };
    let value = assignment.want.value();
    let ends = sysctl::by_hand(facts, key, Some(Ours { path, value: value.as_str() }));
    let InForce::Known { value, by } = ends.in_force() else { return };
    let Some(writer) = ends.writers.get(by).filter(|writer| !writer.is_ours()) else { return };
    if assignment.met_by(&value)
        || found.iter().any(|other| other.knob == *key && other.who == writer.who.name())
    {
        return;
    }
    add(
        found,
        Contender {
            knob: (*key).to_owned(),
            who: writer.who.name(),
            value: shown(assignment, writer),
            winner: OURS.to_owned(),
            because: "the boot does not read it; `sysctl --system` of procps, run by hand, ends with it"
                .to_owned(),
        },
    );
}
