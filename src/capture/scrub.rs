//! Taking out of a trail what tells who or where the machine is, and nothing else.
//!
//! What is taken out is replaced by the same placeholder wherever it stands, so
//! that links still meet their targets and two things that differed still differ.

use std::collections::BTreeMap;

use crate::probe::hypervisor::{AZURE_TAG, CLASSES};
use crate::probe::storage::parse_signature;
use crate::root::{Seen, Trail};

use super::identifier::{self, IPV4, IQN, Kind};

/// The same in every guest: Azure's own device ids (`WALinuxAgent`, config/66-azure-storage.rules;
/// azure-vm-utils, 80-azure-disk.rules), and the identity of UEFI's own variables.
const EVERYWHERE: &[&str] = &[
    "00000000-0000-",
    "00000000-0001-",
    "f8b3781a-1e82-4818-a1c3-63d806ec15bb",
    "f8b3781b-1e82-4818-a1c3-63d806ec15bb",
    "f8b3781c-1e82-4818-a1c3-63d806ec15bb",
    "8be4df61-93ca-11d2-aa0d-00e098032b8c",
    "f8b3781d-1e82-4818-a1c3-63d806ec15bb",
];

/// How our placeholders start. In a capture of a captured machine they are numbered anew, lest
/// two devices meet under one name.
const FILLER: &str = "00000000-0000-4000-8000-";

/// Attributes that probing has no business with: should one be read all the same, it is left out.
const NEVER: &[&str] =
    &["serial", "wwid", "nguid", "eui", "password", "password_in", "username", "username_in"];

/// File systems whose source is another machine.
const NETWORK: &[&str] = &[
    "nfs",
    "nfs4",
    "cifs",
    "smb3",
    "smbfs",
    "ceph",
    "afs",
    "9p",
    "lustre",
    "beegfs",
    "fuse.sshfs",
    "fuse.glusterfs",
];

/// Kernel arguments whose values name the machine, its network or its secrets.
const TELLING: &[&str] = &[
    "ip",
    "nameserver",
    "hostname",
    "systemd.hostname",
    "netroot",
    "nfsroot",
    "nfsaddrs",
    "ds",
    "ks",
    "url",
    "bootif",
    "proxy",
    "ifname",
    "vlan",
    "rd.luks.key",
    "luks.key",
    "rd.znet",
    "rd.peerdns",
];

/// In place of a value of which nothing is told, not even whether it is another's too.
const SCRUBBED: &str = "scrubbed";

/// The same trail without serial numbers, UUIDs, host names and addresses.
pub fn scrub(trail: &Trail) -> Trail {
    let mut scrubber = Scrubber::default();
    let mut clean = Trail::new();
    for (path, seen) in trail.iter() {
        if path.rsplit('/').next().is_some_and(|name| NEVER.contains(&name)) {
            continue;
        }
        let seen = match seen {
            Seen::File(bytes) => Seen::File(scrubber.file(path, bytes)),
            Seen::Link(target) => Seen::Link(scrubber.text(target)),
            Seen::Dir | Seen::Unreadable(_) => seen.clone(),
        };
        clean.insert(scrubber.text(path), seen);
    }
    clean
}

/// What was replaced so far: originals to numbers, by kind.
#[derive(Debug, Default)]
struct Scrubber {
    uuids: BTreeMap<String, usize>,
    maps: BTreeMap<String, usize>,
    wwns: BTreeMap<String, usize>,
}

/// The number of an original, from 1 in order of appearance.
fn number(seen: &mut BTreeMap<String, usize>, original: &str) -> usize {
    let next = seen.len() + 1;
    *seen.entry(original.to_ascii_lowercase()).or_insert(next)
}

impl Scrubber {
    fn file(&mut self, path: &str, bytes: &[u8]) -> Vec<u8> {
        let name = path.rsplit('/').next().unwrap_or_default();
        if name == "FACP" {
            return only_the_hypervisor(bytes);
        }
        // Byte for byte into characters and back: whatever is no UTF-8 stays as it was.
        let text: String = bytes.iter().copied().map(char::from).collect();
        let clean = match (path, name) {
            ("proc/sys/kernel/osrelease", _) => return bytes.to_vec(),
            ("proc/1/environ", _) => only_the_container(&text),
            (path, _) if path.starts_with("run/udev/data/") => only_the_signature(&text),
            ("proc/cmdline", _) => self.cmdline(&text),
            ("proc/self/mountinfo", _) => self.mounts(&text),
            (_, "chassis_asset_tag") if text.trim() != AZURE_TAG => format!("{SCRUBBED}\n"),
            (_, "chassis_asset_tag") => text,
            (_, "uuid") if path.ends_with("/dm/uuid") => self.map(&text),
            (_, "targetname" | "initiatorname") => format!("{IQN}\n"),
            (_, "persistent_address" | "address") if !text.contains(':') => format!("{IPV4}\n"),
            _ => self.text(&text),
        };
        clean.chars().map(|c| u8::try_from(c).unwrap_or(b'?')).collect()
    }

    /// Any text: every identifier in it replaced.
    fn text(&mut self, text: &str) -> String {
        let mut clean = String::with_capacity(text.len());
        let mut index = 0;
        while let Some(c) = text.get(index..).and_then(|rest| rest.chars().next()) {
            let Some((kind, length)) = identifier::at(text, index) else {
                clean.push(c);
                index += c.len_utf8();
                continue;
            };
            let original = text.get(index..index + length).unwrap_or_default();
            clean.push_str(&self.replacement(kind, original));
            index += length;
        }
        clean
    }

    fn replacement(&mut self, kind: Kind, original: &str) -> String {
        match kind {
            Kind::Fixed(placeholder) => placeholder.to_owned(),
            Kind::Wwn => format!("36{:030}", number(&mut self.wwns, original)),
            Kind::Uuid if is_public(original) => original.to_owned(),
            // The value of a secret whose name ends like a volume's key: it was replaced already.
            Kind::Volume if original == SCRUBBED => original.to_owned(),
            Kind::Uuid | Kind::Volume => {
                format!("{FILLER}{:012}", number(&mut self.uuids, original))
            }
        }
    }

    /// A map's uuid: `mpath-…`, `LVM-…`, `CRYPT-LUKS2-…`; of a partition `part1-mpath-…`.
    fn map(&mut self, text: &str) -> String {
        let text = text.trim_end();
        let partition =
            text.split_once('-').filter(|(start, rest)| start.starts_with("part") && rest.contains('-'));
        let (partition, whole) = partition.map_or(("", text), |(start, rest)| (start, rest));
        let kind = whole.split_once('-').map_or("uuid", |(kind, _)| kind);
        let number = number(&mut self.maps, whole);
        let dash = if partition.is_empty() { "" } else { "-" };
        if text.is_empty() { "\n".to_owned() } else { format!("{partition}{dash}{kind}-{number}\n") }
    }

    /// The command line; what is meant for init is no fact, and left out.
    fn cmdline(&mut self, text: &str) -> String {
        let kept: Vec<_> = text.split_ascii_whitespace().take_while(|arg| *arg != "--").map(quiet).collect();
        self.text(&kept.join(" ")) + "\n"
    }

    fn mounts(&mut self, text: &str) -> String {
        let lines: String = text.lines().map(|line| local(line) + "\n").collect();
        self.text(&lines)
    }
}

/// Whether a UUID is the same on every machine.
fn is_public(uuid: &str) -> bool {
    let uuid = uuid.to_ascii_lowercase();
    let known = !uuid.starts_with(FILLER) && EVERYWHERE.iter().any(|id| uuid.starts_with(id));
    known || CLASSES.iter().any(|(class, _)| *class == uuid)
}

/// An argument without a value that names the machine, its network or a secret.
fn quiet(arg: &str) -> String {
    let Some((key, value)) = arg.split_once('=') else { return arg.to_owned() };
    let plain = key.trim_start_matches('"').to_ascii_lowercase();
    let telling = TELLING.contains(&plain.as_str())
        || plain.starts_with("rd.iscsi.")
        || plain.starts_with("iscsi_")
        || plain.starts_with("inst.")
        || ["passw", "secret", "token", "credential", "auth"].iter().any(|word| plain.contains(word))
        || value.contains("://");
    if telling { format!("{key}={SCRUBBED}") } else { arg.to_owned() }
}

/// A line of mountinfo without the other machine's name (man 5 `proc_pid_mountinfo`: the
/// file system's own fields follow a lone dash).
fn local(line: &str) -> String {
    let Some((mount, own)) = line.split_once(" - ") else { return line.to_owned() };
    let fields: Vec<_> = own.splitn(3, ' ').collect();
    let [fstype, source, options] = fields.as_slice() else { return line.to_owned() };
    if !NETWORK.contains(fstype) && !source.contains(":/") && !source.starts_with("//") {
        return line.to_owned();
    }
    let plain: Vec<_> = options.split(',').filter(|option| !option.contains('=')).collect();
    format!("{mount} - {fstype} server:/export {}", plain.join(","))
}

/// Of an environment the variable `container` alone.
fn only_the_container(environ: &str) -> String {
    let entry = environ.split('\0').find(|entry| entry.starts_with("container="));
    entry.map(|entry| format!("{entry}\0")).unwrap_or_default()
}

/// Of an entry of udev's database the signature alone.
fn only_the_signature(entry: &str) -> String {
    parse_signature(entry).map(|signature| format!("E:ID_FS_TYPE={signature}\n")).unwrap_or_default()
}

/// Of the FADT the hypervisor's id alone, at its place.
fn only_the_hypervisor(table: &[u8]) -> Vec<u8> {
    let keep = |(index, byte): (usize, &u8)| if (268..276).contains(&index) { *byte } else { 0 };
    table.iter().enumerate().map(keep).collect()
}

#[cfg(test)]
mod tests;
