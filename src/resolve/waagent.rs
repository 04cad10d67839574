//! The Azure agent, which writes `device/timeout` of every sd disk, again and again.

use super::{Acts, Moment, Who, Writer};
use crate::facts::Facts;

/// The agent as a writer of the timeout of every disk whose name begins with `sd`
/// (`SetRootDeviceScsiTimeout`,
/// <https://github.com/Azure/WALinuxAgent/blob/develop/azurelinuxagent/ga/env.py>): every 30 s where
/// it differs. One that is told to write none is no writer.
pub fn writers(facts: &Facts) -> Vec<Writer> {
    let writers = &facts.system.writers;
    let writer = |path: &str, line, value: Option<String>, shown: String, acts| Writer {
        who: Who::Program { name: "waagent".to_owned(), path: path.to_owned(), line },
        value,
        shown,
        moment: Moment::Always,
        acts,
        because: "the agent compares every sd disk with its file every 30 s".to_owned(),
    };
    let agent = writers
        .waagent
        .iter()
        .filter(|agent| agent.line > 0 || agent.scsi_timeout.is_some() || agent.doubt.is_some());
    let agent = agent.map(|agent| {
        let acts = agent.doubt.clone().map_or(Acts::Yes, Acts::Maybe);
        let value = agent.scsi_timeout.map(|seconds| seconds.to_string());
        let shown = format!("OS.RootDeviceScsiTimeout={}", agent.shown);
        writer(&agent.path, agent.line, value, shown, acts)
    });
    let idle = writers.idle_waagent.iter();
    let idle = idle.map(|idle| writer(&idle.path, 0, None, String::new(), Acts::No(idle.why.clone())));
    agent.chain(idle).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::{IdleAgent, Waagent};

    #[test]
    fn the_agent_writes_always_where_it_runs() {
        let mut facts = Facts::default();
        assert_eq!(writers(&facts), []);
        let path = || "etc/waagent.conf".to_owned();
        let agent =
            Waagent { scsi_timeout: Some(300), path: path(), line: 7, shown: "300".to_owned(), doubt: None };
        facts.system.writers.waagent = Some(agent.clone());
        let [writer] = &writers(&facts)[..] else { panic!("one writer") };
        assert_eq!(
            (writer.value.as_deref(), writer.moment, &writer.acts),
            (Some("300"), Moment::Always, &Acts::Yes)
        );
        assert_eq!(writer.who.name(), "waagent (etc/waagent.conf:7)");
        facts.system.writers.waagent = Some(Waagent { doubt: Some("x".to_owned()), ..agent });
        assert_eq!(writers(&facts)[0].acts, Acts::Maybe("x".to_owned()));
        // Told to write none.
        facts.system.writers.waagent = Some(Waagent { path: path(), ..Waagent::default() });
        assert_eq!(writers(&facts), []);
        facts.system.writers.waagent = None;
        facts.system.writers.idle_waagent = Some(IdleAgent { path: path(), why: "masked".to_owned() });
        assert_eq!(writers(&facts)[0].acts, Acts::No("masked".to_owned()));
    }
}
