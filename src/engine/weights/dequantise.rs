//! Turns an ONNX file with 8-bit block-quantised weights into one with 32-bit weights.
//!
//! No Rust runtime reads the blocked form of `DequantizeLinear` (opset 21). Its inputs are constants, so it is computed
//! here once, and the plain graph that remains is older than the feature (opset 13). The file is four times larger and
//! its answers are the same: `(x - zero point) * scale` is the very arithmetic of the operator.

use std::collections::{HashMap, HashSet};

use prost::Message;

use super::onnx::{
    Attribute, Dimension, Graph, Model, Node, OperatorSet, Shape, Tensor, ValueInfo, element,
};

/// One dimension of a network's input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dim {
    /// Always this many.
    Fixed(i64),
    /// Whatever the caller brings; the name is for people.
    Any(&'static str),
}

/// Why a file could not be converted. It has passed its hash by then, so this is a mistake of the pinned table.
#[derive(Debug, thiserror::Error)]
pub enum DequantiseError {
    /// Not a protobuf message of that shape.
    #[error("not an onnx file")]
    Decode(#[from] prost::DecodeError),
    /// The graph breaks a rule that the conversion relies on.
    #[error("{0}")]
    Graph(String),
}

/// Converts a file. The graph's only input gets the shape `input`; the same bytes in give the same bytes out.
pub fn dequantise(onnx: &[u8], input: &[Dim]) -> Result<Vec<u8>, DequantiseError> {
    let mut model = Model::decode(onnx)?;
    let graph = model
        .graph
        .as_mut()
        .ok_or_else(|| DequantiseError::Graph("the file has no graph".to_owned()))?;
    fold(graph)?;
    shape(graph, input)?;
    model.ir_version = 8;
    model.opset_import = vec![OperatorSet {
        domain: String::new(),
        version: 13,
    }];
    Ok(model.encode_to_vec())
}

/// Computes what is constant, and drops what nobody reads afterwards.
fn fold(graph: &mut Graph) -> Result<(), DequantiseError> {
    let mut order: Vec<String> = Vec::new();
    let mut constants: HashMap<String, Tensor> = HashMap::new();
    for tensor in graph.initializer.drain(..) {
        order.push(tensor.name.clone());
        constants.insert(tensor.name.clone(), tensor);
    }
    let mut nodes = Vec::new();
    for mut node in graph.node.drain(..) {
        match folded(&node, &constants)? {
            Some(tensor) => {
                order.push(tensor.name.clone());
                constants.insert(tensor.name.clone(), tensor);
            }
            None => {
                if node.op_type == "Dropout" {
                    // It passes its input on outside training; as `Identity` it needs no random numbers to load.
                    node.op_type = "Identity".to_owned();
                    node.input.truncate(1);
                    node.output.truncate(1);
                    node.attribute.clear();
                }
                nodes.push(node);
            }
        }
    }
    graph.node = nodes;

    let read: HashSet<&str> = graph
        .node
        .iter()
        .flat_map(|node| node.input.iter().map(String::as_str))
        .collect();
    // Graphs written before IR version 4 list weights among the inputs, even those that quantisation has replaced.
    graph
        .input
        .retain(|i| read.contains(i.name.as_str()) && !constants.contains_key(&i.name));
    graph.initializer = order
        .iter()
        .filter(|name| read.contains(name.as_str()))
        .filter_map(|name| constants.remove(name))
        .collect();
    Ok(())
}

/// What a node computes, if it is a dequantisation, or a reshape, of constants.
fn folded(
    node: &Node,
    constants: &HashMap<String, Tensor>,
) -> Result<Option<Tensor>, DequantiseError> {
    let Some(inputs) = node
        .input
        .iter()
        .map(|name| constants.get(name))
        .collect::<Option<Vec<_>>>()
    else {
        return Ok(None);
    };
    let tensor = match (node.op_type.as_str(), inputs.as_slice()) {
        ("DequantizeLinear", [x, scale]) => dequantised(node, x, scale, None)?,
        ("DequantizeLinear", [x, scale, zero]) => dequantised(node, x, scale, Some(zero))?,
        ("Reshape", [x, shape]) => Tensor {
            dims: reshaped(node, x, shape)?,
            ..(*x).clone()
        },
        _ => return Ok(None),
    };
    let name = node
        .output
        .first()
        .ok_or_else(|| broken(node, "has no output"))?;
    Ok(Some(Tensor {
        name: name.clone(),
        ..tensor
    }))
}

fn dequantised(
    node: &Node,
    x: &Tensor,
    scale: &Tensor,
    zero: Option<&Tensor>,
) -> Result<Tensor, DequantiseError> {
    let values = int8s(node, x)?;
    let scales = floats(node, scale)?;
    let zeros = match zero {
        Some(zero) => int8s(node, zero)?,
        None => vec![0; scales.len()],
    };
    let steps = Steps::of(node, x, scales.len())?;
    let raw = values
        .iter()
        .enumerate()
        .map(|(i, &value)| {
            let step = steps.scale_of(i);
            let (scale, zero) = scales.get(step).zip(zeros.get(step))?;
            Some((f32::from(value) - f32::from(*zero)) * scale)
        })
        .collect::<Option<Vec<f32>>>()
        .ok_or_else(|| {
            broken(
                node,
                "has fewer scales or zero points than its weights need",
            )
        })?
        .into_iter()
        .flat_map(f32::to_le_bytes)
        .collect();
    Ok(Tensor {
        dims: x.dims.clone(),
        data_type: element::FLOAT,
        raw_data: Some(raw),
        ..Tensor::default()
    })
}

/// Which scale belongs to which weight. `axis` is the axis' length, `inner` the distance of two neighbours on it.
enum Steps {
    One,
    PerIndex {
        axis: usize,
        inner: usize,
    },
    PerBlock {
        axis: usize,
        inner: usize,
        block: usize,
    },
}

// === impl Steps ===

impl Steps {
    fn of(node: &Node, x: &Tensor, scales: usize) -> Result<Self, DequantiseError> {
        if scales == 1 {
            return Ok(Self::One);
        }
        let no_axis = || broken(node, "quantises along an axis that its weights lack");
        let rank = x.dims.len() as i64;
        let axis = attribute(node, "axis").unwrap_or(1);
        let axis =
            usize::try_from(if axis < 0 { axis + rank } else { axis }).map_err(|_| no_axis())?;
        let length = x.dims.get(axis).ok_or_else(no_axis)?;
        let after = x.dims.get(axis + 1..).ok_or_else(no_axis)?;
        let (axis, inner) = (count(node, &[*length])?, count(node, after)?);
        let block = attribute(node, "block_size").unwrap_or(0);
        Ok(match usize::try_from(block) {
            Ok(block) if block > 0 => Self::PerBlock { axis, inner, block },
            Ok(_) | Err(_) => Self::PerIndex { axis, inner },
        })
    }

    /// The index of the scale of weight `i`.
    fn scale_of(&self, i: usize) -> usize {
        match *self {
            Self::One => 0,
            Self::PerIndex { axis, inner } => i / inner % axis,
            Self::PerBlock { axis, inner, block } => {
                let outer = i / inner / axis;
                let along = i / inner % axis / block;
                (outer * axis.div_ceil(block) + along) * inner + i % inner
            }
        }
    }
}

/// The shape that a reshape of constants asks for. The files spell it out: no `0` (as before) or `-1` (the rest).
fn reshaped(node: &Node, x: &Tensor, shape: &Tensor) -> Result<Vec<i64>, DequantiseError> {
    let dims = int64s(node, shape)?;
    if count(node, &dims)? == count(node, &x.dims)? {
        Ok(dims)
    } else {
        Err(broken(node, "reshapes to another number of weights"))
    }
}

/// Gives the input its shape. The outputs keep their rank only: their dimensions follow from the input's.
fn shape(graph: &mut Graph, input: &[Dim]) -> Result<(), DequantiseError> {
    let [only] = graph.input.as_mut_slice() else {
        return Err(DequantiseError::Graph(format!(
            "the graph has {} inputs instead of one",
            graph.input.len()
        )));
    };
    if let Some(shape) = shape_of(only) {
        shape.dim = input.iter().map(dimension).collect();
    }
    for output in &mut graph.output {
        if let Some(shape) = shape_of(output) {
            shape.dim.fill(Dimension::default());
        }
    }
    Ok(())
}

fn shape_of(value: &mut ValueInfo) -> Option<&mut Shape> {
    value.r#type.as_mut()?.tensor.as_mut()?.shape.as_mut()
}

fn dimension(dim: &Dim) -> Dimension {
    match *dim {
        Dim::Fixed(value) => Dimension {
            value: Some(value),
            param: None,
        },
        Dim::Any(name) => Dimension {
            value: None,
            param: Some(name.to_owned()),
        },
    }
}

fn attribute(node: &Node, name: &str) -> Option<i64> {
    let named = |a: &&Attribute| a.name == name;
    node.attribute.iter().find(named).and_then(|a| a.i)
}

fn int8s(node: &Node, tensor: &Tensor) -> Result<Vec<i8>, DequantiseError> {
    elements(node, tensor, element::INT8, i8::from_le_bytes)
}

fn floats(node: &Node, tensor: &Tensor) -> Result<Vec<f32>, DequantiseError> {
    elements(node, tensor, element::FLOAT, f32::from_le_bytes)
}

fn int64s(node: &Node, tensor: &Tensor) -> Result<Vec<i64>, DequantiseError> {
    elements(node, tensor, element::INT64, i64::from_le_bytes)
}

/// The elements of a tensor of `data_type`, which the files keep as raw little-endian bytes.
fn elements<T, const N: usize>(
    node: &Node,
    tensor: &Tensor,
    data_type: i32,
    read: fn([u8; N]) -> T,
) -> Result<Vec<T>, DequantiseError> {
    let raw = tensor
        .raw_data
        .as_ref()
        .filter(|_| tensor.data_type == data_type)
        .ok_or_else(|| broken(node, "has an operand of an unexpected element type"))?;
    let (chunks, rest) = raw.as_chunks::<N>();
    if chunks.len() != count(node, &tensor.dims)? || !rest.is_empty() {
        return Err(broken(node, "has an operand whose shape and data disagree"));
    }
    Ok(chunks.iter().map(|chunk| read(*chunk)).collect())
}

/// The number of elements of a shape; none of its dimensions may be empty or unknown.
fn count(node: &Node, dims: &[i64]) -> Result<usize, DequantiseError> {
    dims.iter()
        .map(|&dim| usize::try_from(dim).ok().filter(|&dim| dim > 0))
        .try_fold(1_usize, |product, dim| product.checked_mul(dim?))
        .ok_or_else(|| broken(node, "has an operand with an empty, unknown or huge shape"))
}

fn broken(node: &Node, what: &str) -> DequantiseError {
    DequantiseError::Graph(format!("node {:?} {what}", node.name))
}

#[cfg(test)]
#[path = "dequantise_tests.rs"]
mod tests;
