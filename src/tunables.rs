//! The catalogue, one file per subject.
