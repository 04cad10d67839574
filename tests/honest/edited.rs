//! Knobs that stand in files of others: node records, the agent's file, fstab.

use crate::breaks::without;
use crate::ground::Content;
use crate::stage::{Break, Place, Stage, Subject, at, broken, each_break_is_told, file};

/// What can become of somebody else's file that we edited.
fn of_their_file(path: &'static str, line: &'static str, less: &'static str) -> Vec<Break> {
    let edited = move |stage: &Stage, to: &dyn Fn(&str) -> Vec<u8>| vec![file(path, to(&stage.text(path)))];
    let name = path.rsplit('/').next().unwrap();
    let mut breaks = vec![
        broken("the line says less", move |s| edited(s, &|text| text.replace(line, less).into_bytes())),
        broken("the line says less, in a file that is not UTF-8", move |s| {
            edited(s, &|text| [b"# f\xfcr alle\n", text.replace(line, less).as_bytes()].concat())
        }),
        broken("the line says less, and lines end in CR LF", move |s| {
            edited(s, &|text| text.replace(line, less).replace('\n', "\r\n").into_bytes())
        }),
        broken("the line says less, after a NUL in a comment", move |s| {
            edited(s, &|text| [b"# \0\n", text.replace(line, less).as_bytes()].concat())
        }),
    ];
    for (what, content) in [
        ("a directory in its place", Content::Dir),
        ("a dangling link in its place", Content::Link("no-such-file".to_owned())),
        ("a looping link in its place", Content::Link(name.to_owned())),
        ("a link to /dev/null in its place", Content::Link("/dev/null".to_owned())),
        ("the file is empty", Content::File(Vec::new())),
    ] {
        breaks.push(broken(what, move |_| vec![at(path, content.clone())]));
    }
    breaks
}

const RECORD: &str = "etc/iscsi/nodes/iqn.2024-01.example:data/192.0.2.10,3260,1/default";
const REPLACEMENT: &str = "node.session.timeo.replacement_timeout = 180";

#[test]
fn iscsi_record() {
    let mut breaks = of_their_file(RECORD, REPLACEMENT, "node.session.timeo.replacement_timeout = 30");
    let record = |to: fn(&str) -> String| move |s: &Stage| vec![file(RECORD, to(&s.text(RECORD)))];
    breaks.extend([
        broken("the line is removed", record(|text| without(text, "replacement_timeout"))),
        broken(
            "the line is a comment",
            record(|text| text.replace(REPLACEMENT, &format!("# {REPLACEMENT}"))),
        ),
        broken(
            "a second line says less",
            record(|text| {
                text.replace(
                    REPLACEMENT,
                    &format!("{REPLACEMENT}\nnode.session.timeo.replacement_timeout = 30"),
                )
            }),
        ),
        broken("a number with a blank in it", record(|text| text.replace("timeout = 180", "timeout = 1 80"))),
        broken("a number of another base", record(|text| text.replace("timeout = 180", "timeout = 0xb4"))),
        broken(
            "to another key",
            record(|text| text.replace("timeo.replacement_timeout", "err_timeo.replacement_timeout")),
        ),
        broken("another portal's record says less", |s| {
            let text = s.text(RECORD).replace(REPLACEMENT, "node.session.timeo.replacement_timeout = 30");
            vec![file(RECORD.replace("192.0.2.10", "192.0.2.11"), text)]
        }),
        broken("an interface's record says less", |s| {
            let text = s.text(RECORD).replace(REPLACEMENT, "node.session.timeo.replacement_timeout = 30");
            vec![file(RECORD.replace("/default", "/eth1"), text)]
        }),
        broken("iscsid.conf says less for records to come", |s| {
            let text = s.text("etc/iscsi/iscsid.conf");
            vec![file(
                "etc/iscsi/iscsid.conf",
                text.replace(REPLACEMENT, "node.session.timeo.replacement_timeout = 30"),
            )]
        }),
    ]);
    each_break_is_told(&Subject::new("iscsi-single", "node.session.timeo.replacement_timeout", breaks));
}

const AGENT: &str = "etc/waagent.conf";
const TIMEOUT: &str = "OS.RootDeviceScsiTimeout=600";

#[test]
fn waagent() {
    let mut breaks = of_their_file(AGENT, TIMEOUT, "OS.RootDeviceScsiTimeout=300");
    let conf = |to: fn(&str) -> String| move |s: &Stage| vec![file(AGENT, to(&s.text(AGENT)))];
    breaks.extend([
        broken("the line is removed", conf(|text| without(text, "RootDeviceScsiTimeout"))),
        broken("the line is a comment", conf(|text| text.replace(TIMEOUT, "#OS.RootDeviceScsiTimeout=600"))),
        broken("a second line says less", conf(|text| format!("{text}OS.RootDeviceScsiTimeout=300\n"))),
        broken("switched off", conf(|text| text.replace(TIMEOUT, "OS.RootDeviceScsiTimeout=None"))),
        broken("to another key", conf(|text| text.replace("OS.RootDevice", "ResourceDisk.RootDevice"))),
        broken("the file is removed", |_| vec![at(AGENT, Content::Gone)]),
    ]);
    let mut subject = Subject::new("azure-arm64", "OS.RootDeviceScsiTimeout", breaks);
    // Whether an agent is installed that would read it is another question.
    subject.control = &["ok", "unknown"];
    each_break_is_told(&subject);
}

const FSTAB: &str = "etc/fstab";

#[test]
fn fstab() {
    let mut breaks = of_their_file(FSTAB, "errors=panic", "errors=remount-ro");
    let table = |to: fn(&str) -> String| move |s: &Stage| vec![file(FSTAB, to(&s.text(FSTAB)))];
    breaks.extend([
        broken("the root's line is removed", table(|text| without(text, "LABEL=root"))),
        broken("the word is removed", table(|text| text.replace("errors=panic", "defaults"))),
        broken(
            "a second word says otherwise",
            table(|text| text.replace("errors=panic", "errors=panic,errors=continue")),
        ),
        // Of a running machine what is not mounted is left as it is.
        broken("a line more", table(|text| format!("{text}/dev/sdz1 /more ext4 defaults 0 2\n")))
            .only(Place::Offline),
        broken(
            "to another field",
            table(|text| text.replace("\terrors=panic\t0", "\tdefaults\terrors=panic")),
        ),
        broken(
            "to another file system",
            table(|text| {
                text.replace("errors=panic", "defaults").replace("xfs\tdefaults", "xfs\terrors=panic")
            }),
        ),
        broken("the file is removed", |_| vec![at(FSTAB, Content::Gone)]),
    ]);
    each_break_is_told(&Subject::new("self-heal", "errors", breaks));
}
