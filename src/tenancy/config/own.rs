//! A tenant's tables named after vendors: what only one vendor's clients can be set up with. Which tables and keys there
//! are, [`Vendor::settings`] says; everything else is refused here, where the place of a mistake is known.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeSeed, Deserializer, Error, IntoDeserializer, MapAccess, Visitor};

use super::Tenant;
use crate::units::SecretSource;
use crate::vendors::{self, Setting, SettingKind, Vendor};

/// `[tenants.NAME.VENDOR]`
#[derive(Debug, Clone, Default, PartialEq)]
pub struct OwnTable {
    /// By the setting's name.
    pub secrets: BTreeMap<&'static str, SecretSource>,
    /// By the setting's name.
    pub numbers: BTreeMap<&'static str, i64>,
}

/// serde cannot refuse unknown keys and take some of them at once, so those tables are taken out on the way.
pub(super) struct TenantVisitor;

// === impl TenantVisitor ===

impl<'de> Visitor<'de> for TenantVisitor {
    type Value = Tenant;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a table like { plan = \"NAME\" }")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Tenant, A::Error> {
        let mut own = BTreeMap::new();
        let rest = MapAccessDeserializer::new(Apart { map, own: &mut own });
        let tenant = Tenant::deserialize(rest)?;
        Ok(Tenant { own, ..tenant })
    }
}

/// The entries of a tenant without its vendors' tables, which go to `own`.
struct Apart<'o, A> {
    map: A,
    own: &'o mut BTreeMap<&'static str, OwnTable>,
}

// === impl Apart ===

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Apart<'_, A> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        mut seed: K,
    ) -> Result<Option<K::Value>, A::Error> {
        loop {
            match self.map.next_key_seed(Sort(seed))? {
                None => return Ok(None),
                Some(Sorted::Field(field)) => return Ok(Some(field)),
                Some(Sorted::Own(vendor, unused)) => {
                    let table = self.map.next_value_seed(TableOf(vendor))?;
                    self.own.insert(vendor.id, table);
                    seed = unused;
                }
            }
        }
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, A::Error> {
        self.map.next_value_seed(seed)
    }
}

/// Tells a vendor's name from a tenant's key.
struct Sort<K>(K);

enum Sorted<K, V> {
    /// The seed was not needed.
    Own(&'static Vendor, K),
    Field(V),
}

// === impl Sort ===

impl<'de, K: DeserializeSeed<'de>> DeserializeSeed<'de> for Sort<K> {
    type Value = Sorted<K, K::Value>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        let name = String::deserialize(deserializer)?;
        match vendors::by_id(&name).filter(|vendor| !vendor.settings.is_empty()) {
            Some(vendor) => Ok(Sorted::Own(vendor, self.0)),
            None => self
                .0
                .deserialize(name.into_deserializer())
                .map(Sorted::Field),
        }
    }
}

struct TableOf(&'static Vendor);

// === impl TableOf ===

impl<'de> DeserializeSeed<'de> for TableOf {
    type Value = OwnTable;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<OwnTable, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for TableOf {
    type Value = OwnTable;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.0.settings.iter().map(|setting| setting.name).collect();
        write!(f, "a table of {}", names.join(", "))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<OwnTable, A::Error> {
        let mut table = OwnTable::default();
        while let Some(setting) = map.next_key_seed(SettingOf(self.0))? {
            match setting.kind {
                SettingKind::Secret { .. } => {
                    table.secrets.insert(setting.name, map.next_value()?);
                }
                SettingKind::Number(_) => {
                    table.numbers.insert(setting.name, map.next_value()?);
                }
            }
        }
        Ok(table)
    }
}

struct SettingOf(&'static Vendor);

// === impl SettingOf ===

impl<'de> DeserializeSeed<'de> for SettingOf {
    type Value = &'static Setting;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        let name = String::deserialize(deserializer)?;
        let settings = self.0.settings;
        let found = settings.iter().find(|setting| setting.name == name);
        found.ok_or_else(|| {
            // In serde's words, which the configuration's reader knows.
            let known: Vec<_> = settings
                .iter()
                .map(|setting| format!("`{}`", setting.name))
                .collect();
            D::Error::custom(format_args!(
                "unknown field `{name}`, expected one of {}",
                known.join(", ")
            ))
        })
    }
}
