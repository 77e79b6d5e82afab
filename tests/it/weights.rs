//! The real weights: what is fetched is what was measured. The numbers were computed with ONNX Runtime 1.31 from the
//! original files, the detector's weights dequantised by NumPy.

use std::fs;

use livegate::engine::weights::{
    Fetched, LIVENESS, Mode, PORTRAIT, Progress, YUNET, fetch, missing, verify,
};
use rten::{Model, Value};

use crate::support::models::models;

struct NoSteps;

impl Progress for NoSteps {
    fn step(&self, what: &str) {
        panic!("a complete folder needs no step, but: {what}");
    }
}

#[test]
fn the_folder_is_complete_and_right() {
    let models = models();
    assert!(missing(&models).is_empty());
    for state in verify(&models) {
        assert!(state.result.is_ok(), "{state:?}");
    }
    for mode in [Mode::Offline, Mode::Online] {
        assert_eq!(fetch(&models, mode, &NoSteps).unwrap(), Fetched::default());
    }
}

#[test]
fn the_portrait_can_be_decoded() {
    let portrait = image::open(models().join(PORTRAIT)).unwrap();
    assert_eq!((portrait.width(), portrait.height()), (512, 512));
}

#[test]
fn the_anti_spoofing_network_gives_its_golden_vector() {
    let outputs = run(LIVENESS, [1, 3, 128, 128], 1);
    near(&outputs[0], &[2.5638, 1.9772, -4.5410], 1e-4);
}

#[test]
fn the_detector_answers_as_its_quantised_original_at_any_size() {
    // Of the outputs cls, obj, bbox, kps at strides 8, 16, 32: the first and the last number.
    let square: [[f32; 2]; 12] = [
        [0.654_972_3, 0.548_005_7],
        [0.544_485_3, 0.488_427_07],
        [0.579_039_45, 0.551_110_2],
        [2.682_209e-7, 2.980_232_2e-7],
        [1.671_910_3e-5, 1.513_958e-5],
        [5.659_461e-5, 3.615_021_7e-5],
        [0.208_000_06, 0.943_605_36],
        [0.438_722_3, 0.007_160_142],
        [1.407_767_9, 1.494_220_9],
        [-0.204_678_7, 0.792_770_86],
        [0.210_191_8, 0.541_697_5],
        [-0.261_021_8, 1.097_624],
    ];
    let narrow: [[f32; 2]; 12] = [
        [0.598_32, 0.543_940_2],
        [0.532_146_93, 0.504_437_9],
        [0.591_294_8, 0.565_661_7],
        [2.682_209e-7, 2.026_558e-6],
        [1.326_203_3e-5, 2.557_039_3e-5],
        [1.007_318_5e-5, 8.267_164e-5],
        [0.330_638_44, 0.905_618_97],
        [0.465_453_33, -0.043_970_466],
        [1.302_067_2, 1.530_555_4],
        [0.071_653_53, 0.754_926_56],
        [0.212_069_26, 0.484_451_26],
        [-0.354_867_1, 1.563_241_5],
    ];
    let mut cells = [1600, 400, 100].into_iter().cycle();
    for (width, expected) in [(320, square), (256, narrow)] {
        let outputs = run(YUNET, [1, 3, 320, width], 12);
        for (output, expected) in outputs.iter().zip(expected) {
            let cells = cells.next().unwrap() * width / 320;
            assert_eq!(output.len() % cells, 0);
            near(&[output[0], output[output.len() - 1]], &expected, 5e-6);
        }
    }
}

/// The outputs for an input that anyone can make: `x[k] = k * 7919 mod 1000 / 1000 * 255`.
fn run(file: &str, shape: [usize; 4], outputs: usize) -> Vec<Vec<f32>> {
    let model = Model::load(fs::read(models().join(file)).unwrap()).unwrap();
    assert_eq!(
        (model.input_ids().len(), model.output_ids().len()),
        (1, outputs)
    );
    let input = (0..shape.iter().product())
        .map(|k: usize| (k * 7919 % 1000) as f32 / 1000.0 * 255.0)
        .collect::<Vec<_>>();
    let input = Value::from_shape(&shape, input).unwrap();
    let values = model.run(
        vec![(model.input_ids()[0], input.into())],
        model.output_ids(),
        None,
    );
    let numbers = |value: Value| value.into_tensor::<f32>().unwrap().into_data();
    values.unwrap().into_iter().map(numbers).collect()
}

fn near(found: &[f32], expected: &[f32], tolerance: f32) {
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(expected) {
        assert!(
            (found - expected).abs() <= tolerance,
            "{found} instead of {expected}"
        );
    }
}
