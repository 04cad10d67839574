//! Templates that an administrator put in place of ours: they may say it differently, never
//! something else.

use std::fs;
use std::path::Path;

use crate::stage::{Stage, WRITTEN, assert_same, tree};

fn embedded(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("templates").join(name)).unwrap()
}

/// A loop over every line of a file, with what is printed of it.
fn looped(head: &str, line: &str) -> String {
    format!("{head}{{% for item in items %}}{{% for line in item.lines %}}{line}{{% endfor %}}{{% endfor %}}")
}

const SETTING: &str = "{{ line.key }} = {{ line.value }}\n";
const RULE: &str = "{% for token in line.tokens %}{{ token.key }}{{ token.op }}\"{{ token.value }}\"{{ token.then }}{% endfor %}\n";

fn ends(name: &str, template: &str, code: i32) {
    let stage = Stage::new();
    stage.put(&format!("root/etc/hvtune/templates/{name}"), template);
    let before = tree(&stage.at("root"));
    for args in [&["plan"][..], &["verify"], &["apply"]] {
        let codes = if code == 2 { [2, 2] } else { [0, 1] };
        let run = stage.hvtune(args).judged(template, &codes);
        assert!(code == 0 || run.err.contains(name), "{template}: {}", run.err);
        if code == 2 || args != ["apply"] {
            assert_same(template, &before, &tree(&stage.at("root")));
        }
    }
    let written = WRITTEN.iter().filter(|path| stage.root(path).is_file()).count();
    assert_eq!(written, if code == 2 { 0 } else { 4 }, "{template}");
    if code == 0 {
        let again = stage.hvtune(&["plan", "--format", "json"]).judged(template, &[0]);
        assert!(again.out.contains("\"changes\": []"), "{template}: {}", again.out);
        stage.hvtune(&["revert"]).judged(template, &[0]);
    }
}

#[test]
fn another_look_is_accepted() {
    let sysctl = embedded("sysctl.conf.tera");
    for template in [
        sysctl.clone(),
        sysctl.replace("# Written by hvtune", "# Managed by IT, ticket 4711; written by hvtune"),
        sysctl.replace('\n', "\n\n"),
        looped("", SETTING),
        looped(
            "# only\n\n# comments\n#\n",
            &format!("# {{{{ item.id }}}}: {{{{ item.title }}}}\n{SETTING}\n"),
        ),
        format!("{{# not printed #}}{}", looped("", SETTING)),
        format!("{}# vm.swappiness = 99\n#vm.overcommit_memory = 1\n", looped("", SETTING)),
    ] {
        ends("sysctl.conf.tera", &template, 0);
    }
    let rules = embedded("udev.rules.tera").replace("# {{ item.id }}", "#\n# {{ item.id }}");
    ends("udev.rules.tera", &rules, 0);
    ends(
        "modprobe.conf.tera",
        &looped("# m\n", "options {{ line.module }} {{ line.parameter }}={{ line.value }}\n"),
        0,
    );
    ends("grub.cfg.tera", &format!("{}:\n", looped("# g\n", "{{ line.line }}\n")), 0);
}

#[test]
fn another_word_is_refused() {
    let plain = looped("", SETTING);
    for template in [
        // Dropped: all, one, the first, those of one tunable.
        "# nothing\n".to_owned(),
        String::new(),
        looped("", "{% if not loop.last %}{{ line.key }} = {{ line.value }}\n{% endif %}"),
        looped("", "{% if line.key != \"vm.swappiness\" %}{{ line.key }} = {{ line.value }}\n{% endif %}"),
        // Another order, twice, one more.
        plain.replace("in items", "in items | reverse"),
        plain.replace("in item.lines", "in item.lines | reverse"),
        format!("{plain}{plain}"),
        looped("", &SETTING.repeat(2)),
        format!("{plain}vm.overcommit_memory = 1\n"),
        format!("kernel.core_pattern = |/bin/sh\n{plain}"),
        // Another value, key or manner.
        looped("", "{{ line.key }} = {{ line.value }}0\n"),
        looped("", "{{ line.key }} = 1\n"),
        looped("", "{{ line.key }}x = {{ line.value }}\n"),
        looped("", "{{ line.key | upper }} = {{ line.value }}\n"),
        looped("", "-{{ line.key }} = {{ line.value }}\n"),
        looped("", "{{ line.key }}={{ line.value }}\n"),
        looped("", "{{ line.key }} = {{ line.value }} # why\n"),
        looped("", "{{ line.key }} = {{ line.value }} \n"),
        looped("", " {{ line.key }} = {{ line.value }}\n"),
        // What readers take differently.
        looped("", "{{ line.key }} = {{ line.value }}\r\n"),
        looped("", "{{ line.key }}\t= {{ line.value }}\n"),
        looped("\u{feff}", SETTING),
        looped("# caf\u{e9}\n", SETTING),
        looped("# a\ttab\n", SETTING),
        looped("# joined \\\n", SETTING),
        looped("# a\0b\n", SETTING),
        looped("; another comment\n", SETTING),
        looped(&format!("# {}\n", "x".repeat(2000)), SETTING),
        format!("{plain}# no line end"),
        looped("", "{{ line.key }} = {{ line.value }}"),
        // No template.
        "{% for item in items %}".to_owned(),
        "{{ nothing.of.this.name }}\n".to_owned(),
        "{% include \"/etc/passwd\" %}".to_owned(),
        "{% extends \"udev.rules.tera\" %}".to_owned(),
        format!("# {{{{ get_env(name=\"PATH\") }}}}\n{plain}"),
        format!("# {{{{ now() }}}}\n{plain}"),
        "{{ throw(message=\"no\\nmore\") }}".to_owned(),
        "{{ 1 / 0 }}".to_owned(),
    ] {
        ends("sysctl.conf.tera", &template, 2);
    }
}

#[test]
fn another_word_in_the_other_formats_is_refused() {
    let rules = embedded("udev.rules.tera");
    let option = "options {{ line.module }} {{ line.parameter }}={{ line.value }}\n";
    for (name, template) in [
        ("udev.rules.tera", format!("{rules}KERNEL==\"sd*\", RUN+=\"/bin/sh\"\n")),
        ("udev.rules.tera", rules.replace("{% for line in head %}", "{% for line in tail %}")),
        ("udev.rules.tera", rules.replace("{% for line in tail %}", "{% for line in [] %}")),
        ("udev.rules.tera", rules.replace("{{ token.then }}", ", ")),
        ("udev.rules.tera", rules.replace("{{ token.op }}", "=")),
        ("udev.rules.tera", looped("", RULE)),
        ("modprobe.conf.tera", looped("install hv_storvsc /bin/sh\n", option)),
        ("modprobe.conf.tera", looped("", &option.replace("{{ line.module }}", "nvme_core"))),
        ("modprobe.conf.tera", looped("", &option.replace('\n', " extra=1\n"))),
        ("modprobe.conf.tera", looped("# \\\n", option)),
        ("grub.cfg.tera", looped("", "{{ line.line }}\n")),
        ("grub.cfg.tera", format!("{}:\nreboot\n", looped("", "{{ line.line }}\n"))),
        ("grub.cfg.tera", format!("{}reboot\n:\n", looped("", "{{ line.line }}\n"))),
        ("grub.cfg.tera", format!("{}:\n", looped("", "{{ line.line }}; reboot\n"))),
        (
            "grub.cfg.tera",
            format!("{}:\n", looped("", "{{ line.line | replace(from=\"panic\", to=\"oops\") }}\n")),
        ),
        ("grub.cfg.tera", format!("{}:\n:\n", looped("", "{{ line.line }}\n"))),
    ] {
        ends(name, &template, 2);
    }
}

/// However much a template would print, compute or hold: the run ends, and says so.
#[test]
fn a_template_without_end() {
    let nested =
        |inner: &str| ["{% for a in range(end=99999) %}"; 5].concat() + inner + &"{% endfor %}".repeat(5);
    let doubled = "{% set x = \"0123456789abcdef\" %}{% for a in range(end=40) %}{% set_global x = x ~ x %}{% endfor %}";
    let items = "{% for a in items %}".repeat(30) + &"{% endfor %}".repeat(30);
    let calls = "{% component a() %}{{<a />}}{% endcomponent a %}{{<a />}}";
    for template in [&nested("# x\n"), &nested("x"), &nested(""), doubled, &items, calls] {
        ends("sysctl.conf.tera", template, 2);
    }
}

/// As much as plain loops can print: bounded by their depth and number, and by the bound on a file.
#[test]
fn a_template_that_prints_much() {
    let loops = "{% for a in items %}".repeat(3) + "# {{ a.because }}\n" + &"{% endfor %}".repeat(3);
    ends("sysctl.conf.tera", &loops.repeat(21), 2);
    let silent = "{% for a in items %}".repeat(3) + &"{% endfor %}".repeat(3);
    ends("sysctl.conf.tera", &(silent.repeat(20) + &looped("", SETTING)), 0);
}
