//! What the owner hands out: a public half that everyone checks by the same digest, and one secret half per role.
//!
//! The digest is BLAKE3 over the very bytes of the public half, which holds a random id and *salted* digests of the
//! secret halves: an unsalted one would let anyone test guesses of a small model.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD as BASE64;
use privet_model::graph::{Graph, Port};
use privet_model::head::Head;
use privet_model::plan::Integers;
use privet_model::tail::Tail;
use privet_mpc::protect::Protect;
use privet_mpc::protocols::{Header, PROTOCOLS, named};
use privet_mpc::request::Layout;
use privet_mpc::role::{PARTIES, Role};
use privet_mpc::run::{PartyConstants, Room, share_constants};
use privet_mpc::unverified::CHECKS;
use privet_mpc::weights::{PartyWeights, share};
use privet_ring::entropy::{Entropy, EntropyFailed, draw};
use privet_tee::statement::{Hex, hex};
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::check::{Planned, dealt_bytes};
use crate::error::{Blame, Error};
use crate::he::bundle::HePart;
use crate::kind::{Kind, Reveal};
use crate::numbers::Numbers;
use crate::prepared::Prepared;
use crate::trust::TrustCard;

/// Bytes that a party takes for one computation that a bundle aims at: a client has several under way, and is not the only one.
const COMPUTED_BYTES: usize = 256 << 20;
/// Bytes of a dealer's tape for one computation that a bundle aims at: a call carries several.
const TAPE_BYTES: usize = 4 << 20;

/// Version of the format below, which is written. Format 3 added the model's version.
pub const FORMAT: u32 = 3;
/// The oldest version that is still read.
pub const OLDEST: u32 = 2;

/// The public half: everything that anyone involved may know.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// [`FORMAT`].
    pub format: u32,
    /// Random, so that two bundles of one model never have the same digest.
    pub id: String,
    /// The model's name.
    pub name: String,
    /// The owner's number of this version of the model; servers have several side by side.
    #[serde(default = "first")]
    pub version: u64,
    /// How it is served.
    pub kind: Kind,
    /// What the client gets.
    pub reveal: Reveal,
    /// What the model takes.
    pub inputs: Vec<Port>,
    /// What the model gives.
    pub outputs: Vec<Port>,
    /// For [`Kind::Mpc`].
    pub mpc: Option<MpcPart>,
    /// For [`Kind::Tee`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tee: Option<TeePart>,
    /// For [`Kind::He`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub he: Option<HePart>,
    /// Salted digests of the secret halves, by role.
    pub secrets: Vec<String>,
}

fn first() -> u64 {
    1
}

/// What a model is called: its name, and the owner's number of this version of it. Where only a name is given, it is the first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Called {
    /// The name.
    pub name: String,
    /// The version.
    pub version: u64,
}

impl<N: Into<String>> From<N> for Called {
    fn from(name: N) -> Self {
        Self { name: name.into(), version: first() }
    }
}

/// The public part of a model served by parties.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MpcPart {
    /// Which protocol.
    pub protocol: String,
    /// What is hidden from the parties.
    pub protect: Protect,
    /// Ranges, bits, bound; and the steps, where there are any.
    pub numbers: Numbers,
    /// What the client does first.
    pub head: Head,
    /// What the client does last.
    pub tail: Tail,
    /// Scores per row.
    pub scores: usize,
    /// Each party's one-line public key, P0 first.
    pub parties: Vec<String>,
    /// Most rows that are computed at once, where that is less than the numbers allow: a dealer sends so much for each,
    /// and parties take so much memory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub most_rows: Option<usize>,
}

/// The public part of a model served by an enclave.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TeePart {
    /// Salted digest of the model, which the enclave states once it has opened it.
    pub model: Hex<32>,
    /// SHA-256 of the sealed file.
    pub sealed: Hex<32>,
    /// The owner's number of this version of the model; the key service refuses one below its floor.
    pub version: u64,
    /// Ed25519 key of the owner's key service: the enclave takes the model's key from nobody else, and believes no other stamp.
    pub keys: Hex<32>,
    /// Ed25519 key that signs clients' tokens; without one anyone may ask.
    pub tokens: Option<Hex<32>>,
    /// Whether the key service may give the model's key to a simulator, and only to one.
    pub simulated: bool,
    /// Bytes of the longest text that an answer can hold: replies are padded for it.
    pub longest_text: usize,
}

/// A manifest with the bytes that its digest is taken over.
#[derive(Clone, Debug, PartialEq)]
pub struct PublicBundle {
    json: String,
    manifest: Manifest,
    digest: [u8; 32],
}

impl PublicBundle {
    /// Seals a manifest: from here on its bytes are fixed.
    pub fn seal(manifest: Manifest) -> Result<Self, Error> {
        let json = serde_json::to_string(&manifest)
            .map_err(|e| Error::new(Blame::Ours, "E900", format!("The manifest cannot be written: {e}.")))?;
        let digest = *blake3::hash(json.as_bytes()).as_bytes();
        Ok(Self { json, manifest, digest })
    }

    /// Reads a public half, and checks that everything in it points at something.
    pub fn parse(json: &str) -> Result<Self, Error> {
        let refuse = |what: String| Error::refused("E231", format!("This bundle cannot be used: {what}"));
        // The format first: a newer one may have fields that this program does not know.
        let Format { format } = serde_json::from_str(json).map_err(|e| refuse(format!("{e}.")))?;
        if !(OLDEST..=FORMAT).contains(&format) {
            let turn = if format > FORMAT {
                "Upgrade the program that reads it."
            } else {
                "Make it again with the program that the owner has now."
            };
            let reads = format!("this program reads {OLDEST} to {FORMAT}");
            return Err(refuse(format!("it has format {format}, {reads}. {turn}")));
        }
        let manifest: Manifest = serde_json::from_str(json).map_err(|e| refuse(format!("{e}.")))?;
        if !manifest.is_sound() {
            return Err(refuse("its parts do not fit each other.".into()));
        }
        let digest = *blake3::hash(json.as_bytes()).as_bytes();
        Ok(Self { json: json.into(), manifest, digest })
    }

    /// The bytes.
    pub fn json(&self) -> &str {
        &self.json
    }

    /// What they say.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// BLAKE3 of the bytes: what all roles agree on.
    pub fn digest(&self) -> [u8; 32] {
        self.digest
    }

    /// The digest in hexadecimal.
    pub fn digest_hex(&self) -> String {
        hex(&self.digest)
    }

    /// The part for parties, if this is a bundle for them.
    pub fn mpc(&self) -> Result<&MpcPart, Error> {
        self.part_of(Kind::Mpc, self.manifest.mpc.as_ref())
    }

    /// The part for an enclave, if this is a bundle for one.
    pub fn tee(&self) -> Result<&TeePart, Error> {
        self.part_of(Kind::Tee, self.manifest.tee.as_ref())
    }

    /// The part for ciphertexts, if this is a bundle for them.
    pub fn he(&self) -> Result<&HePart, Error> {
        self.part_of(Kind::He, self.manifest.he.as_ref())
    }

    fn part_of<'a, T>(&self, wanted: Kind, part: Option<&'a T>) -> Result<&'a T, Error> {
        part.ok_or_else(|| {
            let (is, not) = (self.manifest.kind.name(), wanted.name());
            Error::refused("E231", format!("This bundle is for kind `{is}`, not `{not}`."))
        })
    }

    /// The shape of a request.
    pub fn layout(&self) -> Result<Layout, Error> {
        let part = self.mpc()?;
        Ok(part.layout(self.digest))
    }

    /// Who could see what.
    pub fn trust_card(&self) -> TrustCard {
        let parties = self.manifest.mpc.as_ref().map(|part| (part.header(), part.protect));
        TrustCard::of(self.manifest.kind, parties)
    }
}

#[derive(Deserialize)]
struct Format {
    format: u32,
}

impl Manifest {
    /// What the model is called.
    pub fn called(&self) -> Called {
        Called { name: self.name.clone(), version: self.version }
    }

    fn is_sound(&self) -> bool {
        let only = |there: bool, kind| there == (self.kind == kind);
        only(self.mpc.is_some(), Kind::Mpc)
            && only(self.tee.is_some(), Kind::Tee)
            && only(self.he.is_some(), Kind::He)
            && self.mpc.as_ref().is_none_or(|part| {
                part.is_sound() && self.secrets.len() == PARTIES && self.has(&part.head, &part.tail)
            })
            && self.he.as_ref().is_none_or(|part| {
                part.is_sound() && self.secrets.len() == 1 && self.has(&part.head, &part.tail)
            })
    }

    /// Whether head and tail have the model's own inputs and outputs.
    fn has(&self, head: &Head, tail: &Tail) -> bool {
        self.inputs == head.inputs && self.outputs.iter().eq(tail.outputs.iter().map(|(port, _)| port))
    }
}

impl MpcPart {
    /// The shape of a request for the bundle of this digest.
    pub fn layout(&self, bundle: [u8; 32]) -> Layout {
        let layout = layout(self.header(), &self.numbers, self.protect, self.head.columns.len(), self.scores);
        Layout { bundle, most_rows: self.most_rows.unwrap_or(usize::MAX).min(layout.most_rows), ..layout }
    }

    /// What a party takes to compute, where it runs a program. The rows of a linear model are expanded a few at a time.
    pub fn room(&self) -> Option<Room> {
        match &self.numbers {
            Numbers::Linear(_) => None,
            Numbers::Program(program) => Some(Room::of(program, self.header().finds_cheats)),
        }
    }

    /// Whether party 0 is a dealer that no client meets.
    pub fn has_dealer(&self) -> bool {
        self.header().has_dealer
    }

    /// What the protocol promises.
    pub fn header(&self) -> &'static Header {
        named(&self.protocol).unwrap_or(PROTOCOLS[0])
    }

    /// The first party that clients meet: all later ones are met too.
    pub fn first_met(&self) -> usize {
        usize::from(self.has_dealer())
    }

    fn is_sound(&self) -> bool {
        named(&self.protocol).is_some_and(|h| h.protects.contains(&self.protect))
            && self.parties.len() == PARTIES
            && self.scores > 0
            && !self.head.columns.is_empty()
            && self.head.is_sound()
            && self.tail.is_sound(self.scores)
            && self.numbers.is_sound(self.head.columns.len(), self.scores)
    }
}

/// The shape of a request for a model with these numbers.
pub(crate) fn layout(
    header: &Header,
    numbers: &Numbers,
    protect: Protect,
    columns: usize,
    scores: usize,
) -> Layout {
    let is_checked = header.finds_cheats && matches!(numbers, Numbers::Linear(_));
    Layout {
        bundle: [0; 32],
        protect,
        k: numbers.input_ring(),
        encoded_bits: numbers.encoded_bits(),
        // A bias is one more weight where answers are checked.
        columns: columns + usize::from(is_checked),
        check_rows: if is_checked { CHECKS } else { 0 },
        scores,
        answer_bits: numbers.output_ring(),
        most_rows: numbers.most_rows(),
    }
}

/// The secret half of a party: its share of the model. Wiped on drop, no printing `Debug`.
#[derive(Clone, Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
#[serde(deny_unknown_fields)]
pub struct PartyFile {
    /// The public half, as text.
    pub public: String,
    /// Which party: 0, 1 or 2.
    pub party: u8,
    /// Of this half's digest in the manifest.
    salt: String,
    /// By tensor, by component: base64 of little-endian 64-bit words. Of a linear model the factors, then the bias.
    tensors: Vec<Vec<String>>,
}

/// A party's share of the model.
pub enum PartySecret {
    /// Of a linear model.
    Linear(PartyWeights),
    /// Of a program.
    Program(PartyConstants),
}

privet_ring::not_shown!(PartySecret);

impl std::fmt::Debug for PartyFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PartyFile(party {}, share not shown)", self.party)
    }
}

impl PartyFile {
    /// Reads the file, checks the share against the digest that everyone sees, and opens it.
    pub fn open(&self) -> Result<(PublicBundle, Role, PartySecret), Error> {
        let refuse =
            |what: &str| Error::refused("E230", format!("This party's bundle cannot be used: {what}."));
        let public = PublicBundle::parse(&self.public)?;
        let role = Role::new(self.party.into()).ok_or_else(|| refuse("there is no such party"))?;
        let expected = public.manifest().secrets.get(role.index());
        if expected != Some(&self.digest()) {
            return Err(refuse("its share is not the one that the bundle was made with"));
        }
        let words = |text: &String| words(text).ok_or_else(|| refuse("its share is damaged"));
        let tensor = |parts: &Vec<String>| parts.iter().map(words).collect::<Result<Vec<_>, _>>();
        let mut tensors = self.tensors.iter().map(tensor).collect::<Result<Vec<_>, _>>()?;
        let secret = match (&public.mpc()?.numbers, &mut tensors[..]) {
            (Numbers::Linear(_), [factors, bias]) => {
                PartySecret::Linear(PartyWeights { factors: std::mem::take(factors), bias: bias.concat() })
            }
            (Numbers::Linear(_), _) => return Err(refuse("its share is damaged")),
            (Numbers::Program(_), _) => PartySecret::Program(PartyConstants { tensors }),
        };
        Ok((public, role, secret))
    }

    /// A half whose public half is not there yet.
    pub(crate) fn of_shares(role: Role, salt: String, tensors: &[Vec<Vec<u64>>]) -> Self {
        let tensors = tensors.iter().map(|parts| parts.iter().map(|part| text(part)).collect()).collect();
        Self { public: String::new(), party: role.into(), salt, tensors }
    }

    /// The salted digest, which stands in the public half.
    pub(crate) fn digest(&self) -> String {
        salted_digest(&self.salt, &self.tensors, self.party)
    }
}

/// The digest of a role's secret half, which tells nothing of it to whoever does not know the salt.
pub fn salted_digest<T: AsRef<str>>(salt: &str, tensors: &[Vec<T>], role: u8) -> String {
    let mut hasher = blake3::Hasher::new_derive_key("privet 2026 salted digest of a party's share");
    let length = |n: usize| (n as u64).to_le_bytes();
    hasher.update(&length(salt.len())).update(salt.as_bytes());
    for tensor in tensors {
        hasher.update(&length(tensor.len()));
        for part in tensor {
            hasher.update(&length(part.as_ref().len())).update(part.as_ref().as_bytes());
        }
    }
    hex(hasher.update(&[role]).finalize().as_bytes())
}

pub(crate) fn text(words: &[u64]) -> String {
    let mut bytes: Vec<u8> = words.iter().flat_map(|w| w.to_le_bytes()).collect();
    let text = BASE64.encode(&bytes);
    bytes.zeroize();
    text
}

pub(crate) fn words(text: &str) -> Option<Vec<u64>> {
    let bytes = Zeroizing::new(BASE64.decode(text).ok()?);
    let (words, rest) = bytes.as_chunks::<8>();
    rest.is_empty().then(|| words.iter().map(|&w| u64::from_le_bytes(w)).collect())
}

/// What an owner chooses for a bundle.
#[derive(Clone, Debug)]
pub struct Choices {
    /// What the model is called.
    pub name: Called,
    /// Which protocol the parties run.
    pub protocol: &'static Header,
    /// What is hidden from the parties.
    pub protect: Protect,
    /// What the client gets.
    pub reveal: Reveal,
    /// Each party's one-line public key, P0 first.
    pub parties: Vec<String>,
}

impl Choices {
    fn check(&self) -> Result<(), Error> {
        let Header { name, protects, .. } = self.protocol;
        if protects.contains(&self.protect) {
            return Ok(());
        }
        let has: Vec<_> = protects.iter().map(|protect| format!("`{}`", protect.name())).collect();
        let what = format!(
            "`{name}` does not run with `protect = \"{}\"`, only with {}. Use one of these, or the protocol `replicated3`.",
            self.protect.name(),
            has.join(" or ")
        );
        Err(Error::refused("E235", what))
    }
}

/// A bundle for three parties: a fresh sharing of the model, whatever was shared before.
pub fn for_parties(
    prepared: &Prepared,
    choices: Choices,
    entropy: &mut dyn Entropy,
) -> Result<(PublicBundle, Vec<PartyFile>), Error> {
    match prepared {
        Prepared::Linear(planned) => for_linear(planned, choices, entropy),
        Prepared::Program(p) => {
            let shares = share_constants(&p.constants, choices.protect, entropy).map_err(no_entropy)?;
            let shares = shares.iter().map(|c| Zeroizing::new(c.tensors.clone())).collect();
            let numbers = Numbers::Program(Box::new(p.program.clone()));
            let most_rows = if choices.protocol.has_dealer {
                (TAPE_BYTES / dealt_bytes(p, choices.protect)?.max(1)).max(1)
            } else {
                Room::of(&p.program, choices.protocol.finds_cheats).rows(COMPUTED_BYTES)
            };
            let most_rows = Some(most_rows);
            let (head, tail) = (p.private.head(), p.private.tail());
            let model = Shared { numbers, head, tail, shares, most_rows };
            model.bundle(p.program.scores(), choices, entropy)
        }
    }
}

/// The same for a linear model.
pub fn for_linear(
    planned: &Planned,
    choices: Choices,
    entropy: &mut dyn Entropy,
) -> Result<(PublicBundle, Vec<PartyFile>), Error> {
    let Planned { cut, plan, integers } = planned;
    let shares = if choices.protocol.finds_cheats {
        share(&with_bias_as_weight(integers), choices.protect, entropy)
    } else {
        share(integers, choices.protect, entropy)
    };
    let shares = shares.map_err(no_entropy)?;
    let one = |w: &PartyWeights| Zeroizing::new(vec![w.factors.clone(), vec![w.bias.clone()]]);
    let shares = shares.iter().map(one).collect();
    let numbers = Numbers::Linear(plan.clone());
    let model = Shared { numbers, head: &cut.head, tail: &cut.tail, shares, most_rows: None };
    model.bundle(cut.core.scores(), choices, entropy)
}

/// The same model with a column more, which is 1 in every row.
fn with_bias_as_weight(integers: &Integers) -> Integers {
    let rows = integers.weights.chunks_exact((integers.weights.len() / integers.bias.len().max(1)).max(1));
    let weights = rows.zip(&integers.bias).flat_map(|(row, bias)| row.iter().chain([bias]).copied());
    Integers { weights: weights.collect(), bias: vec![0; integers.bias.len()] }
}

/// A model whose secrets are shared.
struct Shared<'a> {
    numbers: Numbers,
    head: &'a Head,
    tail: &'a Tail,
    /// By party, by tensor, by component.
    shares: Vec<Zeroizing<Vec<Vec<Vec<u64>>>>>,
    most_rows: Option<usize>,
}

impl Shared<'_> {
    fn bundle(
        self,
        scores: usize,
        choices: Choices,
        entropy: &mut dyn Entropy,
    ) -> Result<(PublicBundle, Vec<PartyFile>), Error> {
        choices.check()?;
        let mut files = Vec::new();
        for (role, tensors) in Role::ALL.into_iter().zip(&self.shares) {
            files.push(PartyFile::of_shares(role, random_hex(entropy)?, tensors));
        }
        let part = MpcPart {
            protocol: choices.protocol.name.into(),
            protect: choices.protect,
            numbers: self.numbers,
            head: self.head.clone(),
            tail: self.tail.clone(),
            scores,
            parties: choices.parties,
            most_rows: self.most_rows,
        };
        let public = PublicBundle::seal(Manifest {
            format: FORMAT,
            id: random_hex(entropy)?,
            name: choices.name.name,
            version: choices.name.version,
            kind: Kind::Mpc,
            reveal: choices.reveal,
            inputs: self.head.inputs.clone(),
            outputs: self.tail.outputs.iter().map(|(port, _)| port.clone()).collect(),
            mpc: Some(part),
            tee: None,
            he: None,
            secrets: files.iter().map(PartyFile::digest).collect(),
        })?;
        for file in &mut files {
            file.public.clone_from(&public.json);
        }
        Ok((public, files))
    }
}

/// A bundle for the plain kind: the public half; the server holds the exported file itself.
pub fn for_plain(
    name: impl Into<Called>,
    model: &Graph,
    reveal: Reveal,
    entropy: &mut dyn Entropy,
) -> Result<PublicBundle, Error> {
    unshared((Kind::Plain, None), name.into(), model, reveal, entropy)
}

/// A bundle for an enclave: the public half. The sealed model and the key service's half are made with it.
pub fn for_enclave(
    name: &str,
    model: &Graph,
    reveal: Reveal,
    part: TeePart,
    entropy: &mut dyn Entropy,
) -> Result<PublicBundle, Error> {
    let called = Called { name: name.into(), version: part.version };
    unshared((Kind::Tee, Some(part)), called, model, reveal, entropy)
}

/// The public half of a model that one machine holds as a whole.
fn unshared(
    (kind, tee): (Kind, Option<TeePart>),
    Called { name, version }: Called,
    model: &Graph,
    reveal: Reveal,
    entropy: &mut dyn Entropy,
) -> Result<PublicBundle, Error> {
    PublicBundle::seal(Manifest {
        format: FORMAT,
        id: random_hex(entropy)?,
        name,
        version,
        kind,
        reveal,
        inputs: model.inputs.clone(),
        outputs: model.outputs.iter().map(|(port, _)| port.clone()).collect(),
        mpc: None,
        tee,
        he: None,
        secrets: Vec::new(),
    })
}

pub(crate) fn random_hex(entropy: &mut dyn Entropy) -> Result<String, Error> {
    Ok(hex(&draw::<16>(entropy).map_err(no_entropy)?))
}

/// A request for another bundle than the one that `role` serves.
pub(crate) fn another_bundle(role: &str, own: &[u8; 32], got: &[u8; 32]) -> Error {
    let [own, got] = [own, got].map(|digest| hex(&digest[..4]));
    let what = format!(
        "The request is for bundle {got}…, this {role} serves {own}…. Use the `deployment.toml` that came with the {role}'s \
         bundle, or give the {role} the newer bundle."
    );
    Error::refused("E333", what)
}

/// Without randomness nothing private can be sent.
pub(crate) fn no_entropy(EntropyFailed: EntropyFailed) -> Error {
    Error::new(Blame::Ours, "E901", "The operating system gave no randomness, so nothing was sent.")
}
