//! Which keys, operators and attributes udev takes, and in which order it goes through a line.

use super::token::{Op, Raw};

/// What a token does. The order of the variants is that in which udev goes through the tokens
/// of a line, however they stand there (`sort_tokens`,
/// <https://github.com/systemd/systemd/blob/v257/src/udev/udev-rules.c>).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Key {
    /// `ACTION==`
    Action,
    /// `DEVPATH==`
    Devpath,
    /// `KERNEL==`
    Kernel,
    /// `SYMLINK==`
    Symlink,
    /// `NAME==`
    Name,
    /// `ENV{…}==`
    Env,
    /// `CONST{…}==`
    Const,
    /// `TAG==`
    Tag,
    /// `SUBSYSTEM==`
    Subsystem,
    /// `DRIVER==`
    Driver,
    /// `ATTR{…}==`
    Attr,
    /// `SYSCTL{…}==`
    Sysctl,
    /// `KERNELS==`
    Kernels,
    /// `SUBSYSTEMS==`
    Subsystems,
    /// `DRIVERS==`
    Drivers,
    /// `ATTRS{…}==`
    Attrs,
    /// `TAGS==`
    Tags,
    /// `TEST==`
    Test,
    /// `PROGRAM==`, which runs it there and then
    Program,
    /// `IMPORT{file}`
    ImportFile,
    /// `IMPORT{program}`, which runs it there and then
    ImportProgram,
    /// `IMPORT{builtin}`
    ImportBuiltin,
    /// `IMPORT{db}`
    ImportDb,
    /// `IMPORT{cmdline}`
    ImportCmdline,
    /// `IMPORT{parent}`
    ImportParent,
    /// `RESULT==`
    Result,
    /// `OPTIONS=`, `OWNER=`, `GROUP=`, `MODE=`, `SECLABEL{…}=`, `NAME=`, `SYMLINK=`: no concern of ours
    Other,
    /// `TAG=`
    SetTag,
    /// `ENV{…}=`
    SetEnv,
    /// `ATTR{…}=`
    SetAttr,
    /// `SYSCTL{…}=`
    SetSysctl,
    /// `RUN{builtin}=`
    RunBuiltin,
    /// `RUN=`, which runs the program after all rules
    Run,
}

impl Key {
    /// Whether it looks at the device or one of its parents, all such tokens of a line at the same one.
    pub fn is_of_parents(self) -> bool {
        (Self::Kernels..=Self::Tags).contains(&self)
    }
}

/// A token that udev takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Term {
    /// What it does.
    pub key: Key,
    /// What stands in the braces: an attribute, a variable; empty where nothing does.
    pub attr: String,
    /// Its operator, as udev takes it: `ATTR{…}+=` is `=`, `PROGRAM=` is `==`.
    pub op: Op,
    /// Its value.
    pub value: String,
    /// Compared without regard to case.
    pub any_case: bool,
}

/// What a token comes to.
#[derive(Debug)]
pub(super) enum Taken {
    /// A term, and the reason for which some version of udev drops the line instead.
    Term(Term, Option<&'static str>),
    /// `LABEL=`
    Label(String),
    /// `GOTO=`
    Goto(String),
    /// Nothing: udev passes over the token, not the line.
    Nothing,
}

const ANY_CASE: &str = "older versions of udev know no i\"…\" and drop the line";

/// What udev makes of a token; an error costs the line (`parse_token`).
pub(super) fn take(raw: Raw<'_>) -> Result<Taken, String> {
    let Raw { key: name, attr, op, .. } = raw;
    if raw.any_case && !op.is_match() {
        return Err(format!("{name} is set, so i\"…\" is no value for it"));
    }
    if matches!(name, "GOTO" | "LABEL") {
        bare(name, attr)?;
        allow(name, op, &[Op::Set])?;
        return Ok(if name == "GOTO" { Taken::Goto(raw.value) } else { Taken::Label(raw.value) });
    }
    let mut since = raw.any_case.then_some(ANY_CASE);
    let key = match name {
        "ENV" | "ATTR" | "SYSCTL" | "ATTRS" | "CONST" | "SECLABEL" | "IMPORT" => with_attr(&raw, &mut since)?,
        "RUN" => match attr {
            None | Some("program") => Key::Run,
            Some("builtin") => builtin(&raw.value, &mut since).map(|()| Key::RunBuiltin)?,
            Some(_) => return Err("RUN knows {program} and {builtin}".to_owned()),
        },
        "TEST" => {
            let octal = attr.unwrap_or_default();
            if !octal.chars().all(|c| c.is_digit(8)) || octal.len() > 5 {
                return Err(format!("`{octal}` is no mode"));
            }
            Key::Test
        }
        _ => {
            bare(name, attr)?;
            without_attr(&raw, &mut since)?
        }
    };
    allow(name, op, operators(key, name))?;
    if raw.any_case && (Key::Test..Key::Result).contains(&key) {
        return Err(format!("{name} takes no i\"…\""));
    }
    if name == "OPTIONS" && !option(&raw.value)? {
        return Ok(Taken::Nothing);
    }
    let op = match (key, op) {
        (key, op) if (Key::Program..Key::Result).contains(&key) && !op.is_match() => Op::Is,
        (Key::SetAttr | Key::SetSysctl, _) => Op::Set,
        (_, op) => op,
    };
    let attr = attr.unwrap_or_default().to_owned();
    Ok(Taken::Term(Term { key, attr, op, value: raw.value, any_case: raw.any_case }, since))
}

fn bare(name: &str, attr: Option<&str>) -> Result<(), String> {
    attr.map_or(Ok(()), |_| Err(format!("{name} takes nothing in braces")))
}

fn allow(name: &str, op: Op, ops: &[Op]) -> Result<(), String> {
    if ops.contains(&op) { Ok(()) } else { Err(format!("{name} cannot be followed by {}", op.text())) }
}

const MATCH: &[Op] = &[Op::Is, Op::IsNot];
const SET: &[Op] = &[Op::Add, Op::Set, Op::Final];
const NOT_REMOVE: &[Op] = &[Op::Is, Op::IsNot, Op::Add, Op::Set, Op::Final];
const ANY: &[Op] = &[Op::Is, Op::IsNot, Op::Add, Op::Remove, Op::Set, Op::Final];

fn operators(key: Key, name: &str) -> &'static [Op] {
    match (name, key) {
        ("TAG" | "SYMLINK", _) => ANY,
        ("NAME" | "ENV" | "ATTR" | "SYSCTL" | "PROGRAM" | "IMPORT", _) => NOT_REMOVE,
        ("OPTIONS" | "OWNER" | "GROUP" | "MODE" | "SECLABEL" | "RUN", _) => SET,
        _ => MATCH,
    }
}

fn without_attr(raw: &Raw<'_>, since: &mut Option<&'static str>) -> Result<Key, String> {
    let is_match = raw.op.is_match();
    let either = |matching: Key, setting: Key| if is_match { matching } else { setting };
    Ok(match raw.key {
        "ACTION" => Key::Action,
        "DEVPATH" => Key::Devpath,
        "KERNEL" => Key::Kernel,
        "SUBSYSTEM" => Key::Subsystem,
        "DRIVER" => Key::Driver,
        "KERNELS" => Key::Kernels,
        "SUBSYSTEMS" => Key::Subsystems,
        "DRIVERS" => Key::Drivers,
        "TAGS" => Key::Tags,
        "RESULT" => Key::Result,
        "PROGRAM" => Key::Program,
        "TAG" => either(Key::Tag, Key::SetTag),
        "SYMLINK" => {
            if raw.op == Op::Remove {
                *since = Some("older versions of udev know no SYMLINK-= and drop the line");
            }
            either(Key::Symlink, Key::Other)
        }
        "NAME" if !is_match && matches!(raw.value.as_str(), "" | "%k") => {
            return Err("NAME cannot be set to nothing or to %k".to_owned());
        }
        "NAME" => either(Key::Name, Key::Other),
        "OPTIONS" | "OWNER" | "GROUP" | "MODE" => Key::Other,
        other => return Err(format!("`{other}` is no key of udev's")),
    })
}

fn with_attr(raw: &Raw<'_>, since: &mut Option<&'static str>) -> Result<Key, String> {
    let is_match = raw.op.is_match();
    let either = |matching: Key, setting: Key| if is_match { matching } else { setting };
    let attr = raw.attr.filter(|attr| !attr.is_empty());
    let attr = attr.ok_or_else(|| format!("{} needs something in braces", raw.key))?;
    Ok(match raw.key {
        "ENV" if !is_match && READ_ONLY.contains(&attr) => {
            return Err(format!("ENV{{{attr}}} cannot be set"));
        }
        "ENV" => either(Key::Env, Key::SetEnv),
        "ATTR" => either(Key::Attr, Key::SetAttr),
        "SYSCTL" => either(Key::Sysctl, Key::SetSysctl),
        "ATTRS" => Key::Attrs,
        "SECLABEL" => Key::Other,
        "CONST" => match attr {
            "arch" | "virt" => Key::Const,
            "cvm" => {
                *since = Some("older versions of udev know no CONST{cvm} and drop the line");
                Key::Const
            }
            _ => return Err(format!("CONST{{{attr}}} is not known")),
        },
        // The only one left is IMPORT.
        _ => match attr {
            "file" => Key::ImportFile,
            "program" if builtin(&raw.value, &mut None).is_err() => Key::ImportProgram,
            "program" => Key::ImportBuiltin,
            "builtin" => builtin(&raw.value, since).map(|()| Key::ImportBuiltin)?,
            "db" => Key::ImportDb,
            "cmdline" => Key::ImportCmdline,
            "parent" => Key::ImportParent,
            _ => return Err(format!("IMPORT{{{attr}}} is not known")),
        },
    })
}

/// Properties that no rule can set (`device_property_can_set`).
const READ_ONLY: &[&str] = &[
    "ACTION",
    "DEVLINKS",
    "DEVNAME",
    "DEVPATH",
    "DEVTYPE",
    "DRIVER",
    "IFINDEX",
    "MAJOR",
    "MINOR",
    "SEQNUM",
    "SUBSYSTEM",
    "TAGS",
];

/// Built-in commands of all versions from 252 on.
const BUILTINS: &[&str] = &[
    "blkid",
    "btrfs",
    "hwdb",
    "input_id",
    "keyboard",
    "kmod",
    "net_id",
    "net_setup_link",
    "path_id",
    "uaccess",
    "usb_id",
];

fn builtin(command: &str, since: &mut Option<&'static str>) -> Result<(), String> {
    let name = command.split(super::lines::BLANKS).find(|word| !word.is_empty()).unwrap_or_default();
    match name {
        "net_driver" | "dissect_image" | "factory_reset" => {
            *since = Some("older versions of udev have no such built-in command and drop the line");
            Ok(())
        }
        name if BUILTINS.contains(&name) => Ok(()),
        name => Err(format!("`{name}` is no built-in command of udev's")),
    }
}

/// Whether an option does something; a number or level that is none costs the line.
fn option(value: &str) -> Result<bool, String> {
    let is_number = |text: &str| text.parse::<i32>().is_ok();
    let is_level = |text: &str| {
        ["reset", "emerg", "alert", "crit", "err", "warning", "notice", "info", "debug", "null"]
            .contains(&text)
            || text.parse::<u8>().is_ok_and(|level| level <= 7)
    };
    match value.split_once('=') {
        Some(("link_priority", text)) if !is_number(text) => Err(format!("`{text}` is no priority")),
        Some(("log_level", text)) if !is_level(text) => Err(format!("`{text}` is no level")),
        Some(("link_priority" | "log_level" | "static_node", _)) => Ok(true),
        _ => Ok(matches!(
            value,
            "string_escape=none" | "string_escape=replace" | "db_persist" | "watch" | "nowatch" | "dump"
        )),
    }
}
