//! hvtune.toml(5), from the types that parse the file and the catalogue of settings.

use std::error::Error;

use clap_mangen::roff::{Inline, Roff, bold, italic, roman};
use hvtune::policy::{Key, Recovery};
use hvtune::tunable::Accepts;
use hvtune::tunables::CATALOGUE;
use schemars::schema_for;

use crate::{DATE, section};

/// A word of the file and the paragraphs of its doc comment.
struct Word {
    name: String,
    paragraphs: Vec<String>,
}

pub(crate) fn page() -> Result<String, Box<dyn Error>> {
    let keys = words(schema_for!(Key).as_value())?;
    let mut roff = Roff::new();
    let version = format!("hvtune {}", hvtune::cli::definition().get_version().unwrap_or_default());
    roff.control("TH", ["hvtune.toml", "5", DATE, &version, "File Formats"]);
    roff.control("SH", ["NAME"]).text([roman("hvtune.toml - the policy of hvtune")]);
    synopsis(&mut roff);
    intro(&mut roff);
    roff.control("SH", ["KEYS"]);
    for key in &keys {
        entry(&mut roff, key);
        if key.name == "recovery" {
            roff.control("RS", []);
            for word in words(schema_for!(Recovery).as_value())? {
                entry(&mut roff, &word);
            }
            roff.control("RE", []);
        }
    }
    knobs(&mut roff);
    roff.control("SH", ["EXAMPLES"]);
    roff.text([roman("A policy with every key:")]);
    section::code(
        &mut roff,
        &keys.iter().map(example).collect::<Option<Vec<_>>>().ok_or("no example")?.join("\n"),
    );
    section::see_also(
        &mut roff,
        &[("hvtune".to_owned(), "8"), ("hvtune-explain".to_owned(), "8"), ("hvtune-plan".to_owned(), "8")],
    );
    Ok(roff.render())
}

/// The words of an enumeration's schema: schemars gives each as a constant with its doc comment.
fn words(schema: &serde_json::Value) -> Result<Vec<Word>, Box<dyn Error>> {
    let variants = schema["oneOf"].as_array().ok_or("the schema of an enumeration has other parts")?;
    variants.iter().map(word).collect()
}

fn word(variant: &serde_json::Value) -> Result<Word, Box<dyn Error>> {
    let name = variant["const"].as_str().ok_or("a word without a name")?.to_owned();
    let text = variant["description"].as_str().ok_or_else(|| format!("{name} has no doc comment"))?;
    let paragraphs = text.split("\n\n").map(|paragraph| paragraph.replace('\n', " ")).collect();
    Ok(Word { name, paragraphs })
}

fn synopsis(roff: &mut Roff) {
    roff.control("SH", ["SYNOPSIS"]);
    for (at, file) in
        ["/usr/lib/hvtune/*.toml", "/etc/hvtune.toml", "/etc/hvtune.toml.d/*.toml"].into_iter().enumerate()
    {
        if at > 0 {
            roff.control("br", []);
        }
        roff.text([bold(file)]);
    }
}

fn intro(roff: &mut Roff) {
    roff.control("SH", ["DESCRIPTION"]);
    roff.text([
        roman("What "),
        bold("hvtune"),
        roman(
            "(8) is asked to do. No file is needed: every key has a default. The files are TOML, are read in \
               the order above, those of a directory by name, and what a later one says counts, key by key.",
        ),
    ]);
    roff.control("PP", []).text([
        roman(
            "A file in /etc/hvtune.toml.d replaces the one of the same name in /usr/lib/hvtune; a link to \
               /dev/null there leaves nothing of it. With ",
        ),
        bold("--config"),
        roman(" "),
        italic("FILE"),
        roman(" that file is read and no other."),
    ]);
    roff.control("PP", []).text([roman(
        "A key, a word or a value that is not understood is an error with its line, and nothing is written.",
    )]);
}

/// A word, then its paragraphs; one that begins with `Default:` or the like stands closer.
fn entry(roff: &mut Roff, word: &Word) {
    roff.control("TP", []).text([bold(&word.name)]);
    for (at, paragraph) in word.paragraphs.iter().enumerate() {
        let is_note = ["Default: ", "Example: "].iter().any(|note| paragraph.starts_with(note));
        if is_note {
            roff.control("br", []);
        } else if at > 0 {
            roff.control("IP", []);
        }
        roff.text(marked(paragraph));
    }
}

/// Text, with what stands in backticks in bold.
fn marked(text: &str) -> Vec<Inline> {
    let part = |(at, part)| if at % 2 == 0 { roman(part) } else { bold(part) };
    text.split('`').map(str::to_owned).enumerate().filter(|(_, part)| !part.is_empty()).map(part).collect()
}

/// The key's example, as it would stand in a file of its own: a table has its line.
fn example(key: &Word) -> Option<String> {
    let paragraphs = key.paragraphs.iter();
    let example = paragraphs.filter_map(|part| part.strip_prefix("Example: `")?.strip_suffix('`')).next()?;
    let inner = example.strip_prefix(&format!("{} = {{ ", key.name)).and_then(|rest| rest.strip_suffix(" }"));
    Some(inner.map_or_else(|| example.to_owned(), |inner| format!("\n[{}]\n{inner}", key.name)))
}

/// What `[set]` takes, from the catalogue.
fn knobs(roff: &mut Roff) {
    roff.control("SH", ["KNOBS"]);
    roff.text([roman(
        "What set takes, by the id of the setting. Whether a knob is set here, to what, and why, is what hvtune \
         explain says of it.",
    )]);
    for tunable in CATALOGUE {
        roff.control("TP", []).text([bold(tunable.id)]).text([roman(format!("{}.", tunable.title))]);
        if tunable.knobs.is_empty() {
            roff.control("IP", []).text([roman("It takes no value: off alone can name it.")]);
        }
        for knob in tunable.knobs {
            roff.control("IP", []);
            roff.text([bold(format!("\"{}\"", knob.name)), roman(format!(" = {}", accepts(knob.accepts)))]);
        }
    }
}

fn accepts(accepts: Accepts) -> String {
    match accepts {
        Accepts::Integer { min, max } => format!("a whole number from {min} to {max}"),
        Accepts::Word(words) => {
            let quoted: Vec<String> = words.iter().map(|word| format!("\"{word}\"")).collect();
            quoted.join(" or ")
        }
    }
}
