//! tuned's profiles, put together with their includes as tuned does it.

pub mod ini;

use crate::order::by_number;
use std::collections::BTreeMap;

use ini::{IniOption, Section, read, read_flat};

/// A profile as it is applied.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Profile {
    /// Its units in the order in which they are applied; those switched off are left out.
    pub units: Vec<Unit>,
    /// Why tuned refuses the whole of it, as far as its files are there to be read; one clause each.
    pub refused: Vec<String>,
    /// What could not be told, and may hold more units and options; one clause each.
    pub open: Vec<String>,
}

/// One unit: a plugin with its options.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Unit {
    /// Its section's name.
    pub name: String,
    /// The plugin: `sysctl`, `disk`, `vm`, `bootloader`.
    pub plugin: String,
    /// Devices that it takes: shell patterns, `!` before one excludes.
    pub devices: String,
    /// Whether a condition on the machine decides over it (`uname_regex`, `cpuinfo_regex`, `devices_udev_regex`).
    pub conditional: bool,
    /// Its options in order.
    pub options: Vec<Setting>,
    /// Whether it takes part.
    enabled: bool,
    priority: i64,
}

/// One option of a unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// The profile's file, below the root.
    pub path: String,
    /// Line number, from 1.
    pub line: u32,
    /// Option: `vm.swappiness`, `readahead`.
    pub name: String,
    /// Value as written.
    pub written: String,
    /// Value with variables put in; `None` where a function of tuned's would have to be run for it.
    pub value: Option<String>,
}

/// Where profiles and files of variables come from: path and text of a profile by its name, leaving out the
/// paths that were read already, or of a file by its path.
pub trait Source {
    /// A profile's file. `Ok(None)` where there is none, the error says why it could not be read.
    fn profile(&mut self, name: &str, read: &[String]) -> Result<Option<(String, String)>, String>;
    /// A file of variables, by its absolute path.
    fn file(&mut self, path: &str) -> Result<Option<String>, String>;
}

/// The most profiles that are read for one: tuned's own chains have four.
const DEEPEST: usize = 32;

/// Reads profiles and what they include, and merges them: options of a later profile replace those of an
/// earlier one's unit of the same name, `replace` drops them all, `drop` some
/// (<https://github.com/redhat-performance/tuned/blob/v2.25.1/tuned/profiles/merger.py>).
pub fn load(names: &[&str], source: &mut dyn Source) -> Profile {
    let mut loader =
        Loader { source, read: Vec::new(), merged: Merged::default(), profile: Profile::default() };
    loader.load(names);
    let Loader { source, merged: Merged { units, variables }, mut profile, .. } = loader;
    let known = values(&variables, source, &mut profile.open);
    profile.units = units.into_iter().filter(|unit| unit.enabled).collect();
    for unit in &mut profile.units {
        unit.devices = expand(&unit.devices, &known).unwrap_or_else(|| "*".to_owned());
        for option in &mut unit.options {
            option.value = expand(unquoted(&option.written), &known);
        }
    }
    // Priorities may be negative.
    profile.units = by_number(profile.units, |unit| unit.priority.wrapping_add(i64::MIN).cast_unsigned());
    profile
}

#[derive(Default)]
struct Merged {
    units: Vec<Unit>,
    variables: Vec<(String, String)>,
}

struct Loader<'s> {
    source: &'s mut dyn Source,
    read: Vec<String>,
    merged: Merged,
    profile: Profile,
}

impl Loader<'_> {
    fn load(&mut self, names: &[&str]) {
        for name in names {
            let (optional, name) = name.strip_prefix('-').map_or((false, *name), |name| (true, name));
            if name.contains('$') {
                self.profile.open.push(format!("a profile includes {name}, which only tuned can tell"));
                continue;
            }
            let name = name.rsplit('/').next().unwrap_or(name);
            let (path, text) = match self.source.profile(name, &self.read) {
                Ok(Some(found)) => found,
                Ok(None) => {
                    let seen = self.read.iter().any(|path| path.ends_with(&format!("/{name}/tuned.conf")));
                    if !optional && !seen {
                        let why =
                            format!("there is no profile {name}, and without it tuned refuses the whole");
                        self.profile.refused.push(why);
                    }
                    continue;
                }
                Err(why) => {
                    self.profile.open.push(why);
                    continue;
                }
            };
            if self.read.len() >= DEEPEST {
                self.profile.open.push("a profile includes more than were followed".to_owned());
                return;
            }
            self.read.push(path.clone());
            match read(&text) {
                Ok(sections) => self.merge(&path, sections),
                Err(line) => {
                    let why = format!("{path}:{line} is no line of a profile, and tuned refuses the whole");
                    self.profile.refused.push(why);
                }
            }
        }
    }

    fn merge(&mut self, path: &str, sections: Vec<Section>) {
        let main = sections.iter().find(|section| section.name == "main");
        let include = main.and_then(|main| main.options.iter().find(|option| option.name == "include"));
        if let Some(include) = include {
            let names: Vec<&str> = include.value.split([',', ';']).map(str::trim).collect();
            self.load(&names);
        }
        for section in sections.into_iter().filter(|section| section.name != "main") {
            self.merge_section(path, section);
        }
    }

    fn merge_section(&mut self, path: &str, section: Section) {
        let (unit, keys) = unit(path, section);
        if unit.plugin == "variables" {
            if keys.replace {
                self.merged.variables.clear();
            }
            for option in unit.options {
                put(&mut self.merged.variables, option.name, option.written);
            }
            return;
        }
        match self.merged.units.iter_mut().find(|earlier| earlier.name == unit.name) {
            Some(earlier) if keys.replace => *earlier = unit,
            Some(earlier) => update(earlier, unit, &keys),
            None => self.merged.units.push(unit),
        }
    }
}

fn put(variables: &mut Vec<(String, String)>, name: String, value: String) {
    match variables.iter_mut().find(|(known, _)| *known == name) {
        Some((_, old)) => *old = value,
        None => variables.push((name, value)),
    }
}

/// Options of a section that steer the merge.
struct Keys {
    replace: bool,
    drop: Vec<String>,
    priority: Option<i64>,
}

fn unit(path: &str, section: Section) -> (Unit, Keys) {
    let yes = |value: &str| matches!(value, "True" | "true" | "1");
    let mut keys = Keys { replace: false, drop: Vec::new(), priority: None };
    let mut unit =
        Unit { name: section.name.clone(), plugin: section.name, enabled: true, ..Unit::default() };
    "*".clone_into(&mut unit.devices);
    for IniOption { line, name, value } in section.options {
        match name.as_str() {
            "type" => unit.plugin = value,
            "enabled" => unit.enabled = yes(&value),
            "replace" => keys.replace = yes(&value),
            "drop" => keys.drop = value.split([',', ';']).map(|name| name.trim().to_owned()).collect(),
            "priority" => keys.priority = value.parse().ok(),
            "devices" => unit.devices = value,
            "uname_regex" | "cpuinfo_regex" | "devices_udev_regex" => unit.conditional = true,
            "prepend" | "script_pre" | "script_post" => {}
            _ => {
                let path = path.to_owned();
                unit.options.push(Setting { path, line, name, written: value, value: None });
            }
        }
    }
    unit.priority = keys.priority.unwrap_or_default();
    (unit, keys)
}

fn update(earlier: &mut Unit, unit: Unit, keys: &Keys) {
    earlier.plugin = unit.plugin;
    earlier.enabled = unit.enabled;
    earlier.devices = unit.devices;
    earlier.conditional |= unit.conditional;
    earlier.priority = keys.priority.unwrap_or(earlier.priority);
    earlier.options.retain(|option| !keys.drop.contains(&option.name));
    let known = earlier.options.iter().enumerate();
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    places.extend(known.map(|(at, option)| (option.name.clone(), at)));
    for option in unit.options {
        match places.get(&option.name).and_then(|at| earlier.options.get_mut(*at)) {
            Some(known) => *known = option,
            None => earlier.options.push(option),
        }
    }
}

fn values(
    variables: &[(String, String)],
    source: &mut dyn Source,
    open: &mut Vec<String>,
) -> Vec<(String, Option<String>)> {
    let mut known: Vec<(String, Option<String>)> = Vec::new();
    for (name, written) in variables {
        if name != "include" {
            let value = expand(written, &known);
            known.push((name.clone(), value));
            continue;
        }
        match source.file(written) {
            Ok(Some(text)) => {
                for option in read_flat(&text).unwrap_or_default() {
                    let value = expand(&option.value, &known);
                    known.push((option.name, value));
                }
            }
            Ok(None) => {}
            Err(why) => open.push(why),
        }
    }
    known
}

/// The text with `${name}` put in; `None` where a function or an unknown variable is left.
fn expand(text: &str, known: &[(String, Option<String>)]) -> Option<String> {
    let mut value = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        value.push_str(before);
        let (name, after) = after.split_once('}')?;
        let (_, found) = known.iter().rev().find(|(known, _)| known == name)?;
        value.push_str(found.as_ref()?);
        rest = after;
    }
    value.push_str(rest);
    Some(value)
}

fn unquoted(value: &str) -> &str {
    value.strip_prefix('"').and_then(|inner| inner.strip_suffix('"')).unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    struct Texts(BTreeMap<&'static str, &'static str>);

    impl Source for Texts {
        fn profile(&mut self, name: &str, read: &[String]) -> Result<Option<(String, String)>, String> {
            for top in ["etc/tuned", "usr/lib/tuned"] {
                let path = format!("{top}/{name}/tuned.conf");
                if let Some(text) = self.0.get(path.as_str()).filter(|_| !read.contains(&path)) {
                    return Ok(Some((path, (*text).to_owned())));
                }
            }
            Ok(None)
        }

        fn file(&mut self, path: &str) -> Result<Option<String>, String> {
            Ok(self.0.get(path).map(|text| (*text).to_owned()))
        }
    }

    fn told(names: &[&str], texts: &[(&'static str, &'static str)]) -> (Vec<String>, Vec<String>) {
        let profile = load(names, &mut Texts(texts.iter().copied().collect()));
        let option = |unit: &Unit, o: &Setting| {
            format!(
                "{} {} {}:{} {}={}",
                unit.plugin,
                unit.devices,
                o.path,
                o.line,
                o.name,
                o.value.as_deref().unwrap_or("?")
            )
        };
        let of_unit = |unit: &Unit| unit.options.iter().map(|o| option(unit, o)).collect::<Vec<_>>();
        (profile.units.iter().flat_map(of_unit).collect(), [profile.refused, profile.open].concat())
    }

    #[test]
    fn includes_are_merged() {
        let base = "[main]\nsummary=x\n[vm]\ndirty_bytes = 40%\n[disk]\nreadahead=>4096\n[sysctl]\nvm.swappiness=10\nvm.x=1\n\
                    [cpu]\nenabled=0\na=1\n[s2]\ntype=sysctl\nuname_regex=aarch64\nk=2\n";
        let site = "[main]\ninclude=base\n[variables]\nlow=5\ninclude=/v\n[sysctl]\nvm.swappiness=\"${low}\"\ndrop=vm.x\n\
                    vm.y=${f:exec:x}\nvm.z=${more}\n[disk]\ndevices=sda,!sdb\nelevator=none\n[vm]\nreplace=1\ndirty_background_bytes=5\n";
        let texts = [
            ("usr/lib/tuned/base/tuned.conf", base),
            ("etc/tuned/site/tuned.conf", site),
            ("/v", "more=${low}1\n"),
        ];
        let (options, flaws) = told(&["site"], &texts);
        assert_eq!(
            options,
            [
                "vm * etc/tuned/site/tuned.conf:16 dirty_background_bytes=5",
                "disk sda,!sdb usr/lib/tuned/base/tuned.conf:6 readahead=>4096",
                "disk sda,!sdb etc/tuned/site/tuned.conf:13 elevator=none",
                "sysctl * etc/tuned/site/tuned.conf:7 vm.swappiness=5",
                "sysctl * etc/tuned/site/tuned.conf:9 vm.y=?",
                "sysctl * etc/tuned/site/tuned.conf:10 vm.z=51",
                "sysctl * usr/lib/tuned/base/tuned.conf:16 k=2",
            ]
        );
        assert_eq!(flaws, [""; 0]);
    }

    #[test]
    fn what_tuned_refuses_is_said() {
        let texts = [("etc/tuned/a/tuned.conf", "[main]\ninclude=b, -c\n[sysctl]\nvm.x=1\n")];
        let (options, flaws) = told(&["a"], &texts);
        assert_eq!((options.len(), flaws.len()), (1, 1), "{flaws:?}");
        assert!(flaws[0].starts_with("there is no profile b"));
        assert_eq!(told(&["a"], &[("etc/tuned/a/tuned.conf", "vm.x=1\n")]).1.len(), 1);
        // A profile of the same name below /etc may include the one below /usr.
        let own = [
            ("etc/tuned/a/tuned.conf", "[main]\ninclude=a\n[sysctl]\nvm.x=1\n"),
            ("usr/lib/tuned/a/tuned.conf", "[sysctl]\nvm.x=2\nvm.y=3\n"),
        ];
        let (options, flaws) = told(&["a"], &own);
        assert_eq!(options.len(), 2, "{options:?}");
        assert_eq!(flaws, [""; 0]);
    }
}
