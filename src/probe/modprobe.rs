//! Everybody's modprobe.d, in the order in which libkmod reads it.
//!
//! Of files with one name the first directory's counts, and what counts is taken in the order of
//! names. A directory, or a link that leads nowhere, does not stand for its name; a link to
//! /dev/null does, and is empty
//! (<https://github.com/kmod-project/kmod/blob/v34/libkmod/libkmod-config.c>, `conf_files_filter_out`).

use crate::facts::{Gap, Mask, ModprobeFile, ModprobeLine};
use crate::formats::bytes::decode;
use crate::formats::kmod;
use crate::marker::{BASE_NAME, is_ours};
use crate::order::Named;
use crate::root::{Dir, Entry, Kind, Root};

use super::MODULES;
use super::writers::{hides, is_null, open, tops};

const FACT: &str = "modprobe";

/// Reads them, and tells which file takes the place of ours.
pub fn read(root: &Root, gaps: &mut Vec<Gap>) -> (Vec<ModprobeFile>, Option<Mask>) {
    let mut by_name: Named<Vec<ModprobeFile>> = Named::new();
    let own = format!("{BASE_NAME}.conf");
    let mut mask = None;
    for path in tops(root).iter().map(|top| format!("{top}/modprobe.d")) {
        match open(root, &path) {
            Ok(None) => {}
            Ok(Some((dir, entries))) => {
                for entry in entries.into_iter().filter(|entry| counts(&entry.name)) {
                    let first_own = entry.name == own && !by_name.contains_key(&own);
                    let files = by_name.or_insert_with(entry.name.clone(), Default::default);
                    let taken =
                        files.iter().find(|file| file.kept_out.is_none()).map(|file| file.path.clone());
                    let hidden = first_own.then_some(&mut mask);
                    files.extend(read_file(root, &dir, &entry, taken, (hidden, gaps)));
                }
            }
            Err(error) => {
                gaps.push(Gap::new(FACT, &path, error.reason()));
                let unread = Some(format!("{path} could not be listed: {}", error.reason()));
                by_name.or_insert_with(String::new(), Default::default).push(ModprobeFile {
                    path,
                    unread,
                    ..ModprobeFile::default()
                });
            }
        }
    }
    (by_name.into_values().flatten().collect(), mask)
}

fn counts(name: &str) -> bool {
    !name.starts_with('.') && name.strip_suffix(".conf").is_some_and(|stem| !stem.is_empty())
}

/// A file, or `None` where libkmod passes its name over. `taken`: the file of this name that counts. The
/// mask is that of the highest file of our name, whatever it is.
fn read_file(
    root: &Root,
    dir: &Dir<'_>,
    entry: &Entry,
    taken: Option<String>,
    (mask, gaps): (Option<&mut Option<Mask>>, &mut Vec<Gap>),
) -> Option<ModprobeFile> {
    let path = format!("{}/{}", dir.path(), entry.name);
    let mut file = ModprobeFile {
        path,
        kept_out: taken.map(|by| format!("{by} takes its place")),
        ..ModprobeFile::default()
    };
    let null =
        entry.kind == Kind::Link && dir.read_link(&entry.name).ok().flatten().is_some_and(|to| is_null(&to));
    let read = if null { Ok(Some(Vec::new())) } else { root.read(&file.path) };
    if let Some(mask) = mask {
        let below = "modprobe.d".to_owned();
        *mask = hides(&file.path, read.as_ref().map(Option::as_deref)).map(|how| Mask {
            below,
            by: file.path.clone(),
            how,
        });
    }
    if entry.kind == Kind::Dir {
        return None;
    }
    let bytes = match read {
        Ok(bytes) => bytes?,
        Err(error) => {
            gaps.push(Gap::new(FACT, &file.path, error.reason()));
            file.unread = Some(format!("{} could not be read: {}", file.path, error.reason()));
            return Some(file);
        }
    };
    file.ours = is_ours(&file.path, &bytes);
    let lines = kmod::lines(&decode(&bytes)).into_iter();
    let lines = lines.filter(|line| MODULES.contains(&line.module.as_str()));
    file.lines = lines
        .map(|line| ModprobeLine {
            line: line.line,
            module: line.module,
            install: line.install,
            text: line.text,
        })
        .collect();
    Some(file)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Hides;
    use crate::marker::marker_line;
    use crate::root::laid_out;

    #[test]
    fn files_come_in_libkmods_order_and_by_its_rules() {
        let ours = "options nvme_core io_timeout=240\n";
        let ours = format!("{}{ours}", marker_line(ours.as_bytes()));
        let (_dir, root) = laid_out(&[
            ("usr/lib/modprobe.d/90-hvtune.conf", &ours),
            ("etc/modprobe.d/90-hvtune.conf", "-> /dev/null"),
            ("usr/lib/modprobe.d/a.conf", "options nvme-core io_timeout=1\noptions snd x=1\n"),
            ("run/modprobe.d/a.conf", "install nvme_core /bin/true\n"),
            ("etc/modprobe.d/a.conf", "-> nowhere"),
            ("etc/modprobe.d/b.conf/x", ""),
            ("usr/lib/modprobe.d/b.conf", "options scsi_mod scan=\"a b\"\n"),
            ("etc/modprobe.d/c.conf.bak", "options nvme_core io_timeout=9\n"),
            ("etc/modprobe.d/.d.conf", "options nvme_core io_timeout=9\n"),
            ("lib", "-> usr/lib"),
        ]);
        let mut gaps = Vec::new();
        let (files, hidden) = read(&root, &mut gaps);
        let by = "etc/modprobe.d/90-hvtune.conf".to_owned();
        assert_eq!(hidden, Some(Mask { below: "modprobe.d".to_owned(), by, how: Hides::Masked }));
        let flat: Vec<String> = files
            .into_iter()
            .map(|file| {
                let lines: Vec<String> =
                    file.lines.iter().map(|l| format!("{} {} {}", l.line, l.module, l.text)).collect();
                let mark = if file.ours { " (ours)" } else { "" };
                format!("{}{mark}: {}{}", file.path, lines.join("; "), file.kept_out.unwrap_or_default())
            })
            .collect();
        assert_eq!(
            flat,
            [
                "etc/modprobe.d/90-hvtune.conf: ",
                "usr/lib/modprobe.d/90-hvtune.conf (ours): 1 nvme_core io_timeout=240etc/modprobe.d/90-hvtune.conf takes its place",
                "run/modprobe.d/a.conf: 1 nvme_core /bin/true",
                "usr/lib/modprobe.d/a.conf: 1 nvme_core io_timeout=1run/modprobe.d/a.conf takes its place",
                "usr/lib/modprobe.d/b.conf: 1 scsi_mod scan=\"a b\"",
            ]
            .map(|line| line.replace("(ours): 1 ", "(ours): 2 "))
        );
        assert_eq!(gaps, []);
    }
}
