//! TODO: adapters to tee::release
