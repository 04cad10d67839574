//! Something that was looked for: there, absent, or not known.

/// An attribute file: its value, or that it is not there, or that it could not be read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Attribute<T> {
    /// The file was read and understood.
    Is(T),
    /// The kernel does not have this attribute.
    Absent,
    /// It could not be read or understood; a gap in the facts says why. Also: nobody looked.
    #[default]
    Unknown,
}

impl<T> Attribute<T> {
    /// The value, where there is one.
    pub fn value(&self) -> Option<&T> {
        match self {
            Self::Is(value) => Some(value),
            Self::Absent | Self::Unknown => None,
        }
    }

    /// The value itself, where there is one.
    pub fn into_value(self) -> Option<T> {
        match self {
            Self::Is(value) => Some(value),
            Self::Absent | Self::Unknown => None,
        }
    }
}
