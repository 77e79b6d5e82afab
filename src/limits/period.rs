//! Calendar periods, as a tenant's own clock on the wall shows them.

use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};

use crate::tenancy::Quota;

/// What a quota is counted over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Period {
    Total,
    Month,
    Day,
}

/// One period, with its name in the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Span {
    /// For example `day/2026-11-20`.
    pub(super) label: String,
    start: Timestamp,
    /// The first moment after it; `None` = it never ends.
    pub(super) end: Option<Timestamp>,
}

// === impl Period ===

impl Period {
    /// Longest first.
    pub(super) const ALL: [Self; 3] = [Self::Total, Self::Month, Self::Day];

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Total => "total",
            Self::Month => "month",
            Self::Day => "day",
        }
    }

    /// What a caller is told when nothing is left.
    pub(super) fn used_up(self) -> &'static str {
        match self {
            Self::Total => "the quota is used up",
            Self::Month => "the quota of this month is used up",
            Self::Day => "the quota of today is used up",
        }
    }

    /// Units per period; `None` = not limited.
    pub(super) fn limit(self, quota: &Quota) -> Option<u64> {
        match self {
            Self::Total => quota.total,
            Self::Month => quota.month,
            Self::Day => quota.day,
        }
    }

    /// The period that `now` is in.
    pub(super) fn span(self, now: Timestamp, time_zone: &TimeZone) -> Span {
        let local = now.to_zoned(time_zone.clone());
        let (label, bounds) = match self {
            Self::Total => (String::new(), None),
            Self::Month => (local.strftime("/%Y-%m").to_string(), month(&local)),
            Self::Day => (local.strftime("/%Y-%m-%d").to_string(), day(&local)),
        };
        let bounds = bounds.map(|(start, end)| (start.timestamp(), end.timestamp()));
        Span {
            label: format!("{}{label}", self.as_str()),
            start: bounds.map_or(Timestamp::MIN, |(start, _)| start),
            end: bounds.map(|(_, end)| end),
        }
    }
}

// === impl Span ===

impl Span {
    pub(super) fn contains(&self, now: Timestamp) -> bool {
        self.start <= now && self.end.is_none_or(|end| now < end)
    }
}

/// First moments of the day and of the next; a day may have 23 hours, or begin at one o'clock. `None` at the end of time.
fn day(local: &Zoned) -> Option<(Zoned, Zoned)> {
    let tomorrow = local.date().tomorrow().ok()?;
    Some((
        local.start_of_day().ok()?,
        tomorrow.to_zoned(local.time_zone().clone()).ok()?,
    ))
}

fn month(local: &Zoned) -> Option<(Zoned, Zoned)> {
    let first = local.date().first_of_month();
    let next = local.date().last_of_month().tomorrow().ok()?;
    let midnight = |date: jiff::civil::Date| date.to_zoned(local.time_zone().clone()).ok();
    Some((midnight(first)?, midnight(next)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(period: Period, now: &str, time_zone: &str) -> (String, String, String) {
        let now: Timestamp = now.parse().unwrap();
        let span = period.span(now, &TimeZone::posix(time_zone).unwrap());
        assert!(span.contains(now));
        assert!(!span.contains(span.end.unwrap()));
        (
            span.label,
            span.start.to_string(),
            span.end.unwrap().to_string(),
        )
    }

    fn expect(label: &str, start: &str, end: &str) -> (String, String, String) {
        (label.to_owned(), start.to_owned(), end.to_owned())
    }

    #[test]
    fn days_and_months_are_the_tenants() {
        assert_eq!(
            span(Period::Day, "2026-12-31T15:59:59Z", "CST-8"),
            expect(
                "day/2026-12-31",
                "2026-12-30T16:00:00Z",
                "2026-12-31T16:00:00Z"
            )
        );
        assert_eq!(
            span(Period::Month, "2026-12-31T16:00:00Z", "CST-8"),
            expect(
                "month/2027-01",
                "2026-12-31T16:00:00Z",
                "2027-01-31T16:00:00Z"
            )
        );
    }

    #[test]
    fn days_may_have_23_or_25_hours() {
        const NEW_YORK: &str = "EST5EDT,M3.2.0,M11.1.0";
        assert_eq!(
            span(Period::Day, "2026-03-08T12:00:00Z", NEW_YORK),
            expect(
                "day/2026-03-08",
                "2026-03-08T05:00:00Z",
                "2026-03-09T04:00:00Z"
            )
        );
        assert_eq!(
            span(Period::Day, "2026-11-01T12:00:00Z", NEW_YORK),
            expect(
                "day/2026-11-01",
                "2026-11-01T04:00:00Z",
                "2026-11-02T05:00:00Z"
            )
        );
    }

    #[test]
    fn a_day_may_lack_its_midnight() {
        // Chile's clocks go from 24:00 on Saturday to 01:00 on Sunday.
        assert_eq!(
            span(
                Period::Day,
                "2026-09-06T12:00:00Z",
                "<-04>4<-03>,M9.1.6/24,M4.1.6/24"
            ),
            expect(
                "day/2026-09-06",
                "2026-09-06T04:00:00Z",
                "2026-09-07T03:00:00Z"
            )
        );
    }

    #[test]
    fn total_is_one_period() {
        let span = Period::Total.span(Timestamp::UNIX_EPOCH, &TimeZone::UTC);
        assert_eq!(span.label, "total");
        assert!(span.contains(Timestamp::MIN) && span.contains(Timestamp::MAX));
    }
}
