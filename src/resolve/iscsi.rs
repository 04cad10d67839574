//! open-iscsi's timers: what a session gets at its next login.
//!
//! A session takes its values from its node record. A record was made by discovery from the
//! built-in values and `iscsid.conf`, and what it lacks is built in again, whatever
//! `iscsid.conf` says (`__idbm_rec_read` and `idbm_sync_config`,
//! <https://github.com/open-iscsi/open-iscsi/blob/master/usr/idbm.c>). So a knob has one chain
//! for the records to come and one for each that is there.

use super::{Acts, Chain, InForce, Moment, Ours, Who, Writer};
use crate::facts::{Facts, IscsiFile, UnreadFile};

/// Which sessions a chain is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Of<'a> {
    /// Those of targets that are discovered from now on, or again.
    Discovery,
    /// Those that log in by the record at this path.
    Record(&'a str),
}

const INTERVAL: &str = "node.conn[0].timeo.noop_out_interval";
const TIMEOUT: &str = "node.conn[0].timeo.noop_out_timeout";
const LOGIN_TIMEOUT: &str = "node.conn[0].timeo.login_timeout";
/// What iscsid takes for one of the two where the other alone is set, and what is built in.
const PING: &str = "5";

/// The values built into open-iscsi
/// (<https://github.com/open-iscsi/open-iscsi/blob/master/usr/iscsi_settings.h>); the files that it
/// and the distributions ship set 8 tries of 15 s each.
fn built_in(key: &str) -> Option<&'static str> {
    Some(match key {
        "node.session.timeo.replacement_timeout" => "120",
        INTERVAL | TIMEOUT => PING,
        LOGIN_TIMEOUT => "30",
        "node.session.initial_login_retry_max" => "4",
        _ => return None,
    })
}

/// Where what discovery takes for a record is written.
const CONF: &str = "etc/iscsi/iscsid.conf";

/// Who writes a timer of such sessions. `ours` counts where its path is that of the file in question.
pub fn chain(facts: &Facts, key: &str, of: Of<'_>, ours: Option<Ours<'_>>) -> Chain {
    let files = &facts.system.iscsi;
    let (path, file, because) = match of {
        Of::Discovery => (CONF, files.conf.as_ref(), "discovery writes it into the records that it makes"),
        Of::Record(path) => {
            let record = files.records.iter().find(|record| record.path == path);
            (path, record, "a session takes its record's value at login")
        }
    };
    let mut chain = Chain::default();
    let line = |who, value: String, shown: String, because: &str| Writer {
        who,
        value: Some(value),
        shown,
        moment: Moment::Files,
        acts: Acts::Yes,
        because: because.to_owned(),
    };
    chain.writers.extend(built_in(key).map(|value| Writer {
        moment: Moment::BuiltIn,
        ..line(
            Who::BuiltIn("open-iscsi's own value"),
            value.to_owned(),
            value.to_owned(),
            "nothing else says one",
        )
    }));
    if let Some((file, setting)) = file.and_then(|file| Some((file, file.settings.get(key)?))) {
        let who = Who::Line { path: file.path.clone(), line: setting.line };
        chain.writers.push(line(who, setting.value.to_string(), setting.shown.clone(), because));
    }
    chain.writers.extend(instead(file, key));
    chain.writers.extend(ours.filter(|ours| ours.path == path).map(|ours| {
        let who = Who::Ours { path: ours.path.to_owned() };
        line(who, ours.value.to_owned(), ours.value.to_owned(), because)
    }));
    let hides = |unread: &&UnreadFile| path == unread.path || path.starts_with(&format!("{}/", unread.path));
    chain.doubts = files.unread.iter().filter(hides).map(UnreadFile::said).collect();
    chain
}

/// How long iscsid takes to log in to a target that answers: 2.1 s were seen in the lab.
const LOGIN: u64 = 2;

/// How long after its target answers again a session is back at the latest, in seconds.
///
/// A session that was dropped tries to log in without end. A login that nobody answers is given up after
/// `login_timeout`, here the longest of any record, and the next one begins at once, or 3 s after it was
/// refused (`iscsi_login_eh`, <https://github.com/open-iscsi/open-iscsi/blob/master/usr/initiator.c>).
pub fn session_back(facts: &Facts) -> u64 {
    let seconds = |of| {
        let possible = match chain(facts, LOGIN_TIMEOUT, of, None).in_force() {
            InForce::Known { value, .. } => vec![value],
            InForce::Unknown { candidates, .. } => candidates,
        };
        possible.iter().filter_map(|value| value.parse().ok()).max()
    };
    let records = facts.system.iscsi.records.iter().map(|record| Of::Record(&record.path));
    let longest = records.filter_map(seconds).max().or_else(|| seconds(Of::Discovery));
    longest.unwrap_or(30_u64).saturating_add(LOGIN)
}

/// iscsid takes a 0 for one of the two timers of its pings for a slip where the other is not 0, and
/// sets 5 s; only both together switch them off (`iscsi_conn_setup` in
/// <https://github.com/open-iscsi/open-iscsi/blob/master/usr/initiator.c>).
fn instead(file: Option<&IscsiFile>, key: &str) -> Option<Writer> {
    let other = match key {
        INTERVAL => TIMEOUT,
        TIMEOUT => INTERVAL,
        _ => return None,
    };
    let number = |key: &str| file.and_then(|file| file.number(key)).unwrap_or(5);
    (number(key) == 0 && number(other) != 0).then(|| Writer {
        who: Who::Program { name: "iscsid".to_owned(), path: String::new(), line: 0 },
        value: Some(PING.to_owned()),
        shown: PING.to_owned(),
        moment: Moment::Files,
        acts: Acts::Yes,
        because: format!("a 0 counts only where {other} is 0 too; alone it is taken for {PING} s"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::{IscsiSetting, UnreadFile};

    const REPLACEMENT: &str = "node.session.timeo.replacement_timeout";
    const RECORD: &str = "etc/iscsi/nodes/iqn.x:a/192.0.2.10,3260,1/default";

    fn file(path: &str, settings: &[(&str, i64)]) -> IscsiFile {
        let setting = |(at, (key, value)): (u32, &(&str, i64))| {
            ((*key).to_owned(), IscsiSetting { line: at, value: *value, shown: format!("{value} # x") })
        };
        let settings = (1..).zip(settings).map(setting).collect();
        IscsiFile { path: path.to_owned(), settings, linked: false }
    }

    fn facts(conf: &[(&str, i64)], record: &[(&str, i64)]) -> Facts {
        let mut facts = Facts::default();
        facts.system.iscsi.conf = Some(file(CONF, conf));
        facts.system.iscsi.records = vec![file(RECORD, record)];
        facts
    }

    fn value(facts: &Facts, key: &str, of: Of<'_>) -> String {
        chain(facts, key, of, None).in_force().value().unwrap_or("unknown").to_owned()
    }

    #[test]
    fn a_record_outlives_the_file_it_was_made_of() {
        let facts = facts(&[(REPLACEMENT, 86_400)], &[(TIMEOUT, 7)]);
        assert_eq!(value(&facts, REPLACEMENT, Of::Discovery), "86400");
        // A record without the key has the built-in value, not the file's.
        assert_eq!(value(&facts, REPLACEMENT, Of::Record(RECORD)), "120");
        assert_eq!(value(&facts, TIMEOUT, Of::Record(RECORD)), "7");
        assert_eq!(value(&facts, "node.session.initial_login_retry_max", Of::Discovery), "4");
        let line = chain(&facts, REPLACEMENT, Of::Discovery, None).writers.pop().unwrap();
        assert_eq!((line.who.name(), line.shown), (format!("{CONF}:1"), "86400 # x".to_owned()));
    }

    #[test]
    fn ours_is_the_line_that_stands_there_then() {
        let facts = facts(&[(REPLACEMENT, 60)], &[(REPLACEMENT, 60)]);
        let ours = Some(Ours { path: RECORD, value: "180" });
        let of = chain(&facts, REPLACEMENT, Of::Record(RECORD), ours);
        assert_eq!((of.in_force().value(), of.without_ours().value()), (Some("180"), Some("60")));
        let other = chain(&facts, REPLACEMENT, Of::Discovery, ours);
        assert_eq!(other.in_force().value(), Some("60"));
    }

    #[test]
    fn pings_are_off_only_where_both_timers_are() {
        let both = facts(&[(INTERVAL, 0), (TIMEOUT, 0)], &[(TIMEOUT, 0)]);
        assert_eq!(value(&both, TIMEOUT, Of::Discovery), "0");
        assert_eq!(value(&both, INTERVAL, Of::Discovery), "0");
        assert_eq!(value(&both, TIMEOUT, Of::Record(RECORD)), "5");
        let ours = Some(Ours { path: RECORD, value: "0" });
        assert_eq!(chain(&both, TIMEOUT, Of::Record(RECORD), ours).in_force().value(), Some("0"));
    }

    #[test]
    fn a_file_that_could_not_be_read_leaves_a_doubt() {
        let mut facts = facts(&[], &[(REPLACEMENT, 60)]);
        facts.system.iscsi.unread =
            vec![UnreadFile { path: "etc/iscsi/nodes".to_owned(), why: "Permission denied".to_owned() }];
        let InForce::Unknown { because, .. } =
            chain(&facts, REPLACEMENT, Of::Record(RECORD), None).in_force()
        else {
            panic!("a record below a directory that could not be listed")
        };
        assert_eq!(because, "etc/iscsi/nodes could not be read: Permission denied");
        assert_eq!(value(&facts, REPLACEMENT, Of::Discovery), "120");
    }

    #[test]
    fn the_longest_login_of_any_record_counts() {
        assert_eq!(session_back(&facts(&[], &[(LOGIN_TIMEOUT, 15)])), 17);
        assert_eq!(session_back(&facts(&[(LOGIN_TIMEOUT, 15)], &[])), 32);
        let mut none = facts(&[(LOGIN_TIMEOUT, 7)], &[]);
        none.system.iscsi.records.clear();
        assert_eq!(session_back(&none), 9);
    }
}
