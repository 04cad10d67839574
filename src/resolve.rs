//! Which value is in force: of what the facts hold, what the kernel or a daemon goes by.

pub mod device;
pub mod multipath;
