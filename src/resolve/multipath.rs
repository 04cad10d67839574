//! multipath's timers: how long a map holds I/O when its paths are gone.
//!
//! `overrides` outrank what `devices` says of an array, that outranks the built-in table, and that
//! `defaults`; a map's own section outranks all of them, and a `protocol` section the overrides
//! around it (<https://github.com/opensvc/multipath-tools/blob/master/libmultipath/propsel.c>).
//! Within one of these the last value counts, whichever file it stands in.

mod arrays;
mod said;

use super::{Acts, Chain, InForce, Moment, Ours, Who, Writer};
use crate::facts::{Class, Disk, Facts, MultipathLine, UnreadFile};
use crate::formats::multipath::{queues, reads};
use crate::scale::{Position, Scale};

use arrays::Array;

pub use said::{Said, path_back, polling_interval, said};

/// What multipathd sets by itself, where that is a number of its own.
fn built_in(key: &str) -> (&'static str, Option<&'static str>) {
    match key {
        "no_path_retry" => ("multipathd's own value", Some("fail")),
        "fast_io_fail_tmo" | "polling_interval" => ("multipathd's own value", Some("5")),
        "checker_timeout" => ("the path's own device/timeout", None),
        _ => ("the driver's own value", None),
    }
}

/// Whether a key stands in `defaults` only.
fn is_global(key: &str) -> bool {
    matches!(key, "checker_timeout" | "polling_interval")
}

/// Who writes a timer of a map, or with `None` of any map that may come.
pub fn chain(facts: &Facts, key: &str, map: Option<&Disk>, ours: Option<Ours<'_>>) -> Chain {
    let (name, value) = built_in(key);
    let mut writers = vec![Writer {
        who: Who::BuiltIn(name),
        value: value.map(str::to_owned),
        shown: value.unwrap_or(name).to_owned(),
        moment: Moment::BuiltIn,
        acts: Acts::Yes,
        because: "nothing else says one".to_owned(),
    }];
    let path = map.and_then(|map| first_path(facts, map));
    let array = path.map(|path| (path.vendor.as_str(), path.model.as_str()));
    let array = array.filter(|(vendor, product)| !vendor.is_empty() && !product.is_empty());
    let view = View { facts, key, path, array };
    if key == "no_path_retry" {
        writers.extend(view.features());
    }
    writers.extend(view.section("defaults", "it counts where nothing says more"));
    if key == "polling_interval" {
        writers.extend(view.longest_look());
    }
    if is_global(key) {
        writers = view.with_ours(writers, "defaults", ours);
    } else {
        writers.extend(view.arrays());
        let overrides = view.section("overrides", "overrides outrank arrays and defaults");
        writers.extend(view.with_ours(overrides, "overrides", ours));
        writers.extend(view.inner("protocol"));
        writers.extend(view.inner("multipaths"));
    }
    let unread = facts.system.multipath_files.unread.iter();
    let doubts = unread.map(UnreadFile::said).collect();
    Chain { writers, doubts }
}

/// A value that an override of ours would shorten.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Longest {
    /// The longest value that is in force for a map, or may be for one to come, without us.
    pub value: String,
    /// Who writes it.
    pub who: Who,
    /// What stands there.
    pub shown: String,
}

/// The longest value of a key that maps have without us and that ours in `overrides` would outrank, or
/// would have as soon as one comes. A map's own section is not among them, as that outranks ours, nor
/// is what the built-in table has for arrays that are not there. `None` where nobody is known to write it.
pub fn longest_without_us(facts: &Facts, key: &str) -> Option<Longest> {
    let disks = facts.machine.iter().flat_map(|machine| machine.disks.iter().flatten());
    let maps = disks.filter(|disk| matches!(disk.class, Class::Multipath { .. })).map(Some);
    let ours = Ours { path: OURS, value: "" };
    let of = |map| {
        let mut chain = chain(facts, key, map, Some(ours));
        let at = chain.writers.iter().position(Writer::is_ours).unwrap_or(chain.writers.len());
        chain.writers.truncate(at);
        chain.doubts.clear();
        longest(&chain, key)
    };
    let all = maps.chain([None]).filter_map(of);
    all.fold(None, |longest: Option<(Position, Longest)>, next| match longest {
        Some(longest) if longest.0 >= next.0 => Some(longest),
        _ => Some(next),
    })
    .map(|(_, longest)| longest)
}

const OURS: &str = "etc/multipath/conf.d/90-hvtune.conf";

/// Whether no section outranks our override of a key, for any map that may come.
pub fn has_the_last_word(facts: &Facts, key: &str, value: &str) -> bool {
    let ends = chain(facts, key, None, Some(Ours { path: OURS, value }));
    matches!(ends.in_force(), InForce::Known { by, .. } if ends.writers.get(by).is_some_and(Writer::is_ours))
}

/// The longest value that a chain may end in, of those that somebody wrote.
fn longest(chain: &Chain, key: &str) -> Option<(Position, Longest)> {
    let possible = match chain.in_force() {
        InForce::Known { value, .. } => vec![value],
        InForce::Unknown { candidates, .. } => candidates,
    };
    let stands = |value: &String| Some((Scale::of(key).position(value)?, value.clone()));
    let (position, value) = possible.iter().filter_map(stands).max_by_key(|(position, _)| *position)?;
    let wrote =
        |writer: &&Writer| writer.value.as_ref() == Some(&value) && !matches!(writer.acts, Acts::No(_));
    let writer = chain.others().filter(wrote).last()?;
    Some((position, Longest { value, who: writer.who.clone(), shown: writer.shown.clone() }))
}

/// A path of the map: all of them are the same array's.
fn first_path<'a>(facts: &'a Facts, map: &Disk) -> Option<&'a Disk> {
    let Class::Multipath { paths } = &map.class else { return None };
    let disks = facts.machine.as_ref()?.disks.as_ref()?;
    paths.iter().find_map(|path| disks.iter().find(|disk| disk.name == *path))
}

/// One key, looked at for one array, or for any where no path is known.
struct View<'a> {
    facts: &'a Facts,
    key: &'a str,
    path: Option<&'a Disk>,
    /// Vendor and product of the array, where both are known.
    array: Option<(&'a str, &'a str)>,
}

impl<'a> View<'a> {
    fn lines(&self) -> impl Iterator<Item = &'a MultipathLine> {
        self.facts.system.multipath_files.lines.iter().filter(|line| !line.ours)
    }

    /// What the outermost lines of a section say of the key.
    fn section(&self, section: &str, because: &str) -> Vec<Writer> {
        let here = self.lines().filter(|line| line.section == section && line.block == 0);
        here.filter(|line| line.key == self.key)
            .filter_map(|line| self.writer(line, reads(section, self.key, &line.value), Acts::Yes, because))
            .collect()
    }

    /// A line as a writer; `None` where multipathd refuses its value.
    fn writer(
        &self,
        line: &MultipathLine,
        value: Option<String>,
        acts: Acts,
        because: &str,
    ) -> Option<Writer> {
        let value = value?;
        // 0 is not set.
        let value = (self.key != "checker_timeout" || value != "0").then_some(value);
        Some(Writer {
            who: Who::Line { path: line.path.clone(), line: line.line },
            value,
            shown: format!("{} {} {}", line.section, line.key, line.value),
            moment: Moment::Files,
            acts,
            because: because.to_owned(),
        })
    }

    /// `features "1 queue_if_no_path"` counts only where nothing sets `no_path_retry` at all.
    fn features(&self) -> Vec<Writer> {
        let because = "queue_if_no_path is no_path_retry queue where nothing sets that";
        let mut found: Vec<Writer> = Vec::new();
        for section in ["defaults", "devices", "overrides", "multipaths"] {
            for line in self.lines().filter(|line| line.section == section && line.key == "features") {
                let value = if queues(&line.value) { "queue" } else { "fail" };
                // Other features matter only where they take the place of such ones.
                if value == "fail" && found.is_empty() {
                    continue;
                }
                let acts = match section {
                    "devices" => self.concerns(line.block),
                    "multipaths" => Acts::Maybe(ONE_MAP.to_owned()),
                    _ => Acts::Yes,
                };
                found.extend(self.writer(line, Some(value.to_owned()), acts, because));
            }
        }
        found
    }

    /// A bound on the longest look bounds the shortest, and sets it to a quarter where nothing else does.
    fn longest_look(&self) -> Option<Writer> {
        let number = |key: &str| {
            let mut found =
                self.facts.system.multipath_files.lines.iter().rev().filter(|line| line.key == key);
            found.find_map(|line| Some((line, reads(&line.section, key, &line.value)?.parse::<u64>().ok()?)))
        };
        let (line, most) = number("max_polling_interval").filter(|(_, most)| *most > 0)?;
        let least = number("polling_interval").map_or((most / 4).max(1), |(_, least)| least.min(most));
        self.writer(line, Some(least.to_string()), Acts::Yes, "no look is longer than max_polling_interval")
    }

    /// The built-in table and the sections for arrays, in the order in which the later outranks the earlier.
    fn arrays(&self) -> Vec<Writer> {
        let arrays = arrays::all(self.facts);
        if self.array.is_none() {
            let of_table = arrays::built_in().any(|array| array.value(self.key).is_some());
            let table = of_table.then(|| Writer {
                who: table(),
                value: None,
                shown: "the array's own entry".to_owned(),
                moment: Moment::Files,
                acts: Acts::Maybe("the array's own entry may set it".to_owned()),
                because: "the built-in table outranks defaults".to_owned(),
            });
            let written = arrays.iter().filter(|array| !array.is_built_in());
            return table.into_iter().chain(written.filter_map(|array| self.of_array(array))).collect();
        }
        arrays.iter().filter_map(|array| self.of_array(array)).collect()
    }

    fn of_array(&self, array: &Array<'_>) -> Option<Writer> {
        let value = array.value(self.key)?;
        let acts = match array.takes(self.array) {
            Some(true) => Acts::Yes,
            Some(false) => return None,
            None => Acts::Maybe(format!("its array is {} {}", array.vendor, array.product)),
        };
        let acts = if array.sure {
            acts
        } else {
            Acts::Maybe("only some versions have it in their table".to_owned())
        };
        let shown = format!("{} {}: {} {value}", array.vendor, array.product, self.key);
        let (who, because) = match array.line(self.key) {
            Some(line) => (
                Who::Line { path: line.path.clone(), line: line.line },
                "the array's own section outranks the built-in table and defaults",
            ),
            None => (table(), "the built-in table outranks defaults"),
        };
        let (moment, because) = (Moment::Files, because.to_owned());
        Some(Writer { who, value: Some(value.to_owned()), shown, moment, acts, because })
    }

    /// Whether a `device` section is for this array.
    fn concerns(&self, block: u32) -> Acts {
        let array = arrays::all(self.facts).into_iter().find(|array| array.blocks.contains(&block));
        match array.map(|array| array.takes(self.array)) {
            Some(Some(true)) => Acts::Yes,
            Some(None) => Acts::Maybe("its array may come".to_owned()),
            Some(Some(false)) => Acts::No("it is for another array".to_owned()),
            None => Acts::No("it names no vendor and product, so it is dropped".to_owned()),
        }
    }

    /// The sections for one protocol or one map.
    fn inner(&self, section: &str) -> Vec<Writer> {
        let here =
            self.lines().filter(|line| line.section == section && line.key == self.key && line.block > 0);
        here.filter_map(|line| {
            let named = |key: &str| {
                let lines = self.facts.system.multipath_files.lines.iter().rev();
                let mut same = lines.filter(|other| other.block == line.block && other.key == key);
                same.next().map(|other| other.value.as_str())
            };
            let (acts, because) = if section == "protocol" {
                let acts =
                    named("type").map_or(Acts::No("it names no type".to_owned()), |kind| self.speaks(kind));
                (acts, "a section of one protocol outranks the overrides around it")
            } else {
                let missing = Acts::No("it names no wwid, so it is dropped".to_owned());
                let acts = named("wwid").map_or(missing, |_| Acts::Maybe(ONE_MAP.to_owned()));
                (acts, "a map's own section outranks every other")
            };
            self.writer(line, reads(section, self.key, &line.value), acts, because)
        })
        .collect()
    }

    /// Whether the paths speak a protocol (`bus_protocol_id`, libmultipath/structs.c).
    fn speaks(&self, kind: &str) -> Acts {
        let own = match self.path.map(|path| &path.class) {
            Some(Class::Iscsi { .. }) => "scsi:iscsi",
            Some(Class::StorvscFc) => "scsi:fcp",
            Some(Class::StorvscScsi | Class::StorvscIde) => "scsi:unspec",
            _ => return Acts::Maybe(format!("it is for paths of type {kind}")),
        };
        if own == kind { Acts::Yes } else { Acts::No(format!("it is for paths of type {kind}, not {own}")) }
    }

    /// Ours among the lines of its section: files are read by name, multipath.conf before them all.
    fn with_ours(&self, mut writers: Vec<Writer>, section: &str, ours: Option<Ours<'_>>) -> Vec<Writer> {
        let Some(ours) = ours else { return writers };
        let name = |path: &str| path.rsplit('/').next().unwrap_or_default().to_owned();
        let later = |writer: &Writer| match &writer.who {
            Who::Line { path, .. } => path.contains("/conf.d/") && name(path) > name(ours.path),
            _ => false,
        };
        let at = writers.iter().position(later).unwrap_or(writers.len());
        let because = if section == "defaults" {
            "no other section takes the key"
        } else {
            "overrides outrank arrays and defaults"
        };
        writers.insert(
            at,
            Writer {
                who: Who::Ours { path: ours.path.to_owned() },
                value: Some(ours.value.to_owned()),
                shown: format!("{section} {} {}", self.key, ours.value),
                moment: Moment::Files,
                acts: Acts::Yes,
                because: because.to_owned(),
            },
        );
        writers
    }
}

/// multipath's built-in table of arrays.
fn table() -> Who {
    Who::Program { name: "multipath's table of arrays".to_owned(), path: String::new(), line: 0 }
}

const ONE_MAP: &str = "it counts for the map of its wwid alone";

#[cfg(test)]
mod tests;
