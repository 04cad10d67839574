//! GRUB's environment block, `grubenv`: one variable in 1024 bytes
//! (<https://git.savannah.gnu.org/cgit/grub.git/tree/grub-core/lib/envblk.c>).

use std::ops::Range;

use super::{Refusal, number, only};

/// Bytes of a block. Lines of `name=value` come first, and `#` fills the rest.
pub const SIZE: usize = 1024;

const SIGNATURE: &[u8] = b"# GRUB Environment Block\n";

/// The value of a variable. A block that GRUB does not read is refused, and a value with backslashes,
/// which GRUB takes away.
pub fn find(text: &[u8], name: &str) -> Result<Range<usize>, Refusal> {
    if text.len() != SIZE {
        return Err(Refusal::NoBlock("the file has not just 1024 bytes"));
    }
    if !text.starts_with(SIGNATURE) {
        return Err(Refusal::NoBlock("its first line is not \"# GRUB Environment Block\""));
    }
    let body = text.get(..used(text)).unwrap_or_default();
    if !body.ends_with(b"\n") {
        return Err(Refusal::NoBlock("its last variable has no line end"));
    }
    let found = variables(body).into_iter().filter_map(|line| {
        let value = text.get(line.clone())?.strip_prefix(name.as_bytes())?.strip_prefix(b"=")?;
        Some(line.end - value.len()..line.end)
    });
    let what = format!("variable {name}");
    let range = only(text, &what, "set it with grub-editenv FILE set", &found.collect::<Vec<_>>())?;
    if text.get(range.clone()).is_some_and(|value| value.contains(&b'\\')) {
        return Err(Refusal::Unplain {
            line: number(text, range.start),
            why: format!("{name} has a backslash"),
            form: format!("{name}=… without one"),
        });
    }
    Ok(range)
}

/// Brings a block whose value has changed back to its size.
pub(super) fn fill(text: &mut Vec<u8>) -> Result<(), Refusal> {
    text.truncate(used(text));
    if text.len() > SIZE {
        return Err(Refusal::Full { bytes: text.len() });
    }
    text.resize(SIZE, b'#');
    Ok(())
}

/// Bytes before the filling.
fn used(text: &[u8]) -> usize {
    text.iter().rposition(|byte| *byte != b'#').map_or(0, |last| last + 1)
}

/// The lines, without their ends. A backslash takes the next byte as it is, a line end too.
fn variables(body: &[u8]) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let (mut start, mut escaped) = (0, false);
    for (at, byte) in body.iter().enumerate() {
        if *byte == b'\n' && !escaped {
            found.push(start..at);
            start = at + 1;
        }
        escaped = *byte == b'\\' && !escaped;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(variables: &str) -> Vec<u8> {
        let mut block = [SIGNATURE, variables.as_bytes()].concat();
        block.resize(SIZE, b'#');
        block
    }

    #[test]
    fn the_variable_is_found() {
        for (variables, value) in [
            ("saved_entry=0\nkernelopts=root=/dev/x ro \nboot_success=0\n", "root=/dev/x ro "),
            ("kernelopts=\n", ""),
            ("# kernelopts=no\n#kernelopts=no\nxkernelopts=no\na=\\\nkernelopts=no\nkernelopts=a#\n", "a#"),
        ] {
            let block = block(variables);
            let range = find(&block, "kernelopts").unwrap();
            assert_eq!(std::str::from_utf8(&block[range]).unwrap(), value);
        }
    }

    #[test]
    fn what_grub_does_not_read_is_refused() {
        let said = |block: &[u8]| find(block, "kernelopts").unwrap_err().to_string();
        let todo =
            "so GRUB does not read this block: put back one that it reads, with all variables that it had";
        let good = block("kernelopts=a\n");
        assert_eq!(said(&good[1..]), format!("the file has not just 1024 bytes, {todo}"));
        assert_eq!(
            said(&[&good[2..], b"##"].concat()),
            format!("its first line is not \"# GRUB Environment Block\", {todo}")
        );
        assert_eq!(said(&block("kernelopts=a")), format!("its last variable has no line end, {todo}"));
        assert_eq!(
            said(&block("a=b\n")),
            "there is no variable kernelopts: set it with grub-editenv FILE set"
        );
        assert_eq!(
            said(&block("kernelopts=a\nkernelopts=b\n")),
            "line 3 is a second variable kernelopts, after line 2: join the two"
        );
        assert_eq!(
            said(&block("kernelopts=a\\\\b\n")),
            "line 2: kernelopts has a backslash; write one line kernelopts=… without one"
        );
    }

    #[test]
    fn a_full_block_keeps_its_size_or_is_refused() {
        let mut full = block("");
        full.truncate(used(&full));
        full.resize(SIZE - 1, b'x');
        full.push(b'\n');
        assert_eq!(fill(&mut full), Ok(()));
        assert_eq!(full.len(), SIZE);
        full.push(b'\n');
        assert_eq!(
            fill(&mut full).unwrap_err().to_string(),
            "the block would have 1025 bytes, and has room for 1024: make room by hand, and keep what the boot needs"
        );
    }
}
