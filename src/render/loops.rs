//! What an administrator's template may hold: loops over what we hand it, and prints of it.
//!
//! A root may be an image that somebody else made, and the template engine has neither a
//! time nor a memory limit: two nested `range` loops that print nothing run for minutes,
//! a variable set to itself twice forty times over takes a terabyte. So the same holds
//! for every template as for ours: no condition, no arithmetic, no function.

/// How deep loops may nest: items, their lines, a line's tokens.
const DEPTH: usize = 3;
/// How many loops there may be; ours have seven.
const LOOPS: usize = 64;

/// Why a template is not taken, or nothing.
pub(super) fn fault(source: &str) -> Option<String> {
    let mut rest = source;
    let (mut depth, mut loops) = (0_usize, 0);
    while let Some((mark, after)) = next_mark(rest) {
        let end = match mark {
            "{#" => "#}",
            "{%" => "%}",
            _ => "}}",
        };
        // An open end is the engine's to tell of, with its place.
        let (inner, after) = after.split_once(end)?;
        rest = after;
        let inner = inner.strip_prefix('-').unwrap_or(inner);
        let inner = inner.strip_suffix('-').unwrap_or(inner).trim();
        match mark {
            "{#" => {}
            "{%" if inner == "endfor" => depth = depth.saturating_sub(1),
            "{%" if is_loop(inner) => (depth, loops) = (depth + 1, loops + 1),
            "{%" => {
                return Some(format!("`{{% {inner} %}}` is no plain loop, `{{% for NAME in NAME.NAME %}}`"));
            }
            _ if is_path(inner) => {}
            _ => return Some(format!("`{{{{ {inner} }}}}` does more than print a value")),
        }
        if depth > DEPTH || loops > LOOPS {
            return Some(format!("more than {DEPTH} loops within each other, or {LOOPS} in all"));
        }
    }
    None
}

/// The first mark and what follows it.
fn next_mark(text: &str) -> Option<(&str, &str)> {
    let at = ["{{", "{%", "{#"].iter().filter_map(|mark| text.find(mark)).min()?;
    text.get(at..)?.split_at_checked(2)
}

/// `for NAME in PATH`
fn is_loop(tag: &str) -> bool {
    let words: Vec<&str> = tag.split_whitespace().collect();
    matches!(words.as_slice(), ["for", name, "in", path] if is_path(name) && is_path(path))
}

/// Names joined by dots.
fn is_path(text: &str) -> bool {
    text.split('.').all(|name| {
        name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::Format;

    #[test]
    fn ours_are_of_this_kind() {
        for format in Format::ALL {
            assert_eq!(fault(format.embedded()), None, "{format:?}");
        }
    }

    #[test]
    fn loops_and_prints_are_taken() {
        for source in [
            "",
            "# plain\n",
            "{{ a }}{{a.b.c}}{{- a -}}",
            "{%- for a in items -%}{% for b in a.lines %}{% for c in b.tokens %}{% endfor %}{% endfor %}{% endfor %}",
            "{# if x, then y #}",
            "{# {{ 1 + 1 }} #}",
            "{% for",
            "{{ a",
            "}} %}",
        ] {
            assert_eq!(fault(source), None, "{source}");
        }
    }

    #[test]
    fn nothing_else_is() {
        let nested = format!("{}{}", "{% for a in b %}".repeat(4), "{% endfor %}".repeat(4));
        for source in [
            "{% for a in range(end=9) %}{% endfor %}",
            "{% for a in [1] %}{% endfor %}",
            "{% for k, v in a %}{% endfor %}",
            "{% set x = x ~ x %}",
            "{% if a %}{% endif %}",
            "{% include \"x\" %}",
            "{% raw %}{% endraw %}",
            "{{ a | upper }}",
            "{{ f() }}",
            "{{ a + 1 }}",
            "{{ \"x\" }}",
            "{{ a[0] }}",
            "{{ 1 }}",
            "{{ }}",
            "{{{ a }}}",
            &nested,
            &"{% for a in b %}{% endfor %}".repeat(65),
        ] {
            assert!(fault(source).is_some(), "{source}");
        }
    }
}
