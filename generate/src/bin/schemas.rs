//! Writes the JSON Schemas of hvtune's documents into a directory: `dist/schema`, where none is named.

use std::path::PathBuf;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let dist = concat!(env!("CARGO_MANIFEST_DIR"), "/../dist/schema");
    let dir = std::env::args_os().nth(1).map_or_else(|| PathBuf::from(dist), PathBuf::from);
    std::fs::create_dir_all(&dir)?;
    for (name, schema) in hvtune::report::schemas() {
        std::fs::write(dir.join(name), serde_json::to_string_pretty(&schema)? + "\n")?;
    }
    Ok(())
}
