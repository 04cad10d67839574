//! What a template prints, as far as a file of ours may go.

use std::io::{Error, Result, Write};

/// Takes bytes up to the limit; more is an error, which ends a template that prints without end.
#[derive(Debug)]
pub(super) struct Bounded {
    bytes: Vec<u8>,
    limit: usize,
}

impl Bounded {
    /// No file of ours is as large by far.
    pub(super) fn file() -> Self {
        Self { bytes: Vec::new(), limit: 1 << 20 }
    }

    /// Nor is a page, of as many mounts as a kernel takes.
    pub(super) fn page() -> Self {
        Self { bytes: Vec::new(), limit: 1 << 30 }
    }

    /// What was printed.
    pub(super) fn into_text(self) -> Result<String> {
        String::from_utf8(self.bytes).map_err(Error::other)
    }
}

impl Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> Result<usize> {
        if self.bytes.len() + bytes.len() > self.limit {
            return Err(Error::other(format!("it prints more than {} bytes", self.limit)));
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> Result<()> {
        Ok(())
    }
}
