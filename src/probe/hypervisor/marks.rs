//! Marks that container managers leave, in systemd's order of looking
//! (src/basic/virt.c, `detect_container`:
//! <https://github.com/systemd/systemd/blob/v257/src/basic/virt.c>).

use crate::facts::{Attribute, Gap};
use crate::probe::noted;
use crate::root::Root;

const FACT: &str = "hypervisor.container";
const SYSTEMD: &str = "run/systemd/container";
const ENVIRON: &str = "proc/1/environ";
const PODMAN: &str = "run/.containerenv";
const DOCKER: &str = ".dockerenv";
const MOUNTS: &str = "proc/self/mountinfo";

/// What was found of a container.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Marks {
    /// The text of `run/systemd/container`, where it is not empty.
    pub systemd: Option<String>,
    /// `container=` in the first process' environment.
    pub environ: Option<String>,
    /// `run/.containerenv` is there.
    pub podman: bool,
    /// `.dockerenv` is there.
    pub docker: bool,
    /// `/` is a whole file system on a block device; read only beside `.dockerenv`, `None` = could not tell.
    pub own_root: Option<bool>,
}

impl Marks {
    /// The container's kind and the file that says so.
    pub fn container(&self) -> Option<(&str, &'static str)> {
        let named = [(self.systemd.as_deref(), SYSTEMD), (self.environ.as_deref(), ENVIRON)];
        if let Some((name, from)) = named.into_iter().find_map(|(name, from)| Some((name?, from))) {
            return Some((name, from));
        }
        if self.podman {
            return Some(("podman", PODMAN));
        }
        (self.docker && !self.left_over()).then_some(("docker", DOCKER))
    }

    /// `.dockerenv` came with a container image that was turned into a disk image: no container
    /// manager gives a container a whole block device's file system as its root.
    pub fn left_over(&self) -> bool {
        self.docker && self.own_root == Some(true)
    }
}

/// Looks for all of them.
pub(super) fn read(machine: &Root, gaps: &mut Vec<Gap>) -> Marks {
    let mut there = |path| noted(gaps, FACT, path, machine.kind(path)).value().is_some();
    let (podman, docker) = (there(PODMAN), there(DOCKER));
    let systemd = noted(gaps, FACT, SYSTEMD, machine.read_text(SYSTEMD)).into_value();
    let environ = noted(gaps, FACT, ENVIRON, machine.read(ENVIRON)).into_value();
    let mounts =
        if docker { noted(gaps, FACT, MOUNTS, machine.read_text(MOUNTS)) } else { Attribute::Absent };
    Marks {
        systemd: systemd.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty()),
        environ: environ.and_then(|bytes| parse_environ(&bytes)),
        podman,
        docker,
        own_root: mounts.value().and_then(|text| parse_own_root(text)),
    }
}

/// The value of `container=`, where it has one.
pub(crate) fn parse_environ(bytes: &[u8]) -> Option<String> {
    let value = bytes.split(|&byte| byte == 0).find_map(|entry| entry.strip_prefix(b"container="))?;
    (!value.is_empty()).then(|| String::from_utf8_lossy(value).into_owned())
}

/// Whether the last mount on `/` shows a whole file system (its field 4 is `/`) of a block device
/// (its major number is not 0) (man 5 `proc_pid_mountinfo`).
pub(crate) fn parse_own_root(mountinfo: &str) -> Option<bool> {
    let mounts = mountinfo.lines().rev().map(|line| line.split(' ').collect::<Vec<_>>());
    let (device, shown) = mounts.into_iter().find_map(|fields| match fields.as_slice() {
        [_, _, device, shown, "/", ..] => Some((device.to_string(), *shown == "/")),
        _ => None,
    })?;
    Some(shown && !device.starts_with("0:"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_process_names_its_container() {
        assert_eq!(parse_environ(b"HOME=/\0container=lxc\0TERM=linux\0").as_deref(), Some("lxc"));
        assert_eq!(parse_environ(b"HOME=/\0xcontainer=lxc\0container=\0"), None);
        assert_eq!(parse_environ(b""), None);
    }

    #[test]
    fn a_root_of_its_own_is_told_from_a_containers() {
        for (line, own) in [
            ("27 1 254:0 / / rw,relatime - ext4 /dev/vda rw,discard", Some(true)),
            ("30 1 253:1 / / rw,relatime shared:1 - xfs /dev/mapper/rootvg-rootlv rw", Some(true)),
            ("612 548 0:54 / / rw,relatime - overlay overlay rw,lowerdir=/var/lib/docker", Some(false)),
            ("612 548 8:1 /var/lib/docker/vfs/dir/0f / rw - ext4 /dev/sda1 rw", Some(false)),
            ("612 548 253:4 /rootfs / rw - ext4 /dev/mapper/docker-8:1-0f rw", Some(false)),
            ("22 27 0:21 / /proc rw - proc proc rw", None),
        ] {
            assert_eq!(parse_own_root(line), own, "{line}");
        }
    }

    #[test]
    fn the_first_mark_names_the_container() {
        let docker = Marks { docker: true, own_root: Some(false), ..Marks::default() };
        assert_eq!(docker.container(), Some(("docker", DOCKER)));
        let named = Marks { systemd: Some("oci".to_owned()), ..docker.clone() };
        assert_eq!(named.container(), Some(("oci", SYSTEMD)));
        let left = Marks { own_root: Some(true), ..docker };
        assert_eq!(left.container(), None);
        assert!(left.left_over());
        assert_eq!(Marks::default().container(), None);
    }
}
