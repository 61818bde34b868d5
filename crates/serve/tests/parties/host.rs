//! A model that is a product: each party answers with its summand, after a round with its peers.

use std::sync::Arc;

use privet_deploy::oip::{Host, InferReply, InferRequest, Metadata, RawTensor};
use privet_deploy::{Blame, Error};
use privet_mpc::link::Peers as _;
use privet_mpc::protocols::replicated3::multiply;
use privet_mpc::role::Role;
use privet_mpc::session::Session;
use privet_mpc::world::World;
use privet_serve::peers::Mesh;

use super::{part, point_of};

pub struct Multiplies {
    metadata: Metadata,
    role: Role,
    mesh: Arc<Mesh>,
}

impl Multiplies {
    pub fn new(role: Role, mesh: Arc<Mesh>) -> Self {
        let metadata = Metadata {
            name: "product".into(),
            version: "1".into(),
            platform: "test".into(),
            inputs: Vec::new(),
            outputs: Vec::new(),
            parameters: Vec::new(),
        };
        Self { metadata, role, mesh }
    }
}

impl Host for Multiplies {
    fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    fn waits(&self) -> bool {
        true
    }

    fn infer(&self, request: InferRequest) -> Result<InferReply, Error> {
        let seed = u64::from_le_bytes(request.inputs[0].data[..].try_into().unwrap());
        let failed = |e| Error::new(Blame::Unreachable, "E320", format!("{e}"));
        let links = self.mesh.meet(&point_of(seed)).map_err(failed)?;
        let keys = World::new(1).keys()[self.role.index()].clone();
        let mut session = Session::new(self.role, links, keys, point_of(seed));
        let product = multiply(&mut session, &part(self.role, seed), &part(self.role, seed + 1));
        let summands: Vec<u8> = product.map_err(failed)?.own.iter().flat_map(|z| z.to_le_bytes()).collect();
        let outputs = vec![RawTensor::bytes("z", summands)];
        Ok(InferReply { outputs, ..InferReply::default() })
    }
}
