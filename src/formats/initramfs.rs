//! What the files of initramfs-tools and dracut say of drivers.
//!
//! Both are shell that the builder runs (man 5 initramfs.conf, man 5 dracut.conf); initramfs-tools also has
//! lists of modules, a line each (man 5 initramfs-tools, `/etc/initramfs-tools/modules`).

use super::shell::{self, Statement};

/// The variables that choose drivers: of initramfs-tools, then of dracut; and those by which dracut chooses its
/// own parts, and files.
const VARIABLES: &[&str] = &[
    "MODULES",
    "hostonly",
    "drivers",
    "add_drivers",
    "force_drivers",
    "omit_drivers",
    "omit_dracutmodules",
    "dracutmodules",
    "install_items",
    "install_optional_items",
];

/// A variable and its value, once all files are read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// Which.
    pub variable: &'static str,
    /// Its value; `None` where only a shell that runs can tell.
    pub value: Option<String>,
    /// File and line that set it last: `etc/dracut.conf:3`.
    pub origin: String,
}

/// Takes a file's assignments up; `settings`: those of the files before it.
pub fn read(path: &str, text: &str, settings: &mut Vec<Setting>) {
    let script = shell::parse(text);
    take(path, &script.statements, false, settings);
    if let Some((line, _)) = script.broken {
        undecided(&format!("{path}:{line}"), settings);
    }
}

/// From here on nothing is known of any variable: a file that could not be read, one that another file reads in,
/// a line that a shell does not understand.
pub fn undecided(origin: &str, settings: &mut Vec<Setting>) {
    for &variable in VARIABLES {
        set(settings, Setting { variable, value: None, origin: origin.to_owned() }, false);
    }
}

/// `maybe`: nobody can tell whether the statements are run. Gives whether the file may end with them.
fn take(path: &str, statements: &[Statement], mut maybe: bool, settings: &mut Vec<Setting>) -> bool {
    let mut ends = false;
    for statement in statements {
        match statement {
            Statement::Assign { line, variable, appends, value, .. } => {
                let Some(variable) = known(variable) else { continue };
                let value = value.literal().filter(|_| !maybe);
                set(settings, Setting { variable, value, origin: format!("{path}:{line}") }, *appends);
            }
            Statement::Source { line, .. } => undecided(&format!("{path}:{line}"), settings),
            Statement::Opaque { line, variable, .. } if variable.is_empty() => {
                undecided(&format!("{path}:{line}"), settings);
            }
            Statement::Default { line, variable, .. }
            | Statement::Unset { line, variable }
            | Statement::Opaque { line, variable, .. } => {
                let Some(variable) = known(variable) else { continue };
                set(settings, Setting { variable, value: None, origin: format!("{path}:{line}") }, false);
            }
            Statement::For { body, .. } | Statement::Maybe { body, .. } => {
                ends |= take(path, body, true, settings);
            }
            // `return` in it ends the function alone.
            Statement::Function { body, .. } => {
                take(path, body, true, settings);
            }
            Statement::End { .. } => ends = true,
            Statement::Call { .. } => {}
        }
        maybe |= ends;
    }
    ends
}

fn known(variable: &str) -> Option<&'static str> {
    VARIABLES.iter().find(|known| **known == variable).copied()
}

fn set(settings: &mut Vec<Setting>, new: Setting, appends: bool) {
    let Some(old) = settings.iter_mut().find(|old| old.variable == new.variable) else {
        settings.push(new);
        return;
    };
    old.value = match (appends, old.value.take(), new.value) {
        (true, Some(before), Some(more)) => Some(before + &more),
        (true, ..) => None,
        (false, _, value) => value,
    };
    old.origin = new.origin;
}

/// The modules of a list: the first word of each line, comments left out.
pub fn list(text: &str) -> Vec<String> {
    let said =
        |line: &str| line.split('#').next().and_then(|line| line.split_whitespace().next().map(module));
    text.lines().filter_map(said).collect()
}

/// The modules of a value, separated by blanks.
pub fn words(value: &str) -> Vec<String> {
    value.split_whitespace().map(module).collect()
}

/// A module by its name: the kernel takes `-` and `_` for the same.
fn module(name: &str) -> String {
    name.replace('-', "_")
}

/// The modules of a strict list of ours: dracut's line `add_drivers+=" a b "`, or a name on each line.
///
/// # Errors
///
/// A line that is neither.
pub fn parse(text: &str) -> Result<Vec<String>, super::Refusal> {
    let mut modules = Vec::new();
    for (number, line) in super::lines(text)? {
        let named = line.strip_prefix("add_drivers+=\" ").map_or(Some(line), |rest| rest.strip_suffix(" \""));
        let is_name = |name: &str| {
            !name.is_empty() && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
        };
        match named {
            Some(name) if is_name(name) => modules.push(name.to_owned()),
            _ => return Err(super::Refusal::new(number, format!("`{line}` names no module"))),
        }
    }
    Ok(modules)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(files: &[(&str, &str)]) -> Vec<String> {
        let mut settings = Vec::new();
        for (path, text) in files {
            read(path, text, &mut settings);
        }
        let show = |s: &Setting| format!("{} {}={:?}", s.origin, s.variable, s.value);
        settings.iter().map(show).collect()
    }

    #[test]
    fn dracut_adds_up_what_is_appended() {
        let found = values(&[
            ("a", "# comment\nhostonly=\"yes\"\nadd_drivers+=\" hv_vmbus \"\n"),
            ("b", "add_drivers+=' hv-storvsc '\nhostonly=no\ncompress=zstd\n"),
        ]);
        assert_eq!(found, ["b:2 hostonly=Some(\"no\")", "b:1 add_drivers=Some(\" hv_vmbus  hv-storvsc \")"]);
        assert_eq!(words(" hv_vmbus  hv-storvsc "), ["hv_vmbus", "hv_storvsc"]);
    }

    #[test]
    fn what_only_a_running_shell_can_tell_is_not_known() {
        assert_eq!(values(&[("a", "MODULES=most\nMODULES=$X\n")]), ["a:2 MODULES=None"]);
        assert_eq!(values(&[("a", "if [ -e /x ]; then\nMODULES=dep\nfi\n")]), ["a:2 MODULES=None"]);
        assert_eq!(
            values(&[("a", "hostonly=yes\n"), ("b", "add_drivers+=\"$(x)\"\nadd_drivers+=\" y \"\n")]),
            ["a:1 hostonly=Some(\"yes\")", "b:2 add_drivers=None"]
        );
        assert_eq!(values(&[("a", "hostonly=\"yes\n")]).len(), VARIABLES.len());
    }

    #[test]
    fn a_file_that_reads_another_or_ends_early_is_not_known() {
        for text in [". /etc/other\n", "eval \"$x\"\n", "source /etc/other\n"] {
            let found = values(&[("a", &format!("hostonly=no\n{text}"))]);
            assert!(found.contains(&"a:2 hostonly=None".to_owned()), "{text}: {found:?}");
            assert_eq!(found.len(), VARIABLES.len(), "{text}");
        }
        assert_eq!(values(&[("a", "hostonly=yes\nreturn 0\nhostonly=no\n")]), ["a:3 hostonly=None"]);
        let inner = "hostonly=yes\nif [ -e /x ]; then return; fi\nhostonly=no\n";
        assert_eq!(values(&[("a", inner)]), ["a:3 hostonly=None"]);
        assert_eq!(values(&[("a", "f() { return 1; }\nhostonly=no\n")]), ["a:2 hostonly=Some(\"no\")"]);
    }

    #[test]
    fn a_list_has_a_module_a_line() {
        assert_eq!(list("# a\n\nhv_storvsc\n hv-netvsc mtu=1 # x\n#y\n"), ["hv_storvsc", "hv_netvsc"]);
    }

    #[test]
    fn ours_is_one_module_a_line() {
        assert_eq!(parse("# x\nadd_drivers+=\" hv_vmbus \"\n").unwrap(), ["hv_vmbus"]);
        assert_eq!(parse("hv_vmbus\nnvme\n").unwrap(), ["hv_vmbus", "nvme"]);
        for text in ["a b\n", "add_drivers+=\" a b \"\n", "add_drivers=\" a \"\n", "$(x)\n", "a"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
