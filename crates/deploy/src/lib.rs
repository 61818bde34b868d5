//! The one interface: kinds of deployment, each with its client side and host side, the bundle, and the
//! messages between them. Sans-IO: nothing here opens a socket, reads a clock or a file.
//!
//! | module | what it holds |
//! |---|---|
//! | [`kind`] | plain, mpc, tee, he; what is revealed |
//! | [`caller`] | the client side: [`Caller`](caller::Caller), and how one request becomes messages and an answer |
//! | [`oip`] | the Open Inference Protocol as plain values, and [`Host`](oip::Host), the server side |
//! | [`tensors`] | tensors to and from their bytes in a call |
//! | [`plain`], [`mpc`], [`tee`], [`he`] | both sides of a kind |
//! | [`dealer2`] | two servers and a dealer: tickets, pools, and the roles' both sides |
//! | [`wire`] | a party's message, byte by byte |
//! | [`prepared`], [`numbers`] | a model planned for parties, and what everyone knows of its numbers |
//! | [`train`] | training on rows that owners share: agreement, a party's and an owner's side |
//! | [`bundle`] | what the owner hands out |
//! | [`check`] | what a model needs and costs in each kind |
//! | [`trust`] | who could see what |
//! | [`error`] | errors by whose turn it is |

pub mod bundle;
pub mod caller;
pub mod check;
pub mod dealer2;
pub mod error;
pub mod he;
pub mod kind;
pub mod mpc;
pub mod numbers;
pub mod oip;
pub mod plain;
pub mod prepared;
pub mod reveal;
pub mod tee;
pub mod tensors;
pub mod train;
pub mod trust;
pub mod wire;
mod work;

pub use error::{Blame, Error};
