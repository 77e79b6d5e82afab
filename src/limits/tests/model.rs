//! Two nodes and a ledger under random histories, compared with plain counting.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

const LIMIT: u64 = 60;

#[derive(Debug, Clone)]
enum Step {
    Admit(usize),
    /// The oldest permit of that node, charged or not.
    Resolve {
        node: usize,
        charge: bool,
    },
    Settle(usize),
    /// The node dies with its stock and its calls, and a new one starts.
    Kill(usize),
    NextDay,
    /// So many operations of the store fail.
    Outage(u32),
}

fn step() -> impl Strategy<Value = Step> {
    let node = 0..2_usize;
    prop_oneof![
        12 => node.clone().prop_map(Step::Admit),
        8 => (node.clone(), any::<bool>()).prop_map(|(node, charge)| Step::Resolve { node, charge }),
        1 => node.clone().prop_map(Step::Settle),
        1 => node.prop_map(Step::Kill),
        1 => Just(Step::NextDay),
        1 => (1..4_u32).prop_map(Step::Outage),
    ]
}

/// The world, and what it should be.
struct Model {
    store: Arc<MemoryStore>,
    clock: Clock,
    tenant: Arc<Tenant>,
    nodes: [Limits; 2],
    /// Calls in flight, with the day that they are charged to.
    in_flight: [Vec<(String, Permit)>; 2],
    committed: BTreeMap<String, u64>,
    /// Nothing has died or failed, so the books must balance to the unit.
    spotless: bool,
}

// === impl Model ===

impl Model {
    fn new() -> Self {
        let store = Arc::new(MemoryStore::default());
        let clock = clock_at(START);
        let nodes = [0, 1].map(|_| Limits::new(Arc::clone(&store) as _, clock.clone()));
        Self {
            store,
            clock,
            tenant: tenant(per_day(LIMIT)),
            nodes,
            in_flight: [Vec::new(), Vec::new()],
            committed: BTreeMap::new(),
            spotless: true,
        }
    }

    fn today(&self) -> String {
        self.clock.now().strftime("day/%Y-%m-%d").to_string()
    }

    async fn run(&mut self, step: Step) {
        self.clock.advance(Duration::from_secs(1));
        match step {
            Step::Admit(node) => {
                if let Ok(permit) = admit(&self.nodes[node], &self.tenant).await {
                    let today = self.today();
                    self.committed.entry(today.clone()).or_default();
                    self.in_flight[node].push((today, permit));
                }
            }
            Step::Resolve { node, charge } => {
                if !self.in_flight[node].is_empty() {
                    let (day, permit) = self.in_flight[node].remove(0);
                    if charge {
                        permit.commit();
                        *self.committed.entry(day).or_default() += 1;
                    } else {
                        permit.release();
                    }
                }
            }
            Step::Settle(node) => self.nodes[node].settle().await,
            Step::Kill(node) => {
                self.in_flight[node].clear();
                self.nodes[node] = Limits::new(Arc::clone(&self.store) as _, self.clock.clone());
                self.spotless = false;
            }
            Step::NextDay => self.clock.advance(Duration::from_secs(24 * 3600)),
            Step::Outage(operations) => {
                self.store.failures.store(operations, Relaxed);
                self.spotless = false;
            }
        }
    }

    fn check(&self) {
        for (day, committed) in &self.committed {
            let in_flight = self.in_flight.iter().flatten();
            let spent = committed + in_flight.filter(|(of, _)| of == day).count() as u64;
            let used = self.store.peek(&bucket(day));
            assert!(
                spent <= used && used <= LIMIT,
                "{day}: {spent} spent, {used} used"
            );
        }
    }

    async fn finish(mut self) {
        for node in [0, 1] {
            while !self.in_flight[node].is_empty() {
                self.run(Step::Resolve {
                    node,
                    charge: false,
                })
                .await;
            }
            self.nodes[node].settle().await;
        }
        self.check();
        if self.spotless {
            for (day, committed) in &self.committed {
                assert_eq!(self.store.peek(&bucket(day)), *committed, "{day}");
            }
        }
    }
}

proptest! {
    #[test]
    fn no_history_oversells_and_a_spotless_one_balances(steps in proptest::collection::vec(step(), 1..300)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let mut model = Model::new();
            for step in steps {
                model.run(step).await;
                model.check();
            }
            model.finish().await;
        });
    }
}
