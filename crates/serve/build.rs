//! Turns the protocol's `.proto` file into Rust, without `protoc`.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo::rerun-if-changed=proto/open_inference_grpc.proto");
    let descriptors = protox::compile(["proto/open_inference_grpc.proto"], ["proto"])?;
    tonic_prost_build::configure()
        // Tensors stay slices of the buffer they arrived in.
        .bytes(".")
        // Parameters in a stable order.
        .btree_map(".")
        // Messages hold an applicant's values or shares of them.
        .skip_debug(["."])
        .codec_path("crate::codec::ProtoCodec")
        .build_transport(false)
        .emit_rerun_if_changed(false)
        .compile_fds(descriptors)?;
    Ok(())
}
