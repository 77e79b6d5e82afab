//! Where the time of an inspection goes: `cargo bench --bench engine`, with the weights and the sample portrait in the
//! folder that `LIVEGATE_TEST_MODELS` names.
//!
//! One picture of 640 x 480 on one thread. The best time is the one to compare on a busy machine. The last line is the
//! engine's own share: whole inspections beside the networks alone on inputs that are ready.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a benchmark prints, and fails by panicking"
)]

#[path = "../tests/support/models.rs"]
mod models;
#[path = "../tests/support/pictures.rs"]
#[expect(dead_code, reason = "only the portrait is needed here")]
mod pictures;

use std::hint::black_box;
use std::time::Duration;

use bytes::Bytes;
use image::imageops::{self, FilterType};
use livegate::clock::Clock;
use livegate::engine::network::{self, Network, OnnxNetwork};
use livegate::engine::{Config, Engine, decode, detect, liveness, quality};

use models::models;
use pictures::{jpeg, portrait};

/// As the binary does: the networks' large short-lived buffers make the allocator matter.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const ROUNDS: usize = 300;

fn main() {
    // As the engine's own threads do.
    network::dedicate(measure);
}

fn measure() {
    let folder = models();
    let load = |file| OnnxNetwork::load(&folder.join(file)).expect("weights");
    let (detector, judge) = (load("yunet_320.onnx"), load("fr_liveness.onnx"));
    let selfie = imageops::crop_imm(&portrait(&folder), 0, 0, 512, 384).to_image();
    let selfie = imageops::resize(&selfie, 640, 480, FilterType::CatmullRom);
    let bytes = Bytes::from(jpeg(&selfie, 90));
    let picture = decode::decode(&bytes).expect("decodes");
    let found = detect::find_faces(&detector, &picture).expect("runs");
    let face = found.faces.first().expect("a face");

    stage("decode", || decode::decode(&bytes));
    stage("detect", || detect::find_faces(&detector, &picture));
    stage("quality", || quality::measure(&picture, face));
    stage("liveness", || {
        liveness::live_probability(&judge, &picture, face)
    });
    let networks = stage("networks alone", || {
        let found = detector.run([1, 3, 256, 320], vec![128.0; 3 * 256 * 320]);
        let judged = [(); 2].map(|()| judge.run([1, 3, 128, 128], vec![128.0; 3 * 128 * 128]));
        (found, judged)
    });

    let engine = Engine::start(&Config {
        models: folder,
        threads: 1,
        ..Config::default()
    });
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime");
    let whole = stage("whole", || {
        runtime
            .block_on(engine.inspect(bytes.clone()))
            .expect("a report")
    });
    let own = whole.as_secs_f64() / networks.as_secs_f64() - 1.0;
    println!(
        "own share      {:.1} % over the networks alone",
        own * 100.0
    );
}

/// Prints best, p50 and p99, and returns the best.
fn stage<T>(name: &str, work: impl Fn() -> T) -> Duration {
    let clock = Clock::system();
    let mut times: Vec<Duration> = (0..ROUNDS)
        .map(|_| {
            let start = clock.instant();
            black_box(work());
            clock.instant() - start
        })
        .collect();
    times.sort();
    let [p50, p99] = [ROUNDS / 2, ROUNDS * 99 / 100].map(|index| times[index]);
    let best = times[0];
    println!("{name:<14} best {best:>9.2?}  p50 {p50:>9.2?}  p99 {p99:>9.2?}");
    best
}
