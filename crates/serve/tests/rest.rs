//! Every REST call, in JSON and in binary, right and wrong.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::needless_pass_by_value)]

mod common;

use std::time::Duration;

use bytes::Bytes;
use common::{World, floats};
use privet_serve::Limits;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

const LENGTH: &str = "Inference-Header-Content-Length";

/// JSON, raw bytes behind it, and the header that says where.
fn binary(head: &Value, raw: &[u8]) -> (String, Bytes) {
    let mut body = serde_json::to_vec(head).unwrap();
    let length = body.len().to_string();
    body.extend_from_slice(raw);
    (length, body.into())
}

fn input(data: Value) -> String {
    json!({ "id": "a7", "inputs": [{ "name": "x", "datatype": "FP32", "shape": [2, 3], "data": data }] })
        .to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn health_and_metadata() {
    let world = World::new();
    for path in
        ["/v2/health/live", "/v2/health/ready", "/v2/models/sum/ready", "/v2/models/sum/versions/1/ready"]
    {
        assert_eq!(world.json("GET", path, "").await.0, 200, "{path}");
    }
    let (_, server) = world.json("GET", "/v2", "").await;
    assert_eq!(server["name"], "privet");
    assert_eq!(server["extensions"], json!(["binary_tensor_data"]));
    let expected = json!({
        "name": "sum", "versions": ["1"], "platform": "privet_plain",
        "inputs": [{ "name": "x", "datatype": "FP32", "shape": [-1, 3] }],
        "outputs": [
            { "name": "score", "datatype": "FP32", "shape": [-1, 1] },
            { "name": "label", "datatype": "INT64", "shape": [-1] },
        ],
        "parameters": { "bound": 0.5, "digest": "ab" },
    });
    for path in ["/v2/models/sum", "/v2/models/sum/versions/1"] {
        assert_eq!(world.json("GET", path, "").await, (200, expected.clone()), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_exist_is_said_in_json() {
    let world = World::new();
    for (method, path, status) in [
        ("GET", "/", 404),
        ("GET", "/v2/model/sum", 404),
        ("GET", "/v2/models/other", 404),
        ("GET", "/v2/models/other/ready", 404),
        ("GET", "/v2/models/sum/versions/2", 404),
        ("GET", "/v2/models/%FF", 400),
        ("GET", "/v2/models/sum/infer", 405),
        ("POST", "/v2", 405),
    ] {
        let (got, body) = world.json(method, path, "").await;
        assert_eq!(got, status, "{method} {path}");
        let code = body["code"].as_str().unwrap();
        assert!(body["error"].as_str().unwrap().starts_with(&format!("{code} ")), "{body}");
    }
    let (status, body) =
        world.json("POST", "/v2/models/other/infer", &input(json!([1, 2, 3, 4, 5, 6]))).await;
    assert_eq!((status, &body["blame"]), (404, &json!("not_found")));
    assert!(body["error"].as_str().unwrap().contains("`echo`, `sum`"), "{body}");
}

#[tokio::test(flavor = "multi_thread")]
async fn json_flat_or_nested_gives_the_same() {
    let world = World::new();
    let expected = json!({
        "model_name": "sum", "model_version": "1", "id": "a7", "parameters": { "bound": 0.5 },
        "outputs": [
            { "name": "score", "datatype": "FP32", "shape": [2, 1], "data": [6.5, -1.0] },
            { "name": "label", "datatype": "INT64", "shape": [2], "data": [1, 0] },
        ],
    });
    for data in [json!([1, 2, 3.5, 0, 0, -1]), json!([[1, 2, 3.5], [0, 0, -1]])] {
        let got = world.json("POST", "/v2/models/sum/versions/1/infer", &input(data)).await;
        assert_eq!(got, (200, expected.clone()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn binary_both_ways_is_the_same_as_json() {
    let world = World::new();
    let raw = floats(&[1., 2., 3.5, 0., 0., -1.]);
    let head = json!({
        "parameters": { "binary_data_output": true },
        "inputs": [{ "name": "x", "datatype": "FP32", "shape": [2, 3], "parameters": { "binary_data_size": 24 } }],
    });
    let (length, body) = binary(&head, &raw);
    let (status, headers, body) =
        world.rest("POST", "/v2/models/sum/infer", &[(LENGTH, &length)], body).await;
    assert_eq!(status, 200);
    let (json, raw) = body.split_at(headers[LENGTH].to_str().unwrap().parse().unwrap());
    let json: Value = serde_json::from_slice(json).unwrap();
    assert_eq!(json["outputs"][0]["parameters"], json!({ "binary_data_size": 8 }));
    assert_eq!(json["outputs"][1]["parameters"], json!({ "binary_data_size": 16 }));
    assert_eq!(json.get("id"), None);
    assert_eq!(raw[..8], floats(&[6.5, -1.]));
    assert_eq!(raw[8..], [1_i64.to_le_bytes(), 0_i64.to_le_bytes()].concat());
}

#[tokio::test(flavor = "multi_thread")]
async fn each_output_goes_out_as_it_was_wanted() {
    let world = World::new();
    let call = json!({
        "inputs": [{ "name": "x", "datatype": "FP32", "shape": [1, 3], "data": [1, 2, 3] }],
        "outputs": [{ "name": "label", "parameters": { "binary_data": true } }],
    });
    let (_, headers, body) = world.rest("POST", "/v2/models/sum/infer", &[], call.to_string()).await;
    let length: usize = headers[LENGTH].to_str().unwrap().parse().unwrap();
    let json: Value = serde_json::from_slice(&body[..length]).unwrap();
    assert_eq!(json["outputs"].as_array().unwrap().len(), 1);
    assert_eq!(body[length..], 1_i64.to_le_bytes());
}

#[tokio::test(flavor = "multi_thread")]
async fn every_datatype_comes_back_as_it_went() {
    let world = World::new();
    for (datatype, data) in [
        ("BOOL", json!([true, false])),
        ("INT8", json!([-128, 127])),
        ("UINT8", json!([0, 255])),
        ("INT16", json!([-32768, 32767])),
        ("UINT16", json!([0, 65535])),
        ("INT32", json!([i32::MIN, i32::MAX])),
        ("UINT32", json!([0, u32::MAX])),
        ("INT64", json!([i64::MIN, i64::MAX])),
        ("UINT64", json!([0, u64::MAX])),
        ("FP32", json!([0.5, null])),
        ("FP64", json!([0.1, 1e300])),
        ("BYTES", json!(["", "Grüße \u{0}\"\\"])),
    ] {
        let call = json!({ "inputs": [{ "name": "x", "datatype": datatype, "shape": [2], "data": data }] });
        let (status, reply) = world.json("POST", "/v2/models/echo/infer", &call.to_string()).await;
        assert_eq!((status, &reply["outputs"][0]["data"]), (200, &data), "{datatype}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn python_words_are_read_and_left_to_the_host() {
    let world = World::new();
    for word in ["NaN", "null", "Infinity", "-Infinity"] {
        let body = input(json!([1, 2, 3, 4, 5, "W"])).replace("\"W\"", word);
        let (status, reply) = world.json("POST", "/v2/models/sum/infer", &body).await;
        assert_eq!(
            (status, &reply["code"], &reply["blame"]),
            (400, &json!("E104"), &json!("refused")),
            "{word}"
        );
    }
    let call = r#"{"inputs": [{"name": "x", "datatype": "FP32", "shape": [1], "data": [Infinity]}]}"#;
    let (status, reply) = world.json("POST", "/v2/models/echo/infer", call).await;
    assert_eq!((status, &reply["code"]), (400, &json!("E151")), "an infinite output has no JSON");
}

#[tokio::test(flavor = "multi_thread")]
async fn malformed_calls_are_400_and_the_server_lives_on() {
    let world = World::new();
    let good: Value = serde_json::from_str(&input(json!([1, 2, 3, 4, 5, 6]))).unwrap();
    let with = |pointer: &str, value: Value| {
        let mut call = good.clone();
        *call.pointer_mut(pointer).unwrap() = value;
        call.to_string()
    };
    let mut extra = good.clone();
    extra["outputs"] = json!([{ "name": "label", "parameters": { "classification": 3 } }]);
    for body in [
        String::new(),
        "{".into(),
        "[]".into(),
        "{}".into(),
        "\u{feff}{}".into(),
        "[".repeat(100_000),
        with("/id", json!(7)),
        with("/inputs", json!([{}])),
        with("/inputs/0/name", json!(7)),
        with("/inputs/0/datatype", json!("FLOAT")),
        with("/inputs/0/shape", json!([2, 4])),
        with("/inputs/0/shape", json!([-2, -3])),
        with("/inputs/0/shape", json!([i64::MAX, i64::MAX])),
        with("/inputs/0/shape", json!("2,3")),
        with("/inputs/0/data", json!([1, 2, 3])),
        with("/inputs/0/data", json!([1, 2, 3, 4, 5, "6"])),
        with("/inputs/0/data", json!([[1, 2], [3, 4], [5, 6]])),
        with("/inputs/0/data", Value::Null),
        extra.to_string(),
    ] {
        let (status, reply) = world.json("POST", "/v2/models/sum/infer", &body).await;
        let shown: String = body.chars().take(200).collect();
        assert_eq!(status, 400, "{shown}");
        assert!(reply["error"].as_str().is_some_and(|e| e.ends_with('.')), "{shown}: {reply}");
    }
    assert_eq!(world.json("POST", "/v2/models/sum/infer", &good.to_string()).await.0, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_binary_sizes_are_400() {
    let world = World::new();
    let head = |size: Value| json!({ "inputs": [{ "name": "x", "datatype": "FP32", "shape": [1, 3], "parameters": { "binary_data_size": size } }] });
    for (size, raw, length) in [
        (json!(12), 11, None),
        (json!(12), 13, None),
        (json!(8), 12, None),
        (json!(-1), 12, None),
        (json!(i64::MAX), 12, None),
        (json!("12"), 12, None),
        (json!(1.5), 12, None),
        (json!(12), 12, Some("1000000")),
        (json!(12), 12, Some("-1")),
        (json!(12), 12, Some("18446744073709551616")),
        (json!(12), 12, Some("twelve")),
        (json!(12), 12, Some("0")),
    ] {
        let (right, body) = binary(&head(size.clone()), &vec![0; raw]);
        let header = length.unwrap_or(&right);
        let (status, _, body) = world.rest("POST", "/v2/models/sum/infer", &[(LENGTH, header)], body).await;
        let reply: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(status, 400, "{size} {raw} {length:?}");
        assert!(reply["error"].is_string(), "{reply}");
    }
    let (_, headers) = (0, [("Content-Encoding", "gzip")]);
    assert_eq!(world.rest("POST", "/v2/models/sum/infer", &headers, "").await.0, 415);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_hosts_errors_and_panics_have_their_status() {
    let world = World::new();
    for (what, status) in [
        ("usage", 400),
        ("refused", 400),
        ("integrity", 400),
        ("not_found", 404),
        ("unreachable", 503),
        ("ours", 500),
        ("panic", 500),
    ] {
        let call = json!({ "parameters": { "do": what }, "inputs": [] });
        let (got, reply) = world.json("POST", "/v2/models/echo/infer", &call.to_string()).await;
        assert_eq!(got, status, "{what}");
        let blame = if what == "panic" { "ours" } else { what };
        assert_eq!(reply["blame"], blame, "{reply}");
    }
    assert_eq!(world.json("GET", "/v2/health/ready", "").await.0, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_request_is_refused_before_it_is_sent() {
    let world = World::with(Limits { message: 1000, ..Limits::default() });
    let mut socket = world.tls(b"http/1.1").await;
    let head = b"POST /v2/models/sum/infer HTTP/1.1\r\nhost: a\r\ncontent-length: 5000000000\r\n\r\n";
    socket.write_all(head).await.unwrap();
    let mut answer = vec![0; 4096];
    let length =
        tokio::time::timeout(Duration::from_secs(1), socket.read(&mut answer)).await.unwrap().unwrap();
    let answer = String::from_utf8_lossy(&answer[..length]).into_owned();
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
    assert!(answer.contains("5000000000") && answer.contains("1000."), "{answer}");

    // One that sends everything first still hears why.
    let (status, _, body) = world.rest("POST", "/v2/models/sum/infer", &[], vec![0; 3 << 20]).await;
    assert_eq!(status, 413, "{body:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chunked_request_is_counted_too() {
    let world = World::with(Limits { message: 1000, ..Limits::default() });
    let mut socket = world.tls(b"http/1.1").await;
    let head = "POST /v2/models/sum/infer HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n";
    let body = format!("3e9\r\n{}\r\n0\r\n\r\n", " ".repeat(1001));
    socket.write_all((head.to_owned() + &body).as_bytes()).await.unwrap();
    let mut answer = vec![0; 4096];
    let length = socket.read(&mut answer).await.unwrap();
    assert!(answer[..length].starts_with(b"HTTP/1.1 413"), "{}", String::from_utf8_lossy(&answer[..length]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_that_says_nothing_is_let_go() {
    let world =
        World::with(Limits { patience: Duration::from_millis(300), connections: 3, ..Limits::default() });
    let raw = tokio::net::TcpStream::connect(world.server.address).await.unwrap();
    let (http1, http2) = (world.tls(b"http/1.1").await, world.tls(b"h2").await);
    // All three places are taken by silent peers; this one waits for the first of them to be let go.
    let asked = tokio::time::timeout(Duration::from_secs(5), world.json("GET", "/v2/health/live", "")).await;
    assert_eq!(asked.unwrap().0, 200);
    drop((raw, http1, http2));

    // A body that never comes.
    let mut socket = world.tls(b"http/1.1").await;
    socket
        .write_all(b"POST /v2/models/sum/infer HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\n")
        .await
        .unwrap();
    let mut answer = vec![0; 4096];
    let length =
        tokio::time::timeout(Duration::from_secs(5), socket.read(&mut answer)).await.unwrap().unwrap();
    assert!(answer[..length].starts_with(b"HTTP/1.1 408"), "{}", String::from_utf8_lossy(&answer[..length]));
}
