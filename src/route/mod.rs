//! Which upstream serves a call. Pure: a snapshot and a call in, an upstream or a refusal out.
//!
//! Everything that makes a call impossible for an upstream is data ([`Capabilities`](crate::vendors::Capabilities)) and
//! is checked here, before a byte is rendered; adapters may rely on it.

use std::sync::Arc;

use crate::canonical::{Call, Op, Problem, ProblemKind};
use crate::tenancy::{Route, Snapshot, Target, Tenant, Upstream};
use crate::vendors::{self, Carriage, Vendor};

/// What a route is chosen by.
#[derive(Debug)]
pub struct Query<'a> {
    /// Who asks.
    pub tenant: &'a Tenant,
    /// In which dialect.
    pub dialect: &'static Vendor,
    /// What.
    pub call: &'a Call,
    /// Where the call falls among the weights: any number, evenly distributed over calls.
    pub point: u64,
}

/// The upstream for a call: the first route that matches, its targets by weight.
///
/// # Errors
///
/// `NotEntitled` if no route matches; `Unsupported` if the chosen upstream cannot carry the op or the media's form.
pub fn plan(snapshot: &Snapshot, query: &Query<'_>) -> Result<Arc<Upstream>, Problem> {
    let op = query.call.op();
    let route = snapshot
        .routes
        .iter()
        .find(|route| matches(route, &query.tenant.id, query.dialect.id, op))
        .ok_or_else(|| {
            Problem::new(
                ProblemKind::NotEntitled,
                "this key has no route for this kind of check",
            )
        })?;
    let upstream = pick(&route.to, query.point).ok_or_else(Problem::unsupported)?;
    check_media(upstream, query)?;
    Ok(Arc::clone(upstream))
}

fn matches(route: &Route, tenant: &str, dialect: &str, op: Op) -> bool {
    route
        .tenant
        .as_deref()
        .is_none_or(|wanted| wanted == tenant)
        && route.dialect.is_none_or(|wanted| wanted == dialect)
        && route.op.is_none_or(|wanted| wanted == op)
}

/// The target on whose share `point` falls.
fn pick(targets: &[Target], point: u64) -> Option<&Arc<Upstream>> {
    let total: u64 = targets.iter().map(|target| u64::from(target.weight)).sum();
    let mut rest = point.checked_rem(total)?;
    for target in targets {
        let weight = u64::from(target.weight);
        if rest < weight {
            return Some(&target.upstream);
        }
        rest -= weight;
    }
    None
}

fn check_media(upstream: &Upstream, query: &Query<'_>) -> Result<(), Problem> {
    for media in query.call.media() {
        match vendors::carriage(
            query.dialect,
            upstream.vendor,
            query.call.op(),
            media.form(),
        ) {
            Carriage::Carried => {}
            Carriage::OptIn(opt_in) if query.tenant.allow.contains(&opt_in) => {}
            Carriage::OptIn(_) | Carriage::Impossible => return Err(Problem::unsupported()),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use bytes::Bytes;
    use jiff::tz::TimeZone;

    use super::*;
    use crate::canonical::{ImageLiveness, Media};
    use crate::tenancy::{Plan, Quota};
    use crate::vendors::{DialectSettings, VENDORS, by_id};

    fn upstream(name: &str) -> Arc<Upstream> {
        let vendor = VENDORS.iter().find(|vendor| {
            vendor
                .outbound
                .is_some_and(|half| half.capabilities().support(Op::ImageLiveness).is_some())
        });
        Arc::new(Upstream {
            name: name.into(),
            vendor: vendor.expect("some vendor judges pictures"),
            base_url: String::new(),
            secrets: vec![],
            timeout: Duration::from_secs(1),
            connect_timeout: Duration::from_secs(1),
            scale: None,
        })
    }

    fn tenant(id: &str) -> Tenant {
        let plan = Plan {
            name: "p".into(),
            rate: None,
            concurrency: None,
            quota: Quota::default(),
        };
        Tenant {
            id: id.into(),
            plan: Arc::new(plan),
            dialects: None,
            time_zone: TimeZone::UTC,
            allow: Vec::new(),
            settings: DialectSettings::default(),
        }
    }

    fn route(tenant: Option<&str>, to: &[(&str, u32)]) -> Route {
        let to = to
            .iter()
            .map(|&(name, weight)| Target {
                upstream: upstream(name),
                weight,
            })
            .collect();
        Route {
            tenant: tenant.map(Into::into),
            dialect: None,
            op: None,
            to,
        }
    }

    fn picture(media: Media) -> Call {
        Call::ImageLiveness(ImageLiveness {
            image: media,
            details: false,
        })
    }

    fn planned(
        snapshot: &Snapshot,
        tenant: &Tenant,
        call: &Call,
        point: u64,
    ) -> Result<String, ProblemKind> {
        let query = Query {
            tenant,
            dialect: by_id("native").expect("our own"),
            call,
            point,
        };
        plan(snapshot, &query)
            .map(|upstream| upstream.name.to_string())
            .map_err(|problem| problem.kind)
    }

    #[test]
    fn the_first_matching_route_wins() {
        let snapshot = Snapshot {
            routes: vec![
                route(Some("a"), &[("first", 1)]),
                route(None, &[("second", 1)]),
            ],
            ..Snapshot::default()
        };
        let call = picture(Media::Bytes(Bytes::from_static(b"x")));
        assert_eq!(
            planned(&snapshot, &tenant("a"), &call, 0),
            Ok("first".to_owned())
        );
        assert_eq!(
            planned(&snapshot, &tenant("b"), &call, 0),
            Ok("second".to_owned())
        );
    }

    #[test]
    fn weights_share_the_points_exactly() {
        let snapshot = Snapshot {
            routes: vec![route(None, &[("nine", 9), ("none", 0), ("one", 1)])],
            ..Snapshot::default()
        };
        let call = picture(Media::Bytes(Bytes::from_static(b"x")));
        let ones = (0..1000)
            .filter(|&point| planned(&snapshot, &tenant("a"), &call, point) == Ok("one".to_owned()))
            .count();
        assert_eq!(ones, 100);
        assert!(
            (0..1000).all(
                |point| planned(&snapshot, &tenant("a"), &call, point) != Ok("none".to_owned())
            )
        );
    }

    #[test]
    fn what_cannot_be_carried_is_refused_before_anything_is_sent() {
        let snapshot = Snapshot {
            routes: vec![route(None, &[("u", 1)])],
            ..Snapshot::default()
        };
        let stored = picture(Media::Stored("id".to_owned()));
        assert_eq!(
            planned(&snapshot, &tenant("a"), &stored, 0),
            Err(ProblemKind::Unsupported)
        );
        let none = Snapshot::default();
        let call = picture(Media::Bytes(Bytes::from_static(b"x")));
        assert_eq!(
            planned(&none, &tenant("a"), &call, 0),
            Err(ProblemKind::NotEntitled)
        );
    }
}
