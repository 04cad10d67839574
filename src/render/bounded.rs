//! What a template prints, as far as a file of ours may go.

use std::io::{Error, Result, Write};

/// No file of ours is as large by far.
const LIMIT: usize = 1 << 20;

/// Takes bytes up to the limit; more is an error, which ends a template that prints without end.
#[derive(Debug, Default)]
pub(super) struct Bounded {
    bytes: Vec<u8>,
}

impl Bounded {
    /// What was printed.
    pub(super) fn into_text(self) -> Result<String> {
        String::from_utf8(self.bytes).map_err(Error::other)
    }
}

impl Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> Result<usize> {
        if self.bytes.len() + bytes.len() > LIMIT {
            return Err(Error::other(format!("it prints more than {LIMIT} bytes")));
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> Result<()> {
        Ok(())
    }
}
