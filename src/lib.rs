//! hvtune: storage stall tuning for Linux guests on Hyper-V and Azure.
