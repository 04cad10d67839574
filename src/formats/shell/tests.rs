//! Files of distributions and people, and what a shell would make of them.

use super::*;

/// Statements, flat: what they do, with a `?` for each condition around them.
fn flat(text: &str) -> Vec<String> {
    let script = parse(text);
    let mut found = statements(&script.statements, "");
    found.extend(script.broken.map(|(line, why)| format!("{line} BROKEN {why}")));
    found
}

fn statements(all: &[Statement], before: &str) -> Vec<String> {
    all.iter().flat_map(|statement| one(statement, before)).collect()
}

fn one(statement: &Statement, q: &str) -> Vec<String> {
    match statement {
        Statement::Assign { line, variable, appends, readonly, value } => {
            let (plus, lock) = (if *appends { "+" } else { "" }, if *readonly { "!" } else { "" });
            vec![format!("{line} {q}{variable}{lock}{plus}={}", shown(value))]
        }
        Statement::Default { line, variable, value, .. } => {
            vec![format!("{line} {q}{variable}:={}", shown(value))]
        }
        Statement::Unset { line, variable } => vec![format!("{line} {q}unset {variable}")],
        Statement::Source { line, path, guarded } => {
            vec![format!("{line} {q}{} {}", if *guarded { ".." } else { "." }, shown(path))]
        }
        Statement::For { line, variable, words, body } => {
            let words: Vec<String> = words.iter().map(shown).collect();
            let mut found = vec![format!("{line} {q}for {variable} in {}", words.join(" "))];
            found.extend(statements(body, q));
            found
        }
        Statement::Maybe { body, .. } => statements(body, &format!("{q}?")),
        Statement::Function { name, body } => {
            let mut found = vec![format!("{q}{name}()")];
            found.extend(statements(body, &format!("{q}f ")));
            found
        }
        Statement::Call { name, .. } if ["[", "test", ":", "true", "echo"].contains(&name.as_str()) => {
            Vec::new()
        }
        Statement::Call { line, name } => vec![format!("{line} {q}call {name}")],
        Statement::Opaque { line, what, variable } => vec![format!("{line} {q}{what} {variable}")],
        Statement::End { line, .. } => vec![format!("{line} {q}end")],
    }
}

fn shown(word: &Word) -> String {
    let part = |part: &Part| match part {
        Part::Text { text, .. } => text.clone(),
        Part::Unknown => "<?>".to_owned(),
        Part::Variable { name, form: Form::Plain } => format!("<{name}>"),
        Part::Variable { name, form: Form::Or { word, .. } } => format!("<{name}-{}>", shown(word)),
        Part::Variable { name, form: Form::And { word, .. } } => format!("<{name}+{}>", shown(word)),
        Part::Variable { name, form: Form::Set { word, .. } } => format!("<{name}={}>", shown(word)),
    };
    word.parts.iter().map(part).collect()
}

#[test]
fn assignments_are_told_from_what_only_looks_like_them() {
    for (text, expected) in [
        ("A=1\nB='x y' C=\"z\" # D=1\n#E=1\n", &["1 A=1", "2 B=x y", "2 C=z"][..]),
        ("A=\"x for y\"\nif=1\nB=2\n", &["1 A=x for y", "2 if=1", "3 B=2"]),
        ("A=1; B=2;C=3\n", &["1 A=1", "1 B=2", "1 C=3"]),
        (
            "export A=1 B\nreadonly C=2\ndeclare -x D=3\nunset A B\n",
            &["1 A=1", "2 C!=2", "3 D=3", "4 unset A", "4 unset B"],
        ),
        ("A=1 env\nA=1 :\nA=1 export B=2\n", &["1 call env", "2 ?A=1", "3 ?A=1", "3 B=2"]),
        ("echo A=1\n[ A=1 ]\necho \"\nA=2\n\"\n", &[]),
        (
            "A=\"$A x\" B=${B}y C=$(cat /x) D=`id` E=$((1+1)) F=${A#x} G=$1\n",
            &["1 A=<A> x", "1 B=<B>y", "1 C=<?>", "1 D=<?>", "1 E=<?>", "1 F=<?>", "1 G=<?>"],
        ),
        (
            ": ${A:=x} \"${B=y z}\"\nC=${D:-\"$E f\"}${G:+$G }\\$h\n",
            &["1 A:=x", "1 B:=y z", "2 C=<D-<E> f><G+<G> >$h"],
        ),
        ("A=\"x \\\n y\nz\"\nB=a\\\nb\nC=\\\"d\\ e\n", &["1 A=x  y\nz", "4 B=ab", "6 C=\"d e"]),
        ("A+=\" x\"\n1A=2\nA-B=3\nA[1]=4\n", &["1 A+= x", "2 call 1A=2", "3 call A-B=3", "4 call A[1]=4"]),
        ("A='quiet'\r\nB=1\r\n", &["1 A=quiet\r", "2 B=1\r"]),
    ] {
        assert_eq!(flat(text), expected, "{text}");
    }
}

#[test]
fn what_stands_around_a_statement_is_seen() {
    for (text, expected) in [
        ("if [ -d /x ]; then A=1; fi; B=2\n", &["1 ?A=1", "1 B=2"][..]),
        (
            "if [ -d /x ]\nthen A=1\nelif B=2; then\n C=3\nelse\n D=4\nfi\nE=5",
            &["2 ?A=1", "3 ?B=2", "4 ?C=3", "6 ?D=4", "8 E=5"],
        ),
        ("[ -d /x ] && A=1 || B=2\nC=3\n", &["1 ?A=1", "1 ?B=2", "2 C=3"]),
        (
            "case \"$x\" in a|b) A=1 ;; (c) B=2;; *) C=3\nesac\nD=4\n",
            &["1 ?A=1", "1 ?B=2", "1 ?C=3", "3 D=4"],
        ),
        ("while read A; do B=$A; done <<EOF\nC=1\nEOF\nD=2\n", &["1 ?read A", "1 ?B=<A>", "4 D=2"]),
        ("cat <<-'X' >/dev/null\nif [\n\tX\nA=1\n", &["1 call cat", "4 A=1"]),
        ("(A=1; B=2); { C=3; D=4; }\nA=5 | cat\nA=6 &\nE=7\n", &["1 C=3", "1 D=4", "4 E=7"]),
        ("f() { A=1; }\ng ()\n(\nA=2)\nf\nB=1\n", &["f()", "1 f A=1", "g()", "5 call f", "6 B=1"]),
        (
            ". /etc/x\n[ -f /etc/y ] && . /etc/y\nif [ -e /z ]; then . /z; fi\n[ -f /a ] && source /b\n",
            &["1 . /etc/x", "2 .. /etc/y", "3 .. /z", "4 ?. /b"],
        ),
        (
            "for i in /etc/default/grub.d/*.cfg ; do if [ -e \"${i}\" ]; then . \"${i}\"; fi; done\n",
            &["1 for i in /etc/default/grub.d/*.cfg", "1 .. <i>"],
        ),
        (
            "eval \"A=1\"\n[ -x /y ] || exit 0\nB=2\n$cmd x\n",
            &["1 eval ", "2 ?end", "3 B=2", "4 a command that a variable names "],
        ),
    ] {
        assert_eq!(flat(text), expected, "{text}");
    }
}

#[test]
fn what_a_shell_refuses_is_said_with_its_line() {
    for (text, line) in [
        ("A=1\nB=\"open\nC=2\n", 2),
        ("A=1\nB='open", 2),
        ("A=$(cat\n", 1),
        ("A=1\nB=`cat\n", 2),
        ("A=${B:-x\n", 1),
        ("A=1\nfi\nB=2\n", 2),
        ("A=(1 2)\n", 1),
        ("if true; then A=1\n", 1),
        (")\n", 1),
    ] {
        let broken = parse(text).broken.unwrap_or_else(|| panic!("{text}"));
        assert_eq!(broken.0, line, "{text}: {}", broken.1);
    }
    for piece in
        ["(", "{ ", "if ", "f() ", "for a in b; do ", "case a in b) ", "${A:-", "\"$(", "`", "\"${A:-"]
    {
        assert!(parse(&piece.repeat(100_001)).broken.is_some(), "{piece}");
    }
}
