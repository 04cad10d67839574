//! The schemas of all documents, for a generator that the shipped binary does not contain.

use schemars::generate::SchemaSettings;
use schemars::transform::RecursiveTransform;
use schemars::{JsonSchema, Schema};
use serde_json::Value;

use super::applied::Applied;
use super::compare::Compared;
use super::detect::Detect;
use super::error::Failed;
use super::explain::{Explain, ExplainOne};
use super::host::ExplainHost;
use super::pending::Left;
use super::plan::Planned;
use super::postmortem::Postmortem;
use super::reboot_needed::RebootNeeded;
use super::status::Stands;
use super::survive::Survive;
use super::verify::Verified;

/// Every document's schema (JSON Schema 2020-12), by the name of its file.
pub fn schemas() -> Vec<(&'static str, Schema)> {
    vec![
        ("apply.json", of::<Applied<'_>>()),
        ("compare.json", of::<Compared<'_>>()),
        ("detect.json", of::<Detect<'_>>()),
        ("error.json", of::<Failed<'_>>()),
        ("explain-host.json", of::<ExplainHost<'_>>()),
        ("explain-one.json", of::<ExplainOne<'_>>()),
        ("explain.json", of::<Explain<'_>>()),
        ("pending.json", of::<Left<'_>>()),
        ("plan.json", of::<Planned<'_>>()),
        ("postmortem.json", of::<Postmortem<'_>>()),
        ("reboot-needed.json", of::<RebootNeeded<'_>>()),
        ("revert.json", of::<Applied<'_>>()),
        ("seal.json", of::<Applied<'_>>()),
        ("status.json", of::<Stands<'_>>()),
        ("survive.json", of::<Survive<'_>>()),
        ("verify.json", of::<Verified<'_>>()),
    ]
}

/// What is printed always has every key: those of which the value may be null, too.
fn of<T: JsonSchema>() -> Schema {
    let settings = SchemaSettings::draft2020_12().for_serialize();
    settings.with_transform(RecursiveTransform(one_line)).into_generator().into_root_schema_for::<T>()
}

/// Where a line of a comment ends is of no matter to who reads the schema.
fn one_line(schema: &mut Schema) {
    if let Some(Value::String(text)) = schema.get_mut("description") {
        *text = text.replace('\n', " ");
    }
}
