//! Finds faces and their five points with YuNet (2023mar).
//!
//! The network sees the picture shrunk to 320 pixels on its longer side and answers on three grids of 8, 16 and 32
//! pixels: for each cell two scores, a box and five points, all relative to the cell.

use image::RgbImage;

use super::network::{Network, NetworkError};
use super::tensor;

/// The longer side of what the network sees, pixels.
const LONGEST: u32 = 320;
/// Both sides of what the network sees are multiples of its coarsest grid.
const GRAIN: usize = 32;
/// Cells per side of the grids, in the order of the network's outputs.
const STRIDES: [usize; 3] = [8, 16, 32];
/// Faces that the network is less sure of are no faces, 0..1.
const SURE: f32 = 0.6;
/// Boxes that share more of their union than this are one face, 0..1.
const SAME_FACE: f32 = 0.3;

/// A face, in pixels of the picture; may reach beyond its edges.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Face {
    /// Left edge of the box.
    pub left: f32,
    /// Top edge of the box.
    pub top: f32,
    /// Width of the box.
    pub width: f32,
    /// Height of the box.
    pub height: f32,
    /// How sure the network is, 0..1.
    pub score: f32,
    /// x and y of the two eyes, the nose tip and the two corners of the mouth; of each pair the left one in the picture
    /// of an upright face first.
    pub points: [[f32; 2]; 5],
}

/// Finds the faces of a picture, largest first.
///
/// # Errors
///
/// If the network fails or is not the one described here.
pub fn find_faces(network: &dyn Network, picture: &RgbImage) -> Result<Vec<Face>, NetworkError> {
    let small = tensor::shrink(picture, LONGEST);
    let width = (small.width() as usize).next_multiple_of(GRAIN);
    let height = (small.height() as usize).next_multiple_of(GRAIN);
    let input = tensor::letterbox(&small, width, height);
    let outputs = network.run([1, 3, height, width], input)?;

    let mut faces = candidates(&outputs, width, height)?;
    faces.sort_by(|a, b| b.score.total_cmp(&a.score));
    let mut faces = without_doubles(faces);
    let zoom = [
        picture.width() as f32 / small.width() as f32,
        picture.height() as f32 / small.height() as f32,
    ];
    for face in &mut faces {
        *face = face.zoomed(zoom);
    }
    faces.sort_by(|a, b| b.area().total_cmp(&a.area()));
    Ok(faces)
}

/// Every cell that is sure of a face, in pixels of the network's input.
fn candidates(
    outputs: &[Vec<f32>],
    width: usize,
    height: usize,
) -> Result<Vec<Face>, NetworkError> {
    let [classes, objects, boxes, points] = outputs.as_chunks::<3>().0 else {
        return Err(NetworkError::Shape);
    };
    let mut faces = Vec::new();
    for (index, stride) in STRIDES.into_iter().enumerate() {
        let columns = width / stride;
        let cells = columns * (height / stride);
        let (classes, objects) = (&classes[index], &objects[index]);
        let boxes = boxes[index].as_chunks::<4>().0;
        let points = points[index].as_chunks::<10>().0;
        if [classes.len(), objects.len(), boxes.len(), points.len()] != [cells; 4] {
            return Err(NetworkError::Shape);
        }
        let scores = classes.iter().zip(objects);
        let places = boxes.iter().zip(points);
        for (cell, ((class, object), (bounds, points))) in scores.zip(places).enumerate() {
            let score = (class.clamp(0.0, 1.0) * object.clamp(0.0, 1.0)).sqrt();
            if score >= SURE {
                let corner = [(cell % columns) as f32, (cell / columns) as f32];
                let face = Face::at(corner, stride as f32, score, *bounds, *points);
                // The sizes are exponents: a finite output can still mean no size at all.
                if !face.area().is_finite() {
                    return Err(NetworkError::NotANumber);
                }
                faces.push(face);
            }
        }
    }
    Ok(faces)
}

/// Of boxes that overlap, the one of which the network is surest. `faces` come surest first.
fn without_doubles(faces: Vec<Face>) -> Vec<Face> {
    let mut kept: Vec<Face> = Vec::new();
    for face in faces {
        if kept.iter().all(|other| face.overlap(other) <= SAME_FACE) {
            kept.push(face);
        }
    }
    kept
}

// === impl Face ===

impl Face {
    /// Reads what a cell says. `corner` is the cell's column and row.
    fn at(
        [column, row]: [f32; 2],
        stride: f32,
        score: f32,
        [x, y, w, h]: [f32; 4],
        points: [f32; 10],
    ) -> Self {
        let (width, height) = (w.exp() * stride, h.exp() * stride);
        let [x0, y0, x1, y1, x2, y2, x3, y3, x4, y4] = points;
        let points = [[x0, y0], [x1, y1], [x2, y2], [x3, y3], [x4, y4]];
        Self {
            left: (column + x) * stride - width / 2.0,
            top: (row + y) * stride - height / 2.0,
            width,
            height,
            score,
            points: points.map(|[x, y]| [(column + x) * stride, (row + y) * stride]),
        }
    }

    fn zoomed(&self, [x, y]: [f32; 2]) -> Self {
        Self {
            left: self.left * x,
            top: self.top * y,
            width: self.width * x,
            height: self.height * y,
            score: self.score,
            points: self.points.map(|point| [point[0] * x, point[1] * y]),
        }
    }

    fn area(&self) -> f32 {
        self.width * self.height
    }

    /// Intersection over union, 0..1.
    fn overlap(&self, other: &Self) -> f32 {
        let shared = |start: f32, length: f32, other_start: f32, other_length: f32| {
            let end = (start + length).min(other_start + other_length);
            (end - start.max(other_start)).max(0.0)
        };
        let both = shared(self.left, self.width, other.left, other.width)
            * shared(self.top, self.height, other.top, other.height);
        both / (self.area() + other.area() - both)
    }
}
