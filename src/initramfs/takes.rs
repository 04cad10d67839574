//! Which of our files an initramfs holds a copy of, by the rules of the program that makes it.
//!
//! Each row was seen with the real program (tests/consumers/matrix.rs): initramfs-tools of Debian 12 and 13;
//! dracut 059, 106 and 112, made for its machine and not.

use crate::facts::{BootStack, Copies, Facts, Image, Initramfs};

/// Whether an initramfs takes a copy of a file along when it is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Takes {
    /// It does.
    Yes,
    /// It does not; why.
    No(String),
    /// Could not tell; why.
    Unknown(String),
}

/// When a maker copies the files below a directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum When {
    Always,
    /// Where no package has a file of that name (`hooks/udev` of Debian's udev).
    UnlessVendor,
    /// Made for its machine.
    Hostonly,
    /// The same, by versions that take rules of udev along.
    HostonlyRules,
    /// Where systemd runs in it.
    WithSystemd,
    /// The same, made for its machine.
    HostonlyWithSystemd,
    /// Where it starts the program that reads them.
    WithReader,
}

/// A maker's rule.
struct Rule {
    by: Initramfs,
    below: &'static str,
    when: When,
}

const fn rule(by: Initramfs, below: &'static str, when: When) -> Rule {
    Rule { by, below, when }
}

/// The first that fits a path counts; one that none fits is left out.
const RULES: &[Rule] = &[
    rule(Initramfs::InitramfsTools, "etc/udev/rules.d/", When::UnlessVendor),
    rule(Initramfs::InitramfsTools, "etc/modprobe.d/", When::Always),
    rule(Initramfs::InitramfsTools, "usr/lib/modprobe.d/", When::Always),
    rule(Initramfs::InitramfsTools, "etc/multipath/", When::WithReader),
    rule(Initramfs::InitramfsTools, "etc/initramfs-tools/scripts/", When::Always),
    rule(Initramfs::InitramfsTools, "usr/share/initramfs-tools/scripts/", When::Always),
    rule(Initramfs::Dracut, "etc/udev/rules.d/", When::HostonlyRules),
    rule(Initramfs::Dracut, "etc/modprobe.d/", When::Hostonly),
    rule(Initramfs::Dracut, "usr/lib/modprobe.d/", When::Always),
    rule(Initramfs::Dracut, "etc/sysctl.d/", When::HostonlyWithSystemd),
    rule(Initramfs::Dracut, "usr/lib/sysctl.d/", When::WithSystemd),
    rule(Initramfs::Dracut, "etc/multipath/", When::WithReader),
    rule(Initramfs::Dracut, "etc/systemd/system.conf.d/", When::HostonlyWithSystemd),
    rule(Initramfs::Dracut, "usr/lib/systemd/system.conf.d/", When::WithReader),
    rule(Initramfs::Dracut, "etc/systemd/system/", When::WithReader),
    rule(Initramfs::Dracut, "usr/lib/systemd/system/", When::WithReader),
];

/// Whether the initramfs of this root takes a copy of a file along.
pub fn takes(facts: &Facts, path: &str) -> Takes {
    let boot = &facts.system.boot;
    let from_outside = matches!(boot.stack, BootStack::Bootc | BootStack::Ostree | BootStack::Flatcar);
    if from_outside && path.starts_with("etc/") {
        return Takes::No("it comes with the image".to_owned());
    }
    if boot.tools.copies.iter().flat_map(|copies| &copies.named).any(|named| named == path) {
        return Takes::Yes;
    }
    if RULES.iter().all(|rule| !path.starts_with(rule.below)) {
        return Takes::No("no maker is known to take it".to_owned());
    }
    let Some(maker) = boot.tools.initramfs else {
        return Takes::Unknown("no program that makes one was found here".to_owned());
    };
    let Some(copies) = &boot.tools.copies else {
        return Takes::Unknown(format!("which files {} takes is not known to hvtune", maker.name()));
    };
    let rule = RULES.iter().find(|rule| rule.by == copies.by && path.starts_with(rule.below));
    let Some(rule) = rule else {
        return Takes::No(format!("{} leaves it out", copies.by.name()));
    };
    let vendor = path.replacen("etc/", "usr/lib/", 1);
    let hidden = facts.system.ours.iter().any(|file| file.path == vendor);
    judge(rule, copies, hidden)
}

fn judge(rule: &Rule, copies: &Copies, hidden: bool) -> Takes {
    let maker = copies.by.name();
    let systemd = Needs(copies.systemd, "whether systemd runs in it", "systemd does not run in it");
    let rules =
        Needs(copies.rules, "whether dracut takes rules along", "this dracut leaves rules of /etc out");
    let hostonly = Needs(copies.hostonly, "hostonly", "");
    let unless_vendor = Needs(Some(!hidden), "", "/usr/lib has a file of the same name");
    let needs = match rule.when {
        When::Always => Vec::new(),
        When::UnlessVendor => vec![unless_vendor],
        When::Hostonly => vec![hostonly],
        When::HostonlyRules => vec![rules, hostonly],
        When::WithSystemd => vec![systemd],
        When::HostonlyWithSystemd => vec![hostonly, systemd],
        When::WithReader => {
            return Takes::Unknown(format!("{maker} takes it where the initramfs has what reads it"));
        }
    };
    // One that is missing decides, whatever the others are.
    for Needs(met, _, missing) in &needs {
        if *met == Some(false) {
            return Takes::No(match *missing {
                "" => format!("{maker} leaves /etc out, as {}", copies.because),
                missing => missing.to_owned(),
            });
        }
    }
    match needs.iter().find(|Needs(met, ..)| met.is_none()) {
        None => Takes::Yes,
        Some(Needs(_, "hostonly", _)) => Takes::Unknown(copies.because.clone()),
        Some(Needs(_, what, _)) => Takes::Unknown(format!("could not tell {what}")),
    }
}

/// Whether a condition is met, what it is, and how it is said that it is not.
struct Needs(Option<bool>, &'static str, &'static str);

/// What an image holds of a file that its maker takes along.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Held {
    /// The file as it is: the image was made after it was written.
    ThisOne,
    /// None, or one that was there before: the image was made before.
    Older,
    /// Nobody knows when they were written.
    Unknown,
}

/// What an image holds of a file that was written at a time, by the order of the two.
pub fn held(image: &Image, written: Option<i64>) -> Held {
    match (image.made, written) {
        (Some(made), Some(written)) if made >= written => Held::ThisOne,
        (Some(_), Some(_)) => Held::Older,
        _ => Held::Unknown,
    }
}

/// The images made before a file that they have to hold was written as it is, on the running system.
pub fn outdated<'f>(facts: &'f Facts, path: &str) -> Vec<&'f Image> {
    let Some(file) = facts.system.ours.iter().find(|file| file.path == path) else { return Vec::new() };
    if takes(facts, path) != Takes::Yes {
        return Vec::new();
    }
    let images = facts.system.boot.images.iter();
    images.filter(|image| held(image, file.written) == Held::Older).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::OwnFile;

    fn facts(by: Initramfs, hostonly: Option<bool>, rules: bool) -> Facts {
        let mut facts = Facts::default();
        facts.system.boot.tools.initramfs = Some(by);
        facts.system.boot.tools.copies = Some(Copies {
            by,
            hostonly,
            because: "etc/dracut.conf:1 says hostonly=no".to_owned(),
            rules: Some(rules),
            systemd: Some(true),
            named: vec!["etc/x.conf".to_owned()],
            held: None,
        });
        facts
    }

    #[test]
    fn each_maker_copies_by_its_own_rules() {
        let yes = |facts: &Facts, path: &str| takes(facts, path) == Takes::Yes;
        let tools = facts(Initramfs::InitramfsTools, None, false);
        let [old, new, generic] = [(Some(true), false), (Some(true), true), (Some(false), true)]
            .map(|(hostonly, rules)| facts(Initramfs::Dracut, hostonly, rules));
        for (path, expected) in [
            ("etc/udev/rules.d/90-hvtune.rules", [true, false, true, false]),
            ("usr/lib/udev/rules.d/90-hvtune.rules", [false; 4]),
            ("etc/modprobe.d/90-hvtune.conf", [true, true, true, false]),
            ("usr/lib/modprobe.d/90-hvtune.conf", [true; 4]),
            ("etc/sysctl.d/90-hvtune.conf", [false, true, true, false]),
            ("usr/lib/sysctl.d/90-hvtune.conf", [false, true, true, true]),
            ("etc/default/grub.d/90-hvtune.cfg", [false; 4]),
            ("etc/initramfs-tools/scripts/init-premount/90-hvtune", [true, false, false, false]),
            ("usr/share/initramfs-tools/scripts/init-premount/90-hvtune", [true, false, false, false]),
            ("etc/systemd/system.conf.d/90-hvtune.conf", [false, true, true, false]),
        ] {
            let found = [&tools, &old, &new, &generic].map(|facts| yes(facts, path));
            assert_eq!(found, expected, "{path}");
        }
        let because = "dracut leaves /etc out, as etc/dracut.conf:1 says hostonly=no".to_owned();
        assert_eq!(takes(&generic, "etc/modprobe.d/90-hvtune.conf"), Takes::No(because));
        assert!(yes(&generic, "etc/x.conf"), "it is named");
    }

    #[test]
    fn what_nobody_knows_is_no_no() {
        let dracut = facts(Initramfs::Dracut, None, true);
        let because = "etc/dracut.conf:1 says hostonly=no".to_owned();
        assert_eq!(takes(&dracut, "etc/modprobe.d/90-hvtune.conf"), Takes::Unknown(because));
        let mut other = Facts::default();
        other.system.boot.tools.initramfs = Some(Initramfs::Mkinitcpio);
        let because = "which files mkinitcpio takes is not known to hvtune".to_owned();
        assert_eq!(takes(&other, "etc/modprobe.d/90-hvtune.conf"), Takes::Unknown(because));
    }

    #[test]
    fn an_image_made_before_does_not_hold_what_came_after() {
        let mut facts = facts(Initramfs::InitramfsTools, None, false);
        let path = "etc/modprobe.d/90-hvtune.conf";
        let file =
            OwnFile { path: path.to_owned(), writes: std::collections::BTreeSet::new(), written: Some(5) };
        facts.system.ours = vec![file];
        let image = |name: &str, made| Image { path: name.to_owned(), kernel: String::new(), made };
        facts.system.boot.images = vec![image("old", Some(4)), image("new", Some(6)), image("?", None)];
        let names = |facts: &Facts, path| -> Vec<String> {
            outdated(facts, path).into_iter().map(|image| image.path.clone()).collect()
        };
        assert_eq!(names(&facts, path), ["old"]);
        assert!(names(&facts, "etc/sysctl.d/90-hvtune.conf").is_empty());
    }
}
