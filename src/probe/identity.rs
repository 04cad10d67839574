//! What of the machine stands in no file: architecture and CPUID.
//!
//! On the running machine the processor is asked, in a capture `machine.json`
//! has the answers: `{"schema": 1, "arch": "x86_64", "page_size": 4096,
//! "cpuid": {"0x40000000": [eax, ebx, ecx, edx]}}`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::facts::{Arch, Attribute, Gap};
use crate::root::Root;

use super::hypervisor::Cpuid;
use super::noted;

/// The capture's own file.
pub const MACHINE_JSON: &str = "machine.json";
const SCHEMA: u32 = 1;

/// Architecture and CPUID.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Identity {
    /// Processor architecture; `None` = could not tell.
    pub arch: Option<Arch>,
    /// The processor's leaves; `Absent` where the architecture has none.
    pub cpuid: Attribute<Cpuid>,
}

/// `machine.json` as it is written.
#[derive(Debug, Serialize, Deserialize)]
struct File {
    schema: u32,
    arch: String,
    #[serde(default)]
    page_size: Option<u64>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    cpuid: BTreeMap<String, [u32; 4]>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    unreadable: BTreeMap<String, String>,
}

impl Identity {
    /// Of the running machine.
    pub fn live() -> Self {
        let arch = arch_of(std::env::consts::ARCH);
        Self { arch: Some(arch), cpuid: Cpuid::live().map_or(Attribute::Absent, Attribute::Is) }
    }

    /// Of a captured machine; what cannot be understood is a gap.
    pub fn read(capture: &Root, gaps: &mut Vec<Gap>) -> Self {
        let text = noted(gaps, "machine", MACHINE_JSON, capture.read_text(MACHINE_JSON));
        let parsed = match &text {
            Attribute::Is(text) => Self::parse(text).map(|(identity, unreadable)| {
                capture.declare_unreadable(unreadable);
                identity
            }),
            Attribute::Absent => Err("absent: this is no capture, or an incomplete one".to_owned()),
            Attribute::Unknown => return Self::default(),
        };
        parsed.unwrap_or_else(|why| {
            gaps.push(Gap::new("machine", MACHINE_JSON, why));
            Self::default()
        })
    }

    /// Reads the text of `machine.json`: the identity, and what that machine could not read.
    pub fn parse(text: &str) -> Result<(Self, BTreeMap<String, String>), String> {
        let file: File = serde_json::from_str(text).map_err(|error| error.to_string())?;
        if file.schema != SCHEMA {
            return Err(format!("schema {}, but this version knows {SCHEMA} only", file.schema));
        }
        let leaf = |name: &str| {
            let digits = name.strip_prefix("0x").ok_or_else(|| format!("{name:?} is no CPUID leaf"))?;
            u32::from_str_radix(digits, 16).map_err(|_| format!("{name:?} is no CPUID leaf"))
        };
        let mut leaves = BTreeMap::new();
        for (name, registers) in &file.cpuid {
            leaves.insert(leaf(name)?, *registers);
        }
        let arch = arch_of(&file.arch);
        let cpuid = match (leaves.is_empty(), arch) {
            (false, _) => Attribute::Is(Cpuid(leaves)),
            (true, Arch::X86_64) => Attribute::Unknown,
            (true, _) => Attribute::Absent,
        };
        Ok((Self { arch: Some(arch), cpuid }, file.unreadable))
    }

    /// The text of `machine.json`, line end included.
    pub fn to_json(&self, page_size: usize, unreadable: BTreeMap<String, String>) -> String {
        let leaves = self.cpuid.value().map(|cpuid| &cpuid.0).into_iter().flatten();
        let mut cpuid = BTreeMap::new();
        cpuid.extend(leaves.map(|(leaf, registers)| (format!("{leaf:#x}"), *registers)));
        let file = File {
            schema: SCHEMA,
            arch: self.arch.unwrap_or(Arch::Other).name().to_owned(),
            page_size: u64::try_from(page_size).ok(),
            cpuid,
            unreadable,
        };
        // Numbers, strings and string keys: there is nothing in it that JSON cannot hold.
        serde_json::to_string_pretty(&file).unwrap_or_default() + "\n"
    }
}

fn arch_of(name: &str) -> Arch {
    match name {
        "x86_64" => Arch::X86_64,
        "aarch64" => Arch::Aarch64,
        _ => Arch::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn machine_json_reads_back() {
        let live = Identity::live();
        let unreadable = BTreeMap::from([("proc/1/environ".to_owned(), "Permission denied".to_owned())]);
        assert_eq!(Identity::parse(&live.to_json(4096, unreadable.clone())), Ok((live, unreadable)));
        let arm = Identity { arch: Some(Arch::Aarch64), cpuid: Attribute::Absent };
        assert_eq!(
            arm.to_json(65536, BTreeMap::new()),
            "{\n  \"schema\": 1,\n  \"arch\": \"aarch64\",\n  \"page_size\": 65536\n}\n"
        );
        assert_eq!(Identity::parse(&arm.to_json(4096, BTreeMap::new())), Ok((arm, BTreeMap::new())));
    }

    #[test]
    fn what_is_no_machine_json_says_why() {
        for (text, why) in [
            ("{\"schema\": 2, \"arch\": \"x86_64\"}", "schema 2, but this version knows 1 only"),
            (
                "{\"schema\": 1, \"arch\": \"x86_64\", \"cpuid\": {\"1073741824\": [0, 0, 0, 0]}}",
                "\"1073741824\" is no CPUID leaf",
            ),
        ] {
            assert_eq!(Identity::parse(text), Err(why.to_owned()), "{text}");
        }
        for text in
            ["", "[]", "{\"schema\": 1}", "{\"schema\": 1, \"arch\": \"x86_64\", \"cpuid\": {\"0x1\": [1]}}"]
        {
            assert!(Identity::parse(text).is_err(), "{text}");
        }
        let bare = Identity::parse("{\"schema\": 1, \"arch\": \"x86_64\"}").unwrap();
        assert_eq!(bare.0.cpuid, Attribute::Unknown);
    }
}
