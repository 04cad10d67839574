//! Sysctl keys: the kernel's own value, arguments, systemd-sysctl, programs that run once, tuned and saptune.
//!
//! The order is that of a boot. systemd-sysctl.service is ordered before sysinit.target alone, so what runs before
//! that target too (tmpfiles.d, ufw) has no fixed place beside it; `rc.local`, tuned and saptune come after it
//! (<https://github.com/systemd/systemd/blob/v257/units/systemd-sysctl.service.in>).

mod arguments;
mod daemons;
mod draft;
mod files;
mod knob;
mod once;

use super::chain::{Acts, Chain, Moment, Who, Writer};
use super::{Ours, programs};
use crate::facts::Facts;
use crate::marker::BASE_NAME;
use draft::Draft;
use knob::Knob;

/// Every writer of a key (with dots) in the order in which they act. The other member of an exclusive pair
/// (`vm.dirty_ratio` to `vm.dirty_bytes`) stands in it too, with what its write leaves of this key.
///
/// What holds without us is the chain for `ours: None`: where a line of ours has the same value as an earlier one
/// or replaces it, systemd-sysctl treats the lines of others differently too.
pub fn chain(facts: &Facts, key: &str, ours: Option<Ours<'_>>) -> Chain {
    let Some(knob) = Knob::of(key) else { return unknown(key) };
    let mut chain = Chain { writers: knob.built_in().into_iter().collect(), doubts: doubts(facts) };
    let mut drafts = arguments::read(facts, &knob);
    drafts.extend(files::systemd(facts, &knob, ours));
    drafts.extend(once::read(facts, &knob, ours));
    drafts.extend(daemons::read(facts, &knob, ours, once::has_script(&drafts)));
    for draft in drafts {
        draft.push_to(&mut chain, &knob);
    }
    chain
}

/// The file of ours that carries keys: `/usr/lib` in an image, so that the administrator's file of the same name
/// replaces it whole; `/etc` on a live host, where tuned re-applies only /etc, and where a file of ours
/// stands there already. A layer has `/usr/lib` alone.
pub fn home(facts: &Facts) -> String {
    let in_etc = format!("etc/sysctl.d/{BASE_NAME}.conf");
    let ours_there = facts.system.ours.iter().any(|file| file.path == in_etc);
    let writers = &facts.system.writers;
    // Installed is enough: without a profile tuned chooses one when it starts.
    let tuned = writers.tuned.is_some() || writers.programs.tuned.is_some();
    if facts.system.layer || (facts.for_image() && !ours_there && !tuned) {
        format!("usr/lib/sysctl.d/{BASE_NAME}.conf")
    } else {
        in_etc
    }
}

/// The chain with this value in our file; without us for `None`.
pub fn planned(facts: &Facts, key: &str, value: Option<&str>) -> Chain {
    let path = home(facts);
    chain(facts, key, value.map(|value| Ours { path: &path, value }))
}

/// The same for what `sysctl --system` of procps leaves when somebody runs it by hand: sysctl.d in the order of
/// names, then `/etc/sysctl.conf`, whatever was in force before.
pub fn by_hand(facts: &Facts, key: &str, ours: Option<Ours<'_>>) -> Chain {
    let Some(knob) = Knob::of(key) else { return unknown(key) };
    let mut chain = Chain { writers: Vec::new(), doubts: programs::doubts(facts, &["sysctl.d"]) };
    for draft in files::procps(facts, &knob, ours) {
        draft.push_to(&mut chain, &knob);
    }
    chain
}

fn doubts(facts: &Facts) -> Vec<String> {
    programs::doubts(facts, &["sysctl.d", "tmpfiles.d", "ufw", "rc.local", "tuned", "saptune"])
}

/// A key whose writers are not read.
fn unknown(key: &str) -> Chain {
    Chain { writers: Vec::new(), doubts: vec![format!("nobody looked for writers of {key}")] }
}

impl Draft {
    /// Adds the writer, with the value that its write leaves.
    fn push_to(self, chain: &mut Chain, knob: &Knob) {
        let there = self.only_if.and_then(|_| chain.in_force().value().map(str::to_owned));
        chain.writers.push(self.writer(knob, there.as_deref()));
    }
}
