//! Policies that are taken, and each that is refused with its message.

use super::*;

const SWAP: Subject = Subject {
    id: "memory.swappiness",
    knobs: &[Knob { name: "vm.swappiness", accepts: Accepts::Integer { min: 0, max: 200 } }],
};
const QUEUE: Subject = Subject {
    id: "disk.scheduler",
    knobs: &[
        Knob { name: "queue/scheduler", accepts: Accepts::Word(&["none", "mq-deadline"]) },
        Knob { name: "queue/nr_requests", accepts: Accepts::Integer { min: 4, max: 10_000 } },
    ],
};
const NVME: Subject = Subject {
    id: "nvme.scheduler",
    knobs: &[Knob { name: "queue/scheduler", accepts: Accepts::Word(&["none", "kyber"]) }],
};

fn read(texts: &[&str]) -> Result<Policy, String> {
    let files: Vec<(String, String)> =
        (1..).zip(texts).map(|(n, text)| (format!("etc/{n}.toml"), (*text).to_owned())).collect();
    parse(&files, &[SWAP, QUEUE, NVME]).map_err(|error| error.to_string())
}

fn pins(policy: &Policy) -> Vec<String> {
    policy.set.iter().map(|pin| format!("{}={} {}", pin.knob, pin.value, pin.origin)).collect()
}

#[test]
fn a_whole_policy() {
    let policy = read(&["# mine\nstall = \"5min\"\nrecovery = \"self-heal\"\noff = []\n\n[set]\n\
         \"vm.swappiness\" = 10\n\"disk.scheduler\" = \"none\"\n\"queue/nr_requests\" = \"0256\"\n\
         \"nvme.scheduler\" = \"kyber\"\n"])
    .unwrap();
    assert_eq!((policy.stall, policy.recovery), (300, Recovery::SelfHeal));
    assert_eq!(
        pins(&policy),
        [
            "vm.swappiness=10 etc/1.toml:7",
            "queue/scheduler=none etc/1.toml:8",
            "queue/nr_requests=256 etc/1.toml:9",
            "queue/scheduler=kyber etc/1.toml:10",
        ]
    );
    assert_eq!(policy.pin("queue/scheduler").map(|pin| pin.value.as_str()), Some("kyber"));
}

#[test]
fn a_later_file_wins_key_by_key() {
    let first = "stall = 60\noff = [\"memory.swappiness\"]\n[set]\n\"queue/nr_requests\" = 64\n";
    let second = "off = [\"nvme.scheduler\"]\nset.vm.swappiness = 0x0A\n";
    let policy = read(&[first, second]).unwrap();
    assert_eq!(policy.stall, 60);
    assert_eq!(policy.off.iter().collect::<Vec<_>>(), ["nvme.scheduler"]);
    assert_eq!(pins(&policy), ["queue/nr_requests=64 etc/1.toml:4", "vm.swappiness=10 etc/2.toml:2"]);
}

const WRONG: &[(&str, &str)] = &[
    ("\nstal = 1\n", "etc/1.toml:2: unknown key `stal`; did you mean `stall`?"),
    (
        "x = 1\n",
        "etc/1.toml:1: unknown key `x`; known are boot, host_holds, image, off, recovery, set, stall",
    ),
    ("stall = true\n", "etc/1.toml:1: `stall` is a duration, as in \"180s\"; found boolean"),
    ("stall = 5\n", "etc/1.toml:1: `stall`: a stall budget of 5 s is out of range: 10 s to 86400 s"),
    (
        "host_holds = \"2h\"\n",
        "etc/1.toml:1: `host_holds`: a host that holds a command for 7200 s is out of range: 1 s to 3600 s",
    ),
    (
        "host_holds = 0\n",
        "etc/1.toml:1: `host_holds`: a host that holds a command for 0 s is out of range: 1 s to 3600 s",
    ),
    ("stall = -5\n", "etc/1.toml:1: `stall`: a duration is a positive number of seconds"),
    (
        "stall = \"3 parrots\"\n",
        "etc/1.toml:1: `stall`: `3 parrots` is no duration; write 180s, 3min, 2m30s or 1h",
    ),
    ("recovery = \"selfheal\"\n", "etc/1.toml:1: `recovery`: unknown `selfheal`; did you mean `self-heal`?"),
    (
        "recovery = 1\n",
        "etc/1.toml:1: `recovery` is a word: \"default\", \"hold\", \"self-heal\" or \"fail-fast\"; found integer",
    ),
    (
        "off = [\n  \"disk.schedular\",\n]\n",
        "etc/1.toml:2: unknown id `disk.schedular` in `off`; did you mean `disk.scheduler`?",
    ),
    (
        "off = [\"vm.swappiness\"]\n",
        "etc/1.toml:1: unknown id `vm.swappiness` in `off`; it is a knob of `memory.swappiness`",
    ),
    (
        "off = \"disk.scheduler\"\n",
        "etc/1.toml:1: `off` is a list of ids, as in [\"disk.read_ahead\"]; found string",
    ),
    (
        "image = true\n",
        "etc/1.toml:1: `image` is a table: [image], then hyperv_drivers = true; found boolean",
    ),
    (
        "[image]\nhyperv_driver = true\n",
        "etc/1.toml:2: unknown key `hyperv_driver` in [image]; did you mean `hyperv_drivers`?",
    ),
    ("boot = 1\n", "etc/1.toml:1: `boot` is a table: [boot], then stack = \"grub-bls\"; found integer"),
    ("[boot]\nstak = \"uki\"\n", "etc/1.toml:2: unknown key `stak` in [boot]; did you mean `stack`?"),
    (
        "[boot]\nstack = 1\n",
        "etc/1.toml:2: `stack` is the name of a boot stack, as in \"grub-bls\"; found integer",
    ),
    (
        "[boot]\nstack = \"grub-bsl\"\n",
        "etc/1.toml:2: `stack`: unknown boot stack `grub-bsl`; did you mean `grub-bls`?",
    ),
    ("[image]\nhyperv_drivers = \"yes\"\n", "etc/1.toml:2: `hyperv_drivers` is true or false; found string"),
    ("set = 1\n", "etc/1.toml:1: `set` is a table: [set], then one line per knob; found integer"),
    (
        "[set]\n\"vm.swapiness\" = 1\n",
        "etc/1.toml:2: unknown knob `vm.swapiness`; did you mean `vm.swappiness`?",
    ),
    (
        "[set]\nvm.swappiness = 201\n",
        "etc/1.toml:2: `vm.swappiness`: `201` is not a whole number from 0 to 200",
    ),
    (
        "[set]\nvm.swappiness = true\n",
        "etc/1.toml:2: `vm.swappiness` takes a whole number from 0 to 200; found boolean",
    ),
    (
        "[set]\nvm.swappiness = 1.5\n",
        "etc/1.toml:2: `vm.swappiness` takes a whole number from 0 to 200; found float",
    ),
    (
        "[set]\n\"queue/scheduler\" = \"noop\"\n",
        "etc/1.toml:2: `queue/scheduler`: `noop` is not one of none, mq-deadline",
    ),
    (
        "[set]\nvm.swappiness = 99999999999999999999\n",
        "etc/1.toml:2: `vm.swappiness`: the number is too large",
    ),
    (
        "off = [\"memory.swappiness\"]\n[set]\nvm.swappiness = 1\n",
        "etc/1.toml:3: vm.swappiness is pinned, but memory.swappiness is switched off; drop one of the two",
    ),
];

#[test]
fn a_wrong_word_is_named_with_its_place_and_the_right_one() {
    for (text, message) in WRONG {
        assert_eq!(read(&[text]), Err((*message).to_owned()), "{text}");
    }
}

#[test]
fn broken_toml_is_named_with_its_line() {
    for text in ["\nstall = \n", "stall = 60\nstall = 70\n", "a\nb"] {
        let message = read(&[text]).unwrap_err();
        assert!(message.starts_with("etc/1.toml:"), "{message}");
        assert!(!message.contains('\n'), "{message}");
    }
    assert!(read(&["stall = 60\nstall = 70\n"]).unwrap_err().starts_with("etc/1.toml:2: "));
}

#[test]
fn a_shared_knob_is_off_only_with_all_its_owners() {
    let set = "[set]\n\"queue/scheduler\" = \"none\"\n";
    assert!(read(&["off = [\"disk.scheduler\"]\n", set]).is_ok());
    assert!(read(&["off = [\"disk.scheduler\", \"nvme.scheduler\"]\n", set]).is_err());
}
