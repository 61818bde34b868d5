//! Small hosts, and a server of them that can be stopped, killed and started again.
#![allow(
    dead_code,
    missing_docs,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::pedantic
)]

use std::net::SocketAddr;
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper_util::rt::TokioIo;
use privet_deploy::oip::{Host, InferReply, InferRequest, Metadata, Parameter, RawTensor, TensorMetadata};
use privet_deploy::{Blame, Error};
use privet_serve::tls::{pinned_client, server_config};
use privet_serve::{Client, Endpoint, Limits, MachineKey, Registry, Trust, serve};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio::sync::oneshot;

/// Gives back what it was given; does as the parameter `do` says.
pub struct Echo(Metadata);

impl Host for Echo {
    fn metadata(&self) -> &Metadata {
        &self.0
    }

    fn infer(&self, request: InferRequest) -> Result<InferReply, Error> {
        match request.parameters.iter().find(|(key, _)| key == "do").map(|(_, value)| value) {
            Some(Parameter::Text(what)) if what == "panic" => panic!("as asked"),
            Some(Parameter::Text(what)) if what == "sleep" => std::thread::sleep(Duration::from_secs(2)),
            Some(Parameter::Text(what)) => {
                let blame = match what.as_str() {
                    "ours" => Blame::Ours,
                    "usage" => Blame::Usage,
                    "refused" => Blame::Refused,
                    "not_found" => Blame::NotFound,
                    "unreachable" => Blame::Unreachable,
                    _ => Blame::Integrity,
                };
                return Err(Error::new(blame, "E105", format!("Row 17 asked for `{what}`.")));
            }
            _ => {}
        }
        Ok(InferReply { id: String::new(), parameters: request.parameters, outputs: request.inputs })
    }
}

/// The sum of three numbers, and whether it is above zero.
pub struct Sum(Metadata);

impl Host for Sum {
    fn metadata(&self) -> &Metadata {
        &self.0
    }

    fn infer(&self, request: InferRequest) -> Result<InferReply, Error> {
        let [RawTensor { name, datatype, shape, data }] = request.inputs.as_slice() else {
            return Err(Error::usage("E101", "Expected one input, `x`."));
        };
        if name != "x" || datatype != "FP32" || shape.len() != 2 || shape[1] != 3 {
            return Err(Error::usage("E101", "Expected one input, `x`, of FP32 and shape [-1, 3]."));
        }
        let values: Vec<f32> =
            data.chunks_exact(4).map(|c| f32::from_le_bytes(c.try_into().unwrap())).collect();
        if values.iter().any(|value| !value.is_finite()) {
            return Err(Error::refused("E104", "A value of `x` is not a number."));
        }
        let sums: Vec<f32> = values.chunks_exact(3).map(|row| row.iter().sum()).collect();
        let rows = shape[0];
        let outputs = [
            tensor("score", "FP32", &[rows, 1], sums.iter().flat_map(|s| s.to_le_bytes()).collect()),
            tensor(
                "label",
                "INT64",
                &[rows],
                sums.iter().flat_map(|s| i64::from(*s > 0.0).to_le_bytes()).collect(),
            ),
        ];
        let wanted = |name: &str| request.outputs.is_empty() || request.outputs.iter().any(|o| o == name);
        let outputs = outputs.into_iter().filter(|t| wanted(&t.name)).collect();
        Ok(InferReply {
            id: String::new(),
            parameters: vec![("bound".into(), Parameter::Double(0.5))],
            outputs,
        })
    }
}

pub fn tensor(name: &str, datatype: &str, shape: &[i64], data: Vec<u8>) -> RawTensor {
    RawTensor { name: name.into(), datatype: datatype.into(), shape: shape.into(), data: data.into() }
}

pub fn floats(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|v| v.to_le_bytes()).collect()
}

fn metadata(name: &str, inputs: &[(&str, &str, &[i64])], outputs: &[(&str, &str, &[i64])]) -> Metadata {
    let all = |tensors: &[(&str, &str, &[i64])]| {
        let one = |(name, datatype, shape): &(&str, &str, &[i64])| TensorMetadata {
            name: (*name).into(),
            datatype: (*datatype).into(),
            shape: (*shape).into(),
        };
        tensors.iter().map(one).collect()
    };
    Metadata {
        name: name.into(),
        version: "1".into(),
        platform: "privet_plain".into(),
        inputs: all(inputs),
        outputs: all(outputs),
        parameters: vec![
            ("bound".into(), Parameter::Double(0.5)),
            ("digest".into(), Parameter::Text("ab".into())),
        ],
    }
}

pub fn hosts() -> Vec<Arc<dyn Host>> {
    vec![
        Arc::new(Echo(metadata("echo", &[("x", "FP32", &[-1])], &[("x", "FP32", &[-1])]))),
        Arc::new(Sum(metadata(
            "sum",
            &[("x", "FP32", &[-1, 3])],
            &[("score", "FP32", &[-1, 1]), ("label", "INT64", &[-1])],
        ))),
    ]
}

pub struct Running {
    pub address: SocketAddr,
    runtime: Option<Runtime>,
    stop: Option<oneshot::Sender<()>>,
    done: mpsc::Receiver<()>,
}

impl Running {
    pub fn start(key: &MachineKey, certificate: &str, limits: Limits, port: u16) -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let listener = bind(port);
        let address = listener.local_addr().unwrap();
        let tls = server_config(key, certificate).unwrap();
        let registry = Arc::new(Registry::new(hosts()).unwrap());
        let (stop, stopped) = oneshot::channel();
        let (ended, done) = mpsc::channel();
        runtime.spawn(async move {
            let listener = TcpListener::from_std(listener).unwrap();
            serve(listener, tls, registry, limits, async { drop(stopped.await) }).await.unwrap();
            let _ = ended.send(());
        });
        Self { address, runtime: Some(runtime), stop: Some(stop), done }
    }

    /// As if the process had been killed: all sockets close at once.
    pub fn kill(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }

    /// Asks it to stop.
    pub fn stop(&mut self) {
        self.stop.take().unwrap().send(()).unwrap();
    }

    /// Waits until `serve` has returned.
    pub fn join(self) {
        self.done.recv_timeout(Duration::from_secs(10)).unwrap();
    }
}

fn bind(port: u16) -> std::net::TcpListener {
    // The sockets of a killed server may take a moment to go.
    let listener = (0..200).find_map(|_| {
        let listener = std::net::TcpListener::bind(("127.0.0.1", port));
        if listener.is_err() {
            std::thread::sleep(Duration::from_millis(10));
        }
        listener.ok()
    });
    let listener = listener.unwrap();
    listener.set_nonblocking(true).unwrap();
    listener
}

/// Passes connections on to a server until it is cut, or falls silent.
pub struct Relay {
    pub address: SocketAddr,
    task: tokio::task::JoinHandle<()>,
    silent: tokio::sync::watch::Sender<bool>,
}

impl Relay {
    pub async fn to(server: SocketAddr) -> Self {
        Self::at("127.0.0.1:0", server).await
    }

    pub async fn at(here: &str, server: SocketAddr) -> Self {
        let listener = TcpListener::bind(here).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (silent, is_silent) = tokio::sync::watch::channel(false);
        let task = tokio::spawn(async move {
            let mut connections = tokio::task::JoinSet::new();
            loop {
                let (near, _) = listener.accept().await.unwrap();
                let far = TcpStream::connect(server).await.unwrap();
                connections.spawn(pass_on(near, far, is_silent.clone()));
            }
        });
        Self { address, task, silent }
    }

    /// Passes nothing on any more, and closes nothing.
    pub fn fall_silent(&self) {
        self.silent.send_replace(true);
    }

    /// Closes everything.
    pub fn cut(self) {
        self.task.abort();
    }
}

async fn pass_on(mut near: TcpStream, mut far: TcpStream, mut silent: tokio::sync::watch::Receiver<bool>) {
    tokio::select! {
        _ = tokio::io::copy_bidirectional(&mut near, &mut far) => return,
        _ = silent.wait_for(|silent| *silent) => {}
    }
    // Both sockets stay open, as behind a firewall that forgot them.
    std::future::pending().await
}

impl Drop for Running {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A server with a key of its own, and how to reach it.
pub struct World {
    pub key: MachineKey,
    pub certificate: String,
    pub server: Running,
}

impl World {
    pub fn new() -> Self {
        Self::with(Limits::default())
    }

    pub fn with(limits: Limits) -> Self {
        let key = MachineKey::generate("party-1").unwrap();
        let certificate = key.certificate(&[]).unwrap();
        let server = Running::start(&key, &certificate, limits, 0);
        Self { key, certificate, server }
    }

    pub fn endpoint(&self) -> Endpoint {
        Endpoint::new("party-1", self.server.address.to_string(), Trust::Pinned(self.key.public().clone()))
    }

    pub async fn client(&self) -> Client {
        Client::connect(&self.endpoint(), soon()).await.unwrap()
    }

    pub async fn tls(&self, alpn: &[u8]) -> tokio_rustls::client::TlsStream<TcpStream> {
        let mut config = pinned_client(self.key.public(), None).unwrap();
        config.alpn_protocols = vec![alpn.into()];
        let socket = TcpStream::connect(self.server.address).await.unwrap();
        let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
        connector.connect("localhost".try_into().unwrap(), socket).await.unwrap()
    }

    pub async fn rest(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> (StatusCode, HeaderMap, Bytes) {
        let io = TokioIo::new(self.tls(b"http/1.1").await);
        let (mut sender, connection) = hyper::client::conn::http1::handshake(io).await.unwrap();
        tokio::spawn(connection);
        let mut request = Request::builder().method(method).uri(path).header("host", "localhost");
        for (key, value) in headers {
            request = request.header(*key, *value);
        }
        let response = sender.send_request(request.body(Full::new(body.into())).unwrap()).await.unwrap();
        let (head, body) = response.into_parts();
        (head.status, head.headers, body.collect().await.unwrap().to_bytes())
    }

    pub async fn json(&self, method: &str, path: &str, body: &str) -> (u16, serde_json::Value) {
        let (status, _, body) = self.rest(method, path, &[], body.to_owned()).await;
        (status.as_u16(), serde_json::from_slice(&body).unwrap_or(serde_json::Value::Null))
    }
}

pub fn soon() -> Instant {
    Instant::now() + Duration::from_secs(10)
}

pub fn request(model: &str, inputs: Vec<RawTensor>) -> InferRequest {
    InferRequest { model: model.into(), id: "7".into(), inputs, ..Default::default() }
}
