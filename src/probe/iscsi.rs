//! iSCSI: the kernel's sessions, and open-iscsi's settings for those to come.

use std::str::FromStr;

use crate::facts::{Attribute, Gap, IscsiFile, IscsiFiles, IscsiSetting, Session, UnreadFile};
use crate::formats::{bytes, iscsi};
use crate::order::Named;
use crate::root::{Dir, Kind, Result, Root};

use super::disks::resolve;
use super::noted;

const SESSIONS: &str = "sys/class/iscsi_session";
const CONNECTIONS: &str = "sys/class/iscsi_connection";

const CONF: &str = "etc/iscsi/iscsid.conf";
/// Where node records lie: Debian and SUSE, then Red Hat.
const NODES: &[&str] = &["etc/iscsi/nodes", "var/lib/iscsi/nodes"];
/// A guest with more portals than this has other troubles.
const MOST_RECORDS: usize = 4096;

/// The settings that hold a timer; names and secrets stay unread.
const KEYS: &[&str] = &[
    "node.session.timeo.replacement_timeout",
    "node.conn[0].timeo.noop_out_interval",
    "node.conn[0].timeo.noop_out_timeout",
    "node.conn[0].timeo.login_timeout",
    "node.session.initial_login_retry_max",
];

/// The sessions that the kernel holds, by name.
pub fn read_sessions(machine: &Root, gaps: &mut Vec<Gap>) -> Named<Session> {
    let mut sessions = Named::new();
    if let Err(error) = list_sessions(machine, gaps, &mut sessions) {
        gaps.push(Gap::new("iscsi.sessions", SESSIONS, error.reason()));
    }
    sessions
}

fn list_sessions(machine: &Root, gaps: &mut Vec<Gap>, sessions: &mut Named<Session>) -> Result<()> {
    let Some(class) = machine.dir(SESSIONS)? else { return Ok(()) };
    for entry in class.entries()? {
        let mut session = Session::default();
        let handling = ["abort_tmo", "lu_reset_tmo", "tgt_reset_tmo"];
        if let Some(dir) = member(machine, &class, &entry.name)? {
            session.recovery_tmo = attribute(&dir, "recovery_tmo", &entry.name, gaps, parse_recovery);
            session.handling = handling.map(|name| attribute(&dir, name, &entry.name, gaps, number));
        }
        sessions.insert(entry.name, session);
    }
    let Some(class) = machine.dir(CONNECTIONS)? else { return Ok(()) };
    for entry in class.entries()? {
        let number_of = entry.name.strip_prefix("connection").and_then(|rest| rest.split(':').next());
        let name = format!("session{}", number_of.unwrap_or_default());
        let (Some(session), Some(dir)) = (sessions.get_mut(&name), member(machine, &class, &entry.name)?)
        else {
            continue;
        };
        session.noop_interval = attribute(&dir, "recv_tmo", &name, gaps, number);
        session.noop_timeout = attribute(&dir, "ping_tmo", &name, gaps, number);
    }
    Ok(())
}

/// The device that a class lists under a name: a link into sys/devices.
fn member<'r>(machine: &'r Root, class: &Dir<'r>, name: &str) -> Result<Option<Dir<'r>>> {
    match class.read_link(name)? {
        Some(target) => machine.dir(&resolve(class.path(), &target)),
        None => class.dir(name),
    }
}

fn attribute<T>(
    dir: &Dir<'_>,
    file: &str,
    session: &str,
    gaps: &mut Vec<Gap>,
    parse: impl Fn(&str) -> Option<T>,
) -> Attribute<T> {
    let path = format!("{}/{file}", dir.path());
    let fact = format!("iscsi.{session}.{file}");
    match noted(gaps, &fact, &path, dir.read_text(file)) {
        Attribute::Is(text) => parse(text.trim()).map_or_else(
            || {
                gaps.push(Gap::new(&fact, &path, "not a number"));
                Attribute::Unknown
            },
            Attribute::Is,
        ),
        Attribute::Absent => Attribute::Absent,
        Attribute::Unknown => Attribute::Unknown,
    }
}

fn number<T: FromStr>(text: &str) -> Option<T> {
    text.parse().ok()
}

/// The kernel prints -1 as `off`: I/O waits for ever (`show_priv_session_recovery_tmo`,
/// <https://github.com/torvalds/linux/blob/v6.12/drivers/scsi/scsi_transport_iscsi.c>).
pub(crate) fn parse_recovery(text: &str) -> Option<i64> {
    if text == "off" { Some(-1) } else { number(text) }
}

/// open-iscsi's settings in a root.
pub fn read_files(root: &Root, gaps: &mut Vec<Gap>) -> IscsiFiles {
    let mut files = IscsiFiles::default();
    files.conf = read_file(root, CONF, &mut files.unread);
    for top in NODES.iter().filter(|top| !is_another(root, top)) {
        let mut paths = Vec::new();
        if let Err(error) = records(root, top, 3, &mut paths) {
            files.unread.push(UnreadFile { path: (*top).to_owned(), why: error.reason() });
        }
        for (path, linked) in paths {
            let record = read_file(root, &path, &mut files.unread);
            files.records.extend(record.map(|record| IscsiFile { linked, ..record }));
        }
    }
    for unread in &files.unread {
        let fact = if NODES.contains(&unread.path.as_str()) { "iscsi.records" } else { "iscsi.files" };
        gaps.push(Gap::new(fact, &unread.path, &unread.why));
    }
    files
}

/// Whether a directory of records is a link to another one of them, whose records it would give twice.
fn is_another(root: &Root, top: &str) -> bool {
    let through = |path: &str| -> Option<String> {
        let (parent, _) = path.rsplit_once('/')?;
        Some(resolve(parent, &root.read_link(path).ok()??))
    };
    let (parent, name) = top.rsplit_once('/').unwrap_or(("", top));
    let target = through(top).or_else(|| Some(format!("{}/{name}", through(parent)?)));
    target.is_some_and(|target| target != top && NODES.contains(&target.as_str()))
}

/// The files below `top`: `TARGET/PORTAL,PORT,TPGT/IFACE`, or without the last storey as old
/// versions wrote them (`idbm_for_each_portal`). Links are followed, as open-iscsi does.
fn records(root: &Root, top: &str, storeys: u32, paths: &mut Vec<(String, bool)>) -> Result<()> {
    let Some(entries) = root.list(top)? else { return Ok(()) };
    for entry in entries {
        let path = format!("{top}/{}", entry.name);
        if storeys == 2 && !entry.name.contains(',') {
            continue;
        }
        let is_dir = match entry.kind {
            Kind::Dir => true,
            Kind::Link => matches!(root.dir(&path), Ok(Some(_))),
            _ => false,
        };
        match (is_dir, entry.kind) {
            (true, _) if storeys > 1 => records(root, &path, storeys - 1, paths)?,
            // What stands where a record would: reading it says what it is.
            (true, _) => paths.push((path, false)),
            (false, Kind::File | Kind::Link) if storeys < 3 && paths.len() < MOST_RECORDS => {
                paths.push((path, entry.kind == Kind::Link));
            }
            _ => {}
        }
    }
    Ok(())
}

fn read_file(root: &Root, path: &str, unread: &mut Vec<UnreadFile>) -> Option<IscsiFile> {
    match root.read(path) {
        Ok(Some(found)) => {
            let settings = parse_settings(&bytes::decode(&found));
            Some(IscsiFile { path: path.to_owned(), settings, linked: false })
        }
        // Of a record that was listed, it is a link that leads nowhere.
        Ok(None) if path == CONF => None,
        Ok(None) => {
            unread.push(UnreadFile {
                path: path.to_owned(),
                why: "it is a link that leads nowhere".to_owned(),
            });
            None
        }
        Err(error) => {
            unread.push(UnreadFile { path: path.to_owned(), why: error.reason() });
            None
        }
    }
}

/// The last of a key counts.
pub(crate) fn parse_settings(text: &str) -> Named<IscsiSetting> {
    let timers = iscsi::scan(text).into_iter().filter(|entry| KEYS.contains(&entry.key));
    let setting = |entry: iscsi::Entry<'_>| {
        let value = iscsi::number(entry.value).into();
        (entry.key.to_owned(), IscsiSetting { line: entry.line, value, shown: entry.value.to_owned() })
    };
    let mut settings = Named::new();
    settings.extend(timers.map(setting));
    settings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::root::laid_out;

    const HOST: &str = "sys/devices/platform/host3/session1";

    #[test]
    fn a_session_and_its_connection() {
        let session = format!("{HOST}/iscsi_session/session1");
        let connection = format!("{HOST}/connection1:0/iscsi_connection/connection1:0");
        let (_dir, root) = laid_out(&[
            (&format!("{session}/recovery_tmo"), "120\n"),
            (&format!("{session}/abort_tmo"), "15\n"),
            (&format!("{session}/lu_reset_tmo"), "many\n"),
            (&format!("{connection}/recv_tmo"), "5\n"),
            (&format!("{connection}/ping_tmo"), "10\n"),
            ("sys/class/iscsi_session/session1", &format!("-> ../../../{session}")),
            ("sys/class/iscsi_connection/connection1:0", &format!("-> ../../../{connection}")),
            ("sys/class/iscsi_connection/connection9:0", &format!("-> ../../../{connection}")),
        ]);
        let mut gaps = Vec::new();
        let sessions = read_sessions(&root, &mut gaps);
        let expected = Session {
            recovery_tmo: Attribute::Is(120),
            noop_interval: Attribute::Is(5),
            noop_timeout: Attribute::Is(10),
            handling: [Attribute::Is(15), Attribute::Unknown, Attribute::Absent],
        };
        assert_eq!(sessions, [("session1".to_owned(), expected)].into());
        let facts: Vec<_> = gaps.iter().map(|gap| gap.fact.as_str()).collect();
        assert_eq!(facts, ["iscsi.session1.lu_reset_tmo"]);
        assert_eq!((parse_recovery("off"), parse_recovery("-1")), (Some(-1), Some(-1)));
    }

    #[test]
    fn records_of_every_layout_are_read_and_secrets_are_not() {
        let text = "node.session.auth.password = x\nnode.session.timeo.replacement_timeout = 15\n\
                    node.session.timeo.replacement_timeout = 86400\n";
        let (_dir, root) = laid_out(&[
            (CONF, "# c\nnode.conn[0].timeo.noop_out_interval = 5\n"),
            ("etc/iscsi/nodes/iqn.x:a/192.0.2.10,3260,1/default", text),
            ("etc/iscsi/nodes/iqn.x:b/192.0.2.10,3260", text),
            ("etc/iscsi/nodes/README", text),
            ("etc/iscsi/nodes/iqn.x:c/link", "-> /etc/iscsi/iscsid.conf"),
            ("etc/iscsi/nodes/iqn.x:d/192.0.2.10,3260", "-> ../iqn.x:b/192.0.2.10,3260"),
            ("var/lib/iscsi/nodes/iqn.x:a/192.0.2.10,3260,1/default", text),
        ]);
        let files = read_files(&root, &mut Vec::new());
        assert_eq!(files.conf.unwrap().number("node.conn[0].timeo.noop_out_interval"), Some(5));
        let records: Vec<_> = files.records.iter().map(|record| record.path.as_str()).collect();
        assert_eq!(
            records,
            [
                "etc/iscsi/nodes/iqn.x:a/192.0.2.10,3260,1/default",
                "etc/iscsi/nodes/iqn.x:b/192.0.2.10,3260",
                "etc/iscsi/nodes/iqn.x:d/192.0.2.10,3260",
                "var/lib/iscsi/nodes/iqn.x:a/192.0.2.10,3260,1/default",
            ]
        );
        let linked: Vec<bool> = files.records.iter().map(|record| record.linked).collect();
        assert_eq!(linked, [false, false, true, false]);
        let settings = &files.records[0].settings;
        assert_eq!(settings.len(), 1, "{settings:?}");
        assert_eq!(files.records[0].number("node.session.timeo.replacement_timeout"), Some(86_400));
    }

    #[test]
    fn one_set_of_records_under_two_names_is_read_once() {
        let text = "node.session.timeo.replacement_timeout = 15\n";
        let record = "nodes/iqn.x:a/192.0.2.10,3260,1/default";
        let lib = format!("var/lib/iscsi/{record}");
        for link in [("etc/iscsi/nodes", "-> /var/lib/iscsi/nodes"), ("etc/iscsi", "-> ../var/lib/iscsi")] {
            let (_dir, root) = laid_out(&[(&lib, text), link]);
            let records = read_files(&root, &mut Vec::new()).records;
            let paths: Vec<_> = records.iter().map(|record| record.path.as_str()).collect();
            assert_eq!(paths, [lib.as_str()], "{link:?}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_kept_and_odd_bytes_cost_nothing() {
        let (_dir, root) = laid_out(&[("etc/iscsi/iscsid.conf/x", "")]);
        let mut gaps = Vec::new();
        let files = read_files(&root, &mut gaps);
        assert_eq!(files.unread.len(), 1, "{files:?}");
        assert_eq!((gaps[0].fact.as_str(), gaps[0].path.as_str()), ("iscsi.files", CONF));
        let odd = bytes::decode(b"# d\xe9lai\nnode.session.timeo.replacement_timeout = 86400 # \xe9\n");
        let settings = parse_settings(&odd);
        assert_eq!(settings["node.session.timeo.replacement_timeout"].value, 86_400);
    }
}
