//! What the demonstration prints.

use super::Row;
use super::stage::Stage;
use crate::app::Running;
use crate::canonical::Verdict;
use crate::cli::table;

/// Every call of the local engine with its native answer, then all verdicts side by side.
pub fn text(running: &Running, stage: &Stage, rows: &[Row]) -> String {
    let mut text = format!(
        "livegate listens on http://{}, operators on http://{}\n",
        running.gateway, running.admin
    );
    for (vendor, address) in stage.simulators() {
        text += &format!("a simulator of {vendor} listens on http://{address}\n");
    }
    for row in rows.iter().filter(|row| row.upstream == stage.engine()) {
        let body = String::from_utf8_lossy(row.response.body());
        text += &format!("\n{}\n{} {}\n", row.curl, row.response.status().as_u16(), body.trim_end());
    }
    text += "\nWho asks, and what each upstream's answer is to them (with the upstream's name as the key's id):\n\n";
    text + &table(&verdicts(stage, rows))
}

fn verdicts(stage: &Stage, rows: &[Row]) -> Vec<Vec<String>> {
    let mut head = vec!["dialect".to_owned(), "picture".to_owned()];
    head.extend(stage.upstreams.iter().map(|upstream| upstream.id.to_owned()));
    let mut lines: Vec<Vec<String>> = vec![head];
    let mut seen: Vec<(&str, &str)> = Vec::new();
    for row in rows {
        let line = (row.dialect, row.picture);
        if seen.contains(&line) {
            continue;
        }
        seen.push(line);
        let mut cells = vec![row.dialect.to_owned(), row.picture.to_owned()];
        cells.extend(stage.upstreams.iter().map(|upstream| {
            let of = |other: &&Row| (other.dialect, other.picture, other.upstream) == (line.0, line.1, upstream.id);
            rows.iter().find(of).map_or_else(|| "-".to_owned(), cell)
        }));
        lines.push(cells);
    }
    lines
}

fn cell(row: &Row) -> String {
    let verdict = row.verdict.map_or("no verdict", Verdict::as_str);
    let wrong = if row.right { "" } else { " (WRONG)" };
    format!("{} {verdict}{wrong}", row.response.status().as_u16())
}
