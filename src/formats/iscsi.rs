//! open-iscsi's `iscsid.conf` and node records: `key = value` lines
//! (`idbm_recinfo_config` in <https://github.com/open-iscsi/open-iscsi/blob/master/usr/idbm.c>).

/// One setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry<'a> {
    /// Line number, from 1.
    pub line: u32,
    /// Key: `node.session.timeo.replacement_timeout`.
    pub key: &'a str,
    /// Value as written.
    pub value: &'a str,
}

/// Lenient: every line that open-iscsi takes for a setting.
pub fn scan(text: &str) -> Vec<Entry<'_>> {
    let numbered = (1..).zip(text.lines());
    numbered.filter_map(|(line, text)| setting(text).map(|(key, value)| Entry { line, key, value })).collect()
}

/// C's `isspace`, by which open-iscsi finds words: a no-break space is none.
pub(crate) fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t'..='\r')
}

/// The key and value of one line; comments and lines without `=` have none.
pub(crate) fn setting(line: &str) -> Option<(&str, &str)> {
    let line = line.trim_matches(is_blank);
    if line.starts_with('#') {
        return None;
    }
    let (key, value) = line.split_once('=')?;
    let key = key.trim_end_matches(is_blank);
    (!key.is_empty() && !key.contains(is_blank)).then_some((key, value.trim_start_matches(is_blank)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_of_a_record() {
        let text = "# BEGIN RECORD 2.1.8\nnode.name = iqn.2024-01.example:data\n\
                    node.session.timeo.replacement_timeout = 120\n  node.conn[0].timeo.noop_out_interval=5\n\
                    iface.hwaddress = <empty>\n# node.x = 1\nnonsense\n= 3\na b = 4\nnode.y\u{a0}= 5\n\
                    # END RECORD\n";
        let settings: Vec<_> =
            scan(text).iter().map(|e| format!("{} {}={}", e.line, e.key, e.value)).collect();
        assert_eq!(
            settings,
            [
                "2 node.name=iqn.2024-01.example:data",
                "3 node.session.timeo.replacement_timeout=120",
                "4 node.conn[0].timeo.noop_out_interval=5",
                "5 iface.hwaddress=<empty>",
                "10 node.y\u{a0}=5",
            ]
        );
    }
}
