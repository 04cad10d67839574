//! The script of ours that initramfs-tools runs before it waits for root.
//!
//! `/conf/param.conf` is read after every such script, and what it says of an exported variable counts from then
//! on (<https://manpages.debian.org/bookworm/initramfs-tools-core/initramfs-tools.7.en.html>, boot scripts).

use super::{Refusal, lines};

/// What a script does when it is asked after which others it runs, as it is when an image is made: nothing.
pub const PREREQS: &str = "[ \"$1\" = prereqs ] && exit 0";

/// The name that stands for a wait of up to so many seconds more, other ones at each boot.
pub const SPREAD: &str = "SPREAD";

/// The line that raises a variable: one that the command line made larger stays.
pub fn line(name: &str, seconds: &str) -> String {
    if name == SPREAD {
        return spread(seconds);
    }
    format!("[ \"${{{name}:-0}}\" -ge {seconds} ] 2>/dev/null || echo {name}={seconds} >>/conf/param.conf")
}

/// The line that makes the wait for root longer by up to so many seconds, other ones at each boot: guests that
/// restart out of a wait in vain do not read their kernels in the same second. A shell reckons with `0300` as octal,
/// so what comes out is written only where it is no shorter.
fn spread(seconds: &str) -> String {
    format!(
        "([ ! -e /conf/param.conf ] || . /conf/param.conf; read -r seed </proc/sys/kernel/random/uuid && \
         sum=$((ROOTDELAY + 0x${{seed%%-*}} % {seconds})) && [ \"$sum\" -ge \"$ROOTDELAY\" ] && \
         echo ROOTDELAY=$sum >>/conf/param.conf) 2>/dev/null"
    )
}

/// Strict: the variables of a script of ours and their values, in order.
///
/// # Errors
///
/// A line that is none of ours.
pub fn parse(text: &str) -> Result<Vec<(String, String)>, Refusal> {
    let mut said = lines(text)?.into_iter();
    match said.next() {
        Some((_, PREREQS)) => {}
        Some((number, _)) => return Err(Refusal::new(number, format!("not `{PREREQS}`"))),
        None => return Ok(Vec::new()),
    }
    said.map(|(number, found)| {
        let of = |found: &str| {
            let spread_by = || {
                let (_, rest) = found.split_once(" % ")?;
                let (seconds, _) = rest.split_once(')')?;
                let number =
                    (1..=4).contains(&seconds.len()) && seconds.bytes().all(|byte| byte.is_ascii_digit());
                (number && spread(seconds) == found).then(|| (SPREAD.to_owned(), seconds.to_owned()))
            };
            if found.starts_with('(') {
                return spread_by();
            }
            let (name, rest) = found.strip_prefix("[ \"${")?.split_once(":-0}\" -ge ")?;
            let (seconds, _) = rest.split_once(' ')?;
            let plain = name.bytes().all(|byte| byte.is_ascii_uppercase());
            let number =
                (1..=6).contains(&seconds.len()) && seconds.bytes().all(|byte| byte.is_ascii_digit());
            let same = plain && number && line(name, seconds) == found;
            same.then(|| (name.to_owned(), seconds.to_owned()))
        };
        of(found).ok_or_else(|| Refusal::new(number, "no line of ours"))
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_of_ours_raises_a_variable_and_does_nothing_else() {
        let text = format!("#!/bin/sh\n# x\n{PREREQS}\n{}\n", line("ROOTDELAY", "240"));
        assert_eq!(parse(&text).unwrap(), [("ROOTDELAY".to_owned(), "240".to_owned())]);
        assert_eq!(parse("#!/bin/sh\n").unwrap(), []);
        let both = format!("{PREREQS}\n{}\n{}\n", line("ROOTDELAY", "240"), line(SPREAD, "60"));
        let wanted =
            [("ROOTDELAY", "240"), (SPREAD, "60")].map(|(key, value)| (key.to_owned(), value.to_owned()));
        assert_eq!(parse(&both).unwrap(), wanted);
        for bad in [
            "reboot -f",
            "echo ROOTDELAY=240 >>/conf/param.conf",
            &line("ROOTDELAY", "$(x)"),
            &line("a;b", "1"),
            &spread("0); reboot"),
            "(reboot -f % 60)",
        ] {
            assert!(parse(&format!("{PREREQS}\n{bad}\n")).is_err(), "{bad}");
        }
        assert!(parse(&format!("{}\n", line("ROOTDELAY", "240"))).is_err(), "it is asked for its place, too");
    }
}
