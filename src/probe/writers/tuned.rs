//! tuned: which profile it will apply, and what that holds.

use crate::facts::{Chosen, Tuned};
use crate::formats::bytes::decode;
use crate::formats::tuned::ini::{IniOption, read_flat};
use crate::formats::tuned::{Source, load};
use crate::root::Root;

use super::reader::Reader;
use super::units;

const CONF: &str = "etc/tuned/tuned-main.conf";
/// Any of these means that tuned is here.
const INSTALLED: [&str; 5] = [
    "usr/sbin/tuned",
    "usr/bin/tuned",
    "etc/tuned/tuned-main.conf",
    "etc/tuned/active_profile",
    "usr/lib/tuned",
];
/// What tuned's `recommend.conf` names for a guest.
const FOR_GUESTS: &str = "virtual-guest";

/// Reads it, where tuned is installed.
pub(super) fn read(reader: &mut Reader<'_>) -> Option<Tuned> {
    if !reader.any(&INSTALLED) {
        return None;
    }
    let main =
        reader.text("tuned", CONF).map(|text| read_flat(&text).unwrap_or_default()).unwrap_or_default();
    let (mut names, chosen) = names(reader, &main)?;
    names.extend(word(reader.text("tuned", "etc/tuned/post_loaded_profile")));
    let dirs = dirs(reader, &main);
    let asked: Vec<&str> = names.iter().map(String::as_str).collect();
    let profile = load(&asked, &mut Files { root: reader.root, dirs });
    let service = units::state(reader.root, reader.listed, "tuned.service");
    let reapply = option(&main, "reapply_sysctl").is_none_or(is_yes);
    let exclude = option(&main, "reapply_sysctl_exclude").unwrap_or_default();
    let exclude = exclude.split([',', ';']).map(|key| key.trim().to_owned()).filter(|key| !key.is_empty());
    let version = version(reader);
    Some(Tuned { service, names, chosen, profile, reapply, version, exclude: exclude.collect() })
}

/// The minor version, from Python's package.
fn version(reader: &mut Reader<'_>) -> Option<u32> {
    let mut places = vec!["usr/lib/python3/dist-packages".to_owned()];
    let versions = reader.names("tuned", "usr/lib", "").into_iter().filter(|name| name.starts_with("python"));
    places.extend(versions.map(|name| format!("usr/lib/{name}/site-packages")));
    let bytes =
        places.iter().find_map(|place| reader.root.read(&format!("{place}/tuned/version.py")).ok().flatten());
    let text = decode(&bytes?);
    let minor = text.lines().find_map(|line| line.strip_prefix("TUNED_VERSION_MINOR = "));
    minor?.trim().parse().ok()
}

fn option<'o>(options: &'o [IniOption], name: &str) -> Option<&'o str> {
    options.iter().find(|option| option.name == name).map(|option| option.value.as_str())
}

/// Python's `getboolean` (<https://github.com/redhat-performance/tuned/blob/v2.25.1/tuned/utils/global_config.py>).
fn is_yes(value: &str) -> bool {
    matches!(value.to_ascii_lowercase().as_str(), "1" | "yes" | "true" | "on")
}

fn word(text: Option<String>) -> Option<String> {
    text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
}

/// The profiles, and who chose them; `None` where tuned is told to apply none. An empty or missing
/// `active_profile` has tuned choose, and so has `auto` in `profile_mode`
/// (<https://github.com/redhat-performance/tuned/blob/v2.25.1/tuned/daemon/daemon.py>, `_get_startup_profile`).
fn names(reader: &mut Reader<'_>, main: &[IniOption]) -> Option<(Vec<String>, Chosen)> {
    let active = word(reader.text("tuned", "etc/tuned/active_profile"));
    let mode = word(reader.text("tuned", "etc/tuned/profile_mode"));
    let names = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    match (active, mode.as_deref()) {
        (Some(active), Some("auto")) => Some((names(&active), Chosen::Last)),
        (Some(active), _) => Some((names(&active), Chosen::Written)),
        (None, Some("manual")) => None,
        (None, _) if option(main, "recommend_command").is_none_or(is_yes) => {
            Some((vec![FOR_GUESTS.to_owned()], Chosen::Guessed))
        }
        (None, _) => Some((vec!["balanced".to_owned()], Chosen::Guessed)),
    }
}

/// Where profiles are looked for, highest first: `profile_dirs`, or the places of the version that is installed.
fn dirs(reader: &Reader<'_>, main: &[IniOption]) -> Vec<String> {
    if let Some(dirs) = option(main, "profile_dirs") {
        let dirs = dirs.split([',', ';']).map(|dir| dir.trim().trim_matches('/').to_owned());
        return dirs.filter(|dir| !dir.is_empty()).rev().collect();
    }
    // Since version 2.23, unless the distribution kept the old places.
    let new = reader.any(&["usr/lib/tuned/profiles"]);
    let dirs =
        if new { ["etc/tuned/profiles", "usr/lib/tuned/profiles"] } else { ["etc/tuned", "usr/lib/tuned"] };
    dirs.map(str::to_owned).to_vec()
}

struct Files<'r> {
    root: &'r Root,
    dirs: Vec<String>,
}

impl Files<'_> {
    fn text(&self, path: &str) -> Result<Option<String>, String> {
        let bytes =
            self.root.read(path).map_err(|error| format!("{path} could not be read: {}", error.reason()))?;
        let text = bytes.map(String::from_utf8).transpose();
        text.map_err(|_| format!("{path} is not UTF-8, and tuned cannot read it"))
    }
}

impl Source for Files<'_> {
    fn profile(&mut self, name: &str, read: &[String]) -> Result<Option<(String, String)>, String> {
        for dir in &self.dirs {
            let path = format!("{dir}/{name}/tuned.conf");
            if read.contains(&path) {
                continue;
            }
            if let Some(text) = self.text(&path)? {
                return Ok(Some((path, text)));
            }
        }
        Ok(None)
    }

    fn file(&mut self, path: &str) -> Result<Option<String>, String> {
        self.text(path.trim_start_matches('/'))
    }
}
