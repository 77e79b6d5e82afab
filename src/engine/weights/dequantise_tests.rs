use super::super::onnx::{TensorType, Type};
use super::*;

fn tensor(name: &str, data_type: i32, dims: &[i64], raw: Vec<u8>) -> Tensor {
    Tensor {
        name: name.to_owned(),
        data_type,
        dims: dims.to_vec(),
        raw_data: Some(raw),
        ..Tensor::default()
    }
}

fn bytes(name: &str, dims: &[i64], values: &[i8]) -> Tensor {
    let raw = values.iter().flat_map(|v| v.to_le_bytes()).collect();
    tensor(name, element::INT8, dims, raw)
}

fn reals(name: &str, dims: &[i64], values: &[f32]) -> Tensor {
    let raw = values.iter().flat_map(|v| v.to_le_bytes()).collect();
    tensor(name, element::FLOAT, dims, raw)
}

fn longs(name: &str, values: &[i64]) -> Tensor {
    let raw = values.iter().flat_map(|v| v.to_le_bytes()).collect();
    tensor(name, element::INT64, &[values.len() as i64], raw)
}

fn node(op: &str, input: &[&str], output: &str, attributes: &[(&str, i64)]) -> Node {
    Node {
        name: format!("make_{output}"),
        op_type: op.to_owned(),
        input: input.iter().map(|&name| name.to_owned()).collect(),
        output: vec![output.to_owned()],
        attribute: attributes
            .iter()
            .map(|&(name, value)| Attribute {
                name: name.to_owned(),
                i: Some(value),
                r#type: 2,
                ..Attribute::default()
            })
            .collect(),
        domain: String::new(),
    }
}

fn value(name: &str, dims: &[i64]) -> ValueInfo {
    ValueInfo {
        name: name.to_owned(),
        r#type: Some(Type {
            tensor: Some(TensorType {
                elem_type: element::FLOAT,
                shape: Some(Shape {
                    dim: dims.iter().map(|&d| dimension(&Dim::Fixed(d))).collect(),
                }),
            }),
        }),
    }
}

/// A graph `y = x + w`, where `make` computes `w` from `constants`.
fn file(constants: Vec<Tensor>, make: Vec<Node>) -> Vec<u8> {
    let mut node = make;
    node.push(self::node("Add", &["x", "w"], "y", &[]));
    let mut input: Vec<_> = constants.iter().map(|c| value(&c.name, &c.dims)).collect();
    input.push(value("x", &[1, 8]));
    Model {
        ir_version: 6,
        opset_import: vec![],
        graph: Some(Graph {
            node,
            name: "tiny".to_owned(),
            initializer: constants,
            input,
            output: vec![value("y", &[1, 8])],
        }),
    }
    .encode_to_vec()
}

/// The one weight that is left, as numbers.
fn weight(onnx: &[u8]) -> (Vec<i64>, Vec<f32>) {
    let graph = Model::decode(onnx).unwrap().graph.unwrap();
    assert_eq!(graph.node.len(), 1, "only the addition is left");
    let [w] = graph.initializer.as_slice() else {
        panic!("one constant is left, not {}", graph.initializer.len());
    };
    assert_eq!(w.name, "w");
    (w.dims.clone(), floats(&graph.node[0], w).unwrap())
}

const ANY: &[Dim] = &[Dim::Fixed(1), Dim::Any("width")];

#[test]
fn one_scale_serves_all_weights() {
    let onnx = file(
        vec![
            bytes("q", &[4], &[-128, -1, 5, 127]),
            reals("s", &[1], &[0.5]),
            bytes("z", &[1], &[5]),
        ],
        vec![node(
            "DequantizeLinear",
            &["q", "s", "z"],
            "w",
            &[("axis", 0)],
        )],
    );
    let (dims, values) = weight(&dequantise(&onnx, ANY).unwrap());
    assert_eq!(dims, [4]);
    assert_eq!(values, [-66.5, -3.0, 0.0, 61.0]);
}

#[test]
fn a_scale_per_index_follows_the_axis() {
    let onnx = file(
        vec![
            bytes("q", &[2, 3], &[1, 2, 3, 4, 5, 6]),
            reals("s", &[3], &[1.0, 10.0, 100.0]),
        ],
        vec![node("DequantizeLinear", &["q", "s"], "w", &[("axis", -1)])],
    );
    let (_, values) = weight(&dequantise(&onnx, ANY).unwrap());
    assert_eq!(values, [1.0, 20.0, 300.0, 4.0, 50.0, 600.0]);

    let onnx = file(
        vec![
            bytes("q", &[2, 3], &[1, 2, 3, 4, 5, 6]),
            reals("s", &[2], &[1.0, 10.0]),
        ],
        vec![node("DequantizeLinear", &["q", "s"], "w", &[("axis", 0)])],
    );
    let (_, values) = weight(&dequantise(&onnx, ANY).unwrap());
    assert_eq!(values, [1.0, 2.0, 3.0, 40.0, 50.0, 60.0]);
}

#[test]
fn a_scale_per_block_follows_axis_and_block_and_the_reshape_is_folded() {
    // Two rows of five, in blocks of two: the last block is short.
    let onnx = file(
        vec![
            bytes("q", &[2, 5], &[1, 1, 1, 1, 1, 1, 1, 1, 1, 1]),
            reals("s", &[2, 3], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]),
            bytes("z", &[2, 3], &[0, 0, 0, 0, 0, 2]),
            longs("shape", &[1, 10]),
        ],
        vec![
            node(
                "DequantizeLinear",
                &["q", "s", "z"],
                "d",
                &[("axis", 1), ("block_size", 2)],
            ),
            node("Reshape", &["d", "shape"], "w", &[]),
        ],
    );
    let (dims, values) = weight(&dequantise(&onnx, ANY).unwrap());
    assert_eq!(dims, [1, 10]);
    assert_eq!(values, [1.0, 1.0, 2.0, 2.0, 3.0, 4.0, 4.0, 5.0, 5.0, -6.0]);

    // Blocks along the first axis: neighbours in memory have different scales.
    let onnx = file(
        vec![
            bytes("q", &[4, 2], &[1; 8]),
            reals("s", &[2, 2], &[1.0, 2.0, 3.0, 4.0]),
        ],
        vec![node(
            "DequantizeLinear",
            &["q", "s"],
            "w",
            &[("axis", 0), ("block_size", 2)],
        )],
    );
    let (_, values) = weight(&dequantise(&onnx, ANY).unwrap());
    assert_eq!(values, [1.0, 2.0, 1.0, 2.0, 3.0, 4.0, 3.0, 4.0]);
}

#[test]
fn weights_are_no_inputs_and_the_input_has_the_shape_asked_for() {
    let onnx = file(
        vec![reals("w", &[1], &[1.0]), reals("unread", &[1], &[1.0])],
        vec![],
    );
    let model = Model::decode(dequantise(&onnx, ANY).unwrap().as_slice()).unwrap();
    assert_eq!((model.ir_version, model.opset_import[0].version), (8, 13));
    let graph = model.graph.unwrap();
    let names = |values: &[ValueInfo]| values.iter().map(|v| v.name.clone()).collect::<Vec<_>>();
    assert_eq!(names(&graph.input), ["x"]);
    assert_eq!(graph.initializer.len(), 1, "what nobody reads is gone");
    let shape = |value: &ValueInfo| value.r#type.clone().unwrap().tensor.unwrap().shape;
    assert_eq!(
        shape(&graph.input[0]).unwrap().dim,
        [dimension(&Dim::Fixed(1)), dimension(&Dim::Any("width"))]
    );
    assert_eq!(
        shape(&graph.output[0]).unwrap().dim,
        [Dimension::default(), Dimension::default()],
        "the output keeps its rank only"
    );
}

#[test]
fn dropout_passes_its_input_on() {
    let onnx = file(
        vec![reals("w", &[1], &[1.0]), reals("ratio", &[1], &[0.5])],
        vec![node("Dropout", &["x", "ratio"], "dropped", &[("seed", 1)])],
    );
    let graph = Model::decode(dequantise(&onnx, ANY).unwrap().as_slice())
        .unwrap()
        .graph
        .unwrap();
    assert_eq!(graph.node[0].op_type, "Identity");
    assert_eq!(graph.node[0].input, ["x"]);
    assert!(graph.node[0].attribute.is_empty());
}

#[test]
fn a_graph_that_cannot_be_converted_is_refused_by_name() {
    type Case<'a> = (Vec<Tensor>, &'a [(&'a str, i64)], &'a str);
    let q = || bytes("q", &[2, 2], &[1, 2, 3, 4]);
    let cases: [Case<'_>; 4] = [
        (
            vec![q(), reals("s", &[2], &[1.0, 2.0])],
            &[("axis", 7)],
            "axis",
        ),
        (
            vec![q(), reals("s", &[2], &[1.0, 2.0])],
            &[("axis", 1), ("block_size", 1)],
            "fewer scales",
        ),
        (vec![q(), bytes("s", &[1], &[1])], &[], "element type"),
        (
            vec![bytes("q", &[i64::MAX, 9], &[1]), reals("s", &[1], &[1.0])],
            &[],
            "huge shape",
        ),
    ];
    for (constants, attributes, expected) in cases {
        let onnx = file(
            constants,
            vec![node("DequantizeLinear", &["q", "s"], "w", attributes)],
        );
        let error = dequantise(&onnx, ANY).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
        assert!(error.contains("make_w"), "{error}");
    }
    assert!(matches!(
        dequantise(b"\xff\xff", ANY),
        Err(DequantiseError::Decode(_))
    ));
}

#[test]
fn lists_of_numbers_are_written_one_by_one() {
    // Field 8 of an attribute and field 1 of a tensor, wire type 0: the runtime refuses the packed form, wire type 2.
    let attribute = Attribute {
        ints: vec![1, 2],
        ..Attribute::default()
    };
    assert_eq!(attribute.encode_to_vec(), [8 << 3, 1, 8 << 3, 2]);
    let tensor = Tensor {
        dims: vec![3, 4],
        ..Tensor::default()
    };
    assert_eq!(tensor.encode_to_vec(), [1 << 3, 3, 1 << 3, 4]);
}
