//! Names of months: journalctl, rsyslog and dmesg write them in the language of whoever runs them.

/// The language of most logs.
pub(super) const ENGLISH: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// How the names begin in glibc's locales (`abmon`): Czech, Danish, Dutch, French, German, Italian, Polish, Portuguese,
/// Russian, Spanish, Swedish.
const OTHERS: [&str; 12] = [
    "jan jän ene gen sty янв led",
    "feb fév fev lut фев úno",
    "mar mär mrt мар bře",
    "apr avr abr kwi апр dub",
    "mai maj mei mag may май мая kvě",
    "jun juin giu cze июн čen",
    "jul juil lug lip июл čec",
    "aug aoû ago sie авг srp",
    "sep set wrz сен zář",
    "okt oct ott out paź окт říj",
    "nov lis ноя",
    "dez déc dec dic gru des дек pro",
];

/// The number of a month by its English name.
pub(super) fn english(word: &str) -> Option<i64> {
    ENGLISH.iter().position(|name| *name == word).and_then(|at| i64::try_from(at + 1).ok())
}

/// The number of a month by its name in another language: `апр`, `févr.`, `4月`.
pub(super) fn other(word: &str) -> Option<i64> {
    if let Some(number) = word.strip_suffix(['月', '월']) {
        return number.parse().ok().filter(|month| (1..=12).contains(month));
    }
    let word = word.to_lowercase();
    let begins = |names: &&str| names.split(' ').any(|name| word.starts_with(name));
    let fits = word.chars().count() <= 6;
    OTHERS.iter().position(|names| fits && begins(names)).and_then(|at| i64::try_from(at + 1).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_have_names_in_many_languages() {
        for (word, month) in [
            ("янв", Some(1)),
            ("févr.", Some(2)),
            ("Mär", Some(3)),
            ("апр", Some(4)),
            ("мая", Some(5)),
            ("juin", Some(6)),
            ("juil.", Some(7)),
            ("août", Some(8)),
            ("wrz", Some(9)),
            ("Okt", Some(10)),
            ("lis", Some(11)),
            ("12月", Some(12)),
            ("13月", None),
            ("mdadm:", None),
            ("sd", None),
            ("marked", Some(3)),
            ("", None),
        ] {
            assert_eq!(other(word), month, "{word}");
        }
        assert_eq!((english("Dec"), english("dec")), (Some(12), None));
    }
}
