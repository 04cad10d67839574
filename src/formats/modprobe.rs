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
}
