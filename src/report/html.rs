//! `survive` as one page: nothing is fetched, nothing runs, every string is escaped.

use regex::bytes::Regex;

use super::Show;
use super::survive::{breaks, columns, is_shown, panics, setting};
use super::text::printable;
use super::timeline::{Scale, TICKS};
use crate::plan::Plan;
use crate::stall::{Column, Fate, Span, Standing, Survey, Timer, Trouble};
use crate::verify::Row;

/// Inner width of a drawing, in its own units.
const WIDTH: u64 = 600;

const STYLE: &str = "body{font:15px/1.45 system-ui,sans-serif;max-width:52rem;margin:2rem auto;padding:0 1rem;\
    color:#1c1e21;background:#fff}h1{font-size:1.4rem}h2{font-size:1.1rem;margin:2rem 0 0}\
    p{margin:.3rem 0}.stack{color:#555}table{border-collapse:collapse;margin:.4rem 0}\
    td,th{padding:.15rem .8rem .15rem 0;text-align:left;vertical-align:top}td.n{text-align:right;white-space:nowrap}\
    code{font-size:.9em}svg{width:100%;height:auto;margin:.4rem 0}text{font-size:11px;fill:#444}\
    .now{fill:#2b6cb0}.gain{fill:#7fb77e}.gone{fill:#e8e8e8}.end{stroke:#c0392b;stroke-width:2}\
    .budget{stroke:#1c1e21;stroke-width:1.5;stroke-dasharray:4 3}.short{color:#c0392b}";

/// Text for HTML, within and without attributes.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in printable(text).chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            c => safe.push(c),
        }
    }
    safe
}

/// The whole page.
pub(super) fn page(survey: &Survey, _plan: &Plan, _rows: &[Row], show: &Show<'_>) -> anyhow::Result<String> {
    let only = show.only;
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<title>Stall survival, {0} s</title>\n\
         <style>{STYLE}</style>\n</head>\n<body>\n<h1>How long storage may be silent: {0} s asked</h1>\n\
         <p>Blue: survived now. Green: survived after the plan. Red line: the end. Dashed: the {0} s.</p>\n",
        survey.budget
    );
    for standing in survey.standings.iter().filter(|standing| is_shown(standing, only)) {
        section(standing, survey.budget, &mut page);
    }
    if only.is_none() {
        services(survey, &mut page);
        for note in &survey.notes {
            page.push_str(&format!("<p>{}</p>\n", escaped(note)));
        }
    }
    page.push_str(&format!(
        "<p class=\"stack\">hvtune {}</p>\n</body>\n</html>\n",
        env!("CARGO_PKG_VERSION")
    ));
    Ok(page)
}

fn section(standing: &Standing, budget: u64, page: &mut String) {
    page.push_str(&format!(
        "<section>\n<h2>{}</h2>\n<p class=\"stack\">{}</p>\n<p><strong>{}</strong></p>\n",
        escaped(&standing.mount),
        escaped(&standing.stack.join(" · ")),
        escaped(&columns(standing, Trouble::Silence))
    ));
    drawing(standing, budget, page);
    if let Some(fate) = standing.stall(Column::Now)
        && let Some(first) = breaks(fate)
    {
        let follows = if panics(fate) { String::new() } else { format!(" Then: {}.", standing.follows) };
        page.push_str(&format!("<p>Breaks first: {}.{}</p>\n", escaped(&first), escaped(&follows)));
    }
    for prospect in &standing.prospects {
        if prospect.trouble != Trouble::Silence {
            let lasts = columns(standing, prospect.trouble);
            page.push_str(&format!("<p>{}: {}</p>\n", prospect.trouble.name(), escaped(&lasts)));
        }
        timers(prospect.trouble.name(), &prospect.now, page);
    }
    for note in &standing.notes {
        page.push_str(&format!("<p>{}</p>\n", escaped(note)));
    }
    if let Some(short) = &standing.short {
        page.push_str(&format!("<p class=\"short\">Short of the budget: {}</p>\n", escaped(short)));
    }
    page.push_str("</section>\n");
}

/// A bar from 0 to the end of the scale, with its ticks below.
fn drawing(standing: &Standing, budget: u64, page: &mut String) {
    let scale = Scale::of(standing, budget);
    let at = |column| standing.stall(column).and_then(|fate| scale.place(fate.at, WIDTH));
    let (now, later) = (at(Column::Now), at(Column::AfterReboot));
    let label = escaped(&format!("{}: {}", standing.mount, columns(standing, Trouble::Silence)));
    page.push_str(&format!("<svg role=\"img\" aria-label=\"{label}\" viewBox=\"-12 0 640 58\">\n"));
    let bar = |class: &str, from: u64, to: u64| {
        let width = to.saturating_sub(from);
        format!("<rect class=\"{class}\" x=\"{from}\" y=\"14\" width=\"{width}\" height=\"16\"/>\n")
    };
    let (alive, gained) = (now.unwrap_or(WIDTH), later.unwrap_or(WIDTH));
    page.push_str(&bar("gone", 0, WIDTH));
    page.push_str(&bar("gain", alive.min(gained), gained));
    page.push_str(&bar("now", 0, alive));
    let line = |class: &str, x: u64, from: u64, to: u64| {
        format!("<line class=\"{class}\" x1=\"{x}\" y1=\"{from}\" x2=\"{x}\" y2=\"{to}\"/>\n")
    };
    // The longer line below: neither hides the other where an end is at the budget.
    if let Some(mark) = scale.place(Span::Seconds(budget), WIDTH) {
        page.push_str(&line("budget", mark, 0, 38));
    }
    for end in now.into_iter().chain(later) {
        page.push_str(&line("end", end, 10, 34));
    }
    for tick in 0..=TICKS {
        let (x, seconds) = (tick * WIDTH / TICKS, tick * scale.step);
        page.push_str(&format!("<text x=\"{x}\" y=\"50\" text-anchor=\"middle\">{seconds} s</text>\n"));
    }
    page.push_str("</svg>\n");
}

fn timers(trouble: &str, fate: &Fate, page: &mut String) {
    if fate.timers.is_empty() && fate.unknown.is_empty() {
        return;
    }
    page.push_str(&format!("<table>\n<tr><th colspan=\"3\">{}, now</th></tr>\n", escaped(trouble)));
    for timer in &fate.timers {
        page.push_str(&row(timer));
    }
    for fact in &fate.unknown {
        page.push_str(&format!("<tr><td></td><td>could not tell: {}</td><td></td></tr>\n", escaped(fact)));
    }
    page.push_str("</table>\n");
}

fn row(timer: &Timer) -> String {
    let when = timer.fires.seconds().map_or_else(|| "never".to_owned(), |seconds| format!("{seconds} s"));
    format!(
        "<tr><td class=\"n\">{when}</td><td>{}: {}</td><td><code>{}</code></td></tr>\n",
        escaped(&timer.layer),
        escaped(&timer.then),
        escaped(&setting(timer))
    )
}

fn services(survey: &Survey, page: &mut String) {
    if survey.services.is_empty() {
        return;
    }
    page.push_str("<h2>Services that a watchdog kills</h2>\n<table>\n");
    page.push_str("<tr><th>unit</th><th>now</th><th>after apply</th><th>after reboot</th></tr>\n");
    for service in &survey.services {
        let cells = service.watches.map(|watch| {
            let text =
                watch.fires.seconds().map_or_else(|| "off".to_owned(), |seconds| format!("{seconds} s"));
            format!("<td class=\"n\">{text}</td>")
        });
        page.push_str(&format!("<tr><td>{}</td>{}</tr>\n", escaped(&service.unit), cells.concat()));
    }
    page.push_str("</table>\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_string_leaves_its_place() {
        assert_eq!(escaped("<a b='\"&\u{1b}'>"), "&lt;a b=&#39;&quot;&amp;\\u{1b}&#39;&gt;");
    }
}
