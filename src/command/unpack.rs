//! A log that may be packed by gzip or xz, as logrotate leaves the older ones: unpacked while it is read.

use std::io::{ErrorKind, Write};

use flate2::write::MultiGzDecoder;
use lzma_rust2::{Action, Status, XzStream};

use crate::incident::Reader;

/// How compressed files begin that are not unpacked here, and what unpacks them.
const PACKED: [(&[u8], &str); 4] = [
    (b"\x28\xb5\x2f\xfd", "zstdcat FILE"),
    (b"BZh", "bzcat FILE"),
    (b"\x04\x22\x4d\x18", "lz4cat FILE"),
    (b"LPKSHHRH", "journalctl --file FILE -o short-iso"),
];
const GZIP: &[u8] = b"\x1f\x8b";
const XZ: &[u8] = b"\xfd7zXZ\0";
/// What an xz file may ask for, in KiB: enough for `xz -8`, whose dictionary has 32 MiB.
const XZ_MEMORY: u32 = 40 << 10;
/// So much of its text is taken at once.
const XZ_PART: usize = 64 << 10;
/// By so many bytes each of them is known.
const HEAD: usize = 8;
/// A small file may hold any amount of text; so much of it is read.
const MOST: u64 = 8 << 30;

/// What a log's bytes are.
enum Form {
    /// Not enough of them were seen.
    Head(Vec<u8>),
    Plain,
    Gzip(Box<MultiGzDecoder<Text>>),
    Xz(Box<XzStream>),
    /// Packed by something else, which this unpacks.
    Other(&'static str),
}

/// The text that comes out.
struct Text {
    reader: Reader,
    bytes: u64,
}

impl Write for Text {
    fn write(&mut self, part: &[u8]) -> std::io::Result<usize> {
        self.bytes = self.bytes.saturating_add(u64::try_from(part.len()).unwrap_or(u64::MAX));
        if self.bytes > MOST {
            return Err(std::io::Error::other(format!("it holds more than {} GiB", MOST >> 30)));
        }
        self.reader.feed(part);
        Ok(part.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Takes a log's bytes in parts of any size.
pub(super) struct Unpack {
    form: Form,
    /// Where the text goes; gone while it is being unpacked.
    text: Option<Text>,
    fault: Option<String>,
}

impl Unpack {
    pub(super) fn new(reader: Reader) -> Self {
        Self { form: Form::Head(Vec::new()), text: Some(Text { reader, bytes: 0 }), fault: None }
    }

    pub(super) fn feed(&mut self, part: &[u8]) {
        if let Form::Head(head) = &mut self.form {
            head.extend_from_slice(part);
            if head.len() >= HEAD {
                self.begin();
            }
            return;
        }
        self.pass_on(part);
    }

    /// Tells by its first bytes what it is, and passes them on.
    fn begin(&mut self) {
        let Form::Head(head) = std::mem::replace(&mut self.form, Form::Plain) else { return };
        let packed = PACKED.iter().find(|(magic, _)| head.starts_with(magic));
        self.form = match packed {
            Some((_, unpack)) => Form::Other(unpack),
            None if head.starts_with(XZ) => Form::Xz(Box::new(XzStream::new_mem_limit(true, XZ_MEMORY))),
            None if head.starts_with(GZIP) => match self.text.take() {
                Some(text) => Form::Gzip(Box::new(MultiGzDecoder::new(text))),
                None => Form::Plain,
            },
            None => Form::Plain,
        };
        self.pass_on(&head);
    }

    fn pass_on(&mut self, part: &[u8]) {
        match &mut self.form {
            Form::Gzip(decoder) if self.fault.is_none() => {
                self.fault = decoder.write_all(part).err().map(|error| error.to_string());
            }
            Form::Xz(stream) if self.fault.is_none() => {
                let text = self.text.as_mut();
                self.fault = text.and_then(|text| unxz(stream, part, Action::Run, text).err());
            }
            Form::Plain => {
                if let Some(text) = &mut self.text {
                    text.reader.feed(part);
                    text.bytes = text.bytes.saturating_add(u64::try_from(part.len()).unwrap_or(u64::MAX));
                }
            }
            _ => {}
        }
    }

    /// The reader, which has the whole log, and how many bytes of text that was; or what is wrong.
    pub(super) fn finish(mut self) -> Result<(Reader, u64), String> {
        if matches!(self.form, Form::Head(_)) {
            self.begin();
        }
        let by = if matches!(self.form, Form::Xz(_)) { "xzcat" } else { "zcat" };
        let damaged = |why: &str| {
            format!(
                "unpacking it: {why}; `{by} FILE | hvtune postmortem --log -` reads what can be unpacked of it"
            )
        };
        let text = match self.form {
            Form::Other(unpack) => {
                return Err(format!("it is packed; `{unpack} | hvtune postmortem --log -` reads it"));
            }
            Form::Gzip(decoder) if self.fault.is_none() => match decoder.finish() {
                Ok(text) => Some(text),
                Err(error) => return Err(damaged(&error.to_string())),
            },
            Form::Xz(mut stream) if self.fault.is_none() => {
                let text = self.text.as_mut();
                self.fault = text.and_then(|text| unxz(&mut stream, &[], Action::Finish, text).err());
                self.text
            }
            _ => self.text,
        };
        match (self.fault, text) {
            (None, Some(text)) => Ok((text.reader, text.bytes)),
            (fault, _) => Err(damaged(&fault.unwrap_or_default())),
        }
    }
}

/// Hands on the text that these bytes of an xz file complete; what is wrong with them otherwise.
fn unxz(stream: &mut XzStream, mut part: &[u8], action: Action, text: &mut Text) -> Result<(), String> {
    let mut out = vec![0; XZ_PART];
    loop {
        let done = stream.process(part, &mut out, action).map_err(|error| match error.kind() {
            ErrorKind::OutOfMemory => format!("it asks for more than {} MiB of memory", XZ_MEMORY >> 10),
            _ => error.to_string(),
        })?;
        let made = out.get(..done.bytes_produced).unwrap_or_default();
        text.write_all(made).map_err(|error| error.to_string())?;
        part = part.get(done.bytes_consumed..).unwrap_or_default();
        if done.bytes_consumed == 0 && done.bytes_produced == 0 {
            let early = action == Action::Finish && done.status != Status::StreamEnd;
            return if early { Err("it ends early".to_owned()) } else { Ok(()) };
        }
    }
}
