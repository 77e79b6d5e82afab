//! A queue with a thread at its end that writes batches.

use std::io;
use std::iter;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Sender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// Most items in one batch.
const BATCH: usize = 512;

/// How long the writer lets a batch gather. It is parked meanwhile, so that a call costs its thread no wake-up of
/// another: at full load that is a third of what a small call costs in all.
const GATHER: Duration = Duration::from_millis(5);

/// How long the end of the process waits for a writer that may be stuck, on a pipe that nobody reads for example.
const LAST_PATIENCE: Duration = Duration::from_secs(10);

/// Never blocks whoever adds to it, and does not limit them either: they look at [`Queue::waiting`] first. Dropping it
/// waits until everything is written, within [`LAST_PATIENCE`].
#[derive(Debug)]
pub(super) struct Queue<T: Send + 'static> {
    /// `None` only while being dropped: the thread ends when it is gone.
    sender: Option<Sender<Message<T>>>,
    waiting: Arc<AtomicUsize>,
    thread: Option<JoinHandle<()>>,
}

enum Message<T> {
    Item(T),
    Flush(Sender<()>),
}

// === impl Queue ===

impl<T: Send + 'static> Queue<T> {
    /// Starts a thread that hands whatever waits, in order, to `write`.
    pub(super) fn start(
        name: &str,
        mut write: impl FnMut(&[T]) + Send + 'static,
    ) -> io::Result<Self> {
        let (sender, receiver) = mpsc::channel();
        let waiting = Arc::new(AtomicUsize::new(0));
        let unwritten = Arc::clone(&waiting);
        let run = move || {
            let mut items = Vec::with_capacity(BATCH);
            let mut flushes = Vec::new();
            while let Ok(first) = receiver.recv() {
                if matches!(first, Message::Item(_)) {
                    thread::park_timeout(GATHER);
                }
                for message in iter::once(first).chain(receiver.try_iter()).take(BATCH) {
                    match message {
                        Message::Item(item) => items.push(item),
                        Message::Flush(done) => flushes.push(done),
                    }
                }
                if !items.is_empty() {
                    write(&items);
                    unwritten.fetch_sub(items.len(), Ordering::AcqRel);
                    items.clear();
                }
                for done in flushes.drain(..) {
                    // Whoever asked may have lost patience.
                    let _: Result<(), _> = done.send(());
                }
            }
        };
        Ok(Self {
            sender: Some(sender),
            waiting,
            thread: Some(thread::Builder::new().name(name.to_owned()).spawn(run)?),
        })
    }

    pub(super) fn push(&self, item: T) {
        let before = self.waiting.fetch_add(1, Ordering::AcqRel);
        self.send(Message::Item(item));
        if before + 1 == BATCH {
            self.hurry();
        }
    }

    /// Items that are not written yet.
    pub(super) fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Acquire)
    }

    /// Waits until everything that was pushed before is written. Returns whether it is.
    pub(super) fn flush(&self, patience: Duration) -> bool {
        let (done, written) = mpsc::channel();
        self.send(Message::Flush(done));
        self.hurry();
        written.recv_timeout(patience).is_ok()
    }

    /// The writer need not wait for more.
    fn hurry(&self) {
        if let Some(thread) = &self.thread {
            thread.thread().unpark();
        }
    }

    fn send(&self, message: Message<T>) {
        let sent = self
            .sender
            .as_ref()
            .is_some_and(|sender| sender.send(message).is_ok());
        if !sent {
            tracing::error!("a writer thread has died; what it should write is lost");
        }
    }
}

impl<T: Send + 'static> Drop for Queue<T> {
    fn drop(&mut self) {
        if !self.flush(LAST_PATIENCE) {
            tracing::error!(
                items = self.waiting(),
                "a writer thread did not finish in time"
            );
            return;
        }
        self.sender = None;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("a writer thread has died");
        }
    }
}
