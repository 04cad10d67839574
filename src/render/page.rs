//! A page of ours through the same engine as the files.

use serde::Serialize;
use tera::{Context, EscapeFn, Tera};

use super::bounded::Bounded;
use super::{Error, chain};

/// Prints a template of ours, whose name ends in `.html`, with `page` for its values. Each of them goes
/// through `escape`, wherever it stands.
pub fn page(
    name: &'static str,
    source: &str,
    escape: EscapeFn,
    page: &impl Serialize,
) -> Result<String, Error> {
    let mut tera = Tera::default();
    tera.set_escape_fn(escape);
    let mut context = Context::new();
    context.insert("page", page);
    printed(tera, name, source, &context, Bounded::page())
}

/// What a template prints, within bounds.
pub(super) fn printed(
    mut tera: Tera,
    name: &'static str,
    source: &str,
    context: &Context,
    mut to: Bounded,
) -> Result<String, Error> {
    let fail = |error: tera::Error| Error::Template { name, why: chain(&error) };
    tera.add_raw_template(name, source).map_err(fail)?;
    tera.render_to(name, context, &mut to).map_err(fail)?;
    to.into_text().map_err(|error| Error::Template { name, why: error.to_string() })
}
