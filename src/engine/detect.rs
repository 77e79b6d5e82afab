//! Finds faces and their five points with YuNet (2023mar).
//!
//! The network sees the picture shrunk to 320 pixels on its longer side and answers on three grids of 8, 16 and 32
//! pixels: for each cell two scores, a box and five points, all relative to the cell.

use image::{RgbImage, imageops};

use super::network::{Network, NetworkError};
use super::tensor;
use crate::canonical::Orientation;

/// The longer side of what the network sees, pixels.
const LONGEST: u32 = 320;
/// Both sides of what the network sees are multiples of its coarsest grid.
const GRAIN: usize = 32;
/// Cells per side of the grids, in the order of the network's outputs.
const STRIDES: [usize; 3] = [8, 16, 32];
/// Faces that the network is less sure of are no faces, 0..1.
const SURE: f32 = 0.6;
/// Of an upright face the network is at least this sure, of one on its side hardly ever, 0..1.
const UPRIGHT: f32 = 0.85;
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

/// The faces of a picture and how it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// Where the tops of the heads point in the picture as it is. A picture that does not stand upright must be turned by
    /// [`turn_upright`].
    pub orientation: Orientation,
    /// Largest first, in pixels of the upright picture. Empty if there is no face.
    pub faces: Vec<Face>,
}

/// Finds the faces of a picture, in whichever orientation the network is surest of its largest face.
///
/// The network finds faces that lie on their side too, but less surely, and draws their points as if they stood upright,
/// so the points do not tell. The other orientations are tried only if the first leaves a doubt.
///
/// # Errors
///
/// If the network fails or is not the one described here.
pub fn find_faces(network: &dyn Network, picture: &RgbImage) -> Result<Found, NetworkError> {
    let small = tensor::shrink(picture, LONGEST);
    let zoom =
        picture.width().max(picture.height()) as f32 / small.width().max(small.height()) as f32;
    let mut best = Found {
        orientation: Orientation::Up,
        faces: find_upright_faces(network, &small)?,
    };
    if best.sureness() < UPRIGHT {
        for orientation in [Orientation::Left, Orientation::Down, Orientation::Right] {
            let turned = turn_upright(small.clone(), orientation);
            let found = Found {
                orientation,
                faces: find_upright_faces(network, &turned)?,
            };
            if found.sureness() > best.sureness() {
                best = found;
            }
        }
    }
    for face in &mut best.faces {
        *face = face.zoomed(zoom);
    }
    Ok(best)
}

/// Turns a picture in which the tops of the heads point to `orientation`.
#[must_use]
pub fn turn_upright(picture: RgbImage, orientation: Orientation) -> RgbImage {
    match orientation {
        Orientation::Up => picture,
        Orientation::Left => imageops::rotate90(&picture),
        Orientation::Down => imageops::rotate180(&picture),
        Orientation::Right => imageops::rotate270(&picture),
    }
}

/// Largest first, in pixels of `picture`, which must not be larger than the network's input.
fn find_upright_faces(
    network: &dyn Network,
    picture: &RgbImage,
) -> Result<Vec<Face>, NetworkError> {
    let width = (picture.width() as usize).next_multiple_of(GRAIN);
    let height = (picture.height() as usize).next_multiple_of(GRAIN);
    let input = tensor::letterbox(picture, width, height);
    let outputs = network.run([1, 3, height, width], input)?;
    let mut faces = candidates(&outputs, width, height)?;
    faces.sort_by(|a, b| b.score.total_cmp(&a.score));
    let mut faces = without_doubles(faces);
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

// === impl Found ===

impl Found {
    /// How sure the network is of the largest face, 0..1.
    fn sureness(&self) -> f32 {
        self.faces.first().map_or(0.0, |face| face.score)
    }
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

    fn zoomed(&self, zoom: f32) -> Self {
        Self {
            left: self.left * zoom,
            top: self.top * zoom,
            width: self.width * zoom,
            height: self.height * zoom,
            score: self.score,
            points: self.points.map(|point| point.map(|along| along * zoom)),
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Answers for an input of 32 x 32: 16, 4 and 1 cells.
    struct Scripted(Vec<Vec<f32>>);

    impl Network for Scripted {
        fn run(&self, shape: [usize; 4], _: Vec<f32>) -> Result<Vec<Vec<f32>>, NetworkError> {
            assert_eq!(shape, [1, 3, 32, 32]);
            Ok(self.0.clone())
        }
    }

    /// Sure of nothing.
    fn silence() -> Vec<Vec<f32>> {
        [1, 1, 4, 10]
            .into_iter()
            .flat_map(|each| [16, 4, 1].map(|cells| vec![0.0; cells * each]))
            .collect()
    }

    /// Sees a face in the last cell of the grid of 16 pixels.
    fn one_face() -> Vec<Vec<f32>> {
        let mut outputs = silence();
        outputs[1][3] = 1.5;
        outputs[4][3] = 0.81;
        outputs[7][12..].copy_from_slice(&[0.5, 0.25, 0.0, std::f32::consts::LN_2]);
        outputs[10][30..].copy_from_slice(&[0.0, 0.0, 0.5, 0.5, 1.0, 1.0, -1.0, 0.0, 0.0, -1.0]);
        outputs
    }

    fn found(outputs: Vec<Vec<f32>>, side: u32) -> Result<Found, NetworkError> {
        find_faces(&Scripted(outputs), &RgbImage::new(side, side))
    }

    fn face(left: f32, score: f32) -> Face {
        Face {
            left,
            top: 0.0,
            width: 10.0,
            height: 10.0,
            score,
            points: [[0.0; 2]; 5],
        }
    }

    #[test]
    fn a_cell_is_read_as_the_network_means_it() {
        let found = found(one_face(), 32).expect("runs");
        assert_eq!(found.orientation, Orientation::Up);
        let [face] = found.faces.as_slice() else {
            panic!("one face: {found:?}")
        };
        // Cell 3 of a grid of two columns: column 1, row 1. The class is clamped to 1.
        assert!((face.score - 0.9).abs() < 1e-6);
        let bounds = [face.left, face.top, face.width, face.height];
        for (side, expected) in bounds.into_iter().zip([16.0, 4.0, 16.0, 32.0]) {
            assert!((side - expected).abs() < 1e-4, "{bounds:?}");
        }
        assert_eq!(
            face.points,
            [
                [16.0, 16.0],
                [24.0, 24.0],
                [32.0, 32.0],
                [0.0, 16.0],
                [16.0, 0.0]
            ]
        );
    }

    #[test]
    fn nothing_is_no_face() {
        assert_eq!(found(silence(), 20).expect("runs").faces, []);
    }

    #[test]
    fn another_shape_is_no_answer() {
        let mut short = one_face();
        short.pop();
        let mut narrow = one_face();
        narrow[9].pop();
        let mut infinite = one_face();
        infinite[7][15] = 1e6;
        assert!(matches!(found(short, 32), Err(NetworkError::Shape)));
        assert!(matches!(found(narrow, 32), Err(NetworkError::Shape)));
        assert!(matches!(found(infinite, 32), Err(NetworkError::NotANumber)));
    }

    #[test]
    fn of_boxes_that_overlap_the_surest_stays() {
        // 10 wide: 5 apart they share a third of their union, 6 apart a quarter.
        let faces = vec![
            face(0.0, 0.9),
            face(5.0, 0.8),
            face(6.0, 0.7),
            face(40.0, 0.6),
        ];
        let kept: Vec<f32> = without_doubles(faces)
            .iter()
            .map(|face| face.left)
            .collect();
        assert_eq!(kept, [0.0, 6.0, 40.0]);
    }
}
