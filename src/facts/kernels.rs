//! Kernel releases, and what the drivers of each do when a timer expires.

/// A kernel release string and its numbers.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct KernelRelease {
    /// Major, minor, patch; a missing patch is 0.
    pub version: (u32, u32, u32),
    /// The whole string: `6.1.0-18-cloud-amd64`.
    pub release: String,
}

impl KernelRelease {
    /// Reads `6.1.0-18-amd64`, `3.10.0-1160.el7.x86_64`, `6.18`; `None` where no `N.N` leads.
    pub fn parse(text: &str) -> Option<Self> {
        let release = text.trim();
        let digits = |part: &str| -> Option<u32> {
            let end = part.find(|c: char| !c.is_ascii_digit()).unwrap_or(part.len());
            part.get(..end)?.parse().ok()
        };
        let mut parts = release.splitn(3, '.');
        let major = digits(parts.next()?)?;
        let minor = digits(parts.next()?)?;
        let patch = parts.next().and_then(digits).unwrap_or(0);
        Some(Self { version: (major, minor, patch), release: release.to_owned() })
    }

    /// At least this major and minor version.
    pub fn at_least(&self, major: u32, minor: u32) -> bool {
        (self.version.0, self.version.1) >= (major, minor)
    }

    /// Red Hat's 3.10 of release 7, whose storvsc is not that of 3.10.
    pub fn is_el7(&self) -> bool {
        self.version.0 == 3 && self.version.1 == 10 && self.release.contains(".el7")
    }

    /// Whether `hv_storvsc` sets 180 s and re-arms its timer for ever: since 3.17, and Red Hat carried that
    /// back to its 3.10 (`storvsc_eh_timed_out`,
    /// <https://github.com/torvalds/linux/blob/v6.12/drivers/scsi/storvsc_drv.c>).
    pub fn storvsc_holds(&self) -> bool {
        self.at_least(3, 17) || self.is_el7()
    }

    /// Whether `hv_storvsc` hands an error of the host to SCSI error handling instead of having the command
    /// tried again: it did until about 4.14 (`storvsc_handle_error`, `DID_TARGET_FAILURE`,
    /// <https://github.com/torvalds/linux/blob/v4.4/drivers/scsi/storvsc_drv.c>).
    pub fn storvsc_errors_are_handled(&self) -> bool {
        !self.at_least(4, 14)
    }

    /// Whether an iSCSI disk is there again with its session after error handling has failed: since 5.16,
    /// and in stable series that do not show it
    /// (<https://github.com/torvalds/linux/commit/a0c2f8b6709a9a4af175497ca65f93804f57b248>).
    pub fn iscsi_disk_returns(&self) -> bool {
        self.at_least(5, 16)
    }

    /// Whether an expired timer of a virtual Fibre Channel disk may call into the FC transport with no
    /// remote port: all before the fix in 6.5 that are not known to do without (`fc_eh_timed_out`,
    /// <https://github.com/torvalds/linux/blob/v6.4/drivers/scsi/storvsc_drv.c>). Distributions hide the
    /// patch level that would tell of a back-port, and a timer kept from firing harms nobody.
    pub fn fc_timer_crashes(&self) -> bool {
        let long_term_6_1 = self.version >= (6, 1, 192) && !self.at_least(6, 2);
        !self.at_least(6, 5) && !self.is_el7() && !long_term_6_1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_of_many_distributions_parse() {
        for (text, version) in [
            ("6.1.0-18-cloud-amd64\n", (6, 1, 0)),
            ("3.10.0-1160.el7.x86_64", (3, 10, 0)),
            ("6.18", (6, 18, 0)),
            ("6.12.74+deb13-cloud-amd64", (6, 12, 74)),
            ("5.15.167.4-microsoft-standard-WSL2", (5, 15, 167)),
            ("7.2-rc1", (7, 2, 0)),
        ] {
            assert_eq!(KernelRelease::parse(text).map(|k| k.version), Some(version), "{text}");
        }
        for text in ["", "x", "6", "linux-6.1"] {
            assert_eq!(KernelRelease::parse(text), None, "{text}");
        }
    }

    #[test]
    fn el7_is_not_vanilla_3_10() {
        let parse = |text| KernelRelease::parse(text).unwrap();
        assert!(parse("3.10.0-1160.el7.x86_64").is_el7());
        assert!(!parse("3.10.33").is_el7());
        assert!(!parse("6.1.0.el7").is_el7());
    }
}
