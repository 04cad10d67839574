//! tuned's files, as Python's `configparser` reads them with tuned's settings.

use std::collections::BTreeMap;

/// One section.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Section {
    /// Its name.
    pub name: String,
    /// Its options in order; a name stands once, with the last value that it was given.
    pub options: Vec<IniOption>,
}

/// One option.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IniOption {
    /// Line number, from 1.
    pub line: u32,
    /// Its name.
    pub name: String,
    /// Its value; lines that continue it are joined by a line end.
    pub value: String,
}

/// The sections of a file: `#` and `;` begin a comment line, a blank and `#` the rest of a line, a line that is
/// indented deeper continues the value. The error is the line on which Python gives up
/// (<https://github.com/python/cpython/blob/v3.11.0/Lib/configparser.py>, `_read`;
/// <https://github.com/redhat-performance/tuned/blob/v2.25.1/tuned/profiles/loader.py>).
pub fn read(text: &str) -> Result<Vec<Section>, u32> {
    read_from(text, Vec::new())
}

/// The same of a file without section headers.
pub fn read_flat(text: &str) -> Result<Vec<IniOption>, u32> {
    let sections = read_from(text, vec![Section::default()])?;
    Ok(sections.into_iter().flat_map(|section| section.options).collect())
}

fn read_from(text: &str, mut sections: Vec<Section>) -> Result<Vec<Section>, u32> {
    // The section and the option that a deeper line continues, and how deep they stand.
    let mut at = sections.len().checked_sub(1);
    let mut option: Option<String> = None;
    let mut indent = 0;
    // By the section's number and the option's name.
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    let key = |section: usize, name: &str| format!("{section} {name}");
    for (line, row) in (1..).zip(text.lines()) {
        let content = uncommented(row);
        let value = content.trim();
        if value.is_empty() {
            continue;
        }
        let depth = row.len() - row.trim_start().len();
        let section = at.and_then(|at| sections.get_mut(at));
        if let (Some(at), Some(section), Some(name)) = (at, section, option.as_ref())
            && depth > indent
        {
            let place = places.get(&key(at, name));
            if let Some(option) = place.and_then(|place| section.options.get_mut(*place)) {
                option.value.push('\n');
                option.value.push_str(value);
            }
            continue;
        }
        indent = depth;
        if let Some(name) = header(value) {
            option = None;
            at = sections.iter().position(|section| section.name == name).or_else(|| {
                sections.push(Section { name: name.to_owned(), options: Vec::new() });
                sections.len().checked_sub(1)
            });
            continue;
        }
        let here = at.ok_or(line)?;
        let section = sections.get_mut(here).ok_or(line)?;
        let (name, value) = value.split_once('=').ok_or(line)?;
        let (name, value) = (name.trim_end(), value.trim());
        if name.is_empty() {
            return Err(line);
        }
        let new = IniOption { line, name: name.to_owned(), value: value.to_owned() };
        let next = section.options.len();
        let place = *places.entry(key(here, name)).or_insert(next);
        match section.options.get_mut(place) {
            Some(earlier) => *earlier = new,
            None => section.options.push(new),
        }
        option = Some(name.to_owned());
    }
    Ok(sections)
}

fn header(value: &str) -> Option<&str> {
    let end = value.rfind(']')?;
    value.strip_prefix('[')?.get(..end - 1).filter(|name| !name.is_empty())
}

fn uncommented(row: &str) -> &str {
    if row.trim_start().starts_with(['#', ';']) {
        return "";
    }
    let comment = row.char_indices().find(|(at, c)| {
        *c == '#'
            && row.get(..*at).is_some_and(|before| before.is_empty() || before.ends_with(char::is_whitespace))
    });
    comment.and_then(|(at, _)| row.get(..at)).unwrap_or(row)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> Result<Vec<String>, u32> {
        let sections = read(text)?;
        let option = |section: &Section, option: &IniOption| {
            format!("{} [{}] {}={}", option.line, section.name, option.name, option.value)
        };
        let options =
            |section: &Section| section.options.iter().map(|o| option(section, o)).collect::<Vec<_>>();
        Ok(sections.iter().flat_map(options).collect())
    }

    #[test]
    fn python_reads_it_so() {
        let text = "# x\n[main]\ninclude = a # b\n; c\n[disk]\nreadahead=>4096\nelevator = none#x\n\
                    [sysctl]\nvm.swappiness=1\nvm.x = a\n   b\n\n   c\nvm.swappiness = 2\n[disk]\ndevices=sda\n";
        assert_eq!(
            told(text).unwrap(),
            [
                "3 [main] include=a",
                "6 [disk] readahead=>4096",
                "7 [disk] elevator=none#x",
                "16 [disk] devices=sda",
                "14 [sysctl] vm.swappiness=2",
                "10 [sysctl] vm.x=a\nb\nc",
            ]
        );
        assert_eq!(told("a=1\n"), Err(1));
        assert_eq!(told("[a]\nnonsense\n"), Err(2));
        let flat = read_flat("# x\nreapply_sysctl = 0 # off\ndaemon=1\n").unwrap();
        let flat: Vec<_> = flat.iter().map(|o| format!("{}={}", o.name, o.value)).collect();
        assert_eq!(flat, ["reapply_sysctl=0", "daemon=1"]);
    }
}
