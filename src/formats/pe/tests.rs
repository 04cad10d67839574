//! The reader beside another one, and images that nobody meant.

use object::LittleEndian as LE;
use object::pe::{ImageDosHeader, ImageNtHeaders64};
use object::read::pe::{ImageNtHeaders, ImageOptionalHeader};
use proptest::prelude::*;

use super::*;

fn image(texts: &[(&str, &[u8])]) -> Vec<u8> {
    build(Machine::X86_64, b"# a line\n", texts)
}

fn text<'a>(bytes: &'a [u8], section: &Section) -> &'a [u8] {
    let start = usize::try_from(section.offset).unwrap();
    &bytes[start..start + section.size]
}

/// As the crate `object` reads it: name, content and place in memory of each section.
fn by_object(bytes: &[u8]) -> Vec<(String, Vec<u8>, u32)> {
    let mut at = u64::from(ImageDosHeader::parse(bytes).unwrap().nt_headers_offset());
    let (headers, directories) = ImageNtHeaders64::parse(bytes, &mut at).unwrap();
    assert_eq!(directories.len(), 16);
    let optional = headers.optional_header();
    assert_eq!((optional.section_alignment(), optional.file_alignment()), (4096, 512));
    let sections = headers.sections(bytes, at).unwrap();
    let end = sections.iter().map(|section| {
        let size = section.virtual_size.get(LE).next_multiple_of(4096);
        section.virtual_address.get(LE) + size
    });
    assert_eq!(optional.size_of_image(), end.max().unwrap());
    let one = |section: &object::pe::ImageSectionHeader| {
        let data = section.pe_data(bytes).unwrap();
        let name = String::from_utf8(section.raw_name().to_vec()).unwrap();
        (name, data[..section.virtual_size.get(LE) as usize].to_vec(), section.virtual_address.get(LE))
    };
    sections.iter().map(one).collect()
}

#[test]
fn what_is_built_is_read_and_by_another_reader_too() {
    let long = [b'x'; 5000];
    let texts: &[(&str, &[u8])] = &[(".sbat", b"sbat,1\n"), (".long", &long), (".cmdline", b"panic=10")];
    for machine in [Machine::X86_64, Machine::Aarch64] {
        let bytes = build(machine, b"# a line\n", texts);
        assert!(bytes[64..].starts_with(b"# a line\n\0"));
        let header = parse(&bytes[..HEADERS]).unwrap();
        assert_eq!((header.machine, header.signed_at), (machine, None));
        assert_eq!(unsigned(&bytes).unwrap(), bytes);
        let ours = header.sections.iter();
        let ours: Vec<_> =
            ours.map(|section| (section.name.clone(), text(&bytes, section).to_vec())).collect();
        let theirs = by_object(&bytes);
        assert_eq!(
            ours,
            theirs.iter().map(|(name, text, _)| (name.clone(), text.clone())).collect::<Vec<_>>()
        );
        assert_eq!(ours[1..].iter().map(|(name, text)| (&**name, &**text)).collect::<Vec<_>>(), texts);
        let pages: Vec<u32> = theirs.iter().map(|(.., at)| at / 4096).collect();
        assert_eq!(pages, [1, 2, 3, 5]);
    }
}

#[test]
fn a_profile_has_its_own_and_what_all_have() {
    let sets = |names: &[&str]| -> Vec<String> {
        let texts: Vec<(&str, &[u8])> = names.iter().map(|name| (*name, name.as_bytes())).collect();
        let header = parse(&image(&texts)).unwrap();
        let names = |set: Vec<&Section>| -> Vec<String> {
            set.into_iter()
                .filter(|section| section.name != ".text")
                .map(|section| section.name.clone())
                .collect()
        };
        header.profiles().into_iter().map(|set| names(set).join(" ")).collect()
    };
    assert_eq!(sets(&[".linux", ".cmdline"]), [".linux .cmdline"]);
    let two = [".linux", ".cmdline", ".profile", ".profile", ".cmdline"];
    assert_eq!(sets(&two), [".profile .linux .cmdline", ".profile .cmdline .linux .cmdline"]);
}

#[test]
fn what_is_no_image_is_none() {
    let good = image(&[(".cmdline", b"a")]);
    for end in 0..HEADERS {
        let cut = parse(&good[..end]);
        assert!(cut.is_none() || end >= HEADER_AT + 24 + OPTIONAL + 80, "{end}");
    }
    for (at, byte) in
        [(0, b'X'), (60, 0), (61, 0xff), (HEADER_AT, b'X'), (HEADER_AT + 24, 0), (HEADER_AT + 7, 0xff)]
    {
        let mut bad = good.clone();
        bad[at] = byte;
        assert_eq!(parse(&bad), None, "byte {at}");
    }
}

proptest! {
    #[test]
    fn no_bytes_are_too_odd(bytes in proptest::collection::vec(any::<u8>(), 0..2048), at in 0..300_usize) {
        let _ = (parse(&bytes), unsigned(&bytes));
        let mut image = image(&[(".cmdline", b"a")]);
        for (index, byte) in bytes.iter().enumerate().take(40) {
            image[at + index] = *byte;
        }
        if let Some(header) = parse(&image) {
            let _ = header.profiles();
        }
        let _ = unsigned(&image);
    }

    #[test]
    fn any_text_comes_back(words in proptest::collection::vec("[a-z0-9_.=,-]{1,40}", 0..400)) {
        let line = words.join(" ");
        let bytes = image(&[(".sbat", b"x"), (".cmdline", line.as_bytes())]);
        let header = parse(&bytes[..HEADERS]).unwrap();
        prop_assert_eq!(text(&bytes, header.section(".cmdline").unwrap()), line.as_bytes());
    }
}
