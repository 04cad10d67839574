//! One program for all targets; `HVTUNE_FUZZ` names the one to run.
//!
//! A target takes any bytes. What must hold of them is asserted; a panic, a hang and growth
//! of memory are the engine's to find.
#![no_main]

mod files;
mod others;
mod rendering;
mod texts;

use std::sync::OnceLock;

use hvtune::parsers;
use libfuzzer_sys::fuzz_target;

type Target = Box<dyn Fn(&[u8]) + Send + Sync>;

fn on_text(check: fn(&str)) -> Target {
    Box::new(move |bytes| {
        if let Ok(text) = std::str::from_utf8(bytes) {
            check(text);
        }
    })
}

type Named = (&'static str, fn() -> Target);

fn targets() -> Vec<Named> {
    vec![
        ("udev", || on_text(texts::udev)),
        ("sysctl", || on_text(texts::sysctl)),
        ("modprobe", || on_text(texts::modprobe)),
        ("grub", || on_text(texts::grub)),
        ("multipath", || on_text(texts::multipath)),
        ("unit", || on_text(texts::unit)),
        ("arguments", || on_text(texts::arguments)),
        ("labels", || on_text(texts::labels)),
        ("iscsi", || on_text(texts::iscsi)),
        ("fstab", || on_text(texts::fstab)),
        ("cmdline", || on_text(texts::cmdline)),
        ("release", || on_text(texts::release)),
        ("policy", || on_text(texts::policy)),
        ("duration", || on_text(texts::duration)),
        ("identity", || on_text(texts::identity)),
        ("value", || on_text(texts::value)),
        ("link", || on_text(texts::link)),
        ("marker", || Box::new(texts::marker)),
        ("attribute", || on_text(parsers::attribute)),
        ("mountinfo", || on_text(parsers::mountinfo)),
        ("assignments", || on_text(parsers::assignments)),
        ("menu", || on_text(parsers::menu)),
        ("rules", || on_text(parsers::rules)),
        ("binary", || Box::new(parsers::binary)),
        ("journal", || Box::new(parsers::journal)),
        ("records", || Box::new(parsers::records)),
        ("other_rules", || Box::new(others::rules)),
        ("chains", || on_text(others::chains)),
        ("shell", || on_text(others::shell)),
        ("programs", || on_text(others::programs)),
        ("tuned", || on_text(others::tuned)),
        ("values", || on_text(others::values)),
        ("numbers", || on_text(others::numbers)),
        ("pattern", || on_text(others::pattern)),
        ("scrub", || Box::new(texts::scrub)),
        ("incident", || Box::new(texts::incident)),
        ("archive", || Box::new(texts::archive)),
        ("render", rendering::render),
        ("template", rendering::template),
        ("os", files::os),
        ("modules", files::modules),
        ("kernel", files::kernel),
        ("mounts", files::mounts),
        ("disks", files::disks),
        ("hypervisor", files::hypervisor),
        ("sessions", files::sessions),
        ("services", files::services),
        ("writers", files::writers),
        ("boot", files::boot),
        ("state", files::state),
    ]
}

fuzz_target!(|bytes: &[u8]| {
    static CHOSEN: OnceLock<Target> = OnceLock::new();
    let chosen = CHOSEN.get_or_init(|| {
        let name = std::env::var("HVTUNE_FUZZ").unwrap_or_default();
        let found = targets().into_iter().find(|(known, _)| *known == name);
        let Some((_, make)) = found else {
            let names: Vec<_> = targets().iter().map(|(name, _)| *name).collect();
            panic!("HVTUNE_FUZZ names one of {}", names.join(" "));
        };
        make()
    });
    chosen(bytes);
});
