//! A log that may be packed by gzip, as logrotate leaves the older ones: unpacked while it is read.

use std::io::Write;

use flate2::write::MultiGzDecoder;

use crate::incident::Reader;

/// How compressed files begin that are not unpacked here, and what unpacks them.
const PACKED: [(&[u8], &str); 5] = [
    (b"\xfd7zXZ\0", "xzcat FILE"),
    (b"\x28\xb5\x2f\xfd", "zstdcat FILE"),
    (b"BZh", "bzcat FILE"),
    (b"\x04\x22\x4d\x18", "lz4cat FILE"),
    (b"LPKSHHRH", "journalctl --file FILE -o short-iso"),
];
const GZIP: &[u8] = b"\x1f\x8b";
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
        self.form = match (packed, head.starts_with(GZIP)) {
            (Some((_, unpack)), _) => Form::Other(unpack),
            (None, true) => match self.text.take() {
                Some(text) => Form::Gzip(Box::new(MultiGzDecoder::new(text))),
                None => Form::Plain,
            },
            (None, false) => Form::Plain,
        };
        self.pass_on(&head);
    }

    fn pass_on(&mut self, part: &[u8]) {
        match &mut self.form {
            Form::Gzip(decoder) if self.fault.is_none() => {
                self.fault = decoder.write_all(part).err().map(|error| error.to_string());
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
        let damaged = |why: &str| {
            format!(
                "unpacking it: {why}; `zcat FILE | hvtune postmortem --log -` reads what can be unpacked of it"
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
            _ => self.text,
        };
        match (self.fault, text) {
            (None, Some(text)) => Ok((text.reader, text.bytes)),
            (fault, _) => Err(damaged(&fault.unwrap_or_default())),
        }
    }
}
