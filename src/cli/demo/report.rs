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
        text += &format!(
            "\n{}\n{} {}\n",
            row.curl,
            row.response.status().as_u16(),
            body.trim_end()
        );
    }
    text += "\nWho asks in which dialect, and the verdict that they read in the answer of each upstream (the key's id chooses it):\n\n";
    text + &table(&verdicts(rows))
}

/// A line per dialect and picture, a column per upstream that anybody reached.
fn verdicts(rows: &[Row]) -> Vec<Vec<String>> {
    let mut upstreams = Vec::new();
    let mut asked = Vec::new();
    for row in rows {
        if !upstreams.contains(&row.upstream) {
            upstreams.push(row.upstream);
        }
        if !asked.contains(&(row.dialect, row.picture)) {
            asked.push((row.dialect, row.picture));
        }
    }
    let head = ["dialect", "picture"]
        .into_iter()
        .chain(upstreams.iter().copied());
    let mut lines = vec![head.map(str::to_owned).collect()];
    for (dialect, picture) in asked {
        let mut line = vec![dialect.to_owned(), picture.to_owned()];
        for upstream in &upstreams {
            let same = |row: &&Row| {
                (row.dialect, row.picture, row.upstream) == (dialect, picture, *upstream)
            };
            line.push(rows.iter().find(same).map_or_else(|| "-".to_owned(), cell));
        }
        lines.push(line);
    }
    lines
}

fn cell(row: &Row) -> String {
    let verdict = row.verdict.map_or("no verdict", Verdict::as_str);
    let wrong = if row.right { "" } else { " (WRONG)" };
    format!("{} {verdict}{wrong}", row.response.status().as_u16())
}
