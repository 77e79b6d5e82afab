//! `[plans.NAME]`, `[tenants.NAME]` and their keys.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::Compiler;
use crate::tenancy::{Key, Plan, Quota, Rate, Tenant, config};
use crate::units::{Limit, SecretSource};
use crate::vendors::DialectSettings;

impl Compiler<'_> {
    pub(super) fn plan(&mut self, name: &str, written: &config::Plan) -> Plan {
        let at = |key: &str| format!("plans.{name}.{key}");
        self.name(&format!("plans.{name}"), name);
        if written.rate.is_none() && written.burst.is_some() {
            self.complain(
                at("rate"),
                r#"missing, and burst needs it; write rate = "50/s" or remove burst"#,
            );
        }
        let unlimited = Quota::default();
        let quota = match written.quota {
            None => {
                self.complain(
                    at("quota"),
                    r#"missing; write quota = { day = 10000 } or quota = "unlimited""#,
                );
                unlimited
            }
            Some(config::Quota::Unlimited) => unlimited,
            Some(config::Quota::Periods(config::Periods {
                day: None,
                month: None,
                total: None,
            })) => {
                self.complain(
                    at("quota"),
                    r#"names no period; write day, month or total in it, or quota = "unlimited""#,
                );
                unlimited
            }
            Some(config::Quota::Periods(periods)) => Quota {
                day: periods.day.and_then(Limit::units),
                month: periods.month.and_then(Limit::units),
                total: periods.total.and_then(Limit::units),
            },
        };
        Plan {
            name: Arc::from(name),
            rate: written.rate.map(|rate| Rate {
                interval: rate.interval(),
                burst: written.burst.unwrap_or(rate.per_second()),
            }),
            concurrency: written.concurrency,
            quota,
        }
    }

    pub(super) fn tenant(
        &mut self,
        name: &str,
        written: &config::Tenant,
        plans: &BTreeMap<&str, Arc<Plan>>,
    ) -> Tenant {
        let at = |key: &str| format!("tenants.{name}.{key}");
        self.name(&format!("tenants.{name}"), name);
        let plan = plans
            .get(written.plan.as_str())
            .cloned()
            .unwrap_or_else(|| {
                let choices = plans.keys().copied();
                self.not_one_of(at("plan"), &written.plan, "a plan", choices);
                Arc::new(Plan {
                    name: Arc::from(written.plan.as_str()),
                    rate: None,
                    concurrency: None,
                    quota: Quota::default(),
                })
            });
        let time_zone = TimeZone::get(&written.time_zone).unwrap_or_else(|_| {
            self.complain(
                at("time_zone"),
                format!(
                    r#"{:?} is not a time zone; write an IANA name like "Asia/Tokyo""#,
                    written.time_zone
                ),
            );
            TimeZone::UTC
        });
        Tenant {
            id: Arc::from(name),
            plan,
            dialects: self.dialects(&at("dialects"), written.dialects.as_deref()),
            time_zone,
            allow: written.allow.clone(),
            settings: DialectSettings {
                score_as: written.score_as,
                own: self.own_settings(name, written),
            },
        }
    }

    pub(super) fn key(
        &mut self,
        path: &str,
        written: &config::Key,
        tenant: &Arc<Tenant>,
        keys: &mut HashMap<String, Arc<Key>>,
    ) {
        let at = |key: &str| format!("{path}.{key}");
        self.name(&at("id"), &written.id);
        let secret = match &written.secret {
            Some(source) => self.secret(at("secret"), source),
            None => {
                self.complain(
                    at("secret"),
                    r#"missing; write { env = "NAME" } or { file = "PATH" }"#,
                );
                None
            }
        };
        if written.generate && matches!(written.secret, Some(SecretSource::Env(_))) {
            self.complain(
                at("generate"),
                r#"only a file can be made; write secret = { file = "PATH" }"#,
            );
        }
        let expires_at = written.expires_at.as_ref().and_then(|text| {
            let moment = text.parse::<Timestamp>();
            if moment.is_err() {
                self.complain(
                    at("expires_at"),
                    format!(r#"{text:?} is not a moment; write one like "2030-01-31T00:00:00Z""#),
                );
            }
            moment.ok()
        });
        let key = Key {
            id: Arc::from(written.id.as_str()),
            tenant: Arc::clone(tenant),
            secrets: secret.iter().map(self.digest).collect(),
            expires_at,
            dialects: self.dialects(&at("dialects"), written.dialects.as_deref()),
            ops: self.ops(&at("ops"), written.ops.as_deref()),
        };
        if let Some(other) = keys.insert(written.id.clone(), Arc::new(key)) {
            self.complain(
                at("id"),
                format!(
                    r#"tenant "{}" has a key {:?} too; ids are unique in the gateway"#,
                    other.tenant.id, written.id
                ),
            );
        }
    }
}
