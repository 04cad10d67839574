//! multipath.conf and its drop-ins.

use crate::facts::{Gap, MultipathFiles, MultipathLine, MultipathSetting, UnreadFile};
use crate::formats::{bytes, multipath};
use crate::marker::is_ours;
use crate::root::{Result, Root};

const MULTIPATH_CONF: &str = "etc/multipath.conf";
const DROP_INS: &str = "etc/multipath/conf.d";
/// How drop-ins' names end.
const CONF: &str = ".conf";

const LONGEST_LOOK: &str = "max_polling_interval";

/// What decides how long I/O waits for a path, and what tells which array or map a section is for.
const KEYS: &[&str] = &[
    "no_path_retry",
    "polling_interval",
    LONGEST_LOOK,
    "fast_io_fail_tmo",
    "dev_loss_tmo",
    "checker_timeout",
    "features",
    "vendor",
    "product",
    "revision",
    "wwid",
    "type",
];

/// Settings of multipath.conf and its drop-ins, in reading order: the file, then `*.conf` of the
/// directory by name (`init_config__` and `process_config_dir`,
/// <https://github.com/opensvc/multipath-tools/blob/master/libmultipath/config.c>).
pub fn read(root: &Root, gaps: &mut Vec<Gap>) -> MultipathFiles {
    let mut files = MultipathFiles::default();
    let mut paths = vec![MULTIPATH_CONF.to_owned()];
    match drop_ins(root) {
        Ok(found) => paths.extend(found),
        Err(error) => files.unread.push(UnreadFile { path: DROP_INS.to_owned(), why: error.reason() }),
    }
    let mut blocks = 0;
    for path in paths {
        match root.read(&path) {
            Ok(None) => {}
            Ok(Some(found)) => take(&mut files, &mut blocks, &path, &found),
            Err(error) => files.unread.push(UnreadFile { path, why: error.reason() }),
        }
    }
    gaps.extend(files.unread.iter().map(|unread| Gap::new("multipath", &unread.path, &unread.why)));
    files
}

fn drop_ins(root: &Root) -> Result<Vec<String>> {
    let listed = root.list(DROP_INS)?.unwrap_or_default();
    let names = listed.into_iter().map(|entry| entry.name).filter(|name| name.ends_with(CONF));
    let mut names: Vec<String> = names.collect();
    names.sort_unstable();
    Ok(names.into_iter().map(|name| format!("{DROP_INS}/{name}")).collect())
}

fn take(files: &mut MultipathFiles, blocks: &mut u32, path: &str, found: &[u8]) {
    let ours = is_ours(path, found);
    let before = *blocks;
    for entry in multipath::scan(&bytes::decode(found)) {
        let block = if entry.block == 0 { 0 } else { before + entry.block };
        *blocks = block.max(*blocks);
        if entry.section == "defaults"
            && entry.key == "config_dir"
            && entry.value.trim_matches('/') != DROP_INS
        {
            files.unread.push(UnreadFile {
                path: entry.value.trim_matches('/').to_owned(),
                why: format!("config_dir of {path} names it: only multipath-tools before 0.9 reads it"),
            });
        }
        if KEYS.contains(&entry.key.as_str()) {
            let (line, section, key, value) = (entry.line, entry.section, entry.key, entry.value);
            files.lines.push(MultipathLine { path: path.to_owned(), line, section, block, key, value, ours });
        }
    }
}

/// The settings that hold a timer, each with the value that multipathd takes it for; those that it
/// refuses are left out. `features "1 queue_if_no_path"` is `no_path_retry queue` where nothing sets
/// that, and the longest look at paths bounds the shortest.
pub fn settings(files: &MultipathFiles) -> Vec<MultipathSetting> {
    let setting = |line: &MultipathLine, key: &str, value: String| MultipathSetting {
        path: line.path.clone(),
        line: line.line,
        section: line.section.clone(),
        key: key.to_owned(),
        value,
    };
    let mut settings: Vec<MultipathSetting> = Vec::new();
    for line in files.lines.iter().filter(|line| line.key != LONGEST_LOOK) {
        let value = multipath::reads(&line.section, &line.key, &line.value);
        settings.extend(value.map(|value| setting(line, &line.key, value)));
    }
    let features = ["overrides", "defaults"].into_iter().find_map(|section| {
        let mut outer = files.lines.iter().rev().filter(|line| line.section == section && line.block == 0);
        outer.find(|line| line.key == "features")
    });
    let said = settings.iter().any(|setting| {
        setting.key == "no_path_retry" && matches!(setting.section.as_str(), "defaults" | "overrides")
    });
    if let Some(line) = features.filter(|line| multipath::queues(&line.value) && !said) {
        let queue = setting(line, "no_path_retry", "queue".to_owned());
        settings.push(MultipathSetting { section: "defaults".to_owned(), ..queue });
    }
    let polling = |key: &str| {
        let mut found = files.lines.iter().rev().filter(|line| line.key == key);
        found.find_map(|line| {
            Some((line, multipath::reads(&line.section, key, &line.value)?.parse::<u64>().ok()?))
        })
    };
    if let Some((line, most)) = polling(LONGEST_LOOK).filter(|(_, most)| *most > 0) {
        let least = polling("polling_interval").map_or((most / 4).max(1), |(_, least)| least.min(most));
        settings.push(setting(line, "polling_interval", least.to_string()));
    }
    settings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::root::laid_out;

    fn shown(files: &[(&str, &str)]) -> Vec<String> {
        let (_dir, root) = laid_out(files);
        let settings = settings(&read(&root, &mut Vec::new()));
        let show =
            |s: &MultipathSetting| format!("{}:{} {}/{}={}", s.path, s.line, s.section, s.key, s.value);
        settings.iter().map(show).collect()
    }

    #[test]
    fn timers_are_read_in_order() {
        let found = shown(&[
            ("etc/multipath.conf", "defaults {\n user_friendly_names yes\n polling_interval 10\n}\n"),
            ("etc/multipath/conf.d/b.conf", "overrides {\n no_path_retry 12\n}\n"),
            ("etc/multipath/conf.d/a.conf", "defaults {\n no_path_retry \"queue\"\n no_path_retry soon\n}\n"),
            ("etc/multipath/conf.d/README", "defaults {\n no_path_retry fail\n}\n"),
        ]);
        assert_eq!(
            found,
            [
                "etc/multipath.conf:3 defaults/polling_interval=10",
                "etc/multipath/conf.d/a.conf:2 defaults/no_path_retry=queue",
                "etc/multipath/conf.d/b.conf:2 overrides/no_path_retry=12",
            ]
        );
    }

    #[test]
    fn other_words_for_the_same_are_understood() {
        let conf = "defaults {\n features \"1 queue_if_no_path\"\n max_polling_interval 12\n}\n\
                    devices {\n device {\n vendor A\n product B\n features \"1 queue_if_no_path\"\n no_path_retry 3\n \
                    }\n}\noverrides {\n checker_timeout 3\n}\n";
        let found: Vec<String> = shown(&[("etc/multipath.conf", conf)])
            .into_iter()
            .filter(|line| !line.contains("/vendor") && !line.contains("/product"))
            .collect();
        assert_eq!(
            found,
            [
                "etc/multipath.conf:10 devices/no_path_retry=3",
                "etc/multipath.conf:2 defaults/no_path_retry=queue",
                "etc/multipath.conf:3 defaults/polling_interval=3",
            ]
        );
    }

    #[test]
    fn sections_of_several_files_are_told_apart_and_bytes_cost_nothing() {
        let device = "devices {\n device {\n vendor A\n product B\n no_path_retry 3\n }\n}\n";
        let (_dir, root) = laid_out(&[
            ("etc/multipath.conf", device),
            ("etc/multipath/conf.d/a.conf", device),
            ("etc/multipath/conf.d/dir.conf/x", ""),
        ]);
        let files = read(&root, &mut Vec::new());
        let blocks: Vec<u32> = files.lines.iter().map(|line| line.block).collect();
        assert_eq!(blocks, [1, 1, 1, 2, 2, 2]);
        assert_eq!(files.unread.len(), 1);
        let mut files = MultipathFiles::default();
        take(&mut files, &mut 0, "f", b"# \xe9\ndefaults {\n no_path_retry\xa0queue\n config_dir /x\n}\n");
        assert_eq!((files.lines[0].value.as_str(), files.unread[0].path.as_str()), ("queue", "x"));
    }
}
