//! The nearest right word for a misspelt one.

/// The known word that is nearest to `word`, the first in alphabetical order where two are equally near;
/// `None` where more than one letter in four is wrong, and one more.
pub fn nearest<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let (distance, nearest) = known.map(|other| (strsim::damerau_levenshtein(word, other), other)).min()?;
    (distance <= 1 + word.len() / 4).then_some(nearest)
}

/// What to try instead of a wrong word: the nearest right one, or all where none is near and they are few.
pub fn hint<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> String {
    let mut known: Vec<&str> = known.collect();
    known.sort_unstable();
    known.dedup();
    match nearest(word, known.iter().copied()) {
        Some(nearest) => format!("did you mean `{nearest}`?"),
        None if (1..=8).contains(&known.len()) => format!("known are {}", known.join(", ")),
        None => "`hvtune explain` lists what there is".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_finds_its_word_and_another_word_finds_none() {
        let known = || ["disk.timeout", "disk.scheduler", "host", "most"].into_iter();
        assert_eq!(nearest("disk.timout", known()), Some("disk.timeout"));
        assert_eq!(nearest("disk.shceduler", known()), Some("disk.scheduler"));
        assert_eq!(nearest("cost", known()), Some("host"));
        assert_eq!(nearest("swap", known()), None);
        assert_eq!(nearest("host", std::iter::empty()), None);
    }
}
