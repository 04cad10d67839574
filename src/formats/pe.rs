//! EFI images: where the sections of one lie, and an image of our own that holds nothing but texts
//! (<https://learn.microsoft.com/windows/win32/debug/pe-format>).
//!
//! Read as systemd-stub does (`src/boot/pe.c` of <https://github.com/systemd/systemd>): by the section table
//! alone, the first section of a name counts, and of a section what lies in the file.

/// As much of a file as holds the table of 96 sections, the most that a loader takes.
pub const HEAD: usize = 8192;
/// Where our own images have their header, behind a line of text.
const HEADER_AT: usize = 128;
/// How our own images are aligned in memory and in the file.
const PAGE: usize = 4096;
const BLOCK: usize = 512;
/// All headers of an image of ours.
const HEADERS: usize = 1024;
/// The optional header of a 64-bit image with all of its 16 directories.
const OPTIONAL: usize = 240;
/// Where that holds the checksum, and the directory entry of signatures; 32-bit images have the second earlier.
const CHECKSUM: usize = 64;
const CERTIFICATES: usize = 144;
const CERTIFICATES_32: usize = 128;

/// What an image runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Machine {
    /// `x86_64`
    X86_64,
    /// `aarch64`
    Aarch64,
    /// Another, by its number in the header.
    Other(u16),
}

impl Machine {
    fn of(number: u16) -> Self {
        match number {
            0x8664 => Self::X86_64,
            0xaa64 => Self::Aarch64,
            other => Self::Other(other),
        }
    }

    fn number(self) -> u16 {
        match self {
            Self::X86_64 => 0x8664,
            Self::Aarch64 => 0xaa64,
            Self::Other(number) => number,
        }
    }

    /// Instructions that give back `EFI_UNSUPPORTED` where somebody starts the image. Nobody does.
    fn code(self) -> &'static [u8] {
        match self {
            Self::X86_64 => &[0x48, 0xb8, 3, 0, 0, 0, 0, 0, 0, 0x80, 0xc3],
            Self::Aarch64 => &[0x60, 0, 0x80, 0xd2, 0, 0, 0xf0, 0xf2, 0xc0, 3, 0x5f, 0xd6],
            Self::Other(_) => &[],
        }
    }
}

/// The header of an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// What it runs on.
    pub machine: Machine,
    /// In the order of the table.
    pub sections: Vec<Section>,
    /// Where its signatures begin in the file; `None`: it is not signed.
    pub signed_at: Option<usize>,
    /// Where the checksum and the entry of the signatures stand in the file.
    seals: (usize, usize),
}

/// A section, as far as it lies in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    /// Its name, such as `.cmdline`; what is no ASCII is left out.
    pub name: String,
    /// Place of its first byte in the file.
    pub offset: u64,
    /// In bytes.
    pub size: usize,
}

fn number(bytes: &[u8], at: usize, length: usize) -> Option<u64> {
    let digits = bytes.get(at..at.checked_add(length)?)?;
    Some(digits.iter().rev().fold(0, |number, digit| number << 8 | u64::from(*digit)))
}

fn short(bytes: &[u8], at: usize) -> Option<u16> {
    u16::try_from(number(bytes, at, 2)?).ok()
}

fn long(bytes: &[u8], at: usize) -> Option<usize> {
    usize::try_from(number(bytes, at, 4)?).ok()
}

/// Reads the header from the beginning of a file; `None` where it is none, or the table does not end there.
pub fn parse(head: &[u8]) -> Option<Header> {
    if !head.starts_with(b"MZ") {
        return None;
    }
    let at = long(head, 60).filter(|at| *at >= 64)?;
    if head.get(at..at.checked_add(4)?)? != b"PE\0\0" {
        return None;
    }
    let (machine, count) = (short(head, at + 4)?, usize::from(short(head, at + 6)?));
    let optional = at + 24;
    let certificates = match short(head, optional)? {
        0x20b => CERTIFICATES,
        0x10b => CERTIFICATES_32,
        _ => return None,
    };
    let length = usize::from(short(head, at + 20)?);
    // The header may have fewer directories, and then no signature.
    let has_entry = length >= certificates + 8;
    let signed_at = long(head, optional + certificates).filter(|start| has_entry && *start > 0);
    let table = optional + length;
    let mut sections = Vec::new();
    for row in (0..count).map(|index| table + 40 * index) {
        let name = head.get(row..row + 40)?.iter().take(8).take_while(|byte| **byte != 0);
        let name = name.filter(|byte| byte.is_ascii_graphic()).map(|byte| char::from(*byte)).collect();
        let (in_memory, in_file) = (long(head, row + 8)?, long(head, row + 16)?);
        sections.push(Section { name, offset: number(head, row + 20, 4)?, size: in_memory.min(in_file) });
    }
    let seals = (optional + CHECKSUM, optional + certificates);
    Some(Header { machine: Machine::of(machine), sections, signed_at, seals })
}

impl Header {
    /// The first section of a name.
    pub fn section(&self, name: &str) -> Option<&Section> {
        self.sections.iter().find(|section| section.name == name)
    }

    /// The sections that count for each profile: those before the first `.profile`, and behind each of them
    /// what takes their place. One set where there are no profiles.
    pub fn profiles(&self) -> Vec<Vec<&Section>> {
        let mut parts = self.sections.chunk_by(|_, next| next.name != ".profile");
        let first: Vec<&Section> = parts.next().into_iter().flatten().collect();
        let starts = first.first().is_some_and(|section| section.name == ".profile");
        let (base, mut sets) = if starts { (Vec::new(), vec![first]) } else { (first, Vec::new()) };
        sets.extend(parts.map(|part| part.iter().chain(base.iter().copied()).collect()));
        if sets.is_empty() { vec![base] } else { sets }
    }
}

/// A whole file as it was before somebody signed it; the same where nobody did.
pub fn unsigned(bytes: &[u8]) -> Option<Vec<u8>> {
    let header = parse(bytes.get(..HEAD).unwrap_or(bytes))?;
    let mut bare = bytes.to_vec();
    if let Some(start) = header.signed_at {
        bare.truncate(start);
    }
    let (checksum, certificates) = header.seals;
    for (at, length) in [(checksum, 4), (certificates, 8)] {
        bare.get_mut(at..at + length)?.fill(0);
    }
    Some(bare)
}

/// An image that does nothing and holds these sections. `line`: stands in front of the header, and has
/// room for 64 bytes.
pub fn build(machine: Machine, line: &[u8], texts: &[(&str, &[u8])]) -> Vec<u8> {
    const CODE: u32 = 0x6000_0020;
    const DATA: u32 = 0x4000_0040;
    let mut image = Image::default();
    image.add(".text", machine.code(), CODE);
    let code = image.body.len();
    for (name, text) in texts {
        image.add(name, text, DATA);
    }
    let mut head = b"MZ".to_vec();
    head.resize(60, 0);
    put(&mut head, &[HEADER_AT]);
    head.extend(line);
    head.resize(HEADER_AT, 0);
    head.extend(b"PE\0\0");
    head.extend(machine.number().to_le_bytes());
    put_short(&mut head, &[texts.len() + 1]);
    put(&mut head, &[0, 0, 0]);
    // It can be run, has no line numbers, symbols or debugging information, and addresses beyond 2 GiB.
    put_short(&mut head, &[OPTIONAL, 0x22e, 0x20b, 0]);
    // The code, the data, where it starts; where it would like to lie (anywhere), and the alignments.
    put(&mut head, &[code, image.body.len() - code, 0, PAGE, PAGE, 0, 0, PAGE, BLOCK]);
    put_short(&mut head, &[0, 0, 0, 0, 1, 1, 0, 0]);
    put(&mut head, &[image.in_memory(), HEADERS, 0]);
    // An EFI application, which may lie anywhere, with data that is never run.
    put_short(&mut head, &[10, 0x160]);
    for size in [0x0010_0000, 0x1000, 0x0010_0000, 0x1000] {
        put(&mut head, &[size, 0]);
    }
    put(&mut head, &[0, 16]);
    head.resize(HEADER_AT + 24 + OPTIONAL, 0);
    head.extend(image.table);
    head.resize(HEADERS, 0);
    head.extend(image.body);
    head
}

/// An image's sections while it is built.
#[derive(Default)]
struct Image {
    table: Vec<u8>,
    body: Vec<u8>,
    pages: usize,
}

impl Image {
    fn add(&mut self, name: &str, text: &[u8], flags: u32) {
        let (row, in_file) = (self.table.len(), text.len().next_multiple_of(BLOCK));
        self.table.extend(name.bytes().take(8));
        self.table.resize(row + 8, 0);
        let (in_memory, at) = (self.in_memory(), HEADERS + self.body.len());
        put(&mut self.table, &[text.len(), in_memory, in_file, at, 0, 0, 0]);
        self.table.extend(flags.to_le_bytes());
        self.pages += text.len().div_ceil(PAGE);
        self.body.extend(text);
        self.body.resize(self.body.len().next_multiple_of(BLOCK), 0);
    }

    /// Behind the headers, and the sections so far.
    fn in_memory(&self) -> usize {
        PAGE * (1 + self.pages)
    }
}

fn put(to: &mut Vec<u8>, numbers: &[usize]) {
    for number in numbers {
        to.extend(number.to_le_bytes().iter().take(4));
    }
}

fn put_short(to: &mut Vec<u8>, numbers: &[usize]) {
    for number in numbers {
        to.extend(number.to_le_bytes().iter().take(2));
    }
}

#[cfg(test)]
mod tests;
