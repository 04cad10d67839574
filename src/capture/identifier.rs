//! Recognising what identifies a machine inside any text: UUIDs, addresses, iSCSI names, world-wide names.

use std::net::{Ipv4Addr, Ipv6Addr};

/// Placeholders, from the ranges that are set aside for documentation
/// (RFC 5737, RFC 3849, RFC 7042, RFC 3721).
pub(super) const IPV4: &str = "192.0.2.1";
pub(super) const IPV6: &str = "2001:db8::1";
pub(super) const MAC: &str = "00:00:5e:00:53:01";
pub(super) const IQN: &str = "iqn.2001-04.com.example:storage";

/// What stands at the start of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// 8-4-4-4-12 hexadecimal digits.
    Uuid,
    /// A UUID or a shorter volume number behind `UUID=` or `by-uuid/`.
    Volume,
    /// A long run of hexadecimal digits: a SCSI or NVMe world-wide name.
    Wwn,
    /// Replaced by this, whatever it was.
    Fixed(&'static str),
}

/// What stands at `text[at..]`, and how long it is.
pub(super) fn at(text: &str, at: usize) -> Option<(Kind, usize)> {
    let before = text.get(..at)?;
    let rest = text.get(at..)?;
    if !rest.starts_with(|c: char| c.is_ascii_alphanumeric() || c == ':') {
        return None;
    }
    let previous = before.chars().next_back();
    if previous.is_some_and(|c| c.is_ascii_hexdigit()) {
        return None;
    }
    if let Some(length) = uuid(rest) {
        return Some((Kind::Uuid, length));
    }
    if previous.is_some_and(|c| c.is_ascii_alphanumeric()) {
        return None;
    }
    if ["UUID=", "by-uuid/", "by-partuuid/", "by-id/"].iter().any(|key| before.ends_with(key)) {
        let length = run(rest, |c| c.is_ascii_alphanumeric() || "-_.:".contains(c));
        return (length > 0).then_some((Kind::Volume, length));
    }
    if let Some(length) = name(rest) {
        return Some((Kind::Fixed(IQN), length));
    }
    // A version (vmlinuz-5.15.148.2) is no address; the directory ip-10.0.0.1:3260-… holds one.
    let inside = previous.is_some_and(|c| "._-".contains(c));
    if inside && !before.ends_with("ip-") {
        return None;
    }
    if previous == Some(':') {
        return ipv4(rest);
    }
    mac(rest).or_else(|| ipv6(rest)).or_else(|| ipv4(rest)).or_else(|| wwn(rest))
}

/// How many bytes at the start belong to a set of ASCII characters.
fn run(text: &str, fits: impl Fn(char) -> bool) -> usize {
    text.find(|c| !fits(c)).unwrap_or(text.len())
}

fn uuid(rest: &str) -> Option<usize> {
    let shaped = rest.get(..36)?.bytes().enumerate().all(|(index, byte)| match index {
        8 | 13 | 18 | 23 => byte == b'-',
        _ => byte.is_ascii_hexdigit(),
    });
    let ends = !rest[36..].starts_with(|c: char| c.is_ascii_hexdigit());
    (shaped && ends).then_some(36)
}

/// `iqn.`, `nqn.`, and the numbered forms `eui.` and `naa.`.
fn name(rest: &str) -> Option<usize> {
    let body = ["iqn.", "nqn.", "eui.", "naa."].iter().find_map(|start| rest.strip_prefix(start))?;
    let length = run(body, |c| c.is_ascii_alphanumeric() || ".:-_".contains(c));
    (body.starts_with(|c: char| c.is_ascii_hexdigit()) && length >= 7).then_some(length + 4)
}

fn mac(rest: &str) -> Option<(Kind, usize)> {
    let text = rest.get(..17)?.as_bytes();
    let separator = *text.get(2)?;
    let shaped = text
        .iter()
        .enumerate()
        .all(|(index, byte)| if index % 3 == 2 { *byte == separator } else { byte.is_ascii_hexdigit() });
    let ends = !rest[17..].starts_with(|c: char| c.is_ascii_alphanumeric() || c == ':' || c == '-');
    (shaped && ends && (separator == b':' || separator == b'-')).then_some((Kind::Fixed(MAC), 17))
}

fn ipv6(rest: &str) -> Option<(Kind, usize)> {
    let length = run(rest, |c| c.is_ascii_hexdigit() || c == ':' || c == '.');
    let text = rest.get(..length)?.trim_end_matches('.');
    // A SCSI address has four parts, a PCI one three: neither parses.
    let parts = text.split(':').filter(|part| !part.is_empty()).count();
    (parts >= 2 && text.parse::<Ipv6Addr>().is_ok()).then_some((Kind::Fixed(IPV6), text.len()))
}

fn ipv4(rest: &str) -> Option<(Kind, usize)> {
    let length = run(rest, |c| c.is_ascii_digit() || c == '.');
    let text = rest.get(..length)?.trim_end_matches('.');
    let ends = !rest[text.len()..].starts_with(|c: char| c.is_ascii_alphabetic() || c == '_' || c == '-');
    (ends && text.parse::<Ipv4Addr>().is_ok()).then_some((Kind::Fixed(IPV4), text.len()))
}

fn wwn(rest: &str) -> Option<(Kind, usize)> {
    let digits = rest.strip_prefix("0x").unwrap_or(rest);
    let length = run(digits, |c| c.is_ascii_hexdigit());
    let ends = !digits[length..].starts_with(|c: char| c.is_ascii_alphanumeric());
    (length >= 16 && ends).then_some((Kind::Wwn, rest.len() - digits.len() + length))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_are_found_whole() {
        for (text, kind) in [
            ("8d1c5a6b-1111-4c07-a9de-0123456789AB", Kind::Uuid),
            ("iqn.2003-01.org.linux-iscsi.san1:lun-7", Kind::Fixed(IQN)),
            ("nqn.2014-08.org.nvmexpress:uuid:1", Kind::Fixed(IQN)),
            ("eui.0025388b710b3a01", Kind::Fixed(IQN)),
            ("10.20.30.40", Kind::Fixed(IPV4)),
            ("fe80::20d:3aff:fe12:3456", Kind::Fixed(IPV6)),
            ("2001:db8:0:1:2:3:4:5", Kind::Fixed(IPV6)),
            ("00:0D:3a:12:34:56", Kind::Fixed(MAC)),
            ("00-0d-3a-12-34-56", Kind::Fixed(MAC)),
            ("36001405a1b2c3d4e5f60718293a4b5c", Kind::Wwn),
            ("0x10000000c9a1b2c3", Kind::Wwn),
        ] {
            assert_eq!(at(text, 0), Some((kind, text.len())), "{text}");
            let inside = format!("x={text},y");
            assert_eq!(at(&inside, 2), Some((kind, text.len())), "{inside}");
        }
    }

    #[test]
    fn what_only_looks_like_one_is_left() {
        for text in [
            "3:0:0:1",
            "0000:00:07.1",
            "254:0",
            "5.15.167.4-microsoft-standard-WSL2",
            "6.6.51.1-5.azl3",
            "::",
            "deadbeef",
            "1.2.3",
            "256.1.1.1",
            "iqn.",
            "naa",
            "9223372036854775",
        ] {
            let found = (0..text.len()).find_map(|index| at(text, index));
            assert_eq!(found.filter(|(kind, _)| *kind != Kind::Wwn), None, "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_looked_at_without_a_slip(text in "[0-9a-f.:=\\-iqnUD{} é]{0,60}") {
            for index in 0..=text.len() {
                if let Some((_, length)) = at(&text, index) {
                    assert!(length > 0 && text.is_char_boundary(index + length));
                }
            }
        }
    }

    #[test]
    fn volumes_behind_their_key_are_found_whatever_their_form() {
        assert_eq!(at("root=UUID=ABCD-1234 ro", 10), Some((Kind::Volume, 9)));
        assert_eq!(at("root=PARTUUID=0d3c3d1a-02", 14), Some((Kind::Volume, 11)));
        assert_eq!(at("/dev/disk/by-id/scsi-3600 x", 16), Some((Kind::Volume, 9)));
    }
}
