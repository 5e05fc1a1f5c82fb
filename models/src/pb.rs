//! ONNX as protocol buffers: the messages and fields of `onnx.proto3` (IR version 8) that a model of ours can have.
//!
//! Names and tags are the standard's, <https://github.com/onnx/onnx/blob/main/onnx/onnx.proto3>, which also says what each
//! means. What is not here (training, functions, sparse tensors, graphs inside nodes) is passed over when a file is read.

use prost::{Enumeration, Message, Oneof};

/// A model file.
#[derive(Clone, PartialEq, Message)]
pub struct ModelProto {
    /// Version of the intermediate representation.
    #[prost(int64, tag = "1")]
    pub ir_version: i64,
    /// The program that wrote it.
    #[prost(string, tag = "2")]
    pub producer_name: String,
    /// That program's version.
    #[prost(string, tag = "3")]
    pub producer_version: String,
    /// Name space of the model.
    #[prost(string, tag = "4")]
    pub domain: String,
    /// The model's own version.
    #[prost(int64, tag = "5")]
    pub model_version: i64,
    /// A remark.
    #[prost(string, tag = "6")]
    pub doc_string: String,
    /// What is computed.
    #[prost(message, optional, tag = "7")]
    pub graph: Option<GraphProto>,
    /// The operator sets its nodes are from.
    #[prost(message, repeated, tag = "8")]
    pub opset_import: Vec<OperatorSetIdProto>,
    /// Properties by name; the model's card among them.
    #[prost(message, repeated, tag = "14")]
    pub metadata_props: Vec<StringStringEntryProto>,
}

/// A graph: nodes in order of computation, and the tensors stored with them.
#[derive(Clone, PartialEq, Message)]
pub struct GraphProto {
    /// In order of computation.
    #[prost(message, repeated, tag = "1")]
    pub node: Vec<NodeProto>,
    /// The graph's name.
    #[prost(string, tag = "2")]
    pub name: String,
    /// Stored tensors.
    #[prost(message, repeated, tag = "5")]
    pub initializer: Vec<TensorProto>,
    /// A remark.
    #[prost(string, tag = "10")]
    pub doc_string: String,
    /// What goes in.
    #[prost(message, repeated, tag = "11")]
    pub input: Vec<ValueInfoProto>,
    /// What comes out.
    #[prost(message, repeated, tag = "12")]
    pub output: Vec<ValueInfoProto>,
    /// Types of values in between.
    #[prost(message, repeated, tag = "13")]
    pub value_info: Vec<ValueInfoProto>,
}

/// One operator at work.
#[derive(Clone, PartialEq, Message)]
pub struct NodeProto {
    /// Names of the values it reads; an empty one is left out.
    #[prost(string, repeated, tag = "1")]
    pub input: Vec<String>,
    /// Names of the values it makes.
    #[prost(string, repeated, tag = "2")]
    pub output: Vec<String>,
    /// The node's name.
    #[prost(string, tag = "3")]
    pub name: String,
    /// The operator.
    #[prost(string, tag = "4")]
    pub op_type: String,
    /// What else it needs to know.
    #[prost(message, repeated, tag = "5")]
    pub attribute: Vec<AttributeProto>,
    /// A remark.
    #[prost(string, tag = "6")]
    pub doc_string: String,
    /// The operator's name space; empty for ONNX's own.
    #[prost(string, tag = "7")]
    pub domain: String,
}

/// A named setting of a node.
#[derive(Clone, PartialEq, Message)]
pub struct AttributeProto {
    /// The setting's name.
    #[prost(string, tag = "1")]
    pub name: String,
    /// A float.
    #[prost(float, tag = "2")]
    pub f: f32,
    /// A whole number.
    #[prost(int64, tag = "3")]
    pub i: i64,
    /// A text.
    #[prost(bytes = "vec", tag = "4")]
    pub s: Vec<u8>,
    /// Floats.
    #[prost(float, repeated, tag = "7")]
    pub floats: Vec<f32>,
    /// Whole numbers.
    #[prost(int64, repeated, tag = "8")]
    pub ints: Vec<i64>,
    /// Which of them it is.
    #[prost(enumeration = "attribute_proto::AttributeType", tag = "20")]
    pub r#type: i32,
}

/// What belongs to [`AttributeProto`].
pub mod attribute_proto {
    use super::Enumeration;

    /// The kind of an attribute.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Enumeration)]
    #[repr(i32)]
    pub enum AttributeType {
        /// Not said.
        Undefined = 0,
        /// One float.
        Float = 1,
        /// One whole number.
        Int = 2,
        /// One text.
        String = 3,
        /// Several floats.
        Floats = 6,
        /// Several whole numbers.
        Ints = 7,
    }
}

/// A value's name and type.
#[derive(Clone, PartialEq, Message)]
pub struct ValueInfoProto {
    /// The value's name.
    #[prost(string, tag = "1")]
    pub name: String,
    /// Its type.
    #[prost(message, optional, tag = "2")]
    pub r#type: Option<TypeProto>,
    /// A remark.
    #[prost(string, tag = "3")]
    pub doc_string: String,
}

/// A stored tensor.
#[derive(Clone, PartialEq, Message)]
pub struct TensorProto {
    /// Its shape; a scalar has none.
    #[prost(int64, repeated, tag = "1")]
    pub dims: Vec<i64>,
    /// A [`tensor_proto::DataType`].
    #[prost(int32, tag = "2")]
    pub data_type: i32,
    /// Float32 numbers, where `raw_data` is empty.
    #[prost(float, repeated, tag = "4")]
    pub float_data: Vec<f32>,
    /// Whole numbers of up to 32 bits, where `raw_data` is empty.
    #[prost(int32, repeated, tag = "5")]
    pub int32_data: Vec<i32>,
    /// Whole numbers of 64 bits, where `raw_data` is empty.
    #[prost(int64, repeated, tag = "7")]
    pub int64_data: Vec<i64>,
    /// The tensor's name.
    #[prost(string, tag = "8")]
    pub name: String,
    /// The numbers, little-endian, row-major.
    #[prost(bytes = "vec", tag = "9")]
    pub raw_data: Vec<u8>,
    /// A remark.
    #[prost(string, tag = "12")]
    pub doc_string: String,
    /// Where the numbers are if they are in another file.
    #[prost(message, repeated, tag = "13")]
    pub external_data: Vec<StringStringEntryProto>,
    /// Whether they are in another file.
    #[prost(enumeration = "tensor_proto::DataLocation", optional, tag = "14")]
    pub data_location: Option<i32>,
}

/// What belongs to [`TensorProto`].
pub mod tensor_proto {
    use super::Enumeration;

    /// The kind of a tensor's numbers.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Enumeration)]
    #[repr(i32)]
    pub enum DataType {
        /// Not said.
        Undefined = 0,
        /// float32.
        Float = 1,
        /// uint8.
        Uint8 = 2,
        /// int8.
        Int8 = 3,
        /// uint16.
        Uint16 = 4,
        /// int16.
        Int16 = 5,
        /// int32.
        Int32 = 6,
        /// int64.
        Int64 = 7,
        /// Text.
        String = 8,
        /// Boolean.
        Bool = 9,
        /// float16.
        Float16 = 10,
        /// float64.
        Double = 11,
        /// uint32.
        Uint32 = 12,
        /// uint64.
        Uint64 = 13,
        /// Complex of two float32.
        Complex64 = 14,
        /// Complex of two float64.
        Complex128 = 15,
        /// bfloat16.
        Bfloat16 = 16,
    }

    /// Where a tensor's numbers are.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Enumeration)]
    #[repr(i32)]
    pub enum DataLocation {
        /// In the message itself.
        Default = 0,
        /// In another file.
        External = 1,
    }
}

/// A key and its value.
#[derive(Clone, PartialEq, Eq, Hash, Message)]
pub struct StringStringEntryProto {
    /// The key.
    #[prost(string, tag = "1")]
    pub key: String,
    /// The value.
    #[prost(string, tag = "2")]
    pub value: String,
}

/// An operator set and its version.
#[derive(Clone, PartialEq, Eq, Hash, Message)]
pub struct OperatorSetIdProto {
    /// Name space; empty for ONNX's own operators.
    #[prost(string, tag = "1")]
    pub domain: String,
    /// Version.
    #[prost(int64, tag = "2")]
    pub version: i64,
}

/// A tensor's shape.
#[derive(Clone, PartialEq, Eq, Hash, Message)]
pub struct TensorShapeProto {
    /// Its axes.
    #[prost(message, repeated, tag = "1")]
    pub dim: Vec<tensor_shape_proto::Dimension>,
}

/// What belongs to [`TensorShapeProto`].
pub mod tensor_shape_proto {
    use super::Message;

    /// One axis.
    #[derive(Clone, PartialEq, Eq, Hash, Message)]
    pub struct Dimension {
        /// Its length, if it is known.
        #[prost(oneof = "dimension::Value", tags = "1, 2")]
        pub value: Option<dimension::Value>,
        /// What it stands for.
        #[prost(string, tag = "3")]
        pub denotation: String,
    }

    /// What belongs to [`Dimension`].
    pub mod dimension {
        use super::super::Oneof;

        /// An axis' length.
        #[derive(Clone, PartialEq, Eq, Hash, Oneof)]
        pub enum Value {
            /// A number.
            #[prost(int64, tag = "1")]
            DimValue(i64),
            /// The name of a number that is not known yet.
            #[prost(string, tag = "2")]
            DimParam(String),
        }
    }
}

/// The type of a value.
#[derive(Clone, PartialEq, Eq, Hash, Message)]
pub struct TypeProto {
    /// What kind of value.
    #[prost(oneof = "type_proto::Value", tags = "1")]
    pub value: Option<type_proto::Value>,
    /// What it stands for.
    #[prost(string, tag = "6")]
    pub denotation: String,
}

/// What belongs to [`TypeProto`].
pub mod type_proto {
    use super::{Message, Oneof};

    /// A tensor's type.
    #[derive(Clone, PartialEq, Eq, Hash, Message)]
    pub struct Tensor {
        /// A [`super::tensor_proto::DataType`].
        #[prost(int32, tag = "1")]
        pub elem_type: i32,
        /// Its shape, if it is known.
        #[prost(message, optional, tag = "2")]
        pub shape: Option<super::TensorShapeProto>,
    }

    /// The kinds of values.
    #[derive(Clone, PartialEq, Eq, Hash, Oneof)]
    pub enum Value {
        /// A tensor.
        #[prost(message, tag = "1")]
        TensorType(Tensor),
    }
}
