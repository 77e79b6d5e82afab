//! A network: numbers in, numbers out. The only file that knows the runtime.
//!
//! # Design
//!
//! One thread per inference: on few cores, several threads inside one inference gain nothing and slow each other down
//! across calls. The runtime runs a graph on threads of its own kind, in pools; ours have one thread each. A call from
//! another thread is handed over and back, twice the wait for a busy core; so a thread that does nothing but inference
//! becomes such a thread, by [`dedicate`].

use std::cell::RefCell;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use rten::{Model, RunOptions, ThreadPool, Value};

/// A trained graph with one image-like input.
pub trait Network: Send + Sync {
    /// Runs the graph once.
    ///
    /// `shape` is batch, channels, height, width; `input` has exactly that many values in that order. The outputs come
    /// in the graph's order, each flat with its innermost dimension contiguous, all finite.
    ///
    /// # Errors
    ///
    /// If the graph does not take the shape, fails, or answers with something that is not a number.
    fn run(&self, shape: [usize; 4], input: Vec<f32>) -> Result<Vec<Vec<f32>>, NetworkError>;
}

/// Why a network gave no usable answer.
#[derive(Debug, thiserror::Error)]
pub enum NetworkError {
    /// The runtime refused or failed.
    #[error("the network did not run")]
    Run(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The outputs are not those of the network that was expected.
    #[error("the network answered in an unexpected shape")]
    Shape,
    /// An output is not a finite number.
    #[error("the network answered with something that is not a number")]
    NotANumber,
}

/// A graph from an ONNX file, run by `rten`.
pub struct OnnxNetwork {
    model: Model,
}

// === impl OnnxNetwork ===

impl OnnxNetwork {
    /// Loads a graph.
    ///
    /// # Errors
    ///
    /// A message for the operator if the file is not there or is not such a graph.
    pub fn load(file: &Path) -> Result<Self, String> {
        let bytes =
            fs::read(file).map_err(|error| format!("cannot read {}: {error}", file.display()))?;
        let model = Model::load(bytes)
            .map_err(|_| format!("{} is not a usable network", file.display()))?;
        Ok(Self { model })
    }
}

impl Network for OnnxNetwork {
    fn run(&self, shape: [usize; 4], input: Vec<f32>) -> Result<Vec<Vec<f32>>, NetworkError> {
        let [id] = self.model.input_ids() else {
            return Err(NetworkError::Shape);
        };
        let input =
            Value::from_shape(&shape, input).map_err(|error| NetworkError::Run(Box::new(error)))?;
        let outputs = self
            .model
            .run(
                vec![(*id, input.into())],
                self.model.output_ids(),
                Some(RunOptions::default().with_thread_pool(Some(thread_pool()))),
            )
            .map_err(|error| NetworkError::Run(Box::new(error)))?;
        outputs.into_iter().map(flat).collect()
    }
}

thread_local! {
    /// The pool of one thread that runs this thread's graphs.
    static POOL: RefCell<Option<Arc<ThreadPool>>> = const { RefCell::new(None) };
}

/// Runs `work` so that the graphs it runs stay on the thread it is on.
pub fn dedicate(work: impl FnOnce() + Send) {
    let pool = Arc::new(ThreadPool::with_num_threads(1));
    let own = Arc::clone(&pool);
    pool.run(move || {
        POOL.set(Some(own));
        work();
        // A thread that keeps its own pool alive would never end.
        POOL.take();
    });
}

fn thread_pool() -> Arc<ThreadPool> {
    POOL.with_borrow_mut(|pool| {
        let pool = pool.get_or_insert_with(|| Arc::new(ThreadPool::with_num_threads(1)));
        Arc::clone(pool)
    })
}

fn flat(output: Value) -> Result<Vec<f32>, NetworkError> {
    let tensor = output.into_tensor::<f32>().ok_or(NetworkError::Shape)?;
    let values = tensor.into_data();
    if values.iter().all(|value| value.is_finite()) {
        Ok(values)
    } else {
        Err(NetworkError::NotANumber)
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    fn value(values: Vec<f32>) -> Value {
        Value::from_shape([values.len()], values).expect("one dimension")
    }

    #[test]
    fn what_is_not_a_number_is_no_answer() {
        assert_eq!(flat(value(vec![1.0, -2.0])).ok(), Some(vec![1.0, -2.0]));
        for wrong in [f32::NAN, f32::INFINITY] {
            let answer = flat(value(vec![1.0, wrong]));
            assert!(matches!(answer, Err(NetworkError::NotANumber)));
        }
        let integers = Value::from_shape([1], vec![1_i32]).expect("one dimension");
        assert!(matches!(flat(integers), Err(NetworkError::Shape)));
    }

    #[test]
    fn a_dedicated_thread_hands_nothing_over_and_keeps_nothing() {
        let mut watched = None;
        dedicate(|| {
            let here = thread::current().id();
            assert_eq!(thread_pool().run(|| thread::current().id()), here);
            watched = Some(Arc::downgrade(&thread_pool()));
        });
        assert!(watched.is_some_and(|pool| pool.upgrade().is_none()));
    }
}
