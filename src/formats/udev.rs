//! udev rules (man 7 udev).

mod key;
mod lines;
mod read;
mod token;

use super::{Refusal, only};

pub use key::{Key, Term};
pub use read::{Rule, Rules, read};
pub use token::Op;

/// One `KEY op "value"` of a rule line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// Key with its attribute: `ACTION`, `ATTR{queue/scheduler}`.
    pub key: String,
    /// `==`, `!=`, `=`.
    pub op: String,
    /// The value between the quotes, as it stands there.
    pub value: String,
}

impl Token {
    /// Whether it tests a value instead of setting one.
    pub fn is_match(&self) -> bool {
        self.op == "==" || self.op == "!="
    }
}

/// Strict: every rule line's tokens, in order.
pub fn parse(text: &str) -> Result<Vec<Vec<Token>>, Refusal> {
    let mut rules = Vec::new();
    let mut jumps: Vec<(u32, String)> = Vec::new();
    for (number, line) in super::lines(text)? {
        let tokens = rule(line).map_err(|why| Refusal::new(number, why))?;
        for token in &tokens {
            match token.key.as_str() {
                "GOTO" => jumps.push((number, token.value.clone())),
                // udev jumps forwards only.
                "LABEL" => jumps.retain(|(_, label)| *label != token.value),
                _ => {}
            }
        }
        rules.push(tokens);
    }
    match jumps.into_iter().next() {
        // udev would drop the line, and what it guards would run unguarded.
        Some((line, label)) => Err(Refusal::new(line, format!("GOTO=\"{label}\" without a later label"))),
        None => Ok(rules),
    }
}

/// One line: `KEY op "value"`, joined by a comma and a blank.
fn rule(line: &str) -> Result<Vec<Token>, String> {
    let mut tokens = Vec::new();
    let mut rest = line;
    loop {
        let (token, after) = token(rest)?;
        check(&token)?;
        tokens.push(token);
        if after.is_empty() {
            return Ok(tokens);
        }
        rest = after.strip_prefix(", ").ok_or("tokens are joined by a comma and one blank")?;
    }
}

fn token(text: &str) -> Result<(Token, &str), String> {
    let end = text.find(['=', '!', '+', '-', ':', ' ', '"']).unwrap_or(text.len());
    // An attribute may hold what ends a key.
    let end = match (text.find('{'), text.find('}')) {
        (Some(open), Some(close)) if open < end && open < close => close + 1,
        _ => end,
    };
    let (key, rest) = text.split_at(end);
    let quote = rest.find('"').ok_or_else(|| format!("`{key}` has no quoted value"))?;
    let (op, rest) = rest.split_at(quote);
    let (value, after) = rest
        .strip_prefix('"')
        .and_then(|rest| rest.split_once('"'))
        .ok_or_else(|| format!("the value of {key} does not end"))?;
    Ok((Token { key: key.to_owned(), op: op.to_owned(), value: value.to_owned() }, after))
}

/// Paths from a device in which udev puts the one name that there is in place of `*`: `max_retries` of a
/// disk, the same from its partition, and the device below a map.
const FOUND: [&str; 3] =
    ["device/scsi_disk/*/max_retries", "../device/scsi_disk/*/max_retries", "slaves/*/uevent"];
/// Is there where the btrfs on a device is mounted and has a second device. udev puts in the UUID; whether
/// the path exists is all that is asked.
const SECOND_DEVICE: &str = "/sys/fs/btrfs/$env{ID_FS_UUID}/devinfo/2";

/// Whether a file of ours may hold this token. Never a key that runs, imports or names anything.
fn check(token: &Token) -> Result<(), String> {
    let Token { key, op, .. } = token;
    let (name, attr) = match key.strip_suffix('}').and_then(|key| key.split_once('{')) {
        Some((name, attr)) => (name, Some(attr)),
        None => (key.as_str(), None),
    };
    let ops: &[&str] = match (name, attr) {
        ("ACTION" | "SUBSYSTEM" | "KERNEL" | "SUBSYSTEMS" | "KERNELS" | "DRIVERS", None)
        | ("ATTR", Some("[dmi/id]chassis_asset_tag")) => &["==", "!="],
        ("ATTRS", Some(attr)) if is_attribute(attr) => &["==", "!="],
        ("ATTR", Some(attr)) if is_attribute(attr) => &["==", "!=", "="],
        ("ATTR", Some(attr)) if FOUND.contains(&attr) => &["="],
        ("ENV", Some(name)) if only(name, "_") => &["==", "!=", "="],
        ("GOTO" | "LABEL", None) => &["="],
        // A fixed place in sysfs, to tell on what kind of machine an image woke up.
        ("TEST", None) if token.value.starts_with("/sys/bus/") => &["==", "!="],
        ("TEST", None) if FOUND.contains(&token.value.as_str()) || token.value == SECOND_DEVICE => &["=="],
        _ => return Err(format!("`{key}` is not among the keys that we write")),
    };
    if !ops.contains(&op.as_str()) {
        return Err(format!("`{key}` cannot be followed by `{op}`"));
    }
    if name == "TEST" && token.value == SECOND_DEVICE {
        return Ok(());
    }
    let sound = match (token.is_match(), name) {
        (true, _) => is_pattern(&token.value),
        (false, "GOTO" | "LABEL") => only(&token.value, "_"),
        (false, _) => !token.value.is_empty() && !token.value.contains(['\\', '$', '%', '`']),
    };
    sound.then_some(()).ok_or_else(|| format!("the value of {key} holds what udev would not take literally"))
}

/// A path below the device: no substitution, no wildcard, no climbing.
fn is_attribute(attr: &str) -> bool {
    attr.split('/').all(|part| only(part, "_.-") && part != "." && part != "..")
}

/// Match values may hold wildcards; a backslash only takes a bracket literally.
fn is_pattern(value: &str) -> bool {
    let mut parts = value.split('\\');
    parts.next().is_some_and(|first| !first.contains(['$', '%']))
        && parts.all(|part| part.starts_with(['[', ']']) && !part.contains(['$', '%']))
}

#[cfg(test)]
mod tests {
    use super::*;

    const OURS: &str = r#"# hvtune 0.1.0 sha256:0123456789abcdef
ACTION!="add|change", GOTO="hvtune_end"
SUBSYSTEM!="block", GOTO="hvtune_end"

# storage.timeout: why; https://example.org/
KERNEL=="sd*[!0-9]", SUBSYSTEMS=="vmbus", DRIVERS=="hv_storvsc", ENV{HVTUNE}="storvsc-scsi"
ENV{HVTUNE}=="storvsc-scsi", ATTR{queue/scheduler}!="*\[none\]*", ATTR{queue/scheduler}="none"
ENV{HVTUNE}=="?*", ATTRS{class_id}=="{ba6163d9-04a1-4d29-b605-72e2ffb1dc7f}", ATTR{device/timeout}="180"
LABEL="hvtune_end"
"#;

    #[test]
    fn our_own_rules_parse() {
        let rules = parse(OURS).unwrap();
        let flat: Vec<Vec<String>> = rules
            .iter()
            .map(|rule| rule.iter().map(|t| format!("{} {} {}", t.key, t.op, t.value)).collect())
            .collect();
        assert_eq!(flat.len(), 6);
        assert_eq!(flat[0], ["ACTION != add|change", "GOTO = hvtune_end"]);
        assert_eq!(
            flat[3],
            [
                "ENV{HVTUNE} == storvsc-scsi",
                "ATTR{queue/scheduler} != *\\[none\\]*",
                "ATTR{queue/scheduler} = none"
            ]
        );
        assert_eq!(flat[4][1], "ATTRS{class_id} == {ba6163d9-04a1-4d29-b605-72e2ffb1dc7f}");
    }

    const REFUSED: &[&str] = &[
        r#"RUN+="/bin/sh""#,
        r#"PROGRAM=="/bin/true""#,
        r#"IMPORT{program}="x""#,
        r#"OPTIONS+="watch""#,
        r#"SYMLINK+="x""#,
        r#"TEST=="queue""#,
        r#"KERNEL="sda""#,
        r#"KERNEL=="sda" , ATTR{x}="1""#,
        r#"KERNEL=="sda",ATTR{x}="1""#,
        r#"KERNEL=="sda" ATTR{x}="1""#,
        r#"KERNEL=="sda", "#,
        r#" KERNEL=="sda""#,
        r#"KERNEL=="sda"#,
        r#"KERNEL =="sda""#,
        r#"KERNEL==e"sda""#,
        "KERNEL==sda",
        r#"ATTR{queue/scheduler}+="none""#,
        r#"ATTR{queue/scheduler}:="none""#,
        r#"ATTR{queue/scheduler}="$kernel""#,
        r#"ATTR{queue/scheduler}="%k""#,
        r#"ATTR{queue/scheduler}="a\b""#,
        r#"ATTR{queue/scheduler}="`id`""#,
        r#"ATTR{queue/scheduler}="""#,
        r#"ATTR{queue/$env{X}}="1""#,
        r#"ATTR{../x}="1""#,
        r#"ATTR{[block/sda]queue/scheduler}="none""#,
        r#"ATTR{mq/*/x}="1""#,
        r#"ATTR{device/scsi_disk/*/max_retries}=="5""#,
        r#"ATTR{device/scsi_disk/*/state}="5""#,
        r#"ATTR{../../device/scsi_disk/*/max_retries}="5""#,
        r#"ATTR{[dmi/id]chassis_asset_tag}="1""#,
        r#"ATTR{[dmi/id]product_serial}=="1""#,
        r#"TEST=="/sys/fs/btrfs/$env{ID_FS_LABEL}/devinfo/2""#,
        r#"TEST!="/sys/fs/btrfs/$env{ID_FS_UUID}/devinfo/2""#,
        r#"TEST=="slaves/*/size""#,
        r#"ATTR="1""#,
        r#"KERNEL{x}=="1""#,
        r#"ENV{A B}=="1""#,
        r#"KERNEL=="a\b""#,
        r#"KERNEL=="$x""#,
        r#"GOTO="nowhere""#,
        r#"LABEL="a b""#,
        r#"ENV{X}="a\", RUN+="x""#,
        "nonsense",
        "",
    ];

    #[test]
    fn anything_else_is_refused() {
        for line in REFUSED {
            let text = if line.is_empty() { " \n".to_owned() } else { format!("{line}\n") };
            assert!(parse(&text).is_err(), "{line}");
        }
        assert_eq!(parse("LABEL=\"a\"\nGOTO=\"a\"\n").unwrap_err().line, 2);
    }
}
