//! The architecture, as a test: who may use whom, where pingora and vendors may be named, how long a file may be.

use std::fs;
use std::path::{Path, PathBuf};

use livegate::vendors::VENDORS;

/// Area, and the areas that it may use. Order: from the bottom up; nothing may use what stands below it.
const LAYERS: &[(&str, &[&str])] = &[
    ("canonical", &[]),
    ("clock", &[]),
    ("units", &[]),
    ("media", &["canonical"]),
    ("vendors", &["canonical"]),
    ("tenancy", &["canonical", "units", "vendors"]),
    ("store", &["canonical", "units"]),
    ("auth", &["canonical", "tenancy", "vendors"]),
    ("limits", &["canonical", "clock", "store", "tenancy"]),
    ("route", &["canonical", "tenancy", "vendors"]),
    ("engine", &["canonical", "clock", "media"]),
    (
        "exchange",
        &[
            "canonical",
            "clock",
            "engine",
            "media",
            "tenancy",
            "vendors",
        ],
    ),
    ("simulate", &["canonical", "exchange", "media", "vendors"]),
    ("meter", &["canonical", "store", "tenancy"]),
    (
        "gateway",
        &[
            "auth",
            "canonical",
            "clock",
            "exchange",
            "limits",
            "media",
            "meter",
            "route",
            "tenancy",
            "units",
            "vendors",
        ],
    ),
    ("admin", &["engine", "meter", "store", "units"]),
    (
        "config",
        &[
            "admin",
            "auth",
            "canonical",
            "engine",
            "media",
            "gateway",
            "media",
            "store",
            "tenancy",
            "units",
            "vendors",
        ],
    ),
    (
        "app",
        &[
            "admin",
            "auth",
            "canonical",
            "clock",
            "config",
            "engine",
            "exchange",
            "gateway",
            "limits",
            "media",
            "meter",
            "store",
            "tenancy",
            "vendors",
        ],
    ),
    (
        "cli",
        &[
            "app",
            "canonical",
            "clock",
            "config",
            "engine",
            "media",
            "simulate",
            "tenancy",
            "vendors",
        ],
    ),
];

/// Areas in which a pingora crate may be named.
const PINGORA: &[&str] = &["gateway", "exchange"];

/// Lines. Aim at 300; a longer file is usually two.
const FILE_BUDGET: usize = 500;

struct Source {
    path: PathBuf,
    area: String,
    text: String,
}

impl Source {
    /// Tests build what they need of any area.
    fn is_test(&self) -> bool {
        let name =
            |part: &std::ffi::OsStr| part == "tests" || part == "tests.rs" || part == "testing.rs";
        self.path.iter().any(name)
    }
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let relative = path.strip_prefix(&root).expect("under src");
                let first = relative
                    .components()
                    .next()
                    .expect("a component")
                    .as_os_str()
                    .to_string_lossy();
                let area = first.trim_end_matches(".rs").to_owned();
                let text = fs::read_to_string(&path).expect("readable");
                found.push(Source {
                    path: relative.to_owned(),
                    area,
                    text,
                });
            }
        }
    }
    found
}

/// The areas named by `crate::area` and `crate::{area, ...}` on a line.
fn used_areas(line: &str) -> Vec<String> {
    let identifier = |text: &str| {
        text.chars()
            .take_while(|c| c.is_alphanumeric() || *c == '_')
            .collect::<String>()
    };
    let mut used = Vec::new();
    for (index, _) in line.match_indices("crate::") {
        let rest = &line[index + "crate::".len()..];
        match rest.strip_prefix('{') {
            Some(list) => used.extend(list.split(',').map(|item| identifier(item.trim()))),
            None => used.push(identifier(rest)),
        }
    }
    used.retain(|area| !area.is_empty() && area != "self");
    used
}

/// Comments may name anything.
fn code(line: &str) -> &str {
    line.split("//").next().unwrap_or_default()
}

#[test]
fn areas_use_only_what_stands_below_them() {
    let mut wrong = Vec::new();
    for source in sources().iter().filter(|source| !source.is_test()) {
        if matches!(&*source.area, "lib" | "main") {
            continue;
        }
        let Some((_, allowed)) = LAYERS.iter().find(|(area, _)| *area == source.area) else {
            wrong.push(format!(
                "src/{}: the area `{}` is not in the table",
                source.path.display(),
                source.area
            ));
            continue;
        };
        for (number, line) in source.text.lines().enumerate() {
            for used in used_areas(code(line)) {
                if used != source.area && !allowed.contains(&&*used) {
                    let place = format!("src/{}:{}", source.path.display(), number + 1);
                    wrong.push(format!("{place}: `{}` may not use `{used}`", source.area));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_table_is_ordered_from_the_bottom_up() {
    for (index, (area, allowed)) in LAYERS.iter().enumerate() {
        for used in *allowed {
            let below = LAYERS[..index].iter().any(|(name, _)| name == used);
            assert!(
                below,
                "`{area}` uses `{used}`, which does not stand below it"
            );
        }
    }
}

#[test]
fn pingora_stays_in_its_areas() {
    for source in sources() {
        for (number, line) in source.text.lines().enumerate() {
            let place = format!("src/{}:{}", source.path.display(), number + 1);
            let line = code(line);
            assert!(
                !line.contains("pingora_") || PINGORA.contains(&&*source.area),
                "{place}: pingora is named"
            );
            assert!(
                !line.contains("pingora_proxy") || source.area == "gateway",
                "{place}: pingora_proxy is named"
            );
        }
    }
}

/// A vendor is named in its own folder and in the one line that registers it.
#[test]
fn vendors_are_named_only_at_home() {
    let ours = ["native", "local"];
    for source in sources() {
        for vendor in VENDORS.iter().filter(|vendor| !ours.contains(&vendor.id)) {
            let home = Path::new("vendors").join(vendor.id);
            if source.path.starts_with(&home) || source.path == Path::new("vendors/mod.rs") {
                continue;
            }
            for (number, line) in source.text.lines().enumerate() {
                let named = code(line).to_ascii_lowercase().contains(vendor.id);
                assert!(
                    !named,
                    "src/{}:{}: names `{}`",
                    source.path.display(),
                    number + 1,
                    vendor.id
                );
            }
        }
    }
}

#[test]
fn vendors_do_not_know_each_other() {
    for source in sources().iter().filter(|source| source.area == "vendors") {
        for vendor in VENDORS {
            if source
                .path
                .starts_with(Path::new("vendors").join(vendor.id))
                || source.path.ends_with("vendors/mod.rs")
            {
                continue;
            }
            let path = format!("{}::", vendor.id);
            for (number, line) in source.text.lines().enumerate() {
                let place = format!("src/{}:{}", source.path.display(), number + 1);
                assert!(
                    !code(line).contains(&path),
                    "{place}: uses the vendor `{}`",
                    vendor.id
                );
            }
        }
    }
}

#[test]
fn files_stay_within_their_budget() {
    for source in sources() {
        let lines = source.text.lines().count();
        assert!(
            lines <= FILE_BUDGET,
            "src/{} has {lines} lines, over {FILE_BUDGET}",
            source.path.display()
        );
    }
}
