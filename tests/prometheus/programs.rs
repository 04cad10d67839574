//! promtool, `node_exporter` and Prometheus, each on a port and a directory of its own, ended with the
//! test that began them.

use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::Value as Json;
use tempfile::TempDir;

/// The longest wait for a program to answer, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(90);

/// What `promtool check metrics` has to say.
pub(crate) fn promtool(text: &str) -> String {
    let mut promtool = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("promtool is installed (tests/run does)");
    promtool.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = promtool.wait_with_output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    let code = if output.status.success() { String::new() } else { output.status.to_string() };
    format!("{}{code}", String::from_utf8(said).unwrap())
}

/// A program that serves until it is dropped.
struct Served {
    child: Child,
    /// Its files, its log among them.
    dir: TempDir,
}

impl Served {
    fn new(dir: TempDir, program: &str, args: &[String]) -> Self {
        let log = File::create(dir.path().join("log")).unwrap();
        let child = Command::new(program)
            .args(args)
            .current_dir(dir.path())
            .env_clear()
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap_or_else(|error| panic!("{program} is installed (tests/run does): {error}"));
        Self { child, dir }
    }

    fn log(&self) -> String {
        fs::read_to_string(self.dir.path().join("log")).unwrap()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Held from the choice of a port until a program listens there.
static TAKING_A_PORT: Mutex<()> = Mutex::new(());

/// A port that is free on this machine's own address.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// The body of an answer, or nothing where nobody answers yet.
fn get(port: u16, path: &str) -> Option<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    write!(stream, "GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n").ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    head.split(' ').nth(1).filter(|code| *code == "200")?;
    Some(body.to_owned())
}

fn await_some<T>(what: impl Fn() -> String, mut get: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(got) = get() {
            return got;
        }
        assert!(began.elapsed() < PATIENCE, "nothing after {PATIENCE:?}: {}", what());
        sleep(Duration::from_millis(200));
    }
}

/// A `node_exporter` that has nothing but one file to export.
pub(crate) struct Exporter {
    pub(crate) port: u16,
    served: Served,
}

impl Exporter {
    pub(crate) fn of(text: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let files = dir.path().join("textfile");
        fs::create_dir(&files).unwrap();
        fs::write(files.join("hvtune.prom"), text).unwrap();
        // Until it is taken, a free port may be given to another, whose answers would be taken for its own.
        let _one_at_a_time = TAKING_A_PORT.lock().unwrap_or_else(PoisonError::into_inner);
        let port = free_port();
        let args = [
            "--collector.disable-defaults".to_owned(),
            "--collector.textfile".to_owned(),
            format!("--collector.textfile.directory={}", files.display()),
            format!("--web.listen-address=127.0.0.1:{port}"),
        ];
        let served = Served::new(dir, "prometheus-node-exporter", &args);
        let own = |text: &str| text.lines().any(|line| line.starts_with("node_textfile_scrape_error"));
        await_some(|| served.log(), || get(port, "/metrics").filter(|text| own(text)));
        Self { port, served }
    }

    /// What is wrong, by its own log and its own metric for it.
    pub(crate) fn complaints(&self) -> Vec<String> {
        let page = await_some(|| self.served.log(), || get(self.port, "/metrics"));
        let sound = page.lines().any(|line| line == "node_textfile_scrape_error 0");
        let log = self.served.log();
        assert!(log.contains("textfile"), "the log says nothing at all: {log}");
        let errors = log.lines().filter(|line| line.to_ascii_lowercase().contains("level=error"));
        let unsound = (!sound).then(|| "node_textfile_scrape_error is not 0".to_owned());
        errors.map(str::to_owned).chain(unsound).collect()
    }
}

/// A Prometheus that has scraped each of its exporters.
pub(crate) struct Prometheus {
    port: u16,
    served: Served,
}

impl Prometheus {
    /// `exporters`: the job's name and the port of each.
    pub(crate) fn of<'a>(exporters: impl Iterator<Item = (&'a str, u16)>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut config = "global:\n  scrape_interval: 1s\n  scrape_timeout: 1s\nscrape_configs:\n".to_owned();
        let mut jobs = 0;
        for (job, port) in exporters {
            await_some(|| format!("{job}: no answer"), || get(port, "/metrics"));
            config.push_str(&format!("  - job_name: {job}\n    static_configs:\n"));
            config.push_str(&format!("      - targets: [\"127.0.0.1:{port}\"]\n"));
            jobs += 1;
        }
        fs::write(dir.path().join("prometheus.yml"), config).unwrap();
        let _one_at_a_time = TAKING_A_PORT.lock().unwrap_or_else(PoisonError::into_inner);
        let port = free_port();
        let args = [
            "--config.file=prometheus.yml".to_owned(),
            "--storage.tsdb.path=data".to_owned(),
            format!("--web.listen-address=127.0.0.1:{port}"),
        ];
        let prometheus = Self { port, served: Served::new(dir, "prometheus", &args) };
        // Until then an empty answer may be one that comes too soon.
        let up = format!("{jobs}");
        await_some(
            || prometheus.served.log(),
            || prometheus.answer("count(up == 1)").filter(|number| *number == up),
        );
        prometheus
    }

    /// The one number that answers a query.
    pub(crate) fn number(&self, query: &str) -> String {
        self.answer(query).unwrap_or_else(|| panic!("{query}: no one number"))
    }

    fn answer(&self, query: &str) -> Option<String> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
        let encode =
            |byte: u8| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
        let query: String = query.bytes().map(encode).collect();
        let body = get(self.port, &format!("/api/v1/query?query={query}"))?;
        let answer: Json = serde_json::from_str(&body).unwrap();
        let result = answer["data"]["result"].as_array()?;
        assert!(result.len() < 2, "more than one: {answer}");
        Some(result.first()?["value"][1].as_str()?.to_owned())
    }
}
