//! GRUB's environment block: `grubenv`.

/// The block's first line, without which GRUB does not read it
/// (<https://git.savannah.gnu.org/cgit/grub.git/tree/grub-core/lib/envblk.c>).
const SIGNATURE: &str = "# GRUB Environment Block\n";

/// The variables of a block, in order, with their line numbers; `None` where it is no block.
/// A backslash takes the next character as it is, a line break too; `#` begins what is not used.
pub fn parse(text: &str) -> Option<Vec<(u32, String, String)>> {
    let mut rest = text.strip_prefix(SIGNATURE)?.chars();
    let mut variables = Vec::new();
    let (mut line, mut said) = (2, String::new());
    let mut began = line;
    while let Some(c) = rest.next() {
        match c {
            '\\' => {
                let c = rest.next().unwrap_or_default();
                line += u32::from(c == '\n');
                said.push(c);
            }
            '\n' => {
                line += 1;
                let whole = std::mem::take(&mut said);
                if let Some((name, value)) = whole.split_once('=').filter(|_| !whole.starts_with('#')) {
                    variables.push((began, name.to_owned(), value.to_owned()));
                }
                began = line;
            }
            c => said.push(c),
        }
    }
    Some(variables)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_is_read() {
        let block = "# GRUB Environment Block\nsaved_entry=a-1\nkernelopts=root=/dev/x ro a=\\\\b\n# comment=1\n######";
        let variables = parse(block).unwrap();
        let flat: Vec<String> =
            variables.iter().map(|(line, name, value)| format!("{line} {name}: {value}")).collect();
        assert_eq!(flat, ["2 saved_entry: a-1", "3 kernelopts: root=/dev/x ro a=\\b"]);
        assert_eq!(parse("saved_entry=a\n"), None);
        assert_eq!(parse("# GRUB Environment Block\n####"), Some(Vec::new()));
    }
}
