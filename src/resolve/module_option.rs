//! A module's option at the next boot: modprobe.d, and the kernel command line after it.
//!
//! libkmod hands all `options` lines of a module to the kernel as one text, in the order of the
//! files, with the command line's `module.option=` behind them; the kernel takes the last of equal
//! names (<https://github.com/kmod-project/kmod/blob/v34/libkmod/libkmod-module.c>,
//! `kmod_module_get_options`). A module that is built in sees the command line alone.

use super::{Acts, Chain, Moment, Ours, Who, Writer, base, kernel_arg};
use crate::cmdline::{Cmdline, same_key, split_arg};
use crate::facts::{Facts, KernelRelease, LAYERS, ModprobeFile, ModprobeLine};
use crate::formats::kmod::{Kind, read};
use crate::order::by_name;

/// Everybody who sets the option, in the order in which they act; `ours`: the modprobe.d file or the
/// GRUB fragment that carries our value. The copies in an initramfs are not looked at.
pub fn chain(facts: &Facts, module: &str, option: &str, ours: Option<Ours<'_>>) -> Chain {
    let in_modprobe = ours.filter(|ours| ours.path.contains("modprobe.d/"));
    let on_cmdline = ours.filter(|ours| !ours.path.contains("modprobe.d/"));
    let mut chain = Chain::default();
    from_files(facts, module, option, in_modprobe, &mut chain);
    let line = kernel_arg::chain(facts, &format!("{module}.{option}"), on_cmdline);
    let kind = kind(module, option, &kernels(facts));
    let built_in = built_in(facts, module);
    let writers = line.writers.into_iter().filter(|writer| !matches!(writer.who, Who::BuiltIn(_)));
    chain.writers.extend(writers.map(|writer| as_read(writer, kind, &built_in)));
    chain.doubts.extend(line.doubts);
    chain
}

/// The releases of the installed kernels.
fn kernels(facts: &Facts) -> Vec<&KernelRelease> {
    facts.system.kernels.iter().flatten().map(|kernel| &kernel.release).collect()
}

/// How the kernels read an option's value, by their sources.
fn kind(module: &str, option: &str, kernels: &[&KernelRelease]) -> Kind {
    let uint = Kind::Unsigned(u64::from(u32::MAX));
    match (module, option) {
        // A byte before 4.15 (drivers/nvme/host/core.c).
        ("nvme_core", "io_timeout" | "admin_timeout")
            if kernels.iter().any(|kernel| !kernel.at_least(4, 15)) =>
        {
            Kind::Unsigned(255)
        }
        ("nvme_core", "io_timeout" | "admin_timeout") => uint,
        ("nvme_core", "max_retries") => Kind::Unsigned(255),
        (
            "hv_storvsc",
            "storvsc_ringbuffer_size" | "storvsc_vcpus_per_sub_channel" | "ring_avail_percent_lowater",
        ) => Kind::Int,
        ("nvme_core", "multipath") | ("scsi_mod", "use_blk_mq") => Kind::Bool,
        _ => Kind::Text,
    }
}

/// Whether modprobe.d has a say.
fn built_in(facts: &Facts, module: &str) -> Acts {
    let Some(kernels) = &facts.system.kernels else {
        return Acts::Maybe("the installed kernels could not be read".to_owned());
    };
    let mut told = Vec::new();
    for kernel in kernels {
        let Some(built_in) = kernel.modules.get(module).and_then(|module| module.builtin) else {
            let release = &kernel.release.release;
            return Acts::Maybe(format!("whether kernel {release} has {module} built in could not be told"));
        };
        told.push((built_in, &kernel.release.release));
    }
    match (told.iter().find(|(built_in, _)| *built_in), told.iter().any(|(built_in, _)| !built_in)) {
        (None, true) => Acts::Yes,
        (None, false) => Acts::Maybe("no installed kernel was found".to_owned()),
        (Some(_), false) => Acts::No(format!(
            "{module} is built into every installed kernel, so only the command line counts"
        )),
        (Some((_, release)), true) => Acts::Maybe(format!(
            "kernel {release} has {module} built in, and there only the command line counts"
        )),
    }
}

/// A value as the kernel reads it.
fn as_read(mut writer: Writer, kind: Kind, built_in: &Acts) -> Writer {
    let bare = writer.shown == split_arg(&writer.shown).0;
    let Some(value) = &writer.value else { return writer };
    let read = read(kind, value, bare);
    if read.is_none() && !matches!(writer.acts, Acts::No(_)) {
        let why = format!("the kernel refuses {value:?}");
        writer.acts = match built_in {
            Acts::No(_) => Acts::No(why),
            _ => Acts::Maybe(format!("{why}, and does not load the module with it")),
        };
    }
    writer.value = read;
    writer
}

/// A file with what is known of its place: ours as planned, or one that is there.
enum File<'a> {
    Ours(Ours<'a>),
    There(&'a ModprobeFile),
}

impl File<'_> {
    fn path(&self) -> &str {
        match self {
            Self::Ours(ours) => ours.path,
            Self::There(file) => &file.path,
        }
    }

    /// libkmod's order: names, whatever the directory.
    fn name(&self) -> &str {
        base(self.path())
    }

    fn rank(&self) -> usize {
        let below = |top: &str| self.path().strip_prefix(top).is_some_and(|rest| rest.starts_with('/'));
        LAYERS.iter().position(|top| below(top)).unwrap_or(LAYERS.len())
    }
}

fn from_files(facts: &Facts, module: &str, option: &str, ours: Option<Ours<'_>>, chain: &mut Chain) {
    let there = facts.system.modprobe.iter().filter(|file| !file.ours).map(File::There);
    let files: Vec<File<'_>> = there.chain(ours.map(File::Ours)).collect();
    let files = by_name(files, |file| (file.name().to_owned(), file.rank() as u64));
    let built_in = built_in(facts, module);
    let kind = kind(module, option, &kernels(facts));
    // Behind a quote that is open, or a `--`, the kernel sees no option any more.
    let mut ended: Option<String> = None;
    let mut before: Option<(&str, &str)> = None;
    for file in &files {
        let replaced = before.filter(|(name, _)| *name == file.name()).map(|(_, path)| path);
        let kept_out = replaced.map(|path| format!("{path} takes its place"));
        if kept_out.is_none() && !file.name().is_empty() {
            before = Some((file.name(), file.path()));
        }
        let place = Place { module, option, kind, built_in: &built_in, kept_out: kept_out.as_ref() };
        match file {
            File::Ours(ours) => chain.writers.push(place.own(*ours, ended.as_ref())),
            File::There(file) => {
                if let Some(why) = file.unread.as_ref().filter(|_| kept_out.is_none()) {
                    chain.doubts.push(why.clone());
                }
                for line in file.lines.iter().filter(|line| line.module == module) {
                    place.line(file, line, &mut ended, chain);
                }
            }
        }
    }
}

/// What holds for all lines of a file.
struct Place<'a> {
    module: &'a str,
    option: &'a str,
    kind: Kind,
    built_in: &'a Acts,
    kept_out: Option<&'a String>,
}

impl Place<'_> {
    fn acts(&self, ended: Option<&String>) -> Acts {
        match (self.kept_out, ended) {
            (Some(why), _) => Acts::No(why.clone()),
            (None, Some(why)) if !matches!(self.built_in, Acts::No(_)) => Acts::Maybe(why.clone()),
            _ => self.built_in.clone(),
        }
    }

    fn writer(&self, who: Who, shown: String, value: &str, ended: Option<&String>) -> Writer {
        let writer = Writer {
            who,
            value: Some(value.to_owned()),
            shown,
            moment: Moment::Load,
            acts: self.acts(ended),
            because: "libkmod reads the files in the order of their names, and the last option counts"
                .to_owned(),
        };
        as_read(writer, self.kind, self.built_in)
    }

    fn own(&self, ours: Ours<'_>, ended: Option<&String>) -> Writer {
        let shown = format!("{}={}", self.option, ours.value);
        self.writer(Who::Ours { path: ours.path.to_owned() }, shown, ours.value, ended)
    }

    fn line(&self, file: &ModprobeFile, line: &ModprobeLine, ended: &mut Option<String>, chain: &mut Chain) {
        let at = format!("{}:{}", file.path, line.line);
        if line.install {
            if self.kept_out.is_none() && !matches!(self.built_in, Acts::No(_)) {
                chain.doubts.push(format!("{at} runs a command instead of loading {}", self.module));
            }
            return;
        }
        for arg in Cmdline::parse(&line.text).args {
            let (key, value) = split_arg(&arg);
            if same_key(key, self.option) {
                let who = Who::Line { path: file.path.clone(), line: line.line };
                chain.writers.push(self.writer(who, arg.clone(), value, ended.as_ref()));
            }
        }
        let open = line.text.matches('"').count() % 2 == 1;
        let init = line.text.split_ascii_whitespace().any(|word| word == "--");
        if self.kept_out.is_none() && (open || init) {
            let what = if open { "a quote that never ends" } else { "a --" };
            ended.get_or_insert(format!("{at} has {what}, which hides the options behind it"));
        }
    }
}

#[cfg(test)]
mod tests;
