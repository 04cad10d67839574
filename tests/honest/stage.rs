//! A root on which hvtune was applied, and what verify says of it.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use hvtune::apply;
use hvtune::facts::{Facts, Machine, Origin};
use hvtune::plan::{self, Plan};
use hvtune::policy;
use hvtune::probe::{self, MachineSource};
use hvtune::render::{self, Templates};
use hvtune::root::Root;
use hvtune::tunables;
use hvtune::verify;

use crate::fixtures::{self, Fixture};
use crate::ground::{Content, Ground, Writer};
use crate::obey;

/// Whose root it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// That of the running machine: our files are in /etc.
    Live,
    /// An image's: our files are in /usr/lib where that may be.
    Offline,
}

/// A kind of knob, and how its table is tried.
#[derive(Debug)]
pub(crate) struct Subject {
    pub(crate) fixture: &'static str,
    /// `/etc/hvtune.toml`; empty for the fixture's own, or none.
    pub(crate) policy: &'static str,
    /// The knob and the target (all where empty) of the rows looked at.
    pub(crate) knob: &'static str,
    pub(crate) target: &'static str,
    /// What somebody does by hand after apply, as pending steps ask for.
    pub(crate) by_hand: fn(&Stage) -> Vec<Writer>,
    /// What the rows may say where nothing is broken.
    pub(crate) control: &'static [&'static str],
    pub(crate) breaks: Vec<Break>,
}

impl Subject {
    /// One whose rows are ok after apply, with nothing to do by hand.
    pub(crate) fn new(fixture: &'static str, knob: &'static str, breaks: Vec<Break>) -> Self {
        let (policy, target) = ("", "");
        Self { fixture, policy, knob, target, by_hand: |_| Vec::new(), control: &["ok"], breaks }
    }
}

/// The files that a break lays over the root.
type Files = dyn Fn(&Stage) -> Vec<Writer>;

/// One thing that goes wrong after apply.
pub(crate) struct Break {
    pub(crate) name: String,
    pub(crate) make: Box<Files>,
    /// The one kind of root on which it is a break at all.
    pub(crate) only: Option<Place>,
}

impl Break {
    /// The same, on one kind of root alone.
    pub(crate) fn only(self, place: Place) -> Self {
        Self { only: Some(place), ..self }
    }
}

impl std::fmt::Debug for Break {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(&self.name)
    }
}

/// A line of a table.
pub(crate) fn broken(name: impl Into<String>, make: impl Fn(&Stage) -> Vec<Writer> + 'static) -> Break {
    Break { name: name.into(), make: Box::new(make), only: None }
}

/// What verify says: the states of the rows looked at, and the exit code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Said {
    pub(crate) states: Vec<String>,
    pub(crate) code: u8,
}

/// A root after apply.
#[derive(Debug)]
pub(crate) struct Stage {
    pub(crate) place: Place,
    pub(crate) fixture: Fixture,
    ground: Ground,
    /// The running machine after apply; on an offline root nobody asks it.
    machine: Machine,
}

impl Stage {
    pub(crate) fn applied(subject: &Subject, place: Place) -> Self {
        let fixture = fixtures::all().into_iter().find(|fixture| fixture.name == subject.fixture).unwrap();
        let ground = Ground::copy_of(&fixture.root());
        if !subject.policy.is_empty() {
            fs::create_dir_all(ground.path().join("etc")).unwrap();
            fs::write(ground.path().join("etc/hvtune.toml"), subject.policy).unwrap();
        }
        let capture = Root::offline(&fixture.machine).unwrap();
        let root = Root::offline(ground.path()).unwrap();
        let facts = probe::probe_timers(&MachineSource::Capture(&capture), &root);
        let mut stage = Self { place, fixture, ground, machine: facts.machine.unwrap() };
        match place {
            Place::Live => {
                let (_, plan) = stage.look();
                apply::write(&plan, &root).unwrap();
                obey::all(&mut stage.machine, &plan);
            }
            Place::Offline => {
                let (code, text) = stage.run(&["apply"]);
                assert_eq!(code, 0, "{text}");
            }
        }
        for writer in (subject.by_hand)(&stage) {
            // For good: it belongs to the ground that is broken afterwards.
            std::mem::forget(stage.ground.lay([&writer]));
        }
        stage
    }

    pub(crate) fn root(&self) -> PathBuf {
        self.ground.path().to_owned()
    }

    pub(crate) fn text(&self, path: &str) -> String {
        fs::read_to_string(self.root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    /// Our file of a format, in /etc or below /usr/lib.
    #[track_caller]
    pub(crate) fn ours(&self, below: &str) -> String {
        let paths = [format!("etc/{below}"), format!("usr/lib/{below}")];
        let there = paths.iter().find(|path| self.root().join(path).is_file());
        there.unwrap_or_else(|| panic!("{below} was not written for {}", self.fixture.name)).clone()
    }

    fn look(&self) -> (Facts, Plan) {
        let root = Root::offline(self.ground.path()).unwrap();
        let policy = policy::read(&root, None, &tunables::subjects()).unwrap();
        let mut facts = probe::probe(&MachineSource::Unknown, &root);
        facts.system.offline = false;
        facts.machine = Some(Machine { origin: Origin::Live, ..self.machine.clone() });
        let verdicts = tunables::decide(&facts, &policy);
        let artifacts = render::render(&verdicts, &facts, &Templates::new()).unwrap();
        let mut plan = plan::plan(&facts, verdicts, artifacts, &root).unwrap();
        plan.keep_wording();
        (facts, plan)
    }

    fn run(&self, args: &[&str]) -> (i32, String) {
        let mut program = Command::new(env!("CARGO_BIN_EXE_hvtune"));
        program.arg("--root").arg(self.ground.path()).arg("--machine").arg(&self.fixture.machine);
        let ran = program.args(args).env("NO_COLOR", "1").output().unwrap();
        let said = String::from_utf8_lossy(&ran.stderr).into_owned();
        let text = String::from_utf8(ran.stdout).unwrap();
        let code = ran.status.code().expect("no signal ends it");
        (code, if code == 2 { said } else { text })
    }

    /// What verify says with these files laid over the root.
    fn verify(&self, subject: &Subject, files: &[Writer]) -> Result<Said, String> {
        let _laid = self.ground.lay(files);
        let is_wanted = |knob: &str, target: &str| {
            knob == subject.knob && (subject.target.is_empty() || target == subject.target)
        };
        if self.place == Place::Live {
            let (facts, plan) = self.look();
            let mut rows = verify::verify(&facts, &plan);
            rows.extend(verify::given_up(&facts));
            let wanted = rows.iter().filter(|row| is_wanted(&row.knob, &row.target));
            let states = wanted.map(|row| row.state.name().to_owned()).collect();
            return Ok(Said { states, code: verify::exit_code(&rows) });
        }
        let (code, text) = self.run(&["--format", "json", "verify"]);
        if code == 2 {
            return Err(format!("exit 2, {}", text.trim()));
        }
        let json: serde_json::Value = serde_json::from_str(&text).unwrap();
        let rows = json["rows"].as_array().unwrap().iter();
        let word = |row: &serde_json::Value, key: &str| row[key].as_str().unwrap_or_default().to_owned();
        let states = rows.filter(|row| is_wanted(&word(row, "knob"), &word(row, "target")));
        let states = states.map(|row| word(row, "state")).collect();
        Ok(Said { states, code: u8::try_from(code).unwrap() })
    }
}

/// Why a break is not told honestly; `None` where it is.
fn fault(said: &Result<Said, String>) -> Option<String> {
    match said {
        Err(why) => Some(why.clone()),
        Ok(Said { states, code }) => {
            // What the policy asks for in vain is said to be that, and is no deviation of the machine's.
            let in_vain = !states.is_empty() && states.iter().all(|state| state == "cannot-be-set");
            let wrong = states.iter().any(|state| state == "ok") || !(in_vain || matches!(code, 1 | 3));
            let shown = if states.is_empty() { "no row".to_owned() } else { states.join(", ") };
            wrong.then(|| format!("{shown}, exit {code}"))
        }
    }
}

/// Tries a table in both places, and names every line that fails.
#[track_caller]
pub(crate) fn each_break_is_told(subject: &Subject) {
    let mut failed = Vec::new();
    for place in [Place::Offline, Place::Live] {
        let stage = Stage::applied(subject, place);
        let control = stage.verify(subject, &[]);
        let may_be = |state: &String| subject.control.contains(&state.as_str());
        match &control {
            Ok(said) if !said.states.is_empty() && said.states.iter().all(may_be) => {}
            // What is there without us is asked for no more.
            Ok(said)
                if said.states.is_empty() && said.code == 0 && subject.control.contains(&"nothing asked") => {
            }
            other => failed.push(format!("{place:?}: nothing is broken: {other:?}")),
        }
        for broken in subject.breaks.iter().filter(|broken| broken.only.is_none_or(|only| only == place)) {
            let files = (broken.make)(&stage);
            let said = stage.verify(subject, &files);
            failed.extend(fault(&said).map(|why| format!("{place:?}: {}: {why}", broken.name)));
        }
    }
    let tried = 2 * (subject.breaks.len() + 1);
    let (knob, fixture) = (subject.knob, subject.fixture);
    assert!(
        failed.is_empty(),
        "{knob} on {fixture}: {} of {tried} lines fail:\n  {}",
        failed.len(),
        failed.join("\n  ")
    );
}

/// A file with these bytes.
pub(crate) fn file(path: impl Into<String>, bytes: impl Into<Vec<u8>>) -> Writer {
    Writer { path: path.into(), content: Content::File(bytes.into()) }
}

/// Anything else at a path.
pub(crate) fn at(path: impl Into<String>, content: Content) -> Writer {
    Writer { path: path.into(), content }
}
