//! What went wrong.

use serde::Serialize;

use super::{SCHEMA, VERSION};

/// What any command prints where it ends with exit code 2.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "Error"))]
pub(in crate::report) struct Failed<'a> {
    /// The number of this schema. It grows where a key changes its meaning or goes; a new key leaves it as it is.
    #[cfg_attr(feature = "schema", schemars(extend("const" = SCHEMA)))]
    schema: u32,
    /// The version of hvtune.
    tool_version: &'static str,
    /// The command that was run; null where the arguments name none.
    command: Option<&'a str>,
    /// What went wrong.
    error: Trouble,
}

/// What went wrong.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct Trouble {
    /// What was being done, or what is wrong with the arguments.
    message: String,
    /// Why, the nearest cause first; hints, where the arguments are wrong.
    causes: Vec<String>,
}

impl<'a> Failed<'a> {
    pub(in crate::report) fn new(command: Option<&'a str>, mut said: impl Iterator<Item = String>) -> Self {
        let error = Trouble { message: said.next().unwrap_or_default(), causes: said.collect() };
        Self { schema: SCHEMA, tool_version: VERSION, command, error }
    }
}
