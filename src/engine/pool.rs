//! A few threads for inference and a bounded queue in front of them.
//!
//! # Invariants
//!
//! At most `queue` jobs wait; one more is refused at once, never delayed. A job whose caller has gone is not run. A job
//! that panics loses its own answer and nothing else. Dropping the pool forgets the jobs that wait and waits for those
//! that run.

use std::collections::VecDeque;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use tokio::sync::oneshot;

use super::network;

/// A fixed number of threads.
pub struct Pool {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

/// Why a job has no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PoolError {
    /// The queue is full; the job was not taken.
    #[error("the queue is full")]
    Full,
    /// The job panicked, or the pool went away before its turn.
    #[error("the job was lost")]
    Lost,
}

type Job = Box<dyn FnOnce() + Send>;

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
    capacity: usize,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Job>,
    idle: usize,
    closed: bool,
}

// === impl Pool ===

impl Pool {
    /// Starts `threads` threads with room for `queue` waiting jobs.
    ///
    /// # Errors
    ///
    /// If the system gives no thread.
    pub fn start(threads: usize, queue: usize) -> io::Result<Self> {
        let shared = Arc::new(Shared {
            state: Mutex::default(),
            changed: Condvar::new(),
            capacity: queue,
        });
        let mut pool = Self {
            shared,
            threads: Vec::with_capacity(threads),
        };
        for _ in 0..threads {
            let shared = Arc::clone(&pool.shared);
            let thread = thread::Builder::new()
                .name("inference".to_owned())
                .spawn(move || network::dedicate(|| shared.work()))?;
            pool.threads.push(thread);
        }
        Ok(pool)
    }

    /// Runs `job` on one of the threads.
    ///
    /// Dropping the future before the job's turn means that it is never run.
    ///
    /// # Errors
    ///
    /// See [`PoolError`].
    pub async fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, PoolError> {
        let (sender, receiver) = oneshot::channel();
        self.shared.push(Box::new(move || {
            if !sender.is_closed() {
                // The caller may leave while the job runs.
                let _ = sender.send(job());
            }
        }))?;
        receiver.await.map_err(|_| PoolError::Lost)
    }

    /// Jobs that wait for a thread.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.shared.lock().waiting.len()
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        let forgotten = {
            let mut state = self.shared.lock();
            state.closed = true;
            std::mem::take(&mut state.waiting)
        };
        drop(forgotten);
        self.shared.changed.notify_all();
        for thread in self.threads.drain(..) {
            // Jobs are caught, so a thread ends only when it is told to.
            let _ = thread.join();
        }
    }
}

// === impl Shared ===

impl Shared {
    /// Nothing that can panic runs under the lock.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, job: Job) -> Result<(), PoolError> {
        let mut state = self.lock();
        // A thread that is idle but not yet awake will take one of those that wait.
        if state.waiting.len() >= self.capacity + state.idle {
            return Err(PoolError::Full);
        }
        state.waiting.push_back(job);
        drop(state);
        self.changed.notify_one();
        Ok(())
    }

    fn work(&self) {
        while let Some(job) = self.next() {
            // The panic hook has reported it; the caller learns it from the closed channel.
            let _ = catch_unwind(AssertUnwindSafe(job));
        }
    }

    fn next(&self) -> Option<Job> {
        let mut state = self.lock();
        loop {
            if state.closed {
                return None;
            }
            if let Some(job) = state.waiting.pop_front() {
                return Some(job);
            }
            state.idle += 1;
            state = self
                .changed
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
            state.idle -= 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
    use std::sync::mpsc;

    use super::*;

    /// A job that holds its thread until the sender is dropped, and a receiver that tells that it has begun.
    fn blocker() -> (mpsc::Sender<()>, mpsc::Receiver<()>, impl FnOnce() + Send) {
        let (release, held) = mpsc::channel::<()>();
        let (begin, begun) = mpsc::channel();
        let job = move || {
            begin.send(()).expect("the test listens");
            let _ = held.recv();
        };
        (release, begun, job)
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_full_queue_refuses_at_once_and_empties_again() {
        let pool = Arc::new(Pool::start(1, 2).expect("threads"));
        let (release, begun, job) = blocker();
        let spawn = |pool: &Arc<Pool>, job: Job| {
            let pool = Arc::clone(pool);
            tokio::spawn(async move { pool.run(job).await })
        };
        let running = spawn(&pool, Box::new(job));
        begun.recv().expect("begun");
        let (first, second) = (spawn(&pool, Box::new(|| ())), spawn(&pool, Box::new(|| ())));
        while pool.waiting() < 2 {
            tokio::task::yield_now().await;
        }
        let mut refused = Box::pin(pool.run(|| ()));
        assert_eq!(poll_once(refused.as_mut()), Some(Err(PoolError::Full)));
        drop(release);
        for task in [running, first, second] {
            assert_eq!(task.await.expect("no panic"), Ok(()));
        }
        assert_eq!(pool.run(|| 7).await, Ok(7));
        assert_eq!(pool.waiting(), 0);
    }

    #[tokio::test]
    async fn a_job_whose_caller_has_gone_is_not_run() {
        let pool = Pool::start(1, 8).expect("threads");
        let (release, begun, job) = blocker();
        let mut running = Box::pin(pool.run(job));
        assert!(poll_once(running.as_mut()).is_none());
        begun.recv().expect("begun");

        let ran = Arc::new(AtomicBool::new(false));
        let mark = Arc::clone(&ran);
        let mut abandoned = Box::pin(pool.run(move || mark.store(true, Ordering::SeqCst)));
        assert!(poll_once(abandoned.as_mut()).is_none());
        drop(abandoned);
        drop(release);
        assert_eq!(running.await, Ok(()));
        // Jobs are taken in order, so the abandoned one has had its turn.
        assert_eq!(pool.run(|| ()).await, Ok(()));
        assert!(!ran.load(Ordering::SeqCst));
    }

    #[tokio::test]
    async fn a_panic_costs_one_answer() {
        let pool = Pool::start(1, 1).expect("threads");
        for _ in 0..3 {
            assert_eq!(
                pool.run(|| panic!("on purpose")).await,
                Err::<(), _>(PoolError::Lost)
            );
        }
        assert_eq!(pool.run(|| 7).await, Ok(7));
    }

    #[tokio::test]
    async fn dropping_waits_for_what_runs_and_forgets_what_waits() {
        let pool = Pool::start(1, 8).expect("threads");
        let finished = Arc::new(AtomicUsize::new(0));
        let (release, begun, job) = blocker();
        let count = Arc::clone(&finished);
        let mut running = Box::pin(pool.run(move || {
            job();
            count.fetch_add(1, Ordering::SeqCst);
        }));
        assert!(poll_once(running.as_mut()).is_none());
        begun.recv().expect("begun");
        drop(running);
        drop(release);
        drop(pool);
        assert_eq!(finished.load(Ordering::SeqCst), 1);
    }

    /// Polls once, which hands the job over.
    fn poll_once<F: Future>(future: std::pin::Pin<&mut F>) -> Option<F::Output> {
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        match future.poll(&mut context) {
            std::task::Poll::Ready(output) => Some(output),
            std::task::Poll::Pending => None,
        }
    }
}
