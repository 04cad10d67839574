//! Lines of strace, as far as the tests look at them.

/// One system call.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Call {
    pub(crate) name: String,
    pub(crate) args: String,
    /// It did not fail.
    pub(crate) ok: bool,
    /// The path behind the descriptor that it gave.
    pub(crate) opened: Option<String>,
}

/// Every call of a log made with `-f -y`: `PID name(args) = result`.
pub(crate) fn parse(log: &str) -> Vec<Call> {
    log.lines().filter_map(line).collect()
}

fn line(line: &str) -> Option<Call> {
    let (_, line) = line.split_once(' ')?;
    let line = line.trim_start();
    if line.starts_with(['+', '-']) {
        // How it ended, and signals.
        return None;
    }
    assert!(!line.contains("<unfinished") && !line.contains(" resumed>"), "more than one thread: {line}");
    let (name, rest) = line.split_once('(').unwrap_or_else(|| panic!("no call: {line}"));
    let (args, result) = rest.rsplit_once(" = ").unwrap_or_else(|| panic!("no result: {line}"));
    let opened =
        result.split_once('<').map(|(_, path)| path.trim_end_matches(" (deleted)").trim_end_matches('>'));
    Some(Call {
        name: name.to_owned(),
        args: args.trim_end().trim_end_matches(')').to_owned(),
        ok: !result.starts_with('-'),
        opened: opened.map(str::to_owned),
    })
}

impl Call {
    /// Strings among its arguments, in order.
    pub(crate) fn strings(&self) -> Vec<String> {
        let mut found = Vec::new();
        let mut open: Option<String> = None;
        let mut chars = self.args.chars();
        while let Some(c) = chars.next() {
            match (&mut open, c) {
                (Some(text), '\\') => text.extend(['\\'].into_iter().chain(chars.next())),
                (Some(_), '"') => found.extend(open.take()),
                (None, '"') => open = Some(String::new()),
                (Some(text), c) => text.push(c),
                (None, _) => {}
            }
        }
        found
    }

    /// Descriptors among arguments and result, with the paths behind them.
    pub(crate) fn fds(&self) -> Vec<(u32, String)> {
        let mut found = Vec::new();
        let mut quoted = false;
        for (at, c) in self.args.char_indices() {
            quoted ^= c == '"';
            if c != '<' || quoted {
                continue;
            }
            let before = &self.args[..at];
            let digits = before.len() - before.trim_end_matches(|c: char| c.is_ascii_digit()).len();
            let path = self.args[at + 1..].split('>').next().unwrap_or_default();
            match before[before.len() - digits..].parse() {
                Ok(fd) => found.push((fd, path.to_owned())),
                // The working directory counts as no descriptor that may be used.
                Err(_) if before.ends_with("AT_FDCWD") => found.push((u32::MAX, path.to_owned())),
                Err(_) => {}
            }
        }
        found.extend(self.opened.iter().map(|path| (u32::MAX, path.clone())));
        found
    }
}
