//! The embedded store: one SQLite file, which several processes on one machine may share.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::civil::Date;
use rusqlite::{
    Connection, OpenFlags, OptionalExtension, Row, Transaction, TransactionBehavior, params,
};

use super::{Bucket, Store, StoreError, UsageEvent, UsageQuery, UsageRow};

/// How long to wait for another process that is writing. Longer than any transaction here, shorter than a caller's patience.
const BUSY_TIMEOUT: Duration = Duration::from_secs(2);

/// Step `n` takes a database from `user_version` `n` to `n + 1`. Only ever appended to.
const MIGRATIONS: &[&str] = &["
    CREATE TABLE quota (
        subject TEXT NOT NULL,
        period  TEXT NOT NULL,
        used    INTEGER NOT NULL CHECK (used >= 0),
        PRIMARY KEY (subject, period)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE usage_event (
        id            TEXT NOT NULL PRIMARY KEY,
        at_micros     INTEGER NOT NULL,
        day           TEXT NOT NULL,
        tenant        TEXT NOT NULL,
        key           TEXT NOT NULL,
        dialect       TEXT NOT NULL,
        op            TEXT NOT NULL,
        upstream      TEXT NOT NULL,
        outcome       TEXT NOT NULL,
        units         INTEGER NOT NULL CHECK (units >= 0),
        native_vendor TEXT,
        native_score  TEXT
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX usage_event_day ON usage_event (day, tenant);
"];

/// A [`Store`] in a SQLite file.
///
/// Durable by write-ahead log with `synchronous = FULL`: a commit returns after its `fsync`.
#[derive(Debug)]
pub struct SqliteStore {
    path: PathBuf,
    /// SQLite has one writer at a time anyway; waiting here is fair, waiting for its file lock is not.
    writer: Mutex<Connection>,
}

// === impl SqliteStore ===

impl SqliteStore {
    /// Opens the database file, makes it and its folder if they are not there, and brings its schema up to date.
    ///
    /// # Errors
    /// [`StoreError::Folder`], [`StoreError::Open`], and [`StoreError::Newer`] for a file of a later livegate, which is
    /// left untouched.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        let path = path.as_ref().to_owned();
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(|source| StoreError::Folder {
                path: path.clone(),
                source,
            })?;
        }
        let opened = Connection::open(&path).and_then(|mut connection| {
            let found = prepare(&mut connection)?;
            Ok((connection, found))
        });
        let known = latest_version();
        match opened {
            Ok((_, found)) if found > known => Err(StoreError::Newer { path, found, known }),
            Ok((connection, _)) => Ok(Self {
                path,
                writer: Mutex::new(connection),
            }),
            Err(source) => Err(StoreError::Open { path, source }),
        }
    }

    fn writer(&self) -> MutexGuard<'_, Connection> {
        // An unwinding transaction has rolled back, so what a poisoned lock guards is still good.
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs `work` in one transaction that holds the write lock from its first read on.
    fn write<T>(
        &self,
        doing: &'static str,
        work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        let mut connection = self.writer();
        let run = || {
            let transaction =
                connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let value = work(&transaction)?;
            transaction.commit()?;
            Ok(value)
        };
        run().map_err(|error| failed(doing, error))
    }
}

impl Store for SqliteStore {
    fn grant(&self, bucket: &Bucket, want: u64, limit: u64) -> Result<u64, StoreError> {
        self.write("grant quota", |transaction| {
            let used = used(transaction, bucket)?;
            let granted = want.min(limit.saturating_sub(used));
            if granted > 0 {
                transaction
                    .prepare_cached(
                        "INSERT INTO quota (subject, period, used) VALUES (?1, ?2, ?3)
                         ON CONFLICT (subject, period) DO UPDATE SET used = used + ?3",
                    )?
                    .execute(params![bucket.subject, bucket.period, to_sql(granted)])?;
            }
            Ok(granted)
        })
    }

    fn give_back(&self, bucket: &Bucket, units: u64) -> Result<(), StoreError> {
        self.write("take quota back", |transaction| {
            transaction
                .prepare_cached(
                    "UPDATE quota SET used = MAX(0, used - ?3) WHERE subject = ?1 AND period = ?2",
                )?
                .execute(params![bucket.subject, bucket.period, to_sql(units)])?;
            Ok(())
        })
    }

    fn used(&self, bucket: &Bucket) -> Result<u64, StoreError> {
        used(&self.writer(), bucket).map_err(|error| failed("read quota", error))
    }

    fn append_usage(&self, events: &[UsageEvent]) -> Result<(), StoreError> {
        self.write("record usage", |transaction| {
            let mut insert = transaction.prepare_cached(
                "INSERT INTO usage_event (id, at_micros, day, tenant, key, dialect, op, upstream, outcome, units,
                                          native_vendor, native_score)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)
                 ON CONFLICT (id) DO NOTHING",
            )?;
            for event in events {
                insert.execute(params![
                    event.id.hex(),
                    event.at.as_microsecond(),
                    event.day.to_string(),
                    event.tenant,
                    event.key,
                    event.dialect,
                    event.op,
                    event.upstream,
                    event.outcome,
                    to_sql(event.units),
                    event.native_vendor,
                    event.native_score,
                ])?;
            }
            Ok(())
        })
    }

    fn usage(&self, query: &UsageQuery) -> Result<Vec<UsageRow>, StoreError> {
        // A connection of its own, so that a long report never holds up a grant.
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let report = || -> rusqlite::Result<Vec<UsageRow>> {
            let connection = Connection::open_with_flags(&self.path, flags)?;
            connection.busy_timeout(BUSY_TIMEOUT)?;
            let mut select = connection.prepare(
                "SELECT day, tenant, dialect, op, upstream, outcome, COUNT(*), SUM(units) FROM usage_event
                 WHERE day BETWEEN COALESCE(?1, '') AND COALESCE(?2, '~') AND tenant = COALESCE(?3, tenant)
                 GROUP BY day, tenant, dialect, op, upstream, outcome
                 ORDER BY day, tenant, dialect, op, upstream, outcome",
            )?;
            let bounds = [query.from, query.to].map(|day| day.map(|day| day.to_string()));
            let [from, to] = &bounds;
            select
                .query_map(params![from, to, query.tenant], usage_row)?
                .collect()
        };
        report().map_err(|error| failed("read usage", error))
    }

    fn check(&self) -> Result<(), StoreError> {
        self.write("be written to", |_| Ok(()))
    }
}

/// Sets the connection up and migrates. Returns the version that the file now has, which is beyond
/// [`latest_version`] if a later livegate wrote it.
fn prepare(connection: &mut Connection) -> rusqlite::Result<i64> {
    connection.busy_timeout(BUSY_TIMEOUT)?;
    let found = user_version(connection)?;
    if found > latest_version() {
        return Ok(found);
    }
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;

    // Asked again under the lock: another process may be migrating the same file.
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let found = user_version(&transaction)?;
    let done = usize::try_from(found).unwrap_or(0);
    for step in MIGRATIONS.iter().skip(done) {
        transaction.execute_batch(step)?;
    }
    let now = found.max(latest_version());
    transaction.pragma_update(None, "user_version", now)?;
    transaction.commit()?;
    Ok(now)
}

fn user_version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}

fn latest_version() -> i64 {
    i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX)
}

fn used(connection: &Connection, bucket: &Bucket) -> rusqlite::Result<u64> {
    connection
        .prepare_cached("SELECT used FROM quota WHERE subject = ?1 AND period = ?2")?
        .query_row(params![bucket.subject, bucket.period], |row| {
            unsigned(row, 0)
        })
        .optional()
        .map(Option::unwrap_or_default)
}

fn usage_row(row: &Row<'_>) -> rusqlite::Result<UsageRow> {
    let day: String = row.get(0)?;
    Ok(UsageRow {
        day: day.parse::<Date>().map_err(|error| {
            rusqlite::Error::FromSqlConversionFailure(
                0,
                rusqlite::types::Type::Text,
                Box::new(error),
            )
        })?,
        tenant: row.get(1)?,
        dialect: row.get(2)?,
        op: row.get(3)?,
        upstream: row.get(4)?,
        outcome: row.get(5)?,
        calls: unsigned(row, 6)?,
        units: unsigned(row, 7)?,
    })
}

/// SQLite's integers are signed. Nobody has a quota beyond 2^63, so the far end may be cut off.
fn to_sql(units: u64) -> i64 {
    i64::try_from(units).unwrap_or(i64::MAX)
}

fn unsigned(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    let value: i64 = row.get(column)?;
    u64::try_from(value).map_err(|_| rusqlite::Error::IntegralValueOutOfRange(column, value))
}

fn failed(doing: &'static str, error: rusqlite::Error) -> StoreError {
    StoreError::Failed {
        doing,
        source: Box::new(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::contract;
    use crate::store::testing::{bucket, event};

    fn temporary() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("made/on/demand/livegate.db");
        (folder, path)
    }

    #[test]
    fn keeps_the_contract() {
        for (name, law) in contract::LAWS {
            println!("{name}");
            let (_folder, path) = temporary();
            law(&SqliteStore::open(path).unwrap());
        }
    }

    #[test]
    fn a_grant_and_an_event_survive_reopening_and_are_seen_by_another_process() {
        let (_folder, path) = temporary();
        let first = SqliteStore::open(&path).unwrap();
        let second = SqliteStore::open(&path).unwrap();
        assert_eq!(first.grant(&bucket("a"), 7, 10).unwrap(), 7);
        assert_eq!(second.grant(&bucket("a"), 7, 10).unwrap(), 3);
        first.append_usage(&[event(1)]).unwrap();
        drop((first, second));

        let again = SqliteStore::open(&path).unwrap();
        assert_eq!(again.used(&bucket("a")).unwrap(), 10);
        assert_eq!(again.usage(&UsageQuery::default()).unwrap().len(), 1);
    }

    #[test]
    fn commits_wait_for_the_disk() {
        let (_folder, path) = temporary();
        let store = SqliteStore::open(path).unwrap();
        let pragma = |name| -> String {
            store
                .writer()
                .pragma_query_value(None, name, |row| {
                    let value: rusqlite::types::Value = row.get(0)?;
                    Ok(format!("{value:?}"))
                })
                .unwrap()
        };
        assert_eq!(pragma("journal_mode"), r#"Text("wal")"#);
        assert_eq!(pragma("synchronous"), "Integer(2)");
    }

    #[test]
    fn a_newer_schema_is_refused_and_left_alone() {
        let (_folder, path) = temporary();
        drop(SqliteStore::open(&path).unwrap());
        let raw = Connection::open(&path).unwrap();
        raw.pragma_update(None, "user_version", 9).unwrap();
        let error = SqliteStore::open(&path).unwrap_err();
        assert!(matches!(
            error,
            StoreError::Newer {
                found: 9,
                known: 1,
                ..
            }
        ));
        assert!(
            error
                .to_string()
                .contains("schema version 9 but this livegate knows 1")
        );
        assert_eq!(user_version(&raw).unwrap(), 9);
    }

    #[test]
    fn what_is_not_a_database_is_refused() {
        let (_folder, path) = temporary();
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, "not a database, but long enough to look at").unwrap();
        assert!(matches!(
            SqliteStore::open(&path),
            Err(StoreError::Open { .. })
        ));
        assert!(matches!(
            SqliteStore::open(path.join("below a file")),
            Err(StoreError::Folder { .. })
        ));
    }

    #[test]
    fn many_openers_migrate_once() {
        let (_folder, path) = temporary();
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| SqliteStore::open(&path).unwrap().check().unwrap());
            }
        });
        let store = SqliteStore::open(&path).unwrap();
        assert_eq!(user_version(&store.writer()).unwrap(), latest_version());
    }
}
