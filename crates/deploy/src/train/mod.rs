//! Training by three parties on rows that data owners share: one agreement, rows as shares, steps, and one model at the end.
//!
//! | module | what it holds |
//! |---|---|
//! | [`agreement`] | `training.toml`: what everyone agreed on before |
//! | [`order`] | which rows a batch has, and which only judge |
//! | [`wire`] | what owners ask of a party, and what it says |
//! | [`now`] | how far it is, at a party |
//! | [`offer`] | an owner's rows at a party |
//! | [`align`] | which rows of several owners belong together |
//! | [`batch`] | the shares of a batch |
//! | [`course`] | which steps, judgements and end a lead may ask for |
//! | [`progress`] | how far a training is, as a party keeps it on disk |
//! | [`host`] | a party |
//! | [`steps`] | what parties compute together |
//! | [`result`] | the model: opened, or as halves of a bundle |
//! | [`owner`] | an owner's side: rows become shares, answers are added up |
//! | [`estimate`] | what a training costs |
//! | [`trust`] | who sees what |

pub mod agreement;
mod align;
mod batch;
pub mod course;
pub mod estimate;
pub mod host;
mod now;
mod offer;
pub mod order;
pub mod owner;
mod progress;
pub mod result;
mod steps;
pub mod store;
pub mod trust;
pub mod wire;
