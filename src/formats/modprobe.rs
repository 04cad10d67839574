//! modprobe.d files (man 5 modprobe.d).

use super::{Refusal, lines, only};

/// One `options MODULE PARAMETER=VALUE`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModuleOption {
    /// Line number, from 1.
    pub line: u32,
    /// Module with underscores.
    pub module: String,
    /// Parameter.
    pub parameter: String,
    /// Value.
    pub value: String,
}

/// Strict: every option, in order. Only `options` lines: `install` and `remove` run
/// commands, and nothing of ours ever does.
pub fn parse(text: &str) -> Result<Vec<ModuleOption>, Refusal> {
    let mut options = Vec::new();
    for (number, line) in lines(text)? {
        let refuse = |why: String| Err(Refusal::new(number, why));
        let mut words = line.split(' ');
        if words.next() != Some("options") {
            return refuse("not an `options` line, the only kind that we write".to_owned());
        }
        let module = words.next().unwrap_or_default();
        if !only(module, "_") || module.contains(|c: char| c.is_ascii_uppercase()) {
            return refuse(format!("`{module}` is no module name: lower case, digits and `_`"));
        }
        let before = options.len();
        for word in words {
            let Some((parameter, value)) =
                word.split_once('=').filter(|(name, value)| only(name, "_") && only(value, "_.,:-"))
            else {
                return refuse(format!("`{word}` is not of the form `parameter=value`"));
            };
            options.push(option(number, module, parameter, value));
        }
        if options.len() == before {
            return refuse(format!("no option given for {module}"));
        }
    }
    Ok(options)
}

fn option(line: u32, module: &str, parameter: &str, value: &str) -> ModuleOption {
    ModuleOption { line, module: module.to_owned(), parameter: parameter.to_owned(), value: value.to_owned() }
}

/// Lenient: every option that kmod would take. A backslash joins lines, also those of a
/// comment; dash and underscore are the same in names
/// (<https://github.com/kmod-project/kmod/blob/v33/libkmod/libkmod-config.c>).
pub fn scan(text: &str) -> Vec<ModuleOption> {
    let mut options = Vec::new();
    for (number, line) in joined(text) {
        if line.starts_with('#') {
            continue;
        }
        let mut words = words(&line).into_iter();
        if words.next().as_deref() != Some("options") {
            continue;
        }
        let Some(module) = words.next() else { continue };
        let module = module.replace('-', "_");
        for word in words {
            let (parameter, value) = word.split_once('=').unwrap_or((&word, ""));
            options.push(option(number, &module, &parameter.replace('-', "_"), value));
        }
    }
    options
}

/// Lines with their continuations, each with the number of its first.
fn joined(text: &str) -> Vec<(u32, String)> {
    let mut lines: Vec<(u32, String)> = Vec::new();
    let mut open = false;
    for (number, line) in (1..).zip(text.lines()) {
        let (part, goes_on) = line.strip_suffix('\\').map_or((line, false), |part| (part, true));
        match lines.last_mut() {
            Some((_, last)) if open => last.push_str(part),
            _ => lines.push((number, part.to_owned())),
        }
        open = goes_on;
    }
    lines
}

/// Splits at blanks outside double quotes, which fall away, as the kernel's parser does.
fn words(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quoted = false;
    for c in line.chars() {
        match c {
            '"' => quoted = !quoted,
            ' ' | '\t' if !quoted => words.push(String::new()),
            c => words.last_mut().map_or((), |word| word.push(c)),
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_own_lines_parse() {
        let text = "# why\noptions nvme_core io_timeout=240\noptions scsi_mod use_blk_mq=Y max_luns=-1\n";
        assert_eq!(
            parse(text).unwrap(),
            [
                option(2, "nvme_core", "io_timeout", "240"),
                option(3, "scsi_mod", "use_blk_mq", "Y"),
                option(3, "scsi_mod", "max_luns", "-1"),
            ]
        );
    }

    #[test]
    fn anything_else_is_refused() {
        for text in [
            "install hv_storvsc /bin/true\n",
            "remove hv_storvsc /bin/true\n",
            "blacklist hv_storvsc\n",
            "options\n",
            "options nvme_core\n",
            "options nvme_core \n",
            "options nvme-core io_timeout=240\n",
            "options nvme_core io_timeout\n",
            "options nvme_core io_timeout=\n",
            "options nvme_core  io_timeout=240\n",
            "options nvme_core io_timeout=240 \n",
            "options nvme_core io_timeout=\"2 40\"\n",
            "options nvme_core io_timeout=240 # why\n",
            "options nvme_core io_timeout=$(id)\n",
            "# a \\\noptions nvme_core io_timeout=240\n",
            " options nvme_core io_timeout=240\n",
        ] {
            assert!(parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn others_lines_are_read_as_kmod_does() {
        let text = "# comment \\\noptions nvme_core io_timeout=1\n\
                    blacklist floppy\n\
                    options nvme-core \\\n  io_timeout=4294967295 multipath=N\n\
                    \toptions  hv_storvsc\tstorvsc_ringbuffer_size=262144\n\
                    options scsi_mod use-blk-mq scan=\"a b\"\n\
                    options empty\ninstall x modprobe x; options y z=1\noptions snd a=1 \\";
        assert_eq!(
            scan(text),
            [
                option(4, "nvme_core", "io_timeout", "4294967295"),
                option(4, "nvme_core", "multipath", "N"),
                option(6, "hv_storvsc", "storvsc_ringbuffer_size", "262144"),
                option(7, "scsi_mod", "use_blk_mq", ""),
                option(7, "scsi_mod", "scan", "a b"),
                option(10, "snd", "a", "1"),
            ]
        );
    }
}
